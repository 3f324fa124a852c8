"""The working programs that are changed: examples, training scripts, and models of torchvision and timm as a user would copy them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from bench.mutant_models import models
from bench.processes import ROOT

# Clean programs among the broken ones of `examples`; those of `examples/right` all are.
CLEAN_EXAMPLES = ("autoencoder_conv", "autoencoder_flatten", "autoencoder_latent", "gan_discriminator", "gan_generator")
# Seconds of training, or hundreds of megabytes of parameters: too slow to be run to their ends some hundred times.
SLOW = ("digits_autoencoder", "digits_cnn", "digits_gan", "digits_vgg", "vgg_features", "transfer_vgg", "simclr_like", "lstm_time_series")


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs to its end. `lines` are those that may be changed: the first so many of the source."""

    name: str  # as it stands in the table; no two are alike
    file: str  # the name of its file when it is run
    source: str
    lines: int
    argv: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # parameters that stay as they are


def programs() -> list[Program]:
    """All of them, in the table's order. Raises `FileNotFoundError` where torchvision or timm is not installed."""
    return [*_examples(), *_scripts(), *_models()]


def _examples() -> Iterator[Program]:
    files = [ROOT / "examples" / f"{name}.py" for name in CLEAN_EXAMPLES]
    for path in [*files, *sorted((ROOT / "examples" / "right").glob("*.py"))]:
        if path.stem not in SLOW:
            source = path.read_text(encoding="utf-8")
            yield Program(str(path.relative_to(ROOT)), path.name, source, source.count("\n"))


def _scripts() -> Iterator[Program]:
    folder = ROOT / "tests" / "scripts"
    for row in tomllib.loads((folder / "slips.toml").read_text(encoding="utf-8"))["script"]:
        path = folder / row["script"]
        if path.stem not in SLOW:
            source = path.read_text(encoding="utf-8")
            yield Program(str(path.relative_to(ROOT)), path.name, source, source.count("\n"), tuple(row.get("args", ())))


def _models() -> Iterator[Program]:
    for model in models():
        yield Program(model.name, model.name.rpartition("/")[2], model.source, model.lines, without=("num_classes",))
