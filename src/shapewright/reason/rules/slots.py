"""A value is assigned to a part of a tensor that has another shape.

What happened. `x[...] = y` writes into the part that the index names; `y` has that shape, or is stretched to it along
dims of size 1. Here it is longer or shorter somewhere (`broadcast-mismatch`).

Why. A slice with a step takes one entry more or less than was thought (`1::2` of 65 are 32); a sequence is longer or
shorter than its row; a buffer was made for another number of features.

How to tell which fix is right. If the buffer is what the program is to fill, its size is wrong where it is made; if
rows differ in length, write only as much as there is: `x[i, : len(y)] = y`.

Example. A table of sines and cosines with an odd number of features:

    `pe[…]` takes [5000, 32] but is given [5000, 33]
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shapewright.model import Clash, Event, Number, Size, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, broadcast, whole
from shapewright.reason.scene import Scene

SLUGS = ("broadcast-mismatch",)
SLUG = "broadcast-mismatch"

_PICKED = -1
_SLICE = re.compile(r"slice\((None|-?\d+), (None|-?\d+), (None|-?\d+)\)")


@dataclass(frozen=True, slots=True)
class Slot:
    """One dim of the part that an index names: its size, None for as many as a mask holds, and which dim of the tensor it is."""

    size: int | None
    dim: int | None = None
    whole: bool = False  # all of that dim


def demand(scene: Scene) -> Clash | None:
    """The value fits the part that it is written to."""
    event = scene.event
    written, value = event.argument(0, "input"), event.argument(2, "value")
    if event.op != "setitem" or not isinstance(written, TensorInfo) or not isinstance(value, TensorInfo):
        return None
    slots = part(written, event.argument(1, "index"))
    if slots is None:
        return None
    masked = event.failure is not None and not event.failure.dtype_only
    hits = differing(value.shape, slots, masked=masked)
    return _clash(scene, event, written, value, slots, hits) if hits else None


def differing(shape: tuple[int, ...], slots: list[Slot], *, masked: bool = False) -> list[int]:
    """The dims, counted from the end, in which a value cannot be stretched to the part; those of a mask only where nothing else differs."""
    both = range(1, min(len(shape), len(slots)) + 1)
    hits = [-i for i in both if slots[-i].size is not None and shape[-i] not in (1, slots[-i].size)]
    hits += [-i for i in range(len(slots) + 1, len(shape) + 1) if shape[-i] != 1]
    if not hits and masked:
        hits = [-i for i in both if slots[-i].size is None and shape[-i] != 1]
    return hits


def part(x: TensorInfo, index: Value) -> list[Slot] | None:
    """The shape of `x[index]`, dim by dim; None where the index is of a kind that is not understood."""
    parts = list(index) if isinstance(index, tuple) else [index]
    taken = [_takes(one) for one in parts]
    if None in taken or sum(take or 0 for take in taken) > x.rank or parts.count("Ellipsis") > 1:
        return None
    rest = x.rank - sum(take or 0 for take in taken)
    place = parts.index("Ellipsis") if "Ellipsis" in parts else len(parts)
    parts[place : place + 1] = ["slice(None, None, None)"] * rest
    slots: list[Slot] = []
    picked: list[tuple[int | None, ...]] = []
    spots: list[int] = []  # where the picking indexes stand among the dims that are left; a single number leaves none
    dim = 0
    for one in parts:
        if isinstance(one, TensorInfo) and one.rank:
            mask = one.dtype in ("bool", "uint8")
            picked.append((None,) if mask else one.shape)
            spots.append(len(slots))
            slots.append(Slot(_PICKED))
        elif one is None:
            slots.append(Slot(1))
        elif isinstance(one, str):
            slots.append(_sliced(one, x.shape[dim], dim))
        dim += _takes(one) or 0
    if not spots:
        return slots
    together = _together(picked)
    if together is None:
        return None
    apart = spots[-1] - spots[0] + 1 != len(spots)
    spot = 0 if apart else spots[0]
    others = [slot for slot in slots if slot.size != _PICKED]
    return [*others[:spot], *together, *others[spot:]]


def _together(picked: list[tuple[int | None, ...]]) -> list[Slot] | None:
    if any(None in shape for shape in picked):
        return [Slot(None)] if all(shape in ((None,), ()) for shape in picked) else None
    common = broadcast(tuple(size for size in shape if size is not None) for shape in picked)
    return [Slot(size) for size in common] if common is not None else None


def _sliced(text: str, size: int, dim: int) -> Slot:
    found = _SLICE.fullmatch(text)
    low, high, by = (None if bound == "None" else int(bound) for bound in found.groups()) if found is not None else (None, None, None)
    taken = len(range(*slice(low, high, by).indices(size)))
    return Slot(taken, dim, taken == size)


def _takes(one: Value) -> int | None:
    """How many dims a part of an index uses up; None for what is not understood."""
    if isinstance(one, TensorInfo):
        return None if one.is_floating else one.rank if one.dtype in ("bool", "uint8") else 1
    if isinstance(one, Number):
        return 1
    if one is None or one == "Ellipsis":
        return 0
    return 1 if isinstance(one, str) and _SLICE.fullmatch(one) else None


def _clash(scene: Scene, event: Event, written: TensorInfo, value: TensorInfo, slots: list[Slot], hits: list[int]) -> Clash:
    called = say.name(scene, written, "the tensor")
    named = f"`{called}[…]`" if called != "the tensor" else "the part"
    given = say.name(scene, value, "the value")
    hit = hits[0]
    shown = [size if size is not None else "*" for size in (slot.size for slot in slots)]
    want = slots[hit] if -hit <= len(slots) else None
    marked = say.sizes(f"→{size}←" if i - len(shown) in hits else str(size) for i, size in enumerate(shown))
    label = f"{called}[…] is {marked}, {given} is {say.marked(value, *hits)}"
    if want is not None and want.size is None:
        words = f"{say.ticked(given, 'the value')} has another number: {value.shape[hit]}"
        headline = f"{named} takes one value for each True of the mask, and {words}"
        return Clash(SLUG, headline, label, at(value, hit), whole(written))
    headline = f"{named} takes {say.sizes(shown)} but is given {say.sizes(value.shape)}"
    if want is not None and want.whole and want.dim is not None:
        return Clash(SLUG, headline, label, at(value, hit), at(written, want.dim))
    return Clash(SLUG, headline, label, at(value, hit), Size(want.size if want is not None else len(slots), tensor=written))
