"""An index that took a dim away: `actions[:, 0]` where all of the actions were meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, Number, TensorInfo
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import chain

_BACK = 4  # calls between the index and the failure


def propose(problem: Problem) -> Iterator[Candidate]:
    """The tensor without its last index, where the failed call would take it so."""
    if problem.clash.slug == "checkpoint-shape" or problem.would_fit(problem.event):
        return
    for tensor, _ in problem.operands():
        for step in reversed(chain(problem.trace, tensor)[-_BACK:]):
            if not step.output or step.output[0].shape != tensor.shape:
                break
            whole = _whole(step)
            code, place = problem.code(step.span), operand_spans(problem.trace, step)[:1]
            if whole is None or code is None or step.span is None or not place or place[0] is None:
                continue
            if problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=whole.shape))):
                name = code.text_at(place[0])
                title = f"take all of `{name}` rather than `{code.text_at(step.span)}`"
                yield Candidate("dim", title, code.replace(step.span, name), 1)


def _whole(step: Event) -> TensorInfo | None:
    """What was indexed, when the index took its last dim away and nothing else."""
    index = step.argument(1, "index")
    whole = next(step.tensors(), None)
    parts = index if isinstance(index, tuple) else (index,)
    if step.op != "getitem" or whole is None or whole.rank < 2 or not isinstance(parts[-1], Number):
        return None
    rest = parts[:-1]
    plain = all(part in ("slice(None, None, None)", "Ellipsis") for part in rest)
    return whole if plain and (len(parts) == whole.rank or "Ellipsis" in rest) else None
