"""The working programs whose numbers are changed: examples, training scripts, and torchvision's models as a user would copy them.

A model's file is read from the installed torchvision at run time: relative imports become absolute ones, the decorators that register the
model with torchvision go, and a few lines at the end build the model small and call it. Nothing of torchvision is kept here.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ROOT

# Clean programs among the broken ones of `examples`; those of `examples/right` all are.
CLEAN_EXAMPLES = ("autoencoder_conv", "autoencoder_flatten", "autoencoder_latent", "gan_discriminator", "gan_generator")
# Seconds of training, or hundreds of megabytes of parameters: too slow to be run to their ends some hundred times.
SLOW = ("digits_autoencoder", "digits_cnn", "digits_gan", "digits_vgg", "vgg_features", "transfer_vgg", "simclr_like", "lstm_time_series")

# torchvision's file → the lines that build its model and call it. Trained for one step where that works with two small images.
_TRAIN = "scores = model(torch.randn(2, 3, {pixels}, {pixels}))\nnn.functional.cross_entropy(scores, torch.tensor([1, 2])).backward()\n"
_EVAL = "model.eval()\nwith torch.no_grad():\n    print(model(torch.randn(2, 3, {pixels}, {pixels})).shape)\n"
MODELS = {
    "alexnet": "model = AlexNet(num_classes=10)\n" + _EVAL.format(pixels=96),
    "densenet": "model = DenseNet(8, (2, 2, 2), 16, num_classes=10)\n" + _TRAIN.format(pixels=64),
    "googlenet": "model = GoogLeNet(num_classes=10, aux_logits=False, init_weights=False)\n" + _TRAIN.format(pixels=64),
    "mnasnet": "model = MNASNet(0.5, num_classes=10)\n" + _TRAIN.format(pixels=64),
    "mobilenetv2": "model = MobileNetV2(num_classes=10, width_mult=0.5)\n" + _TRAIN.format(pixels=64),
    "resnet": "model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=10)\n" + _TRAIN.format(pixels=64),
    "resnet_bottleneck": "model = ResNet(Bottleneck, [1, 1, 1, 1], num_classes=10, groups=2)\n" + _EVAL.format(pixels=64),
    "shufflenetv2": "model = shufflenet_v2_x0_5(num_classes=10)\n" + _TRAIN.format(pixels=64),
    "squeezenet": "model = SqueezeNet('1_1', num_classes=10)\n" + _TRAIN.format(pixels=64),
    "vgg": "model = VGG(make_layers(cfgs['A'], batch_norm=True), num_classes=10, init_weights=False)\n" + _EVAL.format(pixels=64),
    "vision_transformer": "model = VisionTransformer(32, 8, 2, 4, 48, 96, num_classes=10)\n" + _TRAIN.format(pixels=32),
    "convnext": "model = ConvNeXt([CNBlockConfig(24, 48, 1), CNBlockConfig(48, None, 1)], num_classes=10)\n" + _TRAIN.format(pixels=64),
}  # fmt: skip
_FILES = {"resnet_bottleneck": "resnet"}
_ABSOLUTE = (("from ..", "from torchvision."), ("from .", "from torchvision.models."))


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
    """All of them, in the table's order. Raises `FileNotFoundError` where torchvision is not installed."""
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
    spec = importlib.util.find_spec("torchvision")  # finding is not importing: beside some torches torchvision cannot be imported
    if spec is None or spec.origin is None:
        raise FileNotFoundError("torchvision is not installed")
    for name, tail in MODELS.items():
        file = Path(spec.origin).with_name("models") / f"{_FILES.get(name, name)}.py"
        source = as_user(file.read_text(encoding="utf-8"))
        whole = f"{source}\n\nimport torch\nfrom torch import nn\n\n{tail}"
        yield Program(f"torchvision/{name}.py", f"{name}.py", whole, source.count("\n"), without=("num_classes",))


def as_user(source: str) -> str:
    """The text of a file of `torchvision.models` as one that stands alone; every other line stays, so that line numbers do, too."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            old, new = _ABSOLUTE[0 if node.level == 2 else 1]
            lines[node.lineno - 1] = lines[node.lineno - 1].replace(old, new, 1)
        elif isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if re.match(r"(register_model|handle_legacy_interface)\(", ast.unparse(decorator)):
                    for number in range(decorator.lineno, (decorator.end_lineno or decorator.lineno) + 1):
                        lines[number - 1] = "\n"
    return "".join(lines)
