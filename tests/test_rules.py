"""What the rules say of failed calls: a table of calls, with the slug, the headline and the two numbers.

Made of plain data, without torch; that the rules agree with torch is the matter of test_rules_differential.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import shapewright.reason.rules as rules
from shapewright.model import SHORT_DTYPES, Event, Failure, ModuleInfo, Number, Size, TensorInfo, Value
from shapewright.reason.rules import demand, diagnose, say
from shapewright.reason.scene import Scene

LONG_DTYPES = {short: long for long, short in SHORT_DTYPES.items()}


def t(*shape: int, **known: Any) -> TensorInfo:
    return TensorInfo(shape, **known)


def i(*shape: int, low: int | None = None, high: int | None = None) -> TensorInfo:
    return TensorInfo(shape, "int64", lowest=low, highest=high)


def mask(*shape: int) -> TensorInfo:
    return TensorInfo(shape, "bool")


def p(*shape: int, name: str = "layer.weight") -> TensorInfo:
    return TensorInfo(shape, kind="parameter", name=name)


def plain(value: Any) -> Value:
    if isinstance(value, tuple | list):
        return tuple(plain(item) for item in value)
    return Number(value) if isinstance(value, int) and not isinstance(value, bool) else value


def module(path: str, type_: str, library: bool = True, **settings: Any) -> ModuleInfo:
    return ModuleInfo(0, path, type_, {key: plain(value) for key, value in settings.items()}, library=library)


def call(
    op: str, *args: Any, by: ModuleInfo | None = None, names: tuple[str, ...] = (), error: str | None = "RuntimeError", **more: Any
) -> Scene:
    """A failed call. `by` is the module; further keywords are the call's own, but for those of `Event`."""
    own = {key: more.pop(key) for key in ("call", "inplace", "training") if key in more}
    failure = Failure(error, "", dtype_only=more.pop("dtype_only", False)) if error else None
    kwargs = {key: plain(value) for key, value in more.items()}
    return Scene(Event(0, op, tuple(plain(arg) for arg in args), kwargs, failure=failure, **own), by, names)


def layer(op: str, *args: Any, by: ModuleInfo, **more: Any) -> Scene:
    return call(op, *args, by=by, call="module", **more)


