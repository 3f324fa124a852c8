"""The calls of a trace and what their modules hold: in goes a `Trace`, out come the events worth a row, and counts of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from shapewright.model import Event, Trace

_BYTES = {
    "float64": 8,
    "int64": 8,
    "complex64": 8,
    "complex128": 16,
    "float16": 2,
    "bfloat16": 2,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}


def worth_a_row(event: Event) -> bool:
    """Whether something flowed through the call: not one that only fills parameters, nor a placeholder for a call nobody saw."""
    if event.failure is not None or event.training:
        return True
    tensors = list(event.tensors())
    filling = event.inplace and all(tensor.kind in ("parameter", "buffer") for tensor in tensors)
    return bool(tensors or event.output) and not filling


def parameters(trace: Trace) -> int:
    """The parameters of all modules; one that several modules share counts once."""
    return sum(size for _, size, _ in _parameters(trace))


def megabytes(trace: Trace) -> float:
    """What the parameters take, in millions of bytes (four a number where the run did not see the dtype)."""
    return sum(size * width for _, size, width in _parameters(trace)) / 1e6


def per_event(trace: Trace) -> list[int]:
    """For each event the parameters of its module, at the first event that uses them; 0 elsewhere."""
    held = [0] * len(trace.modules)
    for module, size, _ in _parameters(trace):
        held[module] += size
    counts: list[int] = []
    for event in trace.events:
        used: list[int] = []
        if event.module is not None and event.call == "module":  # one event for all that happens below
            used = [module.index for module in trace.modules if _is_within(module.index, event.module, trace)]
        elif event.module is not None and worth_a_row(event):
            uses = trace.modules[event.module].library or any(tensor.kind == "parameter" for tensor in event.tensors())
            used = [event.module] if uses else []
        counts.append(sum(held[index] for index in used))
        for index in used:
            held[index] = 0
    return counts


def _is_within(index: int | None, outer: int, trace: Trace) -> bool:
    while index is not None and index != outer:
        index = trace.modules[index].parent
    return index == outer


def _parameters(trace: Trace) -> Iterator[tuple[int, int, int]]:
    """Each parameter once: the module that holds it, how many numbers, how many bytes each."""
    seen: dict[str, str] = {}  # name → dtype, of the parameters that calls used
    used: dict[int, set[tuple[str, tuple[int, ...]]]] = {}
    for event in trace.events:
        for tensor in event.tensors():
            if tensor.kind == "parameter" and tensor.name:
                seen[tensor.name] = tensor.dtype
                if event.module is not None:
                    used.setdefault(event.module, set()).add((tensor.name, tensor.shape))
    owned = [
        {f"{module.path}.{name}" if module.path else name: shape for name, shape in module.parameters.items()} for module in trace.modules
    ]
    known = {name for own in owned for name in own}
    for module, own in zip(trace.modules, owned, strict=True):
        borrowed = [shape for name, shape in used.get(module.index, ()) if name in known and name not in own]
        for name, shape in own.items():
            if name not in seen and shape in borrowed:  # the calls of this module use another one's: it is the same parameter
                borrowed.remove(shape)
                continue
            yield module.index, prod(shape), _BYTES.get(seen.get(name, ""), 4)
