"""Arrangements that are known by their sizes: heads of an attention, windows of an image, maps, anchors.

An `Arrangement` holds how many elements a tensor has and the sizes that a `view` asks of it; each reading here looks
for one layout in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import gcd, isqrt, prod

from shapewright.messages.template import Cause

_KEYS = re.compile(r"(?i)\bkv|key|value|\b[kv]\b|\b[kv]_|_[kv]\b")
_AFTER = re.compile(r"((?:self\.)?\w*(?:fc|lin|dense|proj|decod|latent|\bl\d|embed)\w*)\([^()]*\)\.(?:view|reshape)\(")
_MHA = re.compile(r"multi_head_attention_forward|MultiheadAttention|TransformerDecoder|TransformerEncoder")

Scored = tuple[float, Cause]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """`total` elements are to be arranged as `sizes`; `fixed` is the product of those that are not left open with -1."""

    total: int
    sizes: list[int]
    line: str = ""
    frames: str = ""

    @property
    def fixed(self) -> int:
        """The product of the sizes that are not open."""
        return prod(size for size in self.sizes if size != -1)

    @property
    def hole(self) -> int | None:
        """Where the -1 stands."""
        return self.sizes.index(-1) if -1 in self.sizes else None

    def fit(self, first: int, last: int | None = None) -> int | None:
        """What the sizes from `first` to `last` must multiply to when the others are right; None when no number does."""
        last = first if last is None else last
        rest = prod(size for number, size in enumerate(self.sizes) if not first <= number <= last)
        return self.total // rest if rest > 0 and self.hole is None and self.total % rest == 0 else None


Reads = Callable[[Arrangement], Iterator[Scored]]


def times(sizes: Iterable[int]) -> str:
    """The sizes as a product: 3·32·32."""
    return "·".join(map(str, sizes))


def count(number: int, word: str) -> str:
    """1 dim, 2 dims."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _vector(ask: Arrangement) -> Iterator[Scored]:
    if "vector_to_parameters" in ask.frames or "vector_to_parameters" in ask.line:
        why = f"the vector is too short or too long: for a parameter of {times(ask.sizes)} = {ask.fixed} it has {ask.total} left"
        yield (
            0.96,
            Cause(
                "vector-of-another-model",
                why,
                tries=("make the vector from a model of the same sizes: `parameters_to_vector(model.parameters())`",),
            ),
        )


def _attention(ask: Arrangement) -> Iterator[Scored]:
    """`nn.MultiheadAttention` arranges the keys as [steps, batch·heads, head size], with the query's batch."""
    real = ask.fit(1) if len(ask.sizes) == 3 else None
    if real is None or real == ask.sizes[1]:
        return
    steps, rows, head = ask.sizes
    common = gcd(real, rows)
    told_so = bool(_MHA.search(ask.frames) or _MHA.search(ask.line))
    if not told_so and (common < 2 or head % 8 or head > 256):
        return
    ratio = (
        f"{real // rows} times that"
        if real % rows == 0
        else f"one part in {rows // real} of that"
        if rows % real == 0
        else f"{real // common}/{rows // common} of that"
    )
    start = "" if told_so else "if this is inside `nn.MultiheadAttention`: "
    facts = {"steps": steps, "head": head, "query": rows, "key": real}
    yield (
        0.95 if told_so else 0.56,
        Cause(
            "attention-batch",
            f"{start}{ask.total} = {steps}·{real}·{head}: batch times heads is {real} for key "
            f"and value, {rows} for the query: their batch is {ratio} of the query",
            facts=facts,
            tries=(
                "query, key and value need the same batch: print the three shapes before the call",
                "one key for all queries: `key = key.expand(batch, -1, -1)` along the batch dim",
            ),
        ),
    )
    yield (
        0.6 if told_so else 0.3,
        Cause(
            "batch-first",
            f"{start}without `batch_first=True` dim 0 is read as steps and dim 1 as batch: for [batch, "
            f"steps, features] the numbers of steps clash ({rows} and {real}, heads included)",
            facts=facts,
            tries=("for tensors [batch, steps, features] build the layer with `batch_first=True`",),
        ),
    )


