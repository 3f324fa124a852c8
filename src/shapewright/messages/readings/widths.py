"""Why a layer receives another number of features than it was built for: hypotheses over four numbers, ranked.

A matrix product says `rows x got` met `want x out`: `rows` is the product of all dims before the last, `got` the features that came,
`want` and `out` the layer's. Each hypothesis is an identity between these numbers, or a reading of the two widths; its score orders
it among the others. Where the numbers only allow a ratio, the words say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import NamedTuple

from shapewright.messages import fingerprints
from shapewright.messages.numbers import SizeChange, at_most, channels_score, maps, size_changes
from shapewright.messages.readings.scored import LIKELY, Scored, ranked
from shapewright.messages.template import Cause

_CONFIDENCE = {"high": 0.95, "medium": 0.85, "low": 0.6}
# Where one of these is sure, the layer is right, and "build it for what comes" would be wrong advice.
_LAYER_IS_RIGHT = {"missing-flatten", "packed-weights", "missing-pool", "model-family-mismatch", "encoder-swapped"}
_POOLED = {7: 0.84, 14: 0.6, 6: 0.6, 5: 0.6, 3: 0.55}  # how sure a map of this side is one that should have been pooled away
_NEAR = 0.1  # sides that differ by less were hardly made by another image size
_BATCHES = {2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 50, 64, 96, 100, 120, 128, 200, 256, 500, 512, 1000, 1024}
_WORD_VECTORS = {50, 100, 200, 300}  # widths of embeddings that no layer of channels has
_COLOURS = {1: "grey (1 channel)", 3: "RGB (3 channels)"}


class Widths(NamedTuple):
    """`rows x got` against `want x out`; `rows` and `out` are None where the message does not name them."""

    got: int
    want: int
    rows: int | None = None
    out: int | None = None


def causes(widths: Widths) -> tuple[Cause, ...]:
    """The hypotheses that the numbers allow, best first; the last resort is a constant that is simply wrong."""
    if widths.got < 1 or widths.want < 1:
        return ()
    scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(widths)]
    top, first = max(((score, cause.name) for score, cause in scored), default=(0.0, ""))
    if top < 0.7 or first not in _LAYER_IS_RIGHT:
        scored.append(_constant(widths, top))
    scored = [(score, cause) for score, cause in scored if score >= 0.25 or top < 0.8]  # beside what is plain, the far-fetched is noise
    return ranked(scored)


# ----------------------------------------------------------------------------------------------- weights and model families


def _packed(w: Widths) -> Iterator[Scored]:
    """Four-bit weights are stored as one column of bytes, two numbers in each: in·out/2."""
    for packed, other in ((w.out, w.want), (w.want, w.out)):
        if packed and other == 1 and packed > 100_000 and 2 * packed % w.got == 0:
            out = 2 * packed // w.got
            cause = Cause(
                "packed-weights",
                f"the weight is a 4-bit one, still packed: {packed} bytes hold {w.got}·{out} numbers of a layer from {w.got} to {out}",
                facts={"in": w.got, "out": out, "bytes": packed},
                tries=(
                    "use the layer through its quantised class (bitsandbytes `Linear4bit` with its `quant_state`); "
                    "do not move, merge or copy its weight like a plain tensor",
                    "bring bitsandbytes, peft and transformers to versions that belong together; dequantise before merging an adapter",
                ),
            )
            yield 0.97, cause
    known = fingerprints.width(w.out) if w.out and w.out >= 2048 else None
    if max(w.got, w.want) <= 64 and known is not None and known.role in ("text", "model"):
        cause = Cause(
            "packed-weights",
            f"{w.got} and {w.want} features for a layer of {w.out} outputs ({known}) are no layer's: "
            "with 8-bit weights they are the outlier columns, taken on two devices or by two versions",
            facts={"out": w.out},
            tries=("keep the 8-bit model on one device (no `DataParallel`), and update bitsandbytes",),
            guess="medium confidence, reports on LLM.int8()",
        )
        yield 0.6, cause


def _families(w: Widths) -> Iterator[Scored]:
    """Widths that are known to meet when parts of two model families are put together."""
    for number, pair in enumerate(fingerprints.pairs(w.got, w.want, w.out)):
        tokens = fingerprints.tokens(w.rows) if pair.narrow and w.rows and w.rows > 2 else None
        seen = f"; {w.rows} rows would be {tokens.models[0]}" if tokens else ""
        score = _CONFIDENCE.get(pair.confidence, 0.4) - number / 100
        yield score, Cause(pair.cause, pair.reading + seen, facts={"got": w.got, "want": w.want}, tries=(pair.tries,), guess=pair.guess)


def _encoder(size: int) -> fingerprints.Known | None:
    known = fingerprints.width(size) if size >= 320 else None
    return known if known and known.role not in ("flat", "channel", "latent") else None


def _swapped(w: Widths) -> Iterator[Scored]:
    """Both widths are those of well-known encoders: features of one, a layer for the other."""
    got, want = _encoder(w.got), _encoder(w.want)
    if got is not None and want is not None:
        confidence = max(got.confidence, want.confidence, key=list(_CONFIDENCE).index)
        changes = size_changes(w.got, w.want, 1)
        cause = Cause(
            "encoder-swapped",
            f"{w.got} is the width of {got}; {w.want} that of {want}: the features come from another encoder than the layer's",
            facts={"got": w.got, "want": w.want},
            tries=(f"load the encoder of width {w.want} that belongs to this layer, or build the layer for {w.got} features",),
            guess=f"{confidence} confidence, from the two widths alone",
        )
        yield 0.45 if changes and _square(changes[0]) else 0.58, cause


# ------------------------------------------------------------------------------------------------- what the rows say


def _unflattened(w: Widths) -> Iterator[Scored]:
    """A map `[N, C, H, W]` went in as it is: the rows are N·C·H, the features W. Flattened it has just `want` features."""
    if not w.rows or w.want <= w.got or w.want % w.got or w.rows % (w.want // w.got):
        return
    batch, per = w.rows * w.got // w.want, w.want // w.got  # rows of one sample
    step: tuple[str, ...] = ("put `x = torch.flatten(x, 1)` before the layer: it keeps the batch",)
    if batch == 1:
        step += ("and if it is a single sample without a batch dim, give it one first: `x.unsqueeze(0)`",)
    if w.got == 1:
        why = f"pooled maps [{batch}, {w.want}, 1, 1] went in without a flatten: {w.rows} rows of 1"
        facts: dict[str, object] = {"batch": batch, "channels": w.want, "map": [1, 1]}
        yield 0.85, Cause("missing-flatten", why, facts=facts, tries=step)
    elif per % w.got == 0:
        channels = per // w.got
        image = channels in (1, 3, 4)
        score = 0.72 + 0.22 * (1.0 if image else min(2 * channels_score(channels), 1.0)) if w.got <= 64 or image else 0.55
        why = (
            f"{'images' if image else 'maps'} [{batch}, {channels}, {w.got}, {w.got}] went in without a flatten: "
            f"{batch}·{channels}·{w.got} = {w.rows} rows of {w.got}, and {channels}·{w.got}·{w.got} = {w.want} is just what the layer takes"
        )
        yield score, Cause("missing-flatten", why, facts={"batch": batch, "channels": channels, "map": [w.got, w.got]}, tries=step)
    else:
        why = (
            f"[{batch}, {per}, {w.got}] went in without a flatten: {batch}·{per} = {w.rows} rows, "
            f"and {per}·{w.got} = {w.want} is what the layer takes"
        )
        # That the rows divide by a small number is chance, by a large one hardly.
        yield 0.6 if per > 5 else 0.42, Cause("missing-flatten", why, facts={"batch": batch, "rows": per, "map": [w.got]}, tries=step)


def _unflattened_and_resized(w: Widths) -> Iterator[Scored]:
    """The flatten is missing, and the maps have another size than the layer was built for."""
    if not w.rows or not 2 < w.got <= 64 or w.want <= 4 * w.got * w.got or w.want % (w.got * w.got) == 0:
        return
    for built in maps(w.want, 4):
        if built.score >= 0.6 and w.rows % (built.channels * w.got) == 0:
            batch, needs = w.rows // (built.channels * w.got), built.channels * w.got * w.got
            cause = Cause(
                "missing-flatten",
                f"the {w.got} features look like the last side of maps [{batch}, {built.channels}, {w.got}, {w.got}] "
                f"({w.rows} = {batch}·{built.channels}·{w.got}): the flatten is missing, and then the layer must take {needs}",
                facts={"batch": batch, "channels": built.channels, "map": [w.got, w.got]},
                tries=(f"put `x = torch.flatten(x, 1)` before the layer, and build it for {built.channels} * {w.got} * {w.got} features",),
            )
            yield 0.55, cause
            return


def _unpooled(w: Widths) -> Iterator[Scored]:
    """A layer for pooled channels receives whole maps."""
    if w.rows and 1 < w.got <= 64 and w.want >= 16 and w.rows % (w.want * w.got) == 0 and channels_score(w.want) >= 0.4:
        batch = w.rows // (w.want * w.got)
        cause = Cause(
            "missing-pool",
            f"maps [{batch}, {w.want}, {w.got}, {w.got}] went in: {batch}·{w.want}·{w.got} = {w.rows} rows of {w.got}; "
            f"the layer takes one number for each of {w.want} channels, so the pooling to 1×1 and the flatten are missing",
            facts={"batch": batch, "channels": w.want, "map": [w.got, w.got]},
            tries=("pool to 1×1 and flatten before the layer: `x = F.adaptive_avg_pool2d(x, 1).flatten(1)`",),
        )
        yield 0.74, cause
    places, rest = divmod(w.got, w.want)
    side = isqrt(places)
    if not rest and 1 < side <= 64 and side * side == places and w.want >= 64 and channels_score(w.want) >= 0.4:
        cause = Cause(
            "missing-pool",
            f"{w.got} = {w.want}·{side}·{side}: {w.want} channels of {side}×{side}, where the layer takes {w.want} pooled ones",
            facts={"channels": w.want, "map": [side, side]},
            tries=("pool to 1×1 before the flatten: `x = F.adaptive_avg_pool2d(x, 1)`",),
        )
        yield _POOLED.get(side, 0.46), cause


def _batch(w: Widths) -> Iterator[Scored]:
    """`flatten()` without a first dim takes the batch along. With one row a larger image looks just the same."""
    if w.rows == 1 and w.got % w.want == 0 and w.got > w.want:
        batch = w.got // w.want
        usual = batch in _BATCHES
        cause = Cause(
            "batch-merged",
            f"there is one row, and {w.got} = {batch}·{w.want}: a batch of {batch} was flattened into the features",
            facts={"batch": batch, "features": w.want},
            tries=("flatten from dim 1 on: `torch.flatten(x, 1)` or `x.view(x.size(0), -1)`, not `x.flatten()` or `x.view(1, -1)`",),
        )
        yield 0.56 if usual and isqrt(batch) ** 2 != batch else 0.48 if usual else 0.2, cause


# ----------------------------------------------------------------------------------------------- what the widths say


def _size(w: Widths) -> Iterator[Scored]:
    """The same convolutions, given images of another size."""
    if _ratio(w) is not None or min(w.got, w.want) < 4:
        return
    changes = size_changes(w.got, w.want)
    best = changes[0]
    encoders = _encoder(w.got) is not None and _encoder(w.want) is not None
    pooled = 1 in (best.want.sides[0], best.got.sides[0])
    score = min(best.score * (0.8 if pooled else 0.93), 0.9)
    if abs(best.ratio - 1) < _NEAR:
        score = min(score, 0.49)
    elif _square(best):
        score = max(score, LIKELY)
    elif encoders:
        score *= 0.5
    if score >= LIKELY or abs(best.ratio - 1) < _NEAR:
        others = [one for one in changes[1:] if one.score > 0.6 * best.score]
        yield score, Cause("input-size-changed", _resized(w, best, others), facts=_facts(w, best), tries=_resizing(w, best))
        return
    if score < 0.015 or min(w.got, w.want) < 64 or (score < 0.3 and not 0.01 < w.got / w.want < 100):
        return  # far from being the same stack
    if not encoders and not pooled:
        best = at_most(w.got, w.want)
    if 1 in (*best.got.sides, *best.want.sides) and max(w.got, w.want) < 4096:
        return  # widths of vectors rather than of flattened maps: no image size is behind them
    why = (
        f"if only the image size changed, there are at most {best.got.channels} channels: {best.got} against {best.want}, "
        f"about {max(best.ratio, 1 / best.ratio) ** 2:.3g} times the places"
    )
    yield score, Cause("input-size-changed", why, facts=_facts(w, best), tries=_resizing(w, best)[:1])


def _square(change: SizeChange) -> bool:
    """Whether both widths are square maps of usual channels: then a plain CNN is as likely as any encoder."""
    (high, wide), (other, across) = change.got.sides, change.want.sides
    return high == wide > 1 and other == across > 1 and channels_score(change.got.channels) >= 0.4


def _resized(w: Widths, best: SizeChange, others: list[SizeChange]) -> str:
    again = f" (or {others[0].got} for {others[0].want}: only the ratio is certain)" if others else ""
    if abs(best.ratio - 1) < _NEAR:
        return (
            f"{w.got} = {best.got} and {w.want} = {best.want}{again}: the maps differ by little, "
            "as after a padding, a kernel or a rounding that was reckoned otherwise, or after slightly other images"
        )
    times = f"{best.ratio:.3g} times wider and higher" if best.ratio >= 1 else f"{1 / best.ratio:.3g} times narrower and lower"
    return f"{w.got} = {best.got} and {w.want} = {best.want}{again}: the images are {times} than those that the layer was built for"


def _facts(w: Widths, change: SizeChange) -> dict[str, object]:
    facts: dict[str, object] = {"channels": change.got.channels, "got": list(change.got.sides), "want": list(change.want.sides)}
    return {**facts, "batch": w.rows} if w.rows else facts


def _resizing(w: Widths, change: SizeChange) -> tuple[str, ...]:
    high, wide = change.want.sides
    pool = f"`F.adaptive_avg_pool2d(x, {high if high == wide else (high, wide)})`"
    form = " * ".join(map(str, (change.got.channels, *change.got.sides)))
    return (
        "bring the images to the size that the layer was built for",
        f"or pool to {high}×{wide} before the flatten: {pool}; the layer's weights still fit",
        f"or build the layer for these images: `nn.Linear({form}, {w.out or '…'})`",
    )


def _ratio(w: Widths) -> tuple[int, int, int] | None:
    """Channels that came, channels wanted, and the side, when both widths are flat square images."""
    for got, want in ((3, 1), (1, 3)):
        side = isqrt(w.got // got)
        if side >= 8 and side * side * got == w.got and side * side * want == w.want:
            return got, want, side
    return None


def _colours(w: Widths) -> Iterator[Scored]:
    """Flat images in colour for a layer for grey ones, or the other way round."""
    ratio = _ratio(w)
    if ratio is not None:
        got, want, side = ratio
        why = (
            f"{w.got} = {got}·{side}·{side} and {w.want} = {want}·{side}·{side}: "
            f"the images are {_COLOURS[got]}, the layer is built for {_COLOURS[want]}"
        )
        steps = (
            f"bring the images to {_COLOURS[want]}: `transforms.Grayscale({want})`"
            if want == 1
            else "load the images with `.convert('RGB')`",
            f"or build the layer for {got} * {side} * {side} features",
        )
        facts: dict[str, object] = {"channels": [got, want], "got": [side, side], "want": [side, side]}
        yield 0.86, Cause("input-size-changed", why, facts=facts, tries=steps)


def _again(w: Widths) -> Iterator[Scored]:
    """What comes has just the layer's output width."""
    if w.out == w.got:
        cause = Cause(
            "applied-twice-or-transposed",
            f"{w.got} is what the layer gives out: it is applied to its own output, or its weight stands transposed",
            facts={"got": w.got, "out": w.out},
            tries=(
                "look whether the same layer is called twice in a row, or a layer in between was left out",
                "for a weight of your own: `x @ weight.T` for a weight [out, in], as `F.linear` does",
            ),
        )
        yield 0.6, cause
    elif w.rows == w.want and w.rows > 1:
        cause = Cause(
            "applied-twice-or-transposed",
            f"the input has {w.rows} rows, and {w.want} is what the layer takes: perhaps the input stands transposed",
            facts={"rows": w.rows, "want": w.want},
            tries=("if the features stand first, turn the input round: `x.T` (`x.transpose(1, 2)` in a batch)",),
        )
        yield 0.45, cause


