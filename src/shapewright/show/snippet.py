"""Source lines with remarks under them.

In go the labels of a finding and the text of the files, out come lines of (text, role): a gutter with line
numbers, the source as it was run, and under each labelled line one row a label with marks and words. Every label has
its row, so that labels beside or inside each other need no connecting strokes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shapewright.model import Span
from shapewright.report import Label
from shapewright.show.paths import relative
from shapewright.show.text import Line, Look

_NEWLINE = re.compile("\r\n|\r|\n")  # str.splitlines would count a form feed as a line, Python does not


def gutter_width(labels: Sequence[Label]) -> int:
    """The cells that the line numbers need."""
    return max((len(str(label.span.line)) for label in labels), default=1)


def position(span: Span) -> str:
    """`model.py:19:20`."""
    return f"{relative(span.file)}:{span.line}:{span.column}"


def snippet(labels: Sequence[Label], sources: Mapping[str, str], gutter: int, severity: str, look: Look) -> list[Line]:
    """The labelled lines, file by file, that of the primary label first; of an unknown file only the position."""
    primary = next((label.span.file for label in labels if label.primary), "")
    files = sorted(dict.fromkeys(label.span.file for label in labels), key=lambda file: file != primary)
    rows: list[Line] = []
    for number, file in enumerate(files):
        here = sorted((label for label in labels if label.span.file == file), key=_order)
        lines = _NEWLINE.split(sources.get(file, ""))
        known = [label for label in here if file in sources and label.span.line <= len(lines)]
        if known:
            if number or file != primary:
                rows.append(_elsewhere(known[0], gutter, look))
            rows.append(_edge(gutter))
            rows += _file(known, lines, gutter, severity, look)
            rows.append(_edge(gutter))
        for label in here:
            if label not in known:
                rows += _words(label, gutter, look)
    return rows


def _order(label: Label) -> tuple[int, int, int]:
    return label.span.line, label.span.column, -label.span.end_column


def _edge(gutter: int) -> Line:
    return ((" " * gutter + " |", "gutter"),)


def _elsewhere(label: Label, gutter: int, look: Look) -> Line:
    return (" " * gutter + "::: ", "gutter"), (look.text(position(label.span)), "")


def _words(label: Label, gutter: int, look: Look) -> list[Line]:
    """A label whose source nobody has: where it is and what it says."""
    head = _elsewhere(label, gutter, look)
    if not label.text:
        return [head]
    lead = "".join(text for text, _ in head)
    first, *rest = look.hang(f"{lead}   {look.text(label.text)}", gutter + 4)
    return [(head[0], (first[gutter + 4 :], "")), *(((line, ""),) for line in rest)]


def _file(labels: Sequence[Label], lines: Sequence[str], gutter: int, severity: str, look: Look) -> list[Line]:
    rows: list[Line] = []
    before = 0
    for number in sorted({label.span.line for label in labels}):
        if before and number > before + 1:
            rows.append(((" " * gutter + f" {look.gap}", "gutter"),))
        rows += _line(number, lines[number - 1], [label for label in labels if label.span.line == number], gutter, severity, look)
        before = number
    return rows


def _line(number: int, source: str, labels: Sequence[Label], gutter: int, severity: str, look: Look) -> list[Line]:
    text, starts = look.expand(source.rstrip())
    room = max(look.width - gutter - 3, 16)
    spans = [_stretch(label.span, starts) for label in labels]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    a, b = look.window(text, first, last, room)
    if len(labels) > 1 and (a > first or b < last):  # too far apart to be seen together
        return [row for label in labels for row in _line(number, source, [label], gutter, severity, look)]
    lead, tail = (look.ellipsis if a else ""), (look.ellipsis if b < len(text) else "")
    rows: list[Line] = [((f"{number:>{gutter}} | ", "gutter"), (lead + text[a:b] + tail, "source"))]
    for label, (start, end) in zip(labels, spans, strict=True):
        indent = look.cells(lead + text[a:start])
        marks = max(look.cells(text[start : min(end, b)]), 1)
        rows += _remark(label, indent, marks, room, gutter, severity, look)
    return rows


def _stretch(span: Span, starts: Sequence[int]) -> tuple[int, int]:
    """Start and end of the span in the shown line; the first line of a longer span is marked to its end."""
    last = len(starts) - 1
    start = starts[min(max(span.column - 1, 0), last)]
    end = starts[last] if span.end_line > span.line else starts[min(max(span.end_column - 1, 0), last)]
    return start, max(start, end)


def _remark(label: Label, indent: int, marks: int, room: int, gutter: int, severity: str, look: Look) -> list[Line]:
    """The marks under a stretch and the words beside them, or below when there is no room beside."""
    role = severity if label.primary else "secondary"
    words = look.text(label.text)
    if label.span.end_line > label.span.line:
        words = f"{words} (goes on to line {label.span.end_line})".strip()
    margin = (" " * gutter + " | ", "gutter")
    under = (" " * indent + ("^" if label.primary else "-") * marks, role)
    if not words:
        return [(margin, under)]
    if indent + marks + 1 + look.cells(words) <= room:
        return [(margin, under, (" " + words, f"{role} words"))]
    left = max(min(indent, room - look.cells(words)), 0)
    below = look.wrap(words, room - left)
    return [(margin, under), *((margin, (" " * left + line, f"{role} words")) for line in below)]
