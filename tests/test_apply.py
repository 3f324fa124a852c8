"""Edits on disk: only into the file that was checked, nothing else of it changed, all files or none."""

from __future__ import annotations

import os
import stat
import tokenize
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapewright.apply import CannotApply, CannotWrite, ChangedError, apply, changed_files
from shapewright.model import Span
from shapewright.reason.patches import applied
from shapewright.report import Edit

UTF8_MARK = b"\xef\xbb\xbf"


def checked(path: Path) -> str:
    """The text of a file as the check read it."""
    with tokenize.open(path) as file:
        return file.read()


def edit(path: Path, line: int, column: int, end_line: int, end_column: int, new: str) -> Edit:
    return Edit(Span(str(path), line, column, end_line, end_column), new)


def made(folder: Path, data: bytes, *edits: tuple[int, int, int, int, str]) -> bytes:
    """The bytes of a file after the edits."""
    path = folder / "model.py"
    path.write_bytes(data)
    apply([edit(path, *one) for one in edits], {str(path): checked(path)})
    assert [left.name for left in folder.iterdir()] == ["model.py"]
    return path.read_bytes()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a = 1\nb = 1\n", b"a = 22\nx\nb = 1\n"),
        (b"a = 1\r\nb = 1\r\n", b"a = 22\r\nx\r\nb = 1\r\n"),
        (b"a = 1\rb = 1\r", b"a = 22\rx\rb = 1\r"),
        (b"a = 1\r\nb = 1\nc = 1\r\n", b"a = 22\r\nx\r\nb = 1\nc = 1\r\n"),
        (b"a = 1\nb = 1\r\nc = 1\n", b"a = 22\nx\nb = 1\r\nc = 1\n"),
        (b"a = 1\r\nb = 1", b"a = 22\r\nx\r\nb = 1"),
        (UTF8_MARK + b"a = 1\r\nb = 'h\xc3\xa9'\r\n", UTF8_MARK + b"a = 22\r\nx\r\nb = 'h\xc3\xa9'\r\n"),
        (b"a = 1  # h\xc3\xa9 \xe2\x80\xa8 \x0c\n\tb = 1".replace(b"\n\t", b"\n"), b"a = 22  # h\xc3\xa9 \xe2\x80\xa8 \x0c\nx\nb = 1"),
    ],
)
def test_all_but_the_edit_stays(tmp_path: Path, before: bytes, after: bytes) -> None:
    assert made(tmp_path, before, (1, 5, 1, 6, "22"), (2, 1, 2, 1, "x\n")) == after


def test_the_declared_encoding_stays(tmp_path: Path) -> None:
    before = b"# coding: latin-1\r\nb = '\xe9'\r\n"
    assert made(tmp_path, before, (2, 6, 2, 7, "\xfc\xe9")) == before.replace(b"'\xe9'", b"'\xfc\xe9'")
    before = "# -*- coding: shift_jis -*-\nb = '漢', 1\n".encode("shift_jis")
    assert made(tmp_path, before, (2, 10, 2, 11, "'字'")) == "# -*- coding: shift_jis -*-\nb = '漢', '字'\n".encode("shift_jis")


def test_an_edit_may_span_lines(tmp_path: Path) -> None:
    assert made(tmp_path, b"f(a,\r\n  b)\r\nc\r\n", (1, 5, 2, 3, " ")) == b"f(a, b)\r\nc\r\n"
    assert made(tmp_path, b"f(a,\r\n  b)\r\nc\r\n", (2, 1, 3, 1, "  g(\n1))\n")) == b"f(a,\r\n  g(\r\n1))\r\nc\r\n"
    assert made(tmp_path, b"c\r\n", (1, 2, 1, 2, "\nd")) == b"c\r\nd\r\n"


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(
        st.tuples(st.sampled_from(["a", "b = 'ü漢😀'", "", "# \x0c \u2028 x"]), st.sampled_from(["\n", "\r\n", "\r"])), min_size=1
    ),
    mark=st.booleans(),
    data=st.data(),
)
def test_reading_it_again_gives_the_edited_text(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str]], mark: bool, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("apply") / "model.py"
    path.write_bytes((UTF8_MARK if mark else b"") + "".join(text + end for text, end in lines).encode())
    text = checked(path)
    rows = text.split("\n")
    line = data.draw(st.integers(1, len(rows)))
    at = len(rows[line - 1]) + 1
    edits = [edit(path, 1, 1, 1, 1, "d = 2\n"), edit(path, line, at, line, at, "  # new\nc = 1")]
    apply(edits, {str(path): text})
    assert checked(path) == applied(text, edits)
    assert path.read_bytes().startswith(UTF8_MARK) == mark


