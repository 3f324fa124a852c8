"""Why elements cannot be arranged as the call asks: hypotheses over their number and the sizes, ranked.

A `view` says how many elements there are and which sizes were asked for, one of them perhaps open (-1). Each hypothesis is an identity
between these numbers; its score orders it among the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isqrt

from shapewright.messages.numbers import SizeChange, maps, size_changes
from shapewright.messages.readings.layouts import LAYOUTS, Arrangement, Reads, Scored, count, decoder, heads_like, times
from shapewright.messages.template import Cause, Facts

_LIKELY = 0.5
_BATCHES = {
    **dict.fromkeys((16, 32, 64, 128), 1.0), 8: 0.9, 256: 0.9, 4: 0.9, 512: 0.8, 100: 0.8, **dict.fromkeys((1, 2, 10, 20, 50, 1024), 0.7),
    **dict.fromkeys((5, 6, 12, 24, 48, 96, 200, 500, 1000), 0.6), 3: 0.5,
}  # fmt: skip
_SIZED = re.compile(r"(?P<viewed>\w+)?\.(?:view|reshape)\(\s*\(?\s*(?:len\(|(?:\w+\.)*?(?P<of>\w+)\.(?:size\(0\)|shape\[0\]))")
_SHORT = re.compile(r"\b(?:view|reshape)\(\s*\(?\s*(?:\w+, ?\(?)?(?P<name>[BbNn]|bsz?|num_?batch\w*|n_?batch)\s*,")
_NAMED_BATCH = re.compile(r"batch_?size|\bbs\b|\bbsz\b|batch\b", re.IGNORECASE)
_KEEP = "keep the batch (`x.size(0)`) and take the other sizes from `x.shape` too"


def causes(ask: Arrangement) -> tuple[Cause, ...]:
    """The hypotheses that the numbers allow, best first; there is always one."""
    if ask.fixed < 1 or ask.total < 1:
        why = "the tensor is empty: a filter, a mask or a slice before left nothing" if ask.total < 1 else "a size of 0 was worked out"
        return (
            Cause(
                "empty-tensor" if ask.total < 1 else "size-zero",
                why,
                likely=True,
                tries=("look where the 0 comes from: print the shapes before",),
            ),
        )
    best: dict[str, Scored] = {}
    for score, cause in sorted((one for reading in _READINGS for one in reading(ask)), key=lambda one: -one[0]):
        best.setdefault(cause.name, (score, cause))
    if not best:
        why = "the sizes in the call were worked out for another input"
        return (Cause("wrong-constant", why, likely=True, tries=(_KEEP,)),)
    top = max(score for score, _ in best.values())
    least = max(min(_LIKELY, top), top - 0.3)
    return tuple(cause._replace(likely=score >= least) for score, cause in best.values())


def _batch(ask: Arrangement) -> Iterator[Scored]:
    """The first size is a batch that does not follow the tensor."""
    if len(ask.sizes) < 2 or ask.sizes[0] == -1:
        return
    written, rest = ask.sizes[0], ask.fixed // ask.sizes[0]
    sized, short = _SIZED.search(ask.line), _SHORT.search(ask.line)
    if sized or (short and ask.hole is None):
        yield from _followed(ask, written, rest, sized, short)
        return
    bonus = 0.12 if _NAMED_BATCH.search(ask.line) else 0.0
    follow = "take the batch from the tensor: `x.size(0)` in place of the number"
    if ask.hole is not None:
        if ask.total % rest == 0:
            why = (
                f"{ask.total} is no multiple of {written}"
                if rest == 1
                else f"{ask.total} is a multiple of {rest}, but not of {written}·{rest}"
            )
            yield (
                0.75 + bonus,
                Cause(
                    "hard-coded-batch",
                    f"{why}: this is not a batch of {written} (the last batch of a loader is smaller)",
                    facts={"batch_written": written},
                    tries=(follow, "or leave the smaller last batch out: `DataLoader(..., drop_last=True)`"),
                ),
            )
        return
    real = ask.fit(0)
    if real is None or real == written:
        return
    facts: Facts = {"batch": real, "batch_written": written, "features": rest}
    if real < written and written > 1:
        score = (0.84 if written in _BATCHES and _BATCHES[written] >= 0.6 else 0.62) - (0.1 if len(ask.sizes) == 3 and written <= 4 else 0)
        width = ask.fit(2, 3) if len(ask.sizes) == 4 else None
        if width and written % real == 0 and width % 16 == 0 and heads_like(ask.sizes):
            score -= 0.24  # a simple part of heads times head size: that is another width rather than a last batch
        why = (
            f"{ask.total} = {real}·{times(ask.sizes[1:])}: {count(real, 'sample')} "
            f"where {written} are written; the last batch of a loader is smaller"
        )
        yield (
            score + bonus,
            Cause("last-batch", why, facts=facts, tries=(follow, "or leave the smaller last batch out: `DataLoader(..., drop_last=True)`")),
        )
        return
    score = 0.76 if written == 1 else 0.54 if real in _BATCHES or written in _BATCHES else 0.4
    why = (
        f"{ask.total} = {real}·{times(ask.sizes[1:])}: a batch of {real} "
        f"came, {written} {'is' if written == 1 else 'are'} written in the call"
    )
    yield score + bonus, Cause("hard-coded-batch", why, facts=facts, tries=(follow,))


def _followed(ask: Arrangement, written: int, rest: int, sized: re.Match[str] | None, short: re.Match[str] | None) -> Iterator[Scored]:
    """The batch is that of a tensor. It can only be the batch of another one, or of this one before something changed it."""
    if ask.hole is not None or (sized and (sized["of"] is None or sized["of"] == sized["viewed"])):
        return
    if sized and sized["viewed"] is None and re.search(rf"\b{sized['of']}\b", ask.line[: sized.start()]):
        return  # `self.conv(x).view(x.size(0), …)`: no layer changes the batch
    real = ask.total // rest if ask.total % rest == 0 else None
    if real is None or real == written:
        return
    name = f"`{short['name']}`" if short else f"`{sized['of']}`" if sized else "it"
    own = "is a fixed number, or the batch of another tensor" if short else "is another tensor, with a batch of its own"
    yield (
        0.4 if heads_like(ask.sizes) else 0.6 if short and written % real else 0.44,  # a simple part may be another width
        Cause(
            "batch-of-another-tensor",
            f"{ask.total} = {real}·{times(ask.sizes[1:])}: a batch of {real} would fit, not {written}, if {name} {own}",
            facts={"batch": real, "batch_written": written},
            tries=("take the batch from the tensor that is viewed: `x.size(0)` for `x.view(...)`",),
        ),
    )


def _unbatched(ask: Arrangement) -> Iterator[Scored]:
    """The shape is that of one sample, the tensor holds a batch of them."""
    if ask.hole is not None or len(ask.sizes) > 3 or ask.total % ask.fixed or ask.total == ask.fixed:
        return
    batch = ask.total // ask.fixed
    image = len(ask.sizes) == 3 and ask.sizes[0] in (1, 3, 4) and ask.sizes[1] == ask.sizes[2]
    square = len(ask.sizes) == 2 and ask.sizes[0] == ask.sizes[1] >= 8
    if batch < 2 or not (image or square or len(ask.sizes) == 1):
        return
    score = 0.9 if image else 0.8 if square and batch != 3 else 0.7 if batch in _BATCHES else 0.45
    shape = ", ".join(map(str, ask.sizes))
    yield (
        score,
        Cause(
            "no-place-for-the-batch",
            f"{ask.total} = {batch}·{ask.fixed}: the tensor holds {batch} times [{shape}], and the call has no place for the batch",
            facts={"batch": batch},
            tries=(f"keep the batch in front: `x.view(x.size(0), {shape})`",),
        ),
    )


def _colour(ask: Arrangement) -> Iterator[Scored]:
    """A factor of 3 or 4: the colours."""
    sizes = [size for size in ask.sizes if size > 0]
    side = next((side for side in _image_sides(sizes)), 0)
    if not side:
        return
    if ask.hole is None:
        for came, written, words in (
            (3, 1, "RGB images (3 channels) came where grey ones are asked for"),
            (1, 3, "grey images (1 channel) came where RGB is asked for"),
            (4, 3, "images of 4 channels (RGBA) came where RGB is asked for"),
            (4, 1, "images of 4 channels (RGBA) came where grey ones are asked for"),
        ):
            if ask.total * written == ask.fixed * came:
                yield (
                    0.88,
                    _colour_cause(
                        f"{ask.total} is {came}/{written} of {ask.fixed}" if written > 1 else f"{ask.total} = {came}·{ask.fixed}",
                        words,
                        came,
                        written,
                        side,
                    ),
                )
    elif 3 in sizes and ask.total % (ask.fixed // 3) == 0:
        batch = ask.total // (ask.fixed // 3)
        yield (
            0.8,
            _colour_cause(
                f"{ask.total} = {batch}·{ask.fixed // 3}", "with 1 channel in place of 3 it would fit: grey images, it seems", 1, 3, side
            ),
        )


def _colour_cause(sum_: str, words: str, came: int, written: int, side: int) -> Cause:
    turn = "transforms.Grayscale(1)" if written == 1 else "image.convert('RGB')"
    tries = (
        f"bring the images to {count(written, 'channel')} when they are loaded: `{turn}`",
        f"or write {came} * {side} * {side} for one image",
    )
    return Cause(
        "colour-channels",
        f"{sum_}: {words} ({side}×{side})",
        facts={"channels": came, "channels_written": written, "side": side},
        tries=tries,
    )


def _image_sides(sizes: list[int]) -> Iterator[int]:
    if len(sizes) >= 2 and sizes[-1] == sizes[-2] >= 8:
        yield sizes[-1]
    for channels in (1, 3):
        if (
            sizes
            and sizes[-1] % channels == 0
            and isqrt(sizes[-1] // channels) ** 2 * channels == sizes[-1] >= 64
            and sizes[-1] // channels not in _BATCHES
        ):
            yield isqrt(sizes[-1] // channels)


def _features(ask: Arrangement) -> Iterator[Scored]:
    """[batch, features] or [-1, features]: another number of features than the call was written for."""
    if len(ask.sizes) == 2 and ask.hole is None and ask.sizes[0] > 1 and ask.total % ask.sizes[0] == 0:
        batch, want = ask.sizes
        got = ask.total // batch
        best = next((one for one in _changes(got, want) if _square(one)), None)
        if best is not None and best.score >= 0.3 and min(got, want) >= 16:
            why = (
                f"{ask.total} = {batch}·{got}: a sample has {got} = {best.got}, the call "
                f"is written for {want} = {best.want}: maps of another size"
            )
            yield 0.5 + 0.3 * best.score, _size_cause(why, {"features": got, "batch": batch, "features_written": want}, want, got)
        else:
            yield (
                0.46,
                Cause(
                    "wrong-constant",
                    f"{ask.total} = {batch}·{got}: with a batch of {batch} a sample has {got} elements, not {want}",
                    facts={"features": got, "batch": batch},
                    tries=("keep what comes: `x = torch.flatten(x, 1)`; the next layer must take as many features",),
                ),
            )
    if ask.hole != 0 or len(ask.sizes) < 2:
        return
    want = ask.fixed
    made = decoder(ask)
    shown = _map_of(ask)
    readings = _samples(ask)
    said = f" = {shown}" if shown else f" = {times(ask.sizes[1:])}" if len(ask.sizes) > 2 else ""
    start = f"whatever the batch, a sample does not have {want}{said} elements"
    why = start
    facts: dict[str, object] = {"features_written": want}
    if readings:
        why += "; it may be " + ", or ".join(f"a batch of {batch} with {got} = {reading}" for batch, got, reading in readings)
        facts["readings"] = [[batch, got] for batch, got, _ in readings]
    if made is not None:
        yield made[0], made[1]._replace(why=f"{made[1].why}{why.removeprefix(start)}", facts=facts)
    yield (
        0.6 if made else 0.72,
        _size_cause(why, facts, want, None)
        if len(ask.sizes) == 2
        else Cause(
            "input-size-changed",
            f"the tensor before has maps of another size than {times(ask.sizes[-2:])}" if made else why,
            facts=facts,
            tries=(f"bring the images to the size for which {times(ask.sizes[1:])} was worked out",),
        ),
    )


def _changes(got: int, want: int) -> list[SizeChange]:
    """No sample has more than 10^8 elements: larger numbers are not worth the reckoning."""
    return size_changes(got, want) if max(got, want) <= 10**8 else []


def _square(change: SizeChange) -> bool:
    return all(one.sides[0] == one.sides[1] > 1 for one in (change.got, change.want))


def _map_of(ask: Arrangement) -> str:
    if len(ask.sizes) == 2:
        best = maps(ask.sizes[1], 1)
        return str(best[0]) if best and best[0].score >= 0.55 else ""
    return ""


def _samples(ask: Arrangement) -> list[tuple[int, int, str]]:
    """Which batches would explain the number of elements: (batch, elements of a sample, these as channels and sides), best first."""
    want = ask.fixed
    found: list[tuple[float, int, int, str]] = []
    for batch, usual in _BATCHES.items():
        got, rest = divmod(ask.total, batch)
        if rest or not want / 20 <= got <= want * 20:
            continue
        channels = ask.sizes[1] if len(ask.sizes) == 4 else 0
        for change in _changes(got, want):
            if not _square(change) or (channels and change.got.channels != channels):
                continue
            found.append((usual * change.score, batch, got, str(change.got)))
            break
    found.sort(key=lambda one: -one[0])
    return [(batch, got, reading) for score, batch, got, reading in found[:2] if score >= 0.4]


def _size_cause(why: str, facts: Facts, want: int, got: int | None) -> Cause:
    wide = f"{got} features" if got else "as many features as `x.shape[1]` then is"
    tries = (
        f"keep the batch and flatten the rest: `x = torch.flatten(x, 1)`; build the next layer for {wide}",
        f"or bring the images to the size for which {want} was worked out",
    )
    return Cause("input-size-changed", why, facts=facts, tries=tries)


def _other(ask: Arrangement) -> Iterator[Scored]:
    fits = [(number, fit) for number in range(len(ask.sizes)) if (number or len(ask.sizes) == 1) and (fit := ask.fit(number)) is not None]
    if fits and len(ask.sizes) > 1:
        words = ", or ".join(f"{fit} in place of {ask.sizes[number]} (dim {number})" for number, fit in fits[:3])
        yield (
            0.36,
            Cause(
                "wrong-constant",
                f"with {words} it would fit",
                tries=(_KEEP,),
            ),
        )
    elif fits:
        yield (
            0.36,
            Cause(
                "wrong-constant", f"the tensor holds {ask.total} elements, not {ask.sizes[0]}", tries=("`x.flatten()` takes any number",)
            ),
        )


_READINGS: tuple[Reads, ...] = (*LAYOUTS, _batch, _unbatched, _colour, _features, _other)