def _constant(w: Widths, best: float) -> Scored:
    """The number in the constructor is simply another one."""
    facts: dict[str, object] = {"in_features": w.got}
    difference = abs(w.got - w.want)
    if w.got == 2 * w.want:
        score = 0.52
        why = (
            f"twice as many features come: a bidirectional LSTM or GRU gives 2·{w.want}, so do two joined tensors; or the layer before does"
        )
    elif w.want == 2 * w.got:
        score = 0.52
        why = f"half as many features come: the layer before gives {w.got}, or this one is built for two directions or two joined tensors"
    elif difference <= 4 and w.want > 8:
        columns = "1 feature" if difference == 1 else f"{difference} features"
        more = "more" if w.got > w.want else "fewer"
        score, why = 0.66, f"{columns} {more} than the layer was built for: a column that was added, dropped or taken for the target"
    else:
        score, why = 0.3, f"in_features was copied from elsewhere or reckoned wrongly: what comes has {w.got}"
        readings = maps(w.got) if w.got >= 64 else []
        if readings:
            why += " = " + ", ".join(f"{one} ({one.sides[0]}×{one.sides[1]} maps)" for one in readings)
            facts["maps"] = [[one.channels, *one.sides] for one in readings]
    if best < LIKELY:
        score = max(score, 0.5)
    lazy = f", or `nn.LazyLinear({w.out})`, which takes it from the first batch" if w.out else ""
    return score, Cause("wrong-constant", why, facts=facts, tries=(f"build the layer for what comes: in_features={w.got}{lazy}",))


def _steps(w: Widths) -> Iterator[Scored]:
    """Word vectors side by side: a flatten where a layer for one of them follows."""
    words, rest = divmod(w.got, w.want)
    if w.want in _WORD_VECTORS and rest == 0 and words > 2:
        why = f"{w.got} = {words}·{w.want}: {words} vectors of {w.want} (words, steps) were flattened side by side; the layer takes one"
        tries = ("average over them in place of the flatten: `x.mean(1)`", f"or, for {words} in every sample, in_features={w.got}")
        yield 0.55, Cause("flattened-steps", why, facts={"steps": words, "features": w.want}, tries=tries)


_HYPOTHESES = (_packed, _families, _unflattened, _unflattened_and_resized, _unpooled, _batch, _size, _colours, _swapped, _again, _steps)
