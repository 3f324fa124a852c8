"""What a call costs: in goes an `Event` with its shapes, out comes the number of multiply-adds.

Counted are the products of matrix multiplications and convolutions, which is nearly all of a network's work: one multiply-add
is one product added to a sum. Biases, activations, normalisations, pooling and elementwise arithmetic count as nothing. A call
that failed, or whose sizes do not say it, costs 0.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from shapewright.model import Event, ModuleInfo, Number, TensorInfo, Trace, Value


def multiply_adds(event: Event, module: ModuleInfo | None = None) -> int:
    """The multiply-adds of one call; `module` is the module whose forward made it."""
    if event.failure is not None or event.training or not event.output:
        return 0
    count = _COUNTS.get(event.op)
    return count(event, module) if count else 0


def costs(trace: Trace) -> tuple[int, ...]:
    """The multiply-adds of all events of a trace."""
    return tuple(multiply_adds(event, None if event.module is None else trace.modules[event.module]) for event in trace.events)


def _tensor(event: Event, position: int, name: str) -> TensorInfo | None:
    value = event.argument(position, name)
    return value if isinstance(value, TensorInfo) else None


def _linear(event: Event, module: ModuleInfo | None) -> int:
    """y = x·Wᵀ + b (documentation of torch.nn.Linear): each output number sums `in_features` products."""
    weight = _tensor(event, 1, "weight")
    return event.output[0].numel * weight.shape[-1] if weight and weight.shape else 0


def _convolution(event: Event, module: ModuleInfo | None) -> int:
    """out[n, c] = Σₖ weight[c, k] ⋆ input[n, k] (documentation of torch.nn.Conv2d): each output number sums
    (in_channels / groups) · kernel products, which are the dims of one filter."""
    weight = _tensor(event, 1, "weight")
    return event.output[0].numel * prod(weight.shape[1:]) if weight else 0


def _transposed_convolution(event: Event, module: ModuleInfo | None) -> int:
    """The gradient of a convolution with respect to its input (documentation of torch.nn.ConvTranspose2d): each input
    number is multiplied with (out_channels / groups) · kernel weights; the weight is laid out (in, out / groups, kernel)."""
    input, weight = _tensor(event, 0, "input"), _tensor(event, 1, "weight")
    return input.numel * prod(weight.shape[1:]) if input and weight else 0


def _product(event: Event, module: ModuleInfo | None) -> int:
    """out[…, i, j] = Σₖ a[…, i, k] · b[…, k, j] (documentation of torch.matmul): each output number sums k products."""
    first = _tensor(event, 0, "input")
    return event.output[0].numel * first.shape[-1] if first and first.shape else 0


def _added_product(event: Event, module: ModuleInfo | None) -> int:
    """beta · input + alpha · (a @ b) (documentation of torch.addmm and torch.baddbmm): as for a @ b."""
    first = _tensor(event, 1, "mat1") or _tensor(event, 1, "batch1") or _tensor(event, 1, "mat")
    return event.output[0].numel * first.shape[-1] if first and first.shape else 0


def _summed_product(event: Event, module: ModuleInfo | None) -> int:
    """beta · input + alpha · Σᵢ a[i] @ b[i] (documentation of torch.addbmm): b · n · m · p products."""
    first, second = _tensor(event, 1, "batch1"), _tensor(event, 2, "batch2")
    return first.numel * second.shape[-1] if first and second and second.shape else 0


def _einsum(event: Event, module: ModuleInfo | None) -> int:
    """The sum over the indices that the result does not have (documentation of torch.einsum), of two operands: the product of all
    index sizes, where an index that only one operand has and the result has not is summed before. With three operands and more
    the order decides, which is not known here."""
    equation = event.argument(0, "equation")
    operands = list(event.tensors())
    if not isinstance(equation, str) or len(operands) != 2:
        return 0
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != 2:
        return 0
    sizes: dict[str, int] = {}
    indexes: list[set[str]] = []
    for term, operand in zip(terms, operands, strict=True):
        named = term.replace("...", "")
        front, dots, _ = term.partition("...")
        spread = operand.rank - len(named)
        if spread < 0 or (spread and not dots):
            return 0
        # the dims of "..." are aligned at their ends, so they are named by their distance from the end
        names = [*front, *(f"...{spread - i}" for i in range(spread)), *term[len(front) + len(dots) :]]
        indexes.append(set(names))
        for name, size in zip(names, operand.shape, strict=True):
            sizes[name] = max(size, sizes.get(name, 1)) if size else 0
    both = indexes[0] & indexes[1]
    kept = set(right) if arrow else {name for name in left if left.count(name) == 1}
    return prod(size for name, size in sizes.items() if name in both or name in kept or name.startswith("..."))


def _recurrent(event: Event, module: ModuleInfo | None) -> int:
    """At each step each weight matrix is multiplied with the input or the state (formulas in the documentation of torch.nn.RNN, LSTM, GRU):
    steps · batch · the sizes of weight_ih, weight_hh and weight_hr of all layers and directions."""
    input = _tensor(event, 0, "input")
    if input is None or module is None or not input.shape or not input.shape[-1]:
        return 0
    weights = sum(prod(shape) for name, shape in module.parameters.items() if name.startswith("weight"))
    return input.numel // input.shape[-1] * weights


def _attention_layer(event: Event, module: ModuleInfo | None) -> int:
    """Concat(head₁ … headₕ)·Wᴼ with headᵢ = Attention(Q·Wᵢ, K·Wᵢ, V·Wᵢ) (documentation of torch.nn.MultiheadAttention):
    projections of query, key, value and output, and L · S · embed_dim products each for the scores and the weighted sum."""
    query, key, value = _tensor(event, 0, "query"), _tensor(event, 1, "key"), _tensor(event, 2, "value")
    if query is None or key is None or value is None or not query.shape or key.rank != query.rank:
        return 0
    width = query.shape[-1]
    first = query.rank == 3 and module is not None and _true(module.settings.get("batch_first"))
    length = key.shape[1] if first else key.shape[0]
    projections = (query.numel + key.numel + value.numel + query.numel) * width
    return projections + 2 * query.numel * length


def _true(value: Value) -> bool:
    return bool(value.value) if isinstance(value, Number) else value is True


def _attention(event: Event, module: ModuleInfo | None) -> int:
    """softmax(Q·Kᵀ/√d)·V (documentation of torch.nn.functional.scaled_dot_product_attention): L · S · (E + Ev) products for each
    head of each example; a mask does not make it less."""
    query, key, value = _tensor(event, 0, "query"), _tensor(event, 1, "key"), _tensor(event, 2, "value")
    if query is None or key is None or value is None or min(query.rank, key.rank, value.rank) < 2:
        return 0
    rows = prod(event.output[0].shape[:-1])
    return rows * key.shape[-2] * (query.shape[-1] + value.shape[-1])


_COUNTS: dict[str, Callable[[Event, ModuleInfo | None], int]] = {
    "linear": _linear,
    **{f"conv{n}d": _convolution for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _transposed_convolution for n in (1, 2, 3)},
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "inner"), _product),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), _added_product),
    "addbmm": _summed_product,
    "einsum": _einsum,
    **dict.fromkeys(("lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell"), _recurrent),
    "multiheadattention": _attention_layer,
    "scaled_dot_product_attention": _attention,
}
