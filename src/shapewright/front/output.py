"""What the commands share: make a report, render it, write it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypedDict

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
    """What the terminal, or whatever stands in its place, can show."""
    return Look(width=width(), colour=colour(), unicode=unicode())


def width() -> int:
    import shutil

    return min(max(shutil.get_terminal_size((100, 24)).columns, 20), 120) if sys.stdout.isatty() or "COLUMNS" in os.environ else 100


def colour() -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def unicode() -> bool:
    try:
        "→·×⋮←".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
