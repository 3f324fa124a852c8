"""Where weights go: over which of their own dims the products that use them sum, and of which product their scores were made. Pure.

A dim is followed through calls that only scale, mask or rearrange. Where it cannot be followed nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from shapewright.model import Event, Number, TensorInfo, Trace
from shapewright.reason.silent import flow
from shapewright.reason.ways import way

SOFTMAXES = ("softmax", "log_softmax", "softmin", "gumbel_softmax")
PRODUCTS = ("matmul", "bmm", "mm", "mv", "baddbmm", "einsum")
_KEEP = {
    "dropout", "dropout1d", "dropout2d", "alpha_dropout", "feature_dropout", "contiguous", "clone", "to", "float", "half", "double", "type",
    "type_as", "masked_fill", "nan_to_num", "where", "detach", "bfloat16", "clamp", "identity", "data", "cpu",
}  # fmt: skip
_SCALE = {"mul", "div", "add", "sub", "neg", "tanh", "leaky_relu", "relu", "clip"}
_RESHAPES = {"view", "reshape", "flatten", "unflatten", "view_as", "reshape_as"}
_MOVES = {"permute", "transpose", "t", "mT", "unsqueeze", "squeeze", "expand", "expand_as", "repeat", "movedim"}
_SUMS = {"sum", "mean", "nansum", "nanmean"}

_COLON = "slice(None, None, None)"

Users = Mapping[int, list[Event]]
_How = Literal["sum", "later"] | None  # what a sum would be, when there was a product before it
Places = tuple[int | None, ...]  # for each dim of the tensor one began with, where it is now


@dataclass(frozen=True, slots=True)
class Use:
    """A product with another tensor, and the dims of the weights that are summed in it or behind it."""

    event: Event
    summed: frozenset[int]
    how: Literal["matrix", "sum", "later", "self"]  # a matrix product; element by element, then a sum; a sum behind one of these; x @ x.T


@dataclass(frozen=True, slots=True)
class Uses:
    """All that was found behind some weights."""

    found: tuple[Use, ...] = ()
    own: bool = False  # they are combined with what was made of themselves (divided by their sum, say), or with other weights
    gates: bool = False  # they are multiplied element by element

    def summed(self, *, later: bool = False) -> list[int]:
        """The dims that products sum over, in the order of the run; with `later` also what is pooled behind them, or meets itself."""
        return list(dict.fromkeys(dim for use in self.found if later or use.how in ("matrix", "sum") for dim in sorted(use.summed)))


def users(trace: Trace) -> Users:
    """The calls that work on the result of each event."""
    found: dict[int, list[Event]] = {}
    for event in trace.events:
        for source in {tensor.source for tensor in event.tensors() if tensor.source is not None}:
            found.setdefault(source, []).append(event)
    return found


def uses(trace: Trace, made_by: Users, event: Event) -> Uses:
    """What becomes of the result of `event`."""
    if not event.output:
        return Uses()
    start = event.output[0]
    todo: list[tuple[int, TensorInfo, Places, _How]] = [(event.index, start, tuple(range(start.rank)), None)]
    seen: set[tuple[int, Places]] = set()
    found: list[Use] = []
    own = gates = False
    while todo and len(seen) < 500:
        source, tensor, places, product = todo.pop(0)
        for user in made_by.get(source, ()):
            operands = list(user.tensors())
            position = next((i for i, one in enumerate(operands) if one.source == source and one.shape == tensor.shape), None)
            if position is None or user.index <= source or not user.output or (user.index, places) in seen:
                continue
            seen.add((user.index, places))
            others = [one for i, one in enumerate(operands) if i != position and one.is_floating and one.numel > 1]
            mixed = [one for one in others if event.index in flow.ancestors(trace, [one])]
            if user.op in (*PRODUCTS, "mul", "div") and any(_are_weights(trace, one) for one in others if one not in mixed):
                own = True
            if mixed:
                own = own or user.op not in PRODUCTS
                for number, one in enumerate(operands if user.op in PRODUCTS else ()):
                    summed, _ = (
                        _product(user, operands, number, places) if one.source == source and one.shape == tensor.shape else (None, ())
                    )
                    found += [Use(user, summed, "self")] if summed else []
                continue
            out = user.output[0]
            if user.op in PRODUCTS:
                summed, after = _product(user, operands, position, places)
                if summed is None:
                    continue
                found.append(Use(user, summed, "matrix"))
                todo.append((user.index, out, after, "later"))
            elif user.op in _SUMS and product is not None:
                gone = reduced(user, tensor.rank)
                if len(gone) == tensor.rank > 1:  # a loss, or a mean of all there is
                    continue
                found.append(Use(user, frozenset(i for i, place in enumerate(places) if place in gone), product))
                kept = [dim for dim in range(tensor.rank) if dim not in gone or out.rank == tensor.rank]
                after = tuple(kept.index(place) if place is not None and place not in gone else None for place in places)
                todo.append((user.index, out, after, "later"))
            elif user.op in SOFTMAXES:
                own = True
            elif user.op in ("mul", "div") or user.op in _KEEP:
                spread = _spread(places, tensor, out)
                by = user.op == "mul" and bool(others)
                gates = gates or by
                todo.append((user.index, out, spread, product or ("sum" if by else None)))
            elif user.op in _RESHAPES | _MOVES or user.op == "getitem":
                todo.append((user.index, out, _onward(user, tensor, out, places), product))
    return Uses(tuple(found), own, gates)


def _spread(places: Places, tensor: TensorInfo, out: TensorInfo) -> Places:
    """Dims are counted from the last; one of size 1 that is stretched is no longer that dim."""
    more = out.rank - tensor.rank
    return tuple(None if at is None or out.shape[at + more] != tensor.shape[at] else at + more for at in places)


def _onward(event: Event, tensor: TensorInfo, out: TensorInfo, places: Places) -> Places:
    came = {back: at for at in range(out.rank) if (back := _back(event, tensor, out, at)) is not None}
    return tuple(came.get(place) if place is not None else None for place in places)


def _back(event: Event, tensor: TensorInfo, out: TensorInfo, dim: int) -> int | None:
    """Which dim of the operand a dim of the result comes from."""
    if event.op in _RESHAPES:
        return _reshaped(tensor.shape, out.shape).get(dim)
    if event.op == "getitem":
        return _indexed(event, tensor).get(dim)
    if event.op in ("movedim", "expand_as"):
        return dim if event.op == "expand_as" and tensor.rank == out.rank and tensor.shape[dim] == out.shape[dim] else None
    found = way(event, out, dim)
    return found[1] if found is not None and found[0] == 0 else None


def _reshaped(before: tuple[int, ...], after: tuple[int, ...]) -> dict[int, int]:
    """Dims that a reshape leaves alone: those that are equal from the first on, and from the last back; then what stands between."""
    found: dict[int, int] = {}
    for at in range(min(len(before), len(after))):
        if before[at] != after[at]:
            break
        found[at] = at
    for back in range(1, min(len(before), len(after)) + 1):
        if before[-back] != after[-back] or len(after) - back in found:
            break
        found[len(after) - back] = len(before) - back
    return found


def _indexed(event: Event, tensor: TensorInfo) -> dict[int, int]:
    """Dims that an index leaves alone: `None` adds one, a number takes one away, and only a bare colon keeps one as it is."""
    index = event.argument(1, "index")
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(part, TensorInfo | tuple | bool) for part in parts) or event.kwargs:
        return {}
    named = sum(part is not None and part != "Ellipsis" for part in parts)
    if "Ellipsis" not in parts:
        parts.append("Ellipsis")
    at = parts.index("Ellipsis")
    parts[at : at + 1] = [_COLON] * (tensor.rank - named)
    found: dict[int, int] = {}
    come = gone = 0
    for part in parts:
        if part == _COLON:
            found[come] = gone
        come += not isinstance(part, Number)
        gone += part is not None
    return found


def reduced(event: Event, rank: int) -> set[int]:
    """The dims that a sum or mean takes away."""
    asked = event.argument(1, "dim")
    if asked is None:
        asked = event.kwargs.get("axis")
    numbers = asked if isinstance(asked, tuple) else (asked,)
    given = {one.value % rank for one in numbers if isinstance(one, Number)} if rank else set()
    return given or set(range(rank))


def _product(event: Event, operands: list[TensorInfo], position: int, places: Places) -> tuple[frozenset[int] | None, Places]:
    """The dims of the weights that a product sums over, and where the others are behind it."""
    if event.op == "einsum":
        return _einsum(event, operands, position, places)
    first = 1 if event.op == "baddbmm" else 0
    if len(operands) != first + 2 or position < first:
        return None, ()
    own, other = operands[position], operands[2 * first + 1 - position]
    left = position == first
    inner = own.rank - 1 if left or own.rank == 1 else own.rank - 2
    out = event.output[0]

    def behind(at: int | None) -> int | None:
        if at is None or at == inner or other.rank == 1 or own.rank == 1:
            return at if at is not None and other.rank == 1 and at != inner else None
        now = at + out.rank - own.rank
        return now if out.shape[now] == own.shape[at] else None

    return frozenset(i for i, at in enumerate(places) if at == inner), tuple(map(behind, places))


def _einsum(event: Event, operands: list[TensorInfo], position: int, places: Places) -> tuple[frozenset[int] | None, Places]:
    terms = letters(event)
    if terms is None or position >= len(terms[0]) or len(terms[0]) < 2:
        return None, ()
    own, out = terms[0][position], terms[1]
    summed = frozenset(i for i, at in enumerate(places) if at is not None and own[at] not in out)
    return summed, tuple(out.index(own[at]) if at is not None and own[at] in out else None for at in places)


def letters(event: Event) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]] | None:
    """The letters of each operand and of the result of an einsum; dots stand for dims that are counted from the last."""
    equation = event.argument(0, "equation")
    operands = list(event.tensors())
    if not isinstance(equation, str) or "->" not in equation or not event.output:
        return None
    left, right = equation.replace(" ", "").split("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        return None
    read = [_read(term, tensor.rank) for term, tensor in zip((*terms, right), (*operands, event.output[0]), strict=True)]
    return None if any(one is None for one in read) else (tuple(one for one in read[:-1] if one is not None), read[-1] or ())


def _read(term: str, rank: int) -> tuple[str, ...] | None:
    if "..." not in term:
        return tuple(term) if len(term) == rank else None
    before, after = term.split("...")
    more = rank - len(before) - len(after)
    return (*before, *(f".{more - i}" for i in range(more)), *after) if more >= 0 else None


def _are_weights(trace: Trace, tensor: TensorInfo) -> bool:
    """Whether a tensor is the result of a softmax, scaled, masked or rearranged at most."""
    return any(event.op in SOFTMAXES for event, _ in _behind(trace, tensor))


def _behind(trace: Trace, tensor: TensorInfo) -> Iterator[tuple[Event, TensorInfo]]:
    """The calls that made a tensor, last first, as far as they only scale, mask or rearrange, and the one before these."""
    for _ in range(100):
        if tensor.source is None or not 0 <= tensor.source < len(trace.events):
            return
        event = trace.events[tensor.source]
        yield event, tensor
        if event.op not in _KEEP | _SCALE | _RESHAPES | _MOVES:
            return
        floats = [one for one in event.tensors() if one.is_floating and one.kind not in ("parameter", "buffer")]
        if event.op not in _RESHAPES | _MOVES:
            floats = [one for one in floats if one.shape == tensor.shape]
        if not floats or floats[0].source == tensor.source:
            return
        tensor = floats[0]


@dataclass(frozen=True, slots=True)
class Scores:
    """A product of two activations, and which of its dims are those of the softmax's operand."""

    event: Event
    places: Places  # for each dim of the softmax's operand the dim of the product
    rows: tuple[TensorInfo, int]  # the operand and its dim that the queries stand in: those of the left side
    columns: tuple[TensorInfo, int]
    row: int  # the dims of the product that come from one side only
    column: int


