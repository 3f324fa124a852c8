"""What a call may leave behind outside of its model: random numbers, modes, defaults, hooks on all modules. Kept, and put back."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

# Switches of torch: what asks, what sets.
_SWITCHES: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.is_grad_enabled, torch._C._set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
    (torch.is_anomaly_enabled, lambda on: torch.set_anomaly_enabled(on, torch.is_anomaly_check_nan_enabled())),
    (torch.is_anomaly_check_nan_enabled, lambda on: torch.set_anomaly_enabled(torch.is_anomaly_enabled(), on)),
    (
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda on: torch.use_deterministic_algorithms(on[0], warn_only=on[1]),
    ),
    (torch._C._get_cudnn_enabled, torch._C._set_cudnn_enabled),
    (torch._C._get_cudnn_benchmark, torch._C._set_cudnn_benchmark),
    (torch._C._get_cudnn_deterministic, torch._C._set_cudnn_deterministic),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
)


@contextmanager
def as_found() -> Iterator[None]:
    """Whatever happens inside, the state of torch, numpy, `random` and `warnings` is afterwards what it was."""
    with ExitStack() as undo:
        undo.enter_context(warnings.catch_warnings())
        _keep_random_numbers(undo)
        for ask, put in _SWITCHES:
            undo.callback(_put_back, ask, put, ask())
        for device in {"cpu", _accelerator()}:
            _keep_autocast(undo, device)
        _keep_modes(undo)
        yield


def containers() -> Iterator[Any]:
    """The dicts and lists of torch itself that a forward may write to: the hooks on all modules, the cache of parametrizations."""
    for name, value in vars(torch.nn.modules.module).items():
        if name.startswith("_global_") and isinstance(value, dict):
            yield value
    parametrize = sys.modules.get("torch.nn.utils.parametrize")
    if parametrize is not None:
        yield vars(parametrize).get("_cache", {})


def _put_back(ask: Callable[[], Any], put: Callable[[Any], Any], before: Any) -> None:
    if ask() != before:
        put(before)


def _accelerator() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def _keep_random_numbers(undo: ExitStack) -> None:
    undo.callback(torch.set_rng_state, torch.get_rng_state())
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        undo.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
    if torch.backends.mps.is_available():
        undo.callback(torch.mps.set_rng_state, torch.mps.get_rng_state())
    undo.callback(random.setstate, random.getstate())
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        undo.callback(numpy.set_state, numpy.get_state())


def _keep_autocast(undo: ExitStack, device: str) -> None:
    undo.callback(
        _put_back,
        lambda: torch.get_autocast_dtype(device),
        lambda dtype: torch.set_autocast_dtype(device, dtype),
        torch.get_autocast_dtype(device),
    )
    undo.callback(
        _put_back,
        lambda: torch.is_autocast_enabled(device),
        lambda on: torch.set_autocast_enabled(device, on),
        torch.is_autocast_enabled(device),
    )


def _keep_modes(undo: ExitStack) -> None:
    """The stacks of modes, and the default device, which is one of them."""
    from torch.utils import _device
    from torch.utils._python_dispatch import _get_current_dispatch_mode_stack, _pop_mode

    functions = _function_modes()
    dispatch = len(_get_current_dispatch_mode_stack())
    where, current = torch._GLOBAL_DEVICE_CONTEXT, _device.CURRENT_DEVICE
    context = getattr(where, "device_context", None)

    def put_back() -> None:
        while len(_get_current_dispatch_mode_stack()) > dispatch:
            _pop_mode()
        if [*map(id, _function_modes())] != [*map(id, functions)]:
            while torch._C._len_torch_function_stack():
                torch._C._pop_torch_function_stack()
            for mode in functions:
                torch._C._push_on_torch_function_stack(mode)
        if getattr(where, "device_context", None) is not context:
            where.device_context = context
        _device.CURRENT_DEVICE = current

    undo.callback(put_back)


def _function_modes() -> list[Any]:
    return [torch._C._get_function_stack_at(place) for place in range(torch._C._len_torch_function_stack())]
