"""The wrong dim of the right tensor: `self.pe[: x.size(0)]` where the sequence stands in dim 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Event, Size, Span
from shapewright.reason.lengths import function_at
from shapewright.reason.names import operand_spans
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem, other_side
from shapewright.reason.ways import chain
from shapewright.source import contains

_BACK = 6  # steps from the failing call; further away an index is no likely culprit
_LOOKED_AT = 80  # earlier calls that may tell a variable's shape


def propose(problem: Problem) -> Iterator[Candidate]:
    """Other indices in `x.size(k)` and `x.shape[k]` with which the sizes would meet."""
    clash = problem.clash
    if clash.slug == "checkpoint-shape" or problem.event.span is None:
        return
    for size in (clash.got, clash.want):
        other = other_side(clash, size) if size is not None else None
        if size is None or other is None or size.value is None or other.value is None or size.value == other.value:
            continue
        for step in _steps(problem, size):
            yield from _other_index(problem, step, size.value, other.value)


def _steps(problem: Problem, size: Size) -> list[Event]:
    """The calls in the same function that may have given the size, the nearest first."""
    steps = [problem.event] if size.number is not None else []
    if size.tensor is not None:
        steps += chain(problem.trace, size.tensor)[-_BACK:][::-1]
    return [step for step in steps if step.function == problem.event.function and step.span is not None]


def _other_index(problem: Problem, step: Event, old: int, new: int) -> Iterator[Candidate]:
    for span, name, index in _indices(problem, step):
        for shape in _shapes(problem, name):
            rank = len(shape)
            if not -rank <= index < rank or shape[index] != old:
                continue
            for dim in range(rank):
                if shape[dim] == new:
                    code = problem.code(span)
                    written = str(dim if index >= 0 else dim - rank)
                    title = f"take dim {written} of `{name}` instead of dim {index}"
                    yield Candidate("dim", title, code.replace(span, written) if code is not None else ())


def _indices(problem: Problem, step: Event) -> Iterator[tuple[Span, str, int]]:
    """(place of the index, tensor's name, index) of each `x.size(k)` and `x.shape[k]` in a call, also behind a variable that it uses."""
    assert step.span is not None
    lines = problem.trace.sources.get(step.span.file, "").split("\n")
    function = function_at(problem.trace, step.span)
    code = problem.code(step.span)
    names = code.names_in(step.span) if code is not None else frozenset()
    for node in ast.walk(function):
        found = _index(node)
        if found is None:
            continue
        place, index, tensor = span_of(found[0], step.span.file, lines), found[1], found[2]
        if contains(step.span, place) or any(contains(span_of(value, step.span.file, lines), place) for value in _values(function, names)):
            yield place, tensor, index


def _values(function: ast.AST, names: frozenset[str]) -> Iterator[ast.expr]:
    """What is assigned to plain variables of these names."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id in names and _index(node.value) is not None:
                yield node.value


def _index(node: ast.AST) -> tuple[ast.expr, int, str] | None:
    """(the index as written, its value, the tensor) of `x.size(k)` or `x.shape[k]`."""
    given: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size" and len(node.args) == 1:
        given, owner = node.args[0], node.func.value
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        given, owner = node.slice, node.value.value
    if given is None:
        return None
    negative = isinstance(given, ast.UnaryOp) and isinstance(given.op, ast.USub)
    number = given.operand if isinstance(given, ast.UnaryOp) and negative else given
    if not isinstance(number, ast.Constant) or type(number.value) is not int:
        return None
    return given, -number.value if negative else number.value, ast.unparse(owner)


def _shapes(problem: Problem, name: str) -> list[tuple[int, ...]]:
    """The shapes with which calls of the function have seen a variable, the latest first."""
    found: list[tuple[int, ...]] = []
    for event in problem.trace.events[max(problem.event.index - _LOOKED_AT, 0) : problem.event.index + 1][::-1]:
        if event.function != problem.event.function or event.span is None:
            continue
        for tensor, span in zip(event.tensors(), operand_spans(problem.trace, event), strict=True):
            if span is not None and problem.text(span) == name and tensor.shape not in found:
                found.append(tensor.shape)
    return found[:3]
