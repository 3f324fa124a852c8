"""Which failures may come from a loop that was shortened."""

from __future__ import annotations

import pytest

from shapewright.model import Event, Number, Span, TensorInfo, Trace
from shapewright.reason.turns import counts_turns

SOURCE = "for x in loader:\n    step(x)\ny = {}\n"


def failed(op: str, *args: object) -> tuple[Trace, Event]:
    head, place = Span("a.py", 1, 10, 1, 16), Span("a.py", 3, 5, 3, 40)
    event = Event(0, op, (TensorInfo((9, 1)), *args), span=place)  # type: ignore[arg-type]
    return Trace((event,), (), sources={"a.py": SOURCE.format(op)}, cut_loops=(head,)), event


@pytest.mark.parametrize(
    ("op", "args", "counts"),
    [
        ("linear", (TensorInfo((3, 2)),), True),  # what comes from outside may be as long as there were turns
        ("squeeze", (Number(1),), True),
        ("squeeze", (Number(2),), False),  # a dim that is not there
        ("permute", ((Number(0), Number(2), Number(1)),), False),
    ],
)
def test_a_missing_dim_is_no_matter_of_turns(op: str, args: tuple[object, ...], counts: bool) -> None:
    assert counts_turns(*failed(op, *args)) == counts