def _heads(ask: Arrangement) -> Iterator[Scored]:
    """[batch, steps, heads, head size]: the width that comes is not heads times head size."""
    if len(ask.sizes) != 4 or ask.sizes[2] == ask.sizes[3] or ask.sizes[0] == -1 or min(ask.sizes[2:]) < 1 or ask.sizes[2] > 256:
        return
    batch, steps, heads, head = ask.sizes
    if steps == -1:
        for wide in range(heads * head + 1, heads * (head + 1)):
            if ask.total % (batch * wide) == 0 and heads > 1:
                yield 0.86, _undivided(wide, heads, head, f"{ask.total} = {batch}·{ask.total // (batch * wide)}·{wide}: ")
                return
        return
    width = ask.fit(2, 3)
    if width is None or width == heads * head:
        return
    start = f"{ask.total} = {batch}·{steps}·{width}: "
    facts = {"width": width, "heads": heads, "head": head}
    if width // heads == head and width % heads:
        yield 0.95, _undivided(width, heads, head, start)
    elif width == 3 * heads * head:
        yield (
            0.86,
            Cause(
                "packed-qkv",
                f"{start}the width is 3·{heads}·{head}: query, key and value in one",
                facts=facts,
                tries=(
                    "take them apart first: `q, k, v = x.chunk(3, dim=-1)`",
                    f"or make room for the 3: `x.view({batch}, {steps}, 3, {heads}, {head})`",
                ),
            ),
        )
    elif width % head == 0:
        real = width // head
        fewer = real < heads and heads % real == 0
        if fewer and width % heads == 0:
            yield (0.8 if ask.line and not _KEYS.search(ask.line) else 0.76), _head_size(width, heads, head, start, facts)
        more = f"; keys and values with fewer heads than the query ({real}) is what grouped-query attention has" if fewer else ""
        yield (
            0.78 if fewer else 0.55,
            Cause(
                "number-of-heads",
                f"{start}{width} = {real}·{head}, so there are {real} heads of {head}, not {heads}{more}",
                facts={**facts, "heads_there": real},
                tries=("use the number of key and value heads (`num_key_value_heads`) for k and v, and repeat them for the query",)
                if fewer
                else (f"split into {real} heads, or make the projection give {heads}·{head} = {heads * head}",),
            ),
        )
    else:
        yield (
            0.6,
            Cause(
                "width-and-heads",
                f"{start}the width is {width}, {heads} heads of {head} are {heads * head}",
                facts=facts,
                tries=(
                    "reckon the head size from the tensor: `x.size(-1) // heads`",
                    f"or make the projection before give {heads * head} features",
                ),
            ),
        )


def heads_like(sizes: list[int]) -> bool:
    """Whether these are [batch, steps, heads, head size], by the last two."""
    return len(sizes) == 4 and sizes[2] != sizes[3] and 2 <= sizes[2] <= 128 and sizes[3] % 8 == 0 and 16 <= sizes[3] <= 256


def _head_size(width: int, heads: int, head: int, start: str, facts: dict[str, int]) -> Cause:
    return Cause(
        "width-and-heads",
        f"{start}a width of {width} gives {heads} heads {width // heads} each ({width} = {heads}·{width // heads}), not {head}",
        facts=facts,
        tries=(
            f"work the head size out: `x.size(-1) // {heads}`, here {width // heads}",
            f"or make the projection before give {heads}·{head} = {heads * head} features",
        ),
    )


def decoder(ask: Arrangement) -> Scored | None:
    """[-1, channels, side, side] behind a linear layer, as decoders and generators begin: the layer gives another number."""
    if len(ask.sizes) != 4 or ask.hole != 0 or ask.sizes[2] != ask.sizes[3]:
        return None
    after = _AFTER.search(ask.line)
    if ask.sizes[1] <= 4 and not after:
        return None
    layer = f"`{after[1]}`" if after else "the linear layer before"
    needed = f"{times(ask.sizes[1:])} = {ask.fixed}"
    step = f"make {layer} give what the view needs: `nn.Linear(..., {ask.fixed})`"
    why = f"a sample needs {needed} numbers, and {layer} gives another number for each"
    return (0.9 if after else 0.74), Cause("layer-before", why, tries=(step, "or write the channels and sides that it gives"))


