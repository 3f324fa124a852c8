"""After a failure: what an exception that escaped from the user's real run says of the shapes in it, as text."""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from shapewright.front import output
from shapewright.observe.request import Request, Target
from shapewright.show.text import Look
from shapewright.source import Sources

if TYPE_CHECKING:
    from shapewright.observe.client import Worker
    from shapewright.postmortem import Diagnosis


def program(cwd: str) -> Request | None:
    """How the running program could be run again; None for a notebook, `python -c`, or a tool such as a test runner."""
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    place = os.path.realpath(os.path.join(cwd, file)) if isinstance(file, str) else ""
    if not os.path.isfile(place) or _is_tool(place):
        return None
    argv = tuple(map(str, sys.argv[1:]))
    if spec is not None and spec.name and spec.name != "__main__":
        name = spec.name.removesuffix(".__main__")
        return Request(Target(f"-m {name}", module=name), cwd, argv)
    return Request(Target(os.path.relpath(place, cwd), file=place), cwd, argv)


def _is_tool(place: str) -> bool:
    scripts = os.path.realpath(sysconfig.get_path("scripts"))
    return os.path.dirname(place) == scripts or not Sources([os.path.dirname(place)]).is_user(place)


def diagnosis(error: BaseException, program: Request | None, *, stream: TextIO | None = None, worker: OneWorker | None = None) -> str:
    """The diagnosis as it is to be written to `stream` (None: plain text), "" when there is nothing to say. Never raises."""
    try:
        return _diagnosis(error, program, stream, worker)
    except Exception:
        if os.environ.get("SHAPEWRIGHT_DEBUG"):
            raise
        return ""


def _diagnosis(error: BaseException, program: Request | None, stream: TextIO | None, worker: OneWorker | None) -> str:
    if "torch" not in sys.modules or not isinstance(error, Exception):
        return ""
    from shapewright import postmortem
    from shapewright.show.paths import seen_from
    from shapewright.show.progress import progress, sign_of_life

    signs: list[Callable[[str], None]] = []

    @contextmanager
    def waiting() -> Iterator[Callable[[str], None]]:
        if stream is None or stream.isatty():
            with progress(1, sys.stderr) as tell:
                yield tell
        else:
            with sign_of_life(stream, "shapewright: looking for the cause of this failure") as end:
                signs.append(end)
                yield lambda text: None

    worked = time.process_time()
    told = postmortem.after(error, program, worked=worked, progress=waiting, worker=worker)
    if told is None:
        return ""
    with seen_from(program.cwd if program is not None else ""):
        if isinstance(told, postmortem.Diagnosis) and any(finding.severity == "error" for finding in told.report.findings):
            return _written(told, program, stream)
        text = _from_message(error if isinstance(told, postmortem.Diagnosis) else told.error, stream)
    for end in signs if not text else ():
        end("shapewright: found no cause in the sizes of its tensors")
    return text


_HOW = {
    "turn": "run dry, with the turn of the loop in which your run failed taken once more at its end",
    "whole": "run dry, with all turns of its loops",
    "call": "run dry, with the model called once more at its end, on what your run had called it with",
    "model": "the model was built from its file and called on what your run had called it with; the rest of the program was not run",
}


def _written(told: Diagnosis, program: Request | None, stream: TextIO | None) -> str:
    from shapewright.show import terminal

    look = output.look_of(stream)
    fit = Look(width=look["width"], cells=len, unicode=look["unicode"])
    targets = tuple(replace(target, assumed=()) for target in told.report.targets)  # only `check` can show them
    text = terminal.render(replace(told.report, targets=targets), verbose=False, **look)
    return text + "".join(f"{line}\n" for remark in _remarks(told, program) for line in fit.hang(fit.text(remark), 2, 2))


def _remarks(told: Diagnosis, program: Request | None) -> list[str]:
    """How the failure was brought about, and what to do."""
    found = [_HOW[told.how]] if told.how in _HOW else []
    if told.other_sizes:
        found.append(f"your run had met {', '.join(told.other_sizes)} there; the dry run met other sizes")
    if told.how == "live":
        again = (
            f"the program does not come to this line when it is run dry: {told.why}" if told.why else "the program has no file to run again"
        )
        found.append(f"the failing call alone was repeated, and no edit was tried: {again}")
    elif told.how == "check" and program is not None and program.target.file and _comes_to_the_end(told):
        words = (program.target.text, "--fix", *(("--", *program.argv) if program.argv else ()))
        found.append(f"to write the first fix: shapewright check {' '.join(map(shlex.quote, words))}")
    return found


def _comes_to_the_end(told: Diagnosis) -> bool:
    """Whether the first fixes together give a program that was run to its end."""
    findings = told.report.findings
    return all(finding.fixes for finding in findings) and findings[-1].fixes[0].verdict == "fixed"


def _from_message(error: BaseException, stream: TextIO | None) -> str:
    """What the words of the exception say, when no run could be made to fail in the same way."""
    import traceback

    from shapewright.front.explain import from_here
    from shapewright.messages import Unknown, explain
    from shapewright.show import explanation
    from shapewright.show.paint import paint

    answer = explain("".join(traceback.format_exception(error)))
    if isinstance(answer, Unknown) or not any(map(_is_size, answer.facts.values())):
        return ""  # it names no sizes: devices, dtypes
    look = output.look_of(stream)
    lines = explanation.terminal(from_here(answer), "", Look(width=look["width"], cells=len, unicode=look["unicode"]))
    return paint(lines, colour=look["colour"]) + "this is read from the message alone: no dry run came to fail in the same way\n"


def _is_size(fact: object) -> bool:
    return isinstance(fact, int) or (isinstance(fact, list | tuple) and bool(fact) and all(map(_is_size, fact)))


class OneWorker:
    """A worker that stays for further diagnoses: what it costs most is to import torch."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._environment: dict[str, str] = {}

    @contextmanager
    def __call__(self) -> Iterator[Worker]:
        """The worker, begun anew when it was lost, or when the environment is another one."""
        from shapewright.observe.client import Worker

        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        if self._worker is None or not self._worker.running or self._environment != environment:
            self.close()
            self._worker, self._environment = Worker(), environment
        yield self._worker

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def of_test(error: BaseException, nodeid: str, rootdir: str, worker: OneWorker | None = None) -> str:
    """The diagnosis of a test that failed, as plain text: the program that is run dry is pytest with this test alone. Never raises."""
    alone = ("-x", "-q", "-s", "--assert=plain", "-p", "no:cacheprovider", "--no-shapewright", "-o", "addopts=", f"--rootdir={rootdir}")
    target = Target(nodeid, module="pytest")
    return diagnosis(error, Request(target, os.getcwd(), (*alone, os.path.join(rootdir, nodeid))), worker=worker)
