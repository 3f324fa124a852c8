"""Which target is being checked, on a terminal that waits longer than a second: one line, erased at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TextIO


@contextmanager
def progress(total: int, stream: TextIO, *, after: float = 1.0) -> Iterator[Callable[[str], None]]:
    """Gives a function to be called with the name of each target as its check begins; writes nothing where nobody looks on."""
    if not stream.isatty():
        yield lambda name: None
        return
    from rich.cells import cell_len, set_cell_size

    began = time.monotonic()
    lock = threading.Lock()
    done = threading.Event()
    number = shown = 0
    current = ""

    def draw() -> None:
        nonlocal shown
        room = get_terminal_size().columns - 1
        text = f"checking {number}/{total} {current}" if total > 1 else f"checking {current}"
        if cell_len(text) > room:
            text = set_cell_size(text, room)
        size = cell_len(text)
        stream.write(f"\r{text}{' ' * max(shown - size, 0)}")
        stream.flush()
        shown = size

    def step(name: str) -> None:
        nonlocal number, current
        with lock:
            number, current = number + 1, "".join(c if c.isprintable() else "?" for c in name)
            if time.monotonic() - began >= after:
                draw()

    def late() -> None:  # for a single target that takes long: nobody calls `step` again
        if not done.wait(after):
            with lock:
                if current and not done.is_set():
                    draw()

    threading.Thread(target=late, daemon=True).start()
    try:
        yield step
    finally:
        with lock:
            done.set()
            if shown:
                stream.write(f"\r{' ' * shown}\r")
                stream.flush()


@contextmanager
def sign_of_life(stream: TextIO, begun: str, *, after: float = 2.0) -> Iterator[Callable[[str], None]]:
    """Writes the sentence as a line when it takes longer, for a log that nobody erases from. Gives a function that says how it ended; it
    writes nothing when nothing was written before."""
    lock = threading.Lock()
    ended = written = False

    def late() -> None:
        nonlocal written
        with lock:
            if not ended:
                written = True
                stream.write(f"{begun}\n")
                stream.flush()

    def end(sentence: str) -> None:
        if written:
            stream.write(f"{sentence}\n")

    timer = threading.Timer(after, late)
    timer.daemon = True
    timer.start()
    try:
        yield end
    finally:
        with lock:
            ended = True
        timer.cancel()
