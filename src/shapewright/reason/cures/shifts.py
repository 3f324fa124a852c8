"""A sequence that predicts its next step: one side of the loss is shifted and the other one still has all its steps."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Event, TensorInfo
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import chain

_EMPTY = ("zeros", "empty", "zeros_like", "empty_like", "new_zeros", "new_empty", "setitem")
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
    yield from _same_cut(problem, target, steps_of_scores, steps_of_target)
    shift = _cut(steps_of_scores, "slice(None, -1, None)")
    if shift is not None and _cut(steps_of_target, "slice(1, None, None)") is None:
        yield from _shortened(problem, 1, target, steps_of_target, shift.output[0], "[:, 1:]", "leave out the first target")


def _same_cut(problem: Problem, target: TensorInfo, scores: list[Event], targets: list[Event]) -> Iterator[Candidate]:
    """A decoder that is started with the first target gives no score for it: where the scores leave that row out, the targets do too."""
    for dim, index in ((0, "[1:]"), (1, "[:, 1:]")):
        shift = _cut(scores, "slice(1, None, None)", dim)
        if shift is None or _cut(targets, "slice(1, None, None)", dim) is not None or not _filled_step_by_step(problem, shift):
            continue
        yield from _shortened(problem, 1, target, targets, shift.output[0], index, "leave out the first target", dim)


def _filled_step_by_step(problem: Problem, shift: Event) -> bool:
    """Whether the rows were written into a tensor of zeros. Of scores that a model gives all at once, the first counts as well."""
    whole = next(shift.tensors(), None)
    steps = chain(problem.trace, whole) if whole is not None else []
    return bool(steps) and steps[-1].op in _EMPTY


def _cut(steps: list[Event], which: str, dim: int = 1) -> Event | None:
    """The index that took a step off a dim."""
    for step in reversed(steps):
        given = step.argument(1, "index")
        index = given if isinstance(given, tuple) else (given,)
        if step.op == "getitem" and index[: dim + 1] == (*("slice(None, None, None)",) * dim, which):
            return step if step.output and step.output[0].rank > 1 else None
    return None


def _shortened(
    problem: Problem, number: int, side: TensorInfo, steps: list[Event], short: TensorInfo, index: str, words: str, dim: int = 1
) -> Iterator[Candidate]:
    whole = (short.shape[0] + (dim == 0), short.shape[1] + (dim == 1))
    if side.rank > 1 and side.shape[:2] == whole:
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
        if before.rank < 2 or before.shape[:2] != whole:
            continue
        operand = operand_spans(problem.trace, step)[0]
        callee = code.callee(step.span)
        if operand is not None:
            edits = code.append(operand, index)
            if step.op == "view" and dim and edits and callee is not None and code.text_at(callee) == "view":
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
