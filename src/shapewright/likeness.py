"""What two failures of a session share: they need one diagnosis when only the batch is another one.

PyTorch's words are compared with each other, number by number, and not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shapewright.model import Span

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Likeness:
    """A failure, as far as it is known without running anything."""

    place: Span  # the user's innermost expression
    kind: str  # of the exception
    words: str  # its message without the numbers
    numbers: tuple[int, ...]  # those of the message, and all sizes of the operands
    weights: str  # of the model: its parameters' names and shapes
    dtypes: tuple[tuple[str, int], ...]  # of the operands, with their numbers of dims
    batch: int = 0  # the first size of the first operand; 0 when that has no batch

    def same_place(self, other: Likeness) -> bool:
        """Whether the same expression fails with the same sentence."""
        return (self.place, self.kind, self.words) == (other.place, other.kind, other.words)

    def same_but_batch(self, other: Likeness) -> bool:
        """Whether each number is the same, or is to the other as the batches are."""
        if not self.same_place(other) or (self.weights, self.dtypes) != (other.weights, other.dtypes) or not self.batch or not other.batch:
            return False
        pairs = zip(self.numbers, other.numbers, strict=True)
        return all(one == two or one * other.batch == two * self.batch for one, two in pairs)


def of(error: BaseException, root: str) -> Likeness | None:
    """What the frames tell of the failure of a torch call; None when none failed."""
    from shapewright.observe.escaped import escaped
    from shapewright.observe.live import LiveSources

    found = escaped(error, LiveSources([root]))
    if found is None or found.carried:
        return None
    said = str(found.error)
    sizes = [size for tensor in found.operands for size in tensor.shape]
    first = next(iter(found.operands), None)
    return Likeness(
        place=found.place,
        kind=type(found.error).__name__,
        words=_NUMBER.sub("#", said),
        numbers=(*map(int, _NUMBER.findall(said)), *sizes),
        weights=found.call.weights if found.call is not None else "",
        dtypes=tuple((tensor.dtype, tensor.rank) for tensor in found.operands),
        batch=first.shape[0] if first is not None and first.rank > 1 else 0,
    )