FC1 = module("fc1", "Linear", in_features=2048, out_features=128)
CONV = module("conv1", "Conv2d", in_channels=1, out_channels=8, kernel_size=(3, 3), groups=1)
RGB = module("features.0", "Conv2d", in_channels=3, out_channels=8, kernel_size=(3, 3), groups=1)
UP = module("up", "ConvTranspose2d", in_channels=64, out_channels=32, kernel_size=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
POOL = module("pool", "MaxPool2d", kernel_size=2, stride=2)
BN1 = module("bn1", "BatchNorm2d", num_features=64)
BN1D = module("bn", "BatchNorm1d", num_features=64)
LN = module("blocks.0.norm", "LayerNorm", normalized_shape=(768,))
GN = module("gn", "GroupNorm", num_groups=8, num_channels=64)
EMBED = module("embed", "Embedding", num_embeddings=100, embedding_dim=16)
LSTM = module("lstm", "LSTM", input_size=100, hidden_size=32, num_layers=2, batch_first=True, bidirectional=False, proj_size=0)
GRU = module("gru", "GRU", input_size=10, hidden_size=20, num_layers=1, batch_first=False, bidirectional=True, proj_size=0)
CELL = module("cell", "GRUCell", input_size=10, hidden_size=20)
ATTN = module("attn", "MultiheadAttention", embed_dim=512, num_heads=8, kdim=512, vdim=512, batch_first=True)
NET = module("", "Net", library=False)

CASES = [
    (call("linear", t(1, 8192), p(128, 2048), p(128), by=FC1, names=("x",)),
     "linear-in-features",
     "`fc1` expects 2048 input features but receives 8192", (8192, 1), (2048, "in_features")),
    (call("linear", t(32, 7), p(5, 10)),
     "linear-in-features",
     "`linear` expects 10 input features but receives 7", (7, 1), (10, 1)),
    (call("linear", t(1, 512, 7, 7), p(100, 25088), by=module("classifier.0", "Linear", in_features=25088), names=("x",)),
     "missing-flatten",
     "`classifier.0` expects 25088 features but receives [1, 512, 7, 7] without flatten", (7, 3), (25088, "in_features")),
    (call("linear", t(8, 16, 5), p(3, 80), by=module("head", "Linear", in_features=80), names=("x",)),
     "missing-flatten",
     "`head` expects 80 features but receives [8, 16, 5] without flatten", (5, 2), (80, "in_features")),
    (call("linear", t(28, 28), p(10, 784), by=module("net.1", "Linear", in_features=784)),
     "missing-flatten",
     "`net.1` expects 784 features but receives [28, 28] without flatten", (28, 1), (784, "in_features")),
    (call("linear", t(4, 64, 8, 8), p(10, 64), by=module("fc", "Linear", in_features=64), names=("x",)),
     "linear-in-features",
     "`fc` expects 64 input features but receives 8", (8, 3), (64, "in_features")),
    (call("linear", t(4, 64, 8, 8), p(10, 99), by=module("fc", "Linear", in_features=99), names=("x",)),
     "linear-in-features",
     "`fc` expects 99 input features but receives 8", (8, 3), (99, "in_features")),
    (call("linear", t(10, 4), p(5, 10), by=module("fc", "Linear", in_features=10), names=("x",)),
     "linear-in-features",
     "`fc` expects 10 input features but receives 4", (4, 1), (10, "in_features")),
    (call("linear", t(), p(5, 1), by=module("fc", "Linear", in_features=1)),
     "linear-in-features",
     "`fc` expects 1 input feature but receives a single number", (None, None), (1, "in_features")),
    (call("linear", t(3, 4), p(5, 4), t(6)),
     "other-shape-error",
     "`linear` makes 5 output features but its bias has 6", (6, 0), (5, 0)),
    (call("bilinear", t(3, 4), t(3, 7), p(2, 4, 6), by=module("pair", "Bilinear", in1_features=4, in2_features=6)),
     "linear-in-features",
     "`pair` expects 6 features in its second input but receives 7", (7, 1), (6, "in2_features")),
    (call("conv2d", t(1, 3, 28, 28), p(8, 1, 3, 3), None, (1, 1), (0, 0), (1, 1), 1, by=CONV, names=("x",)),
     "conv-in-channels",
     "`conv1` expects 1 input channel but receives 3", (3, 1), (1, "in_channels")),
    (call("conv2d", t(1, 1, 28, 28), p(8, 3, 3, 3), by=RGB, names=("img",)),
     "conv-in-channels",
     "`features.0` expects 3 input channels but receives 1", (1, 1), (3, "in_channels")),
    (call("conv2d", t(1, 4, 28, 28), p(8, 3, 3, 3), by=RGB),
     "conv-in-channels",
     "`features.0` expects 3 input channels but receives 4", (4, 1), (3, "in_channels")),
    (call("conv2d", t(64, 28, 28), p(8, 1, 3, 3), by=CONV, names=("x",)),
     "batch-dim-missing",
     "`conv1` reads [64, 28, 28] as one sample of 64 channels but expects 1", (64, 0), (1, "in_channels")),
    (call("conv2d", t(28, 28), p(8, 1, 3, 3), by=CONV, names=("x",)),
     "batch-dim-missing",
     "`conv1` expects a channel dim [N, C, H, W] but receives [28, 28]", (None, None), None),
    (call("conv2d", t(8, 224, 224, 3), p(8, 3, 3, 3), by=RGB, names=("images",)),
     "conv-in-channels",
     "`features.0` expects 3 input channels but receives 224", (224, 1), (3, "in_channels")),
    (call("conv2d", t(224, 224, 3), p(8, 3, 3, 3), by=RGB, names=("image",)),
     "conv-in-channels",
     "`features.0` expects 3 input channels but receives 224", (224, 0), (3, "in_channels")),
    (call("conv2d", t(1, 32, 8, 8), p(16, 16, 3, 3), by=module("conv2", "Conv2d", in_channels=16)),
     "conv-in-channels",
     "`conv2` expects 16 input channels but receives 32", (32, 1), (16, "in_channels")),
    (call("conv2d", t(1, 6, 8, 8), p(8, 2, 3, 3), None, 1, 0, 1, 2),
     "conv-in-channels",
     "`conv2d` expects 4 input channels but receives 6", (6, 1), (2, 1)),
    (call("conv2d", t(8, 512), p(16, 16, 3, 3), by=module("conv2", "Conv2d", in_channels=16), names=("x",)),
     "other-shape-error",
     "`conv2` expects 4 dims [N, C, H, W] but receives 2: [8, 512]", (None, None), None),
    (call("conv2d", t(2, 5, 3, 8, 8), p(8, 3, 3, 3), by=RGB, names=("clip",)),
     "other-shape-error",
     "`features.0` expects 4 dims [N, C, H, W] but receives 5: [2, 5, 3, 8, 8]", (None, None), None),
    (call("conv2d", t(1, 3, 2, 2), p(8, 3, 3, 3), None, 1, 0, by=RGB, names=("x",)),
     "conv-kernel-too-large",
     "the 3×3 kernel of `features.0` does not fit its 2×2 input", (2, 2), (3, "kernel_size")),
    (call("conv2d", t(1, 3, 3, 3), p(8, 3, 3, 3), None, 1, 0, 2, by=RGB, names=("x",)),
     "conv-kernel-too-large",
     "the 3×3 kernel of `features.0` does not fit its 3×3 input", (3, 2), (3, "kernel_size")),
    (call("conv1d", t(32, 100), p(8, 1, 5), by=module("conv", "Conv1d", in_channels=1, kernel_size=(5,))),
     "batch-dim-missing",
     "`conv` reads [32, 100] as one sample of 32 channels but expects 1", (32, 0), (1, "in_channels")),
    (call("conv1d", t(4, 50, 16), p(8, 16, 3), by=module("conv", "Conv1d", in_channels=16, kernel_size=(3,)), names=("x",)),
     "conv-in-channels",
     "`conv` expects 16 input channels but receives 50", (50, 1), (16, "in_channels")),
    (call("conv1d", t(4, 16, 3), p(8, 16, 5), by=module("conv", "Conv1d", in_channels=16, kernel_size=(5,))),
     "conv-kernel-too-large",
     "the kernel of `conv` spans 5 but its input is only 3 long", (3, 2), (5, "kernel_size")),
    (call("conv3d", t(1, 3, 8, 16, 16), p(8, 1, 3, 3, 3), by=module("stem", "Conv3d", in_channels=1)),
     "conv-in-channels",
     "`stem` expects 1 input channel but receives 3", (3, 1), (1, "in_channels")),
    (call("conv_transpose2d", t(1, 32, 8, 8), p(64, 32, 2, 2), None, (2, 2), by=UP, names=("x",)),
     "conv-in-channels",
     "`up` expects 64 input channels but receives 32", (32, 1), (64, "in_channels")),
    (call("conv_transpose2d", t(1, 100), p(100, 64, 4, 4), by=module("up", "ConvTranspose2d", in_channels=100), names=("z",)),
     "other-shape-error",
     "`up` expects 4 dims [N, C, H, W] but receives 2: [1, 100]", (None, None), None),
    (layer("convtranspose2d", t(8, 64, 8, 8), (30, 30), by=UP, error="ValueError"),
     "other-shape-error",
     "`up` cannot make 30 from 8: possible is 16 to 17", (8, 2), None),
    (call("max_pool2d", t(1, 512, 1, 1), 2, 2, by=POOL, names=("x",)),
     "conv-kernel-too-large",
     "the 2×2 window of `pool` does not fit its 1×1 input", (1, 2), (2, "kernel_size")),
    (call("avg_pool2d", t(1, 512, 4, 4), 7, by=module("avgpool", "AvgPool2d", kernel_size=7)),
     "conv-kernel-too-large",
     "the 7×7 window of `avgpool` does not fit its 4×4 input", (4, 2), (7, "kernel_size")),
    (call("max_pool2d", t(8, 512), 2, by=POOL),
     "other-shape-error",
     "`pool` expects 4 dims [N, C, H, W] but receives 2: [8, 512]", (None, None), None),
    (call("max_pool2d", t(1, 8, 4, 4), 2, 2, 2, by=module("pool", "MaxPool2d", kernel_size=2, padding=2)),
     "other-shape-error",
     "`pool` pads by 2, more than half of its window of 2", (2, "padding"), (2, "kernel_size")),
    (call("max_pool2d", t(1, 8, 1, 4), 3),
     "conv-kernel-too-large",
     "the 3×3 window of `max_pool2d` does not fit its 1×4 input", (1, 2), (3, "number")),
    (call("adaptive_avg_pool2d", t(8, 512), (7, 7), by=module("avgpool", "AdaptiveAvgPool2d", output_size=(7, 7))),
     "other-shape-error",
     "`avgpool` expects 4 dims [N, C, H, W] but receives 2: [8, 512]", (None, None), None),
    (call("view", t(4, 16, 6, 6), -1, 400, names=("x",)),
     "reshape-numel",
     "cannot view 2304 elements as [-1, 400]", (2304, None), (400, "number")),
    (call("view", t(1, 8192), -1, 2000),
     "reshape-numel",
     "cannot view 8192 elements as [-1, 2000]", (8192, None), (2000, "number")),
    (call("view", t(7, 2048), 64, 2048, names=("x",)),
     "reshape-numel",
     "cannot view 14336 elements as [64, 2048]", (14336, None), (64, "number")),
    (call("reshape", t(2, 512, 4, 4), (2, 512, 7, 7)),
     "reshape-numel",
     "cannot reshape 16384 elements as [2, 512, 7, 7]", (16384, None), (7, "number")),
    (call("view", t(2, 8), -1, -1),
     "other-shape-error",
     "`view` can leave only one size open, but [-1, -1] has 2 of -1", (16, None), None),
    (call("view", t(2, 3, contiguous=False), 6, names=("x",)),
     "other-shape-error",
     "`view` needs the memory in order, but `x` was rearranged before", (None, None), None),
    (call("unflatten", t(4, 10), 1, (3, 4)),
     "reshape-numel",
     "cannot unflatten dim 1 of size 10 into [3, 4]", (10, 1), (3, "number")),
    (call("view_as", t(4, 10), t(4, 9), names=("x", "y")),
     "reshape-numel",
     "cannot view 40 elements as [4, 9]", (40, None), (36, None)),
    (call("add", t(1, 64, 8, 8), t(1, 32, 8, 8), names=("x", "skip"), call="operator"),
     "broadcast-mismatch",
     "`x` and `skip` cannot be added: dim 1 is 64 in one and 32 in the other", (64, 1), (32, 1)),
    (call("add", t(1, 64, 56, 56), t(1, 128, 28, 28), names=("x", "out"), call="operator", inplace=True),
     "broadcast-mismatch",
     "`x` and `out` cannot be added: dim 3 is 56 in one and 28 in the other", (56, 3), (28, 3)),
    (call("add", t(1, 65, 768), TensorInfo((1, 197, 768), kind="parameter", name="pos"), names=("x", "self.pos"), call="operator"),
     "broadcast-mismatch",
     "`x` and `self.pos` cannot be added: dim 1 is 65 in one and 197 in the other", (65, 1), (197, 1)),
    (call("mul", t(8, 64, 7, 7), t(8, 64), names=("x", "w"), call="operator"),
     "broadcast-mismatch",
     "`x` and `w` cannot be multiplied: the last dim is 7 in one and 64 in the other", (7, 3), (64, 1)),
    (call("sub", t(4, 3, 8, 8), t(3), names=("x", "mean"), call="operator"),
     "broadcast-mismatch",
     "`x` and `mean` cannot be subtracted: the last dim is 8 in one and 3 in the other", (8, 3), (3, 0)),
    (call("div", t(3, 4), t(4, 3), call="operator"),
     "broadcast-mismatch",
     "two tensors cannot be divided: dim 1 is 4 in one and 3 in the other", (4, 1), (3, 1)),
    (call("eq", t(32, 10), t(32), names=("pred", "y"), call="operator"),
     "broadcast-mismatch",
     "`pred` and `y` cannot be compared: the last dim is 10 in one and 32 in the other", (10, 1), (32, 0)),
    (call("add", t(3), t(4, 3), names=("x", "y"), call="operator", inplace=True),
     "broadcast-mismatch",
     "`x` is changed in place and cannot grow from [3] to fit [4, 3]", (4, 0), (1, None)),
    (call("where", mask(4, 5), t(4, 6), t(4, 6)),
     "broadcast-mismatch",
     "two tensors disagree in dim 1 for `where`: 5 and 6", (5, 1), (6, 1)),
    (call("masked_fill", t(2, 8, 10, 10), mask(2, 1, 1, 12), float("-inf"), names=("scores", "mask")),
     "broadcast-mismatch",
     "`scores` and `mask` disagree in dim 3 for `masked_fill`: 10 and 12", (10, 3), (12, 3)),
    (call("copy", t(3, 4), t(3, 5), inplace=True),
     "broadcast-mismatch",
     "cannot copy [3, 5] into [3, 4]", (5, 1), (4, 1)),
    (call("expand", t(1, 512), 3, 513, names=("pos",)),
     "broadcast-mismatch",
     "`expand` cannot stretch dim 1 of `pos` from 512 to 513", (512, 1), (513, "number")),
    (call("expand", t(4, 3), 3),
     "broadcast-mismatch",
     "`expand` cannot bring 2 dims [4, 3] to 1: [3]", (2, None), None),
    (call("expand_as", t(4, 3), t(4, 5), names=("w", "x")),
     "broadcast-mismatch",
     "`expand_as` cannot stretch dim 1 of `w` from 3 to 5", (3, 1), (5, 1)),
    (call("pow", t(3), t(4)),
     "broadcast-mismatch",
     "two tensors disagree in dim 0 for `pow`: 3 and 4", (3, 0), (4, 0)),
    (call("cat", (t(1, 64, 28, 28), t(1, 64, 27, 27)), 1, names=("up", "skip")),
     "concat-mismatch",
     "tensors to concatenate along dim 1 disagree in dim 2: 28 and 27", (27, 2), (28, 2)),
    (call("cat", (t(4, 8), t(4, 8, 1)), 1),
     "concat-mismatch",
     "tensors to concatenate have 2 and 3 dims", (3, None), (2, None)),
    (call("cat", (t(4, 8), t(5, 8)), 1),
     "concat-mismatch",
     "tensors to concatenate along dim 1 disagree in dim 0: 4 and 5", (5, 0), (4, 0)),
    (call("cat", (t(4, 8), t(4, 8)), 2),
     "other-shape-error",
     "`cat` joins along dim 2 but receives 2 dims: [4, 8]", (None, None), None),
    (call("cat", (t(), t()), 0),
     "concat-mismatch",
     "`cat` joins along a dim, but a single number has none", (None, None), None),
    (call("cat", (), 0),
     "other-shape-error",
     "`cat` is given an empty list", None, None),
    (call("stack", (t(3, 4), t(3, 5)), 0),
     "concat-mismatch",
     "tensors to stack differ: [3, 4] and [3, 5]", (5, 1), (4, 1)),
    (call("stack", (t(3, 4), t(3, 4)), 4),
     "other-shape-error",
     "`stack` adds dim 4, but with 2 dims the new one can be 0 to 2", (None, None), None),
    (call("hstack", (t(3, 4), t(2, 4))),
     "concat-mismatch",
     "tensors to concatenate along dim 1 disagree in dim 0: 3 and 2", (2, 0), (3, 0)),
    (call("vstack", (t(4), t(5))),
     "concat-mismatch",
     "tensors to concatenate along dim 0 disagree in dim 1: 4 and 5", (None, None), (None, None)),
    (call("default_collate", (t(3, 224, 224), t(3, 200, 224))),
     "concat-mismatch",
     "samples of one batch differ in size: [3, 224, 224] and [3, 200, 224]", (200, 1), (224, 1)),
    (call("default_collate", ((t(3, 8, 8), i()), (t(3, 8, 9), i()))),
     "concat-mismatch",
     "samples of one batch differ in size (part 0): [3, 8, 8] and [3, 8, 9]", (9, 2), (8, 2)),
    (call("default_collate", ((t(3), t(3)), (t(3),))),
     "concat-mismatch",
     "samples of one batch differ in length: 2 and 1", None, None),
    (call("tensor", ((1, 2), (1, 2, 3)), error="ValueError"),
     "concat-mismatch",
     "`tensor` is given rows of unequal length: one of 2 and one of 3", None, None),
    (call("tensor", ((1, 2), 3), error="TypeError"),
     "concat-mismatch",
     "`tensor` is given rows of unequal length: one of 2 and a single number", None, None),
    (call("tensor", (t(3), t(3)), error="ValueError"),
     "other-shape-error",
     "`tensor` makes numbers of a list's items, but one is [3]", (3, None), None),
    (call("matmul", t(8, 196, 64), t(8, 196, 64), names=("q", "k"), call="operator"),
     "matmul-inner-dim",
     "`q @ k` needs equal inner dims but has 64 and 196", (64, 2), (196, 1)),
    (call("matmul", t(3, 4), p(5, 6, name="weight"), names=("x", "self.weight"), call="operator"),
     "matmul-inner-dim",
     "`x @ self.weight` needs equal inner dims but has 4 and 5", (4, 1), (5, 0)),
    (call("matmul", p(5, 6, name="weight"), t(3, 4), names=("self.weight", "x"), call="operator"),
     "matmul-inner-dim",
     "`self.weight @ x` needs equal inner dims but has 6 and 3", (3, 0), (6, 1)),
    (call("matmul", t(2, 3, 4), t(3, 4, 5), names=("a", "b"), call="operator"),
     "broadcast-mismatch",
     "`a @ b` multiplies batches of 2 and 3 matrices", (2, 0), (3, 0)),
    (call("matmul", t(3, 4), t()),
     "other-shape-error",
     "`matmul` multiplies matrices or vectors, not single numbers", (None, None), None),
    (call("mm", t(2, 3, 4), t(4, 5)),
     "other-shape-error",
     "`mm` expects 2 and 2 dims but receives 3 and 2", (3, None), None),
    (call("bmm", t(8, 10, 64), t(4, 64, 10), names=("a", "b")),
     "broadcast-mismatch",
     "`bmm(a, b)` multiplies batches of 8 and 4 matrices", (8, 0), (4, 0)),
    (call("mv", t(3, 4), t(5)),
     "matmul-inner-dim",
     "`mv` needs equal inner dims but has 4 and 5", (4, 1), (5, 0)),
    (call("addmm", t(7), t(3, 4), t(4, 5)),
     "broadcast-mismatch",
     "`addmm` adds [7] to a product of [3, 5]", (7, 0), None),
    (call("einsum", "bij,bjk->bik", t(2, 3, 4), t(2, 5, 6), names=("q", "k")),
     "matmul-inner-dim",
     "in `einsum('bij,bjk->bik')` j is 4 in one place and 5 in another", (4, 2), (5, 1)),
    (call("einsum", "bij,bjk->bik", t(2, 3), t(2, 3, 6), names=("q", "k")),
     "matmul-inner-dim",
     "`einsum` names 3 dims, 'bij', of `q`, which has 2", (2, None), None),
    (call("einsum", "ij,jk->iz", t(2, 3), t(3, 6)),
     "matmul-inner-dim",
     "`einsum('ij,jk->iz')` gives out 'z', which no input has", None, None),
    (call("einsum", "ij,jk,kl->il", t(2, 3), t(3, 6)),
     "matmul-inner-dim",
     "`einsum('ij,jk,kl->il')` names 3 tensors but receives 2", None, None),
    (call("batch_norm", t(8, 32, 4, 4), t(64), t(64), p(64), p(64), True, by=BN1, names=("x",)),
     "norm-features",
     "`bn1` expects 64 channels but receives 32", (32, 1), (64, "num_features")),
    (call("batch_norm", t(8, 10, 64), t(64), t(64), p(64), p(64), True, by=BN1D, names=("x",)),
     "norm-features",
     "`bn` expects 64 features but receives 10", (10, 1), (64, "num_features")),
    (call("batch_norm", t(1, 64), t(64), t(64), p(64), p(64), True, by=BN1D, names=("x",), error="ValueError"),
     "last-batch",
     "`bn` cannot train on one value per channel: [1, 64]", (1, 0), None),
    (layer("batchnorm2d", t(8, 64), by=BN1, names=("x",), error="ValueError"),
     "norm-features",
     "`bn1` expects [N, C, H, W] but receives 2 dims: [8, 64]", (2, None), None),
    (layer("batchnorm2d", t(64, 8, 8), by=BN1, names=("x",), error="ValueError"),
     "batch-dim-missing",
     "`bn1` expects [N, C, H, W] but receives 3 dims: [64, 8, 8]", (3, None), None),
    (layer("batchnorm1d", t(8, 64, 4, 4), by=BN1D, names=("x",), error="ValueError"),
     "norm-features",
     "`bn` expects [N, C] or [N, C, L] but receives 4 dims: [8, 64, 4, 4]", (4, None), None),
    (layer("instancenorm2d", t(8, 32, 4, 4), by=module("inorm", "InstanceNorm2d", num_features=64, affine=True), error="ValueError"),
     "norm-features",
     "`inorm` expects 64 channels but receives 32", (32, 1), (64, "num_features")),
    (call("instance_norm", t(8, 64, 1, 1), None, None, None, None, True, by=module("inorm", "InstanceNorm2d", num_features=64)),
     "norm-features",
     "`inorm` cannot train on one value per channel and sample: [8, 64, 1, 1]", (None, None), None),
    (call("layer_norm", t(2, 10, 512), (768,), p(768), p(768), by=LN, names=("x",)),
     "norm-features",
     "`blocks.0.norm` expects 768 features in the last dim but receives 512", (512, 2), (768, "normalized_shape")),
    (call("layer_norm", t(2, 768, 10), (768,), p(768), p(768), by=LN, names=("x",)),
     "norm-features",
     "`blocks.0.norm` expects 768 features in the last dim but receives 10", (10, 2), (768, "normalized_shape")),
    (call("layer_norm", t(2, 4, 6), (4, 5), p(4, 5), by=module("norm", "LayerNorm", normalized_shape=(4, 5))),
     "norm-features",
     "`norm` expects [*, 4, 5] but receives [2, 4, 6]", (6, 2), (5, "normalized_shape")),
    (call("rms_norm", t(2, 10, 512), (768,), p(768), by=module("norm", "RMSNorm", normalized_shape=(768,))),
     "norm-features",
     "`norm` expects 768 features in the last dim but receives 512", (512, 2), (768, "normalized_shape")),
    (call("group_norm", t(2, 32, 8, 8), 8, p(64), p(64), by=GN, names=("x",)),
     "norm-features",
     "`gn` expects 64 channels but receives 32", (32, 1), (64, "num_channels")),
    (call("group_norm", t(2, 30, 8, 8), 8, names=("x",)),
     "norm-features",
     "`group_norm` cannot split 30 channels into 8 equal groups", (30, 1), None),
    (call("embedding", i(2, 5, high=100, low=0), p(100, 16), by=EMBED, names=("tokens",), error="IndexError"),
     "embedding-dim",
     "`embed` expects indices below 100 but receives 100", (100, None), (100, "num_embeddings")),
    (call("embedding", i(2, 5, high=5, low=-1), p(100, 16), by=EMBED, error="IndexError"),
     "embedding-dim",
     "`embed` expects indices from 0 but receives -1", (-1, None), (100, "num_embeddings")),
    (call("gather", t(64, 4), 1, i(64), names=("q", "actions")),
     "other-shape-error",
     "`gather` expects an index with 2 dims but receives 1: [64]", (1, None), (2, None)),
    (call("gather", t(3, 4), 1, i(5, 2)),
     "other-shape-error",
     "`gather` has 5 indices in dim 0 for 3 of the tensor", (5, 0), (3, 0)),
    (call("gather", t(3, 4), 1, i(3, 1, high=4, low=0), names=("q", "a")),
     "other-shape-error",
     "`gather` asks for index 4 along dim 1, which has 4", (4, None), (4, 1)),
    (call("index_select", t(3, 4), 0, i(2, 2), error="IndexError"),
     "other-shape-error",
     "`index_select` expects a list of indices but receives 2 dims: [2, 2]", (2, None), None),
    (call("take_along_dim", t(3, 4), i(3), 1),
     "other-shape-error",
     "`take_along_dim` expects an index with 2 dims but receives 1: [3]", (1, None), (2, None)),
    (call("getitem", t(3, 4), (0, 1, 2), names=("x",), error="IndexError"),
     "other-shape-error",
     "`[…]` names 3 dims but `x` has 2: [3, 4]", (2, None), None),
    (call("getitem", t(3, 4), (0, 4), names=("x",), error="IndexError"),
     "other-shape-error",
     "`[…]` asks for index 4 along dim 1, which has 4", (4, 1), (4, "number")),
    (call("getitem", t(3, 4), mask(4), names=("x", "keep"), error="IndexError"),
     "other-shape-error",
     "the mask [4] does not fit [3, 4]: 4 and 3 in dim 0", (4, 0), (3, 0)),
    (call("getitem", t(3, 4), (i(2), i(3)), error="IndexError"),
     "other-shape-error",
     "`[…]` picks with indices of [2] and [3], which do not go together", (None, None), None),
    (layer("lstm", t(4, 7, 128), None, by=LSTM, names=("x",)),
     "recurrent-input-size",
     "`lstm` expects 100 input features but receives 128", (128, 2), (100, "input_size")),
    (layer("lstm", t(4, 100, 7), None, by=LSTM, names=("x",)),
     "recurrent-input-size",
     "`lstm` expects 100 input features but receives 7", (7, 2), (100, "input_size")),
    (layer("lstm", t(4, 7, 100), (t(2, 8, 32), t(2, 8, 32)), by=LSTM, names=("x", "h", "c")),
     "recurrent-input-size",
     "`lstm` expects a hidden state [2, 4, 32] but receives [2, 8, 32]", (8, 1), (4, 0)),
    (layer("lstm", t(4, 7, 100), (t(1, 4, 32), t(1, 4, 32)), by=LSTM, names=("x", "h", "c")),
     "recurrent-input-size",
     "`lstm` expects a hidden state [2, 4, 32] but receives [1, 4, 32]", (1, 0), (2, "num_layers")),
    (layer("lstm", t(7, 100), (t(2, 7, 32), t(2, 7, 32)), by=LSTM, names=("x", "h", "c")),
     "recurrent-input-size",
     "`lstm` expects a hidden state [2, 32] but receives [2, 7, 32]", (3, None), None),
    (layer("lstm", t(4, 3, 8, 8), None, by=LSTM, error="ValueError"),
     "recurrent-input-size",
     "`lstm` expects [batch, time, features] but receives 4 dims: [4, 3, 8, 8]", (4, None), None),
    (layer("gru", t(5, 3, 10), t(1, 3, 20), by=GRU, names=("x", "h")),
     "recurrent-input-size",
     "`gru` expects a hidden state [2, 3, 20] but receives [1, 3, 20]", (1, 0), None),
    (layer("gru", t(5, 3, 10), t(2, 3, 25), by=GRU, names=("x", "h")),
     "recurrent-input-size",
     "`gru` expects a hidden state [2, 3, 20] but receives [2, 3, 25]", (25, 2), (20, "hidden_size")),
    (layer("lstm", (t(67, 128), i(9)), None, by=LSTM),
     "recurrent-input-size",
     "`lstm` expects 100 input features but receives 128", (128, 1), (100, "input_size")),
    (layer("grucell", t(3, 12), None, by=CELL),
     "recurrent-input-size",
     "`cell` expects 10 input features but receives 12", (12, 1), (10, "input_size")),
    (layer("grucell", t(3, 10), t(4, 20), by=CELL, names=("x", "h")),
     "recurrent-input-size",
     "`cell` expects a hidden state [3, 20] but receives [4, 20]", (4, 0), (3, 0)),
    (layer("grucell", t(5, 3, 10), None, by=CELL, error="ValueError"),
     "recurrent-input-size",
     "`cell` expects [batch, features] but receives 3 dims: [5, 3, 10]", (3, None), None),
    (layer("multiheadattention", t(2, 10, 300), t(2, 10, 300), t(2, 10, 300), by=ATTN, error="AssertionError"),
     "attention-dim",
     "`attn` expects an embedding width of 512 but the query has 300", (300, 2), (512, "embed_dim")),
    (layer("multiheadattention", t(2, 10, 512), t(2, 12, 512), t(2, 13, 512), by=ATTN, error="AssertionError"),
     "attention-dim",
     "`attn` pairs keys with values but has 12 and 13 of them", (12, 1), (13, 1)),
    (layer("multiheadattention", t(2, 10, 512), t(3, 10, 512), t(3, 10, 512), by=ATTN),
     "attention-dim",
     "`attn` receives a batch of 2 queries and of 3 keys", (2, 0), (3, 0)),
    (layer("multiheadattention", *[t(2, 10, 512)] * 3, by=ATTN, attn_mask=t(9, 9)),
     "attention-dim",
     "`attn` expects a mask [10, 10] but receives [9, 9]", (9, 0), (10, 1)),
    (layer("multiheadattention", *[t(2, 10, 512)] * 3, by=ATTN, key_padding_mask=mask(10, 2), error="AssertionError"),
     "attention-dim",
     "`attn` expects a padding mask [2, 10] but receives [10, 2]", (10, 0), (2, 0)),
    (call("multiheadattention", embed_dim=109, num_heads=4, error="AssertionError"),
     "attention-dim",
     "`MultiheadAttention` cannot split a width of 109 over 4 heads", (109, "number"), (4, "number")),
    (call("scaled_dot_product_attention", t(2, 8, 10, 64), t(2, 8, 10, 32), t(2, 8, 10, 64)),
     "attention-dim",
     "attention needs query and key of one width but has 64 and 32", (64, 3), (32, 3)),
    (call("scaled_dot_product_attention", t(2, 8, 10, 64), t(2, 8, 12, 64), t(2, 8, 12, 64), t(10, 10), names=("q", "k", "v", "mask")),
     "attention-dim",
     "attention expects a mask [*, 10, 12] but receives [10, 10]", (10, 1), (12, 2)),
    (layer("transformer", t(5, 3, 512), t(6, 4, 512), by=module("tf", "Transformer", d_model=512, batch_first=False)),
     "attention-dim",
     "`tf` receives a batch of 3 in src and of 4 in tgt", (3, 1), (4, 1)),
    (call("cross_entropy", t(8, 10), i(4)),
     "loss-batch-mismatch",
     "the loss compares 8 predictions with 4 targets", (8, 0), (4, 0)),
    (call("cross_entropy", t(8, 10), i(8, 1), names=("out", "y")),
     "loss-target-shape",
     "the loss expects a target [8] but receives [8, 1]", (None, None), (None, None)),
    (call("cross_entropy", t(8, 10), i(8, 10), names=("out", "y")),
     "loss-target-shape",
     "a target of the predictions' shape [8, 10] must be probabilities, not i64", (None, None), (None, None)),
    (call("cross_entropy", t(4, 7, 100), i(4, 7), names=("logits", "y")),
     "loss-target-shape",
     "the loss expects a target [4, 100] but receives [4, 7]", (100, 2), (7, 1)),
    (call("cross_entropy", t(2, 5, 32, 32), i(2, 1, 32, 32), names=("out", "masks")),
     "loss-target-shape",
     "the loss expects a target [2, 32, 32] but receives [2, 1, 32, 32]", (None, None), (None, None)),
    (call("cross_entropy", t(2, 5, 32, 32), i(2, 64, 64), names=("out", "masks")),
     "loss-target-shape",
     "the loss expects a target [2, 32, 32] but receives [2, 64, 64]", (32, 2), (64, 1)),
    (call("cross_entropy", t(8, 10), i(8, low=1, high=10), names=("out", "y"), error="IndexError"),
     "loss-target-shape",
     "the target holds class 10 but the predictions have 10 classes", (10, 1), (10, None)),
    (call("cross_entropy", t(8, 10), t(8)),
     "loss-target-shape",
     "the loss expects class numbers as i64 but receives f32", (None, None), (None, None)),
    (call("cross_entropy", t(8, 10), i(8), t(5)),
     "loss-target-shape",
     "the loss has weights for 5 classes but the predictions have 10", (10, 1), (5, None)),
    (call("cross_entropy", t(10), i(10)),
     "loss-target-shape",
     "a target of the predictions' shape [10] must be probabilities, not i64", (None, None), (None, None)),
    (call("nll_loss", t(32, 10), i(64)),
     "loss-batch-mismatch",
     "the loss compares 32 predictions with 64 targets", (32, 0), (64, 0)),
    (call("binary_cross_entropy", t(16, 1), t(16), names=("pred", "label"), error="ValueError"),
     "loss-target-shape",
     "the loss compares predictions [16, 1] with targets [16]", (None, None), (None, None)),
    (call("binary_cross_entropy_with_logits", t(8, 3), i(8), error="ValueError"),
     "loss-target-shape",
     "the loss compares predictions [8, 3] with targets [8]", (None, None), (None, None)),
    (call("binary_cross_entropy", t(8, 1), t(4, 1), error="ValueError"),
     "loss-batch-mismatch",
     "the loss compares 8 predictions with 4 targets", (8, 0), (4, 0)),
    (call("binary_cross_entropy", t(8, 1), i(8, 1), dtype_only=True),
     "loss-target-shape",
     "the loss expects a target of f32, like the predictions, but receives i64", (None, None), (None, None)),
    (call("mse_loss", t(64, 133), i(64), names=("out", "y")),
     "loss-target-shape",
     "the loss compares predictions [64, 133] with targets [64]", (None, None), (None, None)),
    (call("mse_loss", t(16, 1, 34, 34), t(16, 1, 51, 51)),
     "loss-target-shape",
     "the loss compares predictions [16, 1, 34, 34] with targets [16, 1, 51, 51]", (34, 3), (51, 3)),
    (call("l1_loss", t(64, 3), t(32, 3)),
     "loss-batch-mismatch",
     "the loss compares 64 predictions with 32 targets", (64, 0), (32, 0)),
    (call("cosine_embedding_loss", t(8, 3), t(8, 3), t(8, 1)),
     "loss-target-shape",
     "the loss expects pairs [N, D] with targets [N], not [8, 3] with [8, 1]", (None, None), (None, None)),
    (call("triplet_margin_loss", t(8, 3), t(8, 3), t(3)),
     "loss-target-shape",
     "anchor, positive and negative need one number of dims but have 2, 2 and 1", (2, None), (1, None)),
    (call("ctc_loss", t(5, 2, 3), i(2, 4), i(3), i(2)),
     "loss-batch-mismatch",
     "the loss has 3 input lengths for a batch of 2", (2, 1), None),
    (call("load_state_dict", (("fc.weight", (1000, 512), (10, 512)), ("fc.bias", (1000,), (10,))), ("head.weight",), ()),
     "checkpoint-shape",
     "`fc.weight` is [10, 512] in the model but [1000, 512] in the checkpoint", (1000, "number"), (10, "number")),
    (call("item", t(32), names=("loss",)),
     "other-shape-error",
     "`item` needs one element but receives 32: [32]", (32, None), None),
    (call("bool", t(3, 4)),
     "other-shape-error",
     "`if` needs one truth value but receives 12: [3, 4]", (12, None), None),
    (call("softmax", t(10), 1, names=("logits",), error="IndexError"),
     "other-shape-error",
     "`softmax` works along dim 1 but receives 1 dim: [10]", (1, None), (1, "number")),
    (call("transpose", t(3, 4), 1, 2, error="IndexError"),
     "other-shape-error",
     "`transpose` names dim 2 but receives 2 dims: [3, 4]", (2, None), (2, "number")),
    (call("permute", t(3, 8, 8), (0, 2, 3, 1), names=("x",)),
     "other-shape-error",
     "`permute` orders 4 dims but receives 3: [3, 8, 8]", (3, None), None),
    (call("permute", t(3, 8, 8), (0, 1, 1)),
     "other-shape-error",
     "`permute` names a dim twice: [0, 1, 1]", (None, None), None),
    (call("squeeze", t(3, 4), 3, error="IndexError"),
     "other-shape-error",
     "`squeeze` works along dim 3 but receives 2 dims: [3, 4]", (2, None), (3, "number")),
    (call("unsqueeze", t(3, 4), 4, error="IndexError"),
     "other-shape-error",
     "`unsqueeze` inserts dim 4 but receives 2 dims: [3, 4]", (2, None), (4, "number")),
    (call("t", t(3, 4, 5)),
     "other-shape-error",
     "`t` swaps the dims of a matrix but receives 3 dims: [3, 4, 5]", (None, None), None),
    (call("flatten", t(3), 1, error="IndexError"),
     "other-shape-error",
     "`flatten` names dim 1 but receives 1 dim: [3]", (1, None), (1, "number")),
    (call("topk", t(32, 3), 5, 1),
     "other-shape-error",
     "`topk` asks for 5 of only 3 along dim 1", (3, 1), (5, "number")),
    (call("split", t(10, 4), (4, 4, 4), 0),
     "other-shape-error",
     "cannot split 10 along dim 0 into 4 + 4 + 4 = 12", (10, 0), (4, "number")),
    (call("repeat", t(3, 4, 5), 2, 2),
     "other-shape-error",
     "`repeat` is given 2 numbers for 3 dims: [3, 4, 5]", (3, None), None),
    (call("pixel_shuffle", t(1, 63, 8, 8), 4, by=module("shuffle", "PixelShuffle", upscale_factor=4)),
     "other-shape-error",
     "`shuffle` expects channels in multiples of 4·4 = 16 but receives 63", (63, 1), (4, "number")),
    (call("interpolate", t(3, 8, 8), None, 2.0, "bilinear", error="NotImplementedError"),
     "other-shape-error",
     "`interpolate` with mode 'bilinear' expects 4 dims but receives 3: [3, 8, 8]", (3, None), None),
    (call("pad", t(1, 1, 2, 2), (3, 3, 3, 3), "reflect"),
     "other-shape-error",
     "`pad` with mode 'reflect' cannot add 3 to dim 3 of size 2", (2, 3), (3, "number")),
    (call("prelu", t(2, 4, 8, 8), p(8)),
     "other-shape-error",
     "`prelu` has 8 slopes but receives 4 channels", (4, 1), (8, 0)),
    (call("glu", t(2, 5), 1),
     "other-shape-error",
     "`glu` halves dim 1, which has an odd size: 5", (5, 1), None),
    (call("one_hot", i(4, low=0, high=10), 10),
     "other-shape-error",
     "`one_hot` has 10 classes (0 to 9) but receives 10", (10, None), (10, "number")),
    (call("cdist", t(4, 3), t(5, 2)),
     "other-shape-error",
     "`cdist` needs points of one width but has 3 and 2", (3, 1), (2, 1)),
    (call("unfold", t(4, 3, 8), 3, names=("x",)),
     "other-shape-error",
     "`unfold` does not accept [4, 3, 8]", (None, None), None),
]  # fmt: skip


def place(size: Size | None) -> tuple[int | None, str | int | None] | None:
    """A side of a clash in short: its number, and the setting, the dim, or that the call itself says it."""
    return None if size is None else (size.value, size.setting or ("number" if size.number else size.dim))


IDS = [f"{case[0].event.op}-{n}" for n, case in enumerate(CASES)]


@pytest.mark.parametrize(("scene", "slug", "headline", "got", "want"), CASES, ids=IDS)
def test_diagnosis(scene, slug, headline, got, want):
    clash = diagnose(scene)
    assert clash is not None
    assert (clash.slug, clash.headline, place(clash.got), place(clash.want)) == (slug, headline, got, want)


@pytest.mark.parametrize("scene", [case[0] for case in CASES], ids=lambda scene: scene.event.op)
def test_manners(scene):
    """What every clash must keep to, whatever it says."""
    clash = diagnose(scene)
    assert clash is not None
    assert len(clash.headline) <= 81
    assert len(clash.notes) <= 2
    for text in (clash.headline, clash.label, *clash.notes):
        assert text
        assert text == text.strip()
        assert not re.search(r"mat1|mat2|operand|illegal|None", text)
    assert not clash.headline.endswith(".")
    for size in (clash.got, clash.want):
        if size is None:
            continue
        assert sum((size.tensor is not None, bool(size.setting), size.number is not None)) == 1
        if size.tensor is not None and size.dim is not None:
            assert size.tensor.shape[size.dim] == size.value
            assert any(size.tensor is info for info in scene.event.tensors()) or scene.event.op == "unflatten"
        if size.setting:
            number = scene.module.number(size.setting, size.position)
            assert number is not None
            assert number.value == size.value


SOUND = [
    call("linear", t(1, 2048), p(128, 2048), by=FC1),
    call("add", t(3), t(3), inplace=True),  # a leaf that requires grad, say
    call("backward", t(1)),
    call("numpy", t(3)),
    call("conv2d", t(1, 3, 8, 8), p(8, 3, 3, 3), by=RGB, dtype_only=True),
    call("embedding", t(2, 5), p(100, 16), by=EMBED),
    call("unfold", t(4, 3, 8), 3, error="TypeError"),
    call("unfold", t(4, 3, 8), 3, error="NotImplementedError"),
    call("unfold", t(4, 3, 8), 3, error="OutOfMemoryError"),
    call("load_state_dict", (), ("fc.weight",), ("module.fc.weight",)),
    call("randn", 3, 4),
    call("step", t(3), training=True),
]


@pytest.mark.parametrize("scene", SOUND, ids=lambda scene: scene.event.op)
def test_failures_that_are_no_matter_of_shapes(scene):
    assert diagnose(scene) is None


def test_a_call_that_did_not_fail_draws_no_word():
    assert diagnose(call("unfold", t(4, 3, 8), 3, error=None)) is None
    assert demand(call("view", t(2, 3), -1, 3, error=None)) is None


def test_neutral_words_name_the_call_and_the_shapes():
    clash = diagnose(call("some_new_op", t(2, 3), t(4, 5), error="RuntimeError"))
    assert clash is not None
    assert (clash.slug, clash.headline) == ("other-shape-error", "`some_new_op` does not accept [2, 3] and [4, 5]")


def test_a_message_is_never_read():
    """The same call gives the same clash, whatever torch wrote."""
    scene = call("linear", t(1, 8192), p(128, 2048), by=FC1)
    other = Event(0, "linear", scene.event.args, failure=Failure("RuntimeError", "expected 5 channels in mat2 of view [3, 4]"))
    assert diagnose(Scene(other, FC1)) == diagnose(scene)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("fc1", "fc1"),
        ("decoder.0", "decoder.0"),
        ("blocks.3.attn.proj", "blocks.3.attn.proj"),
        ("a.b.0.1", "a.b.0.1"),
        ("encoder.layers.3.attention.output.dense", "dense"),
        ("0", "Linear 0"),
        ("", "Linear"),
    ],
)
def test_what_a_layer_is_called(path, name):
    assert say.module_name(module(path, "Linear")) == name


