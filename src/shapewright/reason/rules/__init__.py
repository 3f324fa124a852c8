"""Which demand of a torch call was not met: a `Scene` goes in, a `Clash` comes out.

Every family of calls has its own file: a page for users, and pure functions that look at the op and at the shapes of
its operands. Nothing here imports torch, reads a file or looks at the text of an exception.
"""

from __future__ import annotations

from collections.abc import Callable

from shapewright.model import Clash
from shapewright.reason.rules import (
    attention,
    autograd,
    broadcast,
    checkpoint,
    concat,
    construction,
    conv,
    dims,
    embedding,
    index,
    linear,
    loss,
    matmul,
    norm,
    other,
    pool,
    recurrent,
    reshape,
    slots,
)
from shapewright.reason.scene import Scene

# The order matters only between those that look at one call: a dim that does not exist comes before what is done along it.
FAMILIES: tuple[Callable[[Scene], Clash | None], ...] = (
    construction.demand,
    autograd.demand,
    dims.demand,
    linear.demand,
    conv.demand,
    pool.demand,
    reshape.demand,
    broadcast.demand,
    concat.demand,
    matmul.demand,
    norm.demand,
    embedding.demand,
    index.demand,
    slots.demand,
    recurrent.demand,
    attention.demand,
    loss.demand,
    checkpoint.demand,
    other.demand,
)


def demand(scene: Scene) -> Clash | None:
    """The demand that the call's shapes do not meet, known for sure. May be asked of calls that did not fail: then None."""
    for family in FAMILIES:
        clash = family(scene)
        if clash is not None:
            return clash
    return None


def diagnose(scene: Scene) -> Clash | None:
    """What a failed call clashed over; in neutral words where no rule is sure; None when it is plainly no matter of shapes."""
    return demand(scene) or reshape.out_of_order(scene) or other.neutral(scene)
