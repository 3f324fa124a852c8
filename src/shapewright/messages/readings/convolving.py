"""What a convolution's message says of its input: the channels, the dims and the room for the kernel."""

from __future__ import annotations

from math import isqrt

from shapewright.messages.readings.channels import WITHOUT_DIM, Channels, causes
from shapewright.messages.readings.images import UNKNOWN, by, certain, count, facts, known, layout, size, sizes, told
from shapewright.messages.readings.words import caller, cause
from shapewright.messages.template import Cause, Found, Reading

_PRINT = "print `x.shape` in the line before the layer"


def channels(found: Found) -> Reading:
    """`weight [out, in/groups, …kernel]` against `input[N, C, …]`; what a cut message lacks follows from the two shapes."""
    weight, input_shape = sizes(found, "weight_shape"), sizes(found, "input_shape")
    transposed = "transposed" in found
    groups = found.number("groups") if found.known("groups") else None if transposed else 1
    got, want = _number(found, "got"), _number(found, "want")
    if want is None and len(weight) > 1:
        want = weight[0] if transposed else weight[1] * (groups or 1)
    if got is None and len(input_shape) > 1 and input_shape[1] != UNKNOWN:
        got = input_shape[1]
    named = facts(found, **{name: value for name, value in (("got", got), ("want", want)) if value is not None})
    if got is None or want is None or UNKNOWN in weight or len(weight) < 3:
        headline = f"{caller(found, 'conv')} receives another number of channels than it was built for"
        exact = f"the weight is {told(weight)}, the input {told(input_shape)}"
        why = "dim 1 of the input is not the layer's in_channels"
        generic = cause("wrong-constant", why, f"{_PRINT}: dim 1 must be its in_channels", likely=True)
        return Reading("conv-in-channels", headline, exact, named, (generic,))
    line = found.context.line
    made = causes(Channels(got, want, weight, input_shape, groups, transposed, line, found.context.layer is not None))
    missing = made[0].name == WITHOUT_DIM and want == 1
    if missing:
        headline = f"{caller(found, 'conv')} reads {told(input_shape[1:])} as one sample of {got} channels but expects {want}"
    else:
        headline = f"{caller(found, 'conv')} expects {count(want, 'input channel')} but receives {got}"
    shares = f", {weight[1]} in each of {groups} groups" if groups and groups > 1 else ""
    batch = "; an input without a batch dim is printed with one of 1" if input_shape[:1] == [1] else ""
    exact = f"dim 1 of the input {told(input_shape)} is {got}, and the weight {told(weight)} takes {want}{shares}{batch}"
    step = f"{_PRINT}: the channels must be {want}, in the layout {layout(len(weight) - 2)}"
    return Reading("batch-dim-missing" if missing else "conv-in-channels", headline, exact, named, made, (step,))


def _number(found: Found, name: str) -> int | None:
    return found.number(name) if found.known(name) else None


def rank(found: Found) -> Reading:
    """The input has too many dims for the layer, or too few."""
    got = sizes(found, "shape")
    rank = found.number("unbatched") if found.known("unbatched") else found.number("want_rank") - 1
    n = rank - 1
    kind = str(found.values.get("layer", "")).lower()
    transposed = "transpose" in kind
    weight = sizes(found, "weight_shape")
    channels = weight[0 if transposed else 1] if len(weight) > 2 else None
    slug, made = _missing(got, n, channels, transposed) if len(got) <= rank else ("other-shape-error", _surplus(got, n))
    headline = f"{caller(found, 'conv')} expects {n + 2} dims {layout(n)} but receives {len(got)}: {told(got)}"
    exact = f"one sample alone may have {rank} dims, {layout(n).replace('N, ', '')}" if "unbatched" in found else ""
    return Reading(
        slug, headline, exact, facts(found, rank=len(got), want_rank=n + 2), certain(made), (f"{_PRINT}: it must be {layout(n)}",)
    )


