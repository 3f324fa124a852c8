"""The way of the shapes, as a block of aligned rows: step, shape, remark."""

from __future__ import annotations

from collections.abc import Sequence

from shapewright.report import StoryRow
from shapewright.show.paths import relative
from shapewright.show.text import Line, Look

_JOINED = 24  # steps of one source line stand in one row while their names are not longer than this


def story(rows: Sequence[StoryRow], home: str, limit: int, indent: int, look: Look) -> list[Line]:
    """At most `limit` lines (0: no limit): the first row, as it is mostly the input, and the last ones."""
    steps = _joined(rows, home)
    hidden = 0
    if limit and len(steps) > limit:
        hidden = len(steps) - limit + 1
        steps = [steps[0], *steps[1 + hidden :]]
    room = max(look.width - indent, 16)
    shapes = [look.text(shape) for _, shape, _ in steps]
    broad = max(map(look.cells, shapes), default=0)
    names = [look.cut(look.text(name), max(room - broad - 1, 12)) for name, _, _ in steps]
    wide = max(map(look.cells, names), default=0) + 1
    lines: list[Line] = []
    for number, (name, shape, step) in enumerate(zip(names, shapes, steps, strict=True)):
        if hidden and number == 1:
            lines.append(((" " * indent + f"{look.ellipsis} {hidden} more", "gutter"),))
        row = " " * indent + name + " " * (wide - look.cells(name)) + shape
        remark = look.text(step[2])
        start = indent + wide + broad + 6
        if not remark:
            lines.append(((row.rstrip(), "words"),))
        elif start + look.cells(remark) <= look.width:
            lines.append(((row + " " * (start - look.cells(row)), "words"), (remark, "remark")))
        else:
            lines.append(((row.rstrip(), "words"),))
            lines += [((" " * (indent + 2) + part, "remark"),) for part in look.wrap(remark, room - 2)]
    return lines


def _joined(rows: Sequence[StoryRow], home: str) -> list[tuple[str, str, str]]:
    """Name, shape and remark of each line of the block; neighbours from one source line become one."""
    steps: list[tuple[str, str, str]] = []
    place: object = None
    for row in rows:
        name = row.module or row.op
        here = (row.file, row.line)
        if steps and row.line is not None and here == place and not steps[-1][2]:
            both = f"{steps[-1][0]}, {name}"
            if len(both) <= _JOINED:
                steps[-1] = (both, row.output or steps[-1][1], row.remark)
                continue
        prefix = "" if row.line is None else f"l.{row.line} "
        if prefix and row.file and home and row.file != home:
            prefix = f"{relative(row.file).rpartition('/')[2]} {prefix}"
        steps.append((prefix + name, row.output, row.remark))
        place = here
    return steps
