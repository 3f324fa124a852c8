"""The real models: every builder that torchvision registers, and the smallest few of each module of timm, as data.

A `Model` is two pieces of Python: what builds it and what it is given. Both sides, shapewright and plain PyTorch, run the same text. timm's
models are listed in `bench/data/timm_models.txt`; `python -m bench.models_catalogue` writes the list anew by the rule in `smallest`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from bench.quiet_programs import package

LIST = ROOT / "bench" / "data" / "timm_models.txt"
TIMM_MODELS = 320
SAMPLE = 40


@dataclass(frozen=True, slots=True)
class Model:
    """How one model is built and called: Python text, in which `torch` is there."""

    group: str
    family: str  # models of one family share most of their code
    name: str
    build: str  # statements that end in `model = …`
    inputs: str  # the arguments of its call

    @property
    def program(self) -> str:
        """The script that a user would write."""
        call = f"model.eval()\nwith torch.no_grad():\n    out = model({self.inputs})\n"
        return f"import torch\n{self.build}\n{call}"


# --- torchvision ---------------------------------------------------------------------------------------------------------------

_IMAGE = "torch.rand(1, 3, {pixels}, {pixels})"
_CLIP = "torch.rand(1, 3, 16, {pixels}, {pixels})"
_PHOTO = "[torch.rand(3, 300, 400)]"
_FRAMES = "torch.rand(1, 3, 128, 160), torch.rand(1, 3, 128, 160)"
# folder below `models` → its group, what the builders are given beside `weights`, what the model is given
_KINDS = {
    "": ("classification", "", _IMAGE),
    "segmentation": ("segmentation", ", weights_backbone=None", _IMAGE),
    "detection": ("detection", ", weights_backbone=None", _PHOTO),
    "video": ("video", "", _CLIP),
    "optical_flow": ("optical flow", "", _FRAMES),
    "quantization": ("quantizable", "", _IMAGE),
}
# What a model needs beyond that, and its pixels; the longest beginning of "folder/name" counts.
_SIZES = {
    "": ("", 224),
    "/inception": (", init_weights=False", 299),
    "/googlenet": (", init_weights=False", 224),
    "quantization/inception": (", init_weights=False", 299),
    "quantization/googlenet": (", init_weights=False", 224),
    "video/r": ("", 112),
    "video/mc3": ("", 112),
}
_TORCHVISION = "from torchvision import models\n\ntorch.manual_seed(0)\nmodel = models.{name}(weights=None{more})"


def torchvision() -> Iterator[Model]:
    """Every registered builder; the quantizable ones once as they come and once made into int8. Or ModuleNotFoundError."""
    folder = package("torchvision") / "models"
    for kind, (group, options, inputs) in _KINDS.items():
        for name, file in _builders(folder / kind):
            more, pixels = _SIZES[max((start for start in _SIZES if f"{kind}/{name}".startswith(start)), key=len)]
            path = f"{kind}.{name}" if kind else name
            given = inputs.format(pixels=pixels)

            build = _TORCHVISION.format(name=path, more=options + more)
            yield Model(f"torchvision, {group}", file, path, build, given)
            if kind == "quantization":
                build = _TORCHVISION.format(name=path, more=f"{more}, quantize=True")
                yield Model("torchvision, quantized to int8", file, f"{path}, int8", build, given)


def _builders(folder: Path) -> Iterator[tuple[str, str]]:
    """The functions of the folder's files that torchvision registers as its models, with the name of their file."""
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any("register_model" in ast.unparse(one) for one in node.decorator_list):
                yield node.name, path.stem


# --- timm ----------------------------------------------------------------------------------------------------------------------

_TIMM = 'import timm\n\ntorch.manual_seed(0)\nmodel = timm.create_model("{name}", pretrained=False)'


