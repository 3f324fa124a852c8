"""Tensors are joined whose sizes differ, or samples of different size are to make one batch.

What happened. `cat` joins along one dim; in all others the tensors must be equal, and they must have the same number
of dims. `stack`, and the DataLoader that makes a batch of samples, need equal shapes altogether (`concat-mismatch`).

Why. In a U-Net an odd size (31) is halved to 15 and doubled to 30 and no longer matches the skip connection; the
wrong dim is given; one tensor lost its batch dim; images of a data set have different sizes, or texts different
lengths.

How to tell which fix is right. Joining features of the same place means that the places must agree: pad or crop,
interpolate to the skip's size, or feed sizes that can be halved often enough. Samples are brought to one size in the
data set (resize and crop, pad to a length) or padded by a `collate_fn` of your own.

Example. A decoder map of 28×28 and a skip of 27×27:

    tensors to concatenate along dim 1 disagree in dim 2: 28 and 27
"""

from __future__ import annotations

from shapewright.model import Clash, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, integer, tensors, whole
from shapewright.reason.scene import Scene

SLUGS = ("concat-mismatch",)

JOINS = {"cat": 0, "concat": 0, "concatenate": 0, "hstack": 1, "vstack": 0, "row_stack": 0, "dstack": 2}


def demand(scene: Scene) -> Clash | None:
    """Joined tensors agree in every other dim, stacked ones in all."""
    event = scene.event
    if event.op == "default_collate":
        return _collate(scene, event.args[0] if event.args else None, "")
    if event.op == "tensor":
        return _rows(scene)
    if event.op not in JOINS and event.op not in ("stack", "column_stack"):
        return None
    parts = tensors(event.argument(0, "tensors"))
    if parts is None:
        return None
    if not parts:
        return Clash("other-shape-error", f"`{event.op}` is given an empty list", "no tensors to join")
    if event.op == "stack":
        return _stack(scene, parts)
    if event.op == "column_stack":
        return _join(scene, parts, [part.shape if part.rank > 1 else (part.numel, 1) for part in parts], 1)
    if event.op in ("cat", "concat", "concatenate"):
        dim = integer(event.argument(1, "dim", event.kwargs.get("axis")))
        return _cat(scene, parts, 0 if dim is None else dim)
    least = {"hstack": 1, "dstack": 3}.get(event.op, 2)
    shapes = [_at_least(part.shape, least) for part in parts]
    return _join(scene, parts, shapes, 0 if all(len(shape) == 1 for shape in shapes) else JOINS[event.op])


