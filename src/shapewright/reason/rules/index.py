"""An index does not fit the tensor that it picks from.

Part of `other-shape-error`. What happened. `gather` and `scatter` take an index with as many dims as the tensor;
`index_select` takes a list; `x[i, j]` names no more dims than there are, and each index lies within its dim; a mask
has the shape of what it masks.

Why. Actions or labels come as `[N]` where `gather` along dim 1 takes `[N, 1]`; a mask was made from another tensor;
numbering starts at 1.

How to tell which fix is right. Compare the two shapes dim by dim: a missing dim of size 1 is `unsqueeze`d on the
index; a mask has to be made anew from the tensor that it masks, or lose a dim of size 1.

Example. Q-values `[64, 4]` and the actions `[64]` that were taken:

    `gather` expects an index with 2 dims but receives 1: [64]
"""

from __future__ import annotations

from shapewright.model import Clash, Number, Size, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, broadcast, integer, tensor, whole
from shapewright.reason.scene import Scene

SLUGS: tuple[str, ...] = ()
SLUG = "other-shape-error"


def demand(scene: Scene) -> Clash | None:
    """The index has the rank, the sizes and the values that the tensor allows."""
    event = scene.event
    x = tensor(event, 0, "input")
    if x is None:
        return None
    if event.op in ("gather", "scatter", "scatter_add", "scatter_reduce"):
        return _gather(scene, x)
    if event.op == "take_along_dim":
        return _along(scene, x)
    if event.op in ("index_select", "index_add", "index_copy", "index_fill"):
        return _select(scene, x)
    if event.op in ("getitem", "setitem"):
        return _item(scene, x)
    return None


