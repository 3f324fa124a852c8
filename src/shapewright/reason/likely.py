"""Which of two widths is the likelier slip: the one that no other layer has, or that nobody would choose. Pure.

Widths are chosen by habit: powers of two first, then multiples of eight, four or ten; and in a network one width is met by its neighbours.
A width that a flatten multiplied together was chosen by nobody, and nothing is said of it.
"""

from __future__ import annotations

from collections import Counter

from shapewright.model import Trace

WIDTHS = (
    "in_features", "out_features", "in_channels", "out_channels", "num_features", "num_channels", "embedding_dim", "embed_dim",
    "input_size", "hidden_size", "d_model",
)  # fmt: skip
MOST = 3


def speaks(trace: Trace, old: int, new: int) -> int:
    """What speaks for writing `new` in the place of `old`, from -3 to 3."""
    counts = Counter(number.value for module in trace.modules for name in WIDTHS if (number := module.number(name)) is not None)
    company = max(-2, min(2, counts[new] - counts[old]))
    habit = _habit(new) - _habit(old)
    return max(-MOST, min(MOST, company + habit))


def _habit(width: int) -> int:
    """How likely somebody is to choose a width: 2 for powers of two and multiples of eight, 1 for other plain numbers."""
    if width >= 4 and (width & (width - 1) == 0 or width % 8 == 0):
        return 2
    return 1 if width % 4 == 0 or width % 10 == 0 or width in (1, 3) else 0
