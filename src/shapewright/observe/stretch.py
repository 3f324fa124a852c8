"""Calls that compare all with all: two operands of which each is stretched along a dim of the other.

(17, 1) with (17,) gives (17, 17) without a word. Broadcasting is documented in torch's notes on broadcasting semantics: shapes are aligned
at their last dims, and a size of 1, or a missing dim, takes the other's size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shapewright.model import Span
from shapewright.observe.raw import RawEvent, StandsIn
from shapewright.source import Sources

Shape = tuple[int, ...]

_ELEMENTWISE = {
    "add", "sub", "mul", "div", "pow", "eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum",
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
}  # fmt: skip


def stretched(events: Iterable[RawEvent], sources: Sources) -> tuple[Span, ...]:
    """Where the program makes such calls, each place once."""
    places = {(event.code, event.lasti): None for event in events if event.code is not None and _both(event)}
    return tuple(dict.fromkeys(sources.code_span(code, lasti) for code, lasti in places if code is not None))


def both_stretched(one: Shape, other: Shape) -> bool:
    """Whether each of two shapes is stretched somewhere when they meet: (17, 1) and (17,)."""
    rank = max(len(one), len(other))
    one, other = (1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other
    return any(a == 1 < b for a, b in zip(one, other, strict=True)) and any(b == 1 < a for a, b in zip(one, other, strict=True))


def _both(event: RawEvent) -> bool:
    if event.op.name not in _ELEMENTWISE or event.failure is not None:
        return False
    shapes = list(_shapes(event.args))[:2]
    return len(shapes) == 2 and both_stretched(*shapes)


def _shapes(args: Any) -> Iterable[Shape]:
    return (value.note[0] for value in args if isinstance(value, StandsIn)) if isinstance(args, tuple) else ()
