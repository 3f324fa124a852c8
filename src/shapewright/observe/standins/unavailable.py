"""What cannot be stood in for: the exception that says so."""

from __future__ import annotations


class Unavailable(Exception):
    """The program needs something that is not here and that nobody can make up: a reason, and what to do about it."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
