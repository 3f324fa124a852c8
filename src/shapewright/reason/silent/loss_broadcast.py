"""Two operands of a loss have as many elements and other shapes, and are spread over each other.

What happened. `(64, 1)` against `(64,)`: shapes are compared from the last dim, a missing dim or a dim of size 1 takes the
other's size, and the result is `(64, 64)`: every prediction is compared with every target. Nothing fails, `mse_loss`
warns at most, and the model learns the mean of the targets.

Why. A layer with one output gives `[N, 1]`, targets of one number each come as `[N]`. The same happens by hand
(`((pred - y) ** 2).mean()`), when an advantage `[N, 1]` weighs log-probabilities `[N]`, when `(pred == y).sum()` counts
hits, and when maps `[N, 1, H, W]` meet `[N, H, W]`.

How to tell which fix is right. Give both sides one shape: `squeeze(1)` for the side with the extra dim, or
`unsqueeze(1)` for the other. Never a bare `squeeze()`, which takes a batch of one as well. If every pair was meant, say
so: `a[:, None] - b[None, :]`. A loss function that is given shapes of which only one is stretched, `[N, 3]` and `[N, 1]`,
is told as a note: torch warns of it, and it may be meant.

Example. A prediction of 64 numbers in a column against 64 targets in a row:

    [64, 1] and [64] are spread to [64, 64]: each of the 64 samples is compared with all 64
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set

from shapewright.model import Clash, Event, TensorInfo, Trace
from shapewright.reason.names import operand_names
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import broadcast, whole
from shapewright.reason.silent import flow
from shapewright.reason.silent.counted import BY_HAND, ELEMENTWISE, LOSSES, ends_in_one_number
from shapewright.reason.ways import rests_on_assumption, setter
from shapewright.source import contains, text_at

SLUGS = ("loss-broadcast",)

_ORDERS = ("lt", "le", "gt", "ge")
_VERBS = {"mul": "multiplied by", "div": "divided by", "add": "added to", "pow": "raised to"}

_COLUMN_MAKERS = ("unsqueeze", "view", "reshape", "getitem", "unflatten")
_TABLES = ("arange", "linspace", "logspace", "range")

Pair = tuple[TensorInfo, TensorInfo]


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Losses, and calls by hand that end in one number, whose operands are both spread."""
    found = suspects(trace)
    told: list[tuple[Event, Pair]] = []
    for index, pair in found.items():
        event = trace.events[index]
        if _wrong(trace, event, pair, found.keys()) and not any(_same_sides(trace, *other, event, pair) for other in told):
            told.append((event, pair))
    for event, pair in told:
        yield event, _clash(trace, event, pair, again(trace, event, pair))
    causes = {event.index for event, _ in told}
    for event in trace.events:
        one_sided = _pair(event) if event.op in LOSSES and event.index not in found else None
        if one_sided is None or not _one_sided(*one_sided) or rests_on_assumption(trace, event):
            continue
        if not flow.ancestors(trace, one_sided) & causes:
            yield event, _note(trace, event, one_sided)


def suspects(trace: Trace) -> dict[int, Pair]:
    """The calls whose operands are spread over each other, without a sign that this was meant."""
    return {event.index: pair for event in trace.events if (pair := _suspect(trace, event)) is not None}


def _pair(event: Event) -> Pair | None:
    """The two operands that are compared."""
    operands = list(event.tensors())[:2]
    return (operands[0], operands[1]) if len(operands) == 2 and event.failure is None and event.output else None


# ------------------------------------------------------------------------------------------------------------------- what is spread


def _suspect(trace: Trace, event: Event) -> Pair | None:
    """The operands when both are spread over each other, and nothing says that it was meant."""
    if event.op not in LOSSES and event.op not in BY_HAND:
        return None
    pair = _pair(event)
    if pair is None or not spread(*pair) or _meant(trace, event, pair) or rests_on_assumption(trace, event):
        return None
    return pair


def spread(one: TensorInfo, other: TensorInfo) -> bool:
    """The same sizes on both sides but for dims of size 1, and more elements when they meet."""
    if one.numel != other.numel or one.numel < 2 or _core(one) != _core(other):
        return False
    met = broadcast((one.shape, other.shape))
    return met is not None and TensorInfo(met).numel > one.numel


def _core(tensor: TensorInfo) -> tuple[int, ...]:
    return tuple(size for size in tensor.shape if size != 1)


def _meant(trace: Trace, event: Event, pair: Pair) -> bool:
    """Whether the source, or the run, says that every pair is wanted."""
    one, other = pair
    if _same_tensor(trace, one, other) or any(_without_samples(trace, event, side) for side in pair):
        return True
    makers = [_column_maker(trace, one, other), _column_maker(trace, other, one)]
    written = [maker is not None and _inside(maker, event) for maker in makers]
    if event.op in LOSSES and event.output[0].rank == 0:
        return all(written)  # nobody takes the mean over all pairs by a loss function, unless both sides are written for it
    if one.rank == other.rank or any(written):
        return True
    if any(maker is not None and _on_purpose(trace, event, maker, pair) for maker in makers):
        return True
    return _other_sizes(trace, event)


