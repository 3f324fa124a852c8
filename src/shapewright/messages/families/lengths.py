"""Messages of calls that ask for more, or for less than nothing, along a dim: slices, windows, repeats, negative sizes."""

from __future__ import annotations

from shapewright.messages.template import Cause, Found, Reading, Template, plain

_PRINT = "print `x.shape` in the line before, and compare it with what the call asks for"


def _narrow(found: Found) -> Reading:
    start, length, size = found.number("start"), found.number("length"), found.number("size")
    causes = (
        Cause(
            "slice-past-the-end",
            f"{start} + {length} = {start + length} is {start + length - size} more than the {size} "
            "that are there: the input is shorter than the code takes for granted",
            likely=True,
            tries=("take no more than there is: `length = min(length, x.size(dim) - start)`", "or pad the input first with `F.pad`"),
        ),
        Cause("wrong-dim", "the dim is another one than meant: batch and length swapped"),
    )
    headline = f"`narrow` reads up to {start + length} along a dim that has {size}"
    return Reading(
        "other-shape-error",
        headline,
        "",
        {"start": start, "length": length, "size": size, "got": start + length, "want": size},
        causes,
        (_PRINT,),
    )


def _select(found: Found) -> Reading:
    if not found.known("got", "shape", "dim"):
        return Reading(
            "other-shape-error", f"index {found.values['got']} is past the end of dim {found.values['dim']}", "", dict(found.values)
        )
    index, shape, dim = found.number("got"), found.shape("shape"), found.number("dim")
    size = shape[dim] if -len(shape) <= dim < len(shape) else None
    has = f", which has {size}" if size is not None else ""
    causes = [
        Cause("past-the-end", f"valid are 0 to {size - 1}, or -{size} to -1 from the end" if size else "the dim is empty", likely=True)
    ]
    if size is not None and index == size:
        causes.insert(0, Cause("counted-from-one", f"indices are counted from 0: the last one is {size - 1}", likely=True))
    facts = {"got": index, "shape": shape, "dim": dim, **({"size": size} if size is not None else {})}
    return Reading("other-shape-error", f"`select` asks for index {index} along dim {dim}{has}", "", facts, tuple(causes), (_PRINT,))


def _storage(found: Found) -> Reading:
    need, have = found.number("need"), found.number("have")
    if have == 0:
        causes = (
            Cause(
                "weights-not-gathered",
                "the memory is freed: with FSDP or DeepSpeed ZeRO-3 a process holds only "
                "its part of the weights, and the whole is not gathered here",
                likely=True,
                tries=(
                    "call the wrapped model itself, not a module inside it",
                    "gather first: `FSDP.summon_full_params(model)` or `deepspeed.zero.GatheredParameters(params)`",
                ),
            ),
            Cause("storage-freed", "the tensor's storage was resized to 0 before"),
        )
    else:
        causes = (
            Cause(
                "too-little-memory",
                f"sizes and strides reach {need} bytes, the memory under the tensor has {have}",
                likely=True,
                tries=("check the strides given to `as_strided`: sum of (size - 1) * stride, plus 1, elements are needed",),
            ),
            Cause(
                "file-cut-off",
                "if a checkpoint is being loaded: the file is incomplete",
                tries=("compare the size of the file, download it again",),
            ),
        )
    return Reading("other-shape-error", f"a tensor of {need} bytes is laid over a memory of {have}", "", dict(found.values), causes)


