"""A `view` or `reshape` that runs and takes values for something else: pieces of samples, or dims that were not moved.

What happened. `view` and `reshape` do not move values; they only count them off anew, the last dim first. So
`x.view(-1, 32 * 4 * 4)` of maps that are 8 by 8 cuts each image into four rows, and the batch of 4 becomes 16.
`(B, H, W, C)` viewed as `(B, C, H, W)` has the right shape, and each "channel" holds a strip of all three colours.
Attention heads that are merged without moving them back give each position a share of several others.

Why. A `-1` takes up whatever is left over, so that a wrong number does not fail. And a shape says only how many values
there are, not which: `[2, 10, 32]` can be reached from `[2, 4, 10, 8]` with and without a transpose.

How to tell which fix is right. If the number of rows changed, keep the batch (`x.flatten(1)`) and build the layer for
the width that there is. If two sizes changed places, move them: `transpose` or `permute` before the `reshape` where
dims are merged, behind the `view` where one is split (`view(B, T, heads, d).transpose(1, 2)`), and in its place where
only the order differs (`permute(0, 3, 1, 2)` from channels-last images).

Example. Maps of 32 channels and 8 by 8 pixels, counted off in rows of 512:

    a batch of 4 becomes 16 rows: `view` takes 512 values for a row, and a sample has 2048
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from shapewright.model import Clash, Event, ModelCall, Number, Size, TensorInfo, Trace
from shapewright.reason.asked import Asked, Factor, asked_for, is_written
from shapewright.reason.layouts import RESHAPES, Block, Layouts, Piece, Row, asked, deals, layouts, uneven
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import whole
from shapewright.reason.silent import flow
from shapewright.reason.ways import FACTORIES, chain

SLUGS = ("batch-mixed",)

_SLICES = ("getitem", "narrow", "select")
_BY_CHANNELS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "batch_norm")
_BY_FEATURES = ("linear", "lstm", "gru", "rnn", "layer_norm", "multiheadattention")


@dataclass(frozen=True, slots=True)
class Swap:
    """A reshape by which whole sizes come to stand where others were: what each dim of the result would be if they had been moved."""

    event: Event
    block: Block
    rows: tuple[Row, ...]  # what the operand's dims consist of
    groups: tuple[tuple[int, ...], ...]  # for each dim of the block the pieces that it is meant to be
    splits: tuple[tuple[int, ...], ...] | None = None  # or for each piece the dims of the block that it is meant to be split into


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Reshapes after which rows are no samples, and those that only look as if they had moved a dim."""
    if not any(event.op in RESHAPES and event.span is not None for event in trace.events):
        return
    view = _View.of(trace)
    made, swaps = _followed(trace, view)
    told = {swap.event.index for swap, _ in swaps}
    cut = [(event, clash) for event, clash in _cuts(trace, made) if event.index not in told]
    told |= {event.index for event, _ in cut}
    yield from cut
    for swap, batch in swaps:
        yield swap.event, _swapped(swap.event, swap, mixes=batch or swap.event.index in view.mixed)
    for index in sorted(view.mixed - told):
        if is_written(trace, trace.events[index]):
            yield trace.events[index], _swapped(trace.events[index], None, mixes=True)


def swap_of(trace: Trace, index: int) -> Swap | None:
    """What the reshape at this place of the run takes for what; None when it is in order, or nobody can tell."""
    _, swaps = _followed(trace, _View.of(trace))
    found = [swap for swap, _ in swaps if swap.event.index == index]
    return found[0] if len(found) == 1 else None


def _followed(trace: Trace, view: _View) -> tuple[Layouts, list[tuple[Swap, bool]]]:
    """The layouts of a run, and its swaps, each with whether a batch has part in it."""
    swaps: list[tuple[Swap, bool]] = []

    def judge(made: Layouts, event: Event, blocks: tuple[Block, ...]) -> Mapping[int, Row]:
        rows: dict[int, Row] = {}
        for block in blocks:
            swap = _swap(view, made, event, block)
            if swap is not None:
                swaps.append((swap, bool(view.batches_in(made, event, block))))
                rows |= meant(swap)
        return rows

    return layouts(trace, judge), swaps


