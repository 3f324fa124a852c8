"""What `explain` answers: plain, frozen data."""

from __future__ import annotations

from typing import NamedTuple

from shapewright.messages.template import Cause, Facts


class At(NamedTuple):
    """The user's own line in a traceback. `source` is its text ("" when the traceback does not show it)."""

    file: str
    line: int
    function: str = ""
    source: str = ""


class Explanation(NamedTuple):
    """A message of PyTorch, understood.

    `message` is the sentence as it stood in the text; `wrapped` says what was around it (a DataLoader worker, a compiler), in words.
    `script` is the file that was started, as the traceback has it.
    """

    template: str
    message: str
    slug: str
    headline: str
    certain: str
    facts: Facts
    causes: tuple[Cause, ...]
    tries: tuple[str, ...]
    layer: str | None = None
    at: At | None = None
    script: str = ""
    wrapped: tuple[str, ...] = ()
    speaker: str = "PyTorch"
    others: int = 0  # further recognised messages in the text that say something else


class Unknown(NamedTuple):
    """No message of the catalogue is in the text. `error` is the last exception that is: `KeyError: 'x'`, or ""."""

    error: str = ""