def _undivided(width: int, heads: int, head: int, start: str) -> Cause:
    return Cause(
        "heads-do-not-divide",
        f"{start}{width} // {heads} = {head} leaves {width - heads * head} over: "
        f"the embedding of {width} is not a multiple of {heads} heads",
        facts={"width": width, "heads": heads, "head": head},
        tries=(
            f"choose a width that is a multiple of the heads: {heads * head} or {heads * (head + 1)} for {heads}",
            f"or a number of heads that divides {width}",
        ),
    )


def _windows(ask: Arrangement) -> Iterator[Scored]:
    """Images cut into windows or patches: [batch, rows, k, columns, k, channels] or [batch, channels, rows, k, columns, k]."""
    if len(ask.sizes) != 6 or ask.hole is not None:
        return
    batch, first, last = ask.sizes[0], ask.sizes[1], ask.sizes[5]
    for rows, k, columns, again, channels in ((first, *ask.sizes[2:5], last), (*ask.sizes[2:6], first)):
        if k != again or not 2 <= k <= 512 or ask.total % (batch * channels):
            continue
        places = ask.total // (batch * channels)
        high = next(
            (
                high
                for high in range(rows * k, (rows + 1) * k)
                if high and places % high == 0 and columns * k <= places // high < (columns + 1) * k
            ),
            0,
        )
        if high:
            wide = places // high
            yield (
                0.92,
                Cause(
                    "windows-do-not-divide",
                    f"{ask.total} = {batch}·{channels}·{high}·{wide}: {high}×{wide} is not a whole number of "
                    f"windows of {k}×{k} ({rows}×{columns} of them cover {rows * k}×{columns * k})",
                    facts={"height": high, "width": wide, "window": k, "channels": channels},
                    tries=(
                        f"pad height and width to multiples of {k}: `F.pad(x, (0, -W % {k}, 0, -H % {k}))` for [..., H, W]",
                        f"or use images whose sides are multiples of {k}",
                    ),
                ),
            )
            return


def _map(ask: Arrangement) -> Iterator[Scored]:
    """[batch, channels, side, side] with other channels or another side."""
    if len(ask.sizes) != 4 or ask.hole is not None or ask.sizes[2] != ask.sizes[3]:
        return
    batch, channels, side, _ = ask.sizes
    places = ask.total // (batch * channels) if ask.total % (batch * channels) == 0 else 0
    there = isqrt(places)
    if places and there * there == places and there != side:
        yield (
            0.66,
            Cause(
                "input-size-changed",
                f"{ask.total} = {batch}·{channels}·{there}·{there}: the maps are {there}×{there}, {side}×{side} is written",
                facts={"side": there, "side_written": side},
                tries=(
                    "take the sides from the tensor before it was flattened",
                    f"or make the layer before give {channels}·{side}·{side} = {channels * side * side} features",
                ),
            ),
        )
    other = ask.fit(1)
    if other is not None:
        yield (
            0.52,
            Cause(
                "wrong-channels",
                f"{ask.total} = {batch}·{other}·{side}·{side}: with {count(other, 'channel')} in place of {channels} it would fit",
                facts={"channels": other, "channels_written": channels},
                tries=(
                    f"make the layer before give {channels}·{side}·{side} = {channels * side * side} "
                    f"features, or write {other} for {channels}",
                ),
            ),
        )


def _anchors(ask: Arrangement) -> Iterator[Scored]:
    """The output of a YOLO head: [batch, anchors, 5 + classes, rows, columns]."""
    numbers = ask.fit(2) if len(ask.sizes) == 5 else None
    if numbers is not None and ask.sizes[1] in (2, 3, 5, 6, 9) and ask.sizes[2] > 5 and numbers > 5 and numbers != ask.sizes[2]:
        yield (
            0.8,
            Cause(
                "number-of-classes",
                f"each of {ask.sizes[1]} anchors has {numbers} = 5 + {numbers - 5} numbers, {ask.sizes[2]} "
                f"= 5 + {ask.sizes[2] - 5} are asked for: another number of classes",
                facts={"classes": numbers - 5, "classes_written": ask.sizes[2] - 5},
                tries=("build the head and the decoding for the same number of classes",),
                guess="read as a YOLO head: 4 sides, 1 score and one number a class",
            ),
        )


LAYOUTS: tuple[Reads, ...] = (_vector, _attention, _heads, _windows, _map, _anchors)