# Sizes that change places


@dataclass(frozen=True, slots=True)
class _View:
    """What all questions about one run share."""

    trace: Trace
    inside: frozenset[int]  # calls of the models
    behind: frozenset[int]  # and what was made before or after them
    before: frozenset[int]
    mixed: frozenset[int]  # reshapes in which the samples of a batch first meet, as the run has shown

    @staticmethod
    def of(trace: Trace) -> _View:
        inside = flow.model_events(trace)
        given = [tensor for call in trace.calls if flow.has_parameters(trace, call) for tensor in call.inputs]
        mixed = {index for probe in trace.probes if probe.mixes for index in probe.mixed if index < len(trace.events)}
        behind: set[int] = set(inside)
        for event in trace.events:
            if any(tensor.source in behind for tensor in event.tensors()):
                behind.add(event.index)
        reshapes = {index for index in mixed if trace.events[index].op in RESHAPES}
        return _View(trace, frozenset(inside), frozenset(behind), frozenset(flow.ancestors(trace, given)), frozenset(reshapes))

    def is_data(self, event: Event) -> bool:
        """Whether the call works on data of a model: not on a parameter, a table, or numbers made on the spot."""
        operand = next(event.tensors(), None)
        if operand is None or operand.kind in ("parameter", "buffer"):
            return False
        if event.index in self.inside:
            return not self._is_made_here(operand, next(call for call in self.trace.calls if call.first <= event.index < call.end))
        if event.index in self.behind:
            return True
        made_by = self.trace.events[operand.source] if operand.source is not None else None
        fresh = made_by is not None and made_by.op in FACTORIES
        same = sorted(size for size in operand.shape if size > 1) == sorted(size for size in event.output[0].shape if size > 1)
        return event.index in self.before and (same or not fresh)

    def _is_made_here(self, tensor: TensorInfo, call: ModelCall) -> bool:
        """Whether nothing of what the model was given has part in the tensor."""
        todo, seen = [tensor], set()
        while todo:
            one = todo.pop()
            if one.source is None or one.source < call.first:
                if one.kind in ("activation", "input"):
                    return False
            elif one.source not in seen and one.source < len(self.trace.events):
                seen.add(one.source)
                todo.extend(self.trace.events[one.source].tensors())
        return True

    def batches_in(self, made: Layouts, event: Event, block: Block) -> list[Piece]:
        """The pieces of the block that are the batch of some model, or may be."""
        names = {
            made.of(tensor)[0][0].name for call in self.trace.calls for tensor in call.inputs[:1] if tensor.rank and made.of(tensor)[0]
        }
        return [piece for piece in block.pieces if piece.name in names]


def _swap(view: _View, made: Layouts, event: Event, block: Block) -> Swap | None:
    """The swap in a block, when it is one beyond doubt."""
    rows = made.of(next(event.tensors()))
    if sum(any(piece in row for piece in block.pieces) for row in rows) < 2 or not is_written(view.trace, event) or not view.is_data(event):
        return None  # a dim that was merged may be split another way
    swap = _match(made, event, block, wanted := asked_for(view.trace, made, event))
    if swap is None or _is_skew(view.trace, swap):
        return None
    if event.index in view.mixed or uneven(next(event.tensors()).shape, event.output[0].shape):
        return swap
    if block.cut is None:
        return None
    if _reckoned(swap, wanted):
        return None
    if _names_another(swap, wanted):
        return swap
    operand = next(event.tensors())
    first = made.of(operand)[0] if operand.rank else ()
    if view.batches_in(made, event, block) or 0 in block.dims or any(piece in block.pieces for piece in first):
        return None  # sizes may agree by chance, and the run has not shown that samples meet
    return swap if not block.one_sided or _taken_so(view.trace, swap) else None


