"""Other processes, time and the end of this one.

No process is started: commands end well and print nothing, pools do their work right here, a `Process` is over as soon as it was
started. Nothing waits: `sleep` returns at once. `os._exit` and its like raise `Exited`, which the caller of the script can see.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import io
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from .guard_base import Answers, Exited

PID = 2**22 + 1  # above the highest number that Linux gives to a process
_SHORT_SLEEP = 0.01
# What programs take apart without looking whether it is empty.
_SAYS = {"stty size": "24 80\n", "tput cols": "80\n", "tput lines": "24\n", "nproc": "1\n"}


def install(answers: Answers) -> None:
    """Put the answers in place."""
    _commands(answers)
    _processes(answers)
    _end(answers)
    _waiting(answers)
    answers.when_imported("multiprocessing", functools.partial(_multiprocessing, answers))
    answers.when_imported("torch.multiprocessing", functools.partial(_contexts, answers))
    answers.when_imported("multiprocessing.pool", lambda module: _pool(answers, module.Pool, module.ApplyResult))
    answers.when_imported("multiprocessing.resource_tracker", functools.partial(_tracker, answers))
    answers.when_imported("concurrent.futures.process", lambda module: _executor(answers, module.ProcessPoolExecutor))


def _started(answers: Answers, what: object) -> None:
    answers.say("process", f"starting `{what}` was answered without starting it")


def _words(command: Any) -> str:
    if isinstance(command, str | bytes | os.PathLike):
        return os.fsdecode(command)
    return shlex.join(os.fsdecode(word) for word in command)


def _commands(answers: Answers) -> None:
    """`subprocess` and with it `os.popen`: the class itself is changed, so it does not matter where it was imported."""
    signature = inspect.signature(subprocess.Popen.__init__)

    def start(self: Any, *args: Any, **options: Any) -> None:
        given = signature.bind(self, *args, **options).arguments
        text = any(given.get(name) for name in ("text", "universal_newlines", "encoding", "errors"))
        self.args = given["args"]
        command = _words(self.args)
        _started(answers, command)
        says = _SAYS.get(command.strip(), "")

        def stream(name: str, content: str) -> Any:
            if given.get(name) != subprocess.PIPE:
                return None
            return io.StringIO(content) if text else io.BytesIO(content.encode())

        self.stdin, self.stdout, self.stderr = stream("stdin", ""), stream("stdout", says), stream("stderr", "")
        self.pid, self.returncode, self.text_mode = PID, 0, text
        self.encoding, self.errors = given.get("encoding"), given.get("errors")
        self._child_created = False

    def communicate(self: Any, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        return tuple(None if stream is None or stream.closed else stream.read() for stream in (self.stdout, self.stderr))  # type: ignore[return-value]

    answers.put(subprocess.Popen, "__init__", start)
    answers.put(subprocess.Popen, "communicate", communicate)
    answers.put(subprocess.Popen, "wait", lambda self, timeout=None: 0)
    answers.put(subprocess.Popen, "poll", lambda self: 0)
    answers.put(subprocess.Popen, "send_signal", lambda self, sig: None)


def _processes(answers: Answers) -> None:
    """The functions of `os` that start, wait for, or signal processes."""

    def put(name: str, answer: Callable[..., Any]) -> None:
        if hasattr(os, name):
            answers.put(os, name, answer)

    def system(command: Any) -> int:
        _started(answers, _words(command))
        return 0

    def fork() -> int:
        _started(answers, "fork")
        return PID

    def forkpty() -> tuple[int, int]:
        return fork(), os.open(os.devnull, os.O_RDWR)

    def spawn(mode: int, file: Any, *_: Any) -> int:
        _started(answers, _words(file))
        return 0 if mode == os.P_WAIT else PID

    def posix_spawn(path: Any, *_: Any, **__: Any) -> int:
        _started(answers, _words(path))
        return PID

    def execute(file: Any, *_: Any) -> None:
        _started(answers, _words(file))
        raise Exited(0)

    def waitpid(pid: int, options: int) -> tuple[int, int]:
        if pid == PID:
            return PID, 0
        raise ChildProcessError(10, "No child processes")

    def wait(*_: Any) -> Any:
        return waitpid(-1, 0)

    def kill(pid: int, sig: int) -> None:
        handled = callable(signal.getsignal(sig)) if sig else True
        if pid != os.getpid() or sig == 0:
            return
        if handled:
            signal.raise_signal(sig)
        elif signal.getsignal(sig) != signal.SIG_IGN and sig != getattr(signal, "SIGCHLD", None):
            raise Exited(128 + sig)

    put("system", system)
    put("fork", fork)
    put("forkpty", forkpty)
    for name in ("spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe"):
        put(name, spawn)
    for name in ("posix_spawn", "posix_spawnp"):
        put(name, posix_spawn)
    for name in ("execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe"):
        put(name, execute)
    put("waitpid", waitpid)
    for name in ("wait", "wait3", "wait4"):
        put(name, wait)
    put("kill", kill)
    put("killpg", lambda pgid, sig: None)


def _end(answers: Answers) -> None:
    def leave(status: int = 0) -> None:
        raise Exited(status)

    def abort() -> None:
        raise Exited(134)

    answers.put(os, "_exit", leave)
    answers.put(os, "abort", abort)


def _waiting(answers: Answers) -> None:
    sleep = time.sleep
    script = threading.get_ident()

    def no_sleep(seconds: float) -> None:
        # Another thread that only waits in a loop would otherwise take the time of the one that works.
        sleep(0 if threading.get_ident() == script or seconds <= 0 else min(seconds, _SHORT_SLEEP))

    def no_input(prompt: object = "") -> str:
        answers.say("input", "a question to the keyboard was answered with an empty line")
        print(prompt, flush=True)
        return ""

    answers.put(time, "sleep", no_sleep)
    answers.put(builtins, "input", no_input)
    answers.put(sys, "breakpointhook", lambda *_, **__: None)
    answers.when_imported("getpass", lambda module: answers.put(module, "getpass", lambda *_, **__: no_input()))
    answers.when_imported("resource", lambda module: answers.put(module, "setrlimit", lambda *_: None))


def _multiprocessing(answers: Answers, module: Any) -> None:
    """With no second process every lock and queue between processes is one between threads."""
    import multiprocessing.context
    import multiprocessing.process

    def start(self: Any) -> None:
        _started(answers, f"Process({getattr(self._target, '__name__', type(self).__name__)})")
        self._popen = _Ended()
        # A pipe that nobody writes to any more is ready to be read at once: who waits for the process goes on.
        self._sentinel, writer = os.pipe()
        os.close(writer)

    answers.put(multiprocessing.process.BaseProcess, "start", start)
    for name, answer in _primitives().items():
        answers.put(multiprocessing.context.BaseContext, name, _method(answer))
    _contexts(answers, module)


def _contexts(answers: Answers, module: Any) -> None:
    for name, answer in _primitives().items():
        if name in vars(module):
            answers.put(module, name, answer)


def _primitives() -> dict[str, Callable[..., Any]]:
    def on_threads(name: str) -> Callable[..., Any]:
        return lambda *args, **_: getattr(threading, name)(*args)

    found = {name: on_threads(name) for name in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier")}
    queues: dict[str, Callable[..., Any]] = dict.fromkeys(("Queue", "JoinableQueue", "SimpleQueue"), lambda maxsize=0, **_: _Queue(maxsize))
    return {**found, **queues, "Manager": _Manager}


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **options: function(*args, **options)


class _Ended:
    """A process that has already ended well."""

    pid = PID
    returncode = 0

    def poll(self, *_: Any) -> int:
        return 0

    def wait(self, timeout: float | None = None) -> int:
        return 0

    def terminate(self) -> None:
        pass

    kill = interrupt = close = terminate


class _Queue(queue.Queue[Any]):
    """A queue between processes, of which there is one. Who waits for what nobody can send any more is told that it is empty."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        alone = threading.active_count() == 1
        return super().get(block and not alone, timeout)

    def close(self) -> None:
        pass

    join_thread = cancel_join_thread = close


