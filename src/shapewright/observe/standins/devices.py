"""Every device is the CPU.

In: calls that name a device which a dry run does not use (`.cuda()`, `device="cuda:0"`, `torch.cuda.set_device(0)`).
Out: the same calls on the CPU. Torch functions are seen by the recorder, which asks `to_cpu`; what it cannot see (constructors,
functions of `torch.cuda`, methods of modules) is replaced here. `is_available()` and `device_count()` stay true to the machine.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

from shapewright.observe.standins.patches import Patches
from shapewright.observe.standins.quiet import Quiet

_HERE = ("cpu", "meta")
_GIGABYTES_16 = 16 * 1024**3
_FACTORIES = (
    "arange", "as_tensor", "asarray", "empty", "empty_like", "empty_strided", "eye", "full", "full_like", "linspace", "logspace", "normal",
    "ones", "ones_like", "rand", "rand_like", "randint", "randn", "randn_like", "randperm", "scalar_tensor", "sparse_coo_tensor", "tensor",
    "tril_indices", "triu_indices", "zeros", "zeros_like",
)  # fmt: skip
_METHODS = ("to", "type", "cuda", "xpu", "ipu", "mtia", "pin_memory", "new_empty", "new_full", "new_ones", "new_tensor", "new_zeros")

# The torch functions whose arguments may name a device or pinned memory other than by `device=`.
MOVES: frozenset[Any] = frozenset(
    getattr(owner, name)
    for owner, names in (
        (torch.Tensor, _METHODS),
        (torch, _FACTORIES),
        (torch._C._nn, ("_parse_to",)),  # what Module.to asks first
    )
    for name in names
    if hasattr(owner, name)
)  # fmt: skip


def to_cpu(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a torch call with every device that is not the CPU (or meta) replaced, and without pinned memory."""
    kwargs = dict(kwargs or {})
    if "device" in kwargs:
        kwargs["device"] = _here(kwargs["device"])
    if kwargs.get("pin_memory"):
        kwargs["pin_memory"] = False
    if func is torch.Tensor.to and len(args) > 1:
        args = (args[0], _here(args[1]), *args[2:])
    elif func is torch._C._nn._parse_to and args:
        args = (_here(args[0]), *args[1:])
    elif func is torch.Tensor.type and len(args) > 1:
        args = (args[0], _cpu_type(args[1]), *args[2:])
    elif func is torch.Tensor.type and "dtype" in kwargs:
        kwargs["dtype"] = _cpu_type(kwargs["dtype"])
    elif any(isinstance(arg, torch.device) for arg in args):
        args = tuple(_here(arg) if isinstance(arg, torch.device) else arg for arg in args)
    return args, kwargs


def _here(device: Any) -> Any:
    """The CPU for any other device; what is no device at all (a dtype, a tensor) as it is."""
    if isinstance(device, torch.device):
        return device if device.type in _HERE else torch.device("cpu")
    if isinstance(device, str):
        return device if device.split(":")[0] in _HERE else "cpu"
    if isinstance(device, int) and not isinstance(device, bool):
        return "cpu"
    return device


def _cpu_type(kind: Any) -> Any:
    """`torch.FloatTensor` for `torch.cuda.FloatTensor`, as a class or as text."""
    if isinstance(kind, str):
        return kind.replace("torch.cuda.", "torch.")
    if isinstance(kind, type) and getattr(kind, "__module__", "") == "torch.cuda":
        return getattr(torch, kind.__name__)
    return kind


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Succeeds, and does nothing."""


def _same(tensor: Any, *args: Any, **kwargs: Any) -> Any:
    return tensor


def _own(answer: Callable[..., Any]) -> Callable[..., Any]:
    """A function object for this place only: torch's compiler keeps a table of torch's functions and refuses to meet one twice."""
    return answer if isinstance(answer, type) else lambda *args, **kwargs: answer(*args, **kwargs)


class _Context(contextlib.ContextDecorator):
    """`torch.cuda.device(0)`, `torch.cuda.stream(s)`: a context, and a decorator, without effect."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.idx = 0

    def __enter__(self) -> _Context:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class _Stream(_Context):
    """A stream or an event: everything on it has happened already."""

    device = torch.device("cpu")
    cuda_stream = 0

    def query(self) -> bool:
        return True

    def elapsed_time(self, other: Any) -> float:
        return 1.0

    def record_event(self, event: Any = None) -> Any:
        return event or _Stream()

    record = synchronize = wait = wait_event = wait_stream = _nothing


def _properties(device: Any = None) -> SimpleNamespace:
    return SimpleNamespace(
        name="CPU", major=8, minor=0, total_memory=_GIGABYTES_16, multi_processor_count=1, is_integrated=False, is_multi_gpu_board=False
    )