def _match(made: Layouts, event: Event, block: Block, wanted: Sequence[Asked | None]) -> Swap | None:
    """Whole pieces for each dim, or whole dims for each piece; of several ways the one that goes with what the dims are called."""
    rows = made.of(next(event.tensors()))
    found = [Swap(event, block, rows, groups) for groups in deals(block.pieces, block.sizes)]
    parts = [Piece((number,), size) for number, size in enumerate(block.sizes)]
    found = found or [Swap(event, block, rows, (), splits) for splits in deals(parts, [piece.size for piece in block.pieces])]
    return max(found, key=lambda swap: _agreeing(swap, wanted), default=None)


def _agreeing(swap: Swap, wanted: Sequence[Asked | None]) -> int:
    """For how many dims it means what they are called."""
    agreeing = 0
    for number, group in enumerate(_of_dims(swap)):
        named = _names(wanted[swap.block.dims[number]], swap.block.pieces) if wanted else ()
        agreeing += bool(named) and set(named) == {swap.block.pieces[place] for place in group}
    return agreeing


def _is_skew(trace: Trace, swap: Swap) -> bool:
    """The shift by one of relative positions: a column is added, rows are counted off one longer, and the first is left out."""
    steps = [step.op for step in chain(trace, next(swap.event.tensors()))[-2:]]
    if steps[-1:] == ["pad"] or (len(steps) == 2 and steps[1] in _SLICES and steps[0] in RESHAPES):
        return True
    users = _users(trace, swap.event)
    if not users or any(event.op not in _SLICES for event in users) or len(swap.block.pieces) != len(swap.block.sizes):
        return False
    filled = any(piece.filled for piece in swap.block.pieces)
    return filled or any(later.op in RESHAPES for user in users for later in _users(trace, user))


def _users(trace: Trace, event: Event) -> list[Event]:
    return [other for other in trace.events[event.index + 1 :] if any(tensor.source == event.index for tensor in other.tensors())]


def _reckoned(swap: Swap, wanted: Sequence[Asked | None]) -> bool:
    """Whether a dim is asked for by a reckoning that does not lead to the pieces that would fit: `T // 2`, `2 * F`."""
    for number, group in enumerate(_of_dims(swap)):
        one = wanted[swap.block.dims[number]] if wanted else None
        if one is None or one.is_plain or (swap.splits is not None and len(_fellows(swap, number)) > 1):
            continue
        pieces = [swap.block.pieces[place] for place in group]
        factors = [factor for factor in one.factors if factor.value != 1]
        if len(pieces) == 1 and len(factors) == 1 and factors[0].key is not None and factors[0].key == pieces[0].key:
            continue
        sizes = [factor.value if factor.row is None else prod(piece.size for piece in factor.row) for factor in factors]
        if any(size is None for size in sizes) and len(sizes) == len(pieces):
            sizes = [piece.size for piece in pieces] if not any(factor.reckoned for factor in factors) else sizes
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes) or len(pieces) == 1 or (not deals(pieces, known) and not _splits(pieces, known)):
            return True
    return False


def _splits(pieces: Sequence[Piece], sizes: Sequence[int]) -> bool:
    return bool(deals([Piece((number,), size) for number, size in enumerate(sizes)], [piece.size for piece in pieces]))


def _names_another(swap: Swap, wanted: Sequence[Asked | None]) -> bool:
    """Whether a dim is asked for by the name of a piece of the block that it does not consist of."""
    assert swap.block.cut is not None
    for number, dim in enumerate(swap.block.dims):
        pieces = _names(wanted[dim], swap.block.pieces) if wanted else ()
        as_large = bool(pieces) and prod(piece.size for piece in pieces) == swap.block.sizes[number]
        if as_large and any(not any(part.is_in(piece) for piece in pieces) for part in swap.block.cut[number]):
            return True
    return False


