"""The note on image sizes that would fit says what torch does."""

from __future__ import annotations

import re

import pytest

NET = """
import torch
from torch import nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, {conv})
        self.fc = nn.Linear({features}, 2)

    def forward(self, x):
        x = F.relu(F.{pool})
        return self.fc(x.flatten(1))

Net()(torch.randn(1, 1, {size}, {size}))
"""


@pytest.mark.parametrize(
    ("conv", "pool", "side"),
    [
        ("3", "max_pool2d(self.conv(x), 2)", 7),
        ("3, padding=1", "max_pool2d(self.conv(x), 3, 2, 1)", 5),
        ("5, stride=2, padding=2", "avg_pool2d(self.conv(x), 2)", 6),
        ("3, dilation=2", "max_pool2d(self.conv(x), 2, ceil_mode=True)", 4),
        ("(3, 3), stride=(3, 3)", "max_pool2d(self.conv(x), kernel_size=2, stride=1)", 3),
    ],
)
def test_the_sizes_named_fit_and_their_neighbours_do_not(check, conv: str, pool: str, side: int) -> None:  # type: ignore[no-untyped-def]
    def verdict(size: int):  # type: ignore[no-untyped-def]
        return check.source(NET.format(conv=conv, pool=pool, features=4 * side * side, size=size))

    notes = [note for note in verdict(64).findings[0].notes if "would fit" in note]
    several, one = re.search(r"\((\d+) to (\d+) pixels do\)", notes[0]), re.search(r"with (\d+)×", notes[0])
    assert one is not None
    low, high = (int(several[1]), int(several[2])) if several else (int(one[1]), int(one[1]))
    assert [verdict(size).verdict for size in (low - 1, low, high, high + 1)] == ["error", "clean", "clean", "error"]


def test_nothing_is_said_where_no_formula_fits(check) -> None:  # type: ignore[no-untyped-def]
    program = NET.format(conv="3", pool="adaptive_avg_pool2d(self.conv(x), 3)", features=64, size=32)
    assert not [note for note in check.source(program).findings[0].notes if "would fit" in note]
