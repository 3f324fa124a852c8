"""The near side of the worker: start it, ask it, stop it. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from types import TracebackType

from shapewright import wire
from shapewright.model import Stop, Trace
from shapewright.observe.request import Request

# Set to anything, each run gets a fresh interpreter even where the system can fork.
SPAWN = "SHAPEWRIGHT_SPAWN"
# Set in the worker: what the program itself asks of shapewright there would lead round in a circle.
DRY = "SHAPEWRIGHT_DRY"
# A dry run's tensors are small: more threads than one cost a forked child more than they give (three times the whole, measured).
_THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def is_dry() -> bool:
    """Whether this process is itself a dry run."""
    return bool(os.environ.get(DRY))


class Worker:
    """A running worker process. It starts importing torch when it is made, so make it early.

    >>> with Worker() as worker:            # doctest: +SKIP
    ...     trace = worker.observe(request)
    """

    def __init__(self) -> None:
        words = [sys.executable, "-m", "shapewright.observe.worker"]
        if os.environ.get(SPAWN):
            words.append("--spawn")
        errors = None if os.environ.get("SHAPEWRIGHT_DEBUG") else subprocess.DEVNULL
        environment = {**_THREADS, **os.environ, DRY: "1"}
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment)

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def observe(self, request: Request) -> Trace:
        """One dry run. Always answers: when the worker itself is lost, the trace says so."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        line = b""
        with contextlib.suppress(OSError):
            process.stdin.write(wire.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        if not line:
            return Trace(stop=self._lost())
        trace = wire.loads(line)
        assert isinstance(trace, Trace)
        return trace

    def _lost(self) -> Stop:
        self._process.wait()
        probe = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, text=True, check=False)
        if probe.returncode == 0:
            return Stop("the process around the run was lost", kind="crash")
        last = probe.stderr.strip().splitlines()[-1:] or ["import torch fails"]
        return Stop(f"torch cannot be imported: {last[0]}"[:300], kind="no-torch", advice="install torch 2.6 or newer in this environment")

    def close(self) -> None:
        """End the worker."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()
