"""A bare `squeeze()` is told which dims are to go, so that the batch stays when there is one sample in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, Span
from shapewright.reason.edits import Code, Edits
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.silent.squeeze_lost_batch import batch_dim
from shapewright.reason.ways import chain
from shapewright.source import contains


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that keep the batch, the plainest first."""
    batch = batch_dim(problem.trace, problem.event)
    if batch is not None:
        yield from _kept(problem, batch)


def before_failure(problem: Problem) -> Iterator[Candidate]:
    """The same for a call that failed because a bare `squeeze()` on the way to it took a batch of one."""
    for tensor, _ in problem.operands():
        for step in chain(problem.trace, tensor)[-4:]:
            operand = next(step.tensors(), None)
            bare = step.op == "squeeze" and len(step.args) == 1 and not step.kwargs
            if bare and operand is not None and operand.rank > 1 and operand.shape[0] == 1 and step.output and step.output[0].rank == 0:
                yield from _kept(replace(problem, event=step), 0)


def _kept(problem: Problem, batch: int) -> Iterator[Candidate]:
    event, span = problem.event, _whole(problem)
    operand = next(event.tensors(), None)
    code = problem.code(span)
    if operand is None or span is None or code is None:
        return
    gone = [dim for dim, size in enumerate(operand.shape) if size == 1 and dim != batch]
    if not gone:
        yield Candidate("dim", "leave `squeeze()` out: no dim but the batch can be 1 here", _without(code, event, span))
        return
    last = operand.rank - 1
    if len(gone) == 1:
        dim = -1 if gone[0] == last > 1 else gone[0]
        title = "drop the last dim only" if dim == -1 else f"drop dim {dim} only"
        yield Candidate("dim", title, _told(code, event, span, "squeeze", str(dim)), 1)
        return
    if batch == 0 and gone == list(range(2, operand.rank)):
        yield Candidate("dim", "keep the batch, and flatten all the rest", _told(code, event, span, "flatten", "1"), 2)
    dims = f"({', '.join(map(str, gone))})"
    yield Candidate("dim", f"drop dims {' and '.join(map(str, gone))} only", _told(code, event, span, "squeeze", dims), 1)


def _whole(problem: Problem) -> Span | None:
    """The call from its first line on: of one over several lines Python tells only where its name and brackets stand."""
    span = problem.event.span
    if span is None:
        return None
    text = problem.trace.sources.get(span.file, "")
    lines = text.split("\n")
    calls = (span_of(node, span.file, lines) for node in ast.walk(parsed(text)) if isinstance(node, ast.Call))
    around = [call for call in calls if (call.end_line, call.end_column) == (span.end_line, span.end_column) and contains(call, span)]
    return around[-1] if around else None


def _told(code: Code, event: Event, span: Span, name: str, argument: str) -> Edits:
    """The call with another argument, and by another name where it is a flatten."""
    callee = code.callee(span)
    if callee is None:
        return ()
    text = code.text_at(span)
    if event.call == "method" and "\n" in text:
        edits = code.set_argument(span, "start_dim" if name == "flatten" else "dim", argument)
        return (*code.replace(callee, name), *edits) if name == "flatten" and edits else edits
    if event.call == "method":  # the name and the empty brackets stand at the end of the expression
        called = name if name == "flatten" else code.text_at(callee)
        return code.replace(span, f"{text[: text.rfind(code.text_at(callee))]}{called}({argument})")
    given = code.arguments(span)
    if len(given) != 1:
        return ()
    edits = code.insert_element(given[0][1], argument if given[0][0] is None else _keyword(name, argument), after=True)
    return (*code.replace(callee, name), *edits) if name == "flatten" and edits else edits


def _keyword(name: str, argument: str) -> str:
    return f"start_dim={argument}" if name == "flatten" else f"dim={argument}"


def _without(code: Code, event: Event, span: Span) -> Edits:
    callee = code.callee(span)
    if callee is None:
        return ()
    if event.call == "method":
        text = code.text_at(span)
        return code.replace(span, text[: text.rfind(code.text_at(callee))].rstrip().removesuffix("."))
    given = code.arguments(span)
    return code.replace(span, code.text_at(given[0][1])) if len(given) == 1 else ()