def _missing(got: list[int], n: int, channels: int | None, transposed: bool) -> tuple[str, list[Cause]]:
    if got and len(got) == n + 1:
        why = f"{told(got)} is one sample without a batch dim"
        first = cause("no-batch-dim", why, f"add it: `x = x.unsqueeze(0)`, that is {told([1, *got])}", likely=True, sample=got)
        why = f"or a batch of {size(got[0])} without a channel dim"
        second = cause(WITHOUT_DIM, why, f"then `x = x.unsqueeze(1)`, that is {told([got[0], 1, *got[1:]])}")
        return "batch-dim-missing", [first, second]
    if transposed and len(got) == 2:
        why = f"{told(got)} is a batch of {size(got[0])} vectors, and the layer takes maps, at the least of {by([1] * n)}"
        step = f"make them maps: `x = x.view(-1, {size(got[1])}, {', '.join(['1'] * n)})`"
        return "other-shape-error", [cause("flat-noise", why, step, likely=True, batch=got[0], noise=got[1])]
    picture = _picture(got[-1]) if n == 2 and len(got) in (1, 2) else None
    if picture is not None:
        colours, side = picture
        batch = f"{size(got[0])} flat images" if len(got) == 2 else "a flat image"
        why = f"{told(got)} is {batch}: {got[-1]} = {colours}·{side}·{side}"
        step = f"give them their form back: `x = x.view(-1, {colours}, {side}, {side})`, or leave out the flatten before"
        return "other-shape-error", [cause("flattened-before", why, step, likely=True, channels=colours, map=[side, side])]
    found = _bare(got, n, channels)
    missing = len(got) == n and found[0].name == WITHOUT_DIM
    return ("batch-dim-missing" if missing else "other-shape-error"), found


def _bare(got: list[int], n: int, channels: int | None) -> list[Cause]:
    """More than the batch dim is missing."""
    found: list[Cause] = []
    alike = n == 2 and len(got) == 2 and min(got) >= 8 and max(got) <= 2 * min(got)
    if got and len(got) == n:
        why = f"{told(got)} may be one {'image' if n == 2 else 'series' if n == 1 else 'volume'} without batch and channel dim"
        step = f"add both: `x = x.unsqueeze(0).unsqueeze(0)`, that is {told([1, 1, *got])}"
        step += "" if channels in (1, None) else f"; the layer takes {channels} channels"
        found.append(cause(WITHOUT_DIM, why, step, likely=alike or n != 2, map=got))
    if n > 1 and len(got) in (1, 2):
        maps = "maps" if n == 2 else "volumes"
        why = f"{told(got)} are features: a flatten, a pooling or a linear layer before left no {maps}"
        step = "put the layer before the flatten, or give the features the form of maps again: `x.view(batch, channels, height, width)`"
        found.append(cause("flattened-before", why, step, likely=not alike))
    if n == 3 and len(got) == 3:
        why = f"{told(got)} may also be one image [C, H, W]; the layer takes clips or volumes"
        found.append(cause("one-image", why, "for images take `nn.Conv2d`"))
    if not found:
        why = f"{told(got)} lacks {count(n + 1 - len(got), 'dim')}: an index, a `squeeze()` or a mean before took them away"
        found.append(cause("dims-missing", why, "print `x.shape` line by line, upwards from here", likely=True))
    return sorted(found, key=lambda one: not one.likely)


