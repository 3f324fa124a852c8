"""The diagnosis in the user's own run: behind the traceback of an exception that nobody caught, or as a note on one that leaves a block.

Nothing is loaded and nothing is asked before something has failed; without torch in the process nothing is asked at all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeVar

if TYPE_CHECKING:
    import threading
    from types import TracebackType

    from shapewright.observe.request import Request

    Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]
    ThreadHook = Callable[[threading.ExceptHookArgs], object]
    Function = TypeVar("Function", bound=Callable[..., Any])

_SAID = "__shapewright__"  # on an exception: the diagnosis it has been given; on a hook: that it is ours


class _Start(NamedTuple):
    """How the program was started."""

    cwd: str  # "" when the folder is gone
    argv: list[str]
    file: object  # of `__main__`, which the interpreter takes away at the end of a script, before its threads and exit functions end


_start: _Start | None = None
_watching_exit = False


def dry() -> bool:
    """Whether this is a run of shapewright's own, in which the program's requests for a diagnosis mean nothing."""
    return bool(os.environ.get("SHAPEWRIGHT_DRY"))


def begin() -> None:
    """Keep the folder and the words that the program was started with, before it changes them. The first call counts."""
    global _start
    if _start is None:
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = ""
        _start = _Start(cwd, list(sys.argv), getattr(sys.modules["__main__"], "__file__", None))


def install() -> None:
    """From now on an uncaught exception that is a tensor-shape failure is explained behind its traceback, on stderr.

    Holds for the main thread and for others. Hooks that are there already (`sys.excepthook`, `threading.excepthook`) are called first,
    as ever. A second call changes nothing.
    """
    global _watching_exit
    if dry():
        return
    begin()
    former = hook()
    if not hasattr(former, _SAID):
        sys.excepthook = explained(former)
    install_in_threads()
    if not _watching_exit:
        import atexit

        _watching_exit = True
        atexit.register(_at_exit)


def install_in_threads() -> None:
    """The part of `install` that concerns threads other than the main one."""
    import threading

    former = threading.excepthook
    if not hasattr(former, _SAID):
        threading.excepthook = _explained_thread(former)


def hook() -> Hook:
    """The `sys.excepthook` of the program."""
    return getattr(sys, "excepthook", _missing)


def explained(former: Hook) -> Hook:
    """A `sys.excepthook` that calls `former` and says the diagnosis after it."""

    def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        try:
            show(former, kind, error, traceback)
        finally:
            say(error)

    setattr(excepthook, _SAID, "")
    return excepthook


def show(shown: Hook, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Call a hook of the program's as the interpreter calls it: what goes wrong in it is told as the interpreter tells it."""
    try:
        shown(kind, error, traceback)
        return
    except SystemExit:
        raise
    except BaseException as failure:
        own = failure.__traceback__.tb_next if failure.__traceback__ else None  # without this frame
        failed = failure.with_traceback(own)
    stream = sys.stderr
    stream.write("Error in sys.excepthook:\n")
    sys.__excepthook__(type(failed), failed, failed.__traceback__)
    stream.write("\nOriginal exception was:\n")
    sys.__excepthook__(kind, error, traceback)


def say(error: object) -> None:
    """Write the diagnosis of an exception that nobody caught to stderr, after an empty line; nothing when there is none. Never raises."""
    stream = sys.stderr
    if dry() or stream is None or not isinstance(error, BaseException) or isinstance(error, (KeyboardInterrupt, SystemExit)):
        return
    try:
        for each in (sys.stdout, stream):
            if each is not None:
                each.flush()
        text = _diagnosis(error, stream)
        if text:
            stream.write("\n" + text.rstrip("\n") + "\n")
            stream.flush()
    except (Exception, KeyboardInterrupt):  # nobody reads, or nobody wants to wait
        return


class explaining:
    """`with shapewright.explaining():`, or `@shapewright.explaining()` on a function (a generator or a coroutine, too).

    An exception that leaves the block stays the object it is, with its traceback; when it is a tensor-shape failure, the diagnosis is
    added to it as a note (`__notes__`), which every traceback shows. KeyboardInterrupt, SystemExit and the like pass untouched. The block
    itself costs nothing.
    """

    def __enter__(self) -> None:
        if not dry():
            begin()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if isinstance(error, Exception):
            if dry():
                error.add_note("")  # whoever reads the notes finds some, as in the real run
            else:
                _note(error)

    def __call__(self, function: Function) -> Function:
        import functools
        import inspect

        if inspect.isasyncgenfunction(function):
            raise TypeError("explaining() cannot decorate an async generator; use `with shapewright.explaining():` in it")
        wrapper: Callable[..., Any]
        if inspect.iscoroutinefunction(function):

            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                with self:
                    return await function(*args, **kwargs)

        elif inspect.isgeneratorfunction(function):

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                with self:
                    return (yield from function(*args, **kwargs))

        else:

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                with self:
                    return function(*args, **kwargs)

        return functools.wraps(function)(wrapper)  # type: ignore[return-value]


def _note(error: Exception) -> None:
    try:
        text = _diagnosis(error, None)
        if text:
            error.add_note("\n" + text.rstrip("\n"))
    except (Exception, KeyboardInterrupt):
        return


def _explained_thread(former: ThreadHook) -> ThreadHook:
    def excepthook(args: threading.ExceptHookArgs) -> None:
        try:
            former(args)
        finally:
            say(args.exc_value)

    setattr(excepthook, _SAID, "")
    return excepthook


def _missing(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What the interpreter does for a program that has deleted `sys.excepthook`."""
    sys.stderr.write("sys.excepthook is missing\n")
    sys.__excepthook__(kind, error, traceback)


def _at_exit() -> None:
    """A hook that was put in after ours, and does not call it, has shown the exception that ended the program: the interpreter keeps it.

    Test runners and notebooks keep exceptions at the same place. Only that of a program starts in its first line's frame.
    """
    error = getattr(sys, "last_value", None)
    if not isinstance(error, BaseException) or error.__traceback__ is None or hasattr(sys, "ps1"):
        return
    frame = error.__traceback__.tb_frame
    name = frame.f_code.co_name
    if name == "_run_module_as_main" or (name == "<module>" and frame.f_globals.get("__name__") == "__main__"):
        say(error)


def _diagnosis(error: BaseException, stream: TextIO | None) -> str:
    """The diagnosis, once for each exception and for what is raised from it."""
    if "torch" not in sys.modules or _said(error):
        return ""
    text = ""
    try:
        from shapewright.front import aftermath

        text = aftermath.diagnosis(error, _program(), stream=stream)
    finally:
        error.__dict__[_SAID] = text  # also when Ctrl-C has ended it: whoever has not waited will not wait in the next block
    return text


def _program() -> Request | None:
    """How the program could be run again. Asked late, for asking costs imports; so it is shown what was there at the start."""
    from shapewright.front import aftermath

    if _start is None or not _start.cwd:
        return None
    main = vars(sys.modules["__main__"])
    lost = "__file__" not in main and _start.file is not None
    today = sys.argv
    try:
        sys.argv = list(_start.argv)
        if lost:
            main["__file__"] = _start.file
        return aftermath.program(_start.cwd)
    finally:
        sys.argv = today
        if lost:
            del main["__file__"]


def _said(error: BaseException) -> bool:
    """Whether this exception was asked about, or one that is shown along with it was explained."""
    if _SAID in error.__dict__:
        return True
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        each = ahead.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if each.__dict__.get(_SAID):
            return True
        ahead += [each.__cause__, None if each.__suppress_context__ else each.__context__]
        if isinstance(each, BaseExceptionGroup):
            ahead += each.exceptions
    return False
