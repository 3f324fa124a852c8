"""What a convolution's message says of its input: the channels, the dims and the room for the kernel."""

from __future__ import annotations

from math import isqrt

from shapewright.messages.readings.channels import WITHOUT_DIM, Channels, causes
from shapewright.messages.readings.images import UNKNOWN, by, certain, count, layout, size, sizes, told
from shapewright.messages.template import Cause, Found, Reading


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
    facts: dict[str, object] = {**found.values}
    facts |= {name: value for name, value in (("got", got), ("want", want)) if value is not None}
    facts |= {name: value for name, value in (("weight_shape", weight), ("input_shape", input_shape)) if value and UNKNOWN not in value}
    if got is None or want is None or UNKNOWN in weight:
        return Reading(
            "conv-in-channels",
            f"{found.layer} receives another number of channels than it was built for",
            f"the weight is {told(weight)}, the input {told(input_shape)}",
            facts,
            tries=("print `x.shape` in the line before the layer: dim 1 must be its in_channels",),
        )
    line = found.context.line
    found_causes = causes(Channels(got, want, weight, input_shape, groups, transposed, line, found.context.layer is not None))
    missing = found_causes[0].name == WITHOUT_DIM and want == 1
    if missing:
        headline = f"{found.layer} reads {told(input_shape[1:])} as one sample of {got} channels but expects {want}"
    else:
        headline = f"{found.layer} expects {count(want, 'input channel')} but receives {got}"
    shares = f", {weight[1]} in each of {groups} groups" if groups and groups > 1 and len(weight) > 1 else ""
    batch = "; an input without a batch dim is printed with one of 1" if input_shape[:1] == [1] else ""
    return Reading(
        "batch-dim-missing" if missing else "conv-in-channels",
        headline,
        f"dim 1 of the input {told(input_shape)} is {got}, and the weight {told(weight)} takes {want}{shares}{batch}",
        facts,
        found_causes,
        (f"print `x.shape` in the line before the layer: the channels must be {want}, in the layout {layout(len(weight) - 2)}",),
    )


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
    slug, cause = _missing(got, n, channels, transposed) if len(got) <= rank else ("other-shape-error", _surplus(got, n))
    facts: dict[str, object] = {**found.values, "rank": len(got), "want_rank": n + 2}
    if weight:
        facts["weight_shape"] = weight
    return Reading(
        slug,
        f"{found.layer} expects {n + 2} dims {layout(n)} but receives {len(got)}: {told(got)}",
        f"one sample alone may have {rank} dims, {layout(n).replace('N, ', '')}" if "unbatched" in found else "",
        facts,
        certain(cause),
        (f"print `x.shape` in the line before the layer: it must be {layout(n)}",),
    )