def _picture(flat: int) -> tuple[int, int] | None:
    """A flat image: 784 is 1·28·28, 3072 is 3·32·32. 256 and 1024 are more often features."""
    for colours in (1, 3):
        side = isqrt(max(flat, 0) // colours)
        square = side >= 16 and side * side * colours == flat
        if square and (colours == 3 or side % 4 == 0) and (side not in (16, 32) or flat == 3072):
            return colours, side
    return None


def _surplus(got: list[int], n: int) -> list[Cause]:
    found: list[Cause] = []
    ones = [dim for dim, size in enumerate(got) if size == 1]
    if ones:
        why = f"dim {ones[0]} of {told(got)} is 1: it may come of an `unsqueeze` too many, or of a batch that already had one"
        found.append(cause("extra-dim", why, f"take it away: `x = x.squeeze({ones[0]})`", likely=True, dim=ones[0]))
    if n == 2 and len(got) == 5:
        channels = got[2] in (1, 3, 4) or got[1] not in (1, 3, 4)
        why = f"{told(got)} are clips: a batch of {size(got[0])} with {size(got[1] if channels else got[2])} frames"
        step = (
            "frame by frame: `x = x.flatten(0, 1)`, and behind the layers `x = x.unflatten(0, (batch, frames))`"
            if channels
            else "frame by frame: `x = x.transpose(1, 2).flatten(0, 1)`"
        )
        other = "or convolve over time too: `nn.Conv3d` takes [N, C, frames, H, W]"
        found.append(cause("video", why, step, other, likely=not ones, batch=got[0], frames=got[1] if channels else got[2]))
    if n == 1 and len(got) == 4:
        why = f"{told(got)} are images or maps [N, C, H, W], and the layer slides over one dim"
        found.append(cause("images", why, "take `nn.Conv2d`, or make the places a series: `x = x.flatten(2)`", likely=not ones))
    if not found:
        why = f"{len(got) - n - 2} more than [N, C] and {count(n, 'dim')} to slide over"
        found.append(cause("too-many-dims", why, "merge those that are alike into the batch: `x = x.flatten(0, 1)`", likely=True))
    return found


def kernel(found: Found) -> Reading:
    """A map that is smaller than the kernel."""
    got, kernel, out = sizes(found, "map_shape"), sizes(found, "kernel_shape"), sizes(found, "out_shape")
    n = len(got)
    if len(kernel) != n:
        kernel = kernel * n if len(kernel) == 1 else []
    small = [dim for dim in range(n) if (got[dim] < kernel[dim] if kernel else dim < len(out) and out[dim] < 1)]
    first = small[0] if small else 0
    named = facts(found, got=got[first], want=kernel[first]) if kernel else facts(found)
    if n == 1 and kernel:
        headline = f"the kernel of {caller(found, 'conv')} spans {size(kernel[0])} but its input is only {size(got[0])} long"
    elif kernel:
        headline = f"the {by(kernel)} kernel of {caller(found, 'conv')} does not fit its {by(got)} input"
    else:
        headline = f"{caller(found, 'conv')} would give out {by(out)} from a {by(got)} input"
    padded = " with its padding" if "padded" in found else ""
    exact = f"the input measures {by(got)}{padded}, the kernel {by(kernel)} with its dilation" if kernel else ""
    step = "print `x.shape` before each layer: every stride of 2 and every pooling halves the sides" if n > 1 else _PRINT
    if out and min(out) < 0 and not kernel:  # of a transposed convolution
        why = "if it is a transposed convolution: its padding is taken away from what it gives out"
        made = [cause("padding-too-large", why, "take a smaller `padding`", likely=True)]
        return Reading("other-shape-error", headline, exact, named, tuple(made), (step,))
    made = _too_short(got[0], kernel) if n == 1 and got[0] else _too_small(got, kernel, small, found.context.frames.lower())
    return Reading("conv-kernel-too-large", headline, exact, named, certain(made), (step,))


def _too_short(length: int, kernel: list[int]) -> list[Cause]:
    """A sequence."""
    reach = size(kernel[0]) if kernel else "more"
    step = f"pad short sequences: `x = F.pad(x, (0, max(0, {reach} - x.size(-1))))`" if kernel else "pad short sequences"
    other = "or take a smaller kernel, fewer strides or `padding`"
    why = f"the sequence has {count(length, 'step')}, the kernel needs {reach}"
    first = cause("sequence-too-short", why, step, other, likely=True, length=length, needs=kernel[0] if kernel else 0)
    why = f"or the last dim is not the length: the layer takes {layout(1)}"
    return [first, cause("length-and-features-swapped", why, "then `x = x.permute(0, 2, 1)`")]


def _too_small(got: list[int], kernel: list[int], small: list[int], frames: str) -> list[Cause]:
    """A map or a volume."""
    if 0 in got:
        why = f"a side of {by(got)} is 0: a crop, a slice or a box outside the image left nothing"
        return [cause("empty-map", why, "look at the slices and crops before; skip empty ones", likely=True)]
    causes: list[Cause] = []
    if got == [3, 3] and kernel == [5, 5]:
        known = "inception" in frames
        why = "a 5×5 kernel on a 3×3 map is what the auxiliary head of Inception v3 says of 224×224 images: it is made for 299×299"
        step = "resize to 299×299, or build the model with `aux_logits=False`"
        guess = f"{'high' if known else 'medium'} confidence, torchvision's inception_v3"
        causes.append(cause("inception-needs-299", why, step, likely=known, guess=guess))
    if len(got) == 2 and kernel and len(small) == 1 and UNKNOWN not in got + kernel:
        causes += _oblong(got, kernel, small[0])
    why = f"the strides and poolings before have shrunk the map to {by(got)}: the images are smaller than those the "
    why += "network is made for, or there are too many of these layers"
    step = "feed larger images: `transforms.Resize(…)` to the size that the network is made for"
    other = "or take out a pooling or a stride, or give this layer a smaller kernel or more `padding`"
    sure = not any(one.likely for one in causes)
    return [*causes, cause("image-too-small", why, step, other, likely=sure, map=got)]


def _oblong(got: list[int], kernel: list[int], small: int) -> list[Cause]:
    """A map that is too short for the kernel in one dim only."""
    short, long, reach = got[small], got[1 - small], kernel[1 - small]
    if small == 1 and kernel[1] >= 32 > kernel[0]:
        why = f"the kernel spans {kernel[1]} columns, a whole embedding, and the input has {got[1]}"
        return [cause("embedding-width", why, f"build the layer with a kernel of ({kernel[0]}, {got[1]})", likely=True)]
    if small == 0 and kernel[1] >= 32 and kernel[1] == got[1]:
        why = f"the kernel spans {kernel[0]} words of width {kernel[1]}, and the text has {got[0]}"
        return [cause("sequence-too-short", why, f"pad short texts to {kernel[0]} words at the least", likely=True)]
    if long < 4 * max(short, 1) or short > 8 or kernel[1] >= 32:
        return []
    if short in (3, 4) and small == 1:
        why = f"one side is {short} and the other {long}: the {short} may be the channels of an image, in the wrong dim"
        return [cause("channels-last", why, "move the channels before the height: `x.permute(0, 3, 1, 2)` from [N, H, W, C]", likely=True)]
    if short <= 2:
        flat = (1, reach) if small == 0 else (reach, 1)
        why = f"a map of {by(got)} is a series: a square kernel does not fit in its short side"
        return [cause("series-as-image", why, f"take a kernel of {flat}, or `nn.Conv1d` without that dim", likely=True)]
    return []


def listed(found: Found) -> Reading:
    """A stride, padding or dilation with another number of values than the kernel has dims."""
    want = found.number("want") if found.known("want") else 0
    got = sizes(found, "values_shape")
    what = str(found.values["what"])
    headline = f"{caller(found, 'conv')} slides over {count(want, 'dim')} but its {what} has {count(len(got), 'value')}: {told(got)}"
    exact = f"the weight has {want + 2} dims: {count(want, 'dim')} of it are the kernel"
    why = f"the kernel has {count(want, 'dim')}, so the weight or the `kernel_size` belongs to a {want}-d convolution"
    step = "take the layer of that rank (`nn.Conv1d`, `nn.Conv2d`, `nn.Conv3d`), or a `kernel_size` of as many numbers as it has dims"
    first = cause("kernel-of-another-rank", why, step, likely=len(set(got)) == 1)
    why = f"or the {what} was written for another rank: it is one number, or {want}"
    second = cause("too-many-values", why, f"give one number: `{what}={max([1, *got[:1]])}`", likely=len(set(got)) > 1)
    named = known({"got": len(got), "want": want, "what": what, "values": got})
    return Reading("other-shape-error", headline, exact, named, (first, second))


def output(found: Found) -> Reading:
    """A transposed convolution is asked for a size that its stride and kernel cannot give."""
    want, low, high = sizes(found, "want_shape"), sizes(found, "low_shape"), sizes(found, "high_shape")
    wrong = [dim for dim in range(min(len(want), len(low), len(high))) if not low[dim] <= want[dim] <= high[dim]]
    dim = wrong[0] if wrong else 0
    least, most = (low[dim], high[dim]) if low and high else (0, 0)
    possible = size(least) if least == most else f"{size(least)} to {size(most)}"
    asked = want[dim] if want else 0
    exact = f"in dim {dim} of the map {possible} can be made, and {size(asked)} is asked for"
    headline = f"{caller(found, 'conv')} cannot make {by(want)} from {by(sizes(found, 'input_shape'))}: possible is {possible}"
    why = "the asked size is that of another level of the network, or stride and kernel are not those of the layer that made the map small"
    step = "take the size of the skip of the same level: `output_size=skip.size()`"
    other = f"or make what is possible and bring it to size: `F.interpolate(x, size={told(want)})`"
    made = cause("output-size-out-of-reach", why, step, other, likely=True)
    return Reading("other-shape-error", headline, exact, facts(found, got=asked, want=least if asked < least else most), (made,))