_S = r"(?:torch\.Size\()?[\[(](?P<{}>[^\])]{{0,200}})[\])]\)?"
_I = r"-?\d{1,18}"
_NEGATIVE = (
    ("size-from-arithmetic", "the size was worked out and came below 0: length - context, target - current when padding, side - kernel"),
    ("minus-one", "-1 stands for an open size in `view` and `expand` only, not where a tensor or layer is made"),
)
TEMPLATES = (
    Template(
        "roll",
        ("shifts and dimensions must align",),
        r"shifts and dimensions must align\. shifts: ?(?P<got>\d{1,6}), ?dims: ?(?P<want>\d{1,6})",
        plain(
            "other-shape-error",
            "`roll` is given {got} shifts for {want} dims",
            ("one-shift-a-dim", "`shifts` and `dims` must be equally long: `torch.roll(x, shifts=(-3, -3), dims=(1, 2))`"),
        ),
    ),
    Template(
        "roll-empty",
        ("`shifts` required",),
        r"`shifts` required",
        plain("other-shape-error", "`roll` is given no shifts", ("no-shifts", "the tuple of shifts is empty")),
    ),
    Template(
        "repeat",
        ("number of dimensions of repeat dims",),
        r"Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
        plain(
            "other-shape-error",
            "`repeat` is given fewer numbers than the tensor has dims",
            ("one-number-a-dim", "`repeat` needs one number for each dim, 1 where nothing is repeated: `x.repeat(4, 1)`"),
            ("elements-meant", "to repeat every element, as NumPy's `repeat` does: `x.repeat_interleave(n, dim=0)`"),
            ("batch-added", "the tensor has a dim more than the call is written for"),
            tries=(_PRINT,),
        ),
    ),
    Template(
        "repeat-interleave",
        ("repeats must have the same size as input along dim",),
        r"repeats must have the same size as input along dim, but got repeats\.size\(0\) ?= ?(?P<got>\d{1,18}) "
        r"and input\.size\((?P<dim>-?\d{1,6})\) ?= ?(?P<want>\d{1,18})",
        plain(
            "other-shape-error",
            "`repeat_interleave` is given {got} counts for the {want} entries of dim {dim}",
            ("one-count-an-entry", "the counts are one number for each entry of dim {dim}, or one number for all"),
            ("wrong-dim", "the counts belong to another dim"),
        ),
    ),
    Template(
        "repeat-interleave-rank",
        ("repeats must be 0-dim or 1-dim", "repeats can not be negative"),
        r"repeats must be 0-dim or 1-dim tensor|repeats can not be negative",
        plain(
            "other-shape-error",
            "`repeat_interleave` takes its counts as one number or as a vector of numbers from 0 on",
            ("counts-not-a-vector", "the counts have another shape, or one is below 0: `counts.flatten()`, `counts.clamp(min=0)`"),
        ),
    ),
    Template(
        "unfold-size",
        ("maximum size for tensor at dimension",),
        r"maximum size for tensor at dimension (?P<dim>-?\d{1,6}) is (?P<want>\d{1,18}) but size is (?P<got>\d{1,18})",
        plain(
            "other-shape-error",
            "a window of {got} is taken from dim {dim}, which has {want}",
            ("input-too-short", "the signal or image is shorter than one window of {got}"),
            ("wrong-dim", "the windows are meant along another dim"),
            tries=("pad the input to the length of one window with `F.pad`, or take shorter windows", _PRINT),
        ),
    ),
    Template(
        "unfold-step",
        ("but must be > 0", "but must be >= 0"),
        r"(?P<what>step|size) is (?P<got>-?\d{1,18}) but must be >=? 0",
        plain(
            "other-shape-error",
            "`unfold` is given a {what} of {got}",
            ("size-from-arithmetic", "the {what} was worked out and came too small: a division with `//` may have given 0"),
        ),
    ),
    Template(
        "narrow",
        ("exceeds dimension size",),
        r"start \((?P<start>\d{1,18})\) \+ length \((?P<length>\d{1,18})\) " r"exceeds dimension size \((?P<size>\d{1,18})\)",
        _narrow,
    ),
    Template(
        "narrow-start",
        ("start out of range (expected",),
        r"start out of range \(expected to be in range of " rf"\[(?P<low>{_I}), ?(?P<size>{_I})\], but got (?P<got>{_I})\)",
        plain(
            "other-shape-error",
            "`narrow` starts at {got} along a dim that has {size}",
            ("slice-past-the-end", "the input is shorter than the code takes for granted"),
            ("wrong-dim", "the dim is another one than meant"),
        ),
    ),
    Template(
        "narrow-negative",
        ("length must be non-negative",),
        r"narrow\(\): length must be non-negative",
        plain(
            "other-shape-error",
            "more is cut off than there is: a length came below 0",
            ("crop-larger-than-input", "`F.pad` with negative widths crops: together they are more than the side"),
            ("size-from-arithmetic", "the length given to `narrow` was worked out and came below 0"),
            tries=("print the widths and `x.shape` in the line before",),
        ),
    ),
    Template(
        "select-index",
        ("select(): index",),
        rf"select\(\): index (?P<got>{_I}) out of range for tensor of " rf"size {_S.format('shape')} at dimension (?P<dim>{_I})",
        _select,
    ),
    Template(
        "storage",
        ("setstorage: sizes",),
        r"setStorage: sizes \[(?P<shape>[^\]]{0,200})\], strides \[(?P<strides>[^\]]{0,200})\], storage offset "
        r"(?P<offset>\d{1,18}), and itemsize (?P<itemsize>\d{1,4}) requiring a storage size of "
        r"(?P<need>\d{1,18}) are out of bounds for storage of size (?P<have>\d{1,18})",
        _storage,
    ),
    Template(
        "strided-length",
        ("mismatch in length of strides and shape",),
        r"mismatch in length of strides and shape",
        plain(
            "other-shape-error",
            "`as_strided` is given another number of strides than of sizes",
            ("one-stride-a-size", "each size needs its stride: `x.as_strided((2, 3), (3, 1))`"),
        ),
    ),
    Template(
        "negative-size",
        (
            "tensor with negative dimension",
            "dimension size must be non-negative",
            "number of steps must be non-negative",
            "n must be greater or equal to 0",
        ),
        r"(?:Trying to create tensor with negative dimension (?P<got>-\d{1,18}|-?[su]\d{1,6})(?:: "
        r"\[(?P<want_shape>[^\]]{0,200})\])?|(?P<call>\w{1,30}): Dimension size must be non-negative|number of "
        r"steps must be non-negative|n must be greater or equal to 0, got (?P<number>-\d{1,18}))",
        plain(
            "other-shape-error",
            (
                "a tensor is to be made with a size of {got}: {want_shape}",
                "a tensor is to be made with a size of {got}",
                "a matrix is to be made with {number} rows",
                "`{call}` is asked for a negative size",
                "a tensor is to be made with a negative size",
            ),
            *_NEGATIVE,
            tries=(
                "print the parts of the formula in the line before",
                "keep it at 0 or more: `max(0, length - x.size(1))`, and cut what is too long",
            ),
        ),
    ),
)