def refused(
    folder: Path,
    data: bytes,
    new: str,
    error: type[Exception],
    source: str | None = None,
    edits: Sequence[tuple[int, int, int, int, str]] = (),
) -> str:
    path = folder / "model.py"
    path.write_bytes(data)
    text = checked(path) if source is None else source
    with pytest.raises(error) as caught:
        apply([edit(path, 1, 1, 1, 1, new), *(edit(path, *one) for one in edits)], {str(path): text})
    assert path.read_bytes() == data
    assert [left.name for left in folder.iterdir()] == ["model.py"]
    assert isinstance(caught.value, CannotApply)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_changed_file_is_left_alone(tmp_path: Path) -> None:
    assert "changed since it was checked" in refused(tmp_path, b"a = 2\n", "x", ChangedError, "a = 1\n")
    refused(tmp_path, b"a = 1\n", "x", ChangedError, "a = 1")
    path = tmp_path / "model.py"
    path.write_bytes(b"a = '\xff'\n")
    with pytest.raises(ChangedError, match="decoded"):
        apply([edit(path, 1, 1, 1, 1, "x")], {str(path): "a = 1\n"})
    path.unlink()
    with pytest.raises(ChangedError, match="no longer there"):
        apply([edit(path, 1, 1, 1, 1, "x")], {str(path): "a = 1\n"})


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    assert "latin" in refused(tmp_path, b"# coding: latin-1\na = '\xe9'\n", "b = '漢'\n", CannotWrite).replace("iso-8859-1", "latin")
    assert "no Python" in refused(tmp_path, b"a = 1\n", "(", CannotWrite)
    # a line above it takes the declaration out of force
    assert "another way" in refused(tmp_path, b"# one\n# coding: latin-1\na = '\xe9'\n", "# zero\n", CannotWrite)


def test_line_ends_that_would_run_together(tmp_path: Path) -> None:
    assert made(tmp_path, b"\na\ra\r", (1, 1, 1, 1, "b\n")) == b"b\r\n\na\ra\r"
    assert "another way" in refused(tmp_path, b"a\rb\nc\n", "", CannotWrite, edits=[(2, 1, 2, 2, "")])