def _names(one: Asked | None, pieces: Row) -> Row:
    """The pieces of the block that a size is named after; () when it is not, or not as a whole."""
    named = [_named(factor, pieces) for factor in one.factors] if one is not None else []
    return () if any(row is None for row in named) else tuple(piece for row in named if row is not None for piece in row)


def _named(factor: Factor, pieces: Row) -> Row | None:
    """The pieces of the block that a factor stands for."""
    if factor.row is not None:
        found = tuple(piece for piece in pieces if any(piece.is_in(one) for one in factor.row))
        return found if prod(piece.size for piece in found) == prod(piece.size for piece in factor.row) else None
    if factor.key is None:
        return None
    same = [piece for piece in pieces if piece.key == factor.key]
    return (same[0],) if len(same) == 1 else None


def _taken_so(trace: Trace, swap: Swap) -> bool:
    """Two sizes change places, and the next layer takes the dim for the features that it was named after."""
    if len(swap.block.pieces) != 2 or len(swap.block.sizes) != 2 or swap.splits is not None:
        return False
    rank = swap.event.output[0].rank
    for event in flow.consumers(trace, swap.event):
        at = 1 if event.op in _BY_CHANNELS else rank - 1 if event.op in _BY_FEATURES else None
        if at is None or at not in swap.block.dims or event.index > swap.event.index + 3:
            continue
        (place,) = swap.groups[swap.block.dims.index(at)]
        return swap.block.pieces[place].fresh
    return False


def _of_dims(swap: Swap) -> list[tuple[int, ...]]:
    """For each dim of the block the pieces that it is meant to be, or to be a part of."""
    if swap.splits is None:
        return list(swap.groups)
    return [next((piece,) for piece, dims in enumerate(swap.splits) if number in dims) for number in range(len(swap.block.sizes))]


def _fellows(swap: Swap, number: int) -> tuple[int, ...]:
    return next(dims for dims in swap.splits or () if number in dims)


def meant(swap: Swap) -> dict[int, Row]:
    """What the dims consist of, had the values been moved."""
    block = swap.block
    if swap.splits is None:
        return {dim: tuple(block.pieces[place] for place in group) for dim, group in zip(block.dims, swap.groups, strict=True)}
    found: dict[int, Row] = {}
    for place, dims in enumerate(swap.splits):
        piece, split = block.pieces[place], tuple(block.sizes[number] for number in dims)
        for part, number in enumerate(dims):
            cut = Piece((*piece.name, (part, split)), block.sizes[number])
            found[block.dims[number]] = (piece if len(dims) == 1 else cut,)
    return found


def _swapped(event: Event, swap: Swap | None, *, mixes: bool) -> Clash:
    operand, output = next(event.tensors()), event.output[0]
    what = "mixes the samples" if mixes else "mixes up the dims"
    headline = f"`{event.op}` of {say.sizes(operand.shape)} to {say.sizes(output.shape)} {what}: it moves no values"
    notes = (_how(swap),) if swap is not None else ()
    return Clash(SLUGS[0], headline, f"{operand} is counted off as {output}", whole(operand), None, notes, "warning")


def _how(swap: Swap) -> str:
    """In which order the sizes lie, and in which the result names them."""
    block = swap.block
    if swap.splits is None:
        read = [block.pieces[place].size for group in swap.groups for place in group]
        return f"the values lie in the order {_row([piece.size for piece in block.pieces])}; the result is read as {_row(read)}"
    lies = [block.sizes[number] for dims in swap.splits for number in dims]
    return f"the values lie in the order {_row(lies)}; the result is read as {_row(list(block.sizes))}"


def _row(sizes: Sequence[int]) -> str:
    return " × ".join(map(str, sizes))


# Rows that are no samples


