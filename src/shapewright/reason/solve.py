"""Which literals, set to which values, give an expression another value? Pure arithmetic on `Origin` trees.

The run has kept with each number the expression that it came from: `32 * 8 * 8` is three literals and two products. To make it 8192 in
the author's form means `32 * 16 * 16`, not `8192`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from shapewright.model import Origin, Span
from shapewright.report import Edit

LARGEST = 1 << 31

Setting = tuple[Origin, int]  # a literal and its new value


def solutions(origin: Origin, value: int, factors: Sequence[int] = ()) -> Iterator[tuple[Setting, ...]]:
    """Ways to set literals below `origin` so that it becomes `value`, the most natural ones first.

    `factors` are the sizes whose product `value` is, if it is one: the channels, height and width that a flatten merged.
    A literal that stands in the source once counts once, however often the expression uses it.
    """
    if origin.value == value:
        return
    leaves = _places(origin)
    seen: set[tuple[tuple[Span, int], ...]] = set()
    right = _right_already(origin, factors)
    ways = (*_factor_by_factor(origin, value, factors), *_alike(origin, leaves, value), *_single(origin, leaves, value))
    others = [found for found in ways if not any(leaf.span in right for leaf, _ in found)]
    for found in others or ways:
        key = tuple((leaf.span, new) for leaf, new in found if leaf.span is not None)
        if key not in seen:
            seen.add(key)
            yield found


def edits(settings: Sequence[Setting]) -> tuple[Edit, ...]:
    """The settings as edits of the source."""
    return tuple(Edit(leaf.span, written(leaf.text, value)) for leaf, value in settings if leaf.span is not None)


def written(text: str, value: int) -> str:
    """A number in the manner of the literal that it replaces."""
    lower = text.lower()
    if lower.startswith("0x"):
        return hex(value)
    if "_" in text:
        return f"{value:_}"
    return str(value)


def evaluate(origin: Origin, settings: Sequence[Setting]) -> int | None:
    """The value of the expression with some literals set anew; None where it has none."""
    if not origin.parts:
        for leaf, value in settings:
            if leaf.span is not None and leaf.span == origin.span:
                return value
        return origin.value
    parts = [evaluate(part, settings) for part in origin.parts]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        return None
    left, right = parts[0], parts[1]
    match origin.op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "//":
            return left // right if right else None
        case "%":
            return left % right if right else None
        case "**":
            return left**right if 0 <= right <= 64 and abs(left) < 1 << 20 else None
    return None


def _places(origin: Origin) -> list[Origin]:
    found: dict[Span, Origin] = {}
    for leaf in origin.literals():
        if leaf.span is not None:
            found.setdefault(leaf.span, leaf)
    return list(found.values())


def _product(origin: Origin) -> list[Origin] | None:
    """The factors of a plain product, left to right; None when it is something else."""
    if origin.op == "*":
        both = [_product(part) for part in origin.parts]
        return [factor for factors in both if factors is not None for factor in factors] if None not in both else None
    return [origin]


def _factor_by_factor(origin: Origin, value: int, factors: Sequence[int]) -> Iterator[tuple[Setting, ...]]:
    """`32 * 8 * 8` for a map of [32, 16, 16]: each literal becomes the size that it was written for."""
    product = _product(origin)
    if product is None or len(product) < 2 or len(product) != len(factors):
        return
    settings = [(part, size) for part, size in zip(product, factors, strict=True) if part.value != size]
    if settings and all(not part.parts and part.span is not None for part, _ in settings):
        found = tuple(settings)
        if len({part.span for part, _ in found}) == len(found) and evaluate(origin, found) == value:
            yield found


def _right_already(origin: Origin, factors: Sequence[int]) -> frozenset[Span]:
    """The literals of factors that are what they should be: the 48 of `48 * side * side` for maps of [48, 8, 8]."""
    product = _product(origin)
    if product is None or len(product) < 2 or len(factors) < 2:
        return frozenset()
    in_order = len(product) == len(factors)
    right = [part for part, size in zip(product, factors, strict=True) if part.value == size] if in_order else []
    right += [part for part in product if not part.parts and part.value == factors[0]]  # the channels, wherever they stand
    return frozenset(leaf.span for part in right for leaf in part.literals() if leaf.span is not None)


def _alike(origin: Origin, leaves: list[Origin], value: int) -> Iterator[tuple[Setting, ...]]:
    """Two literals of one value (height and width) that get one new value."""
    for number, leaf in enumerate(leaves):
        for other in leaves[number + 1 :]:
            if other.value == leaf.value:
                new = _search(origin, (leaf, other), value)
                if new is not None:
                    yield ((leaf, new), (other, new))


def _single(origin: Origin, leaves: list[Origin], value: int) -> Iterator[tuple[Setting, ...]]:
    found: list[tuple[Setting, ...]] = []
    for leaf in leaves:
        new = _search(origin, (leaf,), value)
        if new is not None:
            found.append(((leaf, new),))
    # a factor of 1 or a term that becomes 0 says that something is missing rather than wrong
    yield from sorted(found, key=lambda settings: settings[0][1] in (0, 1))


def _search(origin: Origin, leaves: tuple[Origin, ...], value: int) -> int | None:
    """The new value of some literals (all get the same one) that makes the expression `value`.

    What users write is monotonic in each literal, so doubling and halving finds the value, if there is one.
    """

    def result(new: int) -> int | None:
        return evaluate(origin, [(leaf, new) for leaf in leaves])

    low, high = 0, 1
    at_low, at_one = result(0), result(1)
    at_most = next((found for most in (1 << 12, 1 << 6, 1 << 3) if (found := result(most)) is not None), None)  # a power grows too large
    if at_one == value:
        return 1
    if at_one is None or at_most is None:
        return None
    rising = at_most > at_one
    while high < LARGEST:
        at_high = result(high)
        if at_high is None:
            break
        if at_high == value:
            return _neat(result, high, value, leaves[0].value)
        if (at_high > value) == rising:
            break
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        at_middle = result(middle)
        if at_middle == value:
            return _neat(result, middle, value, leaves[0].value)
        if at_middle is None or (at_middle > value) == rising:
            high = middle
        else:
            low = middle
    if at_low == value and result(low) == value:
        return low
    return None


def _neat(result: Callable[[int], int | None], found: int, value: int, old: int) -> int:
    """Where several values do (`size // 4`), the one that divides evenly."""
    candidates = [new for new in range(max(found - 64, 1), found + 65) if result(new) == value]
    powers = [new for new in candidates if new & (new - 1) == 0]
    even = [new for new in candidates if new % 8 == 0]
    return (powers or even or candidates or [found])[0] if len(candidates) > 1 else found
