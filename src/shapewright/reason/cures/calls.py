"""An argument of the failed call itself: the dim along which it works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Number
from shapewright.reason.problem import Candidate, Problem

# Calls that take a dim, and where it stands when it has no keyword.
_PLACES = {
    "cat": 1, "stack": 1, "softmax": 1, "log_softmax": 1, "sum": 1, "mean": 1, "argmax": 1, "max": 1, "min": 1, "squeeze": 1,
    "unsqueeze": 1, "norm": 2, "chunk": 2, "split": 2, "gather": 1, "cumsum": 1, "amax": 1, "std": 1, "var": 1, "flatten": 1,
}  # fmt: skip


def propose(problem: Problem) -> Iterator[Candidate]:
    """Other dims along which the call would run."""
    event = problem.event
    place = _PLACES.get(event.op)
    code = problem.code(event.span)
    first = next(event.tensors(), None)
    if place is None or code is None or event.span is None or first is None:
        return
    name = "dim" if event.op != "flatten" else "start_dim"
    given = event.argument(place, name)
    old = given.value if isinstance(given, Number) else 0
    rank = max(first.rank, 1)
    for dim in (*range(1, rank), 0, -1):
        if dim % rank == old % rank and -rank <= old < rank:
            continue
        args = tuple(Number(dim) if number == place else arg for number, arg in enumerate(event.args))
        kwargs = dict(event.kwargs) if len(event.args) > place else {**event.kwargs, name: Number(dim)}
        if not problem.would_fit(replace(event, args=args, kwargs=kwargs)):
            continue
        at = place - (1 if event.call == "method" else 0)
        edits = code.set_argument(event.span, name, str(dim), at)
        if edits:
            yield Candidate("dim", f"work along dim {dim} in `{event.op}`", edits)
