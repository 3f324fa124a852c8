"""Source text and places in it: which files are the user's, where a frame stands, what a span says.

Python gives columns as UTF-8 bytes from 0, LibCST as code points from 0, editors as UTF-16 units. Everything that leaves this
module counts lines and code points from 1.
"""

from __future__ import annotations

import ast
import contextlib
import linecache
import os
import sysconfig
import tokenize
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import CodeType

from shapewright.model import Span

_LIBRARY_PARTS = ("site-packages", "dist-packages")


def read_source(path: str | Path) -> str:
    """The text of a Python file in the encoding that it declares. Raises OSError, SyntaxError (a bad declaration), UnicodeDecodeError."""
    with tokenize.open(path) as file:
        return file.read()


@cache
def _library() -> tuple[str, ...]:
    """The folders of Python's own library and of this package."""
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), str(Path(__file__).parent)}
    return tuple(os.path.realpath(folder) + os.sep for folder in folders)


class Sources:
    """The user's files of one run: what belongs to the user, and the text as it was run (an overlay goes before the disk)."""

    def __init__(self, roots: Iterable[str | Path], overlay: Mapping[str, str] | None = None) -> None:
        self.roots = tuple(str(Path(root).resolve()) for root in roots)
        self.overlay = {str(Path(name).resolve()): text for name, text in (overlay or {}).items()}
        self.loop_heads: dict[Span, Span] = {}  # a `for` statement → what it iterates; Python 3.11 gives the former for the latter
        self._is_user: dict[str, bool] = {}
        self._lines: dict[str, list[str]] = {}

    def is_user(self, file: str) -> bool:
        """Whether code of this file is the user's: below a root, and of no library."""
        known = self._is_user.get(file)
        if known is None:
            known = self._is_user[file] = self._decide(file)
        return known

    def _decide(self, file: str) -> bool:
        if file.startswith("<") or not file:
            return False
        real = os.path.realpath(file)
        if any(part in _LIBRARY_PARTS for part in Path(real).parts):
            return False
        inside = any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in self.roots)
        return not real.startswith(_library()) and inside

    def text(self, file: str) -> str:
        """The text of a user file, "" when it cannot be read."""
        real = os.path.realpath(file)
        if real in self.overlay:
            return self.overlay[real]
        try:
            return read_source(real)
        except (OSError, SyntaxError, UnicodeDecodeError):
            return "".join(linecache.getlines(file))

    def lines(self, file: str) -> list[str]:
        known = self._lines.get(file)
        if known is None:
            known = self._lines[file] = self.text(file).split("\n")
        return known

    def span(self, file: str, line: int, end_line: int, byte: int, end_byte: int) -> Span:
        """A span from the interpreter's units: lines from 1, columns as UTF-8 bytes from 0."""
        lines = self.lines(file)
        return Span(file, line, code_points(lines, line, byte) + 1, end_line, code_points(lines, end_line, end_byte) + 1)

    def code_span(self, code: CodeType, lasti: int) -> Span:
        """The expression that the instruction at `lasti` belongs to; the whole line where columns were left out (-X no_debug_ranges)."""
        line, end_line, byte, end_byte = instruction_position(code, lasti)
        if line is None:
            line = code.co_firstlineno
        if byte is None or end_byte is None:
            text = self.lines(code.co_filename)[line - 1 : line]
            stripped = text[0].rstrip() if text else ""
            return Span(code.co_filename, line, len(stripped) - len(stripped.lstrip()) + 1, line, len(stripped) + 1)
        span = self.span(code.co_filename, line, end_line or line, byte, end_byte)
        return self.loop_heads.get(span, span)

    def learn_loop_heads(self, file: str) -> None:
        """Let `code_span` give a loop's iterable where the interpreter names the whole `for` statement."""
        with contextlib.suppress(SyntaxError, ValueError):
            for node in ast.walk(ast.parse("\n".join(self.lines(file)))):
                if isinstance(node, ast.For | ast.AsyncFor):
                    self.loop_heads[self.node_span(file, node)] = self.node_span(file, node.iter)

    def node_span(self, file: str, node: ast.expr | ast.stmt) -> Span:
        """Where a node of the file's syntax tree stands."""
        return self.span(file, node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or 0)


_positions: dict[int, tuple[CodeType, list[tuple[int | None, int | None, int | None, int | None]]]] = {}


def instruction_position(code: CodeType, lasti: int) -> tuple[int | None, int | None, int | None, int | None]:
    """(line, end line, byte column, end byte column) of one instruction; the code object is kept so that its id stays its own."""
    entry = _positions.get(id(code))
    if entry is None:
        entry = _positions[id(code)] = (code, list(code.co_positions()))
    index = lasti // 2
    return entry[1][index] if 0 <= index < len(entry[1]) else (None, None, None, None)


def code_points(lines: list[str], line: int, byte: int) -> int:
    """The UTF-8 byte column of a line as a code point column; both count from 0."""
    if not 1 <= line <= len(lines):
        return byte
    text = lines[line - 1]
    if text.isascii():
        return byte
    return len(text.encode("utf-8", "surrogatepass")[:byte].decode("utf-8", "ignore"))


def utf8_column(lines: list[str], line: int, column: int) -> int:
    """The code point column, which counts from 1, as the interpreter's: UTF-8 bytes from 0."""
    text = lines[line - 1][: column - 1] if 1 <= line <= len(lines) else ""
    return len(text.encode("utf-8", "surrogatepass"))


def text_at(source: str, span: Span) -> str:
    """What stands at a span; lines joined by newlines."""
    return text_in(source.split("\n"), span)


def text_in(lines: list[str], span: Span) -> str:
    """What stands at a span of a text that is split into lines."""
    lines = lines[span.line - 1 : span.end_line]
    if not lines:
        return ""
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def contains(outer: Span, inner: Span) -> bool:
    """Whether `inner` lies within `outer`."""
    return (
        outer.file == inner.file
        and (outer.line, outer.column) <= (inner.line, inner.column)
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    )