class _Manager:
    """`multiprocessing.Manager()` without its server process."""

    def __enter__(self) -> _Manager:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def shutdown(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        import multiprocessing.dummy

        return _primitives().get(name) or getattr(multiprocessing.dummy, name)


def _tracker(answers: Answers, module: Any) -> None:
    """The helper process that cleans up shared memory is not started, so nothing is sent to it."""
    for name in ("ensure_running", "_send"):
        answers.put(module.ResourceTracker, name, lambda self, *_, **__: None)


def _pool(answers: Answers, pool: Any, result: Any) -> None:
    """Pools, also those of threads: each task is done when it is handed in. A thread would be out of sight of the recorder."""

    def start(
        self: Any, processes: Any = None, initializer: Callable[..., Any] | None = None, initargs: Iterable[Any] = (), *_: Any, **__: Any
    ) -> None:
        answers.say("pool", "the tasks of a process pool were done in one process")
        self._state, self._pool, self._cache = "CLOSE", [], {}
        if initializer is not None:
            initializer(*initargs)

    def apply(self: Any, func: Callable[..., Any], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None) -> Any:
        return func(*args, **(kwds or {}))

    def run(self: Any, func: Callable[..., Any], tasks: Iterable[Any], *_: Any) -> list[Any]:
        return [func(task) for task in tasks]

    def starmap(self: Any, func: Callable[..., Any], tasks: Iterable[Iterable[Any]], *_: Any) -> list[Any]:
        return [func(*task) for task in tasks]

    def lazily(self: Any, func: Callable[..., Any], tasks: Iterable[Any], *_: Any) -> Any:
        return (func(task) for task in tasks)

    def later(call: Callable[..., Any]) -> Callable[..., Any]:
        def answer(
            self: Any, func: Callable[..., Any], *args: Any, callback: Any = None, error_callback: Any = None, **options: Any
        ) -> Any:
            return _Done(functools.partial(call, self, func, *args, **options), callback, error_callback)

        return answer

    for name, answer in (
        ("__init__", start), ("apply", apply), ("map", run), ("starmap", starmap), ("imap", lazily), ("imap_unordered", lazily),
        ("apply_async", later(apply)), ("map_async", later(run)), ("starmap_async", later(starmap)),
    ):  # fmt: skip
        answers.put(pool, name, answer)
    for name in ("close", "terminate", "join", "_check_running", "__del__"):
        answers.put(pool, name, lambda self: None)


class _Done:
    """The result of a task that was handed to a pool."""

    def __init__(self, call: Callable[[], Any], callback: Any, error_callback: Any) -> None:
        self._error: Exception | None = None
        self._value = None
        try:
            self._value = call()
        except Exception as error:
            self._error = error
        told = callback if self._error is None else error_callback
        if told is not None:
            told(self._value if self._error is None else self._error)

    def get(self, timeout: float | None = None) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    def wait(self, timeout: float | None = None) -> None:
        pass

    def ready(self) -> bool:
        return True

    def successful(self) -> bool:
        return self._error is None


def _executor(answers: Answers, executor: Any) -> None:
    def start(
        self: Any, max_workers: Any = None, mp_context: Any = None, initializer: Any = None, initargs: Iterable[Any] = (), **_: Any
    ) -> None:
        answers.say("pool", "the tasks of a process pool were done in one process")
        if initializer is not None:
            initializer(*initargs)

    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future

    answers.put(executor, "__init__", start)
    answers.put(executor, "submit", submit)
    answers.put(executor, "shutdown", lambda self, *_, **__: None)
