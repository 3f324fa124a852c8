"""A live model or function, called once in this process with notes taken, and left as it was found."""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shapewright.model import Stop, Trace
from shapewright.observe import hooks
from shapewright.observe.as_found import Kept, as_found
from shapewright.observe.finish import Finisher
from shapewright.observe.live_inputs import from_shapes, twins
from shapewright.observe.load import package_root
from shapewright.observe.measure import tensors_in
from shapewright.observe.record import Recorder
from shapewright.observe.warned import blaming_the_program
from shapewright.source import Sources

_SCRIPTED = "it is TorchScript, and what happens inside of that cannot be seen"
_SCRIPTED_ADVICE = "check the model that it was scripted or traced from"


def observe_live(model: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trace:
    """Call the model with twins of the inputs, and give its trace. The model, the inputs and torch's own state are afterwards as before.

    It is called in the caller's grad mode, and without a compiler. Frames of files below the working directory, of the files that define
    the model's classes, and of notebook cells count as the user's. Raises `TypeError` when the model cannot be called so. What the model
    raises is told, SystemExit, too; KeyboardInterrupt and the like go through.
    """
    model, device = unwrapped(model)
    if _is_scripted(model):
        return Trace(stop=Stop(_SCRIPTED, kind="scripted", advice=_SCRIPTED_ADVICE), torch_version=str(torch.__version__))
    recorder = Recorder(LiveSources(_roots(model)))
    recorder.base = observe_live.__code__
    uncaught: BaseException | None = None
    stop: Stop | None = None
    with as_found(model) as kept, uncompiled(), blaming_the_program():
        args, kwargs = from_shapes(model, args, kwargs, [one for one in kept.seen.values() if _is_weight(one)])
        _check_call(model, args, kwargs)
        args, kwargs = twins(args, kwargs, kept)
        args, kwargs = _moved((args, kwargs), device)
        shapes = tuple(recorder.described(tensor) for tensor in tensors_in((args, kwargs)))  # now: they may be changed in place
        with hooks.listening(recorder, construction=False):
            try:
                with recorder:
                    recorder.gave(model(*args, **kwargs))
            except (Exception, SystemExit) as error:
                uncaught = error
                stop = _stop(error, recorder)
            _name_owners(recorder, kept)
            trace = Finisher(recorder).trace("eager", stop, uncaught, (), True)
    if uncaught is not None:
        traceback.clear_frames(uncaught.__traceback__)  # the activations of the call are in them
    return replace(trace, inputs=shapes)


def _stop(error: BaseException, recorder: Recorder) -> Stop:
    words = ": ".join(word for word in (type(error).__name__, _text(error)) if word)[:300]
    if isinstance(error, SystemExit):
        return Stop(f"the model ended the program with {words}", recorder.span_of(error), "exit")
    return Stop(words, recorder.span_of(error))


class LiveSources(Sources):
    """Cells of a notebook are the user's, too; their text is where Python's own tracebacks find it."""

    def _decide(self, file: str) -> bool:
        cell = file.startswith(("<ipython-input-", "<python-input-")) or "ipykernel_" in file
        return (cell and file in linecache.cache) or super()._decide(file)


def _roots(model: Callable[..., Any]) -> list[str]:
    """The working directory, and the folders of the packages that define the model. (Those of installed libraries do not count.)"""
    things = [type(part) if isinstance(part, nn.Module) else part for part in _parts(model)]
    files = {getattr(sys.modules.get(getattr(thing, "__module__", None) or ""), "__file__", None) for thing in things}
    return [os.getcwd(), *sorted({str(package_root(Path(file).resolve())) for file in files if file})]


def _parts(model: Any) -> Iterator[Any]:
    if isinstance(model, nn.Module):
        yield from model.modules()
    elif isinstance(model, functools.partial):
        yield from _parts(model.func)
    else:
        yield model
        if inspect.ismethod(model):
            yield from _parts(model.__self__)


def unwrapped(model: Any) -> tuple[Any, Any]:
    """The model inside of `torch.compile` and the data-parallel wrappers; and the device that such a wrapper moves its inputs to."""
    device = None
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            device = device or next(iter(model.device_ids or ()), None)
            model = model.module
        elif type(model).__module__.startswith("torch._dynamo") and isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model = model._orig_mod
        elif callable(getattr(model, "_torchdynamo_orig_callable", None)) and not isinstance(model, nn.Module):
            model = model._torchdynamo_orig_callable
        else:
            return model, device


def _is_scripted(model: Any) -> bool:
    owner = getattr(model, "__self__", None)
    return isinstance(model, torch.jit.ScriptModule | torch.jit.ScriptFunction) or isinstance(owner, torch.jit.ScriptModule)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Compiled parts run as they were written: what a compiler makes of them has other calls. Without the compiler loaded nothing is."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def _is_weight(value: Any) -> bool:
    return isinstance(value, nn.Parameter)


def _check_call(model: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Whether the inputs fit the signature; a hook before the call may still change them, and is left to do so."""
    if isinstance(model, nn.Module) and (model._forward_pre_hooks or type(model).__call__ is not nn.Module.__call__):
        return
    called = model.forward if isinstance(model, nn.Module) else model
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        name = f"{type(model).__name__}.forward" if isinstance(model, nn.Module) else getattr(model, "__name__", "the function")
        raise TypeError(f"{name}{signature} cannot be called with these inputs: {error}") from None


def _moved(values: Any, device: Any) -> Any:
    if device is None:
        return values
    from torch.utils._pytree import tree_map_only

    return tree_map_only(torch.Tensor, lambda tensor: tensor.to(device), values)


def _name_owners(recorder: Recorder, kept: Kept) -> None:
    """A model of which only a method or a part was called is still what the parts' paths begin at."""
    modules = [one for one in kept.seen.values() if isinstance(one, nn.Module)]
    below = {id(child) for module in modules for child in module.children()}
    called = set(recorder.called)
    for root in modules:
        if id(root) not in below and id(root) not in called and any(id(child) in called for child in root.modules()):
            recorder.called[id(root)] = root


def _text(error: BaseException) -> str:
    try:
        return str(error).strip().split("\n")[0]
    except Exception:
        return ""
