"""Rows of text → a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table; the first column is flush left, the others flush right."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def judged(value: float, limit: float) -> str:
    """`ok` or `SHORT` (of the limit), as it stands in the table's last column."""
    return "ok" if value <= limit else "SHORT"
