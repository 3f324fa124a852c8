"""Which sizes the letters of a promise are tried with, and what law the sizes that come follow. Pure.

A relation that holds by accident for one size breaks at another, so each letter has at least two, and no two letters have the same size
in one run. What a letter is called says what sizes it can take: networks halve images five times, but a sequence may be short.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import prod
from typing import Any, TypeAlias

from shapewright.shapes import UNNAMED, Spec

Sizes: TypeAlias = dict[str, int]
_BATCH = {"B", "batch", "batch_size", "bs", "bsz"}
_SPATIAL = {"H", "W", "D", "h", "w", "height", "width", "depth", "rows", "cols", "X", "Y", "Z", "side", "size", "res"}
_SEQUENCE = {"T", "L", "S", "t", "l", "s", "seq", "seq_len", "length", "len", "time", "steps", "tokens", "frames", "src", "tgt"}
# One letter of a kind takes neighbours, the next starts one later: two letters of a kind never have the same size in one run.
_BATCHES = (2, 3, 4, 6, 9)
_IMAGES = (64, 96, 160, 192, 224, 288, 320)
_LENGTHS = (8, 12, 10, 14, 18, 20, 22)
_OTHERS = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59)
MOST = 8  # runs


def letters(specs: Iterable[Spec]) -> list[str]:
    """The names in the inputs, in the order in which they are written."""
    return list(dict.fromkeys(name for spec in specs for dim in spec.dims for name in dim.names))


def plans(names: Sequence[str], first: str, given: Mapping[str, Any], *, single: bool) -> list[Sizes]:
    """The sizes of the letters, run by run; at least two runs. `first` is the letter that the first input begins with, `given` what the
    user wants (a size, or several), `single` whether a batch of 1 is tried, too. Raises ValueError for sizes that are none."""
    wanted = {name: _given(name, sizes, names) for name, sizes in given.items()}
    taken = {size for sizes in wanted.values() for size in sizes}
    pools: dict[tuple[int, ...], int] = {}
    ways: dict[str, tuple[int, ...]] = {}
    batch = ""
    for name in names:
        if name in wanted:
            ways[name] = wanted[name]
            continue
        pool = _pool(name, first)
        if pool is _BATCHES and (not batch or name in _BATCH):
            batch = batch or name
        free = [size for size in pool if size not in taken]
        start = pools.get(pool, 0)
        pools[pool] = start + 1
        ways[name] = (_nth(free, start, pool), _nth(free, start + 1, pool))
    runs = max([2, *(len(sizes) for sizes in ways.values())])
    made = [{name: sizes[run % len(sizes)] for name, sizes in ways.items()} for run in range(min(runs, MOST))]
    if single and batch:
        made.append({**made[0], batch: 1})
    return [plan for i, plan in enumerate(made) if plan not in made[:i]]


def _pool(name: str, first: str) -> tuple[int, ...]:
    if name in _BATCH:
        return _BATCHES
    if name in _SPATIAL:
        return _IMAGES
    if name in _SEQUENCE:
        return _LENGTHS
    return _BATCHES if name == first else _OTHERS


def _nth(free: Sequence[int], place: int, pool: tuple[int, ...]) -> int:
    """Beyond the end there are further sizes of the kind, for a promise with more letters than anybody writes."""
    return free[place] if place < len(free) else pool[-1] + (place - len(free) + 1) * (32 if pool is _IMAGES else 2)


def _given(name: str, sizes: Any, names: Sequence[str]) -> tuple[int, ...]:
    if name not in names:
        known = ", ".join(one for one in names if not one.startswith(UNNAMED)) or "no letters"
        raise ValueError(f"`sizes` names {name!r}, which is not in the input: there {'is' if known.isidentifier() else 'are'} {known}")
    several = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
    if not several or any(type(size) is not int or size < 0 for size in several):
        raise ValueError(f"`sizes` gives {sizes!r} for {name!r}: sizes are whole numbers from 0, one or a tuple of them")
    if len(several) > MOST:
        raise ValueError(f"`sizes` gives {len(several)} sizes for {name!r}; at most {MOST} are tried")
    return several


def singly(plans: Sequence[Sizes]) -> list[Sizes]:
    """The first plan with one letter changed at a time: these runs tell which letter does what."""
    base = plans[0]
    changed = []
    for name in base:
        other = next((plan[name] for plan in plans if plan[name] != base[name]), None)
        if other is not None:
            elsewhere = {size for letter, size in base.items() if letter != name}
            changed.append({**base, name: other if other not in elsewhere else 2 * base[name]})
    return changed


def law(runs: Sequence[tuple[Mapping[str, int], int]]) -> str:
    """What the second of each pair is in terms of the sizes in the first, over all runs: `10`, `6*B`, `H/4`, `T-2`, `B*T`. "" when nothing
    so simple holds, or the runs are too alike to tell."""
    values = {value for _, value in runs}
    names = [name for name in (runs[0][0] if runs else ()) if not name.startswith(UNNAMED) and len({sizes[name] for sizes, _ in runs}) > 1]
    if not names:
        return ""
    if len(values) == 1:
        return str(values.pop())
    for name in names:
        points = {sizes[name]: value for sizes, value in runs}
        if len(points) < 2 or any(points[sizes[name]] != value for sizes, value in runs):
            continue
        (x, y), (u, v) = list(points.items())[:2]
        slope = Fraction(v - y, u - x)
        rest = y - slope * x
        simple = rest.denominator == 1 and (slope.numerator == 1 or slope.denominator == 1) and slope > 0
        # Two points lie on some line always: it counts when it is plain, or when a third one lies on it, too.
        if simple and (rest == 0 or slope == 1 or len(points) > 2) and all(slope * at + rest == value for at, value in points.items()):
            return _times(name, slope) + (f"{int(rest):+d}" if rest else "")
    for several in (*combinations(names, 2), *combinations(names, 3)):
        factors = {Fraction(value, prod(sizes[name] for name in several) or -1) for sizes, value in runs}
        if len(factors) == 1 and (factor := factors.pop()) > 0 and 1 in (factor.numerator, factor.denominator):
            return _times("*".join(several), factor)
    return ""


def _times(text: str, factor: Fraction) -> str:
    if factor.denominator > 1:
        return f"{text}/{factor.denominator}"
    return text if factor == 1 else f"{factor.numerator}*{text}"
