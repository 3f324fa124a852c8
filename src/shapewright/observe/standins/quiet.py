"""An object that answers everything and does nothing: a plot, a logger, a progress display.

In: any attribute, call, item, `with`, arithmetic or unpacking. Out: another such object, or the plain value that the place needs
(zero for a number, nothing for a text, as many parts as are unpacked).
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

# Questions that a program may ask in a loop until the answer is no.
_NO = frozenset({"fignum_exists", "get_fignums", "isinteractive", "is_alive"})
_UNPACK_SEQUENCE, _UNPACK_EX, _EXTENDED_ARG = (dis.opmap[name] for name in ("UNPACK_SEQUENCE", "UNPACK_EX", "EXTENDED_ARG"))


class Quiet:
    """Answers everything with another of its kind."""

    __hash__ = object.__hash__

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # protocols are offered below or not at all
        value = self.__dict__[name] = quiet(name)
        return value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # A lone function or class: this is a decorator, and what it decorates must go on working.
        if len(args) == 1 and not kwargs and isinstance(args[0], FunctionType | type):
            return args[0]
        return Quiet()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (Quiet,)

    def __getitem__(self, key: Any) -> Any:
        return Quiet()

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __delitem__(self, key: Any) -> None:
        pass

    def __contains__(self, item: Any) -> bool:
        return False

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Any]:
        frame = sys._getframe(1)
        return iter([Quiet() for _ in range(_unpacked(frame.f_code.co_code, frame.f_lasti))])

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def _no(self, other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _no

    def _combined(self, other: Any) -> Any:
        return other if isinstance(other, str) else Quiet()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _combined
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __and__ = __or__ = _combined

    def _itself(self, *args: Any) -> Any:
        return self

    __neg__ = __pos__ = __abs__ = __round__ = __iadd__ = _itself

    def __int__(self) -> int:
        return 0

    def __index__(self) -> int:
        return 0

    def __float__(self) -> float:
        return 0.0

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return ""

    def __fspath__(self) -> str:
        return ""

    def __format__(self, spec: str) -> str:
        try:
            return format(0.0, spec) if spec else ""
        except ValueError:
            return format("", spec)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        import numpy

        return numpy.zeros((), dtype)

    def __await__(self) -> Iterator[Any]:
        return iter(())

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __reduce__(self) -> Any:
        return (Quiet, ())


class _No(Quiet):
    def __bool__(self) -> bool:
        return False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _No()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


def quiet(name: str) -> Quiet:
    """The answer for an attribute of this name."""
    return _No() if name in _NO else Quiet()


def _unpacked(code: bytes, at: int) -> int:
    """How many parts the instruction at `at` unpacks; one when it does not unpack, as in a loop."""
    if at < 0:
        return 1
    high = code[at - 1] << 8 if at >= 2 and code[at - 2] == _EXTENDED_ARG else 0
    if code[at] == _UNPACK_SEQUENCE:
        return high | code[at + 1]
    if code[at] == _UNPACK_EX:
        return code[at + 1] + (high >> 8)
    return 1
