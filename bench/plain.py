"""What plain PyTorch does with a program: a process with torch loaded that runs each one in a fork of its own. shapewright takes no part.

`python -m bench.plain` answers jobs, one line of JSON each: `file`, `source`, `argv`, `lines` (whether to note the lines that ran). Data,
weights and packages that are not here get the stand-ins that the tests of the training scripts have.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import linecache
import os
import random
import signal
import subprocess
import sys
import tempfile
import types
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.processes import ROOT

SECONDS = 20  # for one program; longer is no answer
_MOST_NOTED = 20  # exceptions after the first


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    `line` is where the first exception came up that reached the program's own code: its innermost frame in the program's file (also when
    the program then caught it); 0 when there was none. `by`: who raised it, "torch" or "program" (its own `raise`, or Python itself).
    """

    answered: bool = True  # False: it took too long, or took the process down
    line: int = 0
    error: str = ""
    by: str = ""
    outputs: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...] = ()  # each root module's class and the shapes of what it gave last
    values: tuple[str, ...] = ()  # what the numbers of each of these tensors add up to; the same program gives the same
    lines: frozenset[int] = frozenset()
    later: tuple[tuple[int, str, str], ...] = ()  # line, error and by whom of the exceptions after the first

    @property
    def runs(self) -> bool:
        """It came to its end without an exception, not even a caught one."""
        return self.answered and not self.error


class Plain:
    """A running process that answers."""

    def __init__(self, *libraries: str) -> None:
        """`libraries` are imported once, before the first program."""
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "CUDA_VISIBLE_DEVICES": ""}
        words = [sys.executable, "-W", "ignore", "-m", "bench.plain", *libraries]
        self._process = subprocess.Popen(
            words, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def run(self, file: str, source: str, argv: tuple[str, ...] = (), *, lines: bool = False) -> Outcome:
        """Run one program. Raises `RuntimeError` when the process is lost."""
        assert self._process.stdin is not None and self._process.stdout is not None
        job = {"file": file, "source": source, "argv": argv, "lines": lines}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process that runs plain PyTorch ended")
        told = json.loads(answer)
        outputs = tuple((name, tuple(map(tuple, shapes))) for name, shapes in told.pop("outputs", ()))
        values = tuple(told.pop("values", ()))
        later = tuple((line, error, by) for line, error, by in told.pop("later", ()))
        return Outcome(outputs=outputs, values=values, lines=frozenset(told.pop("lines", ())), later=later, **told)

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


# --- the other side ------------------------------------------------------------------------------------------------------------


class _Watch:
    """Notes the exceptions that reach the program's own code, the first apart, and the lines that ran if they are wanted."""

    def __init__(self, file: str, source: str, lines: bool) -> None:
        self.file, self.wants_lines = file, lines
        self.lines: set[int] = set()
        self.first: dict[str, Any] = {}
        self.later: list[tuple[int, str, str]] = []
        self.seen: list[BaseException] = []
        self.refusals = {
            line
            for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.Raise, ast.Assert))
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }

    def __call__(self, frame: types.FrameType, event: str, value: Any) -> Any:
        if frame.f_code.co_filename != self.file:
            return None
        frame.f_trace_lines = self.wants_lines
        return self.inside

    def inside(self, frame: types.FrameType, event: str, value: Any) -> Any:
        if event == "line":
            self.lines.add(frame.f_lineno)
        elif event == "exception" and issubclass(value[0], Exception) and value[0] is not StopIteration:
            noted = any(value[1] is error for error in self.seen[-_MOST_NOTED:])
            if not noted:
                self._note(frame.f_lineno, *value)
        return self.inside

    def _note(self, line: int, kind: type[Exception], error: Exception, traceback: TracebackType) -> None:
        told = f"{kind.__name__}: {error}", self._by(line, kind, error, traceback)
        if not self.first:
            self.first = {"line": line, "error": told[0], "by": told[1]}
        elif len(self.later) < _MOST_NOTED:
            self.later.append((line, *told))
        self.seen.append(error)

    def _by(self, line: int, kind: type[Exception], error: Exception, traceback: TracebackType) -> str:
        if traceback.tb_next is None:  # raised on this very line: by the program, by Python, or by torch's compiled part
            own = line in self.refusals or issubclass(kind, (KeyError, ArithmeticError, AttributeError, NameError, MemoryError))
            return "program" if own else "torch"
        while traceback.tb_next is not None:
            traceback = traceback.tb_next
        file = traceback.tb_frame.f_code.co_filename
        refused = linecache.getline(file, traceback.tb_lineno).lstrip().startswith(("raise", "assert", "_assert", "torch._assert"))
        return "torch" if {"torch", "torchvision", *(() if refused else ("timm",))} & set(Path(file).parts) else "program"


