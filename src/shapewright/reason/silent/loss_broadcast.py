"""Two operands of a loss have as many elements and other shapes, and are spread over each other.

What happened. `(64, 1)` against `(64,)`: shapes are compared from the last dim, a missing dim or a dim of size 1 takes the
other's size, and the result is `(64, 64)`: every prediction is compared with every target. Nothing fails, `mse_loss`
warns at most, and the model learns the mean of the targets.

Why. A layer with one output gives `[N, 1]`, targets of one number each come as `[N]`. The same happens by hand
(`((pred - y) ** 2).mean()`), when an advantage `[N, 1]` weighs log-probabilities `[N]`, when `(pred == y).sum()` counts
hits, and when maps `[N, 1, H, W]` meet `[N, H, W]`.

How to tell which fix is right. Give both sides one shape: `squeeze(1)` for the side with the extra dim, or
`unsqueeze(1)` for the other. Never a bare `squeeze()`, which takes a batch of one as well. If every pair was meant, say
so: `a[:, None] - b[None, :]`.

Example. A prediction of 64 numbers in a column against 64 targets in a row:

    the loss compares all with all: predictions [64, 1] and targets [64] are spread to [64, 64]
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Clash, Event, TensorInfo, Trace
from shapewright.reason.names import operand_names
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import broadcast, whole
from shapewright.reason.silent import flow

SLUGS = ("loss-broadcast",)

LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
BY_HAND = ("sub", "add", "mul", "div", "pow", "eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum")
_REDUCTIONS = ("mean", "sum", "item", "all", "any")


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Losses, and calls by hand that end in one number, whose operands are both spread."""
    inside = flow.model_events(trace)
    for event in trace.events:
        operands = list(event.tensors())[:2]
        if event.op not in (*LOSSES, *BY_HAND) or len(operands) < 2 or not _spread(*operands):
            continue
        if event.op in LOSSES or (_implicit(*operands) and _compares(trace, event, inside) and _ends_in_one_number(trace, event)):
            yield event, _clash(trace, event, *operands)


def _spread(one: TensorInfo, other: TensorInfo) -> bool:
    """As many elements on both sides, and more when they meet."""
    met = broadcast((one.shape, other.shape))
    return one.numel == other.numel > 1 and met is not None and TensorInfo(met).numel > one.numel


def _implicit(one: TensorInfo, other: TensorInfo) -> bool:
    """(N, 1) with (N,); who writes (N, 1) with (1, N) wants all pairs."""
    return one.rank != other.rank


def _compares(trace: Trace, event: Event, inside: set[int]) -> bool:
    """Whether a model's output has part in it, or a gradient is taken of it; and the two sides are not one tensor."""
    sides = [flow.ancestors(trace, [tensor]) for tensor in list(event.tensors())[:2]]
    return bool((sides[0] | sides[1]) & inside) or flow.feeds_backward(trace, event)


def _ends_in_one_number(trace: Trace, event: Event) -> bool:
    todo, seen = [event], {event.index}
    ends = False
    while todo:
        for user in flow.consumers(trace, todo.pop()):
            if user.index in seen or user.training:
                continue
            seen.add(user.index)
            if user.op in _REDUCTIONS and (not user.output or user.output[0].rank == 0):
                ends = True
            elif user.output and user.output[0].shape == event.output[0].shape:
                todo.append(user)
            else:
                return False
    return ends


def _clash(trace: Trace, event: Event, one: TensorInfo, other: TensorInfo) -> Clash:
    names = operand_names(trace, event)
    first, second = names[0] or "the one side", names[1] or "the other"
    met = broadcast((one.shape, other.shape)) or ()
    headline = f"{say.sizes(one.shape)} and {say.sizes(other.shape)} are spread to {say.sizes(met)}: all is compared with all"
    label = f"{first} is {one}, {second} is {other}"
    return Clash(SLUGS[0], headline, label, whole(one), whole(other), severity="warning")
