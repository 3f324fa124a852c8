"""Fitting text to a terminal: widths in cells, wrapping, cutting, and the form that plain ASCII terminals get.

In go strings as the report has them, out come strings that can be printed; nothing here knows about colours.
The width of a character is asked from `Look.cells`, so that this file needs no library.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

# One line of output: stretches of text, each with the role that decides its colour.
Line: TypeAlias = tuple[tuple[str, str], ...]

_TAB = 4
_WORD = re.compile(r"\s*\S*\[(?:[\w*→←<>-]+, )*[\w*→←<>-]*\]\S*|\s*\S+")  # a shape such as f32[1, 3, 64, 64] is one word
_ASCII = {"⋮": "...", "…": "...", "×": "x", "·": "*", "→": ">", "←": "<", "–": "-", "—": "-", "−": "-", "≤": "<=", "≥": ">=",
          "≠": "!=", "≈": "~", "∞": "inf", "’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "}  # fmt: skip


class Look(NamedTuple):
    """What a page may be like: how wide, how much, in which characters."""

    width: int
    cells: Callable[[str], int]
    unicode: bool = True
    verbose: bool = False

    @property
    def ellipsis(self) -> str:
        return "…" if self.unicode else "..."

    @property
    def gap(self) -> str:
        """Stands for source lines that are left out."""
        return "⋮" if self.unicode else "..."

    def text(self, text: str) -> str:
        """The text on one line, with nothing in it that a terminal would act upon."""
        return self.printable(" ".join(text.split()))

    def printable(self, text: str) -> str:
        """The same text without control characters, and in ASCII when nothing else may be used."""
        if text.isascii() and text.isprintable():
            return text
        if not self.unicode:
            text = re.sub(r"→(?=\s|$)", "->", text)
        return "".join(map(self._character, text))

    def _character(self, character: str) -> str:
        if unicodedata.category(character) in ("Cc", "Cs") or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            return "\ufffd" if self.unicode else "?"  # escape codes and changes of direction could hide what stands there
        if self.unicode or character.isascii():
            return character
        return _ASCII.get(character, "?" * self.cells(character))

    def expand(self, line: str) -> tuple[str, list[int]]:
        """A source line as it is shown, and for each of its characters (and its end) where that stands in the shown text."""
        shown: list[str] = []
        starts: list[int] = []
        length = 0
        for character in line:
            starts.append(length)
            if character == "\t":
                piece = " " * (_TAB - self.cells("".join(shown)) % _TAB)
            else:
                piece = self._character(character)
            shown.append(piece)
            length += len(piece)
        return "".join(shown), [*starts, length]

    def wrap(self, text: str, width: int) -> list[str]:
        """The text in lines of at most `width` cells, broken at spaces where there are any."""
        lines: list[str] = []
        current = ""
        for word in _WORD.findall(text):
            if current and self.cells(current + word) > width:
                lines.append(current)
                current, word = "", word.lstrip()
            current += word
            while self.cells(current) > width:
                part = current[: self._fitting(current, max(width, 1))]
                lines.append(part)
                current = current[len(part) :]
        return [*lines, current] if current or not lines else lines

    def hang(self, text: str, indent: int, first: int = 0) -> list[str]:
        """The text wrapped to the page; the first line begins at column `first`, the further ones at `indent`."""
        room = max(self.width - indent, 16)
        if self.cells(text) <= self.width - first:
            return [" " * first + text]
        head, *tail = self.wrap(" " * first + text, max(self.width, 16))
        rest = " ".join(part.strip() for part in tail)
        return [head, *(" " * indent + part for part in self.wrap(rest, room) if part)]

    def cut(self, text: str, width: int) -> str:
        """At most `width` cells of the text; what is missing at the end is marked."""
        if self.cells(text) <= width:
            return text
        return text[: self._fitting(text, max(width - self.cells(self.ellipsis), 1))] + self.ellipsis

    def window(self, text: str, start: int, end: int, width: int) -> tuple[int, int]:
        """Which stretch of a long line to show, so that `start` and as much as possible up to `end` can be seen."""
        if self.cells(text) <= width:
            return 0, len(text)
        mark = self.cells(self.ellipsis)
        if self.cells(text[:end]) <= width - mark:
            return 0, self._fitting(text, width - mark)
        room = max(width - 2 * mark, 1)
        before = room - min(self.cells(text[end:]), room // 3)  # leave some of what follows to be seen
        first, used = end, 0
        while first > 0 and used + self.cells(text[first - 1]) <= before:
            first -= 1
            used += self.cells(text[first])
        first = min(first, start)
        return first, first + self._fitting(text[first:], room)

    def _fitting(self, text: str, width: int) -> int:
        """How many characters fit into so many cells (always one, so that loops end)."""
        used = 0
        for count, character in enumerate(text):
            used += self.cells(character)
            if used > width:
                return max(count, 1)
        return len(text)


def counted(number: int, noun: str) -> str:
    """`1 note`, `2 notes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
