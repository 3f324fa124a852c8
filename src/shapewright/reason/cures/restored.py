"""A dim taken away or added on the way is still needed, or was never wanted: the `squeeze`, `unsqueeze` or `flatten` is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, TensorInfo
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain

_UNDONE = ("squeeze", "unsqueeze", "flatten")
_BACK = 5  # calls between it and the failure


def propose(problem: Problem) -> Iterator[Candidate]:
    """The program without the call, where the failed one would take its tensor so."""
    if problem.clash.slug in ("checkpoint-shape", "missing-flatten", "reshape-numel") or problem.would_fit(problem.event):
        return
    for tensor, _ in problem.operands():
        for step in reversed(chain(problem.trace, tensor)[-_BACK:]):
            if not step.output or step.output[0].shape != tensor.shape:
                break
            before = next(step.tensors(), None)
            if step.op not in _UNDONE or step.call != "method" or before is None or before.rank == tensor.rank or step.inplace:
                continue
            if problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=before.shape))):
                yield from _without(problem, step, before)
            break


def _without(problem: Problem, step: Event, before: TensorInfo) -> Iterator[Candidate]:
    """`x.squeeze(-1)` → `x`."""
    code = problem.code(step.span)
    callee = code.callee(step.span) if code is not None and step.span is not None else None
    if code is None or step.span is None or callee is None:
        return
    text = code.text_at(step.span)
    called = f"{code.text_at(callee)}("
    at = text.rfind(f".{called}")
    if at < 1 or code.text_at(callee) != step.op or "\n" in text or text.count("(", at) != 1:
        return
    title = f"leave out `{text[at + 1 :]}`, which makes {say.sizes(step.output[0].shape)} of {say.sizes(before.shape)}"
    yield Candidate("undo", title, code.replace(step.span, text[:at].rstrip()))
