"""Proves with plain Python and torch what every case file claims; shapewright takes no part.

A broken program must fail, or swallow a failure, at the very line the case names; every edit, accepted or refused, must make it
run to its end; a clean program must end by itself. The programs run in forks of one child process that has torch loaded, so
that the whole set takes seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import casefile

CASES = casefile.cases()
SECONDS = 30  # for one program; they take a fraction of one

# What torch raises for shapes. Anything else (KeyError, StopIteration …) is a program's own affair.
SHAPE_ERRORS = (RuntimeError, ValueError, IndexError, AssertionError, TypeError)


# --- the child process -------------------------------------------------------------------------------------------------


class Watch:
    """Notes, for every exception that reaches the program's own code, the line of the innermost frame there."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.failures: list[tuple[int, str]] = []
        self.seen: dict[int, object] = {}  # holds the exceptions, so that an id is not given away twice

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename != self.file:
            return None
        frame.f_trace_lines = False
        return self.inside

    def inside(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "exception":
            _, error, traceback = arg
            own = traceback.tb_next is None and self.lines[frame.f_lineno - 1].lstrip().startswith(("raise", "assert"))
            if isinstance(error, SHAPE_ERRORS) and id(error) not in self.seen and not own:
                self.failures.append((frame.f_lineno, f"{type(error).__name__}: {error}"))
            self.seen[id(error)] = error
        return self.inside


def run_program(job: dict[str, Any]) -> dict[str, Any]:
    """Run one program here and now; what happened, as plain data."""
    file = str(Path("case.py").absolute())
    Path(file).write_text(job["program"], encoding="utf-8")
    words = job["args"]
    split = words.index("--") if "--" in words else len(words)
    sys.argv = [file, *words[split + 1 :]]
    sys.path.insert(0, str(Path.cwd()))
    watch = Watch(file, job["program"].splitlines())
    error = ""
    sys.settrace(watch)
    try:
        with contextlib.redirect_stdout(None), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = runpy.run_path(file, run_name="__main__" if not job["target"] else "case")
            if job["target"]:
                call_target(names[job["target"]], words[:split])
    except SystemExit as stop:
        error = "" if stop.code in (None, 0) else f"SystemExit: {stop.code}"
    except BaseException as failure:
        error = f"{type(failure).__name__}: {failure}"
    finally:
        sys.settrace(None)
    return {"error": error, "failures": watch.failures}


def call_target(target: Any, words: list[str]) -> None:
    """`--input 1,3,64,64`, `--input x=2,16:int64` and `--init "width=64"` as the command line has them."""
    import torch

    inputs: list[Any] = []
    named: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for option, text in zip(words[::2], words[1::2], strict=True):
        if option == "--init":
            settings |= eval(f"dict({text})", {})  # the case's own words
            continue
        name, _, shape = text.rpartition("=")
        sizes, _, kind = shape.partition(":")
        size = [int(n) for n in sizes.split(",")]
        value = torch.zeros(size, dtype=getattr(torch, kind)) if kind else torch.randn(size)
        if name:
            named[name] = value
        else:
            inputs.append(value)
    model = target(**settings) if isinstance(target, type) else target
    model(*inputs, **named)


def serve() -> None:
    """Answer jobs, one JSON line each, until the input ends. Each runs in a fork, in an empty directory of its own."""
    import torch

    torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # the first optimizer imports half of torch: once, here
    for line in sys.stdin:
        read, write = os.pipe()
        with tempfile.TemporaryDirectory() as directory:
            child = os.fork()
            if child == 0:
                os.chdir(directory)
                signal.alarm(SECONDS)
                torch.set_num_threads(1)
                torch.manual_seed(0)
                with os.fdopen(write, "w") as answer:
                    answer.write(json.dumps(run_program(json.loads(line))))
                os._exit(0)
            os.close(write)
            with os.fdopen(read) as answer:
                text = answer.read()
            os.waitpid(child, 0)
        print(text or json.dumps({"error": "no answer (too slow, or crashed)", "failures": []}), flush=True)


# --- the tests ---------------------------------------------------------------------------------------------------------


class Plain:
    """Asks the child process what a program really does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, program: str, args: tuple[str, ...] = (), target: str = "") -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        job = {"program": program, "args": args, "target": target}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="session")
def plain() -> Iterator[Plain]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield Plain(process)
        assert process.stdin is not None
        process.stdin.close()


def each(cases: list[casefile.Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


@each(CASES)
def test_case_is_well_formed(case: casefile.Case) -> None:
    lines = case.program.splitlines()
    assert 20 <= len(lines) <= 80
    assert case.prose
    assert case.verdict in ("clean", "warning", "error")
    assert bool(case.findings) == (case.slug != "clean")
    assert case.verdict != "clean" or all(finding.severity == "note" for finding in case.findings)
    assert case.slug == "clean" or case.slug == case.findings[0].slug
    for finding in case.findings:
        assert set(finding.slugs) <= casefile.SLUGS
        assert finding.got is None or finding.got != finding.want
        for line in (finding.line, *finding.demand, *finding.supply):
            assert lines[line - 1].strip(), f"nothing stands on line {line}"
    for edit in case.edits:
        after = casefile.edited(case.program, edit.steps)
        compile(after, case.id, "exec")
        assert after != case.program
        assert edit.accepted or edit.why, "a refused edit needs its reason"


@each([case for case in CASES if case.verdict != "error"])
def test_runs_to_its_end(case: casefile.Case, plain: Plain) -> None:
    assert plain.run(case.program, case.args, case.target)["error"] == ""


@each([case for case in CASES if case.verdict == "error"])
def test_fails_where_the_case_says(case: casefile.Case, plain: Plain) -> None:
    """With several findings the later ones show once the earlier are mended, which the first accepted edit does step by step."""
    for position, finding in enumerate(case.findings):
        steps = case.edits[0].steps[:position] if position else ()
        outcome = plain.run(casefile.edited(case.program, steps), case.args, case.target)
        assert outcome["failures"], outcome
        line, message = outcome["failures"][0]
        assert line == finding.line, message
        assert (outcome["error"] == "") == finding.swallowed, outcome


@each([case for case in CASES if case.edits])
def test_every_edit_makes_it_run(case: casefile.Case, plain: Plain) -> None:
    for edit in case.edits:
        outcome = plain.run(casefile.edited(case.program, edit.steps), case.args, case.target)
        assert outcome == {"error": "", "failures": []}, edit


def test_the_watch_sees_a_swallowed_failure(plain: Plain) -> None:
    program = "import torch\ntry:\n    torch.ones(2, 3) @ torch.ones(2, 3)\nexcept RuntimeError:\n    pass\n"
    outcome = plain.run(program)
    assert outcome["error"] == ""
    assert [line for line, _ in outcome["failures"]] == [3]


if __name__ == "__main__":
    serve()
