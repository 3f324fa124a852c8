"""Two tensors are added, multiplied or compared whose sizes do not go together.

What happened. `+ - * /`, comparisons, `where`, `masked_fill` and the like take tensors of equal shape, or stretch a
dim of size 1. Shapes are compared from the last dim backwards; somewhere two sizes differ and neither is 1
(`broadcast-mismatch`). `expand` and in-place operations (`x += y`) stretch one side only. Batches multiplied by `@`
go together by the same rule.

Why. A skip connection whose branch changes the channels or the size; a position table made for another number of
tokens; an upsampling that does not come back to the same odd size; a vector that belongs to dim 1 and stands, without
`[:, None, None]`, at the last.

How to tell which fix is right. If both stand for the same thing, one of them was computed wrongly: bring the branch
to the same size (a 1×1 convolution, padding, interpolation) or build the table for this length. If one is to be
repeated, give it a dim of size 1 in the right place; do not let a column meet a row, which runs and gives a square.

Example. A residual block whose second convolution halves the channels:

    `x` and `skip` cannot be added: dim 1 is 64 in one and 32 in the other
"""

from __future__ import annotations

from shapewright.model import Clash, Event, Number, Size, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, broadcast, clashing, not_filling, numbers, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("broadcast-mismatch",)

VERBS = {
    "add": "added", "sub": "subtracted", "mul": "multiplied", "div": "divided", "true_divide": "divided", "floor_divide": "divided",
    "remainder": "divided", "fmod": "divided", "eq": "compared", "ne": "compared", "lt": "compared", "le": "compared", "gt": "compared",
    "ge": "compared", "maximum": "compared", "minimum": "compared", "isclose": "compared",
}  # fmt: skip
OTHERS = {
    "pow", "where", "masked_fill", "masked_select", "lerp", "addcmul", "addcdiv", "clamp", "clamp_min", "clamp_max", "atan2", "hypot",
    "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "fmax", "fmin", "max", "min", "dist",
    "copy", "logaddexp", "logaddexp2", "xlogy", "heaviside", "copysign", "polar", "complex", "float_power", "nextafter", "ldexp",
}  # fmt: skip
OPS = OTHERS | VERBS.keys()


def demand(scene: Scene) -> Clash | None:
    """All tensors broadcast to one shape; an in-place call moreover keeps the shape of what it writes to."""
    event = scene.event
    if event.op in ("expand", "broadcast_to", "expand_as"):
        return _expand(scene)
    if event.op not in OPS:
        return None
    shaped = operands(event)
    if len(shaped) < 2:
        return None
    written = shaped[0] if event.inplace else None
    if event.op == "copy":
        grows = shaped[1].rank > shaped[0].rank or not_filling(shaped[1].shape, shaped[0].shape)
        return _copy(scene, *shaped[:2]) if grows else None
    common = broadcast(info.shape for info in shaped)
    if common is None:
        first, second = next((a, b) for i, a in enumerate(shaped) for b in shaped[i + 1 :] if clashing(a.shape, b.shape))
        return _disagree(scene, first, second)
    if written is not None and common != written.shape:
        other = next((info for info in shaped[1:] if not_filling(info.shape, written.shape)), shaped[1])
        return _grow(scene, written, other)
    return None


def operands(event: Event) -> list[TensorInfo]:
    """The tensors that must go together, without a place for the result."""
    values = (*event.args, *(value for key, value in event.kwargs.items() if key != "out"))
    return [value for value in values if isinstance(value, TensorInfo)]


def _disagree(scene: Scene, one: TensorInfo, other: TensorInfo) -> Clash:
    hits = clashing(one.shape, other.shape)
    dim = hits[0]
    same = one.rank == other.rank
    place = say.which(dim, same_rank=same, rank=one.rank)
    done = VERBS.get(scene.event.op)
    headline = f"{say.both(scene, one, other)} cannot be {done}: {place} is {one.shape[dim]} in one and {other.shape[dim]} in the other"
    if not done:
        headline = f"{say.both(scene, one, other)} disagree in {place} for `{scene.event.op}`: {one.shape[dim]} and {other.shape[dim]}"
    first, second = say.pair(scene, one, other)
    label = f"{first} is {say.marked(one, *hits)}, {second} is {say.marked(other, *hits)}"
    notes: list[str] = []
    if len(hits) > 1:
        rest = [say.which(hit, same_rank=same, rank=one.rank) for hit in sorted(hits[1:])]
        notes.append(f"{say.listed(rest)} {'differs' if len(rest) == 1 else 'differ'}, too")
    notes += _notes(first, one, second, other)
    got, want = (other, one) if one.kind in ("parameter", "buffer") and other.kind == "activation" else (one, other)
    return Clash("broadcast-mismatch", headline, label, at(got, dim), at(want, dim), tuple(notes[:2]))


