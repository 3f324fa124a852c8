"""A virtual tree over the user's files: what the script writes, deletes or renames happens only here.

Paths come in as the script gives them; out come paths inside the private folder for what was written, and the user's own paths
for what was not touched. Written files live in a mirror of the tree (`<private>/files/home/me/out.txt`); deleted ones are
remembered as `gone`, with everything below them. Nothing here looks at `os`, whose functions are replaced while this is in use:
`real` is the module below it, which stays as it is.
"""

from __future__ import annotations

import _io  # the open() below the replaced one
import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from typing import Any

real: Any = sys.modules[os.name]  # posix or nt

COPY_LIMIT = 2**30  # bytes of the user's files that one run may copy in order to change the copies
_MOST_LINKS = 40  # as many as Linux follows
_STREAMS = ("/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr")
_STREAMS_BELOW = ("/dev/fd/", "/proc/self/fd/")
_CREATE_ANEW = getattr(os, "O_TMPFILE", 0)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def is_writing(flags: int) -> bool:
    """Whether `os.open` with these flags may change anything."""
    return bool(flags & _WRITING) or _is_nameless(flags)


def _is_nameless(flags: int) -> bool:
    return _CREATE_ANEW != 0 and flags & _CREATE_ANEW == _CREATE_ANEW


def _is_stream(path: str) -> bool:
    return path == os.devnull or path in _STREAMS or path.startswith(_STREAMS_BELOW)


def _refuse(number: int, key: str) -> OSError:
    return OSError(number, os.strerror(number), key)


