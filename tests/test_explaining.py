"""`install()` and `explaining()`: the diagnosis reaches the user once, behind or on the exception, and changes nothing else."""

from __future__ import annotations

import asyncio
import atexit
import pickle
import subprocess
import sys
import threading
import traceback
import types
from collections.abc import Iterator
from typing import Any

import pytest

import shapewright
from shapewright.front import aftermath, explaining

Asked = list[tuple[BaseException, Any, Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """What was asked about, with an answer for every ValueError. Every hook is as before at the end."""
    calls: Asked = []

    def diagnosis(error: BaseException, program: Any, *, stream: Any = None) -> str:
        calls.append((error, program, stream))
        return f"about {error}\n" if isinstance(error, ValueError) else ""

    monkeypatch.setattr(aftermath, "diagnosis", diagnosis)
    monkeypatch.setitem(sys.modules, "torch", sys.modules.get("torch", types.ModuleType("torch")))
    for module, name in ((sys, "excepthook"), (threading, "excepthook"), (explaining, "_start"), (explaining, "_watching_exit")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.delenv("SHAPEWRIGHT_DRY", raising=False)
    yield calls
    atexit.unregister(explaining._at_exit)


def fails(kind: type[BaseException] = ValueError, text: str = "v") -> None:
    raise kind(text)


def notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def hook(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)


# -- explaining -----------------------------------------------------------------------------------------------------------------------


def test_a_block_adds_a_note(asked: Asked) -> None:
    sent = ValueError("v")
    with pytest.raises(ValueError) as caught, shapewright.explaining():
        raise sent
    assert caught.value is sent
    assert notes(sent) == ["\nabout v"]
    assert [frame.name for frame in traceback.extract_tb(sent.__traceback__)] == ["test_a_block_adds_a_note"]
    assert "".join(traceback.format_exception(sent)).endswith("ValueError: v\n\nabout v\n")
    assert asked[0][2] is None
    assert notes(pickle.loads(pickle.dumps(sent))) == notes(sent)


def test_a_block_without_a_failure_asks_nothing(asked: Asked) -> None:
    with shapewright.explaining() as nothing:
        pass
    assert nothing is None and not asked


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, type("Own", (BaseException,), {})])
def test_what_is_no_exception_passes(kind: type[BaseException], asked: Asked) -> None:
    with pytest.raises(kind) as caught, shapewright.explaining():
        fails(kind)
    assert not asked and not notes(caught.value)


def test_nested_blocks_ask_once(asked: Asked) -> None:
    for kind in (ValueError, TypeError):
        with pytest.raises(kind) as caught, shapewright.explaining(), shapewright.explaining():
            fails(kind)
        assert len(notes(caught.value)) == (kind is ValueError)
    assert len(asked) == 2


def test_what_is_raised_from_an_explained_exception_is_not_explained_again(asked: Asked) -> None:
    def inner() -> None:
        with shapewright.explaining():
            fails()

    def cause() -> None:
        try:
            inner()
        except ValueError as error:
            raise ValueError("outer") from error

    def context() -> None:
        try:
            inner()
        except ValueError:
            raise ValueError("outer")  # noqa: B904

    def group() -> None:
        try:
            inner()
        except ValueError as error:
            raise ExceptionGroup("outer", [error]) from None

    for function in (cause, context, group):
        with pytest.raises(Exception, match="outer") as caught, shapewright.explaining():
            function()
        assert not notes(caught.value)
    assert [str(error) for error, _, _ in asked] == ["v"] * 3


def test_another_failure_is_explained(asked: Asked) -> None:
    def hidden() -> None:
        try:
            with shapewright.explaining():
                fails()
        except ValueError:
            raise ValueError("other") from None

    with pytest.raises(ValueError) as caught, shapewright.explaining():
        hidden()
    assert notes(caught.value) == ["\nabout other"]


def test_circles_of_causes_end(asked: Asked) -> None:
    one, two = ValueError("1"), TypeError("2")
    one.__cause__, two.__cause__ = two, one
    with pytest.raises(ValueError), shapewright.explaining():
        raise one
    assert len(asked) == 1


def test_it_decorates_functions(asked: Asked) -> None:
    @shapewright.explaining()
    def train(x: int, *, y: int = 2) -> int:
        """Trains."""
        if x:
            fails()
        return y

    assert train(0, y=3) == 3 and train.__name__ == "train" and train.__doc__ == "Trains."
    for _ in range(2):
        with pytest.raises(ValueError) as caught:
            train(1)
        assert notes(caught.value) == ["\nabout v"]
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][-2:] == ["train", "fails"]


def test_it_decorates_coroutines_and_generators(asked: Asked) -> None:
    @shapewright.explaining()
    async def serve() -> None:
        await asyncio.sleep(0)
        fails()

    @shapewright.explaining()
    def batches() -> Iterator[int]:
        got = yield 1
        assert got == 5
        fails()

    with pytest.raises(ValueError) as caught:
        asyncio.run(serve())
    assert notes(caught.value) == ["\nabout v"]
    generator = batches()
    assert next(generator) == 1
    with pytest.raises(ValueError) as caught:
        generator.send(5)  # type: ignore[attr-defined]
    assert notes(caught.value) == ["\nabout v"]
    with pytest.raises(TypeError, match="async generator"):

        @shapewright.explaining()
        async def stream() -> Any:
            yield 1


