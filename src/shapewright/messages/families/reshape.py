"""Messages of calls that arrange elements anew, where the sizes asked for must multiply to what is there."""

from __future__ import annotations

from math import isqrt, prod

from shapewright.messages.numbers import maps
from shapewright.messages.readings.arrangements import causes
from shapewright.messages.readings.images import facts, sizes
from shapewright.messages.readings.layouts import Arrangement, count, times
from shapewright.messages.readings.words import called, cause
from shapewright.messages.template import Found, Reading, Template, plain, shape, told

_PRINT = "print `x.shape` in the line before, and reckon the sizes from it"
_SLUG = "other-shape-error"


def _invalid(found: Found) -> Reading:
    """`total` elements and the sizes asked for: which of them is out of step."""
    verb = "reshape" if "reshape(" in found.context.line else "view"
    asked = told(found.values["want_shape"])
    asked = asked if asked.startswith("[") else f"[{asked}]"
    headline = f"cannot {verb} {found.values.get('got', 'the')} elements as {asked}"
    if "got" not in found:
        made = cause("sizes-do-not-multiply", "the sizes asked for do not multiply to the number of elements", likely=True)
        return Reading("reshape-numel", headline, "the message is cut off before that number", facts(found), (made,), (_PRINT,))
    if not found.known("got", "want_shape"):
        why = "the sizes asked for do not multiply to what is there; some of them are symbolic here"
        step = "run the same line without `torch.compile`: the message then names every size"
        made = cause("sizes-do-not-multiply", why, step, _PRINT, likely=True)
        certain = "sizes like `s77` stand for dims that the compiler left open"
        return Reading("reshape-numel", headline, certain, facts(found), (made,))
    ask = Arrangement(found.number("got"), found.shape("want_shape"), found.context.line, found.context.frames)
    named: dict[str, object] = {"got": ask.total, "want_shape": ask.sizes}
    if ask.hole is None:
        named["want"] = ask.fixed
        product = f"{times(ask.sizes)} = {ask.fixed} elements are" if len(ask.sizes) > 1 else f"{count(ask.fixed, 'element')}"
        certain = f"{product} asked for, the tensor holds {ask.total}"
    elif ask.fixed > 0:
        named["multiple_of"] = ask.fixed
        often, rest = divmod(ask.total, ask.fixed)
        certain = f"{ask.total} is not a multiple of {ask.fixed}: {often} times {ask.fixed}, and {rest} left over"
    else:
        certain = f"one of the sizes is 0, the tensor holds {ask.total} elements"
    return Reading("reshape-numel", headline, certain, named, causes(ask), (_PRINT,))


def _memory(found: Found) -> Reading:
    """A view of a tensor whose memory is in another order; strides tell which of its dims were exchanged."""
    name, why = "rearranged-before", "`permute`, `transpose`, `expand` and slices keep the old memory; `view` cannot copy, `reshape` can"
    certain = ""
    if found.known("shape", "strides"):
        strides, size = found.shape("strides"), found.shape("shape")
        certain = f"the tensor is {told(size)} with strides {told(strides)}"
        long = [stride for stride, one in zip(strides, size, strict=False) if one > 1]
        if 0 in long:
            name, why = "expanded-before", "a stride of 0 says that a dim was spread with `expand`: its memory holds the numbers only once"
        elif long != sorted(long, reverse=True):
            name, why = "permuted-before", "the strides do not fall from left to right: dims were exchanged with `permute` or `transpose`"
        else:
            name, why = "sliced-before", "the strides fall, but leave gaps: the tensor is a slice of a larger one"
    step = "or `x.contiguous().view(...)`, which is the same with the copy in sight"
    first = cause(name, why, "use `x.reshape(...)` in place of `x.view(...)`", step, likely=True)
    why = "dims are joined in the order that they have now: if the result looks mixed up, they must be permuted back first"
    headline = "`view` needs the memory in order, but the tensor was rearranged before"
    return Reading(_SLUG, headline, certain, facts(found), (first, cause("wrong-order", why)))