def _missing(got: list[int], n: int, channels: int | None, transposed: bool) -> tuple[str, list[Cause]]:
    ones = ", ".join(["1"] * n)
    if len(got) == n + 1:
        return "batch-dim-missing", [
            Cause(
                "no-batch-dim",
                f"{told(got)} is one sample without a batch dim",
                likely=True,
                facts={"sample": got},
                tries=(f"add it: `x = x.unsqueeze(0)`, that is {told([1, *got])}",),
            ),
            Cause(
                WITHOUT_DIM,
                f"or a batch of {size(got[0])} without a channel dim",
                tries=(f"then `x = x.unsqueeze(1)`, that is {told([got[0], 1, *got[1:]])}",),
            ),
        ]
    flat = got[-1] if got else 0
    if transposed and len(got) == 2:
        return "other-shape-error", [
            Cause(
                "flat-noise",
                f"{told(got)} is a batch of {size(got[0])} vectors, and the layer takes maps, at the least of {by([1] * n)}",
                likely=True,
                facts={"batch": got[0], "noise": flat},
                tries=(f"make them maps: `x = x.view(-1, {flat}, {ones})`",),
            )
        ]
    found: list[Cause] = []
    picture = _picture(flat) if n == 2 and len(got) in (1, 2) else None
    alike = n == 2 and len(got) == 2 and min(got) >= 8 and max(got) <= 2 * min(got) and picture is None
    if picture is not None:
        colours, side = picture
        batch = f"{size(got[0])} flat images" if len(got) == 2 else "a flat image"
        found.append(
            Cause(
                "flattened-before",
                f"{told(got)} is {batch}: {flat} = {colours}·{side}·{side}",
                likely=True,
                facts={"channels": colours, "map": [side, side]},
                tries=(f"give them their form back: `x = x.view(-1, {colours}, {side}, {side})`, or leave out the flatten before",),
            )
        )
    if len(got) == n and picture is None:
        spread = ", ".join(["1", "1", *(str(size) for size in got)])
        found.append(
            Cause(
                WITHOUT_DIM,
                f"{told(got)} may be one {'image' if n == 2 else 'series' if n == 1 else 'volume'} without batch and channel dim",
                likely=alike or n != 2,
                facts={"map": got},
                tries=(
                    f"add both: `x = x.unsqueeze(0).unsqueeze(0)`, that is [{spread}]"
                    + ("" if channels in (1, None) else f"; the layer takes {channels} channels"),
                ),
            )
        )
    if n > 1 and len(got) in (1, 2) and picture is None:
        found.append(
            Cause(
                "flattened-before",
                (
                    f"{told(got)} are features: the layer stands behind a flatten, a pooling or a linear layer that leaves no "
                    f"{'maps' if n == 2 else 'volumes'}"
                ),
                likely=not alike,
                tries=(
                    (
                        "put the convolution before the flatten, or give the features the form of maps again: `x.view(batch, channels, "
                        "height, width)`"
                    ),
                ),
            )
        )
    if n == 3 and len(got) == 3:
        found.append(
            Cause(
                "one-image",
                f"{told(got)} may also be one image [C, H, W]; the layer takes clips or volumes",
                tries=("for images take `nn.Conv2d`",),
            )
        )
    missing = alike or (len(got) == n and n != 2)
    return ("batch-dim-missing" if missing else "other-shape-error"), sorted(found, key=lambda cause: not cause.likely)