def _notes(first: str, one: TensorInfo, second: str, other: TensorInfo) -> list[str]:
    if one.rank == other.rank and sorted(one.shape) == sorted(other.shape):
        return [f"{first} and {second} have the same sizes in another order"]
    short, long, name = (one, other, first) if one.rank < other.rank else (other, one, second)
    if short.rank == 1 and long.rank > 1 and long.shape.count(short.shape[0]) == 1:
        dim = long.shape.index(short.shape[0])
        return [f"shapes are compared from the last dim; the {short.shape[0]} of {name} would match dim {dim}"]
    return []


def _grow(scene: Scene, written: TensorInfo, other: TensorInfo) -> Clash:
    hits = not_filling(other.shape, written.shape) or [-1]
    first, second = say.pair(scene, written, other)
    subject = say.ticked(first, "left" if scene.event.call == "operator" else "first")
    headline = f"{subject} is changed in place and cannot grow from {say.sizes(written.shape)} to fit {say.sizes(other.shape)}"
    dim = hits[0]
    mark = [hit for hit in hits if -hit <= written.rank]
    label = f"{first} is {say.marked(written, *mark)}, {second} is {say.marked(other, *hits)}"
    want = at(written, dim) if -dim <= written.rank else whole(written, written.rank)
    return Clash("broadcast-mismatch", headline, label, at(other, dim), want)


def _copy(scene: Scene, written: TensorInfo, other: TensorInfo) -> Clash:
    hits = not_filling(other.shape, written.shape)
    shared = [hit for hit in hits if -hit <= written.rank]
    first, second = say.pair(scene, written, other)
    headline = f"cannot copy {say.sizes(other.shape)} into {say.sizes(written.shape)}"
    label = f"{first} is {say.marked(written, *shared)}, {second} is {say.marked(other, *hits)}"
    got, want = whole(other, other.rank), whole(written, written.rank)
    if shared:
        got, want = at(other, shared[0]), at(written, shared[0])
    return Clash("broadcast-mismatch", headline, label, got, want)


def _expand(scene: Scene) -> Clash | None:
    event = scene.event
    x = tensor(event, 0, "input")
    if x is None:
        return None
    other = tensor(event, 1, "other") if event.op == "expand_as" else None
    asked = (
        None if other is not None else numbers(event.args[1:] or tuple(event.kwargs.get(k) for k in ("size", "shape") if k in event.kwargs))
    )
    if other is None and asked is None:
        return None
    target = other.shape if other is not None else tuple(number.value for number in asked or ())
    called = say.name(scene, x, "the input")
    label = f"{called} is {x}, asked for {say.sizes(target)}"
    if len(target) < x.rank:
        headline = f"`{event.op}` cannot bring {say.count(x.rank, 'dim')} {say.sizes(x.shape)} to {len(target)}: {say.sizes(target)}"
        return Clash("broadcast-mismatch", headline, label, whole(x, x.rank), whole(other, other.rank) if other is not None else None)
    for i in range(1, len(target) + 1):
        size = x.shape[-i] if i <= x.rank else None
        if target[-i] == -1 and size is not None:
            continue
        if target[-i] < 0:
            headline = f"`{event.op}` has no size to keep for the new dim {len(target) - i} (-1) of {say.sizes(target)}"
            return Clash("broadcast-mismatch", headline, label, got=whole(x), want=_asked(asked, other, -i))
        if size is not None and size not in (1, target[-i]):
            place = say.which(-i, same_rank=x.rank == len(target), rank=x.rank)
            headline = f"`{event.op}` cannot stretch {place} of {say.ticked(called, 'the input')} from {size} to {target[-i]}"
            arrows = say.sizes(f"→{value}←" if j == len(target) - i else str(value) for j, value in enumerate(target))
            label = f"{called} is {say.marked(x, -i)}, asked for {arrows}"
            notes = ("only a dim of size 1 can be stretched",)
            return Clash("broadcast-mismatch", headline, label, at(x, -i), _asked(asked, other, -i), notes)
    return None


def _asked(asked: list[Number] | None, other: TensorInfo | None, dim: int) -> Size | None:
    if other is not None:
        return at(other, dim)
    return Size(asked[dim].value, number=asked[dim]) if asked else None
