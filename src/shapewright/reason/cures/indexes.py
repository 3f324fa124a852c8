"""A size of the wrong dim or the wrong tensor: `self.pe[: x.size(0)]` where the sequence stands in dim 1, a mask for the other sequence."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Event, Size, Span
from shapewright.reason.cures import aligned
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
    if clash.slug == "checkpoint-shape" or problem.event.span is None or _is_reordered(problem):
        return
    for size in (clash.got, clash.want):
        other = other_side(clash, size) if size is not None else None
        if size is None or other is None or size.value is None or other.value is None or size.value == other.value:
            continue
        for step in _steps(problem, size):
            yield from _other_index(problem, step, size.value, other.value)
        yield from _other_tensor(problem, size.value, other.value)


def _is_reordered(problem: Problem) -> bool:
    """Whether no size is wrong: two operands have the same in another order, or one has a number a sample."""
    shapes = [tensor.shape for tensor in problem.event.tensors()][:2]
    if aligned.is_vector_of_samples(problem):
        return True
    return problem.clash.slug == "broadcast-mismatch" and len(shapes) == 2 and sorted(shapes[0]) == sorted(shapes[1])


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


def _other_tensor(problem: Problem, old: int, new: int) -> Iterator[Candidate]:
    """`mask(source.size(1))` for a decoder: what the failed call is handed was made for another tensor's length."""
    span = problem.event.span
    code = problem.code(span)
    if span is None or code is None:
        return
    lines = problem.trace.sources.get(span.file, "").split("\n")
    function, names = function_at(problem.trace, span), code.names_in(span)
    others = sorted({node.id for node in ast.walk(function) if isinstance(node, ast.Name)} | _parameters(function))
    for node in ast.walk(function):
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name) or target.id not in names or node.lineno >= span.line:
            continue
        for found in filter(None, map(_index, ast.walk(node.value))):
            given, index, name = found
            known = _shapes(problem, name)  # nothing where the failed call has not come of it
            if known and not any(-len(shape) <= index < len(shape) and shape[index] == old for shape in known):
                continue
            for other in others:
                fits = [shape for shape in _shapes(problem, other) if -len(shape) <= index < len(shape) and shape[index] == new]
                owner = _owner(given, node.value)
                if fits and other != name and owner is not None:
                    title = f"make `{target.id}` for the length of `{other}`"
                    yield Candidate("dim", title, code.replace(span_of(owner, span.file, lines), other))
                    break


def _parameters(function: ast.AST) -> set[str]:
    return {one.arg for one in function.args.args} if isinstance(function, ast.FunctionDef) else set()


def _owner(given: ast.expr, value: ast.expr) -> ast.expr | None:
    """The tensor whose size an index is of."""
    for node in ast.walk(value):
        found = _index(node)
        if found is not None and found[0] is given:
            part = node.func if isinstance(node, ast.Call) else node.value if isinstance(node, ast.Subscript) else None
            return part.value if isinstance(part, ast.Attribute) else None
    return None


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
