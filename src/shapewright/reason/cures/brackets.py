"""A size whose brackets stand in the wrong place: `boxes * (5 + classes)` for `boxes * 5 + classes`.

The same names and numbers in the same order, put together in the other way. Whether that is what was meant, the run decides.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Span
from shapewright.reason.edits import Code
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain
from shapewright.source import contains

_MOST = 4  # expressions that are tried


def propose(problem: Problem) -> Iterator[Candidate]:
    """Each sum of products in the failed call, and in the constructors of its layer and of the layers before it, bracketed otherwise."""
    found = 0
    for place in _places(problem):
        code = problem.code(place)
        for span, new in _turned(problem, place) if code is not None else ():
            if code is not None and found < _MOST:
                found += 1
                yield Candidate("expression", f"set the brackets so: {say.ticked(new, 'the size')}", code.replace(span, new), 1)


def _places(problem: Problem) -> list[Span]:
    layers = [problem.event.module]
    for tensor, _ in problem.operands():
        layers += [step.module for step in reversed(chain(problem.trace, tensor)) if step.op.startswith(("linear", "conv"))][:1]
    built = [problem.trace.modules[index].built for index in layers if index is not None]
    return list(dict.fromkeys(span for span in (problem.event.span, *built) if span is not None))


def _turned(problem: Problem, place: Span) -> Iterator[tuple[Span, str]]:
    """The arguments of the call at the place that are sums of products, with their other form."""
    code, lines = problem.code(place), problem.trace.sources.get(place.file, "").split("\n")
    given = code.arguments(place) if isinstance(code, Code) else ()
    for node in ast.walk(ast.parse("\n".join(lines))) if given else ():
        if not isinstance(node, ast.BinOp) or not place.line <= node.lineno <= place.end_line:
            continue
        span, new = span_of(node, place.file, lines), _other_form(node)
        if new is not None and any(contains(argument, span) for _, argument in given):
            yield span, ast.unparse(new)


def _other_form(node: ast.BinOp) -> ast.BinOp | None:
    """`a * (b + c)` ↔ `a * b + c`, `(a + b) * c` ↔ `a + b * c`."""
    left, right = node.left, node.right
    if _mixes(node.op, right):
        return ast.BinOp(ast.BinOp(left, node.op, right.left), right.op, right.right)  # type: ignore[attr-defined]
    if _mixes(node.op, left):
        return ast.BinOp(left.left, left.op, ast.BinOp(left.right, node.op, right))  # type: ignore[attr-defined]
    return None


def _mixes(operator: ast.operator, side: ast.expr) -> bool:
    """Whether the side is a sum in a product, or a product in a sum."""
    kinds = {type(operator), type(side.op)} if isinstance(side, ast.BinOp) else set()
    return kinds in ({ast.Add, ast.Mult}, {ast.Sub, ast.Mult})
