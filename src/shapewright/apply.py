"""Edits → files on disk: all of them or none, and nothing of the user's lost.

A file is written only if it still is what was checked. Its encoding, byte-order mark, line ends and permissions stay.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path

from shapewright.model import Edit
from shapewright.reason.patches import applied


class CannotApply(ValueError):
    """The edits were not made; the message says why in one sentence."""


def apply(edits: Sequence[Edit], sources: Mapping[str, str]) -> tuple[str, ...]:
    """Make the edits, which were found in `sources` (the texts as they were checked). Gives the files that changed. Raises CannotApply."""
    new: dict[Path, bytes] = {}
    for file in dict.fromkeys(edit.span.file for edit in edits):
        path = Path(os.path.realpath(file))
        own = [edit for edit in edits if edit.span.file == file]
        new[path] = _edited(path, sources[file], own)
    _replace_all(new)
    return tuple(str(path) for path in new)


def _edited(path: Path, checked: str, edits: Sequence[Edit]) -> bytes:
    """The file's new bytes."""
    try:
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise CannotApply(f"{path.name} cannot be read: {error}") from None
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if plain != checked:
        raise CannotApply(f"{path.name} has changed since it was checked; check it again")
    changed = applied(plain, edits)
    try:
        compile(changed, str(path), "exec", dont_inherit=True)
        return _with_line_ends(changed, plain, text).encode(encoding)
    except (SyntaxError, ValueError) as error:
        raise CannotApply(f"the edit does not fit into {path.name}: {error}") from None


def _with_line_ends(changed: str, plain: str, text: str) -> str:
    """The changed text with the line ends of the file: each kept line its own, new ones the file's usual."""
    import difflib

    if plain == text:
        return changed
    ends = [line[len(line.rstrip("\r\n")) :] for line in _lines(text)]
    usual = max({"\r\n", "\r", "\n"}, key=ends.count)
    old, new = plain.splitlines(keepends=True), changed.splitlines(keepends=True)
    parts: list[str] = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for number, line in enumerate(new[j1:j2]):
            known = i1 + number < i2 if kind in ("equal", "replace") else False
            end = ends[i1 + number] if known else usual
            parts.append(line[:-1] + (end or usual) if line.endswith("\n") else line)
    return "".join(parts)


def _lines(text: str) -> list[str]:
    """Lines with their ends, split where Python splits them and nowhere else."""
    found, start = [], 0
    for at, letter in enumerate(text):
        if letter == "\n" or (letter == "\r" and text[at + 1 : at + 2] != "\n"):
            found.append(text[start : at + 1])
            start = at + 1
    return [*found, text[start:]] if start < len(text) else found


def _replace_all(new: Mapping[Path, bytes]) -> None:
    """Write all files beside their places, then put them there; one that fails brings back those before it."""
    ready: list[tuple[Path, Path]] = []
    done: list[tuple[Path, bytes]] = []
    try:
        for path, data in new.items():
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            ready.append((path, Path(name)))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(path, name)
        for path, temporary in ready:
            before = path.read_bytes()
            temporary.replace(path)
            done.append((path, before))
    except OSError as error:
        for path, before in done:
            path.write_bytes(before)
        raise CannotApply(f"nothing was written: {error}") from None
    finally:
        for _, temporary in ready:
            with contextlib.suppress(OSError):
                temporary.unlink()
