"""Messages of numpy, einops and what is used beside them: the same faults as in torch, in other words."""

from __future__ import annotations

import re
from math import prod

from shapewright.messages.readings.widths import Widths, causes
from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_NUMPY = "this is numpy, before or after torch"
_SHAPE = r"\((?P<{}>[\d, ]{{0,120}})\)"


def _shape(name: str) -> str:
    return _SHAPE.format(name)


def _product(found: Found) -> Reading:
    """`@`, `matmul` and `dot` of arrays."""
    got, want = found.number("got"), found.number("want")
    left = found.shape("left_shape") if found.known("left_shape") else []
    right = found.shape("right_shape") if found.known("right_shape") else []
    facts: dict[str, object] = {"got": got, "want": want}
    if left and right:
        facts |= {"left_shape": left, "right_shape": right}
    out = right[-1] if len(right) == 2 else None
    why: list[Cause] = []
    if len(right) == 2 and right[-1] == got:
        why.append(Cause("transposed", f"the right matrix has {got} columns: transposed it would fit", likely=True, tries=("`a @ b.T`",)))
    if len(left) == 2 and left[0] == want:
        why.append(
            Cause("transposed-left", f"the left matrix has {want} rows: transposed it would fit", likely=not why, tries=("`a.T @ b`",))
        )
    known = [one for one in causes(Widths(got, want, prod(left[:-1]) if left else None, out)) if one.name != "wrong-constant"]
    inner = Cause(
        "inner-dims-differ", f"the left one has {got} columns, the right one {want} rows; a product wants them equal", likely=not why
    )
    return Reading(
        "matmul-inner-dim",
        f"an array with {got} columns is multiplied by one with {want} rows",
        f"{told(left)} meets {told(right)}; {_NUMPY}" if left and right else _NUMPY,
        facts,
        (*why, inner, *known),
        ("print both shapes in the line before; the last dim of the left one must be the last but one of the right one",),
    )


def _broadcast(found: Found) -> Reading:
    """Element by element, from the last dim on."""
    shape, other = found.shape("shape"), found.shape("other_shape")
    depth = max(len(shape), len(other))
    wide = [[1] * (depth - len(one)) + one for one in (shape, other)]
    clash = next((i for i in range(depth - 1, -1, -1) if wide[0][i] != wide[1][i] and 1 not in (wide[0][i], wide[1][i])), None)
    facts: dict[str, object] = {"shape": shape, "other_shape": other}
    if clash is None:
        return Reading("broadcast-mismatch", f"arrays of {told(shape)} and {told(other)} do not fit together", _NUMPY, facts)
    got, want = wide[0][clash], wide[1][clash]
    facts |= {"got": got, "want": want, "dim": clash - depth}
    why: list[Cause] = []
    if shape != other and sorted(shape) == sorted(other):
        last = "channels last against channels first" if len(shape) >= 3 else "one is the other's transpose"
        tries = ("`a.transpose(2, 0, 1)` makes [C, H, W] of [H, W, C]" if len(shape) >= 3 else "`a.T`",)
        why.append(Cause("order-of-dims", f"both have the same sizes in another order: {last}", likely=True, tries=tries))
    short, long = sorted((shape, other), key=len)
    if len(short) == 1 and len(long) == 2 and short[0] == long[0]:
        why.append(
            Cause(
                "missing-axis",
                f"the {short[0]} values belong to the rows, but are laid along the columns",
                likely=True,
                tries=("`b[:, None]` makes a column of them",),
            )
        )
    if {got, want} == {3, 4} or (1 in shape + other and {got, want} <= {3, 4}):
        why.append(Cause("image-channels", "3 and 4 could be RGB and RGBA", likely=not why, tries=("`image.convert('RGB')`",)))
    if abs(got - want) == 1:
        why.append(
            Cause(
                "off-by-one",
                "the lengths differ by one: one of them was cut or extended by a step (`diff`, `[1:]`, bin edges)",
                likely=not why,
            )
        )
    why.append(
        Cause(
            "other-lengths",
            f"{got} entries stand against {want}: the arrays come from different data, or a filter was applied to one of them",
            likely=not why,
        )
    )
    return Reading(
        "broadcast-mismatch",
        f"arrays of {told(shape)} and {told(other)} disagree: {got} against {want} in dim {clash - depth}",
        f"dims are compared from the last one, and must be equal or 1; {_NUMPY}",
        facts,
        tuple(why),
        ("print both shapes in the line before",),
    )


