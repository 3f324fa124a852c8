"""Reading sizes: from a call's arguments come plain integers, from shapes come the dims that clash.

A value that is not what the rule looks for gives None, and the rule then says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from shapewright.model import Event, Number, Size, TensorInfo, Value
from shapewright.reason.scene import Scene

Shape = Sequence[int]


def tensor(event: Event, position: int, name: str) -> TensorInfo | None:
    """The argument at `position` or called `name`, when it is a tensor."""
    value = event.argument(position, name)
    return value if isinstance(value, TensorInfo) else None


def integer(value: Value) -> int | None:
    """A whole number as a plain int."""
    return value.value if isinstance(value, Number) else None


def integers(value: Value, count: int) -> tuple[int, ...] | None:
    """One number for each of `count` dims; a single one counts for all of them."""
    if isinstance(value, Number):
        return (value.value,) * count
    if isinstance(value, tuple) and all(isinstance(item, Number) for item in value):
        found = tuple(item.value for item in value if isinstance(item, Number))
        if len(found) == 1:
            return found * count
        return found if len(found) == count else None
    return None


def numbers(values: Iterable[Value]) -> list[Number] | None:
    """The sizes of `view(2, 3)` or `view((2, 3))`; None when there is anything but numbers."""
    found: list[Number] = []
    for value in values:
        if isinstance(value, tuple):
            inner = numbers(value)
            if inner is None:
                return None
            found.extend(inner)
        elif isinstance(value, Number):
            found.append(value)
        else:
            return None
    return found


def tensors(value: Value) -> list[TensorInfo] | None:
    """A list of tensors, None when there is anything else in it."""
    if not isinstance(value, tuple) or not all(isinstance(item, TensorInfo) for item in value):
        return None
    return [item for item in value if isinstance(item, TensorInfo)]


def clashing(one: Shape, other: Shape) -> list[int]:
    """The dims in which two shapes do not broadcast, counted from the end: [-1, -3]."""
    both = range(1, min(len(one), len(other)) + 1)
    return [-i for i in both if one[-i] != other[-i] and 1 not in (one[-i], other[-i])]


def not_filling(small: Shape, target: Shape) -> list[int]:
    """The dims, counted from the end, in which `small` cannot be stretched to `target`; extra leading dims must be 1."""
    both = range(1, min(len(small), len(target)) + 1)
    extra = range(len(target) + 1, len(small) + 1)
    return [-i for i in both if small[-i] not in (1, target[-i])] + [-i for i in extra if small[-i] != 1]


def broadcast(shapes: Iterable[Shape]) -> tuple[int, ...] | None:
    """The common shape, or None when there is none."""
    result: tuple[int, ...] = ()
    for shape in shapes:
        if clashing(result, shape):
            return None
        longer, shorter = (result, shape) if len(result) >= len(shape) else (shape, result)
        head = len(longer) - len(shorter)
        tail = tuple(b if a == 1 else a for a, b in zip(longer[head:], shorter, strict=True))
        result = (*longer[:head], *tail)
    return result


def numel(shape: Shape) -> int:
    """How many elements a shape has."""
    return prod(shape)


def at(info: TensorInfo, dim: int) -> Size:
    """A dim of a tensor as one side of a clash; `dim` may count from the end."""
    dim = dim % info.rank
    return Size(info.shape[dim], tensor=info, dim=dim)


def whole(info: TensorInfo, value: int | None = None) -> Size:
    """The shape of a tensor as one side of a clash."""
    return Size(value, tensor=info)


def setting(scene: Scene, name: str, value: int, position: int = 0) -> Size | None:
    """The module's setting as one side of a clash, when the module has it and it says `value`."""
    number = scene.module.number(name, position) if scene.module else None
    return Size(value, setting=name, position=position) if number is not None and number.value == value else None
