"""Two that stand in each other's place: `state, out = gru(x)`, `for labels, images in loader`, a loss that is given its targets first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, TensorInfo, Value
from shapewright.reason.lengths import function_at
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules.loss import EQUAL
from shapewright.reason.ways import chain
from shapewright.report import Edit

_PAIRS = ("gru", "rnn", "multiheadattention")  # they give what they are called for, and then something else
_TARGETS = re.compile(r"target|label|truth|(^|_)(y|gt)$")
_LOSSES = ("cross_entropy", "nll_loss", *EQUAL)


def propose(problem: Problem) -> Iterator[Candidate]:
    """The two names, or the two arguments, the other way round."""
    if problem.clash.slug == "checkpoint-shape":
        return
    yield from _arguments(problem)
    yield from _results(problem)
    yield from _of_loop(problem)


def _arguments(problem: Problem) -> Iterator[Candidate]:
    """`criterion(scores, labels)`, in the call of the loss itself or of the function around it."""
    event = problem.event
    tensors = list(event.tensors())[:2]
    if event.op not in _LOSSES or len(tensors) < 2 or event.call == "method" or tensors[0].is_floating or not tensors[1].is_floating:
        return
    turned = replace(
        event, args=tuple(_other(one, tensors) for one in event.args), kwargs={k: _other(v, tensors) for k, v in event.kwargs.items()}
    )
    if not problem.would_fit(turned):
        return
    for span in (event.span, *event.stack):
        code = problem.code(span)
        given = code.arguments(span)[:2] if code is not None and span is not None else ()
        if code is None or len(given) < 2 or any(keyword is not None for keyword, _ in given):
            continue
        texts = [code.text_at(place) for _, place in given]
        edits = (*code.replace(given[0][1], texts[1]), *code.replace(given[1][1], texts[0]))
        # the names in a function tell whether it was written for this order, and the slip is where it is called
        speaks = 2 if span != event.span else 1 if _TARGETS.search(texts[1]) else 3
        yield Candidate("exchanged", f"give `{_short(texts[1])}` first and `{_short(texts[0])}` behind it", edits, speaks)


def _other(value: Value, tensors: list[TensorInfo]) -> Value:
    return tensors[1] if value is tensors[0] else tensors[0] if value is tensors[1] else value


def _results(problem: Problem) -> Iterator[Candidate]:
    """The two results of a layer on the way to the failure, where the second was taken for the first."""
    for tensor, _ in problem.operands():
        for step in chain(problem.trace, tensor):
            if step.op not in _PAIRS or step.span is None or len(step.output) < 2:
                continue
            target = _target(problem, step)
            if target is not None:
                yield from _swapped(problem, step.span.file, target)


def _target(problem: Problem, step: Event) -> ast.expr | None:
    """The names to which the call's results are assigned."""
    assert step.span is not None
    lines = problem.trace.sources.get(step.span.file, "").split("\n")
    for node in ast.walk(function_at(problem.trace, step.span)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and span_of(node.value, step.span.file, lines) == step.span:
            return node.targets[0]
    return None


def _of_loop(problem: Problem) -> Iterator[Candidate]:
    """What a loop over a loader gives: whole numbers went where the layers take images."""
    if not any(tensor.dtype == "int64" and tensor.kind == "activation" for tensor in problem.event.tensors()):
        return
    for span in (problem.event.span, *problem.event.stack):
        for node in ast.walk(function_at(problem.trace, span)) if span is not None else ():
            if span is None or not isinstance(node, ast.For) or not node.lineno < span.line <= (node.end_lineno or 0):
                continue
            target = node.target
            if isinstance(target, ast.Tuple) and len(target.elts) == 2 and isinstance(target.elts[1], ast.Tuple):
                target = target.elts[1]  # of `enumerate`
            yield from _swapped(problem, span.file, target)


def _swapped(problem: Problem, file: str, target: ast.expr) -> Iterator[Candidate]:
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2 or not all(isinstance(one, ast.Name) for one in target.elts):
        return
    lines = problem.trace.sources[file].split("\n")
    first, second = (span_of(one, file, lines) for one in target.elts)
    code = problem.code(first)
    if code is not None:
        one, other = (problem.text(span) for span in (first, second))
        edits = (Edit(first, other), Edit(second, one))
        yield Candidate("exchanged", f"call the first `{other}` and the second `{one}`", edits, 0)


def _short(text: str) -> str:
    return text if len(text) <= 24 and "\n" not in text else "the other"
