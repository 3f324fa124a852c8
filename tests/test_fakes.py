"""Runs on fake tensors: what is assumed is never blamed."""

from __future__ import annotations

import pytest

HEAD = "import torch\nfrom torch import nn\nnet = nn.Linear(4, 3)\n"


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        ("n = int(torch.randint(5, 12, (1,)))\nnet(torch.randn(2, n, 4)[:, 2])\n", "not-analysed"),
        ("n = torch.randint(5, 12, (1,)).item()\ntorch.stack([torch.ones(2) for _ in range(n)])\n", "not-analysed"),
        ("x = net(torch.randn(8, 4))\nhits = (x.argmax(1) == torch.zeros(8)).sum().item()\nnet(x)\n", "error"),
        ("x = net(torch.randn(8, 4))\nif x.sum() > 0: x = x * 2\nprint(x.mean().item(), x.tolist(), x.detach().numpy())\n", "clean"),
        ("x = torch.randn(8, 4)\ny = x[x[:, 0] > 0]\nnet(y)\n", "clean"),
        ("x = torch.randn(8, 4)\ny = x[x[:, 0] > 0]\ny + torch.ones(5, 4)\n", "not-analysed"),
        (
            "nn.LazyLinear(2)(torch.randn(3, 5))\nnn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 2)(torch.randn(3, 2, 8))\n",
            "clean",
        ),
        ("x = net(torch.randn(8, 4))\nx[x[:, 0] > 0].sum().backward()\n", "clean"),  # gradients pass what rests on values
        ("nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=2)(torch.randn(2, 3, 8, 8))\n", "error"),
        ("nn.ConvTranspose2d(4, 4, 3, stride=2, output_padding=(1, 0), groups=2)(torch.randn(2, 4, 8, 8))\n", "clean"),
        ("nn.ConvTranspose1d(3, 4, 1, dilation=2, output_padding=1)(torch.randn(3, 8))\n", "clean"),
        # what comes from numbers of the program alone keeps its values
        ("w = (torch.arange(3) * 4 + 4).tolist()\nnn.Sequential(*map(nn.Linear, w, w[1:]))(torch.randn(2, 4))\n", "clean"),
        ("w = (torch.arange(3) * 4 + 4).tolist()\nnn.Sequential(*map(nn.Linear, w, w[1:]))(torch.randn(2, 5))\n", "error"),
        ("keep = torch.ones(6, 6).triu(1).bool()\nassert torch.randn(6, 6)[keep].shape == (15,)\n", "clean"),
        ("keep = torch.ones(6, 6).triu(1).bool()\nnet(torch.randn(6, 6)[keep].view(3, 5))\n", "error"),
        (
            "m = torch.zeros(3)\nm[0] = 4\nassert m.tolist() == [4, 0, 0]\nm[1:] = torch.randn(2)\nnet(torch.randn(int(m.sum()), 4))\n",
            "clean",
        ),
        (
            "p = nn.Parameter(torch.ones(4))\n(net(p * torch.randn(4))).sum().backward()\ntorch.optim.SGD([p]).step()\n"
            "torch.stack([torch.ones(2) for _ in range(int(p.sum()))])\n",
            "not-analysed",
        ),
        ("net.half().float().to('cuda')\nnet(torch.randn(2, 5).cuda())\n", "error"),
    ],
)
def test_fake_run(check, program: str, verdict: str) -> None:  # type: ignore[no-untyped-def]
    report = check.source(HEAD + program, how="fake")
    assert report.how == "fake"
    assert report.verdict == verdict, (report.reason, report.findings)


def test_large_programs_whose_sizes_depend_on_values_run_for_real(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + "big = nn.Linear(12000, 12000)\nn = int(torch.randint(5, 12, (1,)))\nnet(torch.randn(2, n, 4)[:, 2])\n"
    report = check.source(program)
    assert (report.verdict, report.how) == ("clean", "eager")


def test_a_division_by_an_assumed_number_is_made_for_real(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + "big = nn.Linear(12000, 12000)\nx = torch.rand(4) + 1\nprint(6 / int(x.max().item() - 0.2))\n"
    report = check.source(program)
    assert (report.verdict, report.how) == ("clean", "eager")


def test_a_refusal_that_rests_on_an_assumed_branch_is_not_told(check) -> None:  # type: ignore[no-untyped-def]
    """`raise` behind `if labels.max() >= 5` says nothing when the outcome was assumed; a large program is then run for real."""
    program = (
        "import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Linear(30, {wide}), nn.Linear({wide}, 5))\n"
        "y = torch.randint(0, 5, (8,))\nscores = net(torch.randn(8, 30))\n"
        "if y.max() >= 5:\n    raise ValueError('labels below 5')\nnn.functional.cross_entropy(scores, y).backward()\n"
    )
    report = check.source(program.format(wide=8), how="fake", mend=False)
    assert (report.verdict, "labels below 5" in (report.reason or "")) == ("not-analysed", False)
    report = check.source(program.format(wide=4_000_000), mend=False)
    assert (report.verdict, report.how) == ("clean", "eager")
