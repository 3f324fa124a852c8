"""Messages of NumPy: the same faults as in torch, before or after it, in other words."""

from __future__ import annotations

import re
from math import prod

from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_NUMPY = "the arrays are NumPy's: it happens before or after torch"
_N = r"\d{1,15}"
_PRINT = ("print both shapes in the line before",)


def _product(found: Found) -> Reading:
    """`@`, `matmul` and `dot` of arrays."""
    got, want = found.number("got"), found.number("want")
    left = found.shape("left_shape") if found.known("left_shape") else []
    right = found.shape("right_shape") if found.known("right_shape") else []
    facts: dict[str, object] = {"got": got, "want": want}
    if left and right:
        facts |= {"left_shape": left, "right_shape": right}
    why: list[Cause] = []
    if len(right) == 2 and right[1] == got:
        why.append(Cause("transposed", f"the right matrix has {got} columns: transposed it would fit", likely=True, tries=("`a @ b.T`",)))
    if len(left) == 2 and left[0] == want:
        cause = Cause("transposed-left", f"the left matrix has {want} rows: transposed it would fit", likely=not why, tries=("`a.T @ b`",))
        why.append(cause)
    inner = f"the left one has {got} columns, the right one {want} rows; a product wants them equal"
    why.append(Cause("inner-dims-differ", inner, likely=not why))
    return Reading(
        "matmul-inner-dim",
        f"NumPy cannot multiply an array with {got} columns by one with {want} rows",
        f"{told(left)} meets {told(right)}; {_NUMPY}" if left and right else _NUMPY,
        facts,
        tuple(why),
        ("print both shapes in the line before; the last dim of the left one must be the last but one of the right one",),
    )


def _broadcast(found: Found) -> Reading:
    """Element by element, from the last dim on."""
    if not found.known("shape", "other_shape"):
        return _bare_broadcast(found)
    one, other = found.shape("shape"), found.shape("other_shape")
    depth = max(len(one), len(other))
    wide = [[1] * (depth - len(sizes)) + sizes for sizes in (one, other)]
    clash = next((i for i in range(depth - 1, -1, -1) if wide[0][i] != wide[1][i] and 1 not in (wide[0][i], wide[1][i])), None)
    if clash is None:
        return _bare_broadcast(found)
    got, want = wide[0][clash], wide[1][clash]
    return Reading(
        "broadcast-mismatch",
        f"NumPy cannot pair arrays of {told(one)} and {told(other)}: {got} against {want} in dim {clash - depth}",
        f"dims are compared from the last one, and must be equal or 1; {_NUMPY}",
        {"shape": one, "other_shape": other, "got": got, "want": want, "dim": clash - depth},
        _clash(one, other, got, want),
        _PRINT,
    )


_bare_broadcast = plain(
    "broadcast-mismatch",
    ("NumPy cannot pair arrays of {shape} and {other_shape}", "NumPy cannot pair the arrays"),
    ("other-lengths", "dims are compared from the last one, and must be equal or 1"),
    tries=_PRINT,
)


def _clash(one: list[int], other: list[int], got: int, want: int) -> tuple[Cause, ...]:
    why: list[Cause] = []
    if one != other and sorted(one) == sorted(other):
        last = "channels last against channels first" if len(one) >= 3 else "one is the other's transpose"
        tries = ("`a.transpose(2, 0, 1)` makes [C, H, W] of [H, W, C]" if len(one) >= 3 else "`a.T`",)
        why.append(Cause("order-of-dims", f"both have the same sizes in another order: {last}", likely=True, tries=tries))
    short, long = sorted((one, other), key=len)
    if len(short) == 1 and len(long) == 2 and short[0] == long[0]:
        said = f"the {short[0]} values belong to the rows, but are laid along the columns"
        why.append(Cause("missing-axis", said, likely=True, tries=("`b[:, None]` makes a column of them",)))
    if {got, want} == {3, 4}:
        why.append(Cause("image-channels", "3 and 4 could be RGB and RGBA", likely=not why, tries=("`image.convert('RGB')`",)))
    if abs(got - want) == 1:
        said = "the lengths differ by one: one of them was cut or extended by a step (`diff`, `[1:]`, bin edges)"
        why.append(Cause("off-by-one", said, likely=not why))
    said = f"{got} entries stand against {want}: the arrays come from different data, or a filter was applied to one of them"
    why.append(Cause("other-lengths", said, likely=not why))
    return tuple(why)


