"""A dim is named that the tensor does not have.

Part of `other-shape-error`. What happened. `softmax(dim=2)`, `transpose(1, 2)`, `squeeze(3)`, `sum(dim=1)` and many
others name a dim by its number; a tensor of rank r has the dims -r … r-1. Or `permute` is given another number of
dims than there are, or `b, c, h, w = x.shape` another number of names.

Why. A dim got lost on the way (`squeeze()`, an index, one sample without its batch), or the call was written for
batches.

How to tell which fix is right. Look at the rank that the tensor should have here. If it should have had one more,
mend the place where the dim was lost; if the call is meant for any rank, count from the end: `dim=-1`.

Example. Logits of one sample in a softmax that was written for a batch:

    `softmax` works along dim 1 but receives 1 dim: [10]
"""

from __future__ import annotations

from shapewright.model import Clash, Number, Size, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, integer, numbers, tensor, whole
from shapewright.reason.scene import Scene

SLUGS: tuple[str, ...] = ()

# Where each op takes its dims: (positions, names). The input stands at 0.
AT_1 = ((1,), ("dim",))
PLACES: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    **dict.fromkeys(("softmax", "log_softmax", "softmin", "cumsum", "cumprod", "sum", "mean", "std", "var", "max", "min"), AT_1),
    **dict.fromkeys(("argmax", "argmin", "prod", "logsumexp", "sort", "median", "mode", "any", "all", "amax", "amin"), AT_1),
    **dict.fromkeys(("squeeze", "unbind", "select", "narrow", "index_select", "gather", "scatter", "scatter_add", "glu"), AT_1),
    **dict.fromkeys(("unflatten", "size", "argsort", "nanmean", "nansum", "count_nonzero"), AT_1),
    **dict.fromkeys(("split", "chunk", "tensor_split", "topk", "kthvalue", "norm", "split_with_sizes"), ((2,), ("dim",))),
    "flatten": ((1, 2), ("start_dim", "end_dim")),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), ((1, 2), ("dim0", "dim1"))),
    "movedim": ((1, 2), ("source", "destination")),
    "flip": ((1,), ("dims",)),
    "roll": ((2,), ("dims",)),
    "repeat_interleave": ((2,), ("dim",)),
}


def demand(scene: Scene) -> Clash | None:
    """Every dim that the call names exists."""
    event = scene.event
    x = tensor(event, 0, "input")
    if x is None:
        return None
    if event.op == "permute":
        return _permute(scene, x)
    if event.op == "t" and x.rank > 2:
        headline = f"`t` swaps the dims of a matrix but receives {say.count(x.rank, 'dim')}: {say.sizes(x.shape)}"
        return Clash("other-shape-error", headline, f"{say.name(scene, x, 'the input')} is {x}", got=whole(x))
    if event.op == "unpack":
        return _unpacked(scene, x)
    if event.op == "unsqueeze":
        return _outside(scene, x, [_number(event.argument(1, "dim"))], x.rank + 1)
    if event.op == "repeat":
        return _repeat(scene, x)
    if event.op not in PLACES:
        return None
    named = [number for position, key in zip(*PLACES[event.op], strict=True) for number in _numbers(event.argument(position, key))]
    return _outside(scene, x, list(named), x.rank) or _beyond(scene, x) or _flatten_order(scene, x)


def _numbers(value: Value) -> list[Number | None]:
    found = numbers((value,))
    return list(found) if found else []


def _number(value: Value) -> Number | None:
    return value if isinstance(value, Number) else None


def _outside(scene: Scene, x: TensorInfo, named: list[Number | None], rank: int) -> Clash | None:
    allowed = rank if scene.event.op in ("unbind", "select", "size") else max(rank, 1)  # elsewhere a single number takes 0 and -1
    for number in named:
        if number is not None and not -allowed <= number.value < allowed:
            op = scene.event.op
            verb = "inserts" if op == "unsqueeze" else "names" if op in ("transpose", "flatten", "size") else "works along"
            headline = f"`{op}` {verb} dim {number.value} but receives {say.count(x.rank, 'dim')}: {say.sizes(x.shape)}"
            label = f"{say.name(scene, x, 'the input')} is {x}, dim →{number.value}←"
            return Clash("other-shape-error", headline, label, whole(x, x.rank), Size(number.value, number=number))
    return None


