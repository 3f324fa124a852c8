"""Reports and traces made by hand, for the tests of the renderers: nothing here was run."""

from __future__ import annotations

from shapewright.model import Assumption, Event, Failure, ModuleInfo, Number, Span, TensorInfo, Trace
from shapewright.report import Edit, Finding, Fix, Label, Place, Refused, Report, StoryRow, TargetReport

CNN = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(32 * 8 * 8, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)
"""


def span(line: int, column: int, end_column: int, file: str = "model.py", end_line: int | None = None) -> Span:
    return Span(file, line, column, end_line or line, end_column)


def row(line: int | None, op: str, module: str, output: str, remark: str = "", file: str | None = None) -> StoryRow:
    return StoryRow(line, op, module, (), output, remark, file)


def report(*findings: Finding, verdict: str = "error", source: str = CNN, file: str = "model.py") -> Report:
    """A report on one file."""
    target = TargetReport(file, verdict, inputs=("f32[1, 3, 64, 64]",), events=7, findings=findings, sources={file: source})
    return Report((target,), "2.13.0+cpu")


FC1 = Finding(
    slug="linear-in-features",
    severity="error",
    headline="`fc1` expects 2048 input features but receives 8192",
    where=span(19, 20, 31),
    function="SmallCNN.forward",
    module="fc1",
    module_type="Linear",
    torch_message="mat1 and mat2 shapes cannot be multiplied (1x8192 and 2048x128)",
    labels=(
        Label(span(12, 30, 40), "fc1 is built for 32·8·8 = 2048: 32 channels of 8×8"),
        Label(span(18, 13, 32), "32·16·16 = 8192: 32 channels of 16×16"),
        Label(span(19, 20, 31), "x is f32[1, →8192←], fc1 takes [*, →2048←]", primary=True),
    ),
    demand=Place(span(12, 30, 40), "32 * 8 * 8", 2048),
    supply=Place(span(18, 13, 32), "torch.flatten(x, 1)", 8192, "32 * (H // 4) * (W // 4)"),
    story=(
        row(None, "input", "", "f32[1, 3, 64, 64]"),
        row(16, "conv2d", "conv1", "f32[1, 16, 64, 64]"),
        row(16, "max_pool2d", "pool", "f32[1, 16, 32, 32]"),
        row(17, "conv2d", "conv2", "f32[1, 32, 32, 32]"),
        row(17, "max_pool2d", "pool", "f32[1, 32, 16, 16]", "fc1 assumes 8×8 here"),
        row(18, "flatten", "", "f32[1, 8192]"),
    ),
    notes=("with 32×32 images fc1 would fit (32 to 35 pixels do); this run used 64×64",),
    fixes=(
        Fix(
            "build fc1 for 64×64 images",
            (Edit(span(12, 30, 40), "32 * 16 * 16"),),
            diff=(
                "--- a/model.py\n+++ b/model.py\n@@ -11,3 +11,3 @@\n         self.pool = nn.MaxPool2d(2)\n"
                "-        self.fc1 = nn.Linear(32 * 8 * 8, 128)\n+        self.fc1 = nn.Linear(32 * 16 * 16, 128)\n"
                "         self.fc2 = nn.Linear(128, 10)\n"
            ),
            consequence="runs for batch 1, 2, 3 → [B, 10]; parameters 0.27 M → 1.06 M",
            batches=(1, 2, 3),
            outputs=("f32[1, 10]",),
            parameters=(268_650, 1_055_082),
            keeps_checkpoint=False,
        ),
        Fix(
            "pool to 8×8 before flatten",
            (Edit(span(18, 1, 1), "        x = F.adaptive_avg_pool2d(x, 8)\n"),),
            diff=(
                "--- a/model.py\n+++ b/model.py\n@@ -17,2 +17,3 @@\n         x = self.pool(F.relu(self.conv2(x)))\n"
                "+        x = F.adaptive_avg_pool2d(x, 8)\n         x = torch.flatten(x, 1)\n"
            ),
            consequence="runs for batch 1, 2, 3, and for 32×32; parameters unchanged",
            batches=(1, 2, 3),
        ),
        Fix("feed 32×32 images", (), applicability="idea", consequence="runs → [1, 10]; no change in the model"),
    ),
    refused=(Refused("x.view(-1, 2048)", "turns a batch of 1 into 4"),),
    more_fixes=3,
)


# -------------------------------------------------------------------------------------------------------------- a trace


def tensor(*shape: int, name: str = "", dtype: str = "float32") -> TensorInfo:
    """A parameter when it has a name, else an activation."""
    return TensorInfo(shape, dtype, name=name, kind="parameter" if name else "activation")


def _module(index: int, path: str, type: str, parameters: dict[str, tuple[int, ...]], parent: int | None = 0) -> ModuleInfo:
    return ModuleInfo(index, path, type, parameters=parameters, library=parent is not None, parent=parent)


def event(index: int, op: str, line: int, args: tuple, output: TensorInfo | None, module: int | None = 0, **more) -> Event:
    return Event(index, op, args, output=(output,) if output else (), span=span(line, 13, 20), module=module, **more)


MODULES = (
    _module(0, "", "SmallCNN", {}, None),
    _module(1, "conv1", "Conv2d", {"weight": (16, 3, 3, 3), "bias": (16,)}),
    _module(2, "pool", "MaxPool2d", {}),
    _module(3, "head", "Sequential", {}),
    _module(4, "head.0", "Linear", {"weight": (128, 2048), "bias": (128,)}, 3),
    _module(5, "head.1", "ReLU", {}, 3),
    _module(6, "head.2", "Linear", {"weight": (128, 128), "bias": (128,)}, 3),
)
IMAGE = TensorInfo((1, 3, 64, 64), name="x", kind="input")
_CONV = (IMAGE, tensor(16, 3, 3, 3, name="conv1.weight"), tensor(16, name="conv1.bias"))
_HEAD0 = (tensor(128, 2048, name="head.0.weight"), tensor(128, name="head.0.bias"))
_HEAD2 = (tensor(128, 128, name="head.2.weight"), tensor(128, name="head.2.bias"))

FITTING = Trace(
    events=(
        event(0, "conv2d", 16, _CONV, tensor(1, 16, 64, 64), 1),
        event(1, "max_pool2d", 16, (tensor(1, 16, 64, 64), Number(2)), tensor(1, 16, 32, 32), 2),
        event(2, "adaptive_avg_pool2d", 17, (tensor(1, 16, 32, 32), Number(8)), tensor(1, 16, 8, 16)),
        event(3, "flatten", 18, (tensor(1, 16, 8, 16), Number(1)), tensor(1, 2048)),
        event(4, "linear", 19, (tensor(1, 2048), *_HEAD0), tensor(1, 128), 4),
        event(5, "relu", 19, (tensor(1, 128),), tensor(1, 128), 5),
        event(6, "linear", 19, (tensor(1, 128), *_HEAD2), tensor(1, 128), 6),
        event(7, "linear", 20, (tensor(1, 128), *_HEAD2), tensor(1, 128), 6, call_number=2),
        event(8, "add", 20, (tensor(1, 128), tensor(1, 128)), tensor(1, 128), 0, call="operator"),
    ),
    modules=MODULES,
    inputs=("f32[1, 3, 64, 64]",),
    output=(tensor(1, 128),),
    total_events=9,
    torch_version="2.13.0+cpu",
)
FITTING_COSTS = (1_769_472, 0, 0, 0, 262_144, 0, 16_384, 16_384, 0)

FAILING = Trace(
    events=(
        *FITTING.events[:2],
        event(2, "flatten", 18, (tensor(1, 16, 32, 32), Number(1)), tensor(1, 16384)),
        event(
            3, "linear", 19, (tensor(1, 16384), *_HEAD0), None, 4,
            failure=Failure("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (1x16384 and 2048x128)"),
        ),
    ),
    modules=MODULES,
    failures=(3,),
    inputs=("f32[1, 3, 64, 64]",),
    total_events=4,
    assumed=(Assumption("pretrained weights are not needed for shapes", 3, "model.py"),),
)  # fmt: skip
FAILING_COSTS = (1_769_472, 0, 0, 0)
