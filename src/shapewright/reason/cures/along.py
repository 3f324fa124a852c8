"""A call before the failing one that works along the wrong dim: `chunk(2, dim=0)` of features, `argmax(0)` of scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, Number, TensorInfo
from shapewright.reason.problem import Candidate, Problem

_REDUCTIONS = ("argmax", "argmin", "max", "min", "amax", "amin", "sum", "mean", "std", "var", "logsumexp", "median", "prod", "norm")
_PLACES = {"chunk": 2, "split": 2, "norm": 2}
_BACK = 5  # calls that keep the shape, between that one and the failure


def propose(problem: Problem) -> Iterator[Candidate]:
    """The same call along each other dim with which the failed call goes through."""
    if problem.clash.slug == "checkpoint-shape" or problem.would_fit(problem.event):
        return
    for tensor, _ in problem.operands():
        step = _maker(problem, tensor)
        whole = next(step.tensors(), None) if step is not None else None
        code = problem.code(step.span) if step is not None else None
        if step is None or step.span is None or whole is None or code is None:
            continue
        place = _PLACES.get(step.op, 1)
        given = step.argument(place, "dim")
        if not isinstance(given, Number) or not -whole.rank <= given.value < whole.rank:
            continue
        for dim in (*range(1, whole.rank), 0):
            shape = _shape(step, whole, given.value % whole.rank, dim, tensor)
            if shape is None or not problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=shape))):
                continue
            if _stretches(problem, tensor, shape):
                continue
            position = place - (1 if step.call == "method" else 0)
            title = f"work along dim {dim} in `{step.op}`"
            yield Candidate("dim", title, code.set_argument(step.span, "dim", str(dim), position), 1)


def _maker(problem: Problem, tensor: TensorInfo) -> Event | None:
    """The call along a dim that gave the tensor its shape."""
    shape = tensor.shape
    for _ in range(_BACK):
        if tensor.source is None or not 0 <= tensor.source < len(problem.trace.events):
            return None
        event = problem.trace.events[tensor.source]
        if event.op in (*_REDUCTIONS, "chunk") and event.module is not None and problem.trace.modules[event.module].library:
            return None
        if event.op in (*_REDUCTIONS, "chunk"):
            return event
        alike = [one for one in event.tensors() if one.shape == shape]
        if not alike:
            return None
        tensor = alike[0]
    return None


def _shape(step: Event, whole: TensorInfo, old: int, dim: int, tensor: TensorInfo) -> tuple[int, ...] | None:
    """What comes out along another dim."""
    if dim == old:
        return None
    if step.op == "chunk":
        count = step.argument(1, "chunks")
        if not isinstance(count, Number) or count.value < 2 or whole.shape[dim] % count.value:
            return None
        return (*whole.shape[:dim], whole.shape[dim] // count.value, *whole.shape[dim + 1 :])
    if tensor.rank == whole.rank:
        return (*whole.shape[:dim], 1, *whole.shape[dim + 1 :])
    return (*whole.shape[:dim], *whole.shape[dim + 1 :]) if tensor.rank == whole.rank - 1 else None


def _stretches(problem: Problem, tensor: TensorInfo, shape: tuple[int, ...]) -> bool:
    """Whether a row would meet a table: it fits by chance only."""
    others = [other.rank for other, _ in problem.operands() if other is not tensor]
    return any(len(shape) != rank and 1 not in (len(shape), rank) for rank in others)
