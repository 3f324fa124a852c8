"""Which image sizes would have given the width that a layer was built for. Pure.

The sizes behind convolutions and pools follow torch's documented formula (torch.nn.Conv2d, torch.nn.MaxPool2d):
out = floor((in + 2·padding − dilation·(kernel − 1) − 1) / stride + 1), with ceil for `ceil_mode`.
"""

from __future__ import annotations

from dataclasses import dataclass

from shapewright.model import Clash, Event, Number, TensorInfo, Trace, Value
from shapewright.reason.ways import chain

LARGEST = 1024  # pixels; beyond, a note would not help anybody


@dataclass(frozen=True, slots=True)
class _Step:
    kernel: int
    stride: int
    padding: int
    dilation: int
    up: bool = False  # ceil_mode

    def out(self, size: int) -> int:
        span = size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1
        if span < 0:
            return 0
        steps = -(-span // self.stride) if self.up else span // self.stride
        if self.up and steps * self.stride >= size + self.padding:  # a window must start inside the input
            steps -= 1
        return steps + 1


def fitting_note(trace: Trace, clash: Clash, layer: str) -> str:
    """A sentence such as "with 32×32 images `fc1` would fit (32 to 35 pixels do); this run used 64×64", or ""."""
    image, fits = _fitting(trace, clash)
    if image is None or not fits:
        return ""
    some = f" ({fits[0]} to {fits[-1]} pixels do)" if len(fits) > 1 else ""
    return f"with {fits[0]}×{fits[0]} images {layer} would fit{some}; this run used {image.shape[2]}×{image.shape[3]}"


def fitting_sizes(trace: Trace, clash: Clash) -> tuple[int, ...]:
    """The sides of square images with which the layer would have met its width."""
    return tuple(_fitting(trace, clash)[1])


def _fitting(trace: Trace, clash: Clash) -> tuple[TensorInfo | None, list[int]]:
    tensor = clash.got.tensor if clash.got is not None else None
    features = clash.want.value if clash.want is not None else None
    if tensor is None or features is None:
        return None, []
    steps = chain(trace, tensor)
    flatten = next((step for step in reversed(steps) if step.op in ("flatten", "view", "reshape")), None)
    maps = next(flatten.tensors(), None) if flatten is not None else None
    if flatten is None or maps is None or maps.rank != 4 or maps.shape[2] != maps.shape[3]:
        return None, []
    before = steps[: steps.index(flatten)]
    image = _start(before)
    sizes = _sizes(before)
    if image is None or sizes is None or image.rank != 4 or image.shape[2] != image.shape[3]:
        return None, []
    if _through(sizes, image.shape[3]) != maps.shape[3]:
        return None, []
    return image, [size for size in range(1, LARGEST + 1) if _through(sizes, size) ** 2 * maps.shape[1] == features]


def _start(steps: list[Event]) -> TensorInfo | None:
    """The image that went in: the first call's operand, or what it made of nothing."""
    if not steps:
        return None
    return next((tensor for tensor in steps[0].tensors() if tensor.kind not in ("parameter", "buffer")), None) or steps[0].output[0]


def _sizes(steps: list[Event]) -> list[_Step] | None:
    found: list[_Step] = []
    for event in steps:
        operand = next((tensor for tensor in event.tensors() if tensor.kind not in ("parameter", "buffer")), None)
        output = event.output[0] if event.output else None
        if operand is None or output is None:
            continue
        step = _step(event)
        if step is not None:
            found.append(step)
        elif operand.shape[2:] != output.shape[2:]:
            return None  # a size that no formula here explains
    return found


def _step(event: Event) -> _Step | None:
    if event.op == "conv2d":
        weight = [tensor for tensor in event.tensors() if tensor.rank == 4][1:2]
        stride, padding = _one(event.argument(3, "stride"), 1), _one(event.argument(4, "padding"), 0)
        dilation = _one(event.argument(5, "dilation"), 1)
        if not weight or None in (stride, padding, dilation):
            return None
        return _Step(weight[0].shape[3], stride or 1, padding or 0, dilation or 1)
    if event.op in ("max_pool2d", "avg_pool2d"):
        kernel = _one(event.argument(1, "kernel_size"), 0)
        stride, padding = _one(event.argument(2, "stride"), kernel or 1), _one(event.argument(3, "padding"), 0)
        dilated = event.op == "max_pool2d"
        dilation = _one(event.argument(4, "dilation"), 1) if dilated else 1
        up = event.argument(5, "ceil_mode") if dilated else event.argument(4, "ceil_mode")
        if not kernel or None in (stride, padding, dilation):
            return None
        return _Step(kernel, stride or kernel, padding or 0, dilation or 1, up is True)
    return None


def _one(value: Value, default: int) -> int | None:
    """A size given once or for both dims; None when the dims differ or it is no number ("same")."""
    if value is None:
        return default
    if isinstance(value, Number):
        return value.value
    if isinstance(value, tuple) and value and all(isinstance(item, Number) for item in value):
        sizes = {item.value for item in value if isinstance(item, Number)}
        return sizes.pop() if len(sizes) == 1 else None
    return default if value == () else None


def _through(steps: list[_Step], size: int) -> int:
    for step in steps:
        size = step.out(size)
        if size <= 0:
            return 0
    return size
