"""Runs a program as a user of torchinfo or of jaxtyping would have it run: `python peers_driver.py TOOL PROGRAM [WORDS …]`.

Stands alone, since the interpreter that runs it has the other tools and not shapewright.

torchinfo: a model that the program calls is shown by `summary`, with the very input that the program is about to give it, once for
each model and shapes of inputs. What has no parameters (losses, activations) is no model. jaxtyping: the program is imported under
`install_import_hook` with beartype, as its `__main__`. plain: as Python itself runs it.

`peers_driver.py serve` answers jobs, one line of JSON each, with the exit code; each runs in a fork that writes to the files that it names.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import sys
import traceback
from pathlib import Path
from typing import Any


class Summaries:
    """Puts itself before the outermost calls of modules."""

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self.depth = 0
        self.seen: set[Any] = set()
        self.kept: list[Any] = []  # the models, so that no two share an id
        self.call = torch.nn.Module.__call__

    def install(self) -> None:
        def call(module: Any, *args: Any, **kwargs: Any) -> Any:
            if self.depth == 0:
                self.look(module, args, kwargs)
            self.depth += 1
            try:
                return self.call(module, *args, **kwargs)
            finally:
                self.depth -= 1

        self.torch.nn.Module.__call__ = call  # type: ignore[method-assign]

    def look(self, module: Any, args: Any, kwargs: Any) -> None:
        key = (id(module), str([shapes(value) for value in (*args, *kwargs.values())]))
        if key in self.seen or next(module.parameters(), None) is None:
            return
        self.seen.add(key)
        self.kept.append(module)
        from torchinfo import summary  # type: ignore[import-not-found]

        self.depth += 1  # the calls that `summary` itself makes are its own
        try:
            with self.torch.random.fork_rng(devices=[]):
                summary(module, input_data=list(args), mode="train" if module.training else "eval", **kwargs)
        except Exception:
            sys.stdout.flush()
            print(self.told(), file=sys.stderr, flush=True)
            self.leave(1)
        finally:
            self.depth -= 1

    def told(self) -> str:
        """The traceback of `summary`, from the line of the program on at which its user would have put it: that of the model's call."""
        start = "Traceback (most recent call last):\n"
        above = [line for line in traceback.format_stack() if f'File "{sys.argv[0]}"' in line]
        return traceback.format_exc().replace(start, start + "".join(above), 1)

    def leave(self, code: int) -> None:
        """End at once: the program must not catch it."""
        sys.stdout.flush()
        os._exit(code)


def shapes(value: Any) -> Any:
    if hasattr(value, "shape"):
        return tuple(value.shape)
    if isinstance(value, (tuple, list)):
        return [shapes(part) for part in value]
    return type(value).__name__


def torchinfo(program: Path) -> None:
    summaries = Summaries()
    summaries.install()
    try:
        runpy.run_path(str(program), run_name="__main__")
    except BaseException as stop:  # the program's own affair: torchinfo has no part in it
        print(f"the program stopped by itself: {type(stop).__name__}")
    print(f"{len(summaries.kept)} summaries")


def jaxtyping(program: Path) -> None:
    from jaxtyping import install_import_hook  # type: ignore[import-not-found]

    with install_import_hook(program.stem, "beartype.beartype"):
        runpy.run_module(program.stem, run_name="__main__", alter_sys=True)


def plain(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def main(words: list[str]) -> None:
    tool, name, *rest = words
    path = Path(name).resolve()
    sys.argv = [str(path), *rest]
    sys.path[0] = str(path.parent)
    {"torchinfo": torchinfo, "jaxtyping": jaxtyping, "plain": plain}[tool](path)


def serve() -> None:
    for name in ("torch", "torch._dynamo", "torchinfo", "jaxtyping", "beartype"):
        try:
            importlib.import_module(name)
        except ImportError:  # it could not be installed, and is not asked
            continue
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            run(job)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(job: dict[str, Any]) -> None:
    """In the child: as a process of its own would run it."""
    code: Any = 0
    try:
        os.chdir(job["place"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT), number)
        signal.alarm(job["seconds"])
        main(job["words"])
    except SystemExit as stop:
        code = stop.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        main(sys.argv[1:])
