"""A sample without batch dim that the model takes for a batch: the dim is added where the program calls the model."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say


def propose(problem: Problem) -> Iterator[Candidate]:
    """The batch dim for what the model is called with."""
    span = problem.clash.at
    code = problem.code(span)
    given = code.arguments(span) if code is not None and span is not None else ()
    if code is None or not given:
        return
    text = code.text_at(given[0][1])
    called = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the input"
    yield Candidate("batch-dim", f"give {called} the batch dim", code.append(given[0][1], ".unsqueeze(0)"))
    sample = problem.clash.got.tensor if problem.clash.got is not None else None
    if sample is not None and sample.rank == 3 and sample.shape[0] in (3, 4):  # a model of grey pictures takes no other, batch dim or not
        yield Candidate("input-size", f"make one grey channel of {called}", code.append(given[0][1], ".mean(0, keepdim=True)"))
