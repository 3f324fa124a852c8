"""(what this mends)"""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.reason.problem import Candidate, Problem


def propose(problem: Problem) -> Iterator[Candidate]:
    """(candidates)"""
    yield from ()
