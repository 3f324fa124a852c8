"""Edits as text: applying them, carrying places across them, joining one round with the next, showing them as a patch.

Text has "\\n" line ends. All edits of one round are given in coordinates of the text before it and are made at once.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shapewright.model import Span
from shapewright.report import Edit

Point = tuple[int, int]  # line and column, both from 1
START: Point = (1, 1)


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text after all edits. Several insertions at one place stand in the given order, before a replacement that starts there.

    A replacement that is given twice counts once. Raises ValueError when two edits overlap or one lies outside the text.
    """
    return spliced(text, line_starts(text), edits)


def spliced(text: str, starts: Sequence[int], edits: Sequence[Edit]) -> str:
    """As `applied`, for a text whose lines start at the given offsets, whatever ends them."""
    pieces = []
    done = 0
    for edit in _ordered(edits):
        start, end = offset(text, starts, *_start(edit.span)), offset(text, starts, *_end(edit.span))
        pieces += [text[done:start], edit.new]
        done = end
    return "".join([*pieces, text[done:]])


def applied_all(sources: Mapping[str, str], edits: Sequence[Edit]) -> dict[str, str]:
    """File → text after the edits, for the files that they change. Raises ValueError as `applied` and for a file not in `sources`."""
    changed = {}
    for file, own in _by_file(edits).items():
        if file not in sources:
            raise ValueError(f"an edit of {file}, which is not among the sources")
        text = applied(sources[file], own)
        if text != sources[file]:
            changed[file] = text
    return changed


def forward(span: Span, edits: Sequence[Edit]) -> Span:
    """Where the text at `span` stands after the edits; a place inside a replaced stretch becomes the whole of what replaces it.

    What is inserted at the borders stays outside. An empty span goes behind what is inserted at its place.
    """
    return _carried(span, [(at.old_start, at.old_end, at.new_start, at.new_end) for at in _changes(span.file, edits)])


def back(span: Span, edits: Sequence[Edit]) -> Span:
    """From coordinates after the edits to those before; a place inside new text becomes the whole of what that text replaced."""
    return _carried(span, [(at.new_start, at.new_end, at.old_start, at.old_end) for at in _changes(span.file, edits)])


def composed(sources: Mapping[str, str], first: Sequence[Edit], second: Sequence[Edit]) -> tuple[Edit, ...] | None:
    """`second`, written against the sources as `first` leaves them, as edits of the sources themselves, to be made along with `first`.

    None when that is not possible, because `second` changes text that `first` brought in (or goes between two insertions at one place).
    """
    before = _by_file(first)
    result: list[Edit] = []
    for file, own in _by_file(second).items():
        if file not in sources:
            return None
        edits = _composed(sources[file], before.get(file, []), own)
        if edits is None:
            return None
        result += edits
    return tuple(result)


def diff(name: str, before: str, after: str) -> str:
    """A unified diff that `git apply` takes; "" when nothing changed. `name` is relative, with slashes."""
    if before == after:
        return ""
    old, new = _header("a/" + name), _header("b/" + name)
    lines = list(difflib.unified_diff(_lines(before), _lines(after), old, new, lineterm="\n"))
    if not before or not after:  # without this line git takes an empty file for one that is not there
        lines.insert(0, f"diff --git {old.rstrip()} {new.rstrip()}\n")
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def line_starts(text: str) -> list[int]:
    """The offset at which each line starts."""
    return [0, *(match.end() for match in re.finditer("\n", text))]


def offset(text: str, starts: Sequence[int], line: int, column: int) -> int:
    """The offset of a place. Raises ValueError when the text has no such place."""
    if not 1 <= line <= len(starts):
        raise ValueError(f"there is no line {line}")
    at = starts[line - 1] + column - 1
    limit = starts[line] - 1 if line < len(starts) else len(text)
    if not starts[line - 1] <= at <= limit:
        raise ValueError(f"line {line} has no column {column}")
    return at


def point(starts: Sequence[int], at: int) -> Point:
    """Line and column of an offset."""
    line = bisect_right(starts, at)
    return line, at - starts[line - 1] + 1


@dataclass(frozen=True, slots=True)
class _Change:
    """What one edit takes and gives, in coordinates before and after its round."""

    old_start: Point
    old_end: Point
    new_start: Point
    new_end: Point
    edit: Edit


def _start(span: Span) -> Point:
    return span.line, span.column


def _end(span: Span) -> Point:
    return span.end_line, span.end_column


def _by_file(edits: Sequence[Edit]) -> dict[str, list[Edit]]:
    files: dict[str, list[Edit]] = {}
    for edit in edits:
        files.setdefault(edit.span.file, []).append(edit)
    return files


def _ordered(edits: Sequence[Edit]) -> list[Edit]:
    """From the front to the back; insertions before a replacement that starts at their place."""
    seen = set()
    once = []
    for edit in edits:
        if edit not in seen or _start(edit.span) == _end(edit.span):
            once.append(edit)
        seen.add(edit)
    once.sort(key=lambda edit: (_start(edit.span), _end(edit.span)))
    reached = START
    for edit in once:
        if not reached <= _start(edit.span) <= _end(edit.span):
            raise ValueError(f"edits overlap in line {edit.span.line}")
        reached = _end(edit.span)
    return once


