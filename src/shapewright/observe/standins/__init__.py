"""Stand-ins: answers for data, weights, devices and packages that are not here.

In: a function to be told of every assumption. Out: a context in which usual training programs run on a bare CPU machine, without data,
downloads, devices or loggers. It runs inside the worker's child, next to the user's program; leaving it restores what it replaced.
Nothing is imported that the program does not import itself.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Callable, Iterator

from shapewright.observe.standins import devices, distributed, loading, packages, torchvision_ops, weights
from shapewright.observe.standins.patches import Patches
from shapewright.observe.standins.unavailable import Unavailable

_PARTS = [packages, devices, distributed, loading, torchvision_ops, weights]
if importlib.util.find_spec("numpy") is not None:  # torch does without it; torchvision, whose datasets these are, does not
    _PARTS.append(importlib.import_module("shapewright.observe.standins.datasets"))

__all__ = ["Unavailable", "devices", "installed"]


@contextlib.contextmanager
def installed(assume: Callable[[str], None]) -> Iterator[None]:
    """Stand in for what is missing while the block runs; `assume` is called once for each thing that had to be assumed."""
    with Patches(assume) as patches:
        for part in _PARTS:
            part.install(patches)
        yield