def _reshape(found: Found) -> Reading:
    """The number of elements stays what it is."""
    size, target = found.number("size"), found.values["target"]
    parts = target.split(",") if isinstance(target, str) else target if isinstance(target, list) else [target]
    wanted = [int(part) if re.fullmatch(rf" ?{_N} ?", str(part)) else -1 for part in parts if str(part).strip()]
    places = prod(one for one in wanted if one != -1)
    shown = told(wanted)
    return Reading(
        "reshape-numel",
        f"NumPy cannot reshape an array of {size} elements to {shown}",
        f"{f'the fixed dims of {shown} make' if -1 in wanted else f'{shown} has places for'} {places}; {_NUMPY}",
        {"size": size, "want_shape": wanted},
        _numel(size, wanted, places),
        ("print `array.shape` in the line before",),
    )


def _numel(size: int, wanted: list[int], places: int) -> tuple[Cause, ...]:
    if size == 0:
        return (Cause("empty-array", "the array is empty: a filter or a file gave no entries", likely=True),)
    if places == 0:
        return (Cause("empty-target", "a dim of 0 is asked for: it was reckoned from a length that is 0", likely=True),)
    rest = ", ".join(map(str, wanted[1:]))
    if -1 not in wanted and size % places == 0:
        times = size // places
        tries: tuple[str, ...] = (f"`reshape(-1, {', '.join(map(str, wanted))})` gives {times} of that shape",)
        if times in (3, 4):
            tries += (f"keep the colours: `reshape({', '.join(map(str, wanted))}, {times})`",)
        forms = f"{times} channels" if times in (3, 4) else f"{times} of them"
        why = f"{size} = {times}·{places}: the array holds {forms}"
        return (Cause("several-samples", why, likely=True, facts={"factor": times}, tries=tries),)
    left = f"{size} is no multiple of {places} ({size % places} left over): a side, the channels or the number of rows is another"
    other = Cause("other-size", left, likely=True)
    if len(wanted) > 1 and wanted[0] > 1 and -1 not in wanted and size % (places // wanted[0]) == 0:
        first = size // (places // wanted[0])
        why = f"with {first} instead of {wanted[0]} in the first dim it fits"
        return (Cause("hard-coded-batch", why, likely=True, facts={"first": first}, tries=(f"`reshape(-1, {rest})`",)), other)
    return (other,)


TEMPLATES = (
    Template(
        "numpy-matmul",
        ("has a mismatch in its core dimension",),
        r"matmul: Input operand [01] has a mismatch in its core dimension \d.{0,120}?"
        rf"\(size (?P<want>{_N}) is different from (?P<got>{_N})\)",
        _product,
        speaker="NumPy",
    ),
    Template(
        "numpy-dot",
        (" not aligned:",),
        rf"shapes {shape('left_shape')} and {shape('right_shape')} not aligned: "
        rf"(?P<got>{_N}) \(dim \d{{1,3}}\) != (?P<want>{_N}) \(dim \d{{1,3}}\)",
        _product,
        speaker="NumPy",
    ),
    Template(
        "numpy-matmul-rank",
        ("does not have enough dimensions (has",),
        r"matmul: Input operand [01] does not have enough dimensions \(has (?P<rank>\d{1,3}),",
        plain(
            "matmul-inner-dim",
            "NumPy multiplies vectors and matrices, and one factor has {rank} dims",
            ("scalar", "a single number stands where a vector or matrix is wanted"),
            tries=("multiply by a number with `*`",),
        ),
        speaker="NumPy",
    ),
    Template(
        "numpy-broadcast",
        ("could not be broadcast together with shape",),
        rf"(?:operands|indexing arrays) could not be broadcast together with shapes? {shape('shape')} {shape('other_shape')}",
        _broadcast,
        speaker="NumPy",
    ),
    Template(
        "numpy-broadcast-remapped",
        ("broadcast together with remapped shapes",),
        rf"operands could not be broadcast together with remapped shapes \[original->remapped\]: {shape('shape')}(?:->\([\w, "
        rf"]{{1,80}}\))? (?:{shape('other_shape')}|and requested shape {shape('want_shape')})?",
        plain(
            "broadcast-mismatch",
            (
                "NumPy cannot pair arrays of {shape} and {other_shape}",
                "NumPy cannot spread an array of {shape} to {want_shape}",
                "NumPy cannot pair the arrays",
            ),
            ("dims-disagree", "dims are compared from the last one, and must be equal or 1"),
            ("einsum-letters", "in `einsum`, one letter stands for two different sizes"),
            tries=_PRINT,
        ),
        speaker="NumPy",
    ),
    Template(
        "numpy-broadcast-args",
        ("objects cannot be broadcast to a single shape",),
        r"shape mismatch: objects cannot be broadcast to a single shape\. Mismatch is between (?:arg "
        rf"\d{{1,3}}|'\w{{1,30}}') with shape {shape('shape')} and (?:arg \d{{1,3}}|'\w{{1,30}}') with shape {shape('other_shape')}",
        _broadcast,
        speaker="NumPy",
    ),
    Template(
        "numpy-output",
        ("non-broadcastable output operand",),
        rf"non-broadcastable output operand with shape {shape('shape')} doesn't match the broadcast shape {shape('want_shape')}",
        plain(
            "broadcast-mismatch",
            "NumPy cannot write a result of {want_shape} into an array of {shape}",
            ("in-place-grows", "`a += b` writes into `a`, and the result is larger than `a`"),
            ("other-columns", "a scaler was fitted on another number of columns than it is to invert"),
            tries=(
                "write it out: `a = a + b`",
                "for `inverse_transform`: give it all columns that the scaler was fitted on, or a scaler of its own for the target",
            ),
        ),
        speaker="NumPy",
    ),
    Template(
        "numpy-reshape",
        ("cannot reshape array of size",),
        rf"cannot reshape array of size (?P<size>{_N}) into shape \((?P<target>[\w, -]{{1,120}})\)",
        _reshape,
        speaker="NumPy",
    ),
    Template(
        "numpy-assign",
        ("could not broadcast input array from shape",),
        rf"could not broadcast input array from shape {shape('got_shape')} into shape {shape('want_shape')}",
        plain(
            "broadcast-mismatch",
            "NumPy cannot write an array of {got_shape} to a place of {want_shape}",
            ("other-size", "one of the samples has another size than the place that was made for it"),
            ("channels-last", "[H, W, C] is written to [C, H, W], or a colour image to a grey place"),
            tries=("bring every sample to one size before, or `array.transpose(2, 0, 1)`",),
        ),
        speaker="NumPy",
    ),
    Template(
        "numpy-sequence",
        ("setting an array element with a sequence",),
        r"setting an array element with a sequence(?!\. The requested array has)",
        plain(
            "other-shape-error",
            "NumPy gets a list or an array where one number belongs",
            ("ragged", "the samples or rows have different lengths"),
            ("list-in-cell", "one entry is itself a list or an array"),
            tries=("pad or cut to one length before; `set(map(len, rows))` shows the lengths", "for torch: `nn.utils.rnn.pad_sequence`"),
        ),
        speaker="NumPy",
    ),
    Template(
        "numpy-axis",
        ("is out of bounds for array of dimension",),
        r"axis (?P<dim>-?\d{1,9}) is out of bounds for array of dimension (?P<rank>\d{1,3})",
        plain(
            "other-shape-error",
            "dim {dim} is named but the NumPy array has {rank} dims",
            ("dim-missing", "the array has fewer dims than the code expects: one sample without batch, or grey images without channels"),
            tries=("print `array.shape` in the line before",),
        ),
        speaker="NumPy",
    ),
    Template(
        "numpy-transpose",
        ("axes don't match array",),
        r"axes don't match array",
        plain(
            "other-shape-error",
            "a transpose names another number of dims than the NumPy array has",
            ("grey-image", "a grey image has 2 dims, and `transpose(2, 0, 1)` wants 3"),
            ("batch", "there is a batch dim, or it is missing"),
            tries=("`image.convert('RGB')` before, or `array[None]` for grey ones",),
        ),
        speaker="NumPy",
    ),
)
