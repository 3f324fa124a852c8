"""A sequence that predicts its next step: one side of the loss is shifted and the other one still has all its steps."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Event, TensorInfo
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import chain

_REARRANGING = ("view", "reshape", "flatten", "transpose", "permute")


def propose(problem: Problem) -> Iterator[Candidate]:
    """The longer side shortened by the step that the shorter one is shifted by. Only where the source shifts one of them."""
    if not problem.clash.slug.startswith("loss-"):
        return
    tensors = list(problem.event.tensors())[:2]
    if len(tensors) < 2:
        return
    scores, target = tensors
    steps_of_scores, steps_of_target = chain(problem.trace, scores), chain(problem.trace, target)
    shift = _cut(steps_of_target, "slice(1, None, None)")
    if shift is not None:  # the targets are the steps from the second on: the last prediction has none
        yield from _shortened(problem, 0, scores, steps_of_scores, shift.output[0], "[:, :-1]", "leave out the last prediction")
        yield from _trap(problem, shift)
    shift = _cut(steps_of_scores, "slice(None, -1, None)")
    if shift is not None and _cut(steps_of_target, "slice(1, None, None)") is None:
        yield from _shortened(problem, 1, target, steps_of_target, shift.output[0], "[:, 1:]", "leave out the first target")


def _cut(steps: list[Event], which: str) -> Event | None:
    """The index that took a step off dim 1."""
    for step in reversed(steps):
        index = step.argument(1, "index")
        if step.op == "getitem" and isinstance(index, tuple) and len(index) > 1 and index[:2] == ("slice(None, None, None)", which):
            return step if step.output and step.output[0].rank > 1 else None
    return None


def _shortened(
    problem: Problem, number: int, side: TensorInfo, steps: list[Event], short: TensorInfo, index: str, words: str
) -> Iterator[Candidate]:
    batch, length = short.shape[:2]
    if side.rank > 1 and side.shape[:2] == (batch, length + 1):
        span = list(problem.operands())[number][1]
        code = problem.code(span)
        if span is not None and code is not None:
            yield Candidate("dim", f"{words} of each sequence", code.append(span, index))
        return
    for step in reversed(steps):
        before = next(step.tensors(), None)
        code = problem.code(step.span)
        if step.op not in _REARRANGING or before is None or code is None or step.span is None:
            return
        if before.rank < 2 or before.shape[:2] != (batch, length + 1):
            continue
        operand = operand_spans(problem.trace, step)[0]
        callee = code.callee(step.span)
        if operand is not None:
            edits = code.append(operand, index)
            if step.op == "view" and edits and callee is not None and code.text_at(callee) == "view":
                edits = (*edits, *code.replace(callee, "reshape"))  # what is cut out does not lie in one piece
            yield Candidate("dim", f"{words} of each sequence", edits)
        return


def _trap(problem: Problem, shift: Event) -> Iterator[Candidate]:
    """The targets without their shift: then both sides are equally long, and the model learns to copy."""
    code = problem.code(shift.span)
    operand = operand_spans(problem.trace, shift)[0]
    before = next(shift.tensors(), None)
    if code is None or operand is None or shift.span is None or before is None:
        return
    title = f"compare with all of `{code.text_at(operand)}`"
    yield Candidate("dim", title, code.replace(shift.span, code.text_at(operand)), trap="every step is to predict itself")
