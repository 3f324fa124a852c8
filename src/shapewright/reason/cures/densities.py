"""A log-probability for each number of an action, where there is to be one for each sample: `dist.log_prob(actions).sum(-1)`.

A `Normal` of a mean for each of the action's numbers is many distributions; the joint log-probability of the action is the sum.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Span
from shapewright.reason.lengths import function_at
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules.broadcast import OPS

_OF_EACH = ("log_prob", "entropy")


def propose(problem: Problem) -> Iterator[Candidate]:
    """The sum over the last dim, where the log-probability is taken."""
    operands = list(problem.operands())
    if problem.event.op not in OPS or len(operands) != 2:
        return
    (one, span), (other, _) = sorted(operands, key=lambda operand: -operand[0].rank)
    if span is None or (one.rank, other.rank) != (2, 1) or one.shape[0] != other.shape[0]:
        return
    place = _taken(problem, span)
    code = problem.code(place)
    if place is not None and code is not None:
        yield Candidate("target-shape", f"sum `{code.text_at(place)}` over the numbers of a sample", code.append(place, ".sum(-1)"), 2)


def _taken(problem: Problem, span: Span) -> Span | None:
    """The call of `log_prob` that the operand is, or that its variable got its value from."""
    lines = problem.trace.sources.get(span.file, "").split("\n")
    text, function = problem.text(span), function_at(problem.trace, span)
    found = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == text for target in node.targets)
    ]
    found += [node for node in ast.walk(function) if isinstance(node, ast.Call) and span_of(node, span.file, lines) == span]
    calls = [node for node in found if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _OF_EACH]
    return span_of(calls[0], span.file, lines) if len(calls) == len(found) == 1 else None