def scores(trace: Trace, tensor: TensorInfo) -> Scores | None:
    """The product that the tensor was made of: every vector of one side with every vector of the other."""
    places: Places = tuple(range(tensor.rank))
    for event, now in _behind(trace, tensor):
        if event.op in PRODUCTS:
            return _scores(event, places)
        operand = next((one for one in event.tensors() if one.is_floating), None)
        if event.op in _RESHAPES | _MOVES and operand is not None:
            places = tuple(_back(event, operand, now, at) if at is not None else None for at in places)
    return None


def _scores(event: Event, places: Places) -> Scores | None:
    operands = list(event.tensors())[1 if event.op == "baddbmm" else 0 :]
    if len(operands) != 2 or any(one.kind in ("parameter", "buffer") or one.rank < 2 for one in operands) or not event.output:
        return None
    left, right = operands
    if event.op != "einsum":
        rank = event.output[0].rank
        return Scores(event, places, (left, left.rank - 2), (right, right.rank - 1), rank - 2, rank - 1)
    terms = letters(event)
    if terms is None:
        return None
    (one, two), out = terms[0], terms[1]
    row = [letter for letter in out if letter in one and letter not in two]
    column = [letter for letter in out if letter in two and letter not in one]
    if len(row) != 1 or len(column) != 1:
        return None
    return Scores(event, places, (left, one.index(row[0])), (right, two.index(column[0])), out.index(row[0]), out.index(column[0]))


