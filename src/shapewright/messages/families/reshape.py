"""Messages of calls that arrange elements anew, where the sizes asked for must multiply to what is there."""

from __future__ import annotations

from math import isqrt, prod

from shapewright.messages.numbers import maps
from shapewright.messages.readings.arrangements import causes
from shapewright.messages.readings.layouts import Arrangement, count, times
from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_PRINT = "print `x.shape` in the line before, and reckon the sizes from it"


def _invalid(found: Found) -> Reading:
    """`total` elements and the sizes asked for: which of them is out of step."""
    verb = "reshape" if "reshape(" in found.context.line else "view"
    shape = told(found.values["want_shape"])
    shape = shape if shape.startswith("[") else f"[{shape}]"
    headline = f"cannot {verb} {found.values.get('got', 'the')} elements as {shape}"
    if "got" not in found:
        cause = Cause("sizes-do-not-multiply", "the sizes asked for do not multiply to the number of elements", likely=True)
        return Reading("reshape-numel", headline, "the message is cut off before that number", dict(found.values), (cause,), (_PRINT,))
    if not found.known("got", "want_shape"):
        cause = Cause(
            "sizes-do-not-multiply", "the sizes asked for do not multiply to what is there; some of them are symbolic here", likely=True
        )
        tries = ("run the same line without `torch.compile`: the message then names every size", _PRINT)
        return Reading(
            "reshape-numel", headline, "sizes like `s77` stand for dims that the compiler left open", dict(found.values), (cause,), tries
        )
    ask = Arrangement(found.number("got"), found.shape("want_shape"), found.context.line, found.context.frames)
    facts: dict[str, object] = {"got": ask.total, "want_shape": ask.sizes}
    if ask.hole is None:
        facts["want"] = ask.fixed
        certain = f"{times(ask.sizes)} = {ask.fixed} elements are asked for, the tensor holds {ask.total}" if len(ask.sizes) > 1 else ""
        certain = certain or f"{count(ask.fixed, 'element')} asked for, the tensor holds {ask.total}"
    elif ask.fixed > 0:
        facts["multiple_of"] = ask.fixed
        certain = (
            f"{ask.total} is not a multiple of {ask.fixed}: {ask.total // ask.fixed} "
            f"times {ask.fixed}, and {ask.total % ask.fixed} left over"
        )
    else:
        certain = f"one of the sizes is 0, the tensor holds {ask.total} elements"
    return Reading("reshape-numel", headline, certain, facts, causes(ask), (_PRINT,))


def _memory(found: Found) -> Reading:
    """A view of a tensor whose memory is in another order; strides tell which of its dims were exchanged."""
    cause = ("rearranged-before", "`permute`, `transpose`, `expand` and slices keep the old memory; `view` cannot copy, `reshape` can")
    certain = ""
    if found.known("shape", "strides"):
        strides, shape = found.shape("strides"), found.shape("shape")
        certain = f"the tensor is {told(shape)} with strides {told(strides)}"
        long = [stride for stride, size in zip(strides, shape, strict=False) if size > 1]
        if 0 in long:
            cause = ("expanded-before", "a stride of 0 says that a dim was spread with `expand`: its memory holds the numbers only once")
        elif long != sorted(long, reverse=True):
            cause = ("permuted-before", "the strides do not fall from left to right: dims were exchanged with `permute` or `transpose`")
        else:
            cause = ("sliced-before", "the strides fall, but leave gaps: the tensor is a slice of a larger one")
    found_causes = (
        Cause(
            cause[0],
            cause[1],
            likely=True,
            tries=(
                "use `x.reshape(...)` in place of `x.view(...)`",
                "or `x.contiguous().view(...)`, which is the same with the copy in sight",
            ),
        ),
        Cause(
            "wrong-order", "dims are joined in the order that they have now: if the result looks mixed up, they must be permuted back first"
        ),
    )
    headline = "`view` needs the memory in order, but the tensor was rearranged before"
    return Reading("other-shape-error", headline, certain, dict(found.values), found_causes)


