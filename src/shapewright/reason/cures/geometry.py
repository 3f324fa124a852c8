"""A stride, padding or kernel away from sizes that meet.

The sizes follow the formulas in torch's documentation of `Conv2d`, `ConvTranspose2d` and `MaxPool2d`. With k the kernel, s the stride, p
the padding and d the dilation, a convolution or pool gives floor((n + 2p - d(k - 1) - 1) / s) + 1, and a transposed convolution
(n - 1)s - 2p + d(k - 1) + o + 1, o being the output padding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from shapewright.model import ModuleInfo, Number, TensorInfo, Value
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import setter

Settings = dict[str, int]

_PLACES = {
    "Conv": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "ConvTranspose": ("in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding"),
    "MaxPool": ("kernel_size", "stride", "padding"),
    "AvgPool": ("kernel_size", "stride", "padding"),
}
_MOST = 4


def propose(problem: Problem) -> Iterator[Candidate]:
    """One setting of the layer that gave one of the two sizes, such that it gives the other."""
    if problem.clash.slug == "conv-kernel-too-large" and problem.module is not None:
        yield from _room(problem, problem.module)
        return
    maps = [tensor for tensor, _ in problem.operands() if tensor.kind not in ("parameter", "buffer") and tensor.rank >= 3][:2]
    if len(maps) < 2 or maps[0].rank != maps[1].rank:
        return
    for one, other in ((maps[0], maps[1]), (maps[1], maps[0])):
        dim = next((dim for dim in range(2, one.rank) if one.shape[dim] != other.shape[dim]), None)
        if dim is not None:
            yield from _to_size(problem, one, dim, other.shape[dim])


def _to_size(problem: Problem, tensor: TensorInfo, dim: int, size: int) -> Iterator[Candidate]:
    found = setter(problem.trace, tensor, dim)
    event = found[0] if found is not None else None
    module = problem.trace.modules[event.module] if event is not None and event.module is not None else None
    source = next((operand for operand in event.tensors() if operand.kind != "parameter"), None) if event is not None else None
    if event is None or module is None or source is None or source.rank != tensor.rank:
        return
    kind = _kind(module)
    now = _settings(module) if kind else None
    if kind is None or now is None or _out(kind, now, source.shape[dim]) != tensor.shape[dim]:
        return
    options = [
        (abs(value - now[name]), name, value)
        for name, value in _alternatives(kind, now)
        if _out(kind, {**now, name: value}, source.shape[dim]) == size
    ]
    for _, name, value in sorted(options)[:_MOST]:
        yield _candidate(problem, module, kind, name, value)
    if kind.endswith("Pool") and _out(kind, {**now, "ceil": 1}, source.shape[dim]) == size:
        code = problem.code(module.built)
        if code is not None and module.built is not None:
            title = f"let `{say.module_name(module)}` round up"
            yield Candidate("geometry", title, code.set_argument(module.built, "ceil_mode", "True") or ())


def _room(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """Padding that gives a kernel room, and a kernel that fits."""
    kind, tensor = _kind(module), next(problem.event.tensors(), None)
    now = _settings(module) if kind else None
    if kind is None or now is None or tensor is None or tensor.rank < 3:
        return
    size = min(tensor.shape[2:])
    for name, value in (("padding", now["kernel_size"] // 2), ("padding", 1), ("kernel_size", size)):
        if value != now[name] and value > 0 and _out(kind, {**now, name: value}, size) > 0:
            yield _candidate(problem, module, kind, name, value)


def _candidate(problem: Problem, module: ModuleInfo, kind: str, name: str, value: int) -> Candidate:
    code = problem.code(module.built)
    places = _PLACES[kind]
    edits = None
    if code is not None and module.built is not None:
        edits = code.set_argument(module.built, name, str(value), places.index(name) if name in places else None)
    return Candidate("geometry", f"set {name} of `{say.module_name(module)}` to {value}", tuple(edits or ()))


def _kind(module: ModuleInfo) -> str | None:
    match = re.fullmatch(r"(Conv|ConvTranspose|MaxPool|AvgPool)[123]d", module.type)
    return match[1] if match is not None and module.library else None


def _alternatives(kind: str, now: Settings) -> Iterator[tuple[str, int]]:
    for name in ("output_padding", "padding", "kernel_size", "stride"):
        if name == "output_padding" and kind != "ConvTranspose":
            continue
        low, high = (1, 7) if name in ("kernel_size", "stride") else (0, 3)
        if name == "output_padding":
            high = max(now["stride"] - 1, 0)
        yield from ((name, value) for value in range(low, high + 1) if value != now[name])


def _out(kind: str, settings: Settings, size: int) -> int:
    kernel, stride, padding, dilation = (settings[name] for name in ("kernel_size", "stride", "padding", "dilation"))
    if kind == "ConvTranspose":
        return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + settings["output_padding"] + 1
    if kind.endswith("Pool") and padding > kernel // 2:
        return 0
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    steps = -(-span // stride) if settings.get("ceil") else span // stride
    return steps + 1 if span >= 0 else 0


def _settings(module: ModuleInfo) -> Settings | None:
    found: Settings = {}
    for name, default in (("kernel_size", None), ("stride", 1), ("padding", 0), ("dilation", 1), ("output_padding", 0)):
        number = _one(module.settings.get(name), default)
        if number is None:
            return None
        found[name] = number
    return found


def _one(value: Value, default: int | None) -> int | None:
    """A setting given once, or alike for all dims."""
    if isinstance(value, Number):
        return value.value
    if isinstance(value, tuple) and value:
        sizes = {item.value for item in value if isinstance(item, Number)}
        return sizes.pop() if len(sizes) == 1 and all(isinstance(item, Number) for item in value) else None
    return default if value is None else None
