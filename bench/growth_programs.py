"""Programs of any depth, right ones and ones whose last layer is wrong: a training step each, with the loss and its gradient.

Each has `model()` and `batch()`, for tools that want these rather than the script. Widths are small, so that what is measured is how
many layers there are and not how much they reckon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_LOOP = """\
import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU()) for _ in range(depth))
        self.head = nn.Linear({wrong}width, 10)

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return self.head(x)


def model():
    return Deep({depth}, 64)


def batch():
    return torch.randn(8, 64)
"""
_MAPS = """\
import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()) for _ in range(depth)
        )
        self.head = nn.Linear({wrong}width * 8 * 8, 10)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = x + layer(x)
        return self.head(x.flatten(1))


def model():
    return Deep({depth}, 8)


def batch():
    return torch.randn(8, 3, 8, 8)
"""
_WRITTEN = """\
import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
{lines}        )
        self.head = nn.Linear({wrong}64, 10)

    def forward(self, x):
        return self.head(self.layers(x))


def model():
    return Deep()


def batch():
    return torch.randn(8, 64)
"""
_STEP = """

if __name__ == "__main__":
    loss = nn.CrossEntropyLoss()(model()(batch()), torch.randint(0, 10, (8,)))
    loss.backward()
"""
_LINE = "            nn.Linear(64, 64),\n            nn.ReLU(),\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to write a deep model."""

    name: str
    told: str
    text: Callable[[int, str], str]

    def source(self, depth: int, *, wrong: bool) -> str:
        """The program with so many layers; a wrong one has a head that wants twice as much as it gets."""
        return self.text(depth, "2 * " if wrong else "") + _STEP


KINDS = (
    Kind("loop", "residual [Linear, LayerNorm, ReLU] × n, built in a loop", lambda depth, wrong: _LOOP.format(depth=depth, wrong=wrong)),
    Kind("maps", "residual [Conv2d, BatchNorm2d, ReLU] × n, built in a loop", lambda depth, wrong: _MAPS.format(depth=depth, wrong=wrong)),
    Kind(
        "written",
        "[Linear, ReLU] × n, each written in a line of its own",
        lambda depth, wrong: _WRITTEN.format(lines=_LINE * depth, wrong=wrong),
    ),
)
