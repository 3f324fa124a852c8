"""Class numbers that count from 1, as people do, where a loss counts from 0: the last class is one too high, and none is 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Span
from shapewright.reason.lengths import function_at
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain
from shapewright.report import Edit
from shapewright.source import contains

_LOSSES = ("cross_entropy", "nll_loss")
_MADE = ("tensor", "as_tensor", "from_numpy", "randint", "load")
_SURE = 3  # so many targets a class: when there is a class 0, a batch that has none of it is rare


def propose(problem: Problem) -> Iterator[Candidate]:
    """1 less, where the program makes the targets. What it has besides the batch that failed is known only as far as it was run."""
    operands = list(problem.operands())[:2]
    if problem.event.op not in _LOSSES or len(operands) < 2:
        return
    (scores, _), (target, written) = operands
    if not scores.rank or target.highest is None or target.lowest is None:
        return
    classes, want = scores.shape[1 if scores.rank > 1 else 0], problem.clash.want
    if target.highest != classes or target.lowest < 1 or want is None or want.tensor is not target or want.value != classes:
        return
    span = _made_at(problem) or written
    code = problem.code(span)
    if code is None or span is None:
        return
    text = code.text_at(span)
    name = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the targets"
    kind = "labels" if target.numel >= _SURE * (classes + 1) else "labels-perhaps"
    edits = (_in_loop(problem, span) if span == written else ()) or code.append(span, " - 1")
    yield Candidate(kind, f"count the classes of {name} from 0, not from 1", edits)


def _in_loop(problem: Problem, written: Span) -> tuple[Edit, ...]:
    """Targets that a loop gives are lowered before anything of its turn reads them."""
    name, code = problem.text(written), problem.code(written)
    lines = problem.trace.sources[written.file].split("\n")
    for loop in ast.walk(function_at(problem.trace, written)):
        if not isinstance(loop, ast.For) or not contains(span_of(loop, written.file, lines), written) or code is None:
            continue
        if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(loop.target)):
            return code.insert_before(span_of(loop.body[0], written.file, lines), f"{name} = {name} - 1")
    return ()


def _made_at(problem: Problem) -> Span | None:
    """Where the targets came to be: all that reads them, an accuracy too, then reads the same numbers."""
    target = list(problem.event.tensors())[1]
    for step in chain(problem.trace, target):
        if step.op in _MADE and step.span is not None and step.op in problem.text(step.span):
            return step.span
    return None
