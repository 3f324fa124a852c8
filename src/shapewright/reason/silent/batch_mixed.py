"""(page)"""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Clash, Event, Trace

SLUGS = ("batch-mixed",)


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """(rule)"""
    yield from ()
