"""The arithmetic of layer widths: a width as channels times the places of a map.

How likely a number of channels or a side is, is an order of preference, not a probability: what networks are usually built with
comes first.
"""

from __future__ import annotations

from math import gcd, isqrt, sqrt
from typing import NamedTuple

_CHANNELS = {
    **dict.fromkeys((32, 64, 128, 256, 512), 1.0), 16: 0.95, 2048: 0.7, 1024: 0.65, 8: 0.6, 20: 0.55, **dict.fromkeys((6, 50, 1280), 0.5),
    **dict.fromkeys((48, 96, 192, 320, 384), 0.45), **dict.fromkeys((10, 12, 24, 60), 0.4), 3: 0.4, 1: 0.3,
}  # fmt: skip
_SIDES = {
    7: 1.0, 8: 0.98, 4: 0.96, 16: 0.96, 5: 0.92, 6: 0.92, 14: 0.9, 3: 0.88, 2: 0.84, 1: 0.8, 56: 0.5, 128: 0.3,
    **dict.fromkeys((12, 13, 28, 32), 0.65), **dict.fromkeys((9, 10, 11, 24, 64), 0.4), **dict.fromkeys((112, 224), 0.35),
    **dict.fromkeys((15, 22, 26, 30, 62), 0.25), **dict.fromkeys((53, 54, 61), 0.2),
}  # fmt: skip
_OBLONG = 0.12  # a map that is not square


class Maps(NamedTuple):
    """A width read as `channels` maps of `sides`; `score` orders several readings."""

    channels: int
    sides: tuple[int, int]
    score: float

    def __str__(self) -> str:
        return f"{self.channels}·{self.sides[0]}·{self.sides[1]}"


class SizeChange(NamedTuple):
    """Two widths as the same channels over maps of two sizes."""

    got: Maps
    want: Maps
    score: float

    @property
    def ratio(self) -> float:
        """How much longer the sides are than they should be."""
        return sqrt(self.got.sides[0] * self.got.sides[1] / (self.want.sides[0] * self.want.sides[1]))


def divisors(number: int) -> list[int]:
    """All divisors, smallest first; for numbers beyond 10^10 only those up to 4096 (no layer is that wide)."""
    limit = isqrt(number) if number <= 10**10 else 4096
    small = [d for d in range(1, limit + 1) if number % d == 0]
    if number > 10**10:
        return small
    return small + [number // d for d in reversed(small) if d * d != number]


def channels_score(channels: int) -> float:
    """How usual a number of channels is."""
    known = _CHANNELS.get(channels)
    if known is not None:
        return known
    if channels & (channels - 1) == 0:
        return 0.12
    return 0.15 if channels % 16 == 0 and channels <= 1024 else 0.08 if channels <= 64 or (channels % 8 == 0 and channels <= 2048) else 0.01


def side_score(side: int) -> float:
    """How usual a map of this side is."""
    return _SIDES.get(side, 0.15 if side <= 64 else 0.05)


def _sides(places: int) -> tuple[tuple[int, int], float]:
    side = isqrt(places)
    if side * side == places:
        return (side, side), side_score(side)
    if side > 10**5:  # no map is that large, and looking for its sides would take long
        return (1, places), 0.0
    short = max((d for d in range(1, side + 1) if places % d == 0), default=1)
    long = places // short
    return (short, long), _OBLONG if long <= 3 * short else _OBLONG / 6


def maps(width: int, limit: int = 3) -> list[Maps]:
    """The likeliest readings of a width as square maps, best first: 29040 is 240·11·11, 60·22·22, 15·44·44."""
    found = []
    for side in range(2, min(isqrt(max(width, 0)), 512) + 1):
        if width % (side * side) == 0:
            channels = width // (side * side)
            score = sqrt(channels_score(channels) * side_score(side))
            found.append(Maps(channels, (side, side), score))
    return sorted(found, key=lambda one: -one.score)[:limit]


def at_most(got: int, want: int) -> SizeChange:
    """The reading with the most channels that both widths allow."""
    channels = gcd(got, want)
    (got_sides, got_score), (want_sides, want_score) = _sides(got // channels), _sides(want // channels)
    score = channels_score(channels) * sqrt(got_score * want_score)
    return SizeChange(Maps(channels, got_sides, got_score), Maps(channels, want_sides, want_score), score)


def size_changes(got: int, want: int, limit: int = 3) -> list[SizeChange]:
    """Readings of two widths as one convolutional stack given images of another size, best first.

    The channels divide both widths; what is left of each are the places of the map.
    """
    found = []
    for channels in divisors(gcd(got, want)):
        if channels > 4096:
            break
        (got_sides, got_score), (want_sides, want_score) = _sides(got // channels), _sides(want // channels)
        score = channels_score(channels) * sqrt(got_score * want_score)
        found.append(SizeChange(Maps(channels, got_sides, got_score), Maps(channels, want_sides, want_score), score))
    return sorted(found, key=lambda one: -one.score)[:limit]
