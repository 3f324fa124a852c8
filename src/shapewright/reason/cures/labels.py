"""Class numbers joined to features, where the layer behind counts one feature a class: they are made to rows of 0 and 1 before."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import TensorInfo
from shapewright.reason.cures import ranks
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_JOINS = ("cat", "concat")
_MOST = 1000  # classes


def propose(problem: Problem) -> Iterator[Candidate]:
    """`F.one_hot(y, 10)` where the model is called, and further in."""
    written = list(problem.operands())
    if problem.event.op not in _JOINS or len(written) < 2:
        return
    for tensor, span in written:
        others = [one for one, _ in written if one is not tensor]
        if (
            span is None
            or tensor.dtype != "int64"
            or tensor.rank != 1
            or any(one.rank != 2 or one.shape[0] != tensor.shape[0] for one in others)
        ):
            continue
        classes = _expected(problem, others)
        for number, place in enumerate([*ranks.places(problem, span), span] if classes else ()):
            code = problem.code(place)
            if code is None:
                continue
            functional, imports = code.name_of("torch.nn.functional")
            text = code.text_at(place)
            called = f"`{text}`" if len(text) <= say.LONGEST_NAME else "the class numbers"
            edits = code.wrap(place, f"{functional}.one_hot(", f", {classes})")
            yield Candidate("one-hot", f"make rows of {classes} of {called}", (*imports, *edits), -number)


def _expected(problem: Problem, others: list[TensorInfo]) -> int:
    """How many features more than those that are joined a layer of the same module takes; 0 when there is none."""
    module = problem.module
    width = sum(one.shape[1] for one in others)
    for layer in problem.trace.modules:
        number = layer.number("in_features") if module is not None and layer.parent == module.index else None
        if number is not None and 1 < number.value - width <= _MOST:
            return number.value - width
    return 0
