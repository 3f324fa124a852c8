"""Shapes of images and maps: how the messages write them, and how the sentences do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shapewright.messages.later import pattern
from shapewright.messages.template import Cause, Found
from shapewright.messages.template import shape as shape

UNKNOWN = -(10**20)  # a symbolic size of torch.compile; no message prints such a number
COLOURS = {1: "grey", 3: "RGB", 4: "RGBA"}
LAYOUTS = {1: ("C", "L"), 2: ("C", "H", "W"), 3: ("C", "D", "H", "W")}
NUMBER = r"-?\d{1,15}"

_SIZE = pattern(r"-?\d{1,18}")


def _parts(text: str) -> list[int | str]:
    """The sizes of a shape that is not all numbers (`s77, 3, 2*s5`), or that an old version wrote with blanks (`64 3 7 7`)."""
    parts = text.split(",") if "," in text else text.replace(" x ", " ").split()
    return [int(part) if _SIZE.fullmatch(part) else part for part in map(str.strip, parts) if part]


def sizes(found: Found, name: str) -> list[int]:
    """The sizes of a shape; symbolic ones are UNKNOWN."""
    value = found.values.get(name, [])
    parts = _parts(value) if isinstance(value, str) else [value] if isinstance(value, int) else value
    return [part if isinstance(part, int) else UNKNOWN for part in parts]


def facts(found: Found, **more: object) -> dict[str, object]:
    """What the message names, with symbolic sizes as text in the shapes, and what was worked out, as far as it is known."""
    named = {name: _parts(value) if isinstance(value, str) and name.endswith("shape") else value for name, value in found.values.items()}
    return {**named, **known(more)}


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
    return tuple(cause._replace(facts=known(cause.facts)) for cause in causes)
