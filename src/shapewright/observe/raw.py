"""What is noted of a call while the program runs, with the run's own objects in it; `finish.py` makes plain data of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from torch import nn

from shapewright.observe import ops
from shapewright.observe.measure import Measured

# A raw tensor: shape, dtype, index of the event that made it or None, the tensor's id if it is a parameter, else 0.
RawTensor = tuple[tuple[int, ...], Any, int | None, int]


@dataclass(slots=True)
class RawFailure:
    """A failed call: the exception itself (its traceback grows while it travels) and what was measured at the spot."""

    error: BaseException
    frames: tuple[tuple[CodeType, int], ...]  # the user's frames, inner first
    measured: Measured = field(default_factory=Measured)


@dataclass(slots=True)
class RawEvent:
    """Notes on one call; everything in it is plain or immutable, but for the module and the exception."""

    op: ops.Op
    args: Any
    kwargs: Any
    output: tuple[RawTensor, ...]
    code: CodeType | None
    lasti: int
    module: nn.Module | None
    call_number: int
    training: bool
    failure: RawFailure | None = None


class StandsIn:
    """A tensor's note inside a raw argument, to tell it from the user's own tuples."""

    __slots__ = ("note",)

    def __init__(self, note: RawTensor) -> None:
        self.note = note
