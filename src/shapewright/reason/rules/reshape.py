"""A view or reshape asks for another number of elements than there are.

What happened. `view`, `reshape` and `unflatten` only arrange elements anew; the sizes multiplied must give the number
of elements, and one of them may be -1, which then must come out as a whole number (`reshape-numel`).

Why. A number in the call (`16 * 5 * 5`) was worked out for another image size, another number of channels, or a fixed
batch size that the last, smaller batch does not have.

How to tell which fix is right. Let the batch dim follow the input (`x.size(0)`) and put the -1, or nothing at all,
behind it: `torch.flatten(x, 1)`. Avoid `view(-1, n)`: when n is wrong but divides the number of elements it runs and
mixes samples. If the number stands for what the next layer takes, that layer has to be changed with it.

Example. A batch of 4 maps of 16×6×6 is viewed as rows of 16·5·5 = 400:

    cannot view 2304 elements as [-1, 400]
"""

from __future__ import annotations

from shapewright.model import Clash, Number, Size, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, integer, numbers, numel, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("reshape-numel",)


def demand(scene: Scene) -> Clash | None:
    """The asked sizes multiply to the number of elements."""
    event = scene.event
    x = tensor(event, 0, "input")
    if x is None:
        return None
    if event.op in ("view", "reshape"):
        given = event.args[1:] or tuple(event.kwargs.get(key) for key in ("size", "shape") if key in event.kwargs)
        if given and isinstance(given[0], str):  # x.view(torch.int32)
            return None
        asked = numbers(given)
        return _fits(scene, x, asked, f"{event.op} {x.numel} elements as", x.numel, whole(x, x.numel)) if asked is not None else None
    if event.op in ("view_as", "reshape_as"):
        return _as_other(scene, x)
    if event.op == "unflatten":
        return _unflatten(scene, x)
    return None


def _fits(scene: Scene, x: TensorInfo, asked: list[Number], verb: str, total: int, got: Size) -> Clash | None:
    values = [number.value for number in asked]
    known = numel([value for value in values if value != -1])
    holes = values.count(-1)
    called = say.name(scene, x, "the input")
    if holes > 1:
        headline = f"`{scene.event.op}` can leave only one size open, but {say.sizes(values)} has {holes} of -1"
        return Clash("other-shape-error", headline, f"{called} is {x}, asked for {say.sizes(values)}", got=got)
    if any(value < -1 for value in values):
        headline = f"`{scene.event.op}` is asked for a negative size: {say.sizes(values)}"
        return Clash("other-shape-error", headline, f"{called} is {x}, asked for {say.sizes(values)}", got=got)
    if known == total if not holes else known != 0 and total % known == 0:
        return None
    guilty = responsible(x.shape, values, total)
    want = Size(values[guilty], number=asked[guilty]) if values else None
    label = f"{called} is {x} = →{total}← elements, asked for {say.sizes(_arrow(values, guilty))}"
    return Clash("reshape-numel", f"cannot {verb} {say.sizes(values)}", label, got, want, _notes(x, called, values, total, known))


def responsible(shape: tuple[int, ...], values: list[int], total: int) -> int:
    """Which of the asked sizes is out of step: the first that is not the input's own size at that place, and could be mended alone."""
    if not values:
        return 0
    fixed = [i for i, value in enumerate(values) if value != -1]
    differs = [i for i in fixed if i >= len(shape) or shape[i] != values[i]] or fixed
    for i in differs:
        rest = numel([values[j] for j in fixed if j != i])
        if rest and total % rest == 0 and values[i] != 1:
            return i
    return differs[0]


def _arrow(values: list[int], guilty: int) -> list[str]:
    return [f"→{value}←" if i == guilty else str(value) for i, value in enumerate(values)]


def _notes(x: TensorInfo, called: str, values: list[int], total: int, known: int) -> tuple[str, ...]:
    if not known:
        return ()
    if -1 in values:
        return (f"{total} is not a multiple of {known}; one sample of {called} has {numel(x.shape[1:])} elements",)
    if x.rank and values[0] != x.shape[0] and numel(values[1:]) == numel(x.shape[1:]):
        return (f"the call asks for a batch of {values[0]}, this one has {x.shape[0]}",)
    return (f"{'·'.join(map(str, values))} = {known}",) if len(values) > 1 else ()


def _as_other(scene: Scene, x: TensorInfo) -> Clash | None:
    other = tensor(scene.event, 1, "other")
    if other is None or other.numel == x.numel:
        return None
    verb = scene.event.op.partition("_")[0]
    first, second = say.pair(scene, x, other)
    label = f"{first} is {x} = {x.numel} elements, {second} is {other} = {other.numel}"
    headline = f"cannot {verb} {x.numel} elements as {say.sizes(other.shape)}"
    return Clash("reshape-numel", headline, label, whole(x, x.numel), whole(other, other.numel))


def _unflatten(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    dim = integer(event.argument(1, "dim"))
    asked = numbers(event.args[2:] or (event.kwargs.get("sizes"),))
    if dim is None or not asked or not -x.rank <= dim < x.rank:
        return None
    size = x.shape[dim]
    shape = (size,)
    clash = _fits(scene, TensorInfo(shape, x.dtype), asked, f"unflatten dim {dim % x.rank} of size {size} into", size, at(x, dim))
    if clash is None or clash.slug != "reshape-numel":
        return clash
    values = [number.value for number in asked]
    guilty = responsible(shape, values, size)
    label = f"{say.name(scene, x, 'the input')} is {say.marked(x, dim)}, asked for {say.sizes(_arrow(values, guilty))}"
    return Clash(clash.slug, clash.headline, label, clash.got, clash.want)


def out_of_order(scene: Scene) -> Clash | None:
    """A `view` that failed although the numbers fit: the tensor's memory is in another order than its dims."""
    event = scene.event
    x = tensor(event, 0, "input")
    if event.failure is None or event.op not in ("view", "view_as") or x is None or x.contiguous or demand(scene) is not None:
        return None
    called = say.name(scene, x, "the input")
    headline = f"`view` needs the memory in order, but {say.ticked(called, 'the input')} was rearranged before"
    notes = ("transpose, permute, expand and slicing keep the old memory; `view` cannot copy, `reshape` can",)
    return Clash("other-shape-error", headline, f"{called} is {x}, its memory is in another order", got=whole(x), notes=notes)
