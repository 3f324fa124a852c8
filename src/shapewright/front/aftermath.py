"""After a failure: what an exception that escaped from the user's real run says of the shapes in it, as text."""

from __future__ import annotations

from typing import TextIO

from shapewright.observe.request import Request


def program(cwd: str) -> Request | None:
    """How the running program could be run again; None when that is not known (a notebook, `python -c`)."""
    return None


def diagnosis(error: BaseException, program: Request | None, *, stream: TextIO | None = None) -> str:
    """The diagnosis as it is to be written to `stream` (None: plain text), "" when there is nothing to say. Never raises."""
    return ""


def of_test(error: BaseException, nodeid: str, rootdir: str) -> str:
    """The diagnosis of a test that failed, as plain text."""
    return ""
