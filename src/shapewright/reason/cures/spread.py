"""Both sides of a loss get one shape: the dim of size 1 is dropped from the one, or added to the other."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Event, ModelCall, Span, TensorInfo, Trace
from shapewright.reason.edits import Edits
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.silent.counted import users_of
from shapewright.reason.silent.loss_broadcast import again, written_here
from shapewright.source import contains

_FARTHEST = 6  # steps back from the call

Change = tuple[str, str, int]  # what is appended, in words, what speaks for it


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates at the operand, at the lines before it, where the model is called, and at the model's last line."""
    tensors = list(problem.event.tensors())[:2]
    if len(tensors) < 2 or problem.clash.severity != "warning":
        return
    spans = operand_spans(problem.trace, problem.event) if written_here(problem.trace, problem.event) else (None, None)
    for (tensor, span), other in zip(zip(tensors, spans, strict=False), tensors[::-1], strict=False):
        yield from _undone(problem, tensor, other)
        for change in _changes(tensor.shape, other.shape):
            if span is not None:
                yield from _appended(problem, span, change, 6)
            yield from _before(problem, tensor, span, change)
            for place, distance in _makers(problem, tensor):
                yield from _appended(problem, place, change, max(5 - distance, 2))
            yield from _all_of_them(problem, tensor, other, change)
    if not any(spans):
        yield from _of_library(problem, tensors)


def _undone(problem: Problem, tensor: TensorInfo, other: TensorInfo) -> Iterator[Candidate]:
    """`y.view(-1, 1)` is `y` again, when that has the shape of the other side."""
    for made_by in _shaped_alike(problem.trace, tensor):
        before = next(made_by.tensors(), None)
        if made_by.op in ("unsqueeze", "view", "reshape") and before is not None and before.shape == other.shape:
            places = operand_spans(problem.trace, made_by)
            code = problem.code(made_by.span)
            if made_by.span is not None and code is not None and places[0] is not None:
                text = code.text_at(places[0])
                yield Candidate("target-shape", f"leave {_called(problem, places[0])} as it is", code.replace(made_by.span, text), 13)


def _all_of_them(problem: Problem, tensor: TensorInfo, other: TensorInfo, change: Change) -> Iterator[Candidate]:
    """Everything of this side's shape that meets the other side, or what came out of that: `reward + gamma * next_value - value`."""
    suffix, words, evidence = change
    places: dict[Span, Edits] = {}
    for event in _meetings(problem, tensor, other):
        if not written_here(problem.trace, event):
            return
        for operand, span in zip(event.tensors(), operand_spans(problem.trace, event), strict=True):
            if operand.shape == tensor.shape:
                place = _variable(problem, operand, span)
                code = problem.code(place)
                edits = code.append(place, suffix) if code is not None and place is not None else ()
                if place is None or not edits:
                    return
                places[place] = edits
    if len(places) > 1:
        named = say.listed(list(dict.fromkeys(_called(problem, place) for place in places)))
        yield Candidate("target-shape", f"{words} {named}", tuple(edit for edits in places.values() for edit in edits), evidence * 2)


def _meetings(problem: Problem, tensor: TensorInfo, other: TensorInfo) -> Iterator[Event]:
    """The call, those in which the same sides meet again, and what is made of them element by element."""
    trace = problem.trace
    todo = [problem.event, *again(trace, problem.event, (tensor, other))]
    seen = {event.index for event in todo}
    while todo:
        event = todo.pop(0)
        yield event
        for user in users_of(trace, event):
            if user.index not in seen and len(list(user.tensors())) > 1:
                yield user
            if user.index not in seen and user.output and user.output[0].shape == event.output[0].shape:
                todo.append(user)
            seen.add(user.index)


def _variable(problem: Problem, tensor: TensorInfo, span: Span | None) -> Span | None:
    """Of an operand such as `0.99 * value` the variable in it that has the shape; the operand where there is none."""
    for place, _ in _steps(problem, tensor) if span is not None else ():
        if span is not None and contains(span, place) and problem.text(place).isidentifier():
            return place
    return span


def _changes(shape: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Change]:
    """What makes the one shape the other."""
    dims = _extra(shape, wanted)
    if dims:
        yield "".join(f".squeeze({dim})" for dim in reversed(dims)), f"drop {_named(dims)} of", 3
    dims = _extra(wanted, shape)
    if dims:
        yield "".join(f".unsqueeze({dim})" for dim in dims), f"add {_named(dims)} to", 0
    if len(shape) == 2 and shape[::-1] == wanted:
        yield ".T", "transpose", 3 if shape[0] == 1 else 0


def _named(dims: tuple[int, ...]) -> str:
    return f"{'dim' if len(dims) == 1 else 'dims'} {say.listed([str(dim) for dim in dims])}"


