"""`shapewright run`: a program as `python` runs it, and the diagnosis behind its traceback when it fails on tensor shapes.

The run is the real one. Until it fails nothing of it is watched, and its output, its exit code and its end are its own.

An exception goes up to the interpreter, which shows it, joins the threads and ends the process, as ever. Only when it has left the program
is `sys.excepthook` changed, so that the traceback shows no frame from here and the diagnosis follows it. What remains to be seen of this
file is what lies below the program on the stack, for whoever looks there (`inspect.stack`, `where` in a debugger).
"""

from __future__ import annotations

import builtins
import importlib.machinery
import os
import pkgutil
import sys
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from shapewright.front import explaining

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, TracebackType


class _Program(NamedTuple):
    """A script, a module (`python -m`), or a folder or an archive, which is run as the module `__main__` in it."""

    module: str
    file: str  # as it was given; "" for `-m`
    words: list[str]


def run(words: Sequence[str]) -> None:
    """Run the program that `words` name as `python *words` runs it; return when it has come to its end.

    Whatever the program raises is raised. Where there is no such program: one sentence on stderr, and SystemExit with code 2.
    """
    program = _parsed(words)
    place = _absolute(program.file)
    content = b"" if program.module else _content(place, program.file)
    compiled = _compiled(place) if place.endswith(".pyc") else None
    main = _main_module()
    namespace = vars(main)
    sys.modules["__main__"] = main
    sys.argv[:] = [program.file or "-m", *program.words]
    if program.module:
        import runpy

        _set_path(place, always=bool(program.file))
    else:
        _set_path(os.path.dirname(os.path.realpath(place)))
        _set_file(namespace, place)
    if not explaining.dry():
        explaining.begin()
        explaining.install_in_threads()
    del main
    try:
        if program.module:
            runpy._run_module_as_main(program.module, not program.file)  # type: ignore[attr-defined]
        else:
            code = compiled or compile(content, place, "exec", dont_inherit=True)
            # One line: a debugger that the program has called, and that is stepped beyond the program's end, is not to stop in this file.
            exec(code, namespace), getattr(sys.gettrace(), "__name__", "") == "trace_dispatch" and sys.settrace(None)  # type: ignore[func-returns-value]
            _flush()
    except BaseException as error:
        if not program.module:
            _flush()
        if not isinstance(error, SystemExit):
            _show_from(error, error.__traceback__.tb_next if error.__traceback__ else None)
        raise


def _parsed(words: Sequence[str]) -> _Program:
    first, *rest = words or [""]
    if first == "--" and rest:
        first, *rest = rest
    elif first == "-m" and rest:
        return _Program(rest[0], "", rest[1:])
    elif first.startswith("-m") and len(first) > 2:
        return _Program(first[2:], "", rest)
    elif first.startswith("-") or not first:
        _refuse(
            f"run takes a script, a folder or archive with a __main__.py, or -m and a module, not '{first}'; "
            "options of python stand before: python -O -m shapewright run train.py"
        )
    return _Program("__main__" if pkgutil.get_importer(_absolute(first)) is not None else "", first, rest)


def _absolute(file: str) -> str:
    """As the interpreter makes `__file__` of the word that it was given: joined, not cleaned up."""
    try:
        here = os.getcwd()
    except OSError:  # the folder is gone
        here = ""
    if not file:
        return here
    return os.path.abspath(file) if os.name == "nt" else os.path.join(here, file)


def _content(place: str, given: str) -> bytes:
    try:
        with open(place, "rb") as file:
            return file.read()
    except OSError as error:
        _refuse(f"cannot open '{given}': {error.strerror}")


def _compiled(place: str) -> CodeType:
    try:
        code = importlib.machinery.SourcelessFileLoader("__main__", place).get_code("__main__")
    except (ImportError, EOFError, ValueError) as error:
        _refuse(f"cannot run '{place}': {error}")
    assert code is not None
    return code


def _refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"shapewright: {sentence}\n")
    raise SystemExit(2)


def _main_module() -> ModuleType:
    """A `__main__` as the interpreter has it before it knows what to run. Its names differ with the version: the present one has them."""
    present = vars(sys.modules["__main__"])
    main = ModuleType("__main__")
    main.__loader__ = importlib.machinery.BuiltinImporter
    vars(main)["__builtins__"] = builtins
    if "__annotations__" in present:
        vars(main)["__annotations__"] = {}
    if "__cached__" in present:
        vars(main)["__cached__"] = None
    return main


def _set_file(namespace: dict[str, object], place: str) -> None:
    loader = importlib.machinery.SourcelessFileLoader if place.endswith(".pyc") else importlib.machinery.SourceFileLoader
    namespace |= {"__file__": place, "__loader__": loader("__main__", place)}


def _set_path(entry: str, *, always: bool = False) -> None:
    """The program's place stands where the interpreter has put that of this command. With `-P` only an archive has one."""
    if not sys.flags.safe_path:
        sys.path[0] = entry
    elif always:
        sys.path.insert(0, entry)


def _flush() -> None:
    """The interpreter does so after a script, before it shows what the script raised."""
    for stream in (sys.stderr, sys.stdout):
        with suppress(Exception):
            stream.flush()


def _show_from(error: BaseException, traceback: TracebackType | None) -> None:
    """Have the interpreter show `error` with the program's own part of the traceback, in the program's own hook, and then the diagnosis."""
    former = explaining.hook()
    told = explaining.explained(former)

    def excepthook(kind: type[BaseException], raised: BaseException, whole: TracebackType | None) -> None:
        sys.excepthook = former
        if raised is error:
            sys.last_traceback = whole = traceback
            raised.__traceback__ = traceback
        told(kind, raised, whole)

    sys.excepthook = excepthook
