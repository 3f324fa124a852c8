"""Programs that fail in the middle of a real run: what `tests/aftermath` says of them is so, and `shapewright run` says it.

Each program is run alone in a folder, under `shapewright run`. Its traceback, which is the interpreter's own, must have the named root, at
the named line; the named module must be the one whose forward was left by the exception; behind it stands the diagnosis. With the named
edit it must run to its end under plain Python. The programs run in forks of one process that has torch loaded and a worker at hand.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

import aftermath
from aftermath import Program
from casefile import SLUGS
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, Target

PROGRAMS = aftermath.programs()
SECONDS = 60  # for one program; they take two or three
# Explained, and not mended: the edit that an expert would make is none that is tried.
WITHOUT_FIX = {"ema_teacher", "custom_backward"}
# Fails in a process of its own, which writes its traceback itself; the program goes on.
UNSEEN = {"child_process"}
_BLOCK = re.compile(r"^.*Traceback \(most recent call last\):\n(?P<frames>(?:[ \t].*\n)+)(?P<type>[\w.]+)", re.MULTILINE)
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Raised:
    """One traceback of the error output: the exception's type without its package, and the user's places, outermost first."""

    type: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    exit: int
    output: str
    raised: tuple[Raised, ...]
    module: str | None  # of the last exception that left a module; None: none did


def each(programs: list[Program]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("program", programs, ids=lambda program: program.name)


class Runs:
    """Asks the process of forks what a program really does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, program: Program, folder: Path, *, mended: bool = False) -> Outcome:
        """What becomes of the program, alone in `folder`/home: under `shapewright run`, or mended and under plain Python."""
        for package in program.needs:
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
        home, witness, output = folder / "home", folder / "witness", folder / "output"
        home.mkdir()
        env = aftermath.laid_out(program, home) | {"WITNESS": str(witness)}
        if mended:
            aftermath.apply(program, home)
        (folder / "stdin").write_text(program.stdin, encoding="utf-8")
        argv = program.argv if mended else ("-m", "shapewright", "run", *program.argv)
        job = {
            "argv": argv,
            "env": env,
            "shares": not program.env,
            "home": str(home),
            "stdin": str(folder / "stdin"),
            "output": str(output),
        }
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        ended = int(self.process.stdout.readline())
        text = output.read_text(encoding="utf-8")
        left = witness.read_text(encoding="utf-8").split("\n")[:-1] if witness.exists() else []
        return Outcome(ended, text, raised(text, home), left[-1] if left else None)


@pytest.fixture(scope="session")
def runs() -> Iterator[Runs]:
    # One thread: a pool of threads does not outlive the fork.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(aftermath.SITE / "witness")}
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield Runs(process)
        assert process.stdin is not None
        process.stdin.close()


def raised(output: str, folder: Path) -> tuple[Raised, ...]:
    """The tracebacks in an error output, from top to bottom."""
    found = []
    for block in _BLOCK.finditer(output):
        frames = [(folder / frame["file"], frame["line"]) for frame in _FRAME.finditer(block["frames"])]
        own = [f"{file.relative_to(folder).as_posix()}:{line}" for file, line in frames if file.is_relative_to(folder)]
        found.append(Raised(block["type"].rpartition(".")[2], tuple(own)))
    return tuple(found)


@each(PROGRAMS)
def test_expectation_is_well_formed(program: Program, tmp_path: Path) -> None:
    aftermath.laid_out(program, tmp_path)
    assert program.fix in ("expected", "any", "none")
    assert set(program.slugs) <= SLUGS | {"any"}
    assert bool(program.edit) or program.fix != "expected", "a fix that is expected must be shown"
    assert bool(program.slugs) or program.fix == "none", "what has nothing to do with shapes has no fix"
    assert program.why
    for place in (*([program.place] if program.file else []), *program.also, *program.fix_lines):
        file, line = aftermath.split_place(place)
        assert (tmp_path / file).read_text(encoding="utf-8").splitlines()[line - 1].strip(), f"nothing stands at {place}"


