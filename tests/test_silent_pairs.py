"""A generator and a discriminator that are tried together after the run, and what a program's words say of its models."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shapewright import session
from shapewright.reason import analyze
from shapewright.reason.silent import purpose
from shapewright.report import TargetReport

PAIR = """
import torch
from torch import nn


class Generator(nn.Module):
    def __init__(self, out=24):
        super().__init__()
        self.layer = nn.Linear(8, out)

    def forward(self, z):
        return self.layer(z)


class Discriminator(nn.Module):
    def __init__(self, features=20):
        super().__init__()
        self.layer = nn.Linear(features, 1)

    def forward(self, rows):
        return self.layer(rows)


generator, discriminator = Generator(), Discriminator()
generator(torch.randn(6, 8))
scores = discriminator(torch.randn(6, 20))
"""


def observed(check, text: str, **options: object):  # type: ignore[no-untyped-def]
    (check.folder / "pair.py").write_text(text)
    return check.worker.observe(replace(check.request("pair.py"), probe=True, **options))


@pytest.mark.parametrize("how", ["auto", "fake"])
def test_the_failure_is_not_the_programs_own(check, how: str) -> None:  # type: ignore[no-untyped-def]
    trace = observed(check, PAIR, how=how)
    assert trace.failures == trace.tried != ()
    assert trace.stop is None
    assert analyze.conflicts(trace) == []
    event, clash = analyze.suspicions(trace)[0]
    assert (event.op, event.span.line if event.span else 0) == ("linear", 21)
    assert (clash.slug, clash.shown_as, clash.severity) == ("linear-in-features", "generator-discriminator", "warning")
    assert clash.got is not None and clash.got.tensor is not None
    assert trace.events[clash.got.tensor.source or 0].span.line == 12  # the generator's layer made it, as far as the search for fixes goes


def test_other_silent_faults_are_still_seen(check) -> None:  # type: ignore[no-untyped-def]
    text = PAIR + "loss = nn.functional.mse_loss(scores, torch.ones(6))\nloss.backward()\n"
    report = check.source(text, mend=False)
    assert [finding.slug for finding in report.findings if finding.severity == "warning"] == ["loss-broadcast", "generator-discriminator"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("torch.randn(6, 20)", "torch.cat([torch.randn(6, 16), torch.randn(6, 4)], 1)"),  # something was joined to the sample
        ("discriminator(torch.randn(6, 20))", "discriminator(nn.Linear(5, 20)(torch.randn(6, 5)))"),  # features
        ("class Generator", "class Predictor"),
        ("generator(torch.randn(6, 8))", "discriminator(generator(torch.randn(6, 8))[:, :20])"),  # the program does it itself
    ],
)
def test_no_pair(check, old: str, new: str) -> None:  # type: ignore[no-untyped-def]
    text = PAIR.replace(old, new)
    if old == "class Generator":
        text = text.replace("Generator()", "Predictor()").replace("generator", "predictor")
    trace = observed(check, text)
    assert trace.tried == ()
    assert trace.assumed == ()


def test_a_batch_of_its_own_is_no_misfit(check) -> None:  # type: ignore[no-untyped-def]
    text = PAIR.replace("out=24", "out=20").replace("return self.layer(rows)", "return self.layer(rows.view(6, -1))")
    trace = observed(check, text.replace("torch.randn(6, 8)", "torch.randn(4, 8)"))
    assert trace.tried == ()
    assert [note.what for note in trace.assumed] == ["fed `Discriminator` with what `Generator` makes: [4, 20]"]


@pytest.mark.parametrize("name", ["Autoencoder", "ConvAutoEncoder", "auto_encoder", "VAE", "BetaVAE", "VQVAE", "ConvAE", "dae"])
def test_names_of_autoencoders(name: str) -> None:
    assert purpose.names_autoencoder(name)


@pytest.mark.parametrize("name", ["EncoderDecoder", "MaskedAutoencoderViT", "MAE", "VAEDecoder", "AutoencoderEncoder", "Aerial", "UNet"])
def test_names_of_other_models(name: str) -> None:
    assert not purpose.names_autoencoder(name)


# ---------------------------------------------------------------------------------------------------------- over two targets

MAKES = PAIR[: PAIR.index("class Discriminator")] + "Generator()(torch.randn(6, 8))\n"
JUDGES = "import torch\nfrom torch import nn\n\n" + PAIR[PAIR.index("class Discriminator") : PAIR.index("generator, disc")]
JUDGES += "Discriminator()(torch.randn(6, 20))\n"


def together(check, *texts: str) -> list[TargetReport]:  # type: ignore[no-untyped-def]
    for number, text in enumerate(texts):
        (check.folder / f"part{number}.py").write_text(text)
    requests = [check.request(f"part{number}.py") for number in range(len(texts))]
    return list(session.report(requests, check.worker.observe).targets)


def test_two_targets_that_fit(check) -> None:  # type: ignore[no-untyped-def]
    makes, judges = together(check, MAKES.replace("out=24", "out=20"), JUDGES)
    assert (makes.verdict, judges.verdict) == ("clean", "clean")
    assert "fed `Discriminator` with what `Generator` of another target makes: [6, 20]" in [one.what for one in judges.assumed]


def test_two_targets_that_do_not_fit(check) -> None:  # type: ignore[no-untyped-def]
    judges, makes = together(check, JUDGES, MAKES)
    assert (makes.verdict, judges.verdict) == ("clean", "warning")
    (finding,) = judges.findings
    assert (finding.slug, finding.severity) == ("generator-discriminator", "warning")
    assert finding.fixes[0].edits[0].new == "24"


def test_in_a_folder_nothing_says_which_belong_together(check) -> None:  # type: ignore[no-untyped-def]
    assert [one.verdict for one in together(check, MAKES, JUDGES, MAKES)] == ["clean"] * 3


def test_a_class_that_needs_arguments_is_left_alone(check) -> None:  # type: ignore[no-untyped-def]
    needs = JUDGES.replace("self, features=20", "self, features").replace("Discriminator()", "Discriminator(20)")
    assert [one.verdict for one in together(check, MAKES, needs)] == ["clean", "clean"]
