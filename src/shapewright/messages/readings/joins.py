"""What the numbers say when tensors cannot be joined or split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shapewright.messages.later import pattern
from shapewright.messages.readings.scored import LIKELY, Scored, clear, count, ranked, top, usual_batch, weigh
from shapewright.messages.readings.sizes import halved
from shapewright.messages.readings.tokens import known_tokens, known_widths, token_pairs
from shapewright.messages.template import Cause, Found, Reading

ONE_SIZE = (
    "bring all images to one size in the data set: `transforms.Resize((224, 224))`; `Resize(224)` keeps the aspect ratio",
    "or pad in a `collate_fn` of your own: `pad_sequence(xs, batch_first=True)`",
)
_EMBEDDED = pattern(r"[\w.]*emb\w*\([\w.]{1,40}\)")
_SLUG = "concat-mismatch"
_PRINT = "print the shapes of all tensors in the line before"


class _Join(NamedTuple):
    """`want` in the first tensor, `got` in another, in dim `axis`; joined along `dim`. None: the message does not say it."""

    want: int
    got: int
    dim: int | None
    axis: int | None
    frames: str = ""

    @property
    def small(self) -> int:
        return min(self.want, self.got)

    @property
    def large(self) -> int:
        return max(self.want, self.got)

    @property
    def maps(self) -> bool:
        """Maps are joined by their channels."""
        return self.dim == 1 and self.axis != 0

    @property
    def sides(self) -> bool:
        """The dim that differs may be a side of maps."""
        return self.maps and (self.axis is None or self.axis >= 2)


def cat(found: Found) -> Reading:
    """`want` in the first tensor, `got` in another, in a dim that is not the one along which they are joined."""
    facts: dict[str, object] = dict(found.values)
    shown = f"along dim {facts['dim']} " if "dim" in facts else ""
    if not found.known("got", "want"):
        cause = Cause("sizes-differ", "all dims but the one they are joined along must be equal", likely=True)
        certain = "" if "got" in facts else "this wording names no sizes"
        return Reading(_SLUG, f"the tensors to concatenate {shown}disagree in another dim", certain, facts, (cause,), (_PRINT,))
    dim, axis, number = (found.number(name) if found.known(name) else None for name in ("dim", "axis", "tensor"))
    join = _Join(found.number("want"), found.number("got"), dim, axis, found.context.frames)
    where = f" in dim {axis}" if axis is not None else ""
    other = f"tensor {number} (counted from 0)" if number is not None else "another"
    certain = f"all dims but {'one' if dim is None else f'dim {dim}'} must be equal"
    if axis is None:
        certain += "; which one differs this wording does not say: print the shapes"
    scored = clear([one for hypothesis in _HYPOTHESES for one in hypothesis(join)])
    if top(scored) < LIKELY:
        why = f"two results that should have one size were computed to {join.want} and {join.got}"
        scored.append(weigh(0.5, "sizes-differ", why, "follow the one that is wrong back to the layer that gives it its size"))
    headline = f"the tensors to concatenate {shown}disagree{where}: {join.want} in the first and {join.got} in {other}"
    return Reading(_SLUG, headline, certain, facts, ranked(scored), (_PRINT,))


def _collated(j: _Join) -> Iterator[Scored]:
    if "collate" in j.frames:
        yield weigh(0.95, "samples-differ", f"the samples of one batch have different sizes: {j.want} and {j.got}", *ONE_SIZE)


def _skip(j: _Join) -> Iterator[Scored]:
    """Maps that went down and up again meet the skip connection: a rounded half, or edges that were lost."""
    difference = j.large - j.small
    again = halved(j.small, j.large)
    if again and difference <= 16 and j.dim not in (0, None) and j.axis != 0:
        multiple = 2 ** max(again[0], 4)
        why = f"{again[1]}: the upsampled map no longer fits the skip connection, as the side of the image cannot be halved often enough"
        steps = (
            f"feed images whose sides are multiples of {multiple} (32 for five halvings): resize, or `F.pad`",
            "or bring the upsampled map to the skip's size before the `cat`: `x = F.interpolate(x, size=skip.shape[2:])`",
        )
        score = 0.45 if not j.sides else 0.86 if difference == 1 else 0.7
        yield weigh(score, "odd-size-at-skip", why, *steps, difference=difference, multiple=multiple)
    if difference and difference % 2 == 0 and j.sides and j.small >= 4 and j.large < 2 * j.small:
        why = (
            f"{j.large} - {j.small} = {difference}: convolutions without padding shrink the maps, {difference // 2} of kernel 3 "
            "by this much; the U-Net of the paper crops its skips"
        )
        crop = "or crop the skip to the middle: `torchvision.transforms.functional.center_crop(skip, x.shape[2:])`"
        score = 0.72 if difference > 16 or not again else 0.55
        yield weigh(score, "unpadded-convolution", why, "pad the 3×3 convolutions: `padding=1`", crop, difference=difference)


def _level(j: _Join) -> Iterator[Scored]:
    """A map of another level of a U-Net."""
    ratio, rest = divmod(j.large, max(j.small, 1))
    if ratio in (2, 4, 8) and not rest and j.small >= 2 and j.axis != 0:
        why = (
            f"{j.large} = {ratio}·{j.small}: a map of another level is joined: an upsampling is missing or one too many, "
            "or the skips are taken in the wrong order"
        )
        steps = (
            "the last skip that was stored is the first one to be joined: `skips.pop()`",
            "bring it to the size first: `F.interpolate(x, size=skip.shape[2:])`",
        )
        yield weigh(0.66 if j.sides else 0.45, "another-level", why, *steps, factor=ratio)


def _batches(j: _Join) -> Iterator[Scored]:
    """The batches differ."""
    if j.axis != 0 and (j.axis is not None or j.dim in (0, None)):
        return
    usual = usual_batch(j.large) and j.large >= 8 and not halved(j.small, j.large) and not (j.maps and j.large == 2 * j.small)
    made = "the last batch is smaller, or a tensor of the full batch size was kept"
    steps: tuple[str, ...] = ("make both for the batch that comes: `x.size(0)` instead of a constant", "or `DataLoader(…, drop_last=True)`")
    if j.small == 1:
        made = "one tensor was made for a single sample"
        steps = ("`cat` does not stretch a dim of size 1: `y = y.expand(x.size(0), *y.shape[1:])`",)
    why = f"{'' if j.axis == 0 else 'if it is dim 0, '}batches of {j.want} and {j.got} are joined: {made}"
    yield weigh(0.7 if j.axis == 0 else 0.55 if usual else 0.2, "batches-differ", why, *steps, batch=j.small)


def _lengths(j: _Join) -> Iterator[Scored]:
    """A dim of size 1, sequences of two lengths, or the wrong dim."""
    if j.small == 1 and j.axis != 0:
        step = f"stretch it first: `y.expand(…)` with {j.large} in that dim"
        yield weigh(0.72, "not-stretched", f"`cat` does not stretch a dim of size 1 to {j.large}, as `+` would", step)
    if j.dim is not None and j.dim >= 2 and j.axis in (None, 1):
        only = "" if j.axis == 1 else "if it is dim 1, "
        why = f"{only}sequences of {j.want} and {j.got} steps are joined by their features, step by step"
        step = "bring both to one length first (cut or pad), or join them one after the other: `dim=1`"
        yield weigh(0.62, "steps-differ", why, step)
    if j.dim == 0 and j.axis != 0:
        why = (
            f"pieces of {j.want} and {j.got} are put one after the other: batches padded to their own longest sample, "
            "or images of two sizes"
        )
        step = "pad all to one length first: `F.pad(x, (0, longest - x.size(1)))`, or collect them in a list"
        yield weigh(0.6, "lengths-differ", why, step, "or join along the dim that differs: `dim=1`")
    if j.dim is not None and j.dim >= 1 and j.axis != 0 and not (j.maps and j.large - j.small <= 2):
        why = f"they are joined along dim {j.dim}; if they are meant to differ in the other dim, that is the one to join along"
        named = f"`dim={j.axis}`" if j.axis is not None else "`torch.cat([a, b], dim=…)`"
        yield weigh(0.42, "wrong-dim", why, f"name the dim that differs: {named}")


def _families(j: _Join) -> Iterator[Scored]:
    """Widths and token counts of well-known models."""
    joined = (
        "text embeddings of one family stand in a prompt for the other (an embedding file named in the prompt, or the wrong text encoder)"
    )
    yield from known_widths(j.want, j.got, joined)
    if j.axis != 0 and j.dim != 1:
        yield from ((score * 0.8, cause) for score, cause in token_pairs(j.want, j.got) if score > 0.6)
        yield from known_tokens(j.want, j.got)


_HYPOTHESES = (_collated, _skip, _level, _batches, _lengths, _families)


def ranks(found: Found) -> Reading:
    """Tensors of `want_rank` and of `rank` dims are joined."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("rank", "want_rank"):
        cause = Cause("dim-lost", "one branch lost or gained a dim", likely=True)
        return Reading(_SLUG, "the tensors to concatenate have different numbers of dims", facts=facts, causes=(cause,))
    want, got = found.number("want_rank"), found.number("rank")
    where = f" (tensor {facts['tensor']}, counted from 0)" if "tensor" in facts else ""
    headline = f"the tensors to concatenate have {want} and {count(got, 'dim')}{where}"
    return Reading(_SLUG, headline, facts=facts, causes=ranked(list(_dims(want, got, found.context.line))), tries=(_PRINT,))


