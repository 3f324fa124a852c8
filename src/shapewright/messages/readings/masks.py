"""What the numbers say when maps of predictions `[N, C, H, W]` and masks `[N, H, W]` do not go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapewright.messages.readings.classes import batches
from shapewright.messages.readings.pairs import PRINT, SLUG
from shapewright.messages.readings.scored import Scored, count, ranked, weigh
from shapewright.messages.template import Cause, Found, Reading, told


def spatial(found: Found) -> Reading:
    """Predictions `[N, C, H, W]` want masks `[N, H, W]`, and the target has another number of dims."""
    shape = found.shape("got_shape") if found.known("got_shape") else None
    rank = found.number("rank") if found.known("rank") else len(shape) if shape is not None else None
    shown = f" but receives {told(shape)}" if shape else f" but receives one of {count(rank, 'dim')}" if rank else ""
    return Reading(
        SLUG,
        f"the loss expects masks of class numbers [N, H, W]{shown}",
        "predictions of maps [N, C, H, W] go with class numbers [N, H, W]",
        dict(found.values),
        ranked(list(_mask(rank, shape[1] if shape and len(shape) == 4 else None))),
        (PRINT,),
    )


def _mask(rank: int | None, channels: int | None) -> Iterator[Scored]:
    """What a mask of this many dims is; of four dims, with this many channels."""
    if rank == 4:
        why = "the mask has a channel dim [N, 1, H, W], as `ToTensor()` makes it"
        step = "drop it: `target.squeeze(1).long()` (and mind that `ToTensor()` divides class numbers by 255)"
        yield weigh(0.9 if channels in (None, 1) else 0.4, "mask-with-channel", why, step)
        why = "the mask is an RGB picture [N, 3, H, W]: colours instead of class numbers"
        yield weigh(0.9 if channels == 3 else 0.39, "mask-in-colours", why, "map each colour to its class number when the mask is loaded")
        why = "the mask is one-hot [N, C, H, W], with another number of classes than the predictions"
        yield weigh(0.38 if channels in (None, 1, 3) else 0.9, "one-hot-target", why, "class numbers: `target.argmax(1)`")
    elif rank == 1:
        why = "there is one class for each sample, but the predictions are maps [N, C, H, W]: they are neither pooled nor flattened"
        step = "pool before the loss: `out.mean((2, 3))`, or `nn.AdaptiveAvgPool2d(1)` and `nn.Flatten()` before the last layer"
        yield weigh(0.8, "not-pooled", why, step)
    elif rank == 2:
        why = "the masks were flattened to [N, H·W], the predictions were not"
        yield weigh(0.8, "mask-flattened", why, "flatten both: `loss(out.flatten(2), target)`, or leave the masks [N, H, W]")
    else:
        yield weigh(0.6, "mask-dims", "masks of class numbers are [N, H, W]", "take the extra dims away: `target.squeeze(1)`")


def spatial_size(found: Found) -> Reading:
    """Maps of one size meet masks of another one."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("input_shape", "target_shape") or not found.shape("input_shape"):
        cause = Cause("sizes-differ", "the maps of both must have one size", likely=True)
        return Reading(SLUG, "predictions and targets have different sizes", facts=facts, causes=(cause,), tries=(PRINT,))
    x, target = found.shape("input_shape"), found.shape("target_shape")
    if len(x) == 1:
        why = "the predictions lost the dim of the batch, as by a bare `squeeze()` on a batch of 1 or a last layer of 1 output"
        step = "keep it: `out.unsqueeze(0)`, and name the dim to squeeze"
        return Reading(
            SLUG,
            f"the loss expects a target of one class number but receives {told(target)}",
            f"predictions {told(x)} of one dim are read as one sample of {count(x[0], 'class')}",
            facts,
            (Cause("batch-dim-missing", why, likely=True, tries=(step,)),),
            (PRINT,),
        )
    if len(x) == 2:
        return batches(Found({**found.values, "got": x[0], "want": target[0] if target else 0}, found.text, found.context))
    mine, theirs = x[2:], target[1:]
    scored = list(_sides(mine, theirs))
    if target and x[0] != target[0]:
        scored.append(weigh(0.7, "batches-differ", f"batches of {x[0]} and {target[0]}", "take both from one batch of the loader"))
    if not scored:
        why = f"predictions {told(x)} go with a target of {count(len(x) - 1, 'dim')}, not {len(target)}"
        scored = [weigh(0.5, "dims-differ", why)]
    headline = f"the loss compares maps of {told(mine)} with masks of {told(theirs)}"
    return Reading(SLUG, headline, f"predictions {told(x)}, target {told(target)}", facts, ranked(scored), (PRINT,))


def _sides(mine: Sequence[int], theirs: Sequence[int]) -> Iterator[Scored]:
    """The sides of the predictions against those of the masks."""
    if len(mine) != len(theirs) or mine == theirs:
        return
    both = list(zip(mine, theirs, strict=True))
    factors = {b // a if a > 0 and b % a == 0 else 0 for a, b in both}
    differences = {b - a for a, b in both}
    factor, lost = next(iter(factors)), next(iter(differences))
    if list(reversed(mine)) == list(theirs):
        why = f"{told(mine)} against {told(theirs)}: height and width stand in another order"
        step = "`target.transpose(1, 2)`; a PIL image has `size` (width, height), a tensor [H, W]"
        yield weigh(0.8, "height-and-width", why, step)
    elif len(factors) == 1 and factor > 1:
        why = (
            f"the predictions are {factor} times as small a side as the masks: the network gives maps at 1/{factor} of the image "
            "and does not upsample them"
        )
        steps = (
            "bring the predictions to the masks: `F.interpolate(out, size=target.shape[-2:], mode='bilinear')`",
            f"or the masks to the predictions: `F.interpolate(target[:, None].float(), size={tuple(mine)}, mode='nearest')[:, 0].long()`",
        )
        yield weigh(0.9, "output-stride", why, *steps, factor=factor)
    elif len(differences) == 1 and 0 < lost <= 400 and lost % 2 == 0:
        edge = lost // 2
        why = f"the predictions lost {lost} places a side ({edge} at each edge): convolutions without padding"
        step = (
            f"pad the convolutions (`padding=1` for kernel 3), or crop the masks by {edge}: `target[..., {edge}:-{edge}, {edge}:-{edge}]`"
        )
        yield weigh(0.75, "unpadded-convolution", why, step, difference=lost)
    why = (
        f"predictions of {told(mine)} places meet masks of {told(theirs)}: image and mask were resized or cropped differently, "
        "or the network does not keep the size"
    )
    steps = ("resize both alike, masks with the nearest neighbour", "or `F.interpolate(out, size=target.shape[-2:])` before the loss")
    yield weigh(0.6, "sizes-differ", why, *steps)