def _moved(at: Point, old: Point, new: Point) -> Point:
    """`at`, which stands behind `old` with nothing changed between, when `old` becomes `new`."""
    return (new[0], new[1] + at[1] - old[1]) if at[0] == old[0] else (at[0] + new[0] - old[0], at[1])


def _changes(file: str, edits: Sequence[Edit]) -> Iterator[_Change]:
    old, new = START, START
    for edit in _ordered([edit for edit in edits if edit.span.file == file]):
        new_start = _moved(_start(edit.span), old, new)
        *above, last = edit.new.split("\n")
        new_end = (new_start[0] + len(above), len(last) + 1) if above else (new_start[0], new_start[1] + len(last))
        yield _Change(_start(edit.span), _end(edit.span), new_start, new_end, edit)
        old, new = _end(edit.span), new_end


def _carried(span: Span, changes: Sequence[tuple[Point, Point, Point, Point]]) -> Span:
    start = _carried_start(_start(span), changes)
    end = max(start, _carried_end(_end(span), changes))
    return Span(span.file, *start, *end)


def _carried_start(at: Point, changes: Sequence[tuple[Point, Point, Point, Point]]) -> Point:
    old, new = START, START
    for from_start, from_end, to_start, to_end in changes:
        if at < from_start:
            break
        if at < from_end:
            return to_start
        old, new = from_end, to_end
    return _moved(at, old, new)


def _carried_end(at: Point, changes: Sequence[tuple[Point, Point, Point, Point]]) -> Point:
    old, new = START, START
    for from_start, from_end, _, to_end in changes:
        if at <= from_start:
            break
        if at < from_end:
            return to_end
        old, new = from_end, to_end
    return _moved(at, old, new)


@dataclass(slots=True)
class _Run:
    """A stretch that the first round keeps, as offsets before and after it, and what the second round does there."""

    old_start: int
    old_end: int
    new_start: int
    edits: list[tuple[int, int, str]]  # in old offsets
    insertion_next: bool = False  # the first round inserts text right behind it

    @property
    def new_end(self) -> int:
        return self.new_start + self.old_end - self.old_start


def _composed(text: str, first: Sequence[Edit], second: Sequence[Edit]) -> list[Edit] | None:
    middle = applied(text, first)
    expected = applied(middle, second)
    runs = _runs(text, first)
    starts = line_starts(middle)
    for edit in _ordered(second):
        start, end = offset(middle, starts, *_start(edit.span)), offset(middle, starts, *_end(edit.span))
        if not _noted(runs, start, end, edit.new):
            return None
    result: list[tuple[int, int, str]] = []
    for run in runs:
        own = _kept_in_front(text, run) if run.insertion_next else run.edits
        if own is None:
            return None
        result += own
    starts = line_starts(text)
    file = second[0].span.file
    edits = [Edit(Span(file, *point(starts, start), *point(starts, end)), new) for start, end, new in result]
    return edits if applied(text, (*first, *edits)) == expected else None


def _runs(text: str, first: Sequence[Edit]) -> list[_Run]:
    starts = line_starts(text)
    runs = []
    old = new = 0
    for edit in _ordered(first):
        start, end = offset(text, starts, *_start(edit.span)), offset(text, starts, *_end(edit.span))
        runs.append(_Run(old, start, new, [], insertion_next=start == end and bool(edit.new)))
        new += start - old + len(edit.new)
        old = end
    return [*runs, _Run(old, len(text), new, [])]


def _noted(runs: Sequence[_Run], start: int, end: int, new: str) -> bool:
    """Write an edit, in offsets of the second round, into the runs that it concerns; False when it touches what the first brought in."""
    if start == end:
        at = [run for run in runs if run.new_start <= start <= run.new_end]
        if not at:
            return False
        run = next((run for run in at if start < run.new_end or not run.insertion_next), at[-1])
        where = run.old_start + start - run.new_start
        run.edits.append((where, where, new))
        return True
    for run in runs:
        a, b = max(start, run.new_start), min(end, run.new_end)
        if a < b:
            if a != start:
                return False
            shift = run.old_start - run.new_start
            run.edits.append((a + shift, b + shift, new))
            start, new = b, ""
    return start == end


def _kept_in_front(text: str, run: _Run) -> list[tuple[int, int, str]] | None:
    """The edits of a run, those at its very end made part of its last character: an insertion there would go behind the first round's."""
    edits = [edit for edit in run.edits if edit[0] < run.old_end]
    last = "".join(new for start, _, new in run.edits if start == run.old_end)
    if not last:
        return edits
    if edits and edits[-1][1] == run.old_end:
        start, end, new = edits.pop()
        return [*edits, (start, end, new + last)]
    if run.old_start == run.old_end:
        return None
    return [*edits, (run.old_end - 1, run.old_end, text[run.old_end - 1] + last)]


def _lines(text: str) -> list[str]:
    """Lines with their ends; only "\\n" ends one."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _header(name: str) -> str:
    """A file name as git writes it: quoted with odd characters in it, ended by a tab with a space in it."""
    if re.search(r'["\\\x00-\x1f\x7f]', name):
        escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
        return '"' + "".join(escapes.get(c) or (f"\\{ord(c):03o}" if c < " " or c == "\x7f" else c) for c in name) + '"'
    return name + "\t" if " " in name else name
