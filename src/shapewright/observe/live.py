"""A live module or function, called once in this process with notes taken, and left as it was found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shapewright.model import Stop, Trace
from shapewright.observe import hooks
from shapewright.observe.finish import Finisher
from shapewright.observe.measure import tensors_in
from shapewright.observe.record import Recorder
from shapewright.source import Sources


def observe_live(model: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trace:
    """Call the model and give its trace. Its buffers, modes and gradients and the random state are afterwards as before.

    Frames of files below the working directory, and of the file that defines the model, count as the user's.
    """
    recorder = Recorder(Sources(_roots(model)))
    uncaught: BaseException | None = None
    stop: Stop | None = None
    with _as_found(model), hooks.listening(recorder, construction=False), torch.no_grad():
        try:
            with recorder:
                model(*args, **kwargs)
        except Exception as error:
            uncaught = error
            stop = Stop(f"{type(error).__name__}: {error}"[:300], recorder.span_of(error))
    trace = Finisher(recorder).trace("eager", stop, uncaught, (), True)
    shapes = tuple(recorder.described(tensor) for tensor in tensors_in((tuple(args), dict(kwargs))))
    return replace(trace, inputs=shapes)


def _roots(model: Callable[..., Any]) -> list[str]:
    module = sys.modules.get(type(model).__module__ if isinstance(model, nn.Module) else getattr(model, "__module__", ""))
    file = getattr(module, "__file__", None)
    return [os.getcwd(), *([str(Path(file).parent)] if file else [])]


@contextmanager
def _as_found(model: Callable[..., Any]) -> Iterator[None]:
    """Random state, buffers (BatchNorm counts in them) and train/eval modes are put back."""
    state = torch.get_rng_state()
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [module.training for module in modules]
    buffers = [(buffer, buffer.detach().clone()) for module in modules for buffer in module._buffers.values() if buffer is not None]
    try:
        yield
    finally:
        torch.set_rng_state(state)
        for module, training in zip(modules, modes, strict=True):
            module.training = training
        with torch.no_grad():
            for buffer, kept in buffers:
                buffer.copy_(kept)