def _unflatten(found: Found) -> Reading:
    dim, got, sizes = (found.values[name] for name in ("dim", "got", "want_shape"))
    headline = f"cannot unflatten dim {dim} of size {got} into {told(sizes) if isinstance(sizes, list) else f'[{sizes}]'}"
    if not found.known("got", "want_shape"):
        return Reading(
            "reshape-numel",
            headline,
            "",
            dict(found.values),
            (Cause("wrong-constant", "the sizes must multiply to that of the dim", likely=True),),
        )
    size, asked = found.number("got"), found.shape("want_shape")
    fixed = prod(one for one in asked if one != -1)
    facts: dict[str, object] = {"got": size, "want_shape": asked, "dim": dim, **({} if -1 in asked else {"want": fixed})}
    if -1 in asked:
        certain = f"{size} is not a multiple of {fixed}" if len(asked) > 1 else ""
    else:
        certain = f"{times(asked)} = {fixed}, the dim has {size}"
    fits = [] if -1 in asked else [f"{size // (fixed // one)} for {one}" for one in asked if one > 0 and size % (fixed // one) == 0]
    would = f"; {' or '.join(fits)} would fit" if fits else ""
    why = [
        Cause(
            "layer-before",
            f"the layer before gives {size} "
            f"features, {'a multiple of ' if -1 in asked else ''}{times(one for one in asked if one != -1)} "
            f"= {fixed} are needed{would}",
            likely=True,
            tries=("make its out_features the product of the sizes",)
            if -1 in asked
            else (f"build the layer before for {fixed} features: `nn.Linear(..., {fixed})`",),
        )
    ]
    readings = [one for one in maps(size) if len(asked) == 3]
    if readings and -1 not in asked:
        forms = ", ".join(f"({one.channels}, {one.sides[0]}, {one.sides[1]})" for one in readings)
        why.append(
            Cause(
                "wrong-sizes",
                f"for {size} the sizes could be {forms}",
                facts={"maps": [[one.channels, *one.sides] for one in readings]},
                tries=("or write sizes that multiply to what comes",),
            )
        )
    return Reading("reshape-numel", headline, certain, facts, tuple(why))


def _shuffle(found: Found) -> Reading:
    """Channels for a pixel shuffle: C·r² in, C out."""
    factor, channels = None, None
    if found.known("square"):
        factor, channels = isqrt(found.number("square")), found.number("got")
    elif found.known("shape") and len(found.shape("shape")) >= 3 and found.known("factor"):
        factor, channels = found.number("factor"), found.shape("shape")[-3]
    if not factor or channels is None:
        rank = found.number("rank") if found.known("rank") else len(found.shape("shape")) if found.known("shape") else 0
        headline = f"{found.layer} expects [*, C, H, W] but receives {count(rank, 'dim')}"
        cause = Cause(
            "channels-missing",
            "the channels, height and width are not there: an image without channels, or a tensor that was flattened",
            likely=True,
        )
        return Reading(
            "other-shape-error",
            headline,
            "",
            {**found.values, "rank": rank},
            (cause,),
            ("`x.unsqueeze(0)` for the channels of one grey image", _PRINT),
        )
    square = factor * factor
    low, high = channels // square * square, (channels // square + 1) * square
    near = f"{low} or {high}" if low else str(high)
    why = [
        Cause(
            "conv-before",
            f"a shuffle by {factor} takes {square} channels for each that it "
            f"gives: {channels} is not a multiple of {square}, {near} would be",
            likely=True,
            facts={"channels": channels, "factor": factor},
            tries=(f"make the convolution before give C * {factor}**2 channels: {3 * square} for RGB, {64 * square} for 64",),
        )
    ]
    if channels in (1, 3):
        why.insert(
            0,
            Cause(
                "image-itself",
                f"{count(channels, 'channel')}: it seems the image itself goes in, where the output of a convolution belongs",
                likely=True,
            ),
        )
    headline = f"{found.layer} expects channels in multiples of {factor}·{factor} = {square} but receives {channels}"
    return Reading("other-shape-error", headline, "", {"got": channels, "multiple_of": square, "factor": factor}, tuple(why))


def _unshuffle(found: Found) -> Reading:
    size, factor = found.number("got"), found.number("multiple_of")
    if factor < 1:
        return Reading("other-shape-error", f"{found.layer} is given a factor of {factor}", "", dict(found.values))
    pad = -size % factor
    side = "(0, 0, 0, {})" if found.values["side"] == "height" else "(0, {})"
    cause = Cause(
        "odd-size",
        f"{size} = {size // factor}·{factor} + {size % factor}: {pad} more would do, or {size % factor} less",
        likely=True,
        tries=(f"pad it: `F.pad(x, {side.format(pad)})`", f"or crop or resize the images to multiples of {factor}"),
    )
    headline = f"{found.layer} expects height and width in multiples of {factor} but receives a {found.values['side']} of {size}"
    return Reading("other-shape-error", headline, "", dict(found.values), (cause,))


_SHAPE = r"(?:torch\.Size\()?[\[(](?P<{}>[^\])]{{0,200}})[\])]\)?"
_Q = r"(?:\\?')"
_N = r"\d{1,18}"
TEMPLATES = (
    Template(
        "view-numel",
        ("is invalid for input of size",),
        rf"shape {_Q}\[(?P<want_shape>[^\]]{{0,300}})\]{_Q} is invalid "
        rf"for input of size (?P<got>\d{{1,18}}\b(?![*+])|[^\s'\"\\]{{1,120}})",
        _invalid,
        cut=rf"shape {_Q}\[(?P<want_shape>[^\]]{{0,300}})\]{_Q} is invalid for input of size",
    ),
    Template(
        "view-numel-old",
        ("is invalid for input with", "is invalid for input of with"),
        rf"size {_Q}\[(?P<want_shape>[^\]]{{0,300}})\]{_Q} is invalid for input (?:of )?with (?P<got>{_N}) elements",
        _invalid,
    ),
    Template(
        "view-memory",
        ("view size is not compatible with input tensor",),
        r"view size is not compatible with input tensor\\?'s size and stride",
        _memory,
    ),
    Template(
        "view-memory-strides",
        ("cannot view a tensor with shape",),
        rf"Cannot view a tensor with shape {_SHAPE.format('shape')} and strides \((?P<strides>[^)]{{0,200}})\) "
        rf"as a tensor with shape \(?(?P<want_shape>[^)!]{{0,200}}?),?\)?!",
        _memory,
    ),
    Template(
        "view-two-open",
        ("only one dimension can be inferred",),
        r"only one dimension can be inferred",
        plain(
            "other-shape-error",
            "only one size can be left open with -1, the call has two or more",
            (
                "two-open-sizes",
                "each -1 is worked out from the other sizes, and two cannot be: write one of them out, `x.size(0)` for the batch",
            ),
            ("size-became-minus-one", "a size that was worked out came to -1 by itself, for example 3 - 4"),
        ),
    ),
    Template(
        "view-negative",
        ("invalid shape dimension",),
        rf"invalid shape dimension (?P<got>-{_N})(?: at index (?P<dim>{_N}) " rf"of shape \[(?P<want_shape>[^\]]{{0,300}})\])?",
        plain(
            "other-shape-error",
            ("a view or reshape is asked for a negative size: {want_shape}", "a view or reshape is asked for a negative size: {got}"),
            (
                "size-from-arithmetic",
                "a size was worked out (height - kernel, length - context) and came to {got}: "
                "the input is smaller than the formula takes for granted",
            ),
            tries=("print the parts of the formula in the line before", "only -1 has a meaning: it leaves one size open"),
        ),
    ),
    Template(
        "view-empty-open",
        ("because the unspecified dimension size -1 can be any value",),
        r"cannot reshape tensor of 0 elements into shape [\[(](?P<want_shape>[^\])]{0,300})[\])] "
        r"because the unspecified dimension size -1 can be any value",
        plain(
            "reshape-numel",
            "an empty tensor cannot be viewed as {want_shape}: with a size of 0 the -1 could be anything",
            ("empty-tensor", "nothing was left before: no detections, a mask that selects nothing, an empty batch"),
            ("size-zero", "a size in the call came to 0"),
            tries=(
                "leave the step out when `x.numel() == 0`",
                "or write every size out in place of -1; `x.flatten(1)` also knows what to do when only the batch is 0",
            ),
        ),
    ),
    Template(
        "resize-numel",
        ("requested resize to",),
        r"requested resize to (?P<want_shape>[\dx]{0,200}) ?\((?P<want>\d{1,18}) elements in total\), but the "
        r"given tensor has a size of (?P<shape>[\dx]{0,200}) ?\((?P<got>\d{1,18}) elements\)",
        plain(
            "reshape-numel",
            "cannot resize {got} elements as {want_shape}",
            ("other-number", "`resize` keeps the elements: {want} are asked for, {got} are there"),
            tries=("cut with a slice, or pad with `F.pad`, before the sizes are changed",),
        ),
    ),
    Template(
        "unflatten-numel",
        ("unflatten: provided sizes",),
        r"unflatten: Provided sizes \[(?P<want_shape>[^\]]{0,200})\] don\\?'t multiply "
        r"up to the size of dim (?P<dim>-?\d{1,6}) ?\((?P<got>[^)]{1,60})\)",
        _unflatten,
    ),
    Template(
        "unflatten-empty",
        ("unflatten: sizes must be non-empty",),
        r"unflatten: sizes must be non-empty",
        plain(
            "other-shape-error",
            "`unflatten` is given no sizes",
            ("no-sizes", "the tuple of sizes is empty: name the sizes whose product is that of the dim"),
        ),
    ),
    Template(
        "flatten-order",
        ("start_dim cannot come after end_dim",),
        r"flatten\(\) has invalid args: start_dim cannot come after end_dim",
        plain(
            "other-shape-error",
            "`flatten` is to start at a dim that comes after the one where it ends",
            (
                "fewer-dims",
                "the tensor has fewer dims than the call takes for granted: counted from the end, `end_dim` then lies before `start_dim`",
            ),
            ("swapped", "`start_dim` and `end_dim` are swapped"),
            tries=("`torch.flatten(x, 1)` joins everything behind the batch", _PRINT),
        ),
    ),
    Template(
        "pixel-shuffle",
        ("divisible by the square of upscale_factor",),
        r"pixel_shuffle expects its input\\?'s \\?'channel\\?' dimension to be divisible by the square of "
        rf"upscale_factor, but input\.size\(-3\) ?= ?(?P<got>{_N}) is not divisible by (?P<square>{_N})",
        _shuffle,
    ),
    Template(
        "pixel-shuffle-meta",
        ("invalid input shape for pixel_shuffle",),
        rf"Invalid input shape for pixel_shuffle: {_SHAPE.format('shape')}(?: " rf"with upscale_factor ?= ?(?P<factor>{_N}))?",
        _shuffle,
    ),
    Template(
        "pixel-shuffle-rank",
        ("expects input to have at least 3 dimensions",),
        r"pixel_(?:un)?shuffle expects input to have at least 3 dimensions, but got "
        r"input with (?:(?P<rank>\d{1,3})|<built-in).{0,60}? ?dimension",
        _shuffle,
    ),
    Template(
        "pixel-unshuffle",
        ("to be divisible by downscale_factor",),
        r"pixel_unshuffle expects (?P<side>height|width) to be divisible by downscale_factor, but "
        rf"input\.size\(-\d\) ?= ?(?P<got>{_N}) is not divisible by (?P<multiple_of>{_N})",
        _unshuffle,
    ),
    Template(
        "pixel-factor",
        ("pixel_shuffle expects a positive", "pixel_unshuffle expects a positive"),
        r"pixel_(?:un)?shuffle expects a positive (?:up|down)scale_factor, but got (?P<got>-?\d{1,9})",
        plain(
            "other-shape-error",
            "{layer} is given a factor of {got}",
            ("factor-zero", "the factor must be 1 or more; a division with `//` may have made it 0"),
        ),
    ),
    Template(
        "channel-shuffle",
        ("number of channels must be divisible by groups",),
        rf"Number of channels must be divisible by groups\. Got (?P<got>{_N}) channels and (?P<groups>{_N}) groups",
        plain(
            "other-shape-error",
            "{layer} shuffles channels in {groups} groups but receives {got} channels",
            ("groups-do-not-divide", "{got} is not a multiple of {groups}"),
            tries=("choose a number of groups that divides the channels, or make the convolution before give a multiple of it",),
        ),
    ),
    Template(
        "channel-shuffle-rank",
        ("channel_shuffle expects input with",),
        r"channel_shuffle expects input with > 2 dims, but got input with sizes \[(?P<shape>[^\]]{0,100})\]",
        plain(
            "other-shape-error",
            "{layer} expects [batch, channels, height, width] but receives {shape}",
            ("flattened-before", "height and width are gone: the tensor was pooled or flattened before"),
            ("image-without-batch", "it is one grey image without batch and channels: `x[None, None]`"),
        ),
    ),
    Template(
        "complex-last-dim",
        ("must have a last dimension of size 2",),
        r"Tensor must have a last dimension of size 2",
        plain(
            "other-shape-error",
            "`view_as_complex` expects a last dim of size 2 (real and imaginary part)",
            (
                "pairs-not-split",
                "the features are not yet split into pairs, as rotary embeddings need it: "
                "`torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))`",
            ),
            ("permuted", "the dims were permuted so that the 2 is not last"),
        ),
    ),
    Template(
        "view-dtype",
        ("(different element sizes)",),
        rf"self\.(?P<what>size|stride|storage_offset)\((?:-1)?\) must be (?:divisible by (?P<multiple_of>{_N})|1) "
        rf"to view (?P<dtype>\w{{1,30}}) as (?P<want_dtype>\w{{1,30}}) "
        rf"\(different element sizes\), but got (?P<got>-?{_N})",
        plain(
            "other-shape-error",
            (
                "the last dim of size {got} cannot be read as {want_dtype}, which joins {multiple_of} numbers of {dtype}",
                "the bytes of {dtype} cannot be read as {want_dtype}: the last dim is not in order in memory",
            ),
            ("bytes-not-values", "`view(dtype)` reads the same bytes as other numbers; to convert values use `x.to(dtype)`"),
            ("not-a-multiple", "{got} is not a multiple of {multiple_of}: pad the last dim"),
        ),
    ),
)