def _same_tensor(trace: Trace, one: TensorInfo, other: TensorInfo) -> bool:
    """`scores.unsqueeze(1) - scores`: both sides are one tensor, looked at in two ways."""
    first, second = (flow.origin(trace, side, lambda event: event.op in flow.VIEWS) for side in (one, other))
    if first.source is None or second.source is None:
        return first is second or (bool(first.name) and first.name == second.name)
    return first.source == second.source and len(trace.events[first.source].output) < 2


def _column_maker(trace: Trace, tensor: TensorInfo, other: TensorInfo) -> Event | None:
    """The call that gave the tensor a dim of size 1 where the other one is longer, when it added that dim to what had it not."""
    for dim in range(tensor.rank):
        at = dim - tensor.rank
        if tensor.shape[dim] == 1 and -at <= other.rank and other.shape[at] > 1:
            found = setter(trace, tensor, dim)
            event = found[0] if found is not None else None
            before = next(event.tensors(), None) if event is not None else None
            if event is not None and event.op in _COLUMN_MAKERS and before is not None and before.rank < event.output[0].rank:
                return event
    return None


def _inside(maker: Event, event: Event) -> bool:
    """Whether the dim is added within the very expression: `x[:, None] - y`."""
    return maker.span is not None and event.span is not None and maker.span != event.span and contains(event.span, maker.span)


def _on_purpose(trace: Trace, event: Event, maker: Event, pair: Pair) -> bool:
    """The dim is added a line before: to scores that meet other scores, or to what came into a helper in the other one's shape."""
    before = next(maker.tensors())
    outside = maker.module is None and event.op in ("sub", "add", *_ORDERS, "max", "min", "maximum", "minimum")
    if outside and all(flow.learned(trace, [side]) for side in pair):
        return True
    other = pair[1] if pair[0].rank > pair[1].rank else pair[0]
    here = event.function
    if not here or maker.function != here or before.shape != other.shape:
        return False
    return all(side.source is None or trace.events[side.source].function != here for side in (before, other))


def _without_samples(trace: Trace, event: Event, side: TensorInfo) -> bool:
    """A side that no sample has part in: parameters alone, a count of places, a row of constants."""
    if side.kind in ("parameter", "buffer"):
        return True
    root = flow.origin(trace, side, lambda made_by: made_by.op in ELEMENTWISE or made_by.op in flow.VIEWS)
    if root.kind in ("parameter", "buffer"):
        return True
    made_by = trace.events[root.source] if root.source is not None else None
    if made_by is None:
        return False
    if made_by.op in _TABLES:
        return event.op in _ORDERS or event.op in ("eq", "ne", "mul", "div")
    if made_by.op == "tensor":
        return event.op in ("mul", "div") and _written_out(trace, made_by)
    operands = list(made_by.tensors())
    return bool(operands) and all(operand.kind in ("parameter", "buffer") for operand in operands)


def _written_out(trace: Trace, made_by: Event) -> bool:
    """`torch.tensor([0.1, 0.5, 0.9])`: numbers that stand in the source."""
    if made_by.span is None:
        return False
    try:
        call = ast.parse(text_at(trace.sources.get(made_by.span.file, ""), made_by.span).strip(), mode="eval").body
        return isinstance(call, ast.Call) and bool(call.args) and ast.literal_eval(call.args[0]) is not None
    except (SyntaxError, ValueError):
        return False


def _other_sizes(trace: Trace, event: Event) -> bool:
    """Whether the same expression also met (N, 1) with (M,): two sets, and equal numbers by chance."""
    for other in trace.events:
        if other.op == event.op and event.span is not None and other.span == event.span and other.index != event.index:
            pair = _pair(other)
            if pair is not None and pair[0].numel != pair[1].numel and min(pair[0].numel, pair[1].numel) > 1:
                met = broadcast((pair[0].shape, pair[1].shape))
                if met is not None and TensorInfo(met).numel > max(pair[0].numel, pair[1].numel):
                    return True
    return False


# ------------------------------------------------------------------------------------------------------------- what becomes of it


def _wrong(trace: Trace, event: Event, pair: Pair, found: Set[int]) -> bool:
    if event.op in LOSSES and event.output[0].rank == 0:
        return True
    if not _trained(trace, event, pair):
        return False
    return ends_in_one_number(trace, event, found) or (event.op in LOSSES and _natural(trace, pair))