def test_edits_that_do_not_fit_the_sources(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("a = 1\n")
    with pytest.raises(ValueError, match="overlap"):
        apply([edit(path, 1, 1, 1, 3, "b "), edit(path, 1, 2, 1, 4, " =")], {str(path): "a = 1\n"})
    with pytest.raises(ValueError, match="not among the sources"):
        apply([edit(path, 1, 1, 1, 2, "b")], {})
    assert path.read_text() == "a = 1\n"


def test_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("a = 1\n")
    path.chmod(0o751)
    apply([edit(path, 1, 5, 1, 6, "2")], {str(path): "a = 1\n"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert path.read_text() == "a = 2\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("a = 1\n")
    os.chown(path, 1234, 2345)
    path.chmod(0o4755)
    apply([edit(path, 1, 5, 1, 6, "2")], {str(path): "a = 1\n"})
    assert (path.stat().st_uid, path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (1234, 2345, 0o4755)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "real" / "model.py"
    target.parent.mkdir()
    target.write_text("a = 1\n")
    link = tmp_path / "model.py"
    link.symlink_to(target)
    assert apply([edit(link, 1, 5, 1, 6, "2")], {str(link): "a = 1\n"}) == (str(link),)
    assert link.is_symlink()
    assert target.read_text() == "a = 2\n"
    both = {str(link): "a = 2\n", str(target): "a = 2\n"}
    with pytest.raises(CannotWrite, match="one file"):
        apply([edit(link, 1, 5, 1, 6, "3"), edit(target, 1, 1, 1, 2, "b")], both)
    assert target.read_text() == "a = 2\n"


def test_a_write_protected_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.py"
    path.write_text("a = 1\n")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything
    with pytest.raises(CannotWrite, match="write-protected"):
        apply([edit(path, 1, 5, 1, 6, "2")], {str(path): "a = 1\n"})
    with pytest.raises(CannotWrite, match="regular file"):
        apply([edit(tmp_path, 1, 1, 1, 1, "2")], {str(tmp_path): ""})
    assert path.read_text() == "a = 1\n"


def three(folder: Path) -> tuple[list[Edit], dict[str, str]]:
    paths = [folder / name for name in ("a.py", "b.py", "c.py")]
    for path in paths:
        path.write_text("a = 1\n")
    return [edit(path, 1, 5, 1, 6, "2") for path in paths], {str(path): "a = 1\n" for path in paths}


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


OLD = {"a.py": "a = 1\n", "b.py": "a = 1\n", "c.py": "a = 1\n"}


def test_several_files_at_once(tmp_path: Path) -> None:
    edits, sources = three(tmp_path)
    assert changed_files(edits, sources) == dict.fromkeys(sources, b"a = 2\n")
    assert texts(tmp_path) == OLD
    assert apply(edits, sources) == tuple(sources)
    assert texts(tmp_path) == dict.fromkeys(OLD, "a = 2\n")


def test_an_edit_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    edits, sources = three(tmp_path)
    before = (tmp_path / "a.py").stat().st_ino
    assert apply([edit(tmp_path / "a.py", 1, 5, 1, 6, "1"), edits[1]], sources) == (str(tmp_path / "b.py"),)
    assert (tmp_path / "a.py").stat().st_ino == before


def test_one_changed_file_keeps_all_as_they_are(tmp_path: Path) -> None:
    edits, sources = three(tmp_path)
    (tmp_path / "c.py").write_text("a = 3\n")
    with pytest.raises(ChangedError, match=r"c\.py"):
        apply(edits, sources)
    assert texts(tmp_path) == OLD | {"c.py": "a = 3\n"}


def failing(when: Callable[[str, str], bool], error: BaseException) -> Callable[[str, str], None]:
    replace = os.replace

    def fail(old: str, new: str) -> None:
        if when(str(old), str(new)):
            raise error
        replace(old, new)

    return fail


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_when_one_replacement_fails_the_others_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    edits, sources = three(tmp_path)
    (tmp_path / "a.py").chmod(0o640)
    monkeypatch.setattr(os, "replace", failing(lambda _, new: new.endswith("c.py"), error))
    with pytest.raises(CannotWrite if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        apply(edits, sources)
    assert texts(tmp_path) == OLD
    assert stat.S_IMODE((tmp_path / "a.py").stat().st_mode) == 0o640
    if isinstance(error, OSError):
        assert str(caught.value) == f"{tmp_path / 'c.py'} cannot be written: No space left on device"


def test_what_cannot_be_put_back_is_kept_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits, sources = three(tmp_path)
    calls: list[str] = []

    def when(_: str, new: str) -> bool:
        calls.append(new)
        return len(calls) > 1

    monkeypatch.setattr(os, "replace", failing(when, OSError("gone")))
    with pytest.raises(CannotWrite, match=r"a\.py could not be put back"):
        apply(edits, sources)
    left = texts(tmp_path)
    assert left.pop("a.py") == "a = 2\n"
    kept = [name for name in left if name.startswith(".a.py.")]
    assert [left.pop(name) for name in kept] == ["a = 1\n"]
    assert left == {"b.py": "a = 1\n", "c.py": "a = 1\n"}


def test_a_file_that_changes_at_the_last_moment_stops_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits, sources = three(tmp_path)
    replace = os.replace

    def meanwhile(old: str, new: str) -> None:
        replace(old, new)
        (tmp_path / "b.py").write_text("a = 9\n")

    monkeypatch.setattr(os, "replace", meanwhile)
    with pytest.raises(ChangedError, match=r"b\.py"):
        apply(edits, sources)
    assert texts(tmp_path) == OLD | {"b.py": "a = 9\n"}


def test_a_folder_that_takes_no_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits, sources = three(tmp_path)

    def full(**_: object) -> tuple[int, str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(CannotWrite, match=r"a\.py cannot be written: Permission denied"):
        apply(edits, sources)
    assert texts(tmp_path) == OLD
