"""The functions of `os`, `open` and their kin, answered from the virtual tree.

`shutil`, `pathlib`, `glob`, `zipfile`, `logging` and nearly every library build on these, so they follow by themselves. As long as
nothing was changed, a question about a file goes straight to the system, with the very arguments that the script gave.
"""

from __future__ import annotations

import _io
import builtins
import functools
import glob
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from .guard_base import Answers
from .guard_files import Overlay, is_writing, real

_LOOKING = ("stat", "statvfs", "getxattr", "listxattr", "pathconf")
_ATTRIBUTES = ("chmod", "chown", "utime", "chflags", "setxattr", "removexattr", "lchmod", "lchown", "lchflags")
# The process itself: its group, its rights, its limits stay as the parent set them.
_IGNORED = ("setsid", "setpgid", "setpgrp", "setuid", "setgid", "chroot", "nice", "fchmod", "fchown", "startfile", "sync")


def install(answers: Answers, tree: Overlay) -> None:
    """Put the answers in place."""
    for name, answer in [*_looking(tree), *_changing(answers, tree), *_opening(answers, tree), *_attributes(answers, tree)]:
        if hasattr(os, name):
            answers.put(os, name, answer)
    for name in _IGNORED:
        if hasattr(os, name):
            answers.put(os, name, _nothing)
    answers.put(builtins, "open", _open(answers, tree))
    answers.put(io, "open", _open(answers, tree))
    for module, name in (("tarfile", "bltn_open"), ("bz2", "_builtin_open")):
        answers.when_imported(module, functools.partial(_put_if_there, answers, name, builtins.open))
    answers.put(sys, "dont_write_bytecode", True)
    _temporary(answers, tree)
    # The other way of rmtree holds on to folders by number, which a tree without real folders cannot give.
    _put_if_there(answers, "_use_fd_functions", False, shutil)
    _globber(answers)


def _nothing(*_: Any, **__: Any) -> int:
    return 0


def _put_if_there(answers: Answers, name: str, new: object, module: Any) -> None:
    if name in vars(module):
        answers.put(module, name, new)


@contextmanager
def _named(path: Any, other: Any = None) -> Iterator[None]:
    """Errors name the paths that the script gave, not those in the mirror."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            error.filename = os.fspath(path)
        if other is not None:
            error.filename2 = os.fspath(other)
        raise


def _at(dir_fd: int | None) -> dict[str, int]:
    return {} if dir_fd is None else {"dir_fd": dir_fd}


def _looking(tree: Overlay) -> Iterator[tuple[str, Callable[..., Any]]]:
    def look(name: str, follow: bool = True) -> Callable[..., Any]:
        call: Any = getattr(real, name, None)

        def answer(path: Any, *rest: Any, dir_fd: int | None = None, **options: Any) -> Any:
            if not tree.used or not isinstance(path, str | bytes | os.PathLike):
                return call(path, *rest, **_at(dir_fd), **options)
            with _named(path):
                return call(tree.find(path, dir_fd, follow=follow and options.get("follow_symlinks", True)), *rest, **options)

        return answer

    for name in _LOOKING:
        yield name, look(name)

    looked = look("access")

    def access(path: Any, mode: int, **options: Any) -> bool:
        try:
            return bool(looked(path, mode, **options))
        except OSError:
            return False  # the real one never complains

    yield "access", access
    yield "lstat", look("lstat", follow=False)
    yield "readlink", look("readlink", follow=False)

    def listdir(path: Any = None) -> list[Any]:
        if not tree.used or isinstance(path, int):
            return list(real.listdir(path))
        with _named(path), scandir(path) as found:
            return [entry.name for entry in found]

    def scandir(path: Any = None) -> Any:
        if not tree.used:
            return real.scandir(path)
        with _named(path):
            given = "" if isinstance(path, int) else os.fspath("." if path is None else path)
            key = tree.folder(path) if isinstance(path, int) else tree.key(given)
            return _Listing([_Entry(entry, given, key, tree) for entry in tree.entries(key)])

    def getcwd() -> str:
        return tree.getcwd()

    def getcwdb() -> bytes:
        return os.fsencode(tree.getcwd())

    def chdir(path: Any) -> None:
        if not tree.used or isinstance(path, int):
            real.chdir(path)
            tree.cwd = None
        else:
            with _named(path):
                tree.chdir(path)

    yield from (("listdir", listdir), ("scandir", scandir), ("getcwd", getcwd), ("getcwdb", getcwdb), ("chdir", chdir))


def _changing(answers: Answers, tree: Overlay) -> Iterator[tuple[str, Callable[..., Any]]]:
    def change(kind: str, method: Callable[[str], None]) -> Callable[..., None]:
        def answer(path: Any, *_: Any, dir_fd: int | None = None, **__: Any) -> None:
            with _named(path):
                key = tree.key(path, dir_fd, follow=False)
                method(key)
                _say(answers, tree, kind, key, path)

        return answer

    def rename(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        with _named(src, dst):
            key = tree.key(src, src_dir_fd, follow=False)
            tree.rename(key, tree.key(dst, dst_dir_fd, follow=False))
            _say(answers, tree, "renaming", key, src)

    def link(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
        with _named(src, dst):
            key = tree.key(dst, dst_dir_fd, follow=False)
            tree.link(tree.key(src, src_dir_fd, follow=False), key)
            _say(answers, tree, "writing", key, dst)

    def symlink(src: Any, dst: Any, target_is_directory: bool = False, *, dir_fd: int | None = None) -> None:
        with _named(src, dst):
            key = tree.key(dst, dir_fd, follow=False)
            tree.symlink(src, key)
            _say(answers, tree, "writing", key, dst)

    def truncate(path: Any, length: int) -> None:
        if isinstance(path, int):
            real.truncate(path, length)
            return
        with _named(path):
            fd = tree.open(path, os.O_WRONLY)
            try:
                real.ftruncate(fd, length)
            finally:
                real.close(fd)
            _say(answers, tree, "writing", tree.key(path), path)

    yield "mkdir", change("making", tree.mkdir)
    yield "remove", change("deleting", tree.remove)
    yield "unlink", change("deleting", tree.remove)
    yield "rmdir", change("deleting", tree.rmdir)
    yield "mkfifo", change("making", tree.mkfifo)
    yield "mknod", change("making", tree.mkfifo)
    yield from (("rename", rename), ("replace", rename), ("link", link), ("symlink", symlink), ("truncate", truncate))


def _attributes(answers: Answers, tree: Overlay) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Rights, owners and times: set on what the script wrote, and on the user's files nothing is done."""

    def attribute(name: str) -> Callable[..., None]:
        call = getattr(real, name, None)

        def answer(path: Any, *rest: Any, dir_fd: int | None = None, **options: Any) -> None:
            if isinstance(path, int) or call is None:
                return
            with _named(path):
                key = tree.key(path, dir_fd, follow=options.get("follow_symlinks", not name.startswith("l")))
                place = tree.place(key)
                if place == key and not tree.inside(key):
                    real.lstat(place)  # which must exist, as it would have to
                    _say(answers, tree, "changing the rights or times of", key, path)
                    return
                try:
                    call(place, *rest, **options)
                except PermissionError:
                    return  # under the enforced wall nobody may

        return answer

    for name in _ATTRIBUTES:
        yield name, attribute(name)


