"""Edits → files on disk: all of them or none, and nothing of the user's lost.

A file is written only if it still is what was checked. Its encoding, byte-order mark, line ends, owner and permissions stay, and a
symbolic link stays a link. (Of two hard links to one file the other keeps the old text: a file is replaced, never written over.)
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import stat
import tempfile
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shapewright.reason.patches import applied, spliced
from shapewright.reason.syntax import parsed
from shapewright.report import Edit

_LINE_END = re.compile(r"\r\n|\r|\n")


class CannotApply(Exception):
    """The edits were not made; the message says why in one sentence."""


class ChangedError(CannotApply, ValueError):
    """A file is no longer what was checked."""


class CannotWrite(CannotApply, OSError):
    """A file cannot be read or written, or cannot hold the edited text."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One file: its name as given, the file itself behind links, its bytes now and then."""

    file: str
    path: Path
    before: bytes
    after: bytes


def apply(edits: Sequence[Edit], sources: Mapping[str, str]) -> tuple[str, ...]:
    """Make the edits, which are written against `sources` (file → text as it was checked). Gives the files that changed.

    Raises ChangedError or CannotWrite; then every file is as it was. Raises ValueError when the edits overlap or lie outside the text.
    """
    changes = _changes(edits, sources)
    _replace_all(changes)
    return tuple(change.file for change in changes)


def changed_files(edits: Sequence[Edit], sources: Mapping[str, str]) -> dict[str, bytes]:
    """File → the bytes that `apply` would write, for each file that changes. Raises as `apply`; writes nothing."""
    return {change.file: change.after for change in _changes(edits, sources)}


def _changes(edits: Sequence[Edit], sources: Mapping[str, str]) -> list[_Change]:
    changes: dict[Path, _Change] = {}
    for file in dict.fromkeys(edit.span.file for edit in edits):
        if file not in sources:
            raise ValueError(f"an edit of {file}, which is not among the sources")
        path = Path(os.path.realpath(file))
        if path in changes:
            raise CannotWrite(f"{file} and {changes[path].file} are one file, which cannot be edited under two names at once")
        before, after = _edited(file, path, sources[file], [edit for edit in edits if edit.span.file == file])
        changes[path] = _Change(file, path, before, after)
    return [change for change in changes.values() if change.after != change.before]


def _edited(file: str, path: Path, checked: str, edits: Sequence[Edit]) -> tuple[bytes, bytes]:
    """The file's bytes, and those after the edits. The edits are made in the file's own text, so that all else stays as it is."""
    before = _read(file, path)
    text, encoding = _decoded(file, before)
    if _LINE_END.sub("\n", text) != checked:
        raise ChangedError(f"{file} has changed since it was checked")
    expected = applied(checked, edits)
    ends = [match.group() for match in _LINE_END.finditer(text)]
    usual = max(dict.fromkeys(ends), key=ends.count, default="\n")
    starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    for end in dict.fromkeys((usual, "\r\n")):  # between a lone "\r" and a lone "\n" only the pair stays a line end of its own
        changed = spliced(text, starts, [replace(edit, new=edit.new.replace("\n", end)) for edit in edits])
        after = _encoded(file, changed, encoding)
        if _says(after, expected):
            break
    else:
        raise CannotWrite(f"{file} would be read in another way than it is written, because of its encoding or its line ends")
    if _encoded(file, text, encoding) != before:
        raise CannotWrite(f"{file} cannot be written back in its encoding, {encoding}, as it is")
    if parsed(expected) is None:
        raise CannotWrite(f"{file} would be no Python after the edits")
    return before, after


def _encoded(file: str, text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        letters = error.object[error.start : error.end]
        raise CannotWrite(f"{file} is written in {error.encoding}, which has no {letters!r}") from None


def _read(file: str, path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CannotWrite(f"{file} is no regular file")
        if not os.access(path, os.W_OK):
            raise CannotWrite(f"{file} is write-protected")
        return path.read_bytes()
    except FileNotFoundError:
        raise ChangedError(f"{file} is no longer there") from None
    except OSError as error:
        if isinstance(error, CannotWrite):
            raise
        raise CannotWrite(f"{file} cannot be read: {error.strerror or error}") from None


def _decoded(file: str, data: bytes) -> tuple[str, str]:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding), encoding
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise ChangedError(f"{file} has changed since it was checked and can no longer be decoded") from None


def _says(data: bytes, expected: str) -> bool:
    """Whether these bytes would be read as the expected text."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return _LINE_END.sub("\n", data.decode(encoding)) == expected
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return False


def _replace_all(changes: Sequence[_Change]) -> None:
    """Write all files beside their places, then put them there; when one fails, those before it are put back."""
    made: list[Path] = []  # temporary files, to be removed in any case
    done: list[tuple[_Change, Path]] = []
    current = ""
    try:
        ready = []
        for change in changes:
            current = change.file
            new, old = (_beside(change.path, data, made) for data in (change.after, change.before))
            ready.append((change, new, old))
        for change, new, old in ready:
            current = change.file
            if change.path.read_bytes() != change.before:
                raise ChangedError(f"{change.file} was changed by another program just now")
            os.replace(new, change.path)
            done.append((change, old))
        for folder in {change.path.parent for change in changes}:
            _sync_folder(folder)
    except BaseException as error:
        lost = [change.file for change, old in reversed(done) if not _put_back(old, change.path, made)]
        if lost:
            raise CannotWrite(
                f"{current} cannot be written, and {' and '.join(lost)} could not be put back: see the copy beside it"
            ) from error
        if isinstance(error, OSError) and not isinstance(error, CannotApply):
            raise CannotWrite(f"{current} cannot be written: {error.strerror or error}") from None
        raise
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _beside(path: Path, data: bytes, made: list[Path]) -> Path:
    """A file in the same folder with these bytes, on the disk, with the permissions and if possible the owner of the file at `path`."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    made.append(Path(name))
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    known = path.stat()
    if hasattr(os, "chown") and (os.stat(name).st_uid, os.stat(name).st_gid) != (known.st_uid, known.st_gid):
        with contextlib.suppress(OSError):
            os.chown(name, known.st_uid, known.st_gid)
    shutil.copymode(path, name)  # after chown, which may take a bit away
    return Path(name)


def _put_back(old: Path, path: Path, made: list[Path]) -> bool:
    try:
        os.replace(old, path)
    except OSError:
        made.remove(old)  # the user's text is in it
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make the new names last, on systems where a folder can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