def _unflatten(found: Found) -> Reading:
    """The sizes must multiply to that of the dim."""
    dim, got, asked = (found.values[name] for name in ("dim", "got", "want_shape"))
    headline = f"cannot unflatten dim {dim} of size {got} into {told(asked) if isinstance(asked, list) else f'[{asked}]'}"
    if not found.known("got", "want_shape"):
        made = cause("wrong-constant", "the sizes must multiply to that of the dim", likely=True)
        return Reading("reshape-numel", headline, "", facts(found), (made,))
    size, sizes = found.number("got"), found.shape("want_shape")
    fixed, hole = prod(one for one in sizes if one != -1), -1 in sizes
    if fixed < 1 or size < 1:
        why = "nothing was left before: an empty batch, a mask or a slice that selects nothing" if size < 1 else "a size came to 0 or below"
        made = cause("empty-tensor" if size < 1 else "size-zero", why, "print the sizes in the line before", likely=True)
        return Reading("reshape-numel", headline, "", facts(found), (made,))
    if hole:
        certain = f"{size} is not a multiple of {fixed}" if len(sizes) > 1 else ""
    else:
        certain = f"{times(sizes)} = {fixed}, the dim has {size}"
    fits = [] if hole else [f"{size // (fixed // one)} for {one}" for one in sizes if size % (fixed // one) == 0]
    needs = f"{'a multiple of ' if hole else ''}{times(one for one in sizes if one != -1)} = {fixed}"
    why = f"the layer before gives {size} features, {needs} are needed" + (f"; {' or '.join(fits)} would fit" if fits else "")
    step = "make its out_features the product of the sizes"
    if not hole:
        step = f"build the layer before for {fixed} features: `nn.Linear(..., {fixed})`"
    made_of = [cause("layer-before", why, step, likely=True)]
    readings = maps(size) if len(sizes) == 3 and not hole else []
    if readings:
        why = f"for {size} the sizes could be {', '.join(f'({one.channels}, {one.sides[0]}, {one.sides[1]})' for one in readings)}"
        layouts = [[one.channels, *one.sides] for one in readings]
        made_of.append(cause("wrong-sizes", why, "or write sizes that multiply to what comes", maps=layouts))
    return Reading("reshape-numel", headline, certain, facts(found, **({} if hole else {"want": fixed})), tuple(made_of))


def _shuffle(found: Found) -> Reading:
    """Channels for a pixel shuffle: C·r² in, C out."""
    name = called(found, "pixel_unshuffle" if "pixel_unshuffle" in found.text else "pixel_shuffle")
    asked = sizes(found, "shape")
    factor, channels = None, None
    if found.known("square"):
        factor, channels = isqrt(found.number("square")), found.number("got")
    elif found.known("factor", "shape") and len(asked) >= 3:
        factor, channels = found.number("factor"), asked[-3]
    if not factor or channels is None:
        rank = found.number("rank") if found.known("rank") else len(asked)
        why = "the channels, height and width are not there: an image without channels, or a tensor that was flattened"
        made = [cause("channels-missing", why, "`x.unsqueeze(0)` for the channels of one grey image", _PRINT, likely=True)]
        headline = f"{name} expects [*, C, H, W] but receives {count(rank, 'dim')}"
        if rank >= 3:
            made = [cause("conv-before", "the channels are no multiple of the square of the factor", _PRINT, likely=True)]
            headline = f"{name} expects channels in multiples of the square of its factor"
        return Reading(_SLUG, headline, "", facts(found, rank=rank), tuple(made))
    square = factor * factor
    low = channels // square * square
    near = f"{low} or {low + square}" if low else str(square)
    why = f"a shuffle by {factor} takes {square} channels for each that it gives: {channels} is not a multiple of {square}, {near} would be"
    step = f"make the convolution before give C * {factor}**2 channels: {3 * square} for RGB, {64 * square} for 64"
    made = [cause("conv-before", why, step, likely=True, channels=channels, factor=factor)]
    if channels in (1, 3):
        why = f"{count(channels, 'channel')}: it seems the image itself goes in, where the output of a convolution belongs"
        made.insert(0, cause("image-itself", why, likely=True))
    headline = f"{name} expects channels in multiples of {factor}·{factor} = {square} but receives {channels}"
    return Reading(_SLUG, headline, "", {"got": channels, "multiple_of": square, "factor": factor}, tuple(made))


def _unshuffle(found: Found) -> Reading:
    """Height and width for a pixel unshuffle: multiples of the factor."""
    size, factor, side = found.number("got"), found.number("multiple_of"), str(found.values["side"])
    name = called(found, "pixel_unshuffle")
    if factor < 1:
        return Reading(_SLUG, f"{name} is given a factor of {factor}", "", facts(found), (_ZERO,))
    pad = -size % factor
    widths = f"(0, 0, 0, {pad})" if side == "height" else f"(0, {pad})"
    why = f"{size} = {size // factor}·{factor} + {size % factor}: {pad} more would do, or {size % factor} less"
    step = f"or crop or resize the images to multiples of {factor}"
    made = cause("odd-size", why, f"pad it: `F.pad(x, {widths})`", step, likely=True)
    headline = f"{name} expects height and width in multiples of {factor} but receives a {side} of {size}"
    return Reading(_SLUG, headline, "", facts(found), (made,))


_ZERO = cause("factor-zero", "the factor must be 1 or more; a division with `//` may have made it 0", likely=True)
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
        rf"Cannot view a tensor with shape {shape('shape')} and strides \((?P<strides>[^)]{{0,200}})\) "
        rf"as a tensor with shape \(?(?P<want_shape>[^)!]{{0,200}}?),?\)?!",
        _memory,
    ),
    Template(
        "view-two-open",
        ("only one dimension can be inferred",),
        r"only one dimension can be inferred",
        plain(
            _SLUG,
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
        rf"invalid shape dimension (?P<got>-{_N})(?: at index (?P<dim>{_N}) of shape \[(?P<want_shape>[^\]]{{0,300}})\])?",
        plain(
            _SLUG,
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
            _SLUG,
            "`unflatten` is given no sizes",
            ("no-sizes", "the tuple of sizes is empty: name the sizes whose product is that of the dim"),
        ),
    ),
    Template(
        "flatten-order",
        ("start_dim cannot come after end_dim",),
        r"flatten\(\) has invalid args: start_dim cannot come after end_dim",
        plain(
            _SLUG,
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
        rf"Invalid input shape for pixel_shuffle: {shape('shape')}(?: with upscale_factor ?= ?(?P<factor>{_N}))?",
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
        r"(?P<call>pixel_(?:un)?shuffle) expects a positive (?:up|down)scale_factor, but got (?P<got>-?\d{1,9})",
        plain(
            _SLUG,
            "`{call}` is given a factor of {got}",
            (_ZERO.name, _ZERO.why),
        ),
    ),
    Template(
        "channel-shuffle",
        ("number of channels must be divisible by groups",),
        rf"Number of channels must be divisible by groups\. Got (?P<got>{_N}) channels and (?P<groups>{_N}) groups",
        plain(
            _SLUG,
            "`channel_shuffle` divides channels into {groups} groups but receives {got} channels",
            ("groups-do-not-divide", "{got} is not a multiple of {groups}"),
            tries=("choose a number of groups that divides the channels, or make the convolution before give a multiple of it",),
        ),
    ),
    Template(
        "channel-shuffle-rank",
        ("channel_shuffle expects input with",),
        r"channel_shuffle expects input with > 2 dims, but got input with sizes \[(?P<shape>[^\]]{0,100})\]",
        plain(
            _SLUG,
            "`channel_shuffle` expects [batch, channels, height, width] but receives {shape}",
            ("flattened-before", "height and width are gone: the tensor was pooled or flattened before"),
            ("image-without-batch", "it is one grey image without batch and channels: `x[None, None]`"),
        ),
    ),
    Template(
        "complex-last-dim",
        ("must have a last dimension of size 2",),
        r"Tensor must have a last dimension of size 2",
        plain(
            _SLUG,
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
            _SLUG,
            (
                "the last dim of size {got} cannot be read as {want_dtype}, which joins {multiple_of} numbers of {dtype}",
                "the bytes of {dtype} cannot be read as {want_dtype}: the last dim is not in order in memory",
            ),
            ("bytes-not-values", "`view(dtype)` reads the same bytes as other numbers; to convert values use `x.to(dtype)`"),
            ("not-a-multiple", "{got} is not a multiple of {multiple_of}: pad the last dim"),
        ),
    ),
)
