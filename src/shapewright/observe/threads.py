"""Threads of the user's program: torch's modes hold for the thread that entered them, so each new one enters them anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any


@contextmanager
def entering(
    modes: Callable[[], list[AbstractContextManager[Any]]], failed: Callable[[BaseException], None]
) -> Iterator[Callable[[], None]]:
    """While open, a thread that is started runs within `modes()`, and `failed` is told what ends it.

    Gives a function that waits for the threads that an interpreter waits for at its end.
    """
    original = threading.Thread.start
    started: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        run = thread.run

        def within() -> None:
            with ExitStack() as stack:
                for mode in modes():
                    stack.enter_context(mode)
                try:
                    run()
                except BaseException as error:
                    failed(error)
                    raise
                finally:
                    thread.__dict__.pop("run", None)

        thread.run = within  # type: ignore[method-assign]
        started.append(thread)
        original(thread)

    def join() -> None:
        for thread in started:
            if not thread.daemon:
                thread.join()

    threading.Thread.start = start  # type: ignore[method-assign,assignment]
    try:
        yield join
    finally:
        threading.Thread.start = original  # type: ignore[method-assign]
