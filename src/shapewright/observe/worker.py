"""The process around a run: `python -m shapewright.observe.worker` imports torch once and forks a child for each request.

Requests and answers are lines of JSON on stdin and stdout. The child does the dry run and dies; whatever happens in it (a crash, an endless
loop in C, a swallowed time limit), the parent has an answer. Where a process cannot fork, each request gets a fresh interpreter.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from shapewright import wire
from shapewright.model import Stop, Trace
from shapewright.observe.request import Request

# After the time limit the child gets this long to hand over what it saw.
GRACE = 3.0
_AGAIN_ON_FAKES = b"too large"
# What torch imports only when it is first needed, and then in every child.
_FIRST_IMPORTS = ("numpy.random", "torch._subclasses.schema_check_mode")


def main() -> None:
    """Serve requests until stdin ends; with `--one` serve a single one in this very process."""
    answers = os.fdopen(os.dup(1), "wb")  # with a buffer: a bare write may stop halfway when the process is halted and goes on (Ctrl-Z)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    if "--one" in sys.argv:
        request = wire.loads(sys.stdin.buffer.readline())
        os.dup2(null, 0)
        private = Path(sys.argv[sys.argv.index("--one") + 1])
        answers.write(_observed(request, private))
        answers.flush()
        os._exit(0)
    forks = hasattr(os, "fork") and "--spawn" not in sys.argv
    if forks:
        import torch  # noqa: F401  (the children inherit it)

        import shapewright.observe.run  # noqa: F401

        gc.freeze()  # the children collect only what they make; to look through all of torch would copy its pages into each of them
    warm = not forks
    for line in sys.stdin.buffer:
        request = wire.loads(line)
        answers.write(wire.dumps(_serve(request, _in_fork if forks else _in_spawn)).encode() + b"\n")
        answers.flush()
        if not warm:
            warm = True
            _warm()


def _warm() -> None:
    """Do once what every child would do anew: look up the library's folders, read the source of numpy's random numbers, set up layers.

    No thread may be started here, since a forked child would wait for it in vain; and no random number drawn.
    """
    import torch

    from shapewright.source import Sources

    Sources([os.getcwd()]).is_user(__file__)
    with contextlib.suppress(Exception), torch.no_grad():
        for name in _FIRST_IMPORTS:
            if importlib.util.find_spec(name.partition(".")[0]) is not None:
                importlib.import_module(name)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        image = torch.zeros(2, 3, 8, 8)
        flat = torch.nn.functional.max_pool2d(torch.conv2d(image, torch.zeros(4, 3, 3, 3)).relu(), 2).flatten(1)
        torch.nn.functional.cross_entropy(torch.nn.functional.linear(flat, torch.zeros(5, 36)), torch.zeros(2, dtype=torch.int64))
        torch.set_num_threads(threads)
    gc.freeze()


@cache
def _warm_for_fakes() -> None:
    """The first fake tensor imports torch's compiler and sympy, which takes more than a second; done here, no candidate does it anew."""
    with contextlib.suppress(Exception):
        import torch
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode(), torch.no_grad():
            torch.zeros(1) + 1
    gc.freeze()


def _serve(request: Request, attempt: Callable[[Request, Path], bytes]) -> Trace:
    """Run the request, on fake tensors if it proves too large for real ones; always answers."""
    began = time.monotonic()
    trace = Trace()
    # a program that is too large for real tensors, and whose sizes depend on values, gets what time is left on real ones after all
    for how in ("auto", "fake", "eager") if request.how == "auto" else (request.how,):
        private = Path(tempfile.mkdtemp(prefix="shapewright-"))
        left = max(request.time_limit - (time.monotonic() - began), 1.0)
        try:
            answer = attempt(replace(request, how=how, time_limit=left), private)
        finally:
            shutil.rmtree(private, ignore_errors=True)
        if answer == _AGAIN_ON_FAKES:
            continue
        trace = _read(answer)
        if trace.stop is None or trace.stop.kind != "values":
            break
    if trace.stop is not None and trace.stop.kind == "time":
        return replace(trace, stop=replace(trace.stop, reason=f"it did not end within {request.time_limit:g} seconds"))
    return trace


