"""How values go from call to call in a run: what a call's operands were made from, and what was made of its result. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from shapewright.model import Event, ModelCall, ModuleInfo, TensorInfo, Trace


def ancestors(trace: Trace, tensors: Iterable[TensorInfo]) -> set[int]:
    """The events that the tensors were made by, and those that gave these their operands, and so on."""
    seen: set[int] = set()
    todo = [tensor.source for tensor in tensors]
    while todo:
        source = todo.pop()
        if source is None or source in seen or not 0 <= source < len(trace.events):
            continue
        seen.add(source)
        todo.extend(tensor.source for tensor in trace.events[source].tensors())
    return seen


def consumers(trace: Trace, event: Event) -> Iterator[Event]:
    """The later calls that work on the event's result; of a place that is reached again the first one stands for all."""
    for other in trace.events[event.index + 1 :]:
        if any(tensor.source is not None and _same_place(trace, tensor.source, event) for tensor in other.tensors()):
            yield other


def _same_place(trace: Trace, source: int, event: Event) -> bool:
    if source == event.index:
        return True
    other = trace.events[source] if 0 <= source < len(trace.events) else None
    return other is not None and other.op == event.op and event.span is not None and other.span == event.span


def model_events(trace: Trace) -> set[int]:
    """The events that were made inside of the program's models: modules that have parameters and are called from outside."""
    return {index for call in trace.calls if has_parameters(trace, call) for index in range(call.first, call.end)}


def has_parameters(trace: Trace, call: ModelCall) -> bool:
    """Whether the called module, or one below it, has parameters (a loss has none)."""
    return any(module.parameters for module in below(trace, call.module))


def below(trace: Trace, index: int) -> Iterator[ModuleInfo]:
    """The module and all modules in it, which stand right behind it."""
    found = {index}
    yield trace.modules[index]
    for number in range(index + 1, len(trace.modules)):
        if trace.modules[number].parent not in found:
            return
        found.add(number)
        yield trace.modules[number]


VIEWS = {
    "unsqueeze", "squeeze", "view", "reshape", "flatten", "ravel", "unflatten", "getitem", "t", "mT", "transpose", "permute", "movedim",
    "detach", "clone", "contiguous", "data", "to", "float", "double", "half", "bfloat16", "long", "int", "bool", "type", "cpu", "cuda",
    "expand", "expand_as", "view_as", "reshape_as", "requires_grad", "type_as",
}  # fmt: skip


def learned(trace: Trace, tensors: Iterable[TensorInfo]) -> bool:
    """Whether parameters of a model have part in the tensors."""
    tensors = list(tensors)
    if any(tensor.kind == "parameter" for tensor in tensors):
        return True
    for index in ancestors(trace, tensors):
        event = trace.events[index]
        layer = trace.modules[event.module] if event.module is not None else None
        if (layer is not None and layer.library and layer.parameters) or any(operand.kind == "parameter" for operand in event.tensors()):
            return True
    return False


def origin(trace: Trace, tensor: TensorInfo, through: Callable[[Event], bool]) -> TensorInfo:
    """What a tensor was made from: back through the calls that `through` lets pass, along their first operand that is no parameter."""
    for _ in range(10_000):
        if tensor.source is None or not 0 <= tensor.source < len(trace.events):
            break
        event = trace.events[tensor.source]
        before = next((operand for operand in event.tensors() if operand.kind not in ("parameter", "buffer")), None)
        if before is None or before.source == tensor.source or not through(event):
            break
        tensor = before
    return tensor
