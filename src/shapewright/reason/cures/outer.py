"""A square where a row was meant: `returns - values` of `[128]` and `[128, 1]` runs, is `[128, 128]`, and fails only where it is used.

The call that fails says nothing of the cause. It is looked for among the calls before it: one in which a vector met a column of its length.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Event, TensorInfo, Trace
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.rules.broadcast import OPS

_FARTHEST = 40  # calls that are looked at
_SURE = 3


def propose(problem: Problem) -> Iterator[Candidate]:
    """The column made a row, or the row a column, where they met first."""
    for event in squares(problem.trace, problem.event):
        row, column = _sides(event)
        for tensor, span in zip(event.tensors(), operand_spans(problem.trace, event), strict=True):
            code = problem.code(span)
            if code is None or span is None or tensor not in (row, column):
                continue
            text = code.text_at(span)
            called = f"`{text}`" if len(text) <= 2 * say.LONGEST_NAME and "\n" not in text else "one side"
            meets = f"where {say.sizes(row.shape)} and {say.sizes(column.shape)} meet in line {span.line}"
            if tensor is column:
                yield Candidate("target-shape", f"drop the last dim of {called}, {meets}", code.append(span, ".squeeze(-1)"), _SURE)
            else:
                yield Candidate("target-shape", f"add a dim to {called}, {meets}", code.append(span, ".unsqueeze(-1)"), _SURE - 1)


def squares(trace: Trace, failed: Event) -> list[Event]:
    """The calls before a failed one that made a square of a row and a column, the nearest first; only what the failed one works on."""
    found: list[Event] = []
    todo = list(failed.tensors())
    seen: set[int] = set()
    while todo and len(seen) < _FARTHEST:
        tensor = todo.pop(0)
        if tensor.source is None or tensor.source in seen or not 0 <= tensor.source < len(trace.events):
            continue
        seen.add(tensor.source)
        event = trace.events[tensor.source]
        if event.op in OPS and _is_square(event):
            found.append(event)
        elif event.module is None or not trace.modules[event.module].library:
            todo += event.tensors()
    return sorted(found, key=lambda event: -event.index)


def _is_square(event: Event) -> bool:
    """Whether a call stretched `[n]` and `[n, 1]` to `[n, n]`. Both are activations: positions are compared with positions on purpose."""
    tensors = list(event.tensors())
    if len(tensors) != 2 or sorted(tensor.rank for tensor in tensors) != [1, 2] or not all(tensor.is_floating for tensor in tensors):
        return False
    row, column = _sides(event)
    return row.shape[0] > 1 and column.shape == (row.shape[0], 1) and "parameter" not in (row.kind, column.kind)


def _sides(event: Event) -> tuple[TensorInfo, TensorInfo]:
    first, second = list(event.tensors())[:2]
    return (first, second) if first.rank < second.rank else (second, first)
