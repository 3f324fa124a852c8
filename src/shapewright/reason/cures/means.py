"""Several numbers where one was meant: `loss.backward()` and `loss.item()` of a loss that was never averaged."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Span, TensorInfo
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say


def propose(problem: Problem) -> Iterator[Candidate]:
    """The mean, taken where the numbers are made if nothing else uses them, or else where one is needed."""
    event = problem.event
    tensor, span = next(problem.operands(), (None, None))
    if event.op not in ("backward", "item") or tensor is None or span is None or tensor.numel < 2:
        return
    for at in (_made(problem, tensor), span):
        code = problem.code(at)
        if at is not None and code is not None:
            yield Candidate("mean", f"take the mean of {say.ticked(problem.text(span), 'the result')}", code.append(at, ".mean()"))
            return


def _made(problem: Problem, tensor: TensorInfo) -> Span | None:
    """The expression that made the tensor, in the same function, when only the failed call works on it."""
    made_by = problem.trace.events[tensor.source] if tensor.source is not None else None
    used = sum(other.source == tensor.source for event in problem.trace.events for other in event.tensors())
    return made_by.span if made_by is not None and made_by.function == problem.event.function and used == 1 else None