def _extra(long: tuple[int, ...], short: tuple[int, ...]) -> tuple[int, ...]:
    """The dims of size 1 without which the longer shape is the shorter; () when that cannot be."""
    dims: list[int] = []
    rest = list(short)
    for dim, size in enumerate(long):
        if rest and rest[0] == size:
            rest.pop(0)
        elif size == 1:
            dims.append(dim)
        else:
            return ()
    return tuple(dims) if not rest else ()


def _appended(problem: Problem, span: Span, change: Change, near: int) -> Iterator[Candidate]:
    code = problem.code(span)
    suffix, words, evidence = change
    if code is not None:
        yield Candidate("target-shape", f"{words} {_called(problem, span)}", code.append(span, suffix), evidence * 2 + near)


def _called(problem: Problem, span: Span) -> str:
    text = problem.text(span)
    return f"`{text}`" if len(text) <= 2 * say.LONGEST_NAME and "\n" not in text else f"the result in line {span.line}"


def _before(problem: Problem, tensor: TensorInfo, span: Span | None, change: Change) -> Iterator[Candidate]:
    """A line before the statement, where the same variable takes part in it several times."""
    code = problem.code(problem.event.span)
    suffix, words, evidence = change
    if code is None or span is None or problem.event.span is None or not problem.clash.notes:
        return
    for place in (span, *(place for place, _ in _steps(problem, tensor))):
        name = problem.text(place)
        statement = code.statement(problem.event.span)
        if name.isidentifier() and statement is not None and contains(statement, place):
            line = f"{name} = {name}{suffix}"
            yield Candidate("target-shape", f"{words} `{name}`", code.insert_before(problem.event.span, line), evidence * 2 - 1)
            return


def _steps(problem: Problem, tensor: TensorInfo) -> Iterator[tuple[Span, TensorInfo]]:
    """What the tensor was made from as long as the shape is the same, each with its expression."""
    for event in _shaped_alike(problem.trace, tensor):
        if event.call == "operator" and len(list(event.tensors())) < 2:
            continue  # of `0.99 * value` nobody says which side is the tensor
        for operand, place in zip(event.tensors(), operand_spans(problem.trace, event), strict=True):
            if operand.shape == tensor.shape and place is not None:
                yield place, operand


def _shaped_alike(trace: Trace, tensor: TensorInfo) -> Iterator[Event]:
    """The call that made the tensor, and those before it that passed its shape on."""
    shape = tensor.shape
    for _ in range(_FARTHEST):
        if tensor.source is None or not 0 <= tensor.source < len(trace.events):
            return
        event = trace.events[tensor.source]
        if event.op == "not-recorded":
            return
        yield event
        before = next((operand for operand in event.tensors() if operand.shape == shape), None)
        if before is None or before.source == tensor.source:
            return
        tensor = before


def _makers(problem: Problem, tensor: TensorInfo) -> Iterator[tuple[Span, int]]:
    """Where the tensor, or what it was made from in the same shape, is written: nearest first; in a model its call and its last line."""
    own = problem.event.span
    given: list[Span] = []  # a part of an expression that has got an edit needs none
    for distance, event in enumerate(_shaped_alike(problem.trace, tensor)):
        if event.span is None or own is None:
            return
        call = _model_call(problem.trace, event)
        adds = event.op in ("unsqueeze", "view", "reshape")  # what it has added is not dropped behind it
        places = [] if adds else [(event.span, distance + 2)] if call is not None else [(event.span, distance)]
        if call is not None and call.span is not None and len(call.outputs) == 1 and call.outputs[0].shape == tensor.shape:
            places.insert(0, (call.span, distance))
        for place, far in places:
            if place != own and not any(contains(larger, place) for larger in given):
                given.append(place)
                yield place, far
        if call is not None:
            return  # what is further inside was shaped for the layers of the model


def _model_call(trace: Trace, event: Event) -> ModelCall | None:
    """The program's call of a model in which an event was made. A call of one kind is noted once, so the place decides."""
    if event.module is None:
        return None
    for call in trace.calls:
        for inside in trace.events[call.first : call.end]:
            if inside.index == event.index or (inside.op, inside.span, inside.module) == (event.op, event.span, event.module):
                return call
    return None


def _of_library(problem: Problem, tensors: list[TensorInfo]) -> Iterator[Candidate]:
    """A call within a library, `dist.log_prob(action)`: its arguments get the shape of the other side."""
    span = problem.event.span
    code = problem.code(span)
    for _, place in code.arguments(span) if code is not None and span is not None else ():
        for one, other in (tensors, tensors[::-1]):
            for change in _changes(one.shape, other.shape):
                yield from _appended(problem, place, change, 6)