def _gather(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    index, dim = tensor(event, 2, "index"), integer(event.argument(1, "dim"))
    if index is None or dim is None or index.is_floating or not index.numel:
        return None
    called = say.name(scene, index, "the index")
    if max(index.rank, 1) != max(x.rank, 1):
        return _rank(scene, x, index, called)
    dim %= max(x.rank, 1)
    others = [tensor(event, 3, "src")] if event.op != "gather" else []
    for i in range(index.rank):
        for limit in [x if i != dim else None, *others]:
            if limit is not None and limit.rank == index.rank and index.shape[i] > limit.shape[i]:
                source = say.name(scene, limit, "the tensor")
                headline = (
                    f"`{event.op}` has {index.shape[i]} indices in dim {i} for {limit.shape[i]} of {say.ticked(source, 'the tensor')}"
                )
                label = f"{source} is {say.marked(limit, i)}, {called} is {say.marked(index, i)}"
                return Clash(SLUG, headline, label, at(index, i), at(limit, i))
    return _range(scene, x, index, dim, negative=False)


def _rank(scene: Scene, x: TensorInfo, index: TensorInfo, called: str) -> Clash:
    headline = f"`{scene.event.op}` expects an index with {say.count(x.rank, 'dim')} but receives {index.rank}: {say.sizes(index.shape)}"
    label = f"{say.name(scene, x, 'the tensor')} is {x}, {called} is {index}"
    return Clash(SLUG, headline, label, whole(index, index.rank), whole(x, x.rank))


def _range(scene: Scene, x: TensorInfo, index: TensorInfo, dim: int, *, negative: bool) -> Clash | None:
    size = x.shape[dim] if x.rank else 1
    value = None
    if index.highest is not None and index.highest >= size:
        value = index.highest
    elif index.lowest is not None and index.lowest < (-size if negative else 0):
        value = index.lowest
    if value is None:
        return None
    headline = f"`{_verb(scene)}` asks for index {value} along dim {dim}, which has {size}"
    label = f"{say.name(scene, x, 'the tensor')} is {say.marked(x, dim)}, {say.name(scene, index, 'the index')} holds →{value}←"
    return Clash(SLUG, headline, label, Size(value, tensor=index), at(x, dim) if x.rank else whole(x))


def _verb(scene: Scene) -> str:
    return "[…]" if scene.event.op in ("getitem", "setitem") else scene.event.op


def _along(scene: Scene, x: TensorInfo) -> Clash | None:
    index, dim = tensor(scene.event, 1, "indices"), integer(scene.event.argument(2, "dim"))
    if index is None or dim is None or index.is_floating:
        return None
    if index.rank != x.rank:
        return _rank(scene, x, index, say.name(scene, index, "the index"))
    return _range(scene, x, index, dim % max(x.rank, 1), negative=False)


def _select(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    index, dim = tensor(event, 2, "index"), integer(event.argument(1, "dim"))
    if index is None or dim is None or index.is_floating:
        return None
    called = say.name(scene, index, "the index")
    if index.rank > 1:
        headline = f"`{event.op}` expects a list of indices but receives {say.count(index.rank, 'dim')}: {say.sizes(index.shape)}"
        return Clash(SLUG, headline, f"{called} is {index}", whole(index, index.rank))
    if not x.rank and index.numel > 1 and event.op == "index_select":
        headline = f"`index_select` picks {index.numel} from a single number"
        return Clash(SLUG, headline, f"{called} is {index}", whole(index, index.numel))
    source = tensor(event, 3, "source")
    if source is not None and source.rank and x.rank and -source.rank <= dim < source.rank and source.shape[dim] != index.numel:
        headline = f"`{event.op}` has {index.numel} indices for {source.shape[dim]} rows"
        label = f"{called} is {index}, {say.name(scene, source, 'the source')} is {say.marked(source, dim)}"
        return Clash(SLUG, headline, label, at(source, dim), whole(index, index.numel))
    return _range(scene, x, index, dim % max(x.rank, 1), negative=False)


def _item(scene: Scene, x: TensorInfo) -> Clash | None:
    """`x[...]`: what each part takes of the dims. An index of a kind that is not understood ends the search."""
    index = scene.event.argument(1, "index")
    parts = index if isinstance(index, tuple) else (index,)
    takes = [_takes(part) for part in parts]
    if any(take is None for take in takes):
        return None
    named = sum(take for take in takes if take is not None)
    if named > x.rank:
        called = say.name(scene, x, "the tensor")
        headline = f"`[…]` names {say.count(named, 'dim')} but {say.ticked(called, 'the tensor')} has {x.rank}: {say.sizes(x.shape)}"
        return Clash(SLUG, headline, f"{called} is {x}", whole(x, x.rank))
    dim = 0
    picked: list[tuple[int, ...]] = []
    for part, take in zip(parts, takes, strict=True):
        if isinstance(part, str) and _is_dots(part):
            dim += x.rank - named
            continue
        clash = _part(scene, x, part, dim)
        if clash is not None:
            return clash
        if isinstance(part, TensorInfo) and not _is_mask(part):
            picked.append(part.shape)
        dim += take or 0
    if broadcast(picked) is None:
        headline = f"`[…]` picks with indices of {' and '.join(say.sizes(shape) for shape in picked)}, which do not go together"
        return Clash(SLUG, headline, f"{say.name(scene, x, 'the tensor')} is {x}", whole(x))
    return None


def _takes(part: Value) -> int | None:
    """How many dims one part of an index uses up; None when it is of an unknown kind."""
    if isinstance(part, TensorInfo):
        return part.rank if _is_mask(part) else 1
    if isinstance(part, Number):
        return 1
    if part is None or isinstance(part, bool):
        return 0
    if isinstance(part, str):
        return 0 if _is_dots(part) else 1 if part.startswith("slice(") or ":" in part else None
    return None


def _is_mask(part: TensorInfo) -> bool:
    return part.dtype in ("bool", "uint8")


def _is_dots(part: str) -> bool:
    return part in ("Ellipsis", "...")


def _part(scene: Scene, x: TensorInfo, part: Value, dim: int) -> Clash | None:
    called = say.name(scene, x, "the tensor")
    if isinstance(part, Number) and not -x.shape[dim] <= part.value < x.shape[dim]:
        headline = f"`[…]` asks for index {part.value} along dim {dim}, which has {x.shape[dim]}"
        label = f"{called} is {say.marked(x, dim)}, the index is →{part.value}←"
        return Clash(SLUG, headline, label, at(x, dim), Size(part.value, number=part))
    if not isinstance(part, TensorInfo) or part.is_floating:
        return None
    if not _is_mask(part):
        return _range(scene, x, part, dim, negative=True)
    for i, size in enumerate(part.shape):
        if size != x.shape[dim + i]:
            headline = f"the mask {say.sizes(part.shape)} does not fit {say.sizes(x.shape)}: {size} and {x.shape[dim + i]} in dim {dim + i}"
            label = f"{called} is {say.marked(x, dim + i)}, {say.name(scene, part, 'the mask')} is {say.marked(part, i)}"
            return Clash(SLUG, headline, label, at(part, i), at(x, dim + i))
    return None
