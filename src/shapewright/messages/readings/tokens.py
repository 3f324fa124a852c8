"""Two numbers of tokens, or two widths, that meet: another image size, another model."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Any

from shapewright.messages import fingerprints
from shapewright.messages.readings.scored import Scored, weigh

_IMAGES = (224, 384, 256, 336, 448, 512, 518, 32, 28, 64, 96, 128, 160, 192, 240, 288, 320, 480, 560, 640, 768, 1024)
_PATCHES = (16, 14, 32, 8, 4)
_EXTRAS = {0: "no class token", 1: "a class token", 2: "a class and a distillation token", 5: "a class token and 4 registers"}
_SURE = ("low", "medium", "high")


def _squares(size: int) -> list[tuple[int, int]]:
    """The readings of a number of tokens as k·k patches and extra tokens: 197 is (14, 1)."""
    sides = [(isqrt(max(size - extra, 0)), extra) for extra in _EXTRAS]
    return [(side, extra) for side, extra in sides if side >= 2 and side * side + extra == size]


def _square(side: int, extra: int) -> str:
    return f"{side * side + extra} = {side}·{side} patches" + (f" and {_EXTRAS[extra]}" if extra else "")


def _patch(side: int, other: int) -> int | None:
    """The patch with which both sides are those of usual images."""
    usual = [patch for patch in _PATCHES if side * patch in _IMAGES and other * patch in _IMAGES]
    return min(usual, key=lambda patch: _IMAGES.index(side * patch) + _IMAGES.index(other * patch), default=None)


def _two_images(side: int, other: int) -> str:
    patch = _patch(side, other)
    said = [f"{side * patch} px against {other * patch} px at patch {patch}"] if patch else []
    same = next(((p, q) for p in _PATCHES for q in _PATCHES if p != q and side * p == other * q == 224), None)
    if same:
        said.append(f"224 px at patch {same[0]} against patch {same[1]}")
    return ": " + ", or ".join(said) if said else ": the images have another size than the other tensor is made for"


def token_pairs(left: int, right: int) -> Iterator[Scored]:
    """Two numbers of tokens of a vision transformer: another image size, or the same one with other extra tokens."""
    for side, extra in _squares(left):
        for other, more in _squares(right):
            if extra == more and side != other:
                yield _another_image(side, other, extra)
            elif side == other and extra != more:
                yield _class_token(side, extra, more)


def _another_image(side: int, other: int, extra: int) -> Scored:
    large, small = max(side, other), min(side, other)
    if extra:
        score = 0.3 if large < 7 else 0.86 if extra == 1 else 0.6
    else:
        powers = all(n & (n - 1) == 0 for n in (side, other))
        score = 0.3 if powers else 0.72 if small >= 7 else 0.35
    patch = _patch(side, other)
    facts: dict[str, Any] = {"sides": [side, other], "extra": extra, **({"patch": patch} if patch else {})}
    return weigh(
        score,
        "image-size-changed",
        f"{_square(side, extra)}, {_square(other, extra)}{_two_images(side, other)}",
        "bring the images to the size that the position table was made for, or build the model with `img_size=` as the images are",
        "or interpolate the position table: its patch part as a map [1, D, k, k] with `F.interpolate(…, mode='bicubic')`, "
        "the class token kept apart",
        **facts,
    )


def _class_token(side: int, extra: int, more: int) -> Scored:
    score = 0.3 if side < 4 else 0.62 if abs(extra - more) != 1 else 0.84 if side >= 7 else 0.6
    one, other = _EXTRAS[max(extra, more)], _EXTRAS[min(extra, more)]
    return weigh(
        score,
        "class-token",
        f"both are {side}·{side} = {side * side} patches: one with {one}, the other with {other}",
        "join the class token before the positions are added: `torch.cat([self.cls_token.expand(x.size(0), -1, -1), x], 1)`, "
        "and give the table a row for it",
        "or, if the class token is not wanted, drop its row: `[:, 1:]`",
        side=side,
        extra=[extra, more],
    )


def known_tokens(left: int, right: int) -> Iterator[Scored]:
    """What a table knows of both, or of one, of two numbers of tokens."""
    known = [(size, one) for size in (left, right) if size >= 16 and (one := fingerprints.tokens(size)) is not None]
    if known:
        why = "; ".join(f"{size} is the number of tokens of {one}" for size, one in known)
        step = "use the image size, prompt length or position table that belong to the same model"
        guess = f"{known[0][1].confidence} confidence, from the numbers alone"
        yield weigh(0.54 if len(known) == 2 else 0.4, "token-count", why, step, guess=guess)


def known_widths(left: int, right: int, joined: str) -> Iterator[Scored]:
    """Both sizes are the widths of well-known models: parts of two families were put together."""
    one, other = (fingerprints.width(size) if size >= 320 else None for size in (left, right))
    if one is None or other is None or "flat" in (one.role, other.role):
        return
    why = f"{left} is the width of {one}; {right} that of {other}: {joined}"
    step = "take the adapter, embedding or text encoder that was made for this base model, and remove the other one"
    guess = f"{min(one.confidence, other.confidence, key=_SURE.index)} confidence, from the two widths alone"
    yield weigh(0.66, "model-family", why, step, guess=guess, widths=[left, right])