def setter(trace: Trace, tensor: TensorInfo, dim: int) -> tuple[Event, int] | None:
    """As `ways.setter`, but a product with a matrix of weights sets the dims that come from it. None: it came from outside."""
    return next(((event, at) for event, _, at, goes_on in steps(trace, tensor, dim) if not goes_on), None)


def steps(trace: Trace, tensor: TensorInfo, dim: int) -> Iterator[tuple[Event, TensorInfo, int, bool]]:
    """The way of a dim, last call first: the call, its result, which dim it is there, and whether it goes on to an operand."""
    for _ in range(10_000):
        event = trace.events[tensor.source] if tensor.source is not None and 0 <= tensor.source < len(trace.events) else None
        output = next((out for out in event.output if out.shape == tensor.shape), None) if event is not None else None
        if event is None or output is None:
            return
        operands = list(event.tensors())
        if event.op in _RESHAPES and operands:
            back = _reshaped(operands[0].shape, output.shape).get(dim)
            found = (0, back) if back is not None else None
        else:
            found = way(event, output, dim)
        if found is None or operands[found[0]].kind in ("parameter", "buffer") or operands[found[0]].source == tensor.source:
            yield event, tensor, dim, False
            return
        yield event, tensor, dim, True
        tensor, dim = operands[found[0]], found[1]
