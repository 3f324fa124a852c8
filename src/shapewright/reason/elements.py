"""The elements of a call, a list, a tuple or a set as they are laid out: where a new one goes, and what goes with one that is taken out.

Changes are (start, end, new text) in offsets of the file's text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libcst import CSTNode

    from shapewright.reason.tree import Spot, Tree

Change = tuple[int, int, str]

_GAP = re.compile(r"(?:\s|\\\n|#[^\n]*\n)*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n|\Z)")


@dataclass(frozen=True, slots=True)
class Item:
    """One element with all that belongs to it (keyword, star, parentheses), and the offset of the comma behind it."""

    start: int
    end: int
    comma: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """All elements of one holder. `opening` is the offset behind the bracket that opens it (of a bare tuple: its start)."""

    text: str
    items: tuple[Item, ...]
    opening: int
    kind: str  # "Call" | "List" | "Tuple" | "Set"
    lone_generator: bool = False  # a generator is the only argument and has no parentheses of its own


def row_of(tree: Tree, holder: CSTNode) -> Row | None:
    """The row of a call, list, tuple or set."""
    kind = type(holder).__name__
    if kind not in ("Call", "List", "Tuple", "Set"):
        return None
    parts: Sequence[CSTNode] = holder.args if kind == "Call" else holder.elements  # type: ignore[attr-defined]
    items = []
    for part in parts:
        start, end = tree.whole(part)
        value = tree.whole(part.value)  # type: ignore[attr-defined]
        start, end = min(start, value[0]), max(end, value[1])
        has_comma = type(part.comma).__name__ == "Comma"  # type: ignore[attr-defined]
        items.append(Item(start, end, _behind(tree.text, end) if has_comma else None))
    opening = tree.places[holder][0] + (kind in ("List", "Set"))
    lone = False
    if kind == "Call":
        opening = _behind(tree.text, tree.whole(holder.func)[1]) + 1  # type: ignore[attr-defined]
        lone = len(parts) == 1 and type(parts[0].value).__name__ == "GeneratorExp" and not parts[0].value.lpar  # type: ignore[attr-defined]
    return Row(tree.text, tuple(items), opening, kind, lone)


def element_at(tree: Tree, spot: Spot) -> tuple[Row, int] | None:
    """The row in which a stretch is an element or an element's value, and its number there."""
    path = spot.path
    if path[-1][0] == "value" and type(path[-2][1]).__name__ in ("Arg", "Element"):
        path = path[:-1]
    if len(path) < 2 or path[-1][0] not in ("args", "elements"):
        return None
    holder, own = path[-2][1], path[-1][1]
    row = row_of(tree, holder)
    if row is None:
        return None
    parts = holder.args if row.kind == "Call" else holder.elements  # type: ignore[attr-defined]
    return row, next(number for number, part in enumerate(parts) if part is own)


def put_before(row: Row, number: int, new: str) -> list[Change]:
    """A new element in front of one: on a line of its own where the others are."""
    item = row.items[number]
    space = "\n" + _indent(row, number) if _on_own_lines(row) else " "
    return [(item.start, item.start, f"{new},{space}"), *_closed_generator(row)]


def put_after(row: Row, number: int, new: str) -> list[Change]:
    """A new element behind one; a comma at the very end stays one, and a remark behind the old element stays there."""
    item = row.items[number]
    changes = _closed_generator(row)
    if not _on_own_lines(row):
        return [*changes, (item.end, item.end, f", {new}")]
    line = f"\n{_indent(row, number)}{new}"
    comma = item.comma
    if comma is not None and "\n" not in row.text[item.end : comma]:
        rest = _REST.match(row.text, comma + 1)
        if rest:
            return [*changes, (rest.end(), rest.end(), f"{line},")]
    rest = _REST.match(row.text, item.end)
    if comma is None and rest:
        return [*changes, (item.end, item.end, ","), (rest.end(), rest.end(), line)]
    return [*changes, (item.end, item.end, f",{line}")]


def put_first(row: Row, new: str) -> list[Change]:
    """The first element of an empty row."""
    return [(row.opening, row.opening, new)]


def taken_out(row: Row, number: int) -> list[Change]:
    """An element with its comma away, and its lines when it has lines of its own."""
    text, item = row.text, row.items[number]
    before = row.items[number - 1] if number else None
    behind = row.items[number + 1] if number + 1 < len(row.items) else None
    stop = item.end if item.comma is None else item.comma + 1
    keep_comma = row.kind == "Tuple" and len(row.items) == 2  # of a pair a tuple of one must stay
    extra = [(behind.end, behind.end, ",")] if keep_comma and behind and behind.comma is None else []
    rest = _REST.match(text, stop)
    if _starts_line(text, item.start) and rest and (len(row.items) > 1 or row.kind != "Tuple"):
        if item.comma is None and before and before.comma is not None and not keep_comma:
            extra.append((before.comma, before.comma + 1, ""))
        return [(text.rfind("\n", 0, item.start) + 1, min(rest.end() + 1, len(text)), ""), *extra]
    if behind and "\n" not in text[item.end : behind.start]:
        return [(item.start, behind.start, ""), *extra]
    if before and before.comma is not None:
        gap = text[before.end : item.start]
        if "#" in gap:
            return [(item.start, stop, "")]
        return [(before.comma + 1, stop, "")] if keep_comma else [(before.end, item.end, "")]
    if behind and "#" not in text[item.end : behind.start]:
        return [(item.start, behind.start, ""), *extra]
    return [(item.start, stop, ""), *extra]


def _behind(text: str, at: int) -> int:
    """The offset of the first letter that is neither space nor remark."""
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _closed_generator(row: Row) -> list[Change]:
    if not row.lone_generator:
        return []
    item = row.items[0]
    return [(item.start, item.start, "("), (item.end, item.end, ")")]


def _starts_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _on_own_lines(row: Row) -> bool:
    """Whether each element has a line of its own; a single one, whether it stands below its bracket."""
    if len(row.items) == 1:
        return "\n" in row.text[row.opening : row.items[0].start]
    return all("\n" in row.text[a.comma or a.end : b.start] for a, b in pairwise(row.items))


def _indent(row: Row, number: int) -> str:
    """What stands before an element that starts its line: this one, or else another one."""
    for item in (row.items[number], *row.items):
        if _starts_line(row.text, item.start):
            return row.text[row.text.rfind("\n", 0, item.start) + 1 : item.start]
    return ""
