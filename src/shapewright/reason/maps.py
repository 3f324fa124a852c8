"""The size of a map behind a convolution, a pool and their like, as torch documents it. Pure.

With n the size, k the kernel, s the stride, p the padding, d the dilation and o the output padding: floor((n + 2p - d(k - 1) - 1) / s) + 1
for convolutions and pools (ceil with ceil_mode, but the last window starts inside the padded input), and
(n - 1)s - 2p + d(k - 1) + o + 1 for transposed convolutions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from shapewright.model import Event, Number, TensorInfo, Value

Shape = tuple[int, ...]
Formula = Callable[[Event, TensorInfo], "Shape | None"]

# The parameters of the functions that the formulas need, in order; longer beginnings of a name stand before shorter ones.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "conv_transpose": ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    "conv": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "max_pool": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg_pool": ("input", "kernel_size", "stride", "padding", "ceil_mode"),
    "lp_pool": ("input", "norm_type", "kernel_size", "stride", "ceil_mode"),
    "max_unpool": ("input", "indices", "kernel_size", "stride", "padding", "output_size"),
    "adaptive_": ("input", "output_size"),
    "interpolate": ("input", "size", "scale_factor"),
    "upsample": ("input", "size", "scale_factor"),
    "pad": ("input", "pad", "mode"),
    "pixel_": ("input", "factor"),
}


def family(op: str) -> str:
    """Which of PARAMETERS a call's op belongs to, "" when to none."""
    return next((name for name in PARAMETERS if op.startswith(name)), "")


def argument(event: Event, name: str) -> Value:
    """An argument of a call of one of the families; None when it is not given, or there is none of that name."""
    names = PARAMETERS[family(event.op)]
    return event.argument(names.index(name), name) if name in names else None


def with_argument(event: Event, name: str, value: Value) -> Event:
    """The call with another value of one argument; as it is when its family has no such parameter."""
    names = PARAMETERS.get(family(event.op), ())
    if name not in names:
        return event
    at = names.index(name)
    if at < len(event.args):
        return replace(event, args=(*event.args[:at], value, *event.args[at + 1 :]))
    return replace(event, kwargs={**event.kwargs, name: value})


