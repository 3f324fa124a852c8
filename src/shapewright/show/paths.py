"""How a file is named to the user: in goes the file of a `Span`, out comes its path from the working directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_here: ContextVar[str] = ContextVar("_here", default="")


@contextmanager
def seen_from(folder: str) -> Iterator[None]:
    """While open, paths are told from this folder: a program that has changed its own is told of as it was started."""
    token = _here.set(folder)
    try:
        yield
    finally:
        _here.reset(token)


def relative(file: str) -> str:
    """The path from the working directory, with forward slashes; a name that is no path (`<cell 3>`) stays as it is."""
    if not file or file.startswith("<"):
        return file
    here = _here.get() or str(Path.cwd())
    try:
        path = os.path.relpath(os.path.join(here, file), here)
        if path.startswith(os.pardir):  # perhaps only because the way there has a symbolic link in it
            real = os.path.relpath(os.path.realpath(file), os.path.realpath(here))
            path = path if real.startswith(os.pardir) else real
    except ValueError:  # another drive of a Windows machine
        path = file
    return path.replace(os.sep, "/")
