"""What the numbers say when a tensor cannot be stretched: by `expand`, into a slice, or in place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shapewright.messages.later import pattern
from shapewright.messages.readings.scored import Scored, ranked, weigh
from shapewright.messages.readings.sides import MASK, POSITION
from shapewright.messages.readings.tokens import known_widths
from shapewright.messages.template import Cause, Found, Reading, told

_SLUG = "broadcast-mismatch"
_ASSIGNED = pattern(r"\]\s*=[^=]|copy_\(")
_POSITIONS = (512, 514, 77, 1024, 2048)
_WIDTHS = {768, 1024, 1280, 2048, 4096}


class _Stretch(NamedTuple):
    """A size `got` is to become `want` in `dim`; the shapes `own` and `target` are empty where the message has none."""

    got: int
    want: int
    dim: int
    own: list[int]
    target: list[int]
    line: str

    @property
    def last(self) -> bool:
        return bool(self.target) and self.dim == len(self.target) - 1

    @property
    def assigned(self) -> bool:
        return bool(_ASSIGNED.search(self.line))


def expand(found: Found) -> Reading:
    """A size `got` is to be stretched, or copied, to `want`; only 1 can be stretched."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want", "dim"):
        cause = Cause("sizes-differ", "the tensor has another size in this dim", likely=True)
        return Reading(_SLUG, "only a dim of size 1 can be stretched to another size", facts=facts, causes=(cause,))
    got, want, dim = found.number("got"), found.number("want"), found.number("dim")
    shapes = found.known("shape", "want_shape")
    own, target = (found.shape("shape"), found.shape("want_shape")) if shapes else ([], [])
    stretch = _Stretch(got, want, dim, own, target, found.context.line)
    scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(stretch)]
    why = f"only a dim of size 1 is repeated by `expand`; {got} entries cannot become {want}"
    step = "to repeat the entries: `x.repeat_interleave(k, dim)` or `x.repeat(…)`"
    scored.append(weigh(0.3 if scored else 0.5, "not-of-size-one", why, step))
    return Reading(
        _SLUG,
        f"a dim of {got} cannot be stretched to {want} (dim {dim})",
        f"{told(own)} was to become {told(target)}" if shapes else "",
        facts,
        ranked(scored),
        ("print both shapes in the line before",),
    )


def _families(s: _Stretch) -> Iterator[Scored]:
    if _WIDTHS & {s.got, s.want}:
        yield from known_widths(s.got, s.want, "an embedding of one model family is put into a prompt or table of the other")


def _positions(s: _Stretch) -> Iterator[Scored]:
    if s.got in _POSITIONS and s.want > s.got and (s.last or not s.target) and (len(s.target) == 2 or POSITION.search(s.line)):
        why = (
            f"a buffer of {s.got} positions or token types is to serve a sequence of {s.want}: "
            f"the text is longer than the model's {s.got} positions"
        )
        step = f"cut the text: `tokenizer(…, truncation=True, max_length={min(s.got, 512) if s.got == 514 else s.got})`"
        yield weigh(0.85, "sequence-too-long", why, step, "or split it into pieces that are short enough", table=s.got, steps=s.want)


def _mask(s: _Stretch) -> Iterator[Scored]:
    four = len(s.target) == 4 and s.last
    named = MASK.search(s.line)
    if named or four:
        step = (
            "make the mask for as many keys as there are (with a cache: past and new ones together); "
            "[B, K] becomes `mask[:, None, None, :]`"
        )
        why = f"a mask for {s.got} keys is stretched to scores of {s.want}: it was made for another length"
        yield weigh(0.62 if named or s.target[-2] != s.target[-1] else 0.5, "mask-length", why, step)


def _slice(s: _Stretch) -> Iterator[Scored]:
    """A place is filled with something of another length."""
    expanded = len(s.own) == len(s.target) > 1 and "expand" in s.line
    if not s.assigned and (s.dim or expanded):
        return
    why = f"a place of {s.want} is filled with {s.got}: "
    if s.dim == 0 and s.got < s.want:
        why += "the last batch or the last window is shorter than the others"
    else:
        why += "what is written has another length than where it goes"
    steps: tuple[str, ...] = ("make the place from what is written: `out = y.new_zeros(y.shape)`",)
    if s.dim == 0:
        steps = ("write as many as there are: `out[i : i + len(y)] = y`", "or `DataLoader(…, drop_last=True)` where it is the last batch")
    yield weigh(0.7 if s.assigned else 0.5, "slice-length", why, *steps)