def test_a_setting_that_the_weight_contradicts_is_not_blamed():
    """The weight decides; a setting is named only where it says the same."""
    clash = diagnose(call("linear", t(1, 8), p(5, 7), by=module("fc", "Linear", in_features=9)))
    assert clash is not None
    assert clash.want is not None
    assert place(clash.want) == (7, 1)


SLUGS = """linear-in-features missing-flatten conv-in-channels conv-kernel-too-large reshape-numel broadcast-mismatch concat-mismatch
    matmul-inner-dim norm-features recurrent-input-size embedding-dim attention-dim loss-target-shape loss-batch-mismatch
    batch-dim-missing last-batch checkpoint-shape other-shape-error""".split()  # noqa: SIM905
FILES = [path for path in Path(rules.__file__).parent.glob("*.py") if path.stem not in ("__init__", "say", "sizes")]


def test_every_slug_has_one_page_and_a_case():
    found = [slug for path in FILES for slug in getattr(rules, path.stem).SLUGS]
    assert sorted(found) == sorted([*SLUGS, "broadcast-mismatch"])  # arithmetic and assignment have a part each
    assert {case[1] for case in CASES} == set(SLUGS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pages_have_their_four_parts(path):
    page = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    parts = ("What happened.", "Why.", "How to tell which fix is right.", "Example.")
    assert [part for part in parts if part not in page] == []
    assert all(f"`{slug}`" in page for slug in getattr(rules, path.stem).SLUGS)


def test_rules_are_pure():
    """No rule imports torch or anything that reads or writes."""
    for path in (*FILES, Path(rules.__file__)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            pure = {"__future__", "collections", "dataclasses", "math", "re", "shapewright"}
            assert {name.partition(".")[0] for name in names} <= pure, path
