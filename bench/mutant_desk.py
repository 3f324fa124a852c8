"""What one thread of the bench works with: a process for the truth and one for the checks, both with the models' libraries loaded already.

A check forks from a process that has imported torch; here it has imported torchvision and timm too, which is what every run of a model's
program would do again for a second or two. Nothing else differs from a check on the command line.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.plain import Plain
from bench.processes import ROOT
from shapewright.observe.client import DRY, Worker

LIBRARIES = ("torchvision", "timm")


class Preloaded(Worker):
    """A worker whose children find the libraries imported."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", DRY: "1"}
        words = [sys.executable, "-m", "bench.mutant_desk"]
        self._process = subprocess.Popen(
            words, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """The two processes."""

    plain: Plain
    worker: Worker


@contextlib.contextmanager
def opened() -> Iterator[Desk]:
    """A desk for the length of the block."""
    with Plain(*LIBRARIES) as plain, Preloaded() as worker:
        yield Desk(plain, worker)


def main() -> None:
    """Import the libraries as a dry run would, and serve."""
    from shapewright.observe import worker
    from shapewright.observe.standins import installed

    importlib.import_module("torch")
    with installed(lambda what: None):
        for name in LIBRARIES:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    worker.main()


if __name__ == "__main__":
    main()