def _picture(flat: int) -> tuple[int, int] | None:
    """A flat image: 784 is 1·28·28, 3072 is 3·32·32."""
    for colours in (1, 3):
        side = isqrt(flat // colours) if flat > 0 else 0
        if side >= 16 and side * side * colours == flat and (colours == 3 or side % 4 == 0) and side not in (16, 32):
            return colours, side
        if colours == 3 and side == 32 and flat == 3072:
            return 3, 32
    return None


def _surplus(got: list[int], n: int) -> list[Cause]:
    found: list[Cause] = []
    ones = [dim for dim, size in enumerate(got) if size == 1]
    if ones:
        found.append(
            Cause(
                "extra-dim",
                f"dim {ones[0]} of {told(got)} is 1: it may come of an `unsqueeze` too many, or of a batch that already had one",
                likely=True,
                facts={"dim": ones[0]},
                tries=(f"take it away: `x = x.squeeze({ones[0]})`",),
            )
        )
    if n == 2 and len(got) == 5:
        channels = got[2] in (1, 3, 4) or got[1] not in (1, 3, 4)
        found.append(
            Cause(
                "video",
                f"{told(got)} are clips: a batch of {size(got[0])} with {size(got[1] if channels else got[2])} frames",
                likely=not ones,
                facts={"batch": got[0], "frames": got[1] if channels else got[2]},
                tries=(
                    "frame by frame: `x = x.flatten(0, 1)`, and behind the layers `x = x.unflatten(0, (batch, frames))`"
                    if channels
                    else "frame by frame: `x = x.transpose(1, 2).flatten(0, 1)`",
                    "or convolve over time too: `nn.Conv3d` takes [N, C, frames, H, W]",
                ),
            )
        )
    if n == 1 and len(got) == 4:
        found.append(
            Cause(
                "images",
                f"{told(got)} are images or maps [N, C, H, W], and the layer slides over one dim",
                likely=not ones,
                tries=("take `nn.Conv2d`, or make the places a series: `x = x.flatten(2)`",),
            )
        )
    if not found:
        found.append(Cause("too-many-dims", f"{len(got) - n - 2} more than [N, C] and {count(n, 'dim')} to slide over", likely=True))
        found[0] = Cause(found[0].name, found[0].why, True, {}, ("merge those that are alike into the batch: `x = x.flatten(0, 1)`",))
    return found


def kernel(found: Found) -> Reading:
    """A map that is smaller than the kernel."""
    got, kernel = sizes(found, "map_shape"), sizes(found, "kernel_shape")
    out = sizes(found, "out_shape")
    n = len(got)
    facts: dict[str, object] = {**found.values}
    small = [dim for dim in range(n) if (dim < len(kernel) and got[dim] < kernel[dim]) or (not kernel and dim < len(out) and out[dim] < 1)]
    first = small[0] if small else 0
    if n and kernel and len(kernel) == n:
        facts |= {"got": got[first], "want": kernel[first]}
    if n == 1 and kernel:
        headline = f"the kernel of {found.layer} spans {kernel[0]} but its input is only {got[0]} long"
    elif kernel:
        headline = f"the {by(kernel)} kernel of {found.layer} does not fit its {by(got)} input"
    else:
        headline = f"{found.layer} would give out {by(out)} from a {by(got)} input"
    padded = " with its padding" if "padded" in found else ""
    certain = f"the input measures {by(got)}{padded}, the kernel {by(kernel)} with its dilation" if kernel else ""
    backwards = bool(out) and min(out) < 0 and not kernel  # of a transposed convolution
    return Reading(
        "other-shape-error" if backwards else "conv-kernel-too-large",
        headline,
        certain,
        facts,
        tuple(_too_small(got, kernel, small, backwards, found)),
        ("print `x.shape` before each layer: every stride of 2 and every pooling halves the sides",)
        if n > 1
        else ("print `x.shape` in the line before the layer",),
    )


def _too_small(got: list[int], kernel: list[int], small: list[int], backwards: bool, found: Found) -> list[Cause]:
    n = len(got)
    if backwards:
        return [
            Cause(
                "padding-too-large",
                "if it is a transposed convolution: its padding is taken away from what it gives out",
                likely=True,
                tries=("take a smaller `padding`",),
            )
        ]
    if 0 in got:
        return [
            Cause(
                "empty-map",
                f"a side of {by(got)} is 0: a crop, a slice or a box outside the image left nothing",
                likely=True,
                tries=("look at the slices and crops before; skip empty ones",),
            )
        ]
    if n == 1:
        length, reach = got[0], kernel[0] if kernel else 0
        return [
            Cause(
                "sequence-too-short",
                f"the sequence has {length} steps, the kernel needs {reach}",
                likely=True,
                facts={"length": length, "needs": reach},
                tries=(
                    f"pad short sequences: `x = F.pad(x, (0, max(0, {reach} - x.size(-1))))`",
                    "or take a smaller kernel, fewer strides or `padding`",
                ),
            ),
            Cause(
                "length-and-features-swapped",
                f"or the last dim is not the length: the layer takes {layout(1)}",
                tries=("then `x = x.permute(0, 2, 1)`",),
            ),
        ]
    causes: list[Cause] = []
    large = [dim for dim in range(n) if dim not in small]
    frames = found.context.frames.lower()
    if n == 2 and got == [3, 3] and kernel == [5, 5]:
        known = "inception" in frames
        causes.append(
            Cause(
                "inception-needs-299",
                "a 5×5 kernel on a 3×3 map is what the auxiliary head of Inception v3 says of 224×224 images: it is made for 299×299",
                likely=known,
                tries=("resize to 299×299, or build the model with `aux_logits=False`",),
                guess=f"{'high' if known else 'medium'} confidence, torchvision's inception_v3",
            )
        )
    if n == 2 and len(small) == 1 and kernel and got[large[0]] >= 4 * max(got[small[0]], 1) and got[small[0]] <= 8 and kernel[1] < 32:
        causes += _oblong(got, kernel, small[0], large[0])
    if n == 2 and kernel and small == [1] and kernel[1] >= 32 > kernel[0]:
        causes.insert(
            0,
            Cause(
                "embedding-width",
                f"the kernel spans {kernel[1]} columns, a whole embedding, and the input has {got[1]}",
                likely=True,
                tries=(f"build the layer with a kernel of ({kernel[0]}, {got[1]})",),
            ),
        )
    elif n == 2 and kernel and small == [0] and kernel[1] >= 32 and kernel[1] == got[1]:
        causes.insert(
            0,
            Cause(
                "sequence-too-short",
                f"the kernel spans {kernel[0]} words of width {kernel[1]}, and the text has {got[0]}",
                likely=True,
                tries=(f"pad short texts to {kernel[0]} words at the least",),
            ),
        )
    sure = not any(cause.likely for cause in causes)
    causes.append(
        Cause(
            "image-too-small",
            (
                f"the strides and poolings before have shrunk the map to {by(got)}: the images are smaller than those the "
                "network is made for, or there are too many of these layers"
            ),
            likely=sure,
            facts={"map": got},
            tries=(
                "feed larger images: `transforms.Resize(…)` to the size that the network is made for",
                "or take out a pooling or a stride, or give this layer a smaller kernel or more `padding`",
            ),
        )
    )
    return causes


def _oblong(got: list[int], kernel: list[int], small: int, large: int) -> list[Cause]:
    short, reach = got[small], kernel[large]
    found: list[Cause] = []
    if short in (3, 4) and small == 1:
        found.append(
            Cause(
                "channels-last",
                f"one side is {short} and the other {got[large]}: the {short} may be the channels of an image, in the wrong dim",
                likely=True,
                tries=("move the channels before the height: `x.permute(0, 3, 1, 2)` from [N, H, W, C]",),
            )
        )
    if short <= 2:
        flat = (1, reach) if small == 0 else (reach, 1)
        found.append(
            Cause(
                "series-as-image",
                f"a map of {by(got)} is a series: a square kernel does not fit in its short side",
                likely=True,
                tries=(f"take a kernel of {flat}, or `nn.Conv1d` without that dim",),
            )
        )
    return found


def listed(found: Found) -> Reading:
    """A stride, padding or dilation with another number of values than the kernel has dims."""
    want = found.number("want") if found.known("want") else 0
    got = sizes(found, "values_shape")
    what = str(found.values["what"])
    return Reading(
        "other-shape-error",
        f"{found.layer} slides over {count(want, 'dim')} but its {what} has {count(len(got), 'value')}: {told(got)}",
        f"the weight has {want + 2} dims: {count(want, 'dim')} of it are the kernel",
        {"got": len(got), "want": want, "what": what, "values": got},
        (
            Cause(
                "kernel-of-another-rank",
                f"the kernel has {count(want, 'dim')}, so the weight or the `kernel_size` belongs to a {want}-d convolution",
                likely=len(set(got)) == 1,
                tries=(
                    (
                        "take the layer of that rank (`nn.Conv1d`, `nn.Conv2d`, `nn.Conv3d`), or a `kernel_size` of as many numbers as "
                        "it has dims"
                    ),
                ),
            ),
            Cause(
                "too-many-values",
                f"or the {what} was written for another rank: it is one number, or {want}",
                likely=len(set(got)) > 1,
                tries=(f"give one number: `{what}={got[0] if got else 1}`",),
            ),
        ),
    )


def output(found: Found) -> Reading:
    """A transposed convolution is asked for a size that its stride and kernel cannot give."""
    want, low, high = sizes(found, "want_shape"), sizes(found, "low_shape"), sizes(found, "high_shape")
    wrong = [dim for dim in range(min(len(want), len(low), len(high))) if not low[dim] <= want[dim] <= high[dim]]
    dim = wrong[0] if wrong else 0
    least, most = (low[dim], high[dim]) if low and high else (0, 0)
    possible = str(least) if least == most else f"{least} to {most}"
    asked = want[dim] if want else 0
    exact = f"in dim {dim} of the map {possible} can be made, and {asked} is asked for"
    return Reading(
        "other-shape-error",
        f"{found.layer} cannot make {by(want)} from {by(sizes(found, 'input_shape'))}: possible is {possible}",
        exact,
        {**found.values, "got": asked, "want": least if asked < least else most},
        (
            Cause(
                "output-size-out-of-reach",
                (
                    "the asked size is that of another level of the network, or stride and kernel are not those of the layer that "
                    "made the map small"
                ),
                likely=True,
                tries=(
                    "take the size of the skip of the same level: `output_size=skip.size()`",
                    f"or make what is possible and bring it to size: `F.interpolate(x, size={tuple(want)})`",
                ),
            ),
        ),
    )
