"""Which numbers of the source, set to what, would give a size of a clash another value? Pure.

A size is a layer's setting, a number in a call, or a dim of a tensor; the last is followed back to the call that set it, through flattens
(a product), `cat` (a sum), and layers that pass it on. What comes out are literals with new values: nobody has run them yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from shapewright.model import Event, ModuleInfo, Number, Origin, Size, TensorInfo, Trace
from shapewright.reason import solve
from shapewright.reason.ways import FACTORIES, setter
from shapewright.source import contains

DEEPEST = 6  # steps back from the failing call; further away a number is no likely culprit

# What gives a layer's output its last (or channel) dim, and how many times it counts.
_GIVES = ("out_features", "out_channels", "embedding_dim", "hidden_size", "embed_dim")


@dataclass(frozen=True, slots=True)
class Lever:
    """Literals and their new values; what they are to the program."""

    settings: tuple[solve.Setting, ...]
    setting: str = ""  # of which layer setting
    value: int = 0  # what that becomes
    module: ModuleInfo | None = None
    event: Event | None = None  # or of which call
    derived: bool = False  # a flatten multiplied the value together: nobody chose it
    merged: bool = False  # reached through such a flatten


def of_size(trace: Trace, event: Event, size: Size, value: int) -> Iterator[Lever]:
    """The ways to make one size of a failed call `value`."""
    module = trace.modules[event.module] if event.module is not None else None
    factors = _factors(trace, event, size)
    if size.setting and module is not None:
        number = module.number(size.setting, size.position)
        if number is not None:
            yield from _of_number(number, value, factors, size.setting, module, None)
        elif size.setting in event.kwargs:
            yield from _of_number(event.kwargs[size.setting], value, (), size.setting, None, event)
    elif size.number is not None:
        yield from _of_number(size.number, value, factors, "", None, event)
    elif size.tensor is not None and size.dim is not None:
        yield from of_dim(trace, size.tensor, size.dim, value)


def of_dim(trace: Trace, tensor: TensorInfo, dim: int, value: int, depth: int = 0) -> Iterator[Lever]:
    """The ways to make a dim of a tensor `value`."""
    if depth > DEEPEST or value < 1 or not tensor.rank or tensor.shape[dim % tensor.rank] == value:
        return
    found = setter(trace, tensor, dim % tensor.rank)
    if found is None:
        return
    made_by, at = found
    output = next((out for out in made_by.output if at < out.rank and out.shape[at] == tensor.shape[dim]), None)
    if output is None:
        return
    old = output.shape[at]
    module = trace.modules[made_by.module] if made_by.module is not None else None
    if module is None or not module.library:
        module = _of_weight(trace, made_by) or module
    if made_by.op in FACTORIES:
        number = _asked(made_by, output, at)
        if number is not None:
            yield from _of_number(number, value, (), "", None, made_by, old)
    elif module is not None and module.library and _is_given(made_by, output, at):
        yield from _of_layer(module, made_by, old, value)
    elif made_by.op in ("view", "reshape", "flatten", "unflatten"):
        yield from _of_reshape(trace, made_by, output, at, value, depth)
    elif made_by.op in ("cat", "concat", "hstack"):
        for part in made_by.tensors():
            if part.rank == output.rank:
                yield from of_dim(trace, part, at, value - (old - part.shape[at]), depth + 1)
    elif made_by.op == "chunk":
        whole, parts = next(made_by.tensors(), None), made_by.argument(1, "chunks")
        if whole is not None and isinstance(parts, Number):
            yield from of_dim(trace, whole, at, value * parts.value, depth + 1)
    elif made_by.op in ("expand", "repeat", "one_hot"):
        for number in numbers_in((made_by.args, tuple(made_by.kwargs.values()))):
            if number.value == old:
                yield from _of_number(number, value, (), "", None, made_by)


def _asked(event: Event, output: TensorInfo, at: int) -> Number | None:
    """The number that a factory was given for a dim: `torch.zeros(1, n, 64)`, `torch.randint(0, 9, (2, n))`, `torch.arange(n)`."""
    given = event.kwargs.get("size")
    if event.op in ("arange", "linspace", "eye", "randperm"):
        return next((number for number in numbers_in(event.args) if number.value == output.shape[at]), None)
    sizes = given if isinstance(given, tuple) else next((arg for arg in event.args if isinstance(arg, tuple)), event.args)
    number = sizes[at] if at < len(sizes) and len(sizes) == output.rank and event.op != "tensor" else None
    return number if isinstance(number, Number) else None


def _of_layer(module: ModuleInfo, event: Event, old: int, value: int) -> Iterator[Lever]:
    for setting in _GIVES:
        number = module.number(setting)
        if number is None or number.value == 0 or old % number.value:
            continue
        times = old // number.value  # a recurrent layer in both directions gives twice its hidden size
        if value % times == 0:
            yield from _of_number(number, value // times, (), setting, module, event)
        return


def _of_weight(trace: Trace, event: Event) -> ModuleInfo | None:
    """The layer whose weight a call was given: `F.linear(x, self.qkv.weight)`."""
    weight = event.argument(1, "weight")
    if not isinstance(weight, TensorInfo) or weight.kind != "parameter":
        return None
    path, _, name = weight.name.rpartition(".")
    return next((module for module in trace.modules if module.library and path and module.path == path and name == "weight"), None)


def _of_reshape(trace: Trace, event: Event, output: TensorInfo, at: int, value: int, depth: int) -> Iterator[Lever]:
    """A dim that a flatten merged is a product: each of its factors may be the wrong one."""
    operand = next(event.tensors(), None)
    if operand is None:
        return
    old = output.shape[at]
    for number in numbers_in(event.args[1:]):
        if number.value == old:
            yield from _of_number(number, value, (), "", None, event)
    for dim in merged(operand.shape, output.shape, at):
        rest = old // max(operand.shape[dim], 1)
        if rest and value % rest == 0:
            for lever in of_dim(trace, operand, dim, value // rest, depth + 1):
                yield replace(lever, merged=True)


def merged(before: Sequence[int], after: Sequence[int], at: int) -> range:
    """The dims of the operand that a reshape multiplied to dim `at` of its output; empty when they do not line up."""
    head = prod(after[:at])
    start = next((i for i in range(len(before) + 1) if prod(before[:i]) == head), None)
    if start is None:
        return range(0)
    for end in range(start + 1, len(before) + 1):
        if prod(before[start:end]) == after[at]:
            return range(start, end)
    return range(0)


def _is_given(event: Event, output: TensorInfo, at: int) -> bool:
    """Whether the dim is the one that a layer's own setting gives: the channels of a convolution, the last dim of all others."""
    if event.op.startswith("conv"):
        spatial = int(event.op[-2]) if event.op[-2:-1].isdigit() else 2
        return at == output.rank - spatial - 1
    return at == output.rank - 1


