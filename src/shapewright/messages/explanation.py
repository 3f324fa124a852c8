"""What `explain` answers: plain, frozen data."""

from __future__ import annotations

from dataclasses import dataclass

from shapewright.messages.template import Cause, Facts


@dataclass(frozen=True, slots=True)
class At:
    """The user's own line in a traceback. `source` is its text ("" when the traceback does not show it)."""

    file: str
    line: int
    function: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
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


@dataclass(frozen=True, slots=True)
class Unknown:
    """No message of the catalogue is in the text. `error` is the last exception that is: `KeyError: 'x'`, or ""."""

    error: str = ""
