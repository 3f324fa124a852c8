"""Warnings of a run that is watched blame the line that they would blame without the watching.

torch says a warning of the frame that has called it, which is one of ours then. Such a warning is said once more, of the frame around
ours, so that the program's filters decide about it as ever.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_OURS = "shapewright.observe"
_HANDLER = "torch.overrides"


@contextmanager
def blaming_the_program() -> Iterator[None]:
    """To be used within `warnings.catch_warnings`, which puts everything back."""
    told = warnings.showwarning
    once = dict(warnings.onceregistry)  # type: ignore[attr-defined]
    registries: dict[int, dict[Any, Any]] = {}  # a module's own is not filled by what is only tried

    def showwarning(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        frame = _blamed(filename, lineno)
        if frame is None:
            told(message, category, filename, lineno, file, line)
            return
        scope = frame.f_globals
        warnings.showwarning = told  # it is not to come here again
        try:
            registry = registries.setdefault(id(scope), {})
            place = frame.f_code.co_filename, frame.f_lineno
            warnings.warn_explicit(message, category, *place, module=scope.get("__name__"), registry=registry)
        finally:
            warnings.showwarning = showwarning

    # Shown always, whatever was shown of our lines before: the filters are asked when it is said of the right line.
    warnings.filterwarnings("always", module=re.escape(_OURS) + r"\b")
    warnings.showwarning = showwarning
    try:
        yield
    finally:
        warnings.onceregistry.clear()  # type: ignore[attr-defined]
        warnings.onceregistry.update(once)  # type: ignore[attr-defined]


def _blamed(filename: str, lineno: int) -> FrameType | None:
    """The frame of the program around our innermost one; None when the warning is not said of a line of ours."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename, frame.f_lineno) != (filename, lineno):
        frame = frame.f_back
    if frame is None or not _is(frame, _OURS):
        return None
    handled = False
    while frame is not None and (_is(frame, _OURS) or _is(frame, _HANDLER)):
        handled = handled or _is(frame, _HANDLER)
        frame = frame.f_back
    # A function of torch that is written in Python calls itself once more through the handler.
    return frame.f_back if handled and frame is not None else frame


def _is(frame: FrameType, module: str) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name == module or name.startswith(module + ".")
