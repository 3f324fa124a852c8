"""What the message of a pooling, an unpooling or a fold says of its input: the dims, and the room for the window."""

from __future__ import annotations

import re
from math import prod

from shapewright.messages.readings.images import UNKNOWN, by, certain, count, facts, known, layout, side, size, sizes, told
from shapewright.messages.readings.words import called, caller, cause
from shapewright.messages.readings.words import renamed as renamed
from shapewright.messages.template import Cause, Found, Reading

_PRINT = "print `x.shape` in the line before the layer"


def window(found: Found) -> Reading:
    """`C x H x W` became `C x 0 x W'`: a window that is larger than the map."""
    got, out = sizes(found, "map_shape"), sizes(found, "out_shape")
    channels, sides, left = (got[0], got[1:], out[1:]) if len(got) > 1 else (0, got, out)
    small = [dim for dim in range(min(len(sides), len(left))) if UNKNOWN != left[dim] < 1]
    line = len(sides) == 2 and sides[0] == 1 and left[:1] == [1]  # a 1-d pooling, to which torch adds a dim
    named = facts(found, channels=channels, **({"got": sides[small[0]], "dim": small[0]} if small else {}))
    headline = f"the window of {caller(found, 'pool', 'pad', 'fold')} does not fit its {by(sides)} input"
    if line:
        headline = f"the window of {caller(found, 'pool', 'pad', 'fold')} is longer than its input of {count(sides[-1], 'step')}"
    exact = f"{count(channels, 'channel')} of {by(sides)} come, and {by(left)} would be left"
    made = _series(sides[-1]) if line else _small(channels, sides, small)
    return Reading("conv-kernel-too-large", headline, exact, named, tuple(made), ("print `x.shape` before each pooling",))


def _series(length: int) -> list[Cause]:
    why = f"a sequence of {count(length, 'step')} is shorter than the window"
    step = "pad short sequences, or take a smaller window or `padding`"
    first = cause("sequence-too-short", why, step, likely=True, length=length)
    why = f"or the last dim is not the length: a 1-d pooling slides over the last dim of {layout(1)}"
    second = cause("length-and-features-swapped", why, "then `x = x.permute(0, 2, 1)` before it")
    return [first, second]


def _small(channels: int, sides: list[int], small: list[int]) -> list[Cause]:
    found: list[Cause] = []
    last = sides[-1] if sides else 0
    if len(sides) == 2 and small == [1] and last in (1, 2, 3, 4) and side(sides[0]) and side(channels):
        sure = channels == sides[0] or last in (1, 3)
        why = f"{channels}×{sides[0]}×{last} reads like height, width and {count(last, 'channel')}: the channels stand last"
        step = "move them: `x = x.permute(0, 3, 1, 2)` for a batch, `x.permute(2, 0, 1)` for one image"
        found.append(cause("channels-last", why, step, likely=sure, height=channels, width=sides[0], channels=last))
    if len(sides) == 2 and len(small) == 1 and sides[small[0]] == 1 and sides[1 - small[0]] >= 4:
        window = "(1, k)" if small[0] == 0 else "(k, 1)"
        why = f"a map of {by(sides)} is a series: a square window does not fit its short side"
        found.append(cause("series-as-image", why, f"take a window of {window}, or `nn.MaxPool1d` without that dim", likely=not found))
    sure = not any(cause.likely for cause in found)
    if sides and all(one == 1 for one in sides):
        why = "nothing is left to pool: a 28×28 image is 1×1 after four halvings (28, 14, 7, 3, 1), a 32×32 one after five"
    elif len(sides) == 2 and sides[0] == sides[1] and 1 < last <= 6 and len(small) == 2 and channels >= 256:
        why = f"the map is {by(sides)}; a pooling over 7×7 is made for 224×224 images in a network that halves them five times, "
        why += f"where {by(sides)} is what about {last * 32}×{last * 32} leaves"
        step = "pool whatever comes: `nn.AdaptiveAvgPool2d(1)` instead of the fixed window"
        found.append(cause("fixed-window", why, step, likely=sure, map=sides))
        why = "the images are smaller than those the network is made for"
    else:
        why = f"the layers before have shrunk the map to {by(sides)}: the images are smaller than those the network is made for"
    step = "feed larger images: `transforms.Resize(…)` to the size that the network is made for"
    found.append(cause("image-too-small", why, step, "or take out a pooling, or make a stride 1", likely=sure, map=sides))
    return found


def length(found: Found) -> Reading:
    """A 1-d pooling that would leave nothing."""
    headline = f"the window of {caller(found, 'pool', 'pad', 'fold')} is longer than its input: {found.values['out']} steps would be left"
    why = "the sequence is shorter than the window (its length with the padding counts)"
    step = "print `x.shape` in the line before: the last dim is the length"
    first = cause("sequence-too-short", why, step, "pad short sequences, or take a smaller window", likely=True)
    why = f"the last dim is not the length: a 1-d pooling takes {layout(1)}"
    second = cause("length-and-features-swapped", why, "then `x = x.permute(0, 2, 1)` before it")
    return Reading("conv-kernel-too-large", headline, "", facts(found), (first, second))