class Overlay:
    """The script's view of the file system.

    A `key` is an absolute path without symbolic links (but perhaps in its last part), as the script sees it. A `place` is where
    that really is.
    """

    def __init__(self, private: str) -> None:
        self.private = private
        self.upper = os.path.join(private, "files")
        self.temporary = os.path.join(private, "tmp")
        self.gone: set[str] = set()
        self.cwd: str | None = None  # set while the script is in a folder that exists only here
        self.used = False  # nothing was changed yet: every look-up may go straight to the system
        self._copied = 0
        self._links: dict[str, str | None] = {}  # what was found at each place; forgotten when a link may have come or gone
        for folder in (private, self.upper, self.temporary):
            self._make(folder)

    # Names

    def key(self, path: Any, dir_fd: int | None = None, *, follow: bool = True) -> str:
        """The key of a path; with `follow` a link in its last part is followed too."""
        text = os.fsdecode(path)
        if not text:
            raise _refuse(errno.ENOENT, text)
        if _is_stream(text):
            return text
        if not os.path.isabs(text):
            text = os.path.join(self.folder(dir_fd) if dir_fd is not None else self.getcwd(), text)
        drive, rest = os.path.splitdrive(text)
        here = root = drive + os.sep
        parts = _parts(rest)
        links = 0
        while parts:
            name = parts.pop()
            if name == "..":
                self._check_folder(here, text)
                here = os.path.dirname(here)
                continue
            child = os.path.join(here, name)
            link = self._link(child) if parts or follow else None
            if link is None:
                here = child
                continue
            links += 1
            if links > _MOST_LINKS:
                raise _refuse(errno.ELOOP, text)
            if os.path.isabs(link):
                here = root
            parts += _parts(os.path.splitdrive(link)[1])
        return here

    def folder(self, fd: int) -> str:
        """The key of an open folder."""
        place: str = real.readlink(f"/proc/self/fd/{fd}")
        return place.removeprefix(self.upper) or os.sep if place.startswith(self.upper) else place

    def getcwd(self) -> str:
        """The folder that the script is in."""
        return self.cwd or real.getcwd()

    def inside(self, key: str) -> bool:
        """Whether the key is in the private folder, where everything happens for real."""
        return key == self.private or key.startswith(self.private + os.sep)

    # Looking

    def place(self, key: str) -> str:
        """Where the thing really is; a path at which nothing is when the script may not see anything there."""
        if not self.used or self.inside(key):
            return key
        upper = self._upper(key)
        try:
            found = real.lstat(upper)
        except NotADirectoryError:
            return upper  # below a file that the script wrote
        except OSError:
            found = None
        if self._is_gone(key) or (found is not None and not stat.S_ISDIR(found.st_mode)):
            return upper
        # A folder in the mirror may stand there only because something below it was written.
        return key if found is None or _is_folder(key) else upper

    def find(self, path: Any, dir_fd: int | None = None, *, follow: bool = True) -> str:
        """Where the thing at `path` really is."""
        return self.place(self.key(path, dir_fd, follow=follow))

    def look(self, key: str) -> os.stat_result | None:
        """`lstat` as the script sees it, None when nothing is there."""
        return _lstat(self.place(key))

    def entries(self, key: str) -> Iterator[Any]:
        """The real directory entries that together make up this folder."""
        if self.inside(key):
            with real.scandir(key) as found:
                yield from found
            return
        seen = set()
        upper = self._upper(key)
        made = self.used and _is_folder(upper)
        if made:
            with real.scandir(upper) as found:
                for entry in found:
                    seen.add(entry.name)
                    yield entry
        if made and (self._is_gone(key) or not _is_folder(key)):
            return
        with real.scandir(self.place(key)) as found:
            for entry in found:
                if entry.name not in seen and os.path.join(key, entry.name) not in self.gone:
                    yield entry

    # Changing

    def open(self, path: Any, flags: int, mode: int = 0o777, dir_fd: int | None = None) -> int:
        """`os.open`: for writing a file in the mirror, with the present content when that is kept."""
        if _is_nameless(flags):
            return int(real.open(self.temporary, flags, 0o600))
        own = flags & getattr(os, "O_NOFOLLOW", 0) or flags & os.O_EXCL  # the name itself counts, even when it is a link
        key = self.key(path, dir_fd, follow=not own)
        if _is_stream(key):
            return int(real.open(key, flags, mode))
        if self.inside(key) or not is_writing(flags):
            return int(real.open(self.place(key), flags, mode))
        found = self.look(key)
        if found is None:
            self._check_parent(key)
            if not flags & os.O_CREAT:
                raise _refuse(errno.ENOENT, key)
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            raise _refuse(errno.EEXIST, key)
        elif stat.S_ISDIR(found.st_mode):
            raise _refuse(errno.EISDIR, key)
        elif not flags & os.O_TRUNC:
            self.copy_up(key)
        return int(real.open(self._room(key), (flags | os.O_CREAT) & ~os.O_EXCL, mode & 0o777 | 0o600))

    def file(self, path: Any) -> str:
        """A place to write for a library that opens files itself, with what is in the file now."""
        key = self.key(path)
        if self.inside(key):
            return key
        if self.look(key) is None:
            self._check_parent(key)
        else:
            self.copy_up(key)
        return self._room(key)

    def room(self, path: Any) -> str:
        """A place to write whatever stood there before, and whether or not its folder exists."""
        return self._room(self.key(path))

    def mirror(self, path: Any) -> str:
        """The real folder into which the script's new files in this folder go; the path itself when there is no such folder."""
        key = self.key(path)
        found = self.look(key)
        if self.inside(key) or found is None or not stat.S_ISDIR(found.st_mode):
            return os.fsdecode(path)
        return os.path.dirname(self._room(os.path.join(key, "x")))

    def copy_up(self, key: str) -> None:
        """Bring the user's file into the mirror, so that it can be changed there."""
        place = self.place(key)
        if place == key and not self.inside(key):
            self._copy(key, self._room(key))

    def mkdir(self, key: str) -> None:
        self._check_parent(key)
        if self.look(key) is not None:
            raise _refuse(errno.EEXIST, key)
        real.mkdir(self._room(key))

    def remove(self, key: str) -> None:
        found = self._there(key)
        if stat.S_ISDIR(found.st_mode):
            raise _refuse(errno.EISDIR, key)
        self._drop(key, real.unlink)

    def rmdir(self, key: str) -> None:
        found = self._there(key)
        if not stat.S_ISDIR(found.st_mode):
            raise _refuse(errno.ENOTDIR, key)
        if any(True for _ in self.entries(key)):
            raise _refuse(errno.ENOTEMPTY, key)
        self._drop(key, real.rmdir)

    def rename(self, source: str, target: str) -> None:
        """A file that is the user's is copied to its new name and gone from the old one; folders go one entry after the other."""
        found = self._there(source)
        self._check_parent(target)
        if source == target:
            return
        is_folder = stat.S_ISDIR(found.st_mode)
        if target.startswith(source + os.sep):
            raise _refuse(errno.EINVAL, target)
        if source.startswith(target + os.sep):
            raise _refuse(errno.ENOTEMPTY, target)
        there = self.look(target)
        if there is not None:
            if os.path.samestat(found, there):
                return  # two names of one file: the system leaves both
            if not is_folder and stat.S_ISDIR(there.st_mode):
                raise _refuse(errno.EISDIR, target)
            if is_folder:
                self.rmdir(target)  # which refuses a file, or a folder that is not empty
            else:
                self.remove(target)
        if is_folder:
            self.mkdir(target)
            for name in [entry.name for entry in self.entries(source)]:
                self.rename(os.path.join(source, name), os.path.join(target, name))
            self.rmdir(source)
            return
        place = self.place(source)
        if place == source and not self.inside(source):
            self._copy(source, self._room(target))
            self.gone.add(source)
        else:
            real.replace(place, self._room(target))
            self._drop(source, None)
        self._links.clear()

    def link(self, source: str, target: str) -> None:
        found = self._there(source)
        self._check_new(target)
        if stat.S_ISDIR(found.st_mode):
            raise _refuse(errno.EPERM, source)
        self.copy_up(source)
        real.link(self.place(source), self._room(target), follow_symlinks=False)
        self._links.clear()

    def symlink(self, text: Any, target: str) -> None:
        self._check_new(target)
        real.symlink(os.fsdecode(text), self._room(target))
        self._links.clear()

    def mkfifo(self, key: str) -> None:
        self._check_new(key)
        real.mkfifo(self._room(key))

    def chdir(self, path: Any) -> None:
        """Really go there when the folder exists, else remember to be there."""
        key = self.key(path)
        place = self.place(key)
        if place == key:
            real.chdir(key)
            self.cwd = None
        elif not _is_folder(place):
            raise _refuse(errno.ENOENT if _lstat(place) is None else errno.ENOTDIR, key)
        else:
            self.cwd = key

    # The mirror

    def _upper(self, key: str) -> str:
        drive, rest = os.path.splitdrive(key)
        return self.upper + os.sep * bool(drive) + drive.rstrip(":").strip("\\/") + rest

    def _link(self, key: str) -> str | None:
        if key not in self._links:
            try:
                self._links[key] = os.fsdecode(real.readlink(self.place(key)))
            except OSError:
                self._links[key] = None
        return self._links[key]

    def _is_gone(self, key: str) -> bool:
        while self.gone:
            if key in self.gone:
                return True
            parent = os.path.dirname(key)
            if parent == key:
                break
            key = parent
        return False

    def _there(self, key: str) -> os.stat_result:
        found = self.look(key)
        if found is None:
            self._check_parent(key)
            raise _refuse(errno.ENOENT, key)
        return found

    def _check_parent(self, key: str) -> None:
        self._check_folder(os.path.dirname(key), key)

    def _check_folder(self, folder: str, key: str) -> None:
        found = self.look(folder)
        if found is None:
            self._check_folder(os.path.dirname(folder), key)  # a file further up is another error than nothing there
            raise _refuse(errno.ENOENT, key)
        if not stat.S_ISDIR(found.st_mode):
            raise _refuse(errno.ENOTDIR, key)

    def _check_new(self, key: str) -> None:
        self._check_parent(key)
        if self.look(key) is not None:
            raise _refuse(errno.EEXIST, key)

    def _room(self, key: str) -> str:
        """The place in the mirror, with the folders above it."""
        if self.inside(key):
            return key
        self.used = True
        place = self._upper(key)
        self._make(os.path.dirname(place))
        return place

    def _make(self, folder: str) -> None:
        if not _is_folder(folder):
            self._make(os.path.dirname(folder))
            try:
                real.mkdir(folder)
            except FileExistsError:
                if not _is_folder(folder):
                    raise

    def _drop(self, key: str, unlink: Any) -> None:
        self._links.clear()
        place = key if self.inside(key) else self._upper(key)
        if unlink is not None and _lstat(place) is not None:
            unlink(place)
        if not self.inside(key) and _lstat(key) is not None:
            self.gone.add(key)
            self.used = True

    def _copy(self, source: str, target: str) -> None:
        found = real.lstat(source)
        if stat.S_ISLNK(found.st_mode):
            real.symlink(real.readlink(source), target)
            return
        if not stat.S_ISREG(found.st_mode):
            return  # a device or a pipe would never end; its stand-in starts empty
        self._copied += found.st_size
        if self._copied > COPY_LIMIT:
            raise _refuse(errno.ENOSPC, source)
        with _io.open(source, "rb") as reading, _io.open(target, "wb") as writing:
            shutil.copyfileobj(reading, writing)


def _parts(path: str) -> list[str]:
    """The parts of a path, the first one last."""
    if os.altsep:
        path = path.replace(os.altsep, os.sep)
    return [part for part in reversed(path.split(os.sep)) if part not in ("", ".")]


def _lstat(path: str) -> os.stat_result | None:
    try:
        found: os.stat_result = real.lstat(path)
    except OSError:
        return None
    return found


def _is_folder(path: str) -> bool:
    found = _lstat(path)
    return found is not None and stat.S_ISDIR(found.st_mode)
