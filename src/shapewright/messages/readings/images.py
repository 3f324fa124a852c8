"""Shapes of images and maps: how the messages write them, and how the sentences do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shapewright.messages.template import Cause, Found

UNKNOWN = -1  # a symbolic size of torch.compile
COLOURS = {1: "grey", 3: "RGB", 4: "RGBA"}
LAYOUTS = {1: ("C", "L"), 2: ("C", "H", "W"), 3: ("C", "D", "H", "W")}
NUMBER = r"-?\d{1,15}"

_SIZE = re.compile(r"-?\w{1,40}")


def shape(name: str) -> str:
    """The pattern of a shape in any of its writings: `[2, 3]`, `(2, 3)`, `torch.Size([2, 3])`."""
    return rf"(?:torch\.Size\()?[\[(](?P<{name}>[^\])]{{0,200}})[\])]\)?"


def sizes(found: Found, name: str) -> list[int]:
    """The sizes of a shape, also where old versions put blanks between them (`64 3 7 7`); symbolic ones are UNKNOWN."""
    value = found.values.get(name, [])
    if isinstance(value, int):
        return [value]
    if isinstance(value, list):
        return value
    parts = _SIZE.findall(value.replace(" x ", " "))
    return [int(part) if re.fullmatch(r"-?\d{1,15}", part) else UNKNOWN for part in parts]


def told(shape: Sequence[int | str]) -> str:
    """[2, 3, 28, 28]; a symbolic size is a question mark."""
    return f"[{', '.join('?' if one == UNKNOWN else str(one) for one in shape)}]"


def size(number: int) -> str:
    """A single size; a symbolic one is a question mark."""
    return "?" if number == UNKNOWN else str(number)


def by(sides: Sequence[int]) -> str:
    """3×3, or just 3."""
    return "×".join(size(one) for one in sides)


def count(number: int, noun: str) -> str:
    """1 channel, 3 channels."""
    return f"{size(number)} {noun}{'' if number == 1 else 's'}"


def side(number: int) -> bool:
    """Whether a size may be a side of an image: more than any usual number of colours."""
    return number > 4


def layout(n: int) -> str:
    """The layout of a batch for a layer that slides over `n` dims: [N, C, H, W]."""
    return told(("N", *LAYOUTS[n])) if n in LAYOUTS else "[N, C, …]"


def known(facts: Mapping[str, object]) -> dict[str, object]:
    """The facts without those that hold a symbolic size."""
    return {name: value for name, value in facts.items() if value != UNKNOWN and not (isinstance(value, list) and UNKNOWN in value)}


def certain(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """The causes with what is known of their facts."""
    return tuple(replace(cause, facts=known(cause.facts)) for cause in causes)
