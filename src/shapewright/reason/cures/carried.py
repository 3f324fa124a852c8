"""A recurrent state that outlives its batch: what training has left behind is handed to another batch, whose sequences begin anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Event, Span, TensorInfo
from shapewright.reason.lengths import function_at
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import chain
from shapewright.source import contains

_STATEFUL = ("lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell")


def propose(problem: Problem) -> Iterator[Candidate]:
    """No state, where the program first hands the old one in; further in, every step of the new sequence would forget the one before."""
    event, got = problem.event, problem.clash.got
    code = problem.code(event.span)
    if event.op not in _STATEFUL or code is None or event.span is None or got is None or got.tensor is None:
        return
    states = list(_states(event))
    if all(state is not got.tensor for state in states) or not all(_left_behind(problem, state) for state in states):
        return
    written = code.argument(event.span, "hx", 1)
    given = _handed_in(problem, written) if written is not None else None
    inner = problem.code(given)
    if given is not None and inner is not None:
        title = f"begin without a state: `{inner.text_at(given)}` is that of another batch"
        yield Candidate("fresh-state", title, inner.replace(given, "None"), 1)


def _states(event: Event) -> Iterator[TensorInfo]:
    given = event.argument(1, "hx")
    for one in given if isinstance(given, tuple) else (given,):
        if isinstance(one, TensorInfo):
            yield one


def _left_behind(problem: Problem, state: TensorInfo) -> bool:
    """Whether an earlier call of the same layer gave the state."""
    return any(step.op == problem.event.op and step.module == problem.event.module for step in chain(problem.trace, state))


def _handed_in(problem: Problem, written: Span) -> Span | None:
    """The variable in the outermost call that passes the state on; None where a loop carries it from step to step."""
    for call in (*problem.event.stack, None):
        name, function = problem.text(written), function_at(problem.trace, written)
        if not name.isidentifier():
            return None
        parameters = [one.arg for one in function.args.args] if not isinstance(function, ast.Module) else []
        if name not in parameters:
            return None if _carried_by_loop(problem, function, written, name) else written
        position = parameters.index(name) - (parameters[0] in ("self", "cls"))
        code = problem.code(call)
        argument = code.argument(call, name, position) if code is not None and call is not None else None
        if argument is None:
            return None
        written = argument
    return None


def _carried_by_loop(problem: Problem, function: ast.AST, place: Span, name: str) -> bool:
    lines = problem.trace.sources.get(place.file, "").split("\n")
    for loop in ast.walk(function):
        if isinstance(loop, ast.For | ast.AsyncFor | ast.While) and contains(span_of(loop, place.file, lines), place):
            stored = (node for node in ast.walk(loop) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            if any(node.id == name for node in stored):
                return True
    return False
