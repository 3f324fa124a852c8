"""Words that more than one finding shares: what an event gave, and torch's own sentence. Pure."""

from __future__ import annotations

import re

from shapewright.model import Event, TensorInfo, Trace
from shapewright.reason.rules import say
from shapewright.reason.ways import FACTORIES
from shapewright.report import Place


def supply_words(trace: Trace, event: Event, supply: Place) -> str:
    """Under the expression that gave an activation its size."""
    module = trace.modules[event.module] if event.module is not None else None
    layer = f"`{say.module_name(module)}`" if module is not None and module.library and module.path else ""
    operand = next((tensor for tensor in event.tensors() if tensor.kind not in ("parameter", "buffer")), None)
    output = next((tensor for tensor in event.output if supply.value in tensor.shape), event.output[0] if event.output else None)
    if supply.formula:
        return f"{supply.formula.replace(' * ', '·')} = {supply.value}{_as_maps(operand)}"
    if event.op == "linear":
        return f"{layer or 'this layer'} gives {say.count(supply.value, 'feature')}"
    if event.op.startswith("conv") and output is not None and output.rank >= 3 and supply.value == output.shape[-(_spatial(event.op) + 1)]:
        return f"{layer or 'this convolution'} gives {say.count(supply.value, 'channel')}"
    if event.op in ("cat", "stack"):
        return f"joined from {', '.join(str(tensor) for tensor in list(event.tensors())[:4])}"
    if event.op in FACTORIES and output is not None:
        return f"made here as {output}"
    return f"gives {output}" if output is not None else f"gives {supply.value}"


def _spatial(op: str) -> int:
    return int(op[-2]) if op[-2:-1].isdigit() else 2


def _as_maps(operand: TensorInfo | None) -> str:
    if operand is not None and operand.rank == 4:
        return f": {say.count(operand.shape[1], 'channel')} of {operand.shape[2]}×{operand.shape[3]}"
    return ""


def remark_before_flatten(text: str) -> str:
    """`32 * 8 * 8` reads as 32 channels of 8×8."""
    found = re.fullmatch(r"\s*(\d+)\s*\*\s*(\d+)\s*\*\s*(\d+)\s*", text)
    return f": {say.count(int(found[1]), 'channel')} of {found[2]}×{found[3]}" if found else ""


def eager_sentence(event: Event) -> str:
    """The sentence that a real run gives for the calls whose wording differs on fake tensors; "" for all others, which say the same."""
    tensors = list(event.tensors())
    if event.op in ("linear", "mm", "matmul") and len(tensors) >= 2 and tensors[1].rank == 2 and tensors[0].rank >= 2:
        left, right = tensors[0], tensors[1]
        rows, inner = left.numel // max(left.shape[-1], 1), left.shape[-1]
        first, second = right.shape if event.op != "linear" else (right.shape[1], right.shape[0])
        if inner != first:
            return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{inner} and {first}x{second})"
    if event.op in ("add", "sub", "mul", "div") and len(tensors) == 2 and not event.inplace:
        left, right = tensors
        rank = max(left.rank, right.rank)
        for offset in range(1, rank + 1):
            a = left.shape[-offset] if offset <= left.rank else 1
            b = right.shape[-offset] if offset <= right.rank else 1
            if a != b and 1 not in (a, b):
                return f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {rank - offset}"
    return ""
