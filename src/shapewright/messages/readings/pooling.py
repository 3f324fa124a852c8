"""What the message of a pooling, an unpooling or a fold says of its input: the dims, and the room for the window."""

from __future__ import annotations

import re

from shapewright.messages.readings.images import by, certain, count, known, layout, side, size, sizes, told
from shapewright.messages.template import Cause, Found, Reading


def window(found: Found) -> Reading:
    """`C x H x W` became `C x 0 x W'`: a window that is larger than the map."""
    got, out = sizes(found, "map_shape"), sizes(found, "out_shape")
    channels, sides, left = (got[0], got[1:], out[1:]) if len(got) > 1 else (0, got, out)
    small = [dim for dim in range(min(len(sides), len(left))) if left[dim] < 1]
    line = len(sides) == 2 and sides[0] == 1 and left[:1] == [1]  # a 1-d pooling, to which torch adds a dim
    facts: dict[str, object] = {**found.values, "channels": channels}
    if small:
        facts |= {"got": sides[small[0]], "dim": small[0]}
    return Reading(
        "conv-kernel-too-large",
        f"the window of {found.layer} is longer than its input of {count(sides[-1], 'step')}"
        if line
        else f"the window of {found.layer} does not fit its {by(sides)} input",
        f"{count(channels, 'channel')} of {by(sides)} come, and {by(left)} would be left",
        facts,
        tuple(_series(sides[-1]) if line else _small(channels, sides, small)),
        ("print `x.shape` before each pooling",),
    )


def _series(length: int) -> list[Cause]:
    return [
        Cause(
            "sequence-too-short",
            f"a sequence of {count(length, 'step')} is shorter than the window",
            likely=True,
            facts={"length": length},
            tries=("pad short sequences, or take a smaller window or `padding`",),
        ),
        Cause(
            "length-and-features-swapped",
            f"or the last dim is not the length: a 1-d pooling slides over the last dim of {layout(1)}",
            tries=("then `x = x.permute(0, 2, 1)` before it",),
        ),
    ]


def _small(channels: int, sides: list[int], small: list[int]) -> list[Cause]:
    found: list[Cause] = []
    last = sides[-1]
    if len(sides) == 2 and small == [1] and last in (1, 2, 3, 4) and side(sides[0]) and side(channels):
        sure = channels == sides[0] or last in (1, 3)
        found.append(
            Cause(
                "channels-last",
                f"{channels}×{sides[0]}×{last} reads like height, width and {count(last, 'channel')}: the channels stand last",
                likely=sure,
                facts={"height": channels, "width": sides[0], "channels": last},
                tries=("move them: `x = x.permute(0, 3, 1, 2)` for a batch, `x.permute(2, 0, 1)` for one image",),
            )
        )
    if len(sides) == 2 and len(small) == 1 and sides[small[0]] == 1 and sides[1 - small[0]] >= 4:
        window = "(1, k)" if small[0] == 0 else "(k, 1)"
        found.append(
            Cause(
                "series-as-image",
                f"a map of {by(sides)} is a series: a square window does not fit its short side",
                likely=not found,
                tries=(f"take a window of {window}, or `nn.MaxPool1d` without that dim",),
            )
        )
    sure = not any(cause.likely for cause in found)
    if all(one == 1 for one in sides):
        why = "nothing is left to pool: a 28×28 image is 1×1 after four halvings (28, 14, 7, 3, 1), a 32×32 one after five"
    elif len(sides) == 2 and sides[0] == sides[1] and 1 < last <= 6 and len(small) == 2 and channels >= 256:
        why = (
            f"the map is {by(sides)}; a pooling over 7×7 is made for 224×224 images in a network that halves them five times, "
            f"where {by(sides)} is what about {last * 32}×{last * 32} leaves"
        )
        found.append(
            Cause(
                "fixed-window",
                why,
                likely=sure,
                facts={"map": sides},
                tries=("pool whatever comes: `nn.AdaptiveAvgPool2d(1)` instead of the fixed window",),
            )
        )
        why = "the images are smaller than those the network is made for"
    else:
        why = f"the layers before have shrunk the map to {by(sides)}: the images are smaller than those the network is made for"
    found.append(
        Cause(
            "image-too-small",
            why,
            likely=sure,
            facts={"map": sides},
            tries=(
                "feed larger images: `transforms.Resize(…)` to the size that the network is made for",
                "or take out a pooling, or make a stride 1",
            ),
        )
    )
    return found


def length(found: Found) -> Reading:
    return Reading(
        "conv-kernel-too-large",
        f"the window of {found.layer} is longer than its input: {found.values['out']} steps would be left",
        "",
        dict(found.values),
        (
            Cause(
                "sequence-too-short",
                "the sequence is shorter than the window (its length with the padding counts)",
                likely=True,
                tries=("print `x.shape` in the line before: the last dim is the length", "pad short sequences, or take a smaller window"),
            ),
            Cause(
                "length-and-features-swapped",
                f"the last dim is not the length: a 1-d pooling takes {layout(1)}",
                tries=("then `x = x.permute(0, 2, 1)` before it",),
            ),
        ),
    )


