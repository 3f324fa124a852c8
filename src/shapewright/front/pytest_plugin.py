"""pytest: the fixture `assert_shapes`, and under each test that failed with a tensor-shape error its diagnosis.

Loading it costs a file: nothing but pytest and the standard library is imported before a test needs more.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from shapewright.front.aftermath import OneWorker
    from shapewright.likeness import Likeness

TITLE = "shapewright"
SECONDS = 120.0
MOST_A_PLACE = 3  # diagnoses of one sentence at one place, with different sizes
_SAID = "__shapewright__"  # what `explaining()` has said stands under this name on the exception, and is shown as its note
_ASSERTION = "shapewright.assertion"
# Where no shape is in the wrong: a test that ends itself, and what Python says of names, files and memory.
_NEVER = (pytest.fail.Exception, pytest.skip.Exception, NameError, OSError, ImportError, SyntaxError, MemoryError, StopIteration)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("shapewright")
    group.addoption("--no-shapewright", action="store_true", help="do not explain failures that are tensor-shape errors")
    parser.addini("shapewright", "explain failures that are tensor-shape errors", type="bool", default=True)
    parser.addini("shapewright_seconds", "how long all explaining of a session may take, in seconds", default=f"{SECONDS:g}")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("no_shapewright") or not config.getini("shapewright"):
        return
    shown = config.getoption("tbstyle", "auto") not in ("no", "line") or config.getoption("xmlpath", None)
    text = config.getini("shapewright_seconds")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:  # "nan" is none either
        raise pytest.UsageError(f"shapewright_seconds must be a number of seconds, 0 or more, not {text!r}")
    if shown:  # a section that is not shown is not worth the seconds
        config.pluginmanager.register(Explainer(seconds), "shapewright-explainer")


@pytest.fixture(scope="session")
def assert_shapes() -> Callable[..., None]:
    """`assert_shapes(model, "B 3 H W", "B 10")`: the model gives tensors of these shapes, for several sizes of each letter."""
    from shapewright.assertion import assert_shapes

    return assert_shapes


def _add(report: pytest.TestReport, text: str) -> None:
    """Under the traceback, which goes wherever the failure goes: to the terminal, from `pytest-xdist`'s workers, into `--junitxml`."""
    add = getattr(report.longrepr, "addsection", None)
    if add is not None:
        add(TITLE, text)
    else:  # another plugin shows failures in its own way
        report.sections.append((TITLE, text))


class _Known(NamedTuple):
    """A failure of which something was asked."""

    test: str
    fixture: bool  # it came before or after the test itself
    told: bool
    likeness: Likeness | None


class Explainer:
    """Puts the diagnosis under a failure: once for each place and message, and for so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.seconds = seconds
        self.known: dict[tuple[object, ...], _Known] = {}  # by place
        self.worker: OneWorker | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None and report.failed and "torch" in sys.modules:
            text = self.section(call.excinfo.value, item, call.when != "call")
            if text:
                _add(report, text)
        return report

    def pytest_unconfigure(self) -> None:
        if self.worker is not None:
            self.worker.close()

    def section(self, error: BaseException, item: pytest.Item, fixture: bool) -> str:
        """What stands under the failure; "" for nothing. `fixture`: it came before or after the test itself."""
        blamed = culprit(error)
        if blamed is None:
            return ""
        root = str(item.config.rootpath)
        place = _place(blamed, root)
        if place in self.known:
            return self._as_in(self.known[place], fixture)
        if self.left <= 0:
            return f"no time was left to explain this one: {self.seconds:g} s are spent (shapewright_seconds)"
        began = time.monotonic()
        likeness = _likeness(blamed, root)
        text = self._shared(likeness, fixture)
        if text is None:
            text = self._asked(blamed, item.nodeid, root)
            self.known[place] = _Known(item.nodeid, fixture, bool(text), likeness)
        self.left -= time.monotonic() - began
        return text

    def _asked(self, error: BaseException, nodeid: str, root: str) -> str:
        try:
            from shapewright.front import aftermath

            self.worker = self.worker or aftermath.OneWorker()
            return aftermath.of_test(error, nodeid, root, self.worker).strip("\n")
        except Exception:  # a mistake of ours must not change what the test says
            return ""

    def _shared(self, likeness: Likeness | None, fixture: bool) -> str | None:
        """What is to be said of a failure that is another one in all but its batch, or one more of many at one place."""
        alike = [one for one in self.known.values() if likeness is not None and one.likeness and one.likeness.same_place(likeness)]
        same = next((one for one in alike if likeness is not None and one.likeness and one.likeness.same_but_batch(likeness)), None)
        if same is not None:
            return self._as_in(same, fixture, ", with another batch")
        return self._as_in(alike[0], fixture, ", with other sizes") if len(alike) >= MOST_A_PLACE else None

    def _as_in(self, one: _Known, fixture: bool, but: str = "") -> str:
        # pytest shows the errors of fixtures first.
        return f"as in {one.test} {'below' if fixture and not one.fixture else 'above'}{but}" if one.told else ""


def _likeness(error: BaseException, root: str) -> Likeness | None:
    from shapewright import likeness

    try:
        return likeness.of(error, root)
    except Exception:
        return None


def culprit(error: BaseException) -> BaseException | None:
    """The exception to explain: itself, or the model's own behind one of `assert_shapes`. None when no shape can be in the wrong, or when
    it was explained already."""
    chain = list(_chain(error))
    if any(getattr(one, _SAID, "") for one in chain):
        return None
    if isinstance(error, AssertionError) and _frames(error)[-1:] and _frames(error)[-1].tb_frame.f_globals.get("__name__") == _ASSERTION:
        return error.__cause__ if error.__cause__ is not None and culprit(error.__cause__) is not None else None
    return error if any(_may_be_shape_error(one) for one in chain) else None


def _may_be_shape_error(error: BaseException) -> bool:
    if not isinstance(error, Exception) or isinstance(error, _NEVER):
        return False
    if isinstance(error, AssertionError | KeyError | AttributeError):  # of a test mostly; torch checks some shapes so
        frames = _frames(error)
        return bool(frames) and _is_torch(frames[-1])
    return True


def _is_torch(frame: TracebackType) -> bool:
    return str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in ("torch", "torchvision", "torchaudio", "einops")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, those in its group, and those that led to it, as a traceback shows them."""
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        one = ahead.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        ahead += [one.__cause__, None if one.__suppress_context__ else one.__context__]
        if isinstance(one, BaseExceptionGroup):
            ahead += one.exceptions


def _frames(error: BaseException) -> list[TracebackType]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    return frames


def _place(error: BaseException, rootdir: str) -> tuple[object, ...]:
    """What two failures of one cause share: the innermost line of the project and the innermost of all, the type and the words."""
    lines = [(frame.tb_frame.f_code.co_filename, frame.tb_lineno) for frame in _frames(error)]
    own = [line for line in lines if line[0].startswith(rootdir.rstrip(os.sep) + os.sep) and "site-packages" not in line[0]]
    try:
        words = str(error)
    except Exception:
        words = ""
    return (*own[-1:], *lines[-1:], type(error), words)