def _read(answer: bytes) -> Trace:
    trace = wire.loads(answer)
    assert isinstance(trace, Trace)
    return trace


def _in_fork(request: Request, private: Path) -> bytes:
    if request.how == "fake":
        _warm_for_fakes()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(request, private, writer)
    os.close(writer)
    return _collect(reader, request, lambda: _kill(child), lambda: _exit_signal(os.waitpid(child, 0)[1]))


def _child(request: Request, private: Path, writer: int) -> None:
    """Never returns. The new session lets the parent end everything that the program may have started."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            if descriptor != 2 or not os.environ.get("SHAPEWRIGHT_DEBUG"):
                os.dup2(null, descriptor)
        answer = _observed(request, private)
        with os.fdopen(writer, "wb", closefd=False) as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _observed(request: Request, private: Path) -> bytes:
    """The answer of one run, made in the process that does it."""
    from shapewright.observe import guard, run
    from shapewright.observe.record import TooLarge

    exit_now = os._exit
    try:
        sys.stdin = open(os.devnull)  # noqa: SIM115
        guard.enforce(private, memory=request.memory_limit)
        return wire.dumps(run.observe(request, private)).encode()
    except TooLarge:
        return _AGAIN_ON_FAKES
    except BaseException as error:
        if os.environ.get("SHAPEWRIGHT_DEBUG"):
            import traceback

            traceback.print_exc()
        with contextlib.suppress(BaseException):
            return wire.dumps(_lost(f"internal error: {type(error).__name__}: {error}"[:300], "internal")).encode()
        exit_now(1)
        raise


def _in_spawn(request: Request, private: Path) -> bytes:
    process = subprocess.Popen(
        [sys.executable, "-m", "shapewright.observe.worker", "--one", str(private)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.write(wire.dumps(request).encode() + b"\n")
        process.stdin.close()
    try:
        answer = _read_with_limit(process, request.time_limit + GRACE + 30)  # a fresh interpreter imports torch first
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return wire.dumps(_out_of_time(request)).encode()
    if answer:
        return answer
    code = process.wait()
    return wire.dumps(_lost(_crash_reason(-code if code < 0 else 0), "crash")).encode()


def _read_with_limit(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    import threading

    parts: list[bytes] = []
    assert process.stdout is not None
    stream = process.stdout
    reader = threading.Thread(target=lambda: parts.append(stream.read()), daemon=True)
    reader.start()
    reader.join(seconds)
    if reader.is_alive():
        raise subprocess.TimeoutExpired(process.args, seconds)
    process.wait()
    return b"".join(parts)


def _collect(reader: int, request: Request, kill: Callable[[], None], wait: Callable[[], int]) -> bytes:
    deadline = time.monotonic() + request.time_limit + GRACE
    parts: list[bytes] = []
    timed_out = False
    while True:
        left = deadline - time.monotonic()
        ready = select.select([reader], [], [], max(left, 0))[0]
        if not ready:
            timed_out = True
            break
        part = os.read(reader, 1 << 20)
        if not part:
            break
        parts.append(part)
    os.close(reader)
    kill()
    ended_by = wait()
    if timed_out:
        return wire.dumps(_out_of_time(request)).encode()
    answer = b"".join(parts)
    return answer or wire.dumps(_lost(_crash_reason(ended_by), "crash")).encode()


def _kill(child: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)


def _exit_signal(status: int) -> int:
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _crash_reason(number: int) -> str:
    if not number:
        return "the program ended the interpreter"
    return f"the program crashed the interpreter ({signal.Signals(number).name})"


def _out_of_time(request: Request) -> Trace:
    advice = "raise --time-limit, or name one of its Modules"
    return Trace(stop=Stop(f"it did not end within {request.time_limit:g} seconds", None, "time", advice))


def _lost(reason: str, kind: str) -> Trace:
    return Trace(stop=Stop(reason, None, kind))


if __name__ == "__main__":
    main()
