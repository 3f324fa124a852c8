"""Nothing leaves the run: the two layers that make a dry run harmless.

In comes a private folder. `answers` replaces, for the time of the run, what would change files, reach the network, start processes
or wait, by answers with which the script goes on to what we are looking for. `enforce` then has the operating system refuse, for
the rest of this process, whatever gets past that. Both are for a process of its own that ends after the run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import guard_landlock, guard_network, guard_os, guard_process, guard_saving, guard_seccomp
from .guard_base import Answers, Exited
from .guard_files import Overlay

try:
    import resource

    # The script's own way to it is answered once the answers are in place.
    _set_limit: Callable[[int, tuple[int, int]], None] | None = resource.setrlimit
except ImportError:
    _set_limit = None

__all__ = ["MEMORY_DEFAULT", "Exited", "answers", "enforce"]

MEMORY_DEFAULT = 4 * 2**30  # bytes that a run may take beyond what the process has when the walls go up
FILE_LIMIT = 4 * 2**30
OPEN_FILES = 4096


@contextmanager
def answers(private: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Answer what the script tries to do outside of `private`; on leaving, everything is as it was found.

    `note` is called with a sentence the first time that each kind of thing was answered.
    """
    given = Answers(note)
    tree = Overlay(os.path.realpath(private))
    environment = dict(os.environ)
    folder = os.getcwd()
    try:
        guard_os.install(given, tree)
        guard_network.install(given)
        guard_process.install(given)
        guard_saving.install(given, tree)
        given.watch_imports()
        # joblib does its work in this process when it is told so; C libraries look for their temporary folder here.
        os.environ.update(TMPDIR=tree.temporary, JOBLIB_MULTIPROCESSING="0")
        yield
    finally:
        given.undo()
        os.environ.clear()
        os.environ.update(environment)
        with suppress(OSError):
            os.chdir(folder)


def enforce(private: Path, *, memory: int | None = MEMORY_DEFAULT) -> tuple[str, ...]:
    """Put up the walls that this system has, for good, and return their names. Call it before threads are started.

    `memory` bounds what the process may take from now on, in bytes. A system without such walls gives an empty tuple.
    """
    walls = list(_limits(memory))
    # Without these system calls, or in a container that refuses them, the Python answers stand alone.
    with suppress(OSError, AttributeError):
        walls += guard_landlock.enclose(os.path.realpath(private))
    with suppress(OSError, AttributeError):
        walls += guard_seccomp.refuse()
    return tuple(walls)


def _limits(memory: int | None) -> Iterator[str]:
    if _set_limit is None:
        return

    def limit(kind: int, soft: int, hard: int | None = None) -> bool:
        before = resource.getrlimit(kind)[1]
        most = soft if before == resource.RLIM_INFINITY else min(soft, before)
        try:
            _set_limit(kind, (most, before if hard is None else min(most, hard)))
        except (OSError, ValueError):
            return False
        return True

    limit(resource.RLIMIT_CORE, 0, 0)
    limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    limit(resource.RLIMIT_FSIZE, FILE_LIMIT, FILE_LIMIT)
    # Elsewhere than on Linux this limit does not count what malloc takes.
    if memory is not None and sys.platform == "linux":
        most = _data_in_use() + memory
        if limit(resource.RLIMIT_DATA, most, most):
            yield "memory"


def _data_in_use() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