def _cuts(trace: Trace, made: Layouts) -> Iterator[tuple[Event, Clash]]:
    """Reshapes with -1 for the batch, behind which a model gives another number of rows than it was given samples."""
    for call in trace.calls:
        if not call.inputs or not call.inputs[0].rank or not call.outputs or not flow.has_parameters(trace, call) or call.span is None:
            continue
        batch = call.inputs[0].shape[0]
        probes = [probe for probe in trace.probes if probe.model == call.module]
        if any(rows and rows[0] == tried for probe in probes for tried, rows in probe.sizes if tried > 1):
            continue
        behind = flow.ancestors(trace, call.outputs)
        for event in trace.events[call.first : call.end]:
            output = event.output[0] if event.output else None
            if event.index not in behind or output is None or not is_written(trace, event) or call.outputs[0].rank == 0:
                continue
            if output.rank > 1 and output.shape[0] == call.outputs[0].shape[0] != batch and _cuts_samples(trace, made, event, batch):
                yield event, _rows(trace, event, batch)
                break


def _cuts_samples(trace: Trace, made: Layouts, event: Event, batch: int) -> bool:
    """Whether the -1 in dim 0 takes parts of maps to the batch, or several maps to one row."""
    operand, output = next(event.tensors()), event.output[0]
    sizes = asked(event)
    minus = sizes and isinstance(sizes[0], Number) and sizes[0].value < 0
    if not minus or operand.rank < 2 or operand.shape[0] != batch or output.shape[0] == batch:
        return False
    pieces = made.pieces(operand)
    maps = operand.rank >= 4 or any(_is_of_conv(trace, piece) for piece in pieces)
    if not maps or any(one is not None and any(factor.reckoned for factor in one.factors) for one in asked_for(trace, made, event)):
        return False
    features = prod(operand.shape[1:])
    row = prod(output.shape[1:])
    if row % features == 0:  # pairs are written as such: 2 * features
        return output.rank == 2 and bool(layers_behind(trace, event)) and not _says_how_many(trace, made, event, row // features)
    rest = 1
    for piece in reversed(pieces):
        if rest == row:
            return False  # whole dims go to the batch
        if row // rest < piece.size or row % (rest * piece.size):
            return rest > 1 or row % rest != 0 or piece.size % (row // rest) != 0
        rest *= piece.size
    return False


def _is_of_conv(trace: Trace, piece: Piece) -> bool:
    name = piece.name
    return len(name) > 1 and name[0] == "set" and isinstance(name[1], int) and trace.events[name[1]].op.startswith("conv")


def _says_how_many(trace: Trace, made: Layouts, event: Event, times: int) -> bool:
    one = next(iter(asked_for(trace, made, event)[-1:]), None)
    return one is not None and any(factor.value == times or factor.key is None for factor in one.factors if len(one.factors) > 1)


def layers_behind(trace: Trace, event: Event) -> list[Event]:
    """The linear layers that the rows go into: one, or the two that give mean and variance."""
    same, found = {event.index}, []
    for other in trace.events[event.index + 1 : event.index + 12]:
        if any(tensor.source in same for tensor in other.tensors()):
            if other.op == "linear":
                found.append(other)
            elif other.output and other.output[0].shape == event.output[0].shape:
                same.add(other.index)
    return found


def _rows(trace: Trace, event: Event, batch: int) -> Clash:
    operand, output = next(event.tensors()), event.output[0]
    row, features = prod(output.shape[1:]), prod(operand.shape[1:])
    headline = f"a batch of {batch} becomes {output.shape[0]} rows: `{event.op}` takes {row} values for a row, and a sample has {features}"
    layer = next(iter(layers_behind(trace, event)), None)
    module = trace.modules[layer.module] if layer is not None and layer.module is not None else None
    number = module.number("in_features") if module is not None else None
    want = Size(row, number=number or next((one for one in asked(event)[1:] if isinstance(one, Number)), None))
    return Clash(SLUGS[0], headline, f"{operand} is counted off as {output}", whole(operand), want, (), "warning")