@pytest.mark.parametrize("failure", [RuntimeError("bug"), KeyboardInterrupt()])
def test_a_diagnosis_that_fails_leaves_the_exception_alone(failure: BaseException, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> str:
        raise failure

    monkeypatch.setattr(aftermath, "diagnosis", broken)
    with pytest.raises(ValueError) as caught, shapewright.explaining():
        fails()
    assert not notes(caught.value) and caught.value.__context__ is None


def test_an_exception_that_takes_no_note(asked: Asked) -> None:
    class Closed(ValueError):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

        def add_note(self, note: str) -> None:
            raise TypeError("no")

    with pytest.raises(Closed), shapewright.explaining(), shapewright.explaining():
        raise Closed("v")
    assert len(asked) == 1


def test_without_torch_nothing_is_asked(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    with pytest.raises(ValueError) as caught, shapewright.explaining():
        fails()
    assert not asked and not notes(caught.value)


def test_the_program_is_described_as_it_was_started(asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(explaining, "_start", None)
    monkeypatch.setattr(aftermath, "program", lambda cwd: (cwd, list(sys.argv)))
    monkeypatch.setattr(sys, "argv", ["train.py", "--epochs", "3"])
    monkeypatch.chdir(tmp_path)
    later = ["changed"]
    with pytest.raises(ValueError), shapewright.explaining():
        monkeypatch.setattr(sys, "argv", later)
        monkeypatch.chdir("/")
        fails()
    assert asked[0][1] == (str(tmp_path), ["train.py", "--epochs", "3"])
    assert sys.argv is later


def test_a_script_is_known_when_it_has_come_to_its_end(tmp_path: Any) -> None:
    text = WHOLE.format(
        before="aftermath.program = lambda cwd: print(sys.modules['__main__'].__file__)",
        install="shapewright.install()",
        after="def late():\n    import threading; threading.main_thread().join(); print(vars().get('__file__')); fail()\n"
        "import threading; threading.Thread(target=late).start(); sys.exit",
    )
    script = tmp_path / "script.py"
    script.write_text(text.replace('raise ValueError("v")', ""))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.stdout == f"None\n{script}\n" and done.stderr.endswith("\n\nabout name 'fail' is not defined\n")


# -- install --------------------------------------------------------------------------------------------------------------------------


def test_install_keeps_the_former_hook(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def former(kind: Any, error: Any, tb: Any) -> None:
        sys.stderr.write(f"former {error}\n")

    monkeypatch.setattr(sys, "excepthook", former)
    assert shapewright.install() is None
    ours = sys.excepthook
    shapewright.install()
    assert sys.excepthook is ours
    hook(ValueError("v"))
    hook(TypeError("t"))
    hook(KeyboardInterrupt())
    assert capsys.readouterr().err == "former v\n\nabout v\nformer t\nformer \n"
    assert [str(error) for error, _, _ in asked] == ["v", "t"]
    assert asked[0][2] is sys.stderr


def test_install_after_explaining_says_it_once(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    shapewright.install()
    with pytest.raises(ValueError) as caught, shapewright.explaining():
        fails()
    hook(caught.value)
    assert capsys.readouterr().err.count("about v") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_install_in_threads(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    shapewright.install()
    shapewright.install()
    for kind in (ValueError, SystemExit):
        thread = threading.Thread(target=fails, args=(kind,))
        thread.start()
        thread.join()
    err = capsys.readouterr().err
    assert err.startswith("Exception in thread") and err.endswith("ValueError: v\n\nabout v\n")
    assert len(asked) == 1


def test_a_dry_run_is_left_alone(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAPEWRIGHT_DRY", "1")
    before = sys.excepthook, threading.excepthook
    shapewright.install()
    assert before == (sys.excepthook, threading.excepthook)
    with pytest.raises(ValueError) as caught, shapewright.explaining():
        fails()
    assert not asked and notes(caught.value) == [""]  # a handler that reads the notes finds some, as in the real run


# Each is a whole program; {install} is one line of it. It has to end as if that line were not there, but for the diagnosis.
WHOLE = """
import sys, types
from shapewright.front import aftermath
aftermath.diagnosis = lambda error, program, *, stream=None: f"about {{error}}\\n"
sys.modules["torch"] = types.ModuleType("torch")
import shapewright
{before}
{install}
{after}
raise ValueError("v")
"""
RICH = "import rich.traceback; rich.traceback.install(width=80)"
OTHER = "sys.excepthook = lambda *a: print('hook', file=sys.stderr)"


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), (RICH, ""), ("", RICH), (OTHER, ""), ("", OTHER), ("del sys.excepthook", OTHER), ("del sys.excepthook", "")],
)
def test_other_hooks(before: str, after: str) -> None:
    runs = []
    for install in ("pass", "shapewright.install()"):
        code = WHOLE.format(before=before, install=install, after=after)
        runs.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True))
    plain, ours = runs
    assert ours.returncode == plain.returncode == 1
    assert ours.stderr == plain.stderr + "\nabout v\n"
    assert ours.stdout == plain.stdout == ""


CAUGHT = "def f():\n    try: 1 / 0\n    except Exception as error: sys.last_value = error\nf(); raise SystemExit(3)"


@pytest.mark.parametrize("after", ["raise SystemExit(3)", "sys.last_value = ValueError('x'); raise SystemExit(3)", CAUGHT])
def test_what_was_kept_by_others_is_not_told(after: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WHOLE.format(before="", install="shapewright.install()", after=after)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (3, "")