def kernel3(found: Found) -> Reading:
    """A window over volumes."""
    got, kernel = sizes(found, "map_shape"), sizes(found, "kernel_shape")
    numbers = [int(one) for one in re.findall(r": ?(\d+)", str(found.values.get("input", "")))]
    windows = [int(one) for one in re.findall(r": ?(\d+)", str(found.values.get("kernel", "")))]
    got, kernel = got or numbers, kernel or windows
    headline = f"the {by(kernel)} window of {caller(found, 'pool', 'pad', 'fold')} does not fit its {by(got)} input"
    why = f"of {by(got)} (frames or depth, height, width) a side is smaller than the window's {by(kernel)}"
    step = "feed larger clips or volumes, or take a smaller window in that dim: `nn.AvgPool3d((1, 2, 2))` leaves the first one alone"
    made = cause("too-few-frames" if got and kernel and got[0] < kernel[0] else "image-too-small", why, step, likely=True)
    return Reading("conv-kernel-too-large", headline, "", known({"map_shape": got, "kernel_shape": kernel}), (made,))


def rank(found: Found) -> Reading:
    """Too many dims, too few, or none of its pixels left; not all wordings print the shape."""
    unbatched, batched = found.number("unbatched") if found.known("unbatched") else 0, found.number("want_rank")
    n = batched - 2
    name = str(found.values.get("name", "")).lower()
    takes = layout(n)
    if name.startswith("fold") or (n == 1 and "2d or 3d (batch mode) tensor for input with" in found.text.lower()):
        takes = "[N, C·kernel, blocks]"
    got = sizes(found, "shape")
    if "shape" not in found:
        return _unnamed(
            found, f"{caller(found, 'pool', 'pad', 'fold')} expects {batched} dims {takes}, or {unbatched or batched - 1} for one sample"
        )
    if len(got) in (batched, batched - 1) and 0 in got:
        return _empty(found, got, got.index(0), "conv-kernel-too-large" if "optional 0 dim" in found.text else "other-shape-error")
    headline = f"{caller(found, 'pool', 'pad', 'fold')} expects {batched} dims {takes} but receives {len(got)}: {told(got)}"
    exact = f"one sample alone may have {batched - 1}"
    return Reading("other-shape-error", headline, exact, facts(found, rank=len(got)), certain(_dims(got, n)), (_PRINT,))


def _unnamed(found: Found, expects: str) -> Reading:
    """A wording that names no shape."""
    why = "the input was flattened before, or is the output of a linear layer"
    first = cause("flattened-before", why, "pool before the flatten", likely=True)
    step = "`x.unsqueeze(1)` adds a channel dim, `x.flatten(0, 1)` puts frames into the batch"
    second = cause("wrong-number-of-dims", "a channel dim is missing, or clips with frames come", step)
    headline = f"{expects}, but receives another number"
    return Reading("other-shape-error", headline, "this wording names no shape", facts(found), (first, second), (_PRINT,))


def _dims(got: list[int], n: int) -> list[Cause]:
    ones = [dim for dim, size in enumerate(got) if size == 1]
    if len(got) == 2 and n > 1:
        why = f"{told(got)} is what is left after a flatten or a pooling: {size(got[0])} samples of {count(got[1], 'feature')}"
        step = "or leave this pooling out: where a model gives out features, they are pooled already"
        first = cause("flattened-before", why, "pool before the flatten", step, likely=True, batch=got[0], features=got[1])
        second = cause("no-channel-dim", f"or one map of {by(got)} without batch and channel dim", "then `x = x[None, None]`")
        return [first, second]
    if len(got) < n + 1:
        why = f"{told(got)} lacks {count(n + 2 - len(got), 'dim')} of [N, C] and {count(n, 'dim')} to slide over"
        return [cause("missing-dims", why, "`x.unsqueeze(0)` adds a batch dim, `x.unsqueeze(1)` a channel dim behind it", likely=True)]
    found = []
    if ones:
        why = f"dim {ones[0]} of {told(got)} is 1"
        found.append(cause("extra-dim", why, f"take it away: `x = x.squeeze({ones[0]})`", likely=True, dim=ones[0]))
    if n == 1 and len(got) == 4:
        why = f"{told(got)} are maps [N, C, H, W], and a 1-d pooling slides over one dim"
        found.append(cause("images", why, "take the 2-d pooling, or make the places a series: `x = x.flatten(2)`", likely=not ones))
    elif n == 2 and len(got) == 5:
        why = f"{told(got)} are clips or stacks of images: a 2-d pooling takes one image after the other"
        step = "put the frames into the batch: `x = x.flatten(0, 1)`, and back behind it: `x.unflatten(0, (batch, frames))`"
        found.append(cause("video", why, step, "or take the 3-d pooling", likely=not ones))
    else:
        surplus = len(got) - n - 2
        why = f"{told(got)} has {count(surplus, 'dim')} too many" if surplus > 0 else f"{told(got)} is not {layout(n)}"
        found.append(cause("too-many-dims", why, "merge dims into the batch: `x = x.flatten(0, 1)`", likely=not ones))
    return found