def conv_size(n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """The length behind a convolution; 0 when it does not fit."""
    span = n + 2 * padding - dilation * (kernel - 1) - 1
    return span // stride + 1 if span >= 0 and min(kernel, stride, dilation) > 0 <= padding else 0


def pool_size(n: int, kernel: int, stride: int, padding: int = 0, dilation: int = 1, *, up: bool = False) -> int:
    """The length behind a pool; 0 when it does not fit."""
    if min(kernel, stride, dilation) < 1 or not 0 <= padding <= kernel // 2:
        return 0
    span = n + 2 * padding - dilation * (kernel - 1) - 1
    steps = -(-span // stride) if up else span // stride
    if up and steps * stride >= n + padding:  # a window must start inside the input
        steps -= 1
    return max(steps + 1, 0)


def transposed_size(n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, output_padding: int = 0) -> int:
    """The length behind a transposed convolution; 0 when torch refuses it."""
    if min(kernel, stride, dilation) < 1 or padding < 0 or not 0 <= output_padding < max(stride, dilation):
        return 0
    return max((n - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1, 0)


def _spatial(op: str, operand: TensorInfo) -> int:
    match = re.search(r"([123])d", op)
    return int(match[1]) if match is not None else max(operand.rank - 2, 0)


def _each(value: Value, count: int, default: int | None) -> list[int] | None:
    """A setting for each of the spatial dims; None when it is something else ("same")."""
    if value is None or value == ():
        return None if default is None else [default] * count
    if isinstance(value, Number):
        return [value.value] * count
    if isinstance(value, tuple) and all(isinstance(item, Number) for item in value):
        sizes = [item.value for item in value if isinstance(item, Number)]
        return sizes * count if len(sizes) == 1 else sizes if len(sizes) == count else None
    return None


def _settings(event: Event, count: int, *names: str) -> list[list[int]] | None:
    defaults = {"padding": 0, "output_padding": 0}
    found = [_each(argument(event, name), count, defaults.get(name, 1)) for name in names]
    return [sizes for sizes in found if sizes is not None] if None not in found else None


def _conv(event: Event, operand: TensorInfo) -> Shape | None:
    weight, count = argument(event, "weight"), _spatial(event.op, operand)
    groups = argument(event, "groups")
    many = groups.value if isinstance(groups, Number) else 1
    if not isinstance(weight, TensorInfo) or weight.rank != count + 2 or operand.rank not in (count + 1, count + 2):
        return None
    if operand.shape[-count - 1] != weight.shape[1] * many:
        return None
    head, sizes = (*operand.shape[: -count - 1], weight.shape[0]), operand.shape[-count:]
    padding = argument(event, "padding")
    if padding == "same":
        return (*head, *sizes)
    if padding == "valid":
        event = with_argument(event, "padding", None)
    found = _settings(event, count, "stride", "padding", "dilation")
    if found is None:
        return None
    return (*head, *map(conv_size, sizes, weight.shape[2:], *found))


def _transposed(event: Event, operand: TensorInfo) -> Shape | None:
    weight, count = argument(event, "weight"), _spatial(event.op, operand)
    groups = argument(event, "groups")
    many = groups.value if isinstance(groups, Number) else 1
    found = _settings(event, count, "stride", "padding", "dilation", "output_padding")
    if found is None or not isinstance(weight, TensorInfo) or weight.rank != count + 2 or operand.rank not in (count + 1, count + 2):
        return None
    if operand.shape[-count - 1] != weight.shape[0]:
        return None
    return (*operand.shape[: -count - 1], weight.shape[1] * many, *map(transposed_size, operand.shape[-count:], weight.shape[2:], *found))


def _pool(event: Event, operand: TensorInfo) -> Shape | None:
    count, names = _spatial(event.op, operand), PARAMETERS[family(event.op)]
    kernel = _each(argument(event, "kernel_size"), count, None)
    if kernel is None or operand.rank not in (count + 1, count + 2):
        return None
    given = argument(event, "stride")
    stride = kernel if given is None or given == () else _each(given, count, None)
    padding = _each(argument(event, "padding"), count, 0) if "padding" in names else [0] * count
    dilation = _each(argument(event, "dilation"), count, 1) if "dilation" in names else [1] * count
    if stride is None or padding is None or dilation is None:
        return None
    up = argument(event, "ceil_mode") is True
    sizes = zip(operand.shape[-count:], kernel, stride, padding, dilation, strict=True)
    return (*operand.shape[:-count], *(pool_size(*one, up=up) for one in sizes))


def _unpool(event: Event, operand: TensorInfo) -> Shape | None:
    count = _spatial(event.op, operand)
    kernel = _each(argument(event, "kernel_size"), count, None)
    stride = _each(argument(event, "stride"), count, None) or kernel
    padding = _each(argument(event, "padding"), count, 0)
    if kernel is None or stride is None or padding is None or argument(event, "output_size") is not None:
        return None
    return (*operand.shape[:-count], *map(transposed_size, operand.shape[-count:], kernel, stride, padding))


def _adaptive(event: Event, operand: TensorInfo) -> Shape | None:
    count, size = _spatial(event.op, operand), argument(event, "output_size")
    wanted = size if isinstance(size, tuple) else (size,) * count
    if len(wanted) == 1:
        wanted = wanted * count
    if len(wanted) != count or operand.rank < count:
        return None
    sizes = [one.value if isinstance(one, Number) else old for one, old in zip(wanted, operand.shape[-count:], strict=True)]
    return (*operand.shape[:-count], *sizes)


def _interpolate(event: Event, operand: TensorInfo) -> Shape | None:
    count, size, scale = operand.rank - 2, argument(event, "size"), argument(event, "scale_factor")
    if count < 1:
        return None
    if size is not None:
        sizes = _each(size, count, None)
        return (*operand.shape[:2], *sizes) if sizes is not None else None
    scales = scale if isinstance(scale, tuple) else (scale,) * count
    factors = [one.value if isinstance(one, Number) else one for one in scales]
    if len(factors) != count or not all(isinstance(one, int | float) for one in factors):
        return None
    return (
        *operand.shape[:2],
        *(int(old * one) for old, one in zip(operand.shape[2:], factors, strict=True) if isinstance(one, int | float)),
    )


def _pad(event: Event, operand: TensorInfo) -> Shape | None:
    given, mode = argument(event, "pad"), argument(event, "mode")
    amounts = [item.value for item in given if isinstance(item, Number)] if isinstance(given, tuple) else []
    if not amounts or len(amounts) % 2 or len(amounts) // 2 > operand.rank:
        return None
    sizes = list(operand.shape)
    for position in range(len(amounts) // 2):
        before, after = amounts[2 * position : 2 * position + 2]
        at = operand.rank - 1 - position
        if mode == "reflect" and max(before, after) >= sizes[at]:
            return None
        sizes[at] += before + after
    return tuple(sizes)


def _shuffle(event: Event, operand: TensorInfo) -> Shape | None:
    factor = next((value for value in (*event.args[1:], *event.kwargs.values()) if isinstance(value, Number)), None)
    if factor is None or operand.rank < 3 or factor.value < 1:
        return None
    *head, channels, height, width = operand.shape
    by = factor.value
    if event.op == "pixel_shuffle":
        return (*head, channels // by**2, height * by, width * by) if channels % by**2 == 0 else None
    return (*head, channels * by**2, height // by, width // by) if height % by == width % by == 0 else None


FORMULAS: dict[str, Formula] = {
    "conv_transpose": _transposed, "conv": _conv, "max_pool": _pool, "avg_pool": _pool, "lp_pool": _pool, "max_unpool": _unpool,
    "adaptive_": _adaptive, "interpolate": _interpolate, "upsample": _interpolate, "pad": _pad, "pixel_": _shuffle,
}  # fmt: skip