def kernel3(found: Found) -> Reading:
    got, kernel = sizes(found, "map_shape"), sizes(found, "kernel_shape")
    numbers = [int(one) for one in re.findall(r": ?(\d+)", str(found.values.get("input", "")))]
    windows = [int(one) for one in re.findall(r": ?(\d+)", str(found.values.get("kernel", "")))]
    got, kernel = got or numbers, kernel or windows
    return Reading(
        "conv-kernel-too-large",
        f"the {by(kernel)} window of {found.layer} does not fit its {by(got)} input",
        "",
        {"map_shape": got, "kernel_shape": kernel},
        (
            Cause(
                "too-few-frames" if got and kernel and got[0] < kernel[0] else "image-too-small",
                f"of {by(got)} (frames or depth, height, width) a side is smaller than the window's {by(kernel)}",
                likely=True,
                tries=(
                    (
                        "feed larger clips or volumes, or take a smaller window in that dim: `nn.AvgPool3d((1, 2, 2))` leaves the "
                        "first one alone"
                    ),
                ),
            ),
        ),
    )


def rank(found: Found) -> Reading:
    """Too many dims, too few, or none of its pixels left; not all wordings print the shape."""
    unbatched, batched = found.number("unbatched") if found.known("unbatched") else 0, found.number("want_rank")
    n = batched - 2
    name = str(found.values.get("name", "")).lower()
    takes = layout(n)
    if name.startswith("fold") or (n == 1 and "2d or 3d (batch mode) tensor for input with" in found.text.lower()):
        takes = "[N, C·kernel, blocks]"
    got = sizes(found, "shape")
    if not got:
        return Reading(
            "other-shape-error",
            f"{found.layer} expects {batched} dims {takes}, or {unbatched or batched - 1} for one sample, but receives another number",
            "this wording names no shape",
            dict(found.values),
            (
                Cause(
                    "flattened-before",
                    "the input was flattened before, or is the output of a linear layer",
                    likely=True,
                    tries=("pool before the flatten",),
                ),
                Cause(
                    "wrong-number-of-dims",
                    "a channel dim is missing, or clips with frames come",
                    tries=("`x.unsqueeze(1)` adds a channel dim, `x.flatten(0, 1)` puts frames into the batch",),
                ),
            ),
            ("print `x.shape` in the line before the layer",),
        )
    facts: dict[str, object] = {**found.values, "rank": len(got), **known({"shape": got})}
    if len(got) in (batched, batched - 1) and 0 in got:
        return _empty(found, got, got.index(0), "conv-kernel-too-large" if "optional 0 dim" in found.text else "other-shape-error")
    return Reading(
        "other-shape-error",
        f"{found.layer} expects {batched} dims {takes} but receives {len(got)}: {told(got)}",
        f"one sample alone may have {batched - 1}",
        facts,
        certain(_dims(got, n)),
        ("print `x.shape` in the line before the layer",),
    )


def _dims(got: list[int], n: int) -> list[Cause]:
    ones = [dim for dim, size in enumerate(got) if size == 1]
    if len(got) == 2 and n > 1:
        return [
            Cause(
                "flattened-before",
                f"{told(got)} is what is left after a flatten or a pooling: {size(got[0])} samples of {count(got[1], 'feature')}",
                likely=True,
                facts={"batch": got[0], "features": got[1]},
                tries=("pool before the flatten", "or leave this pooling out: where a model gives out features, they are pooled already"),
            ),
            Cause("no-channel-dim", f"or one map of {by(got)} without batch and channel dim", tries=("then `x = x[None, None]`",)),
        ]
    if len(got) < n + 1:
        return [
            Cause(
                "missing-dims",
                f"{told(got)} lacks {count(n + 2 - len(got), 'dim')} of [N, C] and {count(n, 'dim')} to slide over",
                likely=True,
                tries=("`x.unsqueeze(0)` adds a batch dim, `x.unsqueeze(1)` a channel dim behind it",),
            )
        ]
    found = []
    if ones:
        found.append(
            Cause(
                "extra-dim",
                f"dim {ones[0]} of {told(got)} is 1",
                likely=True,
                facts={"dim": ones[0]},
                tries=(f"take it away: `x = x.squeeze({ones[0]})`",),
            )
        )
    if n == 1 and len(got) == 4:
        found.append(
            Cause(
                "images",
                f"{told(got)} are maps [N, C, H, W], and a 1-d pooling slides over one dim",
                likely=not ones,
                tries=("take the 2-d pooling, or make the places a series: `x = x.flatten(2)`",),
            )
        )
    elif n == 2 and len(got) == 5:
        found.append(
            Cause(
                "video",
                f"{told(got)} are clips or stacks of images: a 2-d pooling takes one image after the other",
                likely=not ones,
                tries=(
                    "put the frames into the batch: `x = x.flatten(0, 1)`, and back behind it: `x.unflatten(0, (batch, frames))`",
                    "or take the 3-d pooling",
                ),
            )
        )
    else:
        found.append(
            Cause(
                "too-many-dims",
                f"{told(got)} has {count(len(got) - n - 2, 'dim')} too many",
                likely=not ones,
                tries=("merge dims into the batch: `x = x.flatten(0, 1)`",),
            )
        )
    return found