def _dims(want: int, got: int, line: str) -> Iterator[Scored]:
    """The first tensor has `want` dims, another one `got`."""
    more, less = max(want, got), min(want, got)
    if (more, less) == (4, 2):
        why = "maps [N, C, H, W] are joined with features [N, F]: the maps are not flattened"
        yield weigh(0.8, "map-not-flattened", why, "flatten first: `torch.cat([x.flatten(1), features], 1)`")
    elif (more, less) == (3, 2):
        why = "a sequence [N, L, D] is joined with one vector for each sample [N, D]"
        steps = (
            "repeat the vector for each step: `v.unsqueeze(1).expand(-1, x.size(1), -1)` and `dim=-1`",
            "or, where both are of the same width, join it as one more step: `v.unsqueeze(1)` and `dim=1`",
        )
        yield weigh(0.7, "sequence-and-vector", why, *steps)
        embedded = _EMBEDDED.search(line)
        if embedded:
            why = f"a dim of size 1 too many: of labels [N, 1] `{embedded[0]}` gives [N, 1, D], and the other tensor is [N, F]"
            step = f"take the dim out: `{embedded[0]}.squeeze(1)`, or give it labels [N]"
            yield weigh(0.85 if got > want else 0.6, "dim-of-size-one", why, step)
    elif (more, less) == (2, 1):
        why = "features [N, F] are joined with one number for each sample [N], or with a single sample [F]"
        steps = ("make it a column: `v.unsqueeze(1)` and `dim=1`", "or a sample a batch of one: `v.unsqueeze(0)` and `dim=0`")
        yield weigh(0.8, "column-lost", why, *steps)
    elif more - less == 1:
        why = f"one has {count(less, 'dim')}: a sample without a batch, or a `squeeze()` that took a dim of size 1 along"
        yield weigh(0.8, "batch-dim-missing", why, "add the dim: `x.unsqueeze(0)`; name the dim to squeeze: `x.squeeze(1)`")
        return
    else:
        why = f"{count(more, 'dim')} against {less}: the two stand for different things"
        yield weigh(0.8, "dims-differ", why, "bring both to one number of dims with `flatten(1)` or `unsqueeze`")
    if more - less == 1:
        why = "a `squeeze()` without a dim took one of size 1 along (a batch of 1, a single step)"
        yield weigh(0.4, "squeezed", why, "name the dim: `x.squeeze(1)`")