def _trained(trace: Trace, event: Event, pair: Pair) -> bool:
    """A model has part in a side; or there is none, and a gradient is taken all the same."""
    if flow.learned(trace, pair):
        return True
    for other in trace.events:
        if other.op == "backward":
            behind = list(other.tensors())
            if event.index in flow.ancestors(trace, behind) and not flow.learned(trace, behind):
                return True
    return False


def _natural(trace: Trace, pair: Pair) -> bool:
    """The longer side has its last dim from a layer with one output."""
    longer = max(pair, key=lambda side: side.rank)
    found = setter(trace, longer, longer.rank - 1) if longer.shape[-1] == 1 else None
    return found is not None and found[0].module is not None and found[0].op == "linear"


# ------------------------------------------------------------------------------------------------------------------ how it is told


def _same_sides(trace: Trace, first: Event, one: Pair, second: Event, other: Pair) -> bool:
    """Whether two calls of a function spread the same two tensors: `y * log(p) + (1 - y) * log(1 - p)`."""
    return first.function == second.function and _carriers(trace, one) == _carriers(trace, other)


def _carriers(trace: Trace, pair: Pair) -> frozenset[tuple[int | None, tuple[int, ...]]]:
    return frozenset((root.source, root.shape) for root in (carrier(trace, side) for side in pair))


def carrier(trace: Trace, tensor: TensorInfo) -> TensorInfo:
    """The tensor that gave this one its shape, through calls that work on each element of it alone."""

    def alone(event: Event) -> bool:
        operands = list(event.tensors())
        return event.op in ELEMENTWISE and len(operands) == 1 and operands[0].shape == event.output[0].shape

    return flow.origin(trace, tensor, alone)


def again(trace: Trace, event: Event, pair: Pair) -> tuple[Event, ...]:
    """The further calls in which the same sides meet."""
    found = ((trace.events[index], other) for index, other in suspects(trace).items() if index != event.index)
    return tuple(other for other, sides in found if other.span != event.span and _same_sides(trace, event, pair, other, sides))


def _clash(trace: Trace, event: Event, pair: Pair, more: tuple[Event, ...]) -> Clash:
    one, other = pair
    met = broadcast((one.shape, other.shape)) or ()
    longer = one if one.rank > other.rank else other
    count = next((size for size in _core(longer) if size in _grown(one.shape, met) + _grown(other.shape, met)), max(one.shape))
    noun = "samples" if longer.shape[0] == count else "values"
    verb = _VERBS.get(event.op, "compared with" if event.op in (*LOSSES, "sub") or event.op in ("eq", "ne") else "paired with")
    headline = f"{say.sizes(one.shape)} and {say.sizes(other.shape)} are spread to {say.sizes(met)}: "
    headline += f"each of the {count} {noun} is {verb} all {count}"
    lines = dict.fromkeys(str(other.span.line) for other in more if other.span is not None)
    notes = (f"the same two sides also meet in line {say.listed(list(lines))}",) if lines else ()
    shorter = other if longer is one else one
    return Clash(SLUGS[0], headline, _label(trace, event, pair), whole(shorter), whole(longer), notes, severity="warning")


def _grown(shape: tuple[int, ...], met: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes that a shape is stretched to."""
    padded = (1,) * (len(met) - len(shape)) + shape
    return tuple(now for was, now in zip(padded, met, strict=True) if was != now)


def _label(trace: Trace, event: Event, pair: Pair) -> str:
    names = operand_names(trace, event) if written_here(trace, event) else ("", "")
    return f"{names[0] or 'the one side'} is {pair[0]}, {names[1] or 'the other'} is {pair[1]}"


def written_here(trace: Trace, event: Event) -> bool:
    """Whether the source writes this call itself. `Normal.log_prob` makes it within a library."""
    module = trace.modules[event.module] if event.module is not None else None
    if event.span is None or (module is not None and module.library):
        return event.span is not None
    text = text_at(trace.sources.get(event.span.file, ""), event.span)
    return not _is_call(text) or (event.call != "operator" and f"{event.op}(" in text.replace(" ", ""))


def _is_call(text: str) -> bool:
    try:
        return isinstance(ast.parse(text.strip(), mode="eval").body, ast.Call)
    except SyntaxError:
        return False


def _one_sided(one: TensorInfo, other: TensorInfo) -> bool:
    return one.shape != other.shape and min(one.rank, other.rank) > 0 and _core(one) != _core(other)


def _note(trace: Trace, event: Event, pair: Pair) -> Clash:
    one, other = pair
    met = broadcast((one.shape, other.shape)) or ()
    stretched = [say.sizes(side.shape) for side in pair if side.shape != met]
    headline = f"{event.op} stretches {say.listed(stretched)} to {say.sizes(met)}"
    return Clash(SLUGS[0], headline, _label(trace, event, pair), whole(one), whole(other), severity="note")
