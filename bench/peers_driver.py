"""Runs a program as a user of torchinfo or of jaxtyping would have it run: `python peers_driver.py TOOL PROGRAM [WORDS …]`.

Stands alone, since the interpreter that runs it has the other tools and not shapewright.

torchinfo: a model that the program calls is shown by `summary`, with the very input that the program is about to give it, once for
each model and shapes of inputs. What has no parameters (losses, activations) is no model. jaxtyping: the program is imported under
`install_import_hook` with beartype, as its `__main__`.
"""

from __future__ import annotations

import runpy
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
            traceback.print_exc()
            sys.stderr.flush()
            self.leave(1)
        finally:
            self.depth -= 1

    def leave(self, code: int) -> None:
        """End at once: the program must not catch it."""
        import os

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


if __name__ == "__main__":
    tool, name, *words = sys.argv[1:]
    path = Path(name).resolve()
    sys.argv = [str(path), *words]
    sys.path[0] = str(path.parent)
    {"torchinfo": torchinfo, "jaxtyping": jaxtyping}[tool](path)
