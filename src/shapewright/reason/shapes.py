"""The shape that a recorded call gives, from its operands' shapes and its arguments. Pure.

`old` is the call as it was recorded, `new` the same call with other shapes and numbers. Where no formula is known a dim is what `ways`
followed it to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from shapewright.model import Event, Number, TensorInfo
from shapewright.reason import maps
from shapewright.reason.maps import Formula, Shape
from shapewright.reason.ways import FACTORIES, way


def shape_of(new: Event, old: Event, number: int = 0) -> Shape | None:
    """The shape of the output with that number; None when the call would fail or nobody knows."""
    operand = next(new.tensors(), None)
    if operand is None:
        return _factory(new) if new.op in FACTORIES else None
    formula = _FORMULAS.get(new.op) or maps.FORMULAS.get(maps.family(new.op))
    if formula is not None:
        shape = formula(new, operand)
        return shape if shape is not None and min(shape, default=1) > 0 else None
    if number >= len(old.output):
        return None
    if _is_broadcast(old, number):
        return _broadcast(new, old)
    return _followed(new, old, number)


def _factory(event: Event) -> Shape | None:
    given = event.kwargs.get("size")
    if given is None:
        given = next((value for value in event.args if isinstance(value, tuple)), event.args)
    if isinstance(given, Number):
        return (given.value,)
    sizes = [item.value for item in given if isinstance(item, Number)] if isinstance(given, tuple) else []
    return tuple(sizes) if isinstance(given, tuple) and len(sizes) == len(given) else None


def _flatten(event: Event, operand: TensorInfo) -> Shape | None:
    start, end = event.argument(1, "start_dim", Number(0)), event.argument(2, "end_dim", Number(-1))
    if not isinstance(start, Number) or not isinstance(end, Number) or not operand.rank:
        return None
    if not all(-operand.rank <= at < operand.rank for at in (start.value, end.value)):
        return None
    first, last = start.value % operand.rank, end.value % operand.rank
    return (*operand.shape[:first], prod(operand.shape[first : last + 1]), *operand.shape[last + 1 :])


def _unflatten(event: Event, operand: TensorInfo) -> Shape | None:
    dim, sizes = event.argument(1, "dim"), event.argument(2, "sizes", event.kwargs.get("unflattened_size"))
    if not isinstance(dim, Number) or not isinstance(sizes, tuple) or not operand.rank:
        return None
    at = dim.value % operand.rank
    filled = _filled([item.value for item in sizes if isinstance(item, Number)], operand.shape[at])
    return (*operand.shape[:at], *filled, *operand.shape[at + 1 :]) if filled is not None else None


def _view(event: Event, operand: TensorInfo) -> Shape | None:
    given = event.args[1:] or tuple(event.kwargs.get(name) for name in ("size", "shape") if name in event.kwargs)
    sizes = given[0] if len(given) == 1 and isinstance(given[0], tuple) else given
    if not all(isinstance(item, Number) for item in sizes):
        return None
    return _filled([item.value for item in sizes if isinstance(item, Number)], operand.numel)


def _filled(sizes: list[int], total: int) -> Shape | None:
    """The sizes with their -1 filled in; None when they do not come out."""
    rest = prod([size for size in sizes if size != -1])
    if sizes.count(-1) == 1 and rest > 0 and total % rest == 0:
        return tuple(total // rest if size == -1 else size for size in sizes)
    return tuple(sizes) if -1 not in sizes and rest == total else None


def _linear(event: Event, operand: TensorInfo) -> Shape | None:
    weight = event.argument(1, "weight")
    if not isinstance(weight, TensorInfo) or weight.rank != 2 or not operand.rank or operand.shape[-1] != weight.shape[1]:
        return None
    return (*operand.shape[:-1], weight.shape[0])


def _cat(event: Event, operand: TensorInfo) -> Shape | None:
    dim = event.argument(1, "dim", Number(0))
    parts = list(event.tensors())
    if not isinstance(dim, Number) or not operand.rank or any(part.rank != operand.rank for part in parts):
        return None
    at = dim.value % operand.rank
    if len({(*part.shape[:at], *part.shape[at + 1 :]) for part in parts}) > 1:
        return None
    return (*operand.shape[:at], sum(part.shape[at] for part in parts), *operand.shape[at + 1 :])


def _stack(event: Event, operand: TensorInfo) -> Shape | None:
    dim = event.argument(1, "dim", Number(0))
    parts = list(event.tensors())
    if not isinstance(dim, Number) or len({part.shape for part in parts}) > 1:
        return None
    at = dim.value % (operand.rank + 1)
    return (*operand.shape[:at], len(parts), *operand.shape[at:])


def _squeeze(event: Event, operand: TensorInfo) -> Shape | None:
    dim = event.argument(1, "dim")
    asked = [item.value for item in (dim if isinstance(dim, tuple) else (dim,)) if isinstance(item, Number)]
    gone = {at % operand.rank for at in asked} if operand.rank else set()
    return tuple(size for at, size in enumerate(operand.shape) if size != 1 or (bool(asked) and at not in gone))


def _unsqueeze(event: Event, operand: TensorInfo) -> Shape | None:
    dim = event.argument(1, "dim")
    if not isinstance(dim, Number):
        return None
    at = dim.value % (operand.rank + 1)
    return (*operand.shape[:at], 1, *operand.shape[at:])


def _mean(event: Event, operand: TensorInfo) -> Shape | None:
    dim, keep = event.argument(1, "dim"), event.argument(2, "keepdim")
    dims = [item.value for item in (dim if isinstance(dim, tuple) else (dim,)) if isinstance(item, Number)]
    gone = {at % operand.rank for at in dims} if dims and operand.rank else set(range(operand.rank))
    return tuple(1 if at in gone else size for at, size in enumerate(operand.shape) if keep is True or at not in gone)


def _getitem(event: Event, operand: TensorInfo) -> Shape | None:
    index = event.argument(1, "index")
    parts = list(index) if isinstance(index, tuple) else [index]
    named = sum(1 for part in parts if part is not None and part != "Ellipsis")
    if "Ellipsis" in parts:
        at = parts.index("Ellipsis")
        parts[at : at + 1] = ["slice(None, None, None)"] * (operand.rank - named)
    sizes, rest = [], list(operand.shape)
    for part in parts:
        if part is None:
            sizes.append(1)
        elif isinstance(part, Number) and rest and -rest[0] <= part.value < rest[0]:
            rest.pop(0)
        elif isinstance(part, str) and rest and (bounds := re.fullmatch(r"slice\((None|-?\d+), (None|-?\d+), (None|\d+)\)", part)):
            low, high, by = (None if bound == "None" else int(bound) for bound in bounds.groups())
            sizes.append(len(range(*slice(low, high, by).indices(rest.pop(0)))))
        else:
            return None
    return (*sizes, *rest)


def _unbind(event: Event, operand: TensorInfo) -> Shape | None:
    dim = event.argument(1, "dim", Number(0))
    at = dim.value % operand.rank if isinstance(dim, Number) and operand.rank else 0
    return (*operand.shape[:at], *operand.shape[at + 1 :])


def _like_second(event: Event, operand: TensorInfo) -> Shape | None:
    second = list(event.tensors())[1:2]
    return second[0].shape if second else None


def _is_broadcast(old: Event, number: int) -> bool:
    """Whether the output has the shape that all operands are broadcast to, in a call that does not move its dims."""
    return old.op not in _MOVING and broadcast([tensor.shape for tensor in _partners(old)]) == old.output[number].shape


def _broadcast(new: Event, old: Event) -> Shape | None:
    """What the operands are broadcast to; a dim may count as 1 only if it was 1 before."""
    return broadcast([tensor.shape for tensor in _partners(new)]) if not newly_one(new, old) else None


def newly_one(new: Event, old: Event) -> bool:
    """Whether a call would broadcast a dim that it did not broadcast when it was recorded."""
    return bool(_stretched(new) - _stretched(old))


def _stretched(event: Event) -> set[int]:
    """The dims, counted from the end, in which an operand of size 1 meets a larger one."""
    sizes: dict[int, set[int]] = {}
    for tensor in _partners(event):
        for back, size in enumerate(reversed(tensor.shape)):
            sizes.setdefault(back, set()).add(size)
    return {back for back, found in sizes.items() if 1 in found and len(found) > 1}


def _partners(event: Event) -> list[TensorInfo]:
    """The tensors that are broadcast against each other; a norm's own weights are not."""
    return [tensor for tensor in event.tensors() if "norm" not in event.op or tensor.kind not in ("parameter", "buffer")]