def _opening(answers: Answers, tree: Overlay) -> Iterator[tuple[str, Callable[..., Any]]]:
    def os_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if not tree.used and not is_writing(flags):
            return int(real.open(path, flags, mode, **_at(dir_fd)))
        with _named(path):
            fd = tree.open(path, flags, mode, dir_fd)
            if is_writing(flags):
                _say(answers, tree, "writing", tree.key(path, dir_fd), path)
            return fd

    yield "open", os_open


def _open(answers: Answers, tree: Overlay) -> Callable[..., Any]:
    def opener(path: Any, flags: int) -> int:
        fd = tree.open(path, flags, 0o666)
        if is_writing(flags):
            _say(answers, tree, "writing", tree.key(path), path)
        return fd

    def answer(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        # An opener of the script's own ends in os.open, which is answered too.
        given = options.get("opener") or len(rest) > 5
        if isinstance(file, int) or given or (not tree.used and not set("wax+") & set(mode)):
            return _io.open(file, mode, *rest, **options)
        with _named(file):
            return _io.open(file, mode, *rest, **{**options, "opener": opener})

    return answer


def _say(answers: Answers, tree: Overlay, kind: str, key: str, path: Any) -> None:
    """Note it, unless it was temporary or thrown away anyway."""
    if not tree.inside(key) and key != os.devnull:
        answers.say(kind, f"{kind} {os.fsdecode(path)} was answered without touching the disk")


def _temporary(answers: Answers, tree: Overlay) -> None:
    """Temporary files are real ones in the private folder."""
    answers.put(tempfile, "tempdir", tree.temporary)
    sanitize = vars(tempfile).get("_sanitize_params")
    if sanitize is None:
        return

    def sanitize_params(prefix: Any, suffix: Any, dir: Any) -> Any:
        prefix, suffix, dir, kind = sanitize(prefix, suffix, dir)
        place = tree.mirror(dir)
        return prefix, suffix, os.fsencode(place) if kind is bytes else place, kind

    # tempfile removes its files with an os.unlink that it took for itself when it was imported.
    answers.put(tempfile, "_sanitize_params", sanitize_params)


def _globber(answers: Answers) -> None:
    """From Python 3.13 on pathlib's glob keeps functions of `os` in a class of its own."""
    globber = getattr(glob, "_StringGlobber", None)
    for name, kept in list(vars(globber).items()) if globber is not None else ():
        if isinstance(kept, staticmethod) and kept.__func__ is getattr(real, name, None):
            answers.put(globber, name, staticmethod(getattr(os, name)))


class _Listing:
    """What `os.scandir` gives: an iterator that can be closed."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[_Entry]:
        return self

    def __next__(self) -> _Entry:
        return next(self._entries)

    def __enter__(self) -> _Listing:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())


class _Entry:
    """An `os.DirEntry` under the path by which the script knows it."""

    def __init__(self, entry: Any, given: Any, key: str, tree: Overlay) -> None:
        self._entry = entry
        self._tree = tree
        self._key = os.path.join(key, entry.name)
        self.name: Any = os.fsencode(entry.name) if isinstance(given, bytes) else entry.name
        self.path: Any = os.path.join(given, self.name)

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def inode(self) -> int:
        return int(self._entry.inode())

    def is_symlink(self) -> bool:
        return bool(self._entry.is_symlink())

    def is_junction(self) -> bool:
        return hasattr(self._entry, "is_junction") and self._entry.is_junction()

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        if follow_symlinks and self.is_symlink():
            return self._is(stat.S_ISDIR)
        return bool(self._entry.is_dir(follow_symlinks=False))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        if follow_symlinks and self.is_symlink():
            return self._is(stat.S_ISREG)
        return bool(self._entry.is_file(follow_symlinks=False))

    def _is(self, kind: Callable[[int], bool]) -> bool:
        try:
            return kind(self.stat().st_mode)
        except FileNotFoundError:
            return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        found: os.stat_result = real.stat(self._tree.find(self._key, follow=follow_symlinks), follow_symlinks=follow_symlinks)
        return found