def timm() -> Iterator[Model]:
    """The listed ones. Raises `ModuleNotFoundError` where timm is not installed."""
    package("timm")
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            module, name, size = line.split()[:3]
            height, width = size.split("x")
            yield Model("timm", module, name, _TIMM.format(name=name), f"torch.rand(1, 3, {height}, {width})")


@dataclass(frozen=True, slots=True)
class Counted:
    """One of timm's models, as the rule sees it."""

    module: str
    name: str
    parameters: int
    size: tuple[int, int]


def smallest(models: Iterable[Counted], number: int = TIMM_MODELS) -> list[Counted]:
    """From each module in turn the model with the fewest parameters that is left, until there are enough.

    A name that differs from a smaller model's only in digits behind the last `_` is the same architecture for another image size. timm's
    models for its own tests are left out.
    """
    queues: dict[str, list[Counted]] = {}
    seen: set[str] = set()
    for model in sorted(models, key=lambda one: (one.parameters, one.name)):
        stem = re.sub(r"_\d{3}$", "", model.name)
        if not model.name.startswith("test_") and stem not in seen:
            seen.add(stem)
            queues.setdefault(model.module, []).append(model)
    chosen: list[Counted] = []
    while len(chosen) < number and any(queues.values()):
        for module in sorted(queues):
            if queues[module] and len(chosen) < number:
                chosen.append(queues[module].pop(0))
    return sorted(chosen, key=lambda one: (one.module, one.parameters, one.name))


# --- the sample ----------------------------------------------------------------------------------------------------------------


def spread(models: Sequence[Model], number: int = SAMPLE) -> list[Model]:
    """A sample over all groups and families, by rule: half of it is torchvision's, of every group as many, the rest is timm's.

    In a group the families stand in order of their names and are taken at equal distances, each with its first model.
    """
    groups: dict[str, dict[str, Model]] = {}
    for model in models:
        groups.setdefault(model.group, {}).setdefault(model.family, model)
    others = [group for group in groups if group != "timm"]
    chosen: list[Model] = []
    for group in others:
        chosen += _apart(groups[group], -(-number // (2 * len(others))))
    return chosen + _apart(groups.get("timm", {}), number - len(chosen))


def _apart(families: Mapping[str, Model], number: int) -> list[Model]:
    names = sorted(families)
    number = min(number, len(names))
    return [families[names[at * len(names) // number]] for at in range(number)]


# --- writing timm's list -------------------------------------------------------------------------------------------------------


def counted() -> Iterator[Counted]:
    """Every model of the installed timm, built once with weights that nothing has filled."""
    from bench import models_ops

    models_ops.declare()
    import timm
    import torch

    def untouched(tensor: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        return tensor

    for name in [name for name in dir(torch.nn.init) if name.endswith("_") and not name.startswith("_")]:
        setattr(torch.nn.init, name, untouched)
    for place in [one for name, one in sys.modules.items() if name.startswith("timm")]:
        for name in ("trunc_normal_", "trunc_normal_tf_", "lecun_normal_", "variance_scaling_"):
            if hasattr(place, name):
                setattr(place, name, untouched)
    for module in timm.list_modules():
        for name in timm.list_models(module=module):
            try:
                model = timm.create_model(name, pretrained=False)
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}"[:200], file=sys.stderr, flush=True)
                continue
            settings: Any = model.default_cfg
            _, height, width = settings.get("input_size", (3, 224, 224))
            yield Counted(module, name, sum(one.numel() for one in model.parameters()), (height, width))


def written(models: Iterable[Counted], path: Path, version: str) -> None:
    """The list as a file of lines: module, name, pixels, parameters."""
    head = f"# module, model, pixels and parameters: the smallest models of each module of timm {version}; see bench/models_catalogue.py\n"
    lines = [f"{one.module} {one.name} {one.size[0]}x{one.size[1]} {one.parameters}\n" for one in models]
    path.write_text(head + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    from importlib.metadata import version

    written(smallest(counted()), LIST, version("timm"))
