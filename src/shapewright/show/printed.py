"""A report and a trace as `print` and a notebook show them: the text of the command line, of one width, without its colours or with."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from shapewright.model import Trace
from shapewright.report import Report
from shapewright.show import table, terminal
from shapewright.show.paint import html

WIDTH = 100


def report(of: Report) -> str:
    """What `shapewright check` writes, without colours."""
    return terminal.render(of, width=WIDTH, colour=False, verbose=False, unicode=_unicode()).rstrip("\n")


def report_html(of: Report) -> str:
    """The same as HTML, with colours."""
    return html(terminal.render(of, width=WIDTH, colour=True, verbose=False))


def trace(of: Trace, costs: Sequence[int]) -> str:
    """What `shapewright trace` writes, without colours; `costs` are the multiply-adds of the trace's events."""
    return table.render(of, costs=costs, width=WIDTH, colour=False, unicode=_unicode()).rstrip("\n")


def trace_html(of: Trace, costs: Sequence[int]) -> str:
    """The same as HTML, with colours."""
    return html(table.render(of, costs=costs, width=WIDTH, colour=True))


def _unicode() -> bool:
    """Whether what is printed can have more than ASCII in it; a text that goes elsewhere than to a terminal gets what stdout would take."""
    try:
        "→·×⋮←".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
