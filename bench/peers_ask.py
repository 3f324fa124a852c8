"""Asks a tool about a program, in a process of its own, and keeps what it wrote.

Where SHAPEWRIGHT_PEERS_OUT names a folder, everything that a tool wrote is kept there, and is used again for the same program and the same
version. The tools that run a program with real tensors are asked about the case files in forks of a process that has torch loaded,
which spares importing it a thousand times; so only the other programs are timed for them.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from bench.peers_programs import Program
from bench.peers_tools import DRIVER, TOOLS, VERSIONS, command, folder
from bench.processes import ROOT

SECONDS = 120  # for one program
FORKED = {"torchinfo": "torchinfo", "jaxtyping": "jaxtyping", "plain PyTorch": "plain"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What a tool wrote about a program, and what it took."""

    exit_code: int | None  # None: it took too long
    out: str
    err: str
    seconds: float | None  # of the whole process; None where there was none
    cpu: float | None


class Forks:
    """A process with torch and the tools loaded that runs each program in a fork of its own."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def ask(self, tool: str, place: Path, words: list[str], out: Path, err: Path) -> int | None:
        """The exit code."""
        if self.process is None:
            self.process = subprocess.Popen(
                [str(folder() / "bin" / "python"), str(DRIVER), "serve"],
                env=_environment(tool),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        job = {"place": str(place), "words": [FORKED[tool], *words], "out": str(out), "err": str(err), "seconds": SECONDS}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return None if code == -signal.SIGALRM else code

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self.process is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait()


def hear(tool: str, program: Program, forks: Forks) -> Heard:
    """Ask the tool about the program, or read what it said before."""
    kept = os.environ.get("SHAPEWRIGHT_PEERS_OUT")
    if not kept:
        return _ask(tool, program, forks)
    file = Path(kept, tool.replace(" ", "-"), f"{program.id.replace('/', '--').replace(' ', '-')}.json")
    of = _fingerprint(tool, program)
    if file.exists():
        record = json.loads(file.read_text(encoding="utf-8"))
        if record.pop("of") == of:
            return Heard(**record)
    heard = _ask(tool, program, forks)
    if heard.exit_code is None:
        return heard  # it may have been the machine
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"of": of, **asdict(heard)}, indent=1), encoding="utf-8")
    return heard


def _ask(tool: str, program: Program, forks: Forks) -> Heard:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name).resolve() / "program"
        place.mkdir()
        source = program.source if tool == "shapewright check" else program.script
        (place / program.file).write_text(source, encoding="utf-8", newline="")
        (place / "pyrefly.toml").touch()  # without one pyrefly takes the preset `basic`, which has no checks of shapes
        out, err = Path(name, "out"), Path(name, "err")
        if tool in FORKED and not program.timed:
            code = forks.ask(tool, place, [program.file, *program.argv], out, err)
            return Heard(code, _text(out, place), _text(err, place), None, None)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                command(tool, program), cwd=place, env=_environment(tool), stdout=to_out, stderr=to_err, start_new_session=True
            )
            try:
                code = process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = None
        took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Heard(code, _text(out, place), _text(err, place), round(took, 3), round(cpu, 3))


def _text(path: Path, place: Path) -> str:
    """What was written, without the folder in which the program stood."""
    return path.read_text(encoding="utf-8", errors="replace").replace(str(place), "")


def _environment(tool: str) -> dict[str, str]:
    own = ("PYTHONPATH",) if tool != "shapewright check" else ()
    kept = {name: value for name, value in os.environ.items() if name not in (*own, "PYTHONDONTWRITEBYTECODE")}
    return kept | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "NO_COLOR": "1", "TORCH_HOME": str(folder() / "torch")}


def _fingerprint(tool: str, program: Program) -> str:
    told = [str(program.timed), program.source, program.script, *program.argv, *program.inputs, program.init]
    told += [f"{name} {VERSIONS[name]}" for name in TOOLS[tool]] or [_own_version() if tool == "shapewright check" else ""]
    told += [DRIVER.read_text(encoding="utf-8")] if tool in FORKED else []
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


@functools.cache
def _own_version() -> str:
    return "\0".join(_texts(ROOT / "src"))


def _texts(place: Path) -> Iterator[str]:
    for path in sorted(place.rglob("*.py")):
        yield path.read_text(encoding="utf-8")
