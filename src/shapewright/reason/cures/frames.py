"""Frames that went through a network of images together, `[batch · time, …]`, have to be sequences again before a recurrent layer."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Event, TensorInfo, Trace
from shapewright.reason.lengths import spelled
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import chain

READERS = ("lstm", "gru", "rnn", "transformerencoderlayer", "transformerencoder", "multiheadattention")
_RESHAPES = ("view", "reshape", "flatten")


def propose(problem: Problem) -> Iterator[Candidate]:
    """`.view(B, T, -1)` in front of the layer that reads sequences."""
    for tensor in problem.event.tensors():
        for step in (problem.event, *chain(problem.trace, tensor)[::-1]):
            frames = next(step.tensors(), None)
            if step.op not in READERS or frames is None or frames.rank != 2:
                continue
            merged = merged_by(problem.trace, frames)
            span, code = operand_spans(problem.trace, step)[0], problem.code(step.span)
            whole = next(merged.tensors()) if merged is not None else None
            if merged is None or whole is None or span is None or code is None or merged.function != step.function:
                continue
            place = operand_spans(problem.trace, merged)[0]
            sizes = [spelled(problem.trace, span, whole, place, dim) or str(whole.shape[dim]) for dim in (0, 1)]
            title = f"make {whole.shape[0]} sequences of {whole.shape[1]} steps again before `{step.op}`"
            yield Candidate("batch-size", title, code.append(span, f".reshape({', '.join(sizes)}, -1)"), 3)
            return


def merged_by(trace: Trace, tensor: TensorInfo) -> Event | None:
    """The reshape that put the first two dims of something together to the first dim of the tensor."""
    for step in reversed(chain(trace, tensor)):
        before = next(step.tensors(), None)
        reshapes = step.op in _RESHAPES and before is not None and before.rank > 2 and before.shape[0] > 1 and step.output
        if reshapes and before is not None and step.output[0].shape[:1] == (before.shape[0] * before.shape[1],):
            return step
        if not step.output or not step.output[0].rank or step.output[0].shape[0] != tensor.shape[0]:
            return None
    return None
