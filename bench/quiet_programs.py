"""Programs that are right: the tricky cases, the training scripts, and all models of torchvision that classify or segment images.

A model's program builds it without weights, looks at it in evaluation mode and trains it for one step, as a user would write that. The
names are read from the installed torchvision's source, so that none is left out.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ROOT


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is right, and how it is checked."""

    group: str
    name: str
    file: str  # the name of its file when it is checked
    source: str
    target: str = ""  # a name in the file; "" for the script
    inputs: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    init: str = ""


def tricky() -> Iterator[Program]:
    """Correct programs that look like faults, or that are hard to run dry."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        casefile = importlib.import_module("casefile")
    finally:
        sys.path.remove(str(ROOT / "tests"))
    for case in casefile.cases():
        if case.slug == "clean":
            given = dict(zip(case.args, case.args[1:], strict=False))
            inputs = tuple(word for flag, word in zip(case.args, case.args[1:], strict=False) if flag == "--input")
            argv = case.args[case.args.index("--") + 1 :] if "--" in case.args else ()
            file = f"{case.name.replace('-', '_')}.py"
            yield Program("tricky programs", case.name, file, case.program, case.target, inputs, argv, given.get("--init", ""))


def scripts() -> Iterator[Program]:
    """Whole training scripts of the kinds that people publish."""
    folder = ROOT / "tests" / "scripts"
    for row in tomllib.loads((folder / "slips.toml").read_text(encoding="utf-8"))["script"]:
        path = folder / row["script"]
        yield Program("training scripts", path.stem, path.name, path.read_text(encoding="utf-8"), argv=tuple(row.get("args", ())))


# --- torchvision ---------------------------------------------------------------------------------------------------------------

# What a model needs beyond `num_classes`, and the pixels of its images; the longest beginning of its name counts.
_SIZES = {
    "": ("", 64),
    "inception": (", init_weights=False", 299),
    "googlenet": (", init_weights=False", 64),
    "maxvit": ("", 224),
    "vit": (", image_size=64", 64),
    "vit_h_14": (", image_size=56", 56),
}
_CLASSIFY = """\
import torch
import torch.nn.functional as F
from torchvision import models

torch.manual_seed(0)
model = models.{name}(weights=None, num_classes=10{more})
images = torch.randn(2, 3, {pixels}, {pixels})
labels = torch.randint(0, 10, (2,))

model.eval()
with torch.no_grad():
    print(model(images).argmax(dim=1))

model.train()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
optimizer.zero_grad()
{loss}
loss.backward()
optimizer.step()
print(loss.item())
"""
_LOSS = "loss = F.cross_entropy(model(images), labels)"
# Models that give further scores while they are trained.
_AUXILIARY = {
    "googlenet": """\
scores, second, first = model(images)
loss = F.cross_entropy(scores, labels) + 0.3 * (F.cross_entropy(second, labels) + F.cross_entropy(first, labels))""",
    "inception_v3": """\
scores, auxiliary = model(images)
loss = F.cross_entropy(scores, labels) + 0.4 * F.cross_entropy(auxiliary, labels)""",
}
_SEGMENT = """\
import torch
from torch import nn
from torchvision.models import segmentation

torch.manual_seed(0)
model = segmentation.{name}(weights=None, weights_backbone=None, num_classes=5)
images = torch.randn(2, 3, 64, 64)
masks = torch.randint(0, 5, (2, 64, 64))

model.eval()
with torch.no_grad():
    print(model(images)["out"].argmax(dim=1).shape)

model.train()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
optimizer.zero_grad()
out = model(images)
loss = criterion(out["out"], masks)
loss.backward()
optimizer.step()
print(loss.item())
"""


def torchvision() -> Iterator[Program]:
    """Raises `ModuleNotFoundError` where torchvision is not installed."""
    folder = package("torchvision") / "models"
    for name in _registered(folder):
        more, pixels = _SIZES[max((start for start in _SIZES if name.startswith(start)), key=len)]
        source = _CLASSIFY.format(name=name, more=more, pixels=pixels, loss=_AUXILIARY.get(name, _LOSS))
        yield Program("torchvision, classification", name, f"{name}.py", source)
    for name in _registered(folder / "segmentation"):
        yield Program("torchvision, segmentation", name, f"{name}.py", _SEGMENT.format(name=name))


def package(name: str) -> Path:
    """The folder of an installed package. It is not imported: beside some torches torchvision cannot be."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed")
    return Path(spec.origin).parent


def _registered(folder: Path) -> list[str]:
    """The functions of the folder's files that torchvision lists as its models."""
    names = []
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(ast.unparse(one).startswith("register_model(") for one in node.decorator_list):
                names.append(node.name)
    return names