def install(patches: Patches) -> None:
    """Put the CPU where programs ask for another device."""
    for method in ("cuda", "xpu", "ipu", "mtia", "pin_memory"):
        patches.set_if_there(torch.Tensor, method, _own(_same))
    patches.set(torch.Tensor, "record_stream", _own(_nothing))
    for module in (torch.cuda, torch.xpu, torch.mps, torch.accelerator):
        _quieten(patches, module)
    for name in dir(torch.cuda):
        if name.endswith(("Tensor", "Storage")) and hasattr(torch, name):
            patches.set(torch.cuda, name, getattr(torch, name))
    for name in ("range_push", "range_pop", "mark", "range_start", "range_end"):
        patches.set_if_there(torch.cuda.nvtx, name, _own(_nothing))
    patches.set(torch.cuda.nvtx, "range", _Context)
    patches.set_if_there(torch.cuda, "cudart", Quiet)
    patches.set(torch, "Generator", _generator())
    _defaults(patches)
    _loading(patches)
    _parallel(patches)
    _compiling(patches)


def _quieten(patches: Patches, module: ModuleType) -> None:
    """The functions of `torch.cuda` and its like that need a device."""
    answers: dict[str, Callable[..., Any]] = {
        "current_device": lambda *a, **k: 0,
        "current_device_index": lambda *a, **k: 0,
        "current_stream": lambda *a, **k: _Stream(),
        "default_stream": lambda *a, **k: _Stream(),
        "device": _Context,
        "device_of": _Context,
        "stream": _Context,
        "Stream": _Stream,
        "ExternalStream": _Stream,
        "Event": _Stream,
        "get_device_name": lambda *a, **k: "CPU",
        "get_device_capability": lambda *a, **k: (8, 0),
        "get_device_properties": _properties,
        "get_rng_state": lambda *a, **k: torch.get_rng_state(),
        "get_rng_state_all": lambda *a, **k: [],
        "initial_seed": lambda *a, **k: torch.initial_seed(),
        "mem_get_info": lambda *a, **k: (_GIGABYTES_16, _GIGABYTES_16),
        "get_memory_info": lambda *a, **k: (_GIGABYTES_16, _GIGABYTES_16),
        "memory_stats": lambda *a, **k: {},
        "memory_snapshot": lambda *a, **k: [],
        "memory_summary": lambda *a, **k: "",
    }
    zero = (
        "memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved", "memory_cached", "max_memory_cached",
        "utilization", "memory_usage", "temperature", "power_draw", "clock_rate", "current_allocated_memory", "driver_allocated_memory",
        "recommended_max_memory",
    )  # fmt: skip
    silent = (
        "set_device", "set_device_index", "set_device_idx", "set_stream", "synchronize", "empty_cache", "ipc_collect", "init",
        "manual_seed", "manual_seed_all", "seed", "seed_all", "set_rng_state", "set_rng_state_all", "reset_peak_memory_stats",
        "reset_max_memory_allocated", "reset_max_memory_cached", "reset_accumulated_memory_stats",
        "set_per_process_memory_fraction", "set_sync_debug_mode",
    )  # fmt: skip
    answers |= dict.fromkeys(zero, lambda *a, **k: 0) | dict.fromkeys(silent, _nothing)
    for name, answer in answers.items():
        patches.set_if_there(module, name, _own(answer))


def _generator() -> type:
    real = torch.Generator

    class _OnlyHere(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    class Generator(metaclass=_OnlyHere):
        """`torch.Generator` whose device is always the CPU."""

        def __new__(cls, device: Any = None) -> Any:
            return real()

    return Generator


def _defaults(patches: Patches) -> None:
    set_device: Callable[[Any], None] = torch.set_default_device
    set_type: Callable[[Any], None] = torch.set_default_tensor_type

    def set_default_device(device: Any) -> None:
        # Any default device sits below the recorder, which then could not mend it; the CPU needs no setting.
        meta = device is not None and torch.device(_here(device)).type == "meta"
        set_device("meta" if meta else None)
        patches.callback(set_device, None)

    def set_default_tensor_type(kind: Any) -> None:
        set_type(_cpu_type(kind))

    patches.callback(torch.set_default_dtype, torch.get_default_dtype())
    patches.set(torch, "set_default_device", set_default_device)
    patches.set(torch, "set_default_tensor_type", set_default_tensor_type)


def _loading(patches: Patches) -> None:
    load: Callable[..., Any] = torch.load
    jit_load: Callable[..., Any] = torch.jit.load

    def load_here(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        return load(f, "cpu", *args, **kwargs)

    def jit_load_here(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        return jit_load(f, "cpu", *args, **kwargs)

    patches.set(torch, "load", load_here)
    patches.set(torch.jit, "load", jit_load_here)


def _parallel(patches: Patches) -> None:
    patches.set(torch.nn.parallel, "data_parallel", _data_parallel)
    # DataParallel passes everything on to its module when it sees no device to spread it over.
    patches.set_if_there(sys.modules[torch.nn.DataParallel.__module__], "_get_available_device_type", lambda: None)


def _data_parallel(
    module: Any, inputs: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0, module_kwargs: Any = None
) -> Any:
    inputs = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


def _compiling(patches: Patches) -> None:
    def compile_nothing(model: Any = None, **options: Any) -> Any:
        return model if model is not None else _same

    patches.set(torch, "compile", compile_nothing)
    patches.set(torch.nn.Module, "compile", _own(_nothing))
