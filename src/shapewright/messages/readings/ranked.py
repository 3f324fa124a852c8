"""Causes in order: a hypothesis gives a score with each, and the best one of a name is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shapewright.messages.template import Cause

LIKELY = 0.5

Scored = tuple[float, Cause]


def ranked(scored: Iterable[Scored]) -> tuple[Cause, ...]:
    """Best first, one of each name; those of at least `LIKELY` are marked as likely."""
    best: dict[str, Scored] = {}
    for score, cause in sorted(scored, key=lambda one: -one[0]):
        best.setdefault(cause.name, (score, cause))
    return tuple(replace(cause, likely=score >= LIKELY) for score, cause in best.values())
