"""Where two dims of a tensor go, and where one comes from, over many calls. Pure.

`ways` answers for one call and one operand; here a `cat` has all its operands, and an index may take a dim away.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shapewright.model import Event, Number, TensorInfo, Trace
from shapewright.reason.places import parsed
from shapewright.reason.ways import way
from shapewright.source import text_at


@dataclass(frozen=True, slots=True)
class Pair:
    """Where two dims stand in a tensor; None: it is no dim of its own any more."""

    one: int | None
    other: int | None


def forward(events: Iterable[Event], start: Event, tensor: TensorInfo, pair: Pair) -> dict[int, Pair]:
    """Of each later event that works on what was made of the tensor: where the two dims stand in its (first) output."""
    found: dict[int, Pair] = {}
    for event in events:
        if event.index <= start.index or not event.output or event.training:
            continue
        operands = list(event.tensors())
        pairs = [_held(operand, start, tensor, pair, found) for operand in operands]
        moved = [_moved(event, operands, number, held) for number, held in enumerate(pairs) if held is not None]
        if moved:
            ones = [one.one for one in moved if one.one is not None]
            others = [one.other for one in moved if one.other is not None]
            found[event.index] = Pair(ones[0] if ones else None, others[0] if others else None)
    return found


def _held(operand: TensorInfo, start: Event, tensor: TensorInfo, pair: Pair, found: dict[int, Pair]) -> Pair | None:
    if operand.source == start.index:
        return pair if operand.shape == tensor.shape else None
    return found.get(operand.source) if operand.source is not None else None


def _moved(event: Event, operands: list[TensorInfo], number: int, held: Pair) -> Pair:
    """The pair of one operand in the output of the call."""
    output, operand = event.output[0], operands[number]
    if event.op == "getitem":  # what an index holds does not become dims of the result
        return _indexed(event, operand, held) if number == 0 else Pair(None, None)
    if event.op in ("cat", "concat") and operand.rank == output.rank:
        return held
    places: list[int | None] = [None, None]
    for dim in range(output.rank):
        source = way(event, output, dim)
        if source is None or (source[0] != number and operands[source[0]].shape != operand.shape):
            continue
        for which, at in enumerate((held.one, held.other)):
            if at == source[1]:
                places[which] = dim
    return Pair(*places)


def _indexed(event: Event, operand: TensorInfo, held: Pair) -> Pair:
    """`out[:, -1]` takes dim 1 away; `out[rows, lengths - 1]` leaves the one whose size the result has."""
    index = event.argument(1, "index")
    parts = index if isinstance(index, tuple) else (index,)
    tensors = [part for part in parts if isinstance(part, TensorInfo)]
    if any(tensor.rank != 1 or tensor.dtype in ("bool", "uint8") for tensor in tensors) or len(tensors) > 2:
        return Pair(None, None)
    places: dict[int, int] = {}
    read = made = 0
    first: tuple[int, int] | None = None  # the dim that the first tensor reads, and where its result stands
    for part in parts:
        if part is None or part == "None":
            made += 1
        elif part in ("Ellipsis", "ellipsis"):
            skipped = operand.rank - sum(1 for other in parts if other not in (None, "None", "Ellipsis", "ellipsis"))
            places.update({read + step: made + step for step in range(skipped)})
            read, made = read + skipped, made + skipped
        elif isinstance(part, TensorInfo) and first is not None:
            if read != first[0] + 1:
                return Pair(None, None)
            sizes = operand.shape[first[0]], operand.shape[read]
            if (part.shape[0] == sizes[0]) != (part.shape[0] == sizes[1]):
                places.pop(first[0], None)
                places[first[0] if part.shape[0] == sizes[0] else read] = first[1]
            read += 1
        elif isinstance(part, TensorInfo) or (isinstance(part, str) and part.startswith("slice")):
            if isinstance(part, TensorInfo):
                first = read, made
            places[read] = made
            read, made = read + 1, made + 1
        elif isinstance(part, Number):
            read += 1
        else:
            return Pair(None, None)
    places.update({dim: made + dim - read for dim in range(read, operand.rank)})
    return Pair(*(places.get(at) if at is not None else None for at in (held.one, held.other)))


def sources(trace: Trace, tensor: TensorInfo, dim: int) -> Iterator[tuple[TensorInfo, int]]:
    """The tensor, and all that its dim comes from, each with the place of the dim in it."""
    todo, seen = [(tensor, dim)], set[tuple[int | None, tuple[int, ...], int]]()
    while todo:
        tensor, dim = todo.pop()
        key = tensor.source, tensor.shape, dim
        if key in seen:
            continue
        seen.add(key)
        yield tensor, dim
        event = maker(trace, tensor)
        if event is not None:
            todo.extend(_before(event, tensor, dim))


def maker(trace: Trace, tensor: TensorInfo) -> Event | None:
    """The event that made the tensor, when it is recorded in full."""
    event = trace.events[tensor.source] if tensor.source is not None and 0 <= tensor.source < len(trace.events) else None
    return event if event is not None and any(output.shape == tensor.shape for output in event.output) else None


def _before(event: Event, tensor: TensorInfo, dim: int) -> Iterator[tuple[TensorInfo, int]]:
    operands = [operand for operand in event.tensors() if operand.source != event.index]
    if collated(event) is not None:
        return
    if event.op == "getitem":
        yield from _unindexed(event, tensor, dim)
        return
    if event.op in ("cat", "concat"):
        if way(event, tensor, dim) is not None:
            yield from ((operand, dim) for operand in operands)
        return
    source = way(event, tensor, dim)
    if source is None:
        return
    of = list(event.tensors())[source[0]]
    if of.source != event.index:
        yield of, source[1]
    yield from ((other, dim) for other in operands if other is not of and other.shape == tensor.shape and source[1] == dim)


def _unindexed(event: Event, tensor: TensorInfo, dim: int) -> Iterator[tuple[TensorInfo, int]]:
    operand = next(event.tensors(), None)
    if operand is None:
        return
    for at in range(operand.rank):
        if _indexed(event, operand, Pair(at, None)).one == dim and operand.shape[at] == tensor.shape[dim]:
            yield operand, at


def collated(event: Event) -> int | None:
    """Along which dim of its result the call lays samples side by side; None for any other call."""
    if event.op == "stack":
        at = event.argument(1, "dim", Number(0))
        return at.value % max(event.output[0].rank, 1) if isinstance(at, Number) and event.output else None
    if event.op == "pad_sequence":
        return 0 if event.argument(1, "batch_first", False) is True else 1
    return None


def by_loader(trace: Trace, event: Event) -> bool:
    """Whether the call is that of a loader that collects samples: its own, or in the function that it was given for this."""
    if event.op == "pad_sequence":
        return True
    text = trace.sources.get(event.span.file, "") if event.span is not None else ""
    if event.span is not None and "stack" not in text_at(text, event.span):
        return True
    return event.function.rpartition(".")[2] in set(_collators(trace))


def _collators(trace: Trace) -> Iterator[str]:
    for call in loaders(trace):
        for word in call.keywords:
            if word.arg == "collate_fn" and isinstance(word.value, ast.Name | ast.Attribute):
                yield word.value.id if isinstance(word.value, ast.Name) else word.value.attr


def loaders(trace: Trace) -> Iterator[ast.Call]:
    """The calls of `DataLoader` in the program."""
    for text in trace.sources.values():
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
                if name == "DataLoader":
                    yield node


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a call's keyword."""
    return next((word.value for word in call.keywords if word.arg == name), None)


def shuffles(trace: Trace) -> bool:
    """Whether a loader of the program draws its samples in a random order: neighbours then have nothing to do with each other."""
    for call in loaders(trace):
        value = keyword(call, "shuffle")
        if value is not None and not (isinstance(value, ast.Constant) and not value.value):
            return True
    return False