def _bias(s: _Stretch) -> Iterator[Scored]:
    if len(s.own) == 1 and s.last and len(s.target) == 2:
        why = f"a bias or a vector of {s.got} is added to rows of {s.want}: it belongs to a layer of {s.got} outputs"
        step = f"build the bias for {s.want} outputs, or leave it to the layer: `nn.Linear(n, {s.want})`"
        yield weigh(0.3 if s.got in (512, 514) else 0.6, "bias-length", why, step)


def _order(s: _Stretch) -> Iterator[Scored]:
    """The sizes stand in another order, or a vector at another dim than the one it is for."""
    if s.own and sorted(s.own) == sorted(s.target):
        why = f"{told(s.own)} and {told(s.target)} have the same sizes in another order"
        yield weigh(0.8, "missing-transpose", why, "bring it into that order first: `x.transpose(0, 1)` or `x.permute(…)`")
    place = s.target.index(s.got) if s.got in s.target else s.dim
    if place != s.dim and 0 < len(s.own) < len(s.target):
        dots = ", ".join([":"] + ["None"] * (len(s.target) - 1 - place))
        why = f"the {s.got} is as long as dim {place} of {told(s.target)}, but stands at dim {s.dim}: shapes are lined up at the last dim"
        yield weigh(0.72, "vector-at-wrong-dim", why, f"give it dims of size 1 at the end: `v[{dots}]`")


_HYPOTHESES = (_families, _positions, _mask, _slice, _bias, _order)


# ------------------------------------------------------------------------------------------------------------------- in place


def grow(found: Found) -> Reading:
    """A tensor of `shape` is changed in place and would have to become `want_shape`."""
    facts: dict[str, object] = dict(found.values)
    line, frames = found.context.line, found.context.frames
    if not found.known("shape", "want_shape"):
        cause = Cause("in-place", "an in-place operation keeps the shape of what it writes to", likely=True)
        return Reading(_SLUG, "a tensor is changed in place and cannot grow", facts=facts, causes=(cause,))
    own, wanted = found.shape("shape"), found.shape("want_shape")
    loss = "binary_cross_entropy" in frames or "BCELoss" in frames
    scored = list(_grown(own, wanted))
    if loss:
        why = f"the loss has weights that do not fit predictions {told(own)}"
        scored.append(weigh(0.9, "loss-weight", why, "give `weight` the shape of the predictions, or one that stretches to it"))
    why = "an in-place operation (`+=`, `mul_`, `out=`) keeps the shape of what it writes to"
    scored.append(weigh(0.3 if scored else 0.5, "in-place", why))
    step = "if the larger shape is what you want: `x = x + y` instead of `x += y`"
    if line and "+=" not in line:
        step = "if the larger shape is what you want, write it without changing in place: `x = x + y`"
    return Reading(
        "loss-target-shape" if loss else _SLUG,
        f"a tensor of {told(own)} is changed in place and cannot grow to {told(wanted)}",
        "the result of the operation is larger than the tensor it is written to",
        facts,
        ranked(scored),
        (step,),
    )


def _grown(own: list[int], wanted: list[int]) -> Iterator[Scored]:
    if len(own) == 3 and own[0] == 1 and wanted == [3, *own[1:]]:
        why = f"an image of 1 channel {told(own)} is normalised with mean and std of 3 channels"
        steps = (
            "make it RGB first: `transforms.Grayscale(3)`, or `Image.open(path).convert('RGB')`",
            "or normalise one channel: `Normalize((0.5,), (0.5,))`",
        )
        yield weigh(0.92, "grey-image", why, *steps, channels=1)
    if len(own) == 1 and wanted == [own[0], own[0]]:
        why = f"a column [{own[0]}, 1] meets the row {told(own)}: both are spread to a square"
        yield weigh(0.85, "column-meets-row", why, "drop the dim of size 1: `y.squeeze(1)`")
    if wanted[1:] == own and wanted:
        why = f"{wanted[0]} tensors of {told(own)} are added into one: the batch is missing on the left, or the sum over it on the right"
        yield weigh(0.7, "batch-into-one", why, "sum first: `x += y.sum(0)`")
    if len(wanted) >= len(own) and any(a == 1 != b for a, b in zip(own, wanted[len(wanted) - len(own) :], strict=True)):
        yield weigh(0.6, "keeps-size-one", f"a dim of size 1 of {told(own)} would have to grow; in place it cannot, `x = x + y` can")
