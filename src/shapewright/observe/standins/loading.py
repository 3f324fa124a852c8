"""Loaders without workers, profilers that measure nothing.

In: `DataLoader(num_workers=8, pin_memory=True, …)`, `torch.profiler.profile(…)`.
Out: a loader that loads in this process, a profiler without effect.
"""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import torch
import torch.profiler
from torch.utils.data import DataLoader

from shapewright.observe.standins.patches import Patches
from shapewright.observe.standins.quiet import Quiet


def install(patches: Patches) -> None:
    """Load here, measure nothing."""
    _loader(patches)
    _profiler(patches)


def _loader(patches: Patches) -> None:
    real = DataLoader.__init__
    signature = inspect.signature(real)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        call = signature.bind(self, *args, **kwargs)
        plain = {"num_workers": 0, "pin_memory": False, "timeout": 0, "persistent_workers": False}
        plain |= {"prefetch_factor": None, "multiprocessing_context": None, "pin_memory_device": ""}  # type: ignore[dict-item]
        call.arguments.update((name, value) for name, value in plain.items() if name in call.arguments)
        # Their order in the call is that of the signature, which `args` and `kwargs` go by.
        real(*call.args, **call.kwargs)

    patches.set(DataLoader, "__init__", __init__)


def _profiler(patches: Patches) -> None:
    # A dry run's times say nothing, and traces would be written.
    class profile(contextlib.AbstractContextManager[Any]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            pass

        def __exit__(self, *exc: object) -> None:
            return None

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return Quiet()  # step, key_averages, export_chrome_trace …

    patches.set(torch.profiler, "profile", profile)
    patches.set(torch.autograd.profiler, "profile", profile)
    patches.set_if_there(torch.profiler, "tensorboard_trace_handler", Quiet)