def _reshape(found: Found) -> Reading:
    """The number of elements stays what it is."""
    size, target = found.number("size"), found.values["target"]
    parts = target.split(",") if isinstance(target, str) else target if isinstance(target, list) else [target]
    wanted = [int(part) if re.fullmatch(r" ?\d{1,15} ?", str(part)) else -1 for part in parts if str(part).strip()]
    fixed = prod(one for one in wanted if one != -1)
    facts: dict[str, object] = {"size": size, "want_shape": wanted}
    why: list[Cause] = []
    if fixed and size % fixed == 0 and -1 not in wanted:
        times = size // fixed
        forms = "3 channels" if times == 3 else "4 channels" if times == 4 else f"{times} of them"
        tries = (
            f"`reshape(-1, {', '.join(map(str, wanted))})` gives {times} of that shape",
            *(("keep the colours: one more dim of that size",) if times in (3, 4) else ()),
        )
        why.append(
            Cause(
                "several-samples", f"{size} = {times}·{fixed}: the array holds {forms}", likely=True, facts={"factor": times}, tries=tries
            )
        )
    elif fixed:
        rest = size % fixed
        why.append(
            Cause(
                "other-size",
                f"{size} is no multiple of {fixed} ({rest} left over): a side, the channels or the number of rows is another",
                likely=True,
            )
        )
        if len(wanted) > 1 and wanted[0] > 1 and -1 not in wanted and size % (fixed // wanted[0]) == 0:
            first = size // (fixed // wanted[0])
            tries = (f"`reshape(-1, {', '.join(map(str, wanted[1:]))})`",)
            why.insert(
                0,
                Cause(
                    "hard-coded-batch",
                    f"with {first} instead of {wanted[0]} in the first dim it fits",
                    likely=True,
                    facts={"first": first},
                    tries=tries,
                ),
            )
    shown = told(wanted)
    fits = f"{shown} has {fixed} places" if -1 not in wanted else f"the fixed dims of {shown} make {fixed}"
    return Reading(
        "reshape-numel",
        f"an array of {size} elements cannot be reshaped to {shown}",
        f"{fits}; {_NUMPY}",
        facts,
        tuple(why),
        ("print `array.shape` in the line before",),
    )


_DIVIDE = re.compile(r"can't divide axis of length (?P<length>\d{1,15}) in chunks of (?P<chunk>\d{1,15})")
_EQUAL = re.compile(r"Shape mismatch,? (?P<got>\d{1,15}) != (?P<want>\d{1,15})")
_RANK = re.compile(r"expected (?P<least>>=)?(?P<want>\d{1,3}) dims\.? Received (?P<got>\d{1,3})-dim", re.IGNORECASE)


def _einops(found: Found) -> Reading:
    """A pattern and a shape; the reason stands in the message's last line."""
    pattern, reason = str(found.values.get("pattern", "")), found.text[:1500]
    shape = found.shape("shape") if found.known("shape") else None
    facts: dict[str, object] = {"pattern": pattern} if pattern else {}
    called = f"the pattern `{pattern}`" if pattern else "the pattern"
    if shape is not None:
        facts["shape"] = shape
    names = re.findall(r"\([^()]*\)|[^\s()]+", pattern.partition("->")[0])
    shown = f" {told(shape)}" if shape is not None else ""
    if match := _RANK.search(reason):
        want, got = int(match["want"]), int(match["got"])
        facts |= {"got": got, "want": want}
        fewer = got < want
        why = "the batch or the channels are missing" if fewer else "there is one dim more than the pattern names"
        tries = (
            ("`x.unsqueeze(0)` for one sample without batch", "or write the pattern for what comes")
            if fewer
            else ("write `...` in the pattern for further dims, or flatten before",)
        )
        return Reading(
            "reshape-numel",
            f"{called} names {'at least ' if match['least'] else ''}{want} dims but the tensor{shown} has {got}",
            "",
            facts,
            (Cause("batch-dim-missing" if fewer else "extra-dim", why, likely=True, tries=tries),),
        )
    if (match := _DIVIDE.search(reason)) and int(match["chunk"]):
        length, chunk = int(match["length"]), int(match["chunk"])
        axis = next((name for name, size in zip(names, shape or [], strict=False) if size == length and name.startswith("(")), "")
        down, up = length // chunk * chunk, -(-length // chunk) * chunk
        facts |= {"got": length, "want": chunk, "rest": length % chunk}
        sizes = f"{down} or {up}" if down else f"{up}"
        kind = (
            f"an image side of {length} cannot be cut into patches of {chunk}"
            if chunk in (4, 8, 14, 16, 32)
            else f"{length} is no multiple of {chunk}"
        )
        return Reading(
            "reshape-numel",
            f"{called} cuts a dim of {length} into pieces of {chunk}, and {length % chunk} are left over",
            f"the dim `{axis}` of{shown} is {length}" if axis else "",
            facts,
            (
                Cause(
                    "not-divisible",
                    kind,
                    likely=True,
                    tries=(
                        f"resize, crop or pad that dim to {sizes}",
                        "or choose a size of the pieces (patch, window, heads) that divides it",
                    ),
                ),
            ),
        )
    if match := _EQUAL.search(reason):
        got, want = int(match["got"]), int(match["want"])
        facts |= {"got": got, "want": want}
        return Reading(
            "reshape-numel",
            f"a dim of the tensor{shown} is {got} where {called} makes it {want}",
            "",
            facts,
            (
                Cause(
                    "given-size",
                    "the sizes given for the names multiply to another number than the tensor has",
                    likely=True,
                    tries=("leave one name of the group open: einops works it out",),
                ),
            ),
        )
    return Reading(
        "reshape-numel",
        f"{called} does not fit the tensor{shown}" if pattern else "the pattern does not fit the tensor",
        "",
        facts,
        (
            Cause(
                "pattern",
                "a name stands on one side only, a size is not given, or the number of dims is another; the last line of the "
                "message says which",
                likely=True,
            ),
        ),
    )


_ROWS = ("look where the two were made: a filter, a dropped row or a cut at the end was applied to one only",)

TEMPLATES = (
    Template(
        "numpy-matmul",
        ("has a mismatch in its core dimension",),
        r"matmul: Input operand [01] has a mismatch in its core dimension \d.{0,120}?\(size (?P<want>\d{1,15}) is different "
        r"from (?P<got>\d{1,15})\)",
        _product,
    ),
    Template(
        "numpy-dot",
        (" not aligned:",),
        rf"shapes {_shape('left_shape')} and {_shape('right_shape')} not aligned: (?P<got>\d{{1,15}}) \(dim \d{{1,3}}\) != "
        rf"(?P<want>\d{{1,15}}) \(dim \d{{1,3}}\)",
        _product,
    ),
    Template(
        "numpy-matmul-rank",
        ("does not have enough dimensions (has",),
        r"matmul: Input operand (?P<operand>[01]) does not have enough dimensions \(has (?P<rank>\d{1,3}),",
        plain(
            "matmul-inner-dim",
            "one factor of a product has {rank} dims, and a product wants at least 1",
            ("scalar", "a single number stands where a vector or matrix is wanted"),
            tries=("multiply by a number with `*`",),
        ),
    ),
    Template(
        "numpy-broadcast",
        ("could not be broadcast together with shape",),
        rf"(?:operands|indexing arrays) could not be broadcast together with shapes? {_shape('shape')} {_shape('other_shape')}",
        _broadcast,
    ),
    Template(
        "numpy-broadcast-remapped",
        ("broadcast together with remapped shapes",),
        rf"operands could not be broadcast together with remapped shapes \[original->remapped\]: {_shape('shape')}(?:->\([\w, "
        rf"]{{1,80}}\))? (?:{_shape('other_shape')}|and requested shape {_shape('want_shape')})?",
        plain(
            "broadcast-mismatch",
            (
                "arrays of {shape} and {other_shape} do not fit together",
                "an array of {shape} cannot be spread to {want_shape}",
                "the arrays do not fit together",
            ),
            ("dims-disagree", "dims are compared from the last one, and must be equal or 1"),
            ("einsum-letters", "in `einsum`, one letter stands for two different sizes"),
            tries=("print both shapes in the line before",),
        ),
    ),
    Template(
        "numpy-broadcast-args",
        ("objects cannot be broadcast to a single shape",),
        r"shape mismatch: objects cannot be broadcast to a single shape\. Mismatch is between (?:arg "
        rf"\d{{1,3}}|'\w{{1,30}}') with shape {_shape('shape')} and (?:arg \d{{1,3}}|'\w{{1,30}}') with shape {_shape('other_shape')}",
        plain(
            "broadcast-mismatch",
            "arrays of {shape} and {other_shape} do not fit together",
            ("other-lengths", "they hold different numbers of entries"),
            tries=_ROWS,
        ),
    ),
    Template(
        "numpy-output",
        ("non-broadcastable output operand",),
        rf"non-broadcastable output operand with shape {_shape('shape')} doesn't match the broadcast shape {_shape('want_shape')}",
        plain(
            "broadcast-mismatch",
            "an array of {shape} cannot take up a result of {want_shape}",
            ("in-place-grows", "`a += b` writes into `a`, and the result is larger than `a`"),
            ("other-columns", "a scaler was fitted on another number of columns than it is to invert"),
            tries=(
                "write it out: `a = a + b`",
                "for `inverse_transform`: give it all columns that the scaler was fitted on, or a scaler of its own for the target",
            ),
        ),
    ),
    Template(
        "numpy-reshape",
        ("cannot reshape array of size",),
        r"cannot reshape array of size (?P<size>\d{1,15}) into shape \((?P<target>[\w, -]{1,120})\)",
        _reshape,
    ),
    Template(
        "numpy-assign",
        ("could not broadcast input array from shape",),
        rf"could not broadcast input array from shape {_shape('got_shape')} into shape {_shape('want_shape')}",
        plain(
            "broadcast-mismatch",
            "an array of {got_shape} is written to a place of {want_shape}",
            ("other-size", "one of the samples has another size than the place that was made for it"),
            ("channels-last", "[H, W, C] is written to [C, H, W], or a colour image to a grey place"),
            tries=("bring every sample to one size before, or `array.transpose(2, 0, 1)`",),
        ),
    ),
    Template(
        "numpy-concatenate-rank",
        ("input arrays must have same number of dimensions",),
        r"all the input arrays must have same number of dimensions, but the array at index (?P<first>\d{1,9}) has "
        r"(?P<want_rank>\d{1,3}) dimension\(s\) and the array at "
        r"index (?P<second>\d{1,9}) has (?P<rank>\d{1,3}) dimension\(s\)",
        plain(
            "concat-mismatch",
            "arrays are joined of which one has {want_rank} dims and another {rank}",
            ("missing-axis", "one of them lost a dim, or never had it: a single row or column"),
            tries=("`b[None, :]` makes a row of it, `b[:, None]` a column",),
        ),
    ),
    Template(
        "numpy-sequence",
        ("setting an array element with a sequence",),
        r"setting an array element with a sequence(?!\. The requested array has)",
        plain(
            "other-shape-error",
            "a list or an array is put where one number belongs",
            ("ragged", "the samples or rows have different lengths"),
            ("list-in-cell", "one entry is itself a list or an array"),
            tries=("pad or cut to one length before; `set(map(len, rows))` shows the lengths", "for torch: `nn.utils.rnn.pad_sequence`"),
        ),
    ),
    Template(
        "numpy-axis",
        ("is out of bounds for array of dimension",),
        r"axis (?P<dim>-?\d{1,9}) is out of bounds for array of dimension (?P<rank>\d{1,3})",
        plain(
            "other-shape-error",
            "dim {dim} is named but the array has {rank} dims",
            ("dim-missing", "the array has fewer dims than the code expects: one sample without batch, or grey images without channels"),
            tries=("print `array.shape` in the line before",),
        ),
    ),
    Template(
        "numpy-transpose",
        ("axes don't match array",),
        r"axes don't match array",
        plain(
            "other-shape-error",
            "a transpose names another number of dims than the array has",
            ("grey-image", "a grey image has 2 dims, and `transpose(2, 0, 1)` wants 3"),
            ("batch", "there is a batch dim, or it is missing"),
            tries=("`image.convert('RGB')` before, or `array[None]` for grey ones",),
        ),
    ),
    Template(
        "image-shape",
        ("for image data",),
        rf"Invalid (?:shape {_shape('shape')}|dimensions) for image data",
        plain(
            "other-shape-error",
            (
                "an image of {shape} cannot be shown: matplotlib takes [H, W], [H, W, 3] or [H, W, 4]",
                "an image with other dims than [H, W], [H, W, 3] or [H, W, 4] cannot be shown",
            ),
            ("channels-first", "torch keeps the channels first, matplotlib wants them last"),
            ("one-channel", "a grey image must have no channel dim"),
            ("whole-batch", "a batch was given instead of one image"),
            tries=(
                "`plt.imshow(x.permute(1, 2, 0).cpu())` for [3, H, W]",
                "`plt.imshow(x.squeeze().cpu(), cmap='gray')` for [1, H, W]",
                "`x[0]` first for a batch",
            ),
        ),
    ),
    Template(
        "pil-image",
        ("cannot handle this data type",),
        r"Cannot handle this data type: \((?P<shape>[\d, ]{1,60})\), (?P<dtype>[|<>]\w{1,4})",
        plain(
            "other-shape-error",
            "PIL cannot make an image of an array whose pixels are {shape} of type {dtype}",
            ("channels-first", "the array is [C, H, W]; PIL wants [H, W, C], and a grey image without channels"),
            ("float-image", "the array holds floats; PIL wants bytes (`uint8`) for colour"),
            tries=(
                "`Image.fromarray((array.transpose(1, 2, 0) * 255).astype('uint8'))`",
                "or `torchvision.transforms.ToPILImage()(tensor)`, which does both",
            ),
        ),
    ),
    Template(
        "pil-dims",
        ("pic should be 2/3 dimensional", "pic should not have > 4 channels"),
        r"pic should (?:be 2/3 dimensional\. Got (?P<rank>\d{1,3}) dimensions|not have > 4 channels\. Got (?P<channels>\d{1,9}) channels)",
        plain(
            "other-shape-error",
            (
                "an image of {rank} dims is converted where 2 or 3 are wanted",
                "an image with {channels} channels is converted where at most 4 are possible",
            ),
            ("whole-batch", "a batch of images went in instead of one: `x[0]`"),
            ("order-of-dims", "the channels stand in another dim: a tensor is [C, H, W], an array [H, W, C]"),
            tries=("for an array: `array.transpose(1, 2, 0)` makes [H, W, C] of [C, H, W]",),
        ),
    ),
    Template(
        "plot-lengths",
        ("x and y must have same first dimension", "x and y must be the same size"),
        rf"x and y must (?:have same first dimension, but have shapes {_shape('shape')} and {_shape('other_shape')}|be the same size)",
        plain(
            "other-shape-error",
            ("a plot gets {shape} values for x and {other_shape} for y", "a plot gets different numbers of values for x and y"),
            ("off-by-one", "one of the lists has an entry more: recorded before the first or after the last epoch"),
            tries=("`plt.plot(y)` counts x by itself, or `range(len(y))`",),
        ),
    ),
    Template(
        "sklearn-samples",
        ("with inconsistent numbers of samples",),
        r"Found input variables with inconsistent numbers of samples: \[(?P<shape>[\d, ]{1,80})\]",
        plain(
            "other-shape-error",
            "the inputs hold different numbers of samples: {shape}",
            ("rows-differ", "data and labels, or predictions and labels, are not of equal number"),
            ("flattened", "one of them was flattened: [N, k] has become N·k entries"),
            tries=_ROWS,
        ),
    ),
    Template(
        "sklearn-features",
        ("features as input",),
        r"X has (?P<got>\d{1,15}) features, but (?P<layer>\w{1,80}) is expecting (?P<want>\d{1,15}) features as input",
        plain(
            "other-shape-error",
            "{layer} was fitted on {want} features but receives {got}",
            ("other-columns", "columns were added, dropped or encoded otherwise than when it was fitted (`get_dummies` on other data)"),
            tries=(
                "keep the list of columns of the training data and select by it",
                "`OneHotEncoder(handle_unknown='ignore')` keeps the columns the same",
            ),
        ),
    ),
    Template(
        "sklearn-rank",
        ("expected 2d array, got", "found array with dim"),
        r"Expected 2D array, got (?P<rank>\d)D array instead|Found array with dim (?P<dims>\d)[.,] (?:while dim <= 2 is "
        r"required by \w{1,60}|\w{1,60} expected <= 2)",
        plain(
            "other-shape-error",
            (
                "scikit-learn expects [samples, features] but receives an array of {rank} dims",
                "scikit-learn expects [samples, features] but receives an array of {dims} dims",
            ),
            ("features-missing", "one column, or one sample, is a plain list of numbers"),
            ("images", "images or sequences must be flattened to [samples, features]"),
            tries=("`x.reshape(-1, 1)` for one feature, `x.reshape(1, -1)` for one sample", "`x.reshape(len(x), -1)` for images"),
        ),
    ),
    Template(
        "einops",
        ("-reduction pattern",),
        r"Error while processing (?P<operation>\w{1,20})-reduction pattern \"(?P<pattern>[^\"]{1,300})\"\.(?: Input tensor "
        r"shape: (?:torch\.Size\()?[\[(](?P<shape>[^\])]{0,120})[\])]\)?"
        r"| Input is list)?(?:\. ?Additional info: \{[^}]{0,300}\}\.? ?(?:Shape mismatch[^\n]{0,80}?\d(?!\d)(?: in chunks of "
        r"\d{1,9})?|Wrong shape: expected (?:>=)?\d{1,3} dims\. Received \d{1,3}-dim tensor)?)?",
        _einops,
    ),
    Template(
        "einops-divide",
        ("can't divide axis of length",),
        r"Shape mismatch, can't divide axis of length \d{1,15} in chunks of \d{1,15}",
        _einops,
        vague=True,
    ),
)