class _Roots:
    """Notes what the modules give that the program itself calls; those inside others that it calls do not count."""

    def __init__(self) -> None:
        self.depth = 0
        self.given: dict[int, tuple[Any, str, list[list[int]], list[str]]] = {}  # with the module, so that no two share an id

    def before(self, module: Any, inputs: Any) -> None:
        self.depth += 1

    def after(self, module: Any, inputs: Any, output: Any) -> None:
        self.depth -= 1
        if self.depth == 0:
            tensors = list(_tensors(output))
            sizes = [list(tensor.shape) for tensor in tensors]
            self.given[id(module)] = (module, type(module).__name__, sizes, [_sum(tensor) for tensor in tensors])

    def outputs(self) -> list[tuple[str, list[list[int]]]]:
        """Class and shapes, in the order of the first calls."""
        return [(name, sizes) for name, sizes, _ in self._outer()]

    def values(self) -> list[str]:
        """What each tensor adds up to, in the same order."""
        return [value for _, _, values in self._outer() for value in values]

    def _outer(self) -> list[tuple[str, list[list[int]], list[str]]]:
        inner = {id(part) for module, *_ in self.given.values() for part in module.modules() if part is not module}
        return [(name, sizes, values) for key, (_, name, sizes, values) in self.given.items() if key not in inner]


def _tensors(value: Any) -> Any:
    if hasattr(value, "shape"):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _sum(tensor: Any) -> str:
    import torch

    try:
        return f"{float(torch.as_tensor(tensor).detach().double().abs().sum()):.5g}"
    except (RuntimeError, TypeError, ValueError):
        return "?"


def _run(job: dict[str, Any]) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    file, source = str(Path(job["file"]).resolve()), job["source"]
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    main = types.ModuleType("__main__")
    main.__file__ = file
    sys.modules["__main__"] = main
    sys.argv = [file, *job["argv"]]
    watch, roots = _Watch(file, source, job["lines"]), _Roots()
    torch.nn.modules.module.register_module_forward_pre_hook(roots.before)
    torch.nn.modules.module.register_module_forward_hook(roots.after, always_call=True)
    ended: dict[str, Any] = {}
    code = compile(source, file, "exec")
    sys.settrace(watch)
    try:
        exec(code, main.__dict__)
    except SystemExit as stop:
        if stop.code not in (0, None):
            ended = {"error": f"SystemExit: {stop.code}", "by": "program"}
    except BaseException as error:
        ended = {"error": f"{type(error).__name__}: {error}", "by": "program"}
    finally:
        sys.settrace(None)
    seen = {"outputs": roots.outputs(), "values": roots.values(), "lines": sorted(watch.lines), "later": watch.later}
    return {**(watch.first or ended), **seen}


def _in_fork(job: dict[str, Any]) -> str:
    """A job's answer as JSON, from a child in an empty folder; what the program prints goes nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        inner = Path(folder, "run")
        inner.mkdir()
        child = os.fork()
        if child == 0:
            try:
                os.chdir(inner)
                signal.alarm(SECONDS)
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    told = json.dumps(_run(job))
                answer.write_text(told, encoding="utf-8")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        lost = json.dumps({"answered": False, "error": "no answer", "by": "program"})
        return answer.read_text(encoding="utf-8") if answer.exists() else lost


def main() -> None:
    """Answer until the input ends."""
    sys.path.insert(0, str(ROOT / "tests"))
    standins = importlib.import_module("test_scripts_truth")
    importlib.import_module("torch._dynamo")  # optimizers import it at their first step: once, here
    standins.declare_torchvision_ops()
    standins.stand_in_data()
    standins.stand_in_packages()
    with contextlib.redirect_stdout(sys.stderr):
        for library in sys.argv[1:]:
            with contextlib.suppress(ImportError):
                importlib.import_module(library)
    for line in sys.stdin:
        print(_in_fork(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
