"""What the commands share: make a report, render it, write it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO, TypedDict

if TYPE_CHECKING:
    from shapewright.observe.request import Request
    from shapewright.report import Report


def report(requests: list[Request], *, mend: bool, judge: bool = True) -> Report:
    """Check all targets in one worker, with a line of progress on a terminal; without `judge` only what fails is told."""
    from shapewright.observe.client import Worker

    with Worker() as worker:  # imports torch while this process gets ready
        from shapewright import session
        from shapewright.show.progress import progress

        with progress(len(requests), sys.stderr) as step:
            return session.report(
                requests, worker.observe, mend=mend, judge=judge, before=lambda number, request: step(request.target.text), tell=step
            )


def rendered(of: Report, format_: str, verbose: bool) -> str:
    """The report in one of the formats."""
    if format_ == "json":
        from shapewright.show import json

        return json.render(of)
    if format_ == "concise":
        from shapewright.show import concise

        return concise.render(of)
    if format_ == "github":
        from shapewright.show import github

        return github.render(of)
    from shapewright.show import terminal

    return terminal.render(of, verbose=verbose, **look())


class Look(TypedDict):
    """How a text is to be written here."""

    width: int
    colour: bool
    unicode: bool


def look() -> Look:
    """What standard output, a terminal or whatever stands in its place, can show."""
    return look_of(sys.stdout)


def look_of(stream: TextIO | None) -> Look:
    """What a stream can show; a text that goes to none is plain."""
    return Look(width=_width(stream), colour=_colour(stream), unicode=_unicode(stream))


def width() -> int:
    return _width(sys.stdout)


def colour() -> bool:
    return _colour(sys.stdout)


def unicode() -> bool:
    return _unicode(sys.stdout)


def _width(stream: TextIO | None) -> int:
    import shutil

    known = "COLUMNS" in os.environ or (stream is not None and stream.isatty())
    return min(max(shutil.get_terminal_size((100, 24)).columns, 20), 120) if known else 100


def _colour(stream: TextIO | None) -> bool:
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


def _unicode(stream: TextIO | None) -> bool:
    try:
        "→·×⋮←".encode("utf-8" if stream is None else stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