def one_dim(found: Found) -> Reading:
    """A 1-d pooling says by how many dims its input is off, not its shape."""
    rank = found.number("rank")
    made = cause("missing-dims", "batch and channels are missing", "add them: `x = x.view(1, 1, -1)`", likely=True)
    if rank > 3:
        why = "4 dims are maps [N, C, H, W], and a 1-d pooling slides over one dim"
        made = cause("images", why, "take the 2-d pooling, or make the places a series: `x = x.flatten(2)`", likely=True)
    headline = f"{caller(found, 'pool', 'pad', 'fold')} expects 3 dims {layout(1)} but receives {rank}"
    exact = f"it is `{found.values['name']}` that receives it; one sample alone may have 2"
    return Reading("other-shape-error", headline, exact, facts(found, want_rank=3), (made,), (_PRINT,))


def hollow(found: Found) -> Reading:
    """A map with a dim of size 0."""
    got = sizes(found, "shape")
    dim = found.number("dim") if found.known("dim") else 0
    if "non-batch dimension" in found.text and "has length zero" in found.text:
        dim = got.index(0) if 0 in got else dim
    return _empty(found, got, dim, "other-shape-error")


def _empty(found: Found, got: list[int], dim: int, slug: str) -> Reading:
    channels = dim == len(got) - 3
    headline = f"{caller(found, 'pool', 'pad', 'fold')} receives a map without a {'channel' if channels else 'pixel'}: {told(got)}"
    exact = f"dim {dim} is 0; only the batch may be empty"
    step = "print the slice or the box before: its end must lie behind its start, and inside the image"
    first = cause("empty-slice", "a slice, a mask or a crop outside the image left nothing", step, "skip empty crops", likely=True)
    why = "or strides and poolings have shrunk the map to nothing"
    second = cause("image-too-small", why, "feed larger images, or take out a pooling")
    return Reading(slug, headline, exact, facts(found, dim=dim), (first, second))


def blocks(found: Found) -> Reading:
    """`fold` is given more or fewer blocks than its size has."""
    got, want = found.number("got"), found.number("want")
    size, kernel, stride = sizes(found, "output_shape"), sizes(found, "kernel_shape"), sizes(found, "stride_shape")
    headline = f"{called(found, 'fold')} puts {want} blocks together for {by(size)} but receives {got}"
    exact = f"blocks of {by(kernel)} in steps of {by(stride)} on {by(size)} are {want}"
    why = "kernel, stride, padding, dilation or size are not those of the `unfold` that made the blocks"
    step = "give `fold` the very numbers of the `unfold`, and as `output_size` the height and width that went into it"
    first = cause("fold-unlike-unfold", why, step, likely=True)
    why = f"or the blocks do not stand last: the input is [N, C·{by(kernel)}, blocks]"
    second = cause("blocks-not-last", why, "then `x = x.transpose(1, 2)`")
    return Reading("other-shape-error", headline, exact, facts(found), (first, second))


def multiple(found: Found) -> Reading:
    """The values of a block of `fold` are channels times the places of the kernel."""
    got, kernel = found.number("got"), sizes(found, "kernel_shape")
    values = f"{by(kernel)} = {prod(kernel)}" if len(kernel) > 1 and UNKNOWN not in kernel else by(kernel)
    headline = f"{called(found, 'fold')} expects a multiple of {values} values in each block but receives {got}"
    why = f"the input is [N, C·{by(kernel)}, blocks], and may come with the blocks before the values"
    first = cause("blocks-not-last", why, "then `x = x.transpose(1, 2)`", likely=True)
    why = "or the kernel is not that of the `unfold` that made the blocks"
    second = cause("fold-unlike-unfold", why, "give `fold` the very numbers of the `unfold`")
    named = facts(found) if UNKNOWN in kernel else facts(found, want=prod(kernel))
    return Reading("other-shape-error", headline, "", named, (first, second))


def unfold(found: Found) -> Reading:
    """Blocks that are larger than the map they are cut from."""
    got, kernel = sizes(found, "map_shape"), sizes(found, "kernel_shape")
    headline = f"the {by(kernel)} blocks of {called(found, 'unfold')} do not fit its {by(got)} input"
    why = f"the map measures {by(got)}, a block {by(kernel)} (padding and dilation count too)"
    first = cause("map-too-small", why, "take smaller blocks, or `padding`, or feed larger images", likely=True)
    step = "print `x.shape` in the line before"
    second = cause("channels-last", "or the dims stand in another order: the input is [N, C, H, W]", step)
    return Reading("conv-kernel-too-large", headline, "", facts(found), (first, second))