def _of_number(
    number: object, value: int, factors: Sequence[int], setting: str, module: ModuleInfo | None, event: Event | None, old: int | None = None
) -> Iterator[Lever]:
    if not isinstance(number, Number) or number.origin is None or value < 1 or (old is not None and number.value != old):
        return
    written_here = False
    for settings in solve.solutions(number.origin, value, factors):
        # Of the ways to write one product in one place, the first is as good as any; a literal elsewhere is another matter.
        here = _one_place(number.origin, settings)
        if here and written_here:
            continue
        written_here = written_here or here
        yield Lever(settings, setting, value, module, event, derived=len(factors) > 1)


def _one_place(origin: Origin, settings: tuple[solve.Setting, ...]) -> bool:
    span = origin.span
    return span is not None and all(leaf.span is not None and contains(span, leaf.span) for leaf, _ in settings)


def _factors(trace: Trace, event: Event, size: Size) -> tuple[int, ...]:
    """The sizes that a flatten before the failed call multiplied: channels, height, width."""
    tensor = next((tensor for tensor in event.tensors() if tensor.kind in ("activation", "input")), None)
    if tensor is None or not tensor.rank:
        return ()
    found = setter(trace, tensor, tensor.rank - 1)
    operand = next(found[0].tensors(), None) if found is not None and found[0].op in ("flatten", "view", "reshape") else None
    if found is None or operand is None or not found[0].output:
        return ()
    dims = merged(operand.shape, found[0].output[0].shape, found[1])
    return tuple(operand.shape[dim] for dim in dims)


def numbers_in(values: object) -> Iterator[Number]:
    """The numbers among the arguments of a call, also those in its lists."""
    if isinstance(values, Number):
        yield values
    elif isinstance(values, tuple):
        for value in values:
            yield from numbers_in(value)