@each(PROGRAMS)
def test_fails_where_it_is_said_and_is_explained(program: Program, tmp_path: Path, runs: Runs) -> None:
    outcome = runs.run(program, tmp_path)
    assert outcome.exit == program.exit, outcome.output
    if not program.file:
        assert outcome.raised == ()
        return
    # A chain is printed from its root on; what another process sent stands inside the message of what was raised here.
    root, last = (outcome.raised[-1], outcome.raised[0]) if program.shipped else (outcome.raised[0], outcome.raised[-1])
    assert root.type in program.error.split("|"), outcome.output
    assert root.places[-1] == program.place, outcome.output
    assert last.type == (program.escapes or ("RuntimeError" if program.shipped else root.type)), outcome.output
    if program.slugs and program.slugs != ("any",):
        named = outcome.module or ""
        assert program.module == named or (named and program.module.endswith(f".{named}")), f"it was module {named!r}"
    _must_explain(program, outcome.output)


def _must_explain(program: Program, output: str) -> None:
    """What `shapewright run` says behind the traceback."""
    told = re.findall(r"^(?:error|warning)\[([\w-]+)\]", output, re.MULTILINE)
    if program.slugs == ("any",):
        return
    if program.name in UNSEEN:
        assert not told, output
        return
    assert bool(told) == bool(program.slugs), output
    assert not program.slugs or set(told) & set(program.slugs), output
    if told and not program.shipped:
        places = re.findall(r"--> (?:\S*/)?([^\s/:]+:\d+)", output)
        assert program.place.rpartition("/")[2] in places, output
        if program.fix == "expected" and program.name not in WITHOUT_FIX:
            assert "\nhelp: " in output, output


# This proves the table, not the product: it is run when a program or its edit is changed.
@pytest.mark.skipif(not os.environ.get("CHECK_EDITS"), reason="only with CHECK_EDITS=1")
@each([program for program in PROGRAMS if program.edit])
def test_runs_with_its_edit(program: Program, tmp_path: Path, runs: Runs) -> None:
    outcome = runs.run(program, tmp_path, mended=True)
    assert (outcome.exit, outcome.raised) == (0, ()), outcome.output


def test_a_chain_is_read_from_its_root(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(
        "def f():\n    return 1 / 0\n\ntry:\n    f()\nexcept ZeroDivisionError as error:\n    raise KeyError('x') from error\n"
    )
    done = subprocess.run([sys.executable, "two.py"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False)
    assert raised(done.stderr, tmp_path) == (Raised("ZeroDivisionError", ("two.py:5", "two.py:2")), Raised("KeyError", ("two.py:7",)))


# --- the process of forks ----------------------------------------------------------------------------------------------


def next_program() -> list[str]:
    """Answer each job with the exit code of a fork; return in the fork, which has become the program's process: its `argv`."""
    import torch

    from shapewright.observe import client

    shared = _shared(client.Worker())
    torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # the first optimizer imports half of torch: once, here
    gc.freeze()  # torch's objects are not looked through again when a program ends: a second each
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            if job["shares"]:
                client.Worker = shared  # type: ignore[assignment,misc]
            os.chdir(job["home"])
            os.environ.clear()
            os.environ.update(job["env"])
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(os.open(job["output"], os.O_WRONLY | os.O_CREAT), 2)
            sys.stdin = open(job["stdin"], encoding="utf-8")  # noqa: SIM115 - for as long as the program runs
            sys.path[0] = job["home"]
            sys.path[1:1] = job["env"].get("PYTHONPATH", "").split(os.pathsep)
            return list(job["argv"])
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    sys.exit()


def _shared(worker: Worker) -> Callable[[], AbstractContextManager[Worker]]:
    """Every program asks the same worker, one after the other; a second of torch's import is saved for each."""
    worker.observe(Request(Target("nothing", module="shapewright"), os.getcwd()))  # so that it is warm
    return lambda: nullcontext(worker)


if __name__ == "__main__":
    words = next_program()
    sys.argv[:] = words[1:] if words[0] == "-m" else words
    if words[0] == "-m":
        runpy._run_module_as_main(words[1])  # type: ignore[attr-defined]  # what `python -m` does; `run_module` puts the old __main__ back
    else:
        runpy.run_path(str(Path(words[0]).absolute()), run_name="__main__")