def one_dim(found: Found) -> Reading:
    """A 1-d pooling says by how many dims its input is off, not its shape."""
    rank = found.number("rank")
    return Reading(
        "other-shape-error",
        f"{found.layer} expects 3 dims {layout(1)} but receives {rank}",
        f"it is `{found.values['name']}` that receives it; one sample alone may have 2",
        {**found.values, "want_rank": 3},
        (
            Cause(
                "images",
                "4 dims are maps [N, C, H, W], and a 1-d pooling slides over one dim",
                likely=True,
                tries=("take the 2-d pooling, or make the places a series: `x = x.flatten(2)`",),
            )
            if rank > 3
            else Cause("missing-dims", "batch and channels are missing", likely=True, tries=("add them: `x = x.view(1, 1, -1)`",)),
        ),
        ("print `x.shape` in the line before the layer",),
    )


def hollow(found: Found) -> Reading:
    got = sizes(found, "shape")
    dim = found.number("dim") if found.known("dim") else 0
    if "non-batch dimension" in found.text and "has length zero" in found.text:
        dim = got.index(0) if 0 in got else dim
    return _empty(found, got, dim, "other-shape-error")


def _empty(found: Found, got: list[int], dim: int, slug: str) -> Reading:
    channels = dim == len(got) - 3
    return Reading(
        slug,
        f"{found.layer} receives a map without a {'channel' if channels else 'pixel'}: {told(got)}",
        f"dim {dim} is 0; only the batch may be empty",
        {**found.values, "dim": dim, **known({"shape": got})},
        (
            Cause(
                "empty-slice",
                "a slice, a mask or a crop outside the image left nothing",
                likely=True,
                tries=("print the slice or the box before: its end must lie behind its start, and inside the image", "skip empty crops"),
            ),
            Cause(
                "image-too-small",
                "or strides and poolings have shrunk the map to nothing",
                tries=("feed larger images, or take out a pooling",),
            ),
        ),
    )


def _called(found: Found) -> str:
    return found.layer if found.context.layer else "`fold`"


def blocks(found: Found) -> Reading:
    got, want = found.number("got"), found.number("want")
    size, kernel, stride = sizes(found, "output_shape"), sizes(found, "kernel_shape"), sizes(found, "stride_shape")
    return Reading(
        "other-shape-error",
        f"{_called(found)} puts {want} blocks together for {by(size)} but receives {got}",
        f"blocks of {by(kernel)} in steps of {by(stride)} on {by(size)} are {want}",
        {**found.values, "got": got, "want": want},
        (
            Cause(
                "fold-unlike-unfold",
                "kernel, stride, padding, dilation or size are not those of the `unfold` that made the blocks",
                likely=True,
                tries=("give `fold` the very numbers of the `unfold`, and as `output_size` the height and width that went into it",),
            ),
            Cause(
                "blocks-not-last",
                f"or the blocks do not stand last: the input is [N, C·{by(kernel)}, blocks]",
                tries=("then `x = x.transpose(1, 2)`",),
            ),
        ),
    )


def multiple(found: Found) -> Reading:
    got, kernel = found.number("got"), sizes(found, "kernel_shape")
    product = 1
    for one in kernel:
        product *= one
    return Reading(
        "other-shape-error",
        f"{_called(found)} expects a multiple of {by(kernel)} = {product} values in each block but receives {got}",
        "",
        {**found.values, "got": got, "want": product},
        (
            Cause(
                "blocks-not-last",
                f"the input is [N, C·{by(kernel)}, blocks], and may come with the blocks before the values",
                likely=True,
                tries=("then `x = x.transpose(1, 2)`",),
            ),
            Cause(
                "fold-unlike-unfold",
                "or the kernel is not that of the `unfold` that made the blocks",
                tries=("give `fold` the very numbers of the `unfold`",),
            ),
        ),
    )


def renamed(found: Found) -> Found:
    """The groups of the second of two wordings under the names of the first."""
    return Found({name.rstrip("_"): value for name, value in found.values.items()}, found.text, found.context)


def unfold(found: Found) -> Reading:
    """Blocks that are larger than the map they are cut from."""
    got, kernel = sizes(found, "map_shape"), sizes(found, "kernel_shape")
    called = found.layer if found.context.layer else "`unfold`"
    return Reading(
        "conv-kernel-too-large",
        f"the {by(kernel)} blocks of {called} do not fit its {by(got)} input",
        "",
        dict(found.values),
        (
            Cause(
                "map-too-small",
                f"the map measures {by(got)}, a block {by(kernel)} (padding and dilation count too)",
                likely=True,
                tries=("take smaller blocks, or `padding`, or feed larger images",),
            ),
            Cause(
                "channels-last",
                "or the dims stand in another order: the input is [N, C, H, W]",
                tries=("print `x.shape` in the line before",),
            ),
        ),
    )
