"""A unified diff, read for showing: which lines go and which come, with their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shapewright.show.text import Line, Look

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Change:
    """A line that goes (numbered as it was) or comes (numbered as it will be)."""

    file: str
    number: int
    sign: Literal["-", "+"]
    text: str


def changes(diff: str) -> Iterator[Change]:
    """The changed lines of a unified diff, in its order."""
    file = ""
    old = new = old_left = new_left = 0
    for line in diff.split("\n"):
        line = line.rstrip("\r")
        if old_left <= 0 and new_left <= 0:
            hunk = _HUNK.match(line)
            if hunk:
                old, new = int(hunk[1]), int(hunk[3])
                old_left, new_left = int(hunk[2] or 1), int(hunk[4] or 1)
            elif line.startswith("+++ "):
                file = line[4:].partition("\t")[0].removeprefix("b/")
        elif line.startswith("-"):
            yield Change(file, old, "-", line[1:])
            old, old_left = old + 1, old_left - 1
        elif line.startswith("+"):
            yield Change(file, new, "+", line[1:])
            new, new_left = new + 1, new_left - 1
        elif not line.startswith("\\"):
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1


def patch(diff: str, home: str, limit: int, indent: int, look: Look) -> list[Line]:
    """The changed lines, at most `limit` (0: all). One that goes is cut around the place that differs from its counterpart; one that comes
    is whole, however long: it is there to be copied."""
    changed = list(changes(diff))
    shown = changed[:limit] if limit and len(changed) > limit else changed
    digits = max((len(str(change.number)) for change in shown), default=1)
    lines: list[Line] = []
    file = home
    for change in shown:
        if change.file and change.file != file:
            file = change.file
            lines.append(((" " * indent + f"::: {look.text(file)}", "gutter"),))
        head = " " * indent + f"{change.number:>{digits}} {change.sign} "
        text, starts = look.expand(change.text.rstrip())
        if change.sign == "-":
            start, end = (starts[min(column, len(starts) - 1)] for column in _difference(change, shown))
            a, b = look.window(text, start, max(start, end), max(look.width - len(head), 16))
            text = (look.ellipsis if a else "") + text[a:b] + (look.ellipsis if b < len(text) else "")
        lines.append(((head + text, "removed" if change.sign == "-" else "added"),))
    if len(shown) < len(changed):
        lines.append(((" " * indent + f"{look.ellipsis} {len(changed) - len(shown)} more changed lines", "gutter"),))
    return lines


def _difference(change: Change, all_of_them: Sequence[Change]) -> tuple[int, int]:
    """Where the line differs from the one that it replaces or that replaces it."""
    for other in all_of_them:
        if other.sign != change.sign and (other.file, other.number) == (change.file, change.number):
            mine, theirs = change.text, other.text
            same = next((i for i, (x, y) in enumerate(zip(mine, theirs, strict=False)) if x != y), min(len(mine), len(theirs)))
            back = 0
            while back < min(len(mine), len(theirs)) - same and mine[-1 - back] == theirs[-1 - back]:
                back += 1
            return same, len(mine) - back
    return 0, 0