def split(found: Found) -> Reading:
    """Parts of these `sizes` are to be taken from a dim of `want`."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("sizes", "want"):
        cause = Cause("parts-and-size", "the sizes of the parts must add up to the dim", likely=True)
        return Reading("other-shape-error", "the parts of a split do not add up to the dim", facts=facts, causes=(cause,))
    sizes, want = found.shape("sizes"), found.number("want")
    total = sum(sizes)
    shown = " + ".join(map(str, sizes[:8])) + (" + …" if len(sizes) > 8 else "")
    scored: list[Scored] = []
    if len(sizes) == 3 and len(set(sizes)) <= 2:
        thirds = f" = 3·{want // 3}" if want % 3 == 0 else ""
        why = (
            f"queries, keys and values are split by sizes {shown} = {total}, but the joint layer gives {want}{thirds}: "
            "the heads for keys and values (grouped-query attention) or the width are set otherwise"
        )
        scored.append(weigh(0.7, "queries-keys-values", why, "the layer must give `(heads + 2 * kv_heads) * head_dim` features"))
    if total > want:
        why = f"the dim has {want}, the parts ask for {total}: {total - want} too many (a last batch, or a longer list of lengths)"
        step = "take the sizes from the tensor: the last is `x.size(dim) - sum(others)`"
        scored.append(weigh(0.55, "shorter-than-asked", why, step))
    else:
        steps = (f"name the rest, too: one more part of {want - total}", "or, for equal parts, give one number: `x.split(n)`")
        scored.append(weigh(0.55, "rest-left-out", f"the parts take {total} of {want}: {want - total} are left over", *steps))
    return Reading(
        "other-shape-error",
        f"cannot split {want} along dim {facts.get('dim', '?')} into {shown} = {total}",
        "the parts must add up to the dim exactly",
        {**facts, "sizes": sizes, "sum": total},
        ranked(scored),
        ("compare `sum(sizes)` with `x.shape` in the line before",),
    )
