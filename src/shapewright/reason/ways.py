"""How a dim travels through a call: which operand's dim an output dim comes from, or that the call itself set it. Pure.

The source of each mapping is the documented meaning of the torch function; a call that is not listed passes a dim on when an operand has
the very shape of the output, and otherwise counts as the place where the size was set.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from shapewright.model import Event, Number, TensorInfo, Trace, Value

Way = tuple[int, int] | None  # (position among the tensor operands, dim), or None: set here

_POOLS = ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "lp_pool", "fractional_max_pool", "max_unpool")
_RECURRENT = {"lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell"}
_BROADCAST = {
    "add", "sub", "mul", "div", "pow", "floor_divide", "remainder", "eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum", "where",
    "bitwise_and", "bitwise_or", "bitwise_xor", "masked_fill", "lerp", "addcmul", "addcdiv", "atan2", "logical_and", "logical_or",
}  # fmt: skip
_REDUCTIONS = {
    "sum",
    "mean",
    "amax",
    "amin",
    "max",
    "min",
    "argmax",
    "argmin",
    "std",
    "var",
    "prod",
    "norm",
    "any",
    "all",
    "median",
    "logsumexp",
}
FACTORIES = {"randn", "rand", "zeros", "ones", "empty", "full", "randint", "tensor", "arange", "linspace", "eye", "normal", "randperm"}


def way(event: Event, output: TensorInfo, dim: int) -> Way:
    """Where dim `dim` of the output comes from."""
    operands = list(event.tensors())
    if not operands or not 0 <= dim < output.rank:
        return None
    mapping = _mapping(event.op)
    return mapping(event, operands, output, dim)


def _mapping(op: str) -> Callable[[Event, list[TensorInfo], TensorInfo, int], Way]:
    if op in _NAMED:
        return _NAMED[op]
    if op.startswith("conv"):
        return _conv
    if op.startswith(_POOLS):
        return _pool
    if op in _RECURRENT:
        return _last_set
    if op in _BROADCAST:
        return _broadcast
    if op in _REDUCTIONS:
        return _reduction
    return _unchanged


def _unchanged(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    for position, operand in enumerate(operands[:4]):
        if operand.shape == output.shape:
            return position, dim
    first = operands[0]
    return (0, dim) if first.rank == output.rank and first.shape[dim] == output.shape[dim] else None


def _last_set(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    if dim == output.rank - 1 or operands[0].rank != output.rank or operands[0].shape[dim] != output.shape[dim]:
        return None
    return 0, dim


def _embedding(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    return None if dim == output.rank - 1 else (0, dim)


def _spatial(op: str) -> int:
    return int(op[-2]) if len(op) > 1 and op[-2].isdigit() and op.endswith("d") else 2


def _conv(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    batched = output.rank == _spatial(event.op) + 2
    return (0, 0) if batched and dim == 0 and operands[0].rank == output.rank else None


def _pool(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    return (0, dim) if dim < output.rank - _spatial(event.op) and operands[0].rank == output.rank else None


def _reshape(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    """A dim survives a reshape when what stands before it and its own size are the same on both sides."""
    shape = operands[0].shape
    before = prod(output.shape[:dim])
    for position, size in enumerate(shape):
        if size == output.shape[dim] and prod(shape[:position]) == before:
            return 0, position
    return None


def _permute(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    order = _integers(event.args[1:] if len(event.args) > 1 else (event.kwargs.get("dims"),))
    return (0, order[dim] % output.rank) if len(order) == output.rank else None


def _transpose(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    pair = _integers((event.argument(1, "dim0"), event.argument(2, "dim1")))
    if len(pair) != 2:
        return _swap(dim, 0, 1, output.rank)
    return _swap(dim, pair[0], pair[1], output.rank)


def _swap(dim: int, first: int, second: int, rank: int) -> Way:
    first, second = first % rank, second % rank
    return 0, second if dim == first else first if dim == second else dim


def _t(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    return 0, output.rank - 1 - dim


def _m_t(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    return _swap(dim, -1, -2, output.rank)


def _unsqueeze(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    at = _integers((event.argument(1, "dim"),))
    if not at or dim == at[0] % output.rank:
        return None
    return 0, dim - (dim > at[0] % output.rank)


def _squeeze(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    shape = operands[0].shape
    asked = {index % len(shape) for index in _integers((event.argument(1, "dim"),))} if len(shape) else set()
    kept = [index for index, size in enumerate(shape) if size != 1 or (asked and index not in asked)]
    return (0, kept[dim]) if len(kept) == output.rank else None


def _cat(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    at = _integers((event.argument(1, "dim", Number(0)),)) or [0]
    return None if dim == at[0] % output.rank else (0, dim)


def _stack(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    at = (_integers((event.argument(1, "dim", Number(0)),)) or [0])[0] % output.rank
    return None if dim == at else (0, dim - (dim > at))


def _matmul(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    if len(operands) < 2:
        return None
    left, right = operands[0], operands[1]
    if dim == output.rank - 1 and right.rank >= 2:
        return 1, right.rank - 1
    at = left.rank - (output.rank - dim) if right.rank >= 2 else dim
    return (0, at) if 0 <= at < left.rank and left.shape[at] == output.shape[dim] else None


def _broadcast(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    for position, operand in enumerate(operands):
        at = dim - (output.rank - operand.rank)
        if at >= 0 and operand.shape[at] == output.shape[dim]:
            return position, at
    return None


def _reduction(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    shape = operands[0].shape
    if len(shape) == output.rank:
        return (0, dim) if shape[dim] == output.shape[dim] else None
    gone = {index % len(shape) for index in _integers((event.argument(1, "dim"),))} if shape else set()
    kept = [index for index in range(len(shape)) if index not in gone]
    return (0, kept[dim]) if len(kept) == output.rank else None


def _getitem(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    """A number takes a dim away and None adds one: of `out[:, -1]` dim 0 is that of `out`, and the last one is its last."""
    index = event.argument(1, "index")
    parts = index if isinstance(index, tuple) else (index,)
    first = operands[0]
    if not all(part is None or isinstance(part, Number) or (isinstance(part, str) and part.startswith("slice")) for part in parts):
        return _same_rank(event, operands, output, dim)
    kept: list[int | None] = []
    at = 0
    for part in parts:
        if not isinstance(part, Number):
            kept.append(None if part is None else at)
        at += part is not None
    kept += range(at, first.rank)
    found = kept[dim] if len(kept) == output.rank else None
    return (0, found) if found is not None and found < first.rank and first.shape[found] == output.shape[dim] else None


def _same_rank(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    first = operands[0]
    return (0, dim) if first.rank == output.rank and first.shape[dim] == output.shape[dim] else None


def _in_front(event: Event, operands: list[TensorInfo], output: TensorInfo, dim: int) -> Way:
    """`expand` and `repeat` may add dims in front; the others are counted from the last."""
    at = dim - (output.rank - operands[0].rank)
    return (0, at) if at >= 0 and operands[0].shape[at] == output.shape[dim] else None


_NAMED: dict[str, Callable[[Event, list[TensorInfo], TensorInfo, int], Way]] = {
    "linear": _last_set, "embedding": _embedding, "multiheadattention": _last_set,
    "view": _reshape, "reshape": _reshape, "flatten": _reshape, "unflatten": _reshape, "view_as": _reshape, "reshape_as": _reshape,
    "ravel": _reshape, "permute": _permute, "transpose": _transpose, "t": _t, "mT": _m_t, "unsqueeze": _unsqueeze, "squeeze": _squeeze,
    "cat": _cat, "stack": _stack, "matmul": _matmul, "mm": _matmul, "bmm": _matmul,
    "getitem": _getitem, "chunk": _same_rank, "split": _same_rank, "narrow": _same_rank, "pad": _same_rank, "interpolate": _same_rank,
    "expand": _in_front, "repeat": _in_front, "broadcast_to": _in_front, "pixel_shuffle": _same_rank,
    "one_hot": lambda event, operands, output, dim: None,
}  # fmt: skip


def setter(trace: Trace, tensor: TensorInfo, dim: int) -> tuple[Event, int] | None:
    """The event that gave dim `dim` of the tensor its size, and which dim of its output that is; None: it came from outside."""
    for _ in range(10_000):
        if tensor.source is None or not 0 <= tensor.source < len(trace.events):
            return None
        event = trace.events[tensor.source]
        output = next((out for out in event.output if out.shape == tensor.shape), None)
        if output is None:  # not recorded in full, or changed in place since
            return (event, dim) if event.op != "not-recorded" else None
        found = way(event, output, dim)
        if found is None:
            return event, dim
        operand = list(event.tensors())[found[0]]
        if operand.source == tensor.source:
            return event, dim
        if operand.source is None:
            return None if operand.kind == "activation" or operand.kind == "input" else (event, dim)
        tensor, dim = operand, found[1]
    return None


def shaper(trace: Trace, tensor: TensorInfo) -> Event | None:
    """The event that gave the tensor its shape as a whole: those that only passed it on are left out."""
    found: Event | None = None
    while tensor.source is not None and 0 <= tensor.source < len(trace.events):
        event = trace.events[tensor.source]
        if event is found or event.op == "not-recorded":
            break
        found = event
        first = next((operand for operand in event.tensors() if operand.kind not in ("parameter", "buffer")), None)
        if first is None or first.shape != tensor.shape or first.source is None:
            break
        tensor = first
    return found


def chain(trace: Trace, tensor: TensorInfo) -> list[Event]:
    """The events from the first one to the one that made the tensor, each followed through the operand that its output is shaped by."""
    found: list[Event] = []
    seen: set[int] = set()
    while tensor.source is not None and tensor.source not in seen and 0 <= tensor.source < len(trace.events):
        seen.add(tensor.source)
        event = trace.events[tensor.source]
        if event.op == "not-recorded":
            break
        found.append(event)
        following = next((operand for operand in event.tensors() if operand.kind not in ("parameter", "buffer")), None)
        if following is None:
            break
        tensor = following
    return found[::-1]


def rests_on_assumption(trace: Trace, event: Event) -> bool:
    """Whether any size that the event works with was assumed."""
    todo = list(event.tensors())
    seen: set[int] = set()
    while todo:
        tensor = todo.pop()
        if tensor.assumed:
            return True
        if tensor.source is not None and tensor.source not in seen and 0 <= tensor.source < len(trace.events):
            seen.add(tensor.source)
            made_by = trace.events[tensor.source]
            todo.extend(made_by.output)
            todo.extend(made_by.tensors())
    return False


def _integers(values: tuple[Value, ...]) -> list[int]:
    found: list[int] = []
    for value in values:
        if isinstance(value, Number):
            found.append(value.value)
        elif isinstance(value, tuple):
            found.extend(_integers(value))
    return found