def _beyond(scene: Scene, x: TensorInfo) -> Clash | None:
    """`topk`, `narrow`, `select`, `split` by sizes: no more than there is along the dim."""
    event = scene.event
    called = say.name(scene, x, "the input")
    if event.op in ("topk", "kthvalue"):
        k, dim = _number(event.argument(1, "k")), integer(event.argument(2, "dim", Number(-1)))
        if k is not None and dim is not None and x.rank and k.value > x.shape[dim]:
            headline = f"`{event.op}` asks for {k.value} of only {x.shape[dim]} along dim {dim % x.rank}"
            return Clash(
                "other-shape-error", headline, f"{called} is {say.marked(x, dim)}, k = →{k.value}←", at(x, dim), Size(k.value, number=k)
            )
    if event.op == "select" and x.rank:
        dim, index = integer(event.argument(1, "dim")), _number(event.argument(2, "index"))
        if dim is not None and index is not None and not -x.shape[dim] <= index.value < x.shape[dim]:
            headline = f"`select` asks for index {index.value} along dim {dim % x.rank}, which has {x.shape[dim]}"
            label = f"{called} is {say.marked(x, dim)}, index →{index.value}←"
            return Clash("other-shape-error", headline, label, at(x, dim), Size(index.value, number=index))
    if event.op == "narrow" and x.rank:
        dim, start, length = (integer(event.argument(i, key)) for i, key in ((1, "dim"), (2, "start"), (3, "length")))
        if dim is not None and start is not None and length is not None and start >= 0 and start + length > x.shape[dim]:
            headline = f"`narrow` reads up to {start + length} along dim {dim % x.rank}, which has {x.shape[dim]}"
            written = _number(event.argument(3, "length"))
            return Clash("other-shape-error", headline, f"{called} is {say.marked(x, dim)}", at(x, dim), Size(length, number=written))
    if event.op in ("split", "split_with_sizes"):
        return _split(scene, x)
    return None


def _split(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    parts = event.argument(1, "split_size_or_sections", event.kwargs.get("split_size", event.kwargs.get("split_sizes")))
    dim = integer(event.argument(2, "dim", Number(0)))
    asked = numbers(parts) if isinstance(parts, tuple) else None
    if not asked or dim is None or not x.rank:
        return None
    values = [number.value for number in asked]
    if sum(values) == x.shape[dim]:
        return None
    headline = f"cannot split {x.shape[dim]} along dim {dim % x.rank} into {' + '.join(map(str, values))} = {sum(values)}"
    label = f"{say.name(scene, x, 'the input')} is {say.marked(x, dim)}, the parts make →{sum(values)}←"
    return Clash("other-shape-error", headline, label, at(x, dim), Size(values[-1], number=asked[-1]))


def _flatten_order(scene: Scene, x: TensorInfo) -> Clash | None:
    if scene.event.op != "flatten" or not x.rank:
        return None
    start, end = integer(scene.event.argument(1, "start_dim", Number(0))), integer(scene.event.argument(2, "end_dim", Number(-1)))
    if start is None or end is None or start % x.rank <= end % x.rank:
        return None
    headline = f"`flatten` is to start at dim {start} and end at dim {end}, which comes before it"
    return Clash("other-shape-error", headline, f"{say.name(scene, x, 'the input')} is {x}", got=whole(x))


def _unpacked(scene: Scene, x: TensorInfo) -> Clash | None:
    """`b, c, h, w = x.shape`: as many names as dims, or with a starred name at most as many."""
    count, starred = integer(scene.event.argument(1, "count")), len(scene.event.args) > 2
    if count is None or (count <= x.rank if starred else count == x.rank):
        return None
    called = say.name(scene, x, "the tensor")
    least, have = "at least " if starred else "", say.count(x.rank, "dim")
    whose = say.ticked(called, "the tensor")
    headline = f"{least}{say.count(count, 'size')} are unpacked but {whose} has {have}: {say.sizes(x.shape)}"
    return Clash("other-shape-error", headline, f"{called} is {x}", got=whole(x, x.rank))


def _permute(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    order = numbers(event.args[1:] or (event.kwargs.get("dims"),))
    if order is None:
        return None
    values = [number.value for number in order]
    label = f"{say.name(scene, x, 'the input')} is {x}, the order is {say.sizes(values)}"
    if len(values) != x.rank:
        headline = f"`permute` orders {say.count(len(values), 'dim')} but receives {x.rank}: {say.sizes(x.shape)}"
        return Clash("other-shape-error", headline, label, got=whole(x, x.rank))
    clash = _outside(scene, x, list(order), x.rank)
    if clash is not None or len({value % x.rank for value in values}) == x.rank or not x.rank:
        return clash
    return Clash("other-shape-error", f"`permute` names a dim twice: {say.sizes(values)}", label, got=whole(x))


def _repeat(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    times = numbers(event.args[1:] or (event.kwargs.get("repeats"),))
    if times is None or len(times) >= x.rank:
        return None
    headline = f"`repeat` is given {say.count(len(times), 'number')} for {say.count(x.rank, 'dim')}: {say.sizes(x.shape)}"
    label = f"{say.name(scene, x, 'the input')} is {x}, repeated {say.sizes(n.value for n in times)}"
    return Clash("other-shape-error", headline, label, got=whole(x, x.rank))
