"""Integers that remember where they come from.

The instrumented program holds a `Num` for each integer literal. It behaves as the plain integer, and `+ - * // % **` with another
integer give a `Num` again, so that a layer's own `in_features` tells which literals of the source set it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shapewright.model import Number, Origin

# A counter in a loop would grow its history without end; no size that a person wrote is this deep.
DEEPEST = 24

# `if step % 5 == 0` wants five turns before a loop can be said to repeat; a log interval of 100 is not waited for.
MOST_TURNS_FOR_A_MODULUS = 12
# The largest n up to that of any `i % n` since somebody set this to 0.
largest_modulus = 0


class Num(int):
    """An int with a history: `made` is a literal's `Origin`, or (operator, left, right); `depth` bounds the history."""

    made: Any
    depth: int

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)

    def __copy__(self) -> Num:
        return self

    def __deepcopy__(self, memo: Any) -> Num:
        return self


def literal(value: int, origin: Origin) -> Num:
    """A number as it stands in the source."""
    num = Num(value)
    num.made = origin
    num.depth = 0
    return num


def _combine(symbol: str, value: Any, left: int, right: int) -> Any:
    depth = 1 + max(getattr(left, "depth", 0), getattr(right, "depth", 0))
    if type(value) is not int or depth > DEEPEST:
        return value
    num = Num(value)
    num.made = (symbol, left, right)
    num.depth = depth
    return num


def _forward(symbol: str, operation: Callable[[int, int], Any]) -> Callable[[Num, Any], Any]:
    def method(self: Num, other: Any) -> Any:
        value = operation(self, other)
        return value if value is NotImplemented or isinstance(other, bool) else _combine(symbol, value, self, other)

    return method


def _backward(symbol: str, operation: Callable[[int, int], Any]) -> Callable[[Num, Any], Any]:
    def method(self: Num, other: Any) -> Any:
        value = operation(self, other)
        return value if value is NotImplemented or isinstance(other, bool) else _combine(symbol, value, other, self)

    return method


for _symbol, _name in (("+", "add"), ("-", "sub"), ("*", "mul"), ("//", "floordiv")):
    setattr(Num, f"__{_name}__", _forward(_symbol, getattr(int, f"__{_name}__")))
    setattr(Num, f"__r{_name}__", _backward(_symbol, getattr(int, f"__r{_name}__")))


def _mod(self: Num, other: Any) -> Any:
    value = int.__mod__(self, other)
    if value is NotImplemented or isinstance(other, bool):
        return value
    _count_by(int(other))
    return _combine("%", value, self, other)


def _rmod(self: Num, other: Any) -> Any:
    value = int.__rmod__(self, other)
    if value is NotImplemented or isinstance(other, bool):
        return value
    _count_by(int(self))
    return _combine("%", value, other, self)


def _count_by(modulus: int) -> None:
    global largest_modulus
    if modulus <= MOST_TURNS_FOR_A_MODULUS:
        largest_modulus = max(largest_modulus, modulus)


def _pow(self: Num, other: Any, modulus: Any = None) -> Any:
    value = int.__pow__(self, other, modulus) if modulus is not None else int.__pow__(self, other)
    return value if value is NotImplemented or isinstance(other, bool) else _combine("**", value, self, other)


def _rpow(self: Num, other: Any, modulus: Any = None) -> Any:
    value = int.__rpow__(self, other)
    return value if value is NotImplemented or isinstance(other, bool) else _combine("**", value, other, self)


def _neg(self: Num) -> Any:
    return _combine("-", int.__neg__(self), 0, self)


Num.__mod__ = _mod  # type: ignore[assignment,method-assign]
Num.__rmod__ = _rmod  # type: ignore[assignment,method-assign]
Num.__pow__ = _pow  # type: ignore[assignment,method-assign]
Num.__rpow__ = _rpow  # type: ignore[assignment,method-assign]
Num.__neg__ = _neg  # type: ignore[assignment,method-assign]
Num.__pos__ = lambda self: self  # type: ignore[method-assign]


def origin_of(value: int) -> Origin | None:
    """The history of a number as data; None for a plain integer."""
    if not isinstance(value, Num):
        return None
    made = value.made
    if isinstance(made, Origin):
        return made
    symbol, left, right = made
    parts = tuple(origin_of(part) or Origin(int(part), text=str(int(part))) for part in (left, right))
    return Origin(int(value), op=symbol, parts=parts)


def number_of(value: int) -> Number:
    """The number with its history, for an event or a module's setting."""
    return Number(int(value), origin_of(value))