def _at_least(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    if rank == 3 and len(shape) < 3:
        return (*((1,) if len(shape) < 2 else ()), *(shape or (1,)), 1)
    return (*((1,) * (rank - len(shape))), *shape)


def _cat(scene: Scene, parts: list[TensorInfo], dim: int) -> Clash | None:
    scalar = next((part for part in parts if part.rank == 0), None)
    if scalar is not None:
        headline = "`cat` joins along a dim, but a single number has none"
        return Clash("concat-mismatch", headline, f"{say.name(scene, scalar, 'one of them')} is {scalar}", got=whole(scalar))
    kept = [part for part in parts if part.shape != (0,)]  # torch skips an empty list of numbers
    if not kept:
        return None
    return _join(scene, kept, [part.shape for part in kept], dim)


def _join(scene: Scene, parts: list[TensorInfo], shapes: list[tuple[int, ...]], dim: int) -> Clash | None:
    first = shapes[0]
    for part, shape in zip(parts[1:], shapes[1:], strict=True):
        if len(shape) != len(first):
            headline = f"tensors to concatenate have {len(first)} and {say.count(len(shape), 'dim')}"
            return Clash("concat-mismatch", headline, _label(scene, parts[0], part), whole(part, part.rank), whole(parts[0], parts[0].rank))
    if not -len(first) <= dim < len(first):
        headline = f"`{scene.event.op}` joins along dim {dim} but receives {say.count(len(first), 'dim')}: {say.sizes(first)}"
        return Clash("other-shape-error", headline, f"{say.name(scene, parts[0], 'the first')} is {parts[0]}", got=whole(parts[0]))
    dim %= len(first)
    for part, shape in zip(parts[1:], shapes[1:], strict=True):
        hits = [i for i in range(len(first)) if i != dim and first[i] != shape[i]]
        if hits:
            headline = f"tensors to concatenate along dim {dim} disagree in dim {hits[0]}: {first[hits[0]]} and {shape[hits[0]]}"
            same_form = parts[0].rank == part.rank == len(first)
            notes = [f"dim {hits[1]} differs, too"] if len(hits) == 2 else []
            fitting = [i for i in range(len(first)) if all(a == b for j, (a, b) in enumerate(zip(first, shape, strict=True)) if j != i)]
            notes += [f"along dim {i} they would join" for i in fitting]
            if not same_form:
                return Clash("concat-mismatch", headline, _label(scene, parts[0], part), whole(part), whole(parts[0]), tuple(notes))
            label = _label(scene, parts[0], part, *hits)
            return Clash("concat-mismatch", headline, label, at(part, hits[0]), at(parts[0], hits[0]), tuple(notes[:2]))
    return None


def _label(scene: Scene, one: TensorInfo, other: TensorInfo, *dims: int) -> str:
    first, second = say.name(scene, one, "the first"), say.name(scene, other, "another")
    return f"{first} is {say.marked(one, *dims)}, {second} is {say.marked(other, *dims)}"


def _stack(scene: Scene, parts: list[TensorInfo]) -> Clash | None:
    dim = integer(scene.event.argument(1, "dim")) or 0
    other = next((part for part in parts if part.shape != parts[0].shape), None)
    if other is not None:
        return _unequal(scene, parts[0], other, "tensors to stack differ")
    rank = parts[0].rank + 1
    if not -rank <= dim < rank:
        headline = f"`stack` adds dim {dim}, but with {say.count(parts[0].rank, 'dim')} the new one can be 0 to {rank - 1}"
        return Clash("other-shape-error", headline, f"each is {parts[0]}", got=whole(parts[0]))
    return None


def _unequal(scene: Scene, one: TensorInfo, other: TensorInfo, what: str) -> Clash:
    headline = f"{what}: {say.sizes(one.shape)} and {say.sizes(other.shape)}"
    if one.rank != other.rank:
        return Clash("concat-mismatch", headline, _label(scene, one, other), whole(other, other.rank), whole(one, one.rank))
    hits = [i for i in range(one.rank) if one.shape[i] != other.shape[i]]
    return Clash("concat-mismatch", headline, _label(scene, one, other, *hits), at(other, hits[0]), at(one, hits[0]))


def _collate(scene: Scene, samples: Value, where: str) -> Clash | None:
    """Samples that are tuples are compared part by part."""
    if not isinstance(samples, tuple) or not samples:
        return None
    parts = tensors(samples)
    if parts is not None:
        other = next((part for part in parts if part.shape != parts[0].shape), None)
        return _unequal(scene, parts[0], other, f"samples of one batch differ in size{where}") if other is not None else None
    rows = [sample for sample in samples if isinstance(sample, tuple)]
    if len(rows) != len(samples):
        return None
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        other_length = next(length for length in lengths if length != lengths[0])
        headline = f"samples of one batch differ in length{where}: {lengths[0]} and {other_length}"
        return Clash("concat-mismatch", headline, f"one sample has {lengths[0]} parts, another {other_length}")
    for i, column in enumerate(zip(*rows, strict=True)):
        clash = _collate(scene, column, f" (part {i})")
        if clash is not None:
            return clash
    return None


def _rows(scene: Scene) -> Clash | None:
    """`torch.tensor` of nested lists: the lists of one level have one length; tensors inside hold one number each."""
    data = scene.event.argument(0, "data")
    many = next((info for info in tensors(data) or [] if info.numel != 1), None)
    if many is not None:
        headline = f"`tensor` makes numbers of a list's items, but one is {say.sizes(many.shape)}"
        return Clash("other-shape-error", headline, f"{say.name(scene, many, 'one item')} is {many}", got=whole(many, many.numel))
    level: list[Value] = [data]
    while level:
        rows = [item for item in level if isinstance(item, tuple)]
        lengths = [len(row) for row in rows]
        uneven = next((length for length in lengths if length != lengths[0]), None)
        if rows and (uneven is not None or len(rows) != len(level)):
            other = f"one of {uneven}" if uneven is not None else "a single number"
            return Clash(
                "concat-mismatch", f"`tensor` is given rows of unequal length: one of {lengths[0]} and {other}", "rows differ in length"
            )
        level = [item for row in rows for item in row]
    return None