def broadcast(shapes: Sequence[Shape]) -> Shape | None:
    """The shape that tensors of these shapes are broadcast to."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = [{size for size in column if size != 1} for column in zip(*padded, strict=True)]
    return tuple(next(iter(column), 1) for column in sizes) if all(len(column) < 2 for column in sizes) else None


def _followed(new: Event, old: Event, number: int) -> Shape | None:
    """Each dim from the operand's dim that it came from; of what a call sets itself nothing is known once an operand has changed."""
    operands, output = list(new.tensors()), old.output[number]
    if operands == list(old.tensors()) and new.args == old.args and new.kwargs == old.kwargs:
        return output.shape
    sizes: list[int] = []
    for dim in range(output.rank):
        found = way(old, output, dim)
        if found is not None:
            sizes.append(operands[found[0]].shape[found[1]])
        elif new.op in _SET_BY_WEIGHTS or (new.op in _PARTED and operands[0].shape[dim] == next(old.tensors()).shape[dim]):
            sizes.append(output.shape[dim])
        else:
            return None
    return tuple(sizes)


_SET_BY_WEIGHTS = ("embedding", "lstm", "gru", "rnn")  # what a layer sets itself does not depend on the sizes of its input
_PARTED = ("chunk", "split", "tensor_split")
_MOVING = ("permute", "transpose", "t", "mT", "matmul", "mm", "bmm")

_FORMULAS: dict[str, Formula] = {
    "flatten": _flatten, "unflatten": _unflatten, "view": _view, "reshape": _view, "linear": _linear, "cat": _cat, "concat": _cat,
    "stack": _stack, "squeeze": _squeeze, "unsqueeze": _unsqueeze, "mean": _mean, "sum": _mean, "amax": _mean, "amin": _mean,
    "getitem": _getitem,
    "unbind": _unbind, "view_as": _like_second, "reshape_as": _like_second, "expand_as": _like_second,
}  # fmt: skip
