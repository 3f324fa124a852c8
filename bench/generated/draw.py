"""The choices of one generated program: sizes, wordings, and where one mistake may be made.

A program is written twice with the same choices: once right, which tells all the mistakes that could be made in it, and once with one
of them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

T = TypeVar("T")

IMPORTS = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n",
    "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n",
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport torch.optim as optim\n",
    "import math\n\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n",
)


@dataclass(slots=True)
class Draw:
    """Draws the choices; `active` is the mistake to make, `offered` are those that could have been made."""

    rng: Random
    active: str = ""
    offered: list[str] = field(default_factory=list)
    _relu: str = ""
    _flat: str = ""
    _super: str = ""

    def __post_init__(self) -> None:
        self._relu = self.one("F.relu({})", "torch.relu({})", "{}.relu()", "F.relu({}, inplace=True)", "F.leaky_relu({}, 0.2)")
        self._flat = self.one(
            "{0}.view({0}.size(0), -1)", "torch.flatten({0}, 1)", "{0}.flatten(1)", "{0}.reshape({0}.shape[0], -1)", "view"
        )
        self._super = self.one("super().__init__()", "super({}, self).__init__()")

    def one(self, *options: T) -> T:
        """One of the options."""
        return self.rng.choice(options)

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.rng.randint(low, high)

    def chance(self, share: float = 0.5) -> bool:
        """True in this share of the programs."""
        return self.rng.random() < share

    def slip(self, name: str, right: T, *wrong: T) -> T:
        """What is right, or one of the wrong ones when this is the program's mistake. The draws are the same in both cases."""
        position = self.rng.random()
        choices = [one for one in wrong if one != right]
        if not choices:
            return right
        self.offered.append(name)
        return choices[int(position * len(choices))] if name == self.active else right

    # wordings that one program keeps to

    def head(self) -> str:
        """Imports and the seed; `math`, `numpy` and the like are added where a program needs them."""
        return self.one(*IMPORTS) + f"\ntorch.manual_seed({self.number(0, 99)})\n"

    def super_call(self, name: str) -> str:
        """How a module's constructor begins."""
        return self._super.format(name)

    def relu(self, x: str) -> str:
        """An activation as a call."""
        return self._relu.format(x)

    def activation(self) -> str:
        """An activation as a module."""
        return self.one("nn.ReLU()", "nn.ReLU(inplace=True)", "nn.LeakyReLU(0.2)", "nn.Tanh()", "nn.GELU()", "nn.ELU()", "nn.SiLU()")

    def flat(self, x: str, features: int) -> str:
        """`x` with all dims but the batch joined, or what people write by mistake."""
        right = f"{x}.view(-1, {features})" if self._flat == "view" else self._flat.format(x)
        return self.slip(
            "flatten",
            right,
            x,
            f"torch.flatten({x})",
            f"{x}.flatten(2)",
            f"{x}.view(-1)",
            f"{x}.view(-1, {features * 2})",
            f"{x}.view(-1, {features // 2})",
            f"{x}.reshape({x}.size(1), -1)",
            f"{x}.view(-1, {features + 1})",
        )

    def width(self, name: str, right: int) -> int:
        """A layer's size, or a wrong one."""
        return self.slip(name, right, right * 2, right // 2 or right + 3, right + 1, max(right - 1, 1), right * 4)


def product(numbers: Sequence[int]) -> int:
    """All of them multiplied."""
    made = 1
    for number in numbers:
        made *= number
    return made


def block(lines: Sequence[str] | str, indent: int = 4) -> str:
    """Lines below each other, indented."""
    text = lines if isinstance(lines, str) else "\n".join(lines)
    return textwrap.indent(text, " " * indent)


def module(draw: Draw, name: str, init: Sequence[str] | str, forward: Sequence[str] | str, args: str = "", takes: str = "x") -> str:
    """The source of an `nn.Module`."""
    opening = f"def __init__(self{', ' + args if args else ''}):"
    body = [draw.super_call(name), init if isinstance(init, str) else "\n".join(init)]
    head = [f"class {name}(nn.Module):", block(opening), block(body, 8)]
    return "\n".join([*head, "", block(f"def forward(self, {takes}):"), block(forward, 8), ""])


def window(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """The size that a convolution or a pooling gives."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def back(size: int, kernel: int, stride: int = 1, padding: int = 0, more: int = 0) -> int:
    """The size that a transposed convolution gives."""
    return (size - 1) * stride - 2 * padding + kernel + more
