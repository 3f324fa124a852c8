"""After a failure: what an exception that escaped from the user's real run says of the shapes in it, as text."""

from __future__ import annotations

import os
import shlex
import sys
import time
from typing import TYPE_CHECKING, TextIO

from shapewright.front import output
from shapewright.observe.request import Request, Target
from shapewright.show.text import Look

if TYPE_CHECKING:
    from shapewright.postmortem import Diagnosis


def program(cwd: str) -> Request | None:
    """How the running program could be run again; None when that is not known (a notebook, `python -c`)."""
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    argv = tuple(map(str, sys.argv[1:]))
    if spec is not None and spec.name:
        name = spec.name.removesuffix(".__main__")
        return Request(Target(f"-m {name}", module=name), cwd, argv)
    if isinstance(file, str) and os.path.isfile(os.path.join(cwd, file)):
        return Request(Target(sys.argv[0] or file, file=os.path.realpath(os.path.join(cwd, file))), cwd, argv)
    return None


def diagnosis(error: BaseException, program: Request | None, *, stream: TextIO | None = None) -> str:
    """The diagnosis as it is to be written to `stream` (None: plain text), "" when there is nothing to say. Never raises."""
    try:
        return _diagnosis(error, program, stream)
    except Exception:
        if os.environ.get("SHAPEWRIGHT_DEBUG"):
            raise
        return ""


def _diagnosis(error: BaseException, program: Request | None, stream: TextIO | None) -> str:
    if "torch" not in sys.modules or not isinstance(error, Exception):
        return ""
    from shapewright import postmortem
    from shapewright.show.progress import progress

    worked = time.process_time()
    told = postmortem.after(error, program, worked=worked, progress=lambda: progress(1, sys.stderr))
    if isinstance(told, postmortem.Diagnosis) and any(finding.severity == "error" for finding in told.report.findings):
        return _written(told, program, stream)
    return _from_message(error if isinstance(told, postmortem.Diagnosis) else told.error, stream) if told is not None else ""


def _written(told: Diagnosis, program: Request | None, stream: TextIO | None) -> str:
    from shapewright.show import terminal

    text = terminal.render(told.report, verbose=False, **output.look_of(stream))
    if told.other_sizes:
        text += f"  your run had met {', '.join(told.other_sizes)} there; the dry run met other sizes\n"
    if told.why:
        text += f"  no edit was tried, since the program does not come to this line when it is run dry: {told.why}\n"
    elif told.how == "check" and program is not None and program.target.file and any(f.fixes for f in told.report.targets[0].findings):
        words = " ".join(map(shlex.quote, (program.target.text, "--fix", *(("--", *program.argv) if program.argv else ()))))
        text += f"  to write the first fix: shapewright check {words}\n"
    return text


def _from_message(error: BaseException, stream: TextIO | None) -> str:
    """What the words of the exception say, when no run could be made to fail in the same way."""
    import traceback

    from shapewright.front.explain import from_here
    from shapewright.messages import Unknown, explain
    from shapewright.show import explanation
    from shapewright.show.paint import paint

    answer = explain("".join(traceback.format_exception(error)))
    if isinstance(answer, Unknown) or not any(isinstance(fact, int | list | tuple) for fact in answer.facts.values()):
        return ""  # it names no sizes: devices, dtypes
    look = output.look_of(stream)
    lines = explanation.terminal(from_here(answer), "", Look(width=look["width"], cells=len, unicode=look["unicode"]))
    return paint(lines, colour=look["colour"]) + "this is read from the message alone: no dry run came to fail in the same way\n"


def of_test(error: BaseException, nodeid: str, rootdir: str) -> str:
    """The diagnosis of a test that failed, as plain text: the program that is run dry is pytest with this test alone. Never raises."""
    alone = ("-x", "-q", "-s", "--assert=plain", "-p", "no:cacheprovider", "--no-shapewright", "-o", "addopts=", f"--rootdir={rootdir}")
    target = Target(nodeid, module="pytest")
    return diagnosis(error, Request(target, os.getcwd(), (*alone, os.path.join(rootdir, nodeid))))
