"""Messages of `x[…]`: an index out of range, too many indices, masks, and what is assigned."""

from __future__ import annotations

import re

from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_SLUG = "other-shape-error"
_PICKS = re.compile(r"\b(gather|scatter(?:_add|_reduce)?|index_(?:select|add|copy|fill|put|reduce)|take_along_dim|take|select)_?\(")
_PARTS = re.compile(r"(\w[\w.]{0,60})\[([^\[\]]{1,120})\]")
_PRINT = "print the shape and `index.min()`, `index.max()` in the line before"


def _oob(found: Found) -> Reading:
    got, size, dim = found.number("got"), found.number("want"), found.number("dim")
    if _is_lstm_state(found) and got == 1 and size == 1 and dim == 0:
        return _lstm_state(got, size, dim)
    verb = _PICKS.search(found.context.line)
    headline = f"{f'`{verb[1]}`' if verb else '`[…]`'} asks for index {got} along dim {dim}, which has {size or 'no entries'}"
    last = "nothing can be picked from it" if not size else f"the indices there go from 0 to {size - 1}"
    facts = {"got": got, "want": size, "dim": dim}
    return Reading(_SLUG, headline, last, facts, tuple(_oob_causes(found, got, size, dim)), (_PRINT,))


def _is_lstm_state(found: Found) -> bool:
    return "modules/rnn.py" in found.context.frames.replace("\\", "/") or "lstm" in (found.context.layer or "").lower()


def _lstm_state(got: int, size: int, dim: int) -> Reading:
    cause = Cause(
        "tensor-as-lstm-state",
        "an LSTM has two states and takes them as a pair; given one tensor, it takes that apart along its first dim, which has 1 entry",
        likely=True,
        tries=(
            "give both: `self.lstm(x, (h, c))`, each [layers · directions, batch, hidden]",
            "or leave the state out: torch begins with zeros",
        ),
    )
    headline = "the LSTM expects the pair `(h, c)` as its state but receives a single tensor"
    return Reading("recurrent-input-size", headline, "", {"got": got, "want": size, "dim": dim}, (cause,))


def _oob_causes(found: Found, got: int, size: int, dim: int) -> list[Cause]:
    causes: list[Cause] = []
    if size == 0:
        return [
            Cause(
                "nothing-left",
                "the dim is empty: a mask, a filter or a slice before it picked nothing, or the data set is empty",
                likely=True,
                tries=(
                    "treat the empty case on its own: `if x.size(dim) == 0: …`",
                    "look where the last entry goes: print the shape after each filter",
                ),
            )
        ]
    if dim == 0 and got >= size and "__getitem__" in found.context.frames + found.context.line:
        why = (
            f"the data set is asked for sample {got}, its tensor has {size}: `__len__` says more than there are, or the parts differ "
            "in length"
        )
        tries: tuple[str, ...] = ("let `__len__` give the length of the very tensor that `__getitem__` indexes",)
        return [Cause("dataset-length", why, likely=True, facts={"samples": size}, tries=tries)]
    if got == -100 or got in (-1, 255):
        marks = {
            -100: "-100 marks labels that a loss leaves out",
            -1: "-1 often marks padding or `no label`",
            255: "255 marks pixels without a class in many masks",
        }
        tries = (
            f"take these entries out first: `keep = index != {got}`, then `x[keep]` and `index[keep]`",
            f"or put a valid number in their place: `index.masked_fill(index == {got}, 0)`",
        )
        causes.append(Cause("ignored-label", f"{marks[got]}; it is no index", likely=True, facts={"label": got}, tries=tries))
    if -size <= got < 0:
        why = f"from the end {got} would be entry {size + got}, but `gather`, `scatter` and `index_…` count from the front only"
        causes.append(Cause("negative-not-counted", why, likely=not causes, tries=(f"count from the front: `index % {size}`",)))
    elif got < 0:
        causes.append(
            Cause(
                "longer-than-it-is",
                f"{-got} entries back from the end, but there are {size}: a window longer than the sequence",
                likely=not causes,
            )
        )
    if dim == 1 and size == 1:
        why = "there is one column only: an output for two classes that has one logit, or a dim of size 1 where several were meant"
        tries = (
            "a binary model with one logit: compare `logits.squeeze(1) > 0` in place of `[:, 1]`",
            f"or give the last layer {got + 1} outputs: `nn.Linear(…, {got + 1})`",
        )
        causes.append(Cause("one-column", why, likely=True, tries=tries))
    elif got == size:
        why = (
            f"{got} is the number of entries itself, the last is {size - 1}: numbers that count from 1, or a loop that goes one step "
            "too far"
        )
        tries = ("shift them: `index - 1`", "let loops end before the size: `range(x.size(dim))`")
        causes.append(Cause("counted-from-one", why, likely=True, facts={"last": size - 1}, tries=tries))
    if "scatter" in found.context.line and got >= size and got != 255:
        why = f"a label {got} needs {got + 1} columns, the tensor has {size}: the number of classes is too small"
        causes.append(
            Cause(
                "too-few-classes", why, likely=True, facts={"classes": got + 1}, tries=(f"make room for all: `torch.zeros(n, {got + 1})`",)
            )
        )
    if got > size:
        why = (
            f"the indices were made for a dim of at least {got + 1}: for the tensor before it was filtered, cut or sampled, or for "
            "another dim of it"
        )
        causes.append(
            Cause(
                "indices-of-another-tensor",
                why,
                likely=not causes,
                tries=(f"make the indices from the tensor that they pick from; dim {dim} has {size}",),
            )
        )
    return causes


def _many(found: Found) -> Reading:
    """`x[i, j, k]` of a tensor with fewer dims. The line often shows how many were named."""
    rank = found.number("rank")
    named, source = (found.number("got"), "") if found.known("got") else _named(found.context.line, rank)
    shown = f"`{source}`" if source else "`[…]`"
    headline = f"{shown} names {f'{named} dims' if named else 'more dims than there are:'}{', but' if named else ''} the tensor has {rank}"
    facts: dict[str, object] = {"want": rank, "rank": rank, **({"got": named} if named else {})}
    causes = [
        Cause(
            "batch-dim-lost",
            "a dim was lost before: a bare `squeeze()` takes the batch along when it is 1, and a loop or `x[0]` over a batch gives "
            "one sample",
            likely=True,
            tries=("squeeze by name only: `x.squeeze(1)`", "give a single sample its batch dim: `x.unsqueeze(0)`"),
        )
    ]
    if rank == 2:
        causes.append(
            Cause(
                "no-third-dim",
                "of [rows, columns] no third dim can be taken: a grey image without its channel dim, the output of an LSTM that "
                "was fed one sequence without a batch, "
                "or the last step that was picked already",
                likely=True,
                tries=(
                    "keep the batch dim in front of the layer: `lstm(x.unsqueeze(0))`",
                    "for grey images: `image[None]` or `image.unsqueeze(0)`",
                ),
            )
        )
    elif rank == 3:
        causes.append(
            Cause("image-without-batch", "[C, H, W] is a single image: indices for [N, C, H, W] need the batch in front", likely=True)
        )
    causes.append(
        Cause(
            "mask-too-many-dims",
            f"a mask in the brackets takes as many dims as it has itself: more than {rank} in all",
            tries=("drop a dim of size 1 from it: `mask.squeeze(-1)`",),
        )
    )
    return Reading(_SLUG, headline, "", facts, tuple(causes), ("print the shape in the line before",))


def _named(line: str, rank: int) -> tuple[int, str]:
    for match in _PARTS.finditer(line):
        parts = [part.strip() for part in match[2].split(",") if part.strip() not in ("", "None", "...", "Ellipsis", "np.newaxis")]
        if len(parts) > rank:
            return len(parts), match[0]
    return 0, ""


def _mask(found: Found) -> Reading:
    if not found.known("mask_shape", "shape", "mask_dim", "dim"):
        return Reading(_SLUG, "the mask does not have the shape of what it masks", "", dict(found.values), (_OTHER_MASK,))
    mask, shape, at, dim = found.shape("mask_shape"), found.shape("shape"), found.number("mask_dim"), found.number("dim")
    got, want = (mask[at] if at < len(mask) else None), (shape[dim] if dim < len(shape) else None)
    headline = f"the mask {told(mask)} does not fit {told(shape)}: {got} and {want} in dim {dim}"
    facts = {"got": got, "want": want, "mask_shape": mask, "shape": shape, "dim": dim}
    causes: list[Cause] = []
    if len(mask) == 1 and got in shape and shape.index(got) != dim:
        other = shape.index(got)
        where = ", ".join([":"] * other + ["mask"])
        why = f"the mask has {got} entries, as dim {other} has, but stands at dim {dim}"
        causes.append(
            Cause("mask-for-another-dim", why, likely=True, facts={"dim": other}, tries=(f"put it where it belongs: `x[{where}]`",))
        )
    if len(mask) > 1 and mask[::-1] == shape[: len(mask)]:
        causes.append(
            Cause(
                "mask-transposed",
                f"turned round, {told(mask[::-1])}, the mask fits",
                likely=True,
                tries=("`x[mask.T]`, or build the mask in the order of `x`",),
            )
        )
    if got is not None and want is not None and abs(got - want) == 1:
        why = "they differ by one: one of the two was shifted or cut (`x[:, 1:]`, `x[:, :-1]`, a start or end token), the other was not"
        causes.append(Cause("cut-on-one-side", why, likely=True, tries=("cut both in the same way: `x[:, 1:][mask[:, 1:]]`",)))
    causes.append(Cause(_OTHER_MASK.name, _OTHER_MASK.why, likely=not causes, tries=_OTHER_MASK.tries))
    return Reading(_SLUG, headline, "", facts, tuple(causes))


_OTHER_MASK = Cause(
    "mask-of-another-tensor",
    "the mask was made from another tensor, or from this one before it was filtered, padded or resized",
    likely=True,
    tries=("make it from the tensor that it masks, right before: `x[x > 0]`, `x[labels == k]` with `len(labels) == len(x)`",),
)


def _together(found: Found) -> Reading:
    shapes = [
        [int(size) for size in re.findall(r"\d{1,15}", one)]
        for one in re.findall(r"[\[(]([^\])]{0,100})[\])]", str(found.values["shapes"]))
    ]
    told_shapes = " and ".join(map(told, shapes)) or str(found.values["shapes"])
    causes = (
        Cause(
            "pairs-or-grid",
            (
                "indices side by side are read in pairs, so they must be equally many; for every row with every column one of them needs a "
                "dim more"
            ),
            likely=True,
            tries=("every row with every column: `x[rows[:, None], columns]`", "pairs: give both the same length"),
        ),
        Cause(
            "range-for-each-row",
            "`range` or `arange` was written for another number of rows than the other index has",
            tries=("take it from the index: `x[torch.arange(len(index)), index]`",),
        ),
    )
    return Reading(_SLUG, f"`[…]` picks with indices of {told_shapes}, which do not go together", "", {"shapes": shapes}, causes)


def _value(found: Found) -> Reading:
    if not found.known("shape", "want_shape"):
        return Reading(_SLUG, "what is assigned does not have the shape of what was picked", "", dict(found.values))
    value, slots = found.shape("shape"), found.shape("want_shape")
    headline = f"`x[…] = y` picks {told(slots)} but is given {told(value)}"
    causes: list[Cause] = []
    if slots and slots[0] == 0:
        why = f"nothing was picked: the mask is False everywhere; {told(value)} values have no place"
        causes.append(
            Cause("empty-mask", why, likely=True, tries=("leave the assignment out when `mask.sum() == 0`", "look at how the mask is made"))
        )
    elif len(value) == len(slots) and value[1:] == slots[1:]:
        why = (
            f"{value[0]} values come for {slots[0]} picked places: the values are those of all entries, not of the picked ones, or were "
            "counted otherwise"
        )
        facts = {"got": value[0], "want": slots[0]}
        causes.append(
            Cause(
                "values-not-picked",
                why,
                likely=True,
                facts=facts,
                tries=("pick the values by the same mask: `x[mask] = y[mask]`", "compare `mask.sum()` with `len(y)`"),
            )
        )
    elif _product(value) == _product(slots):
        why = f"both have {_product(value)} numbers, in another order of dims"
        causes.append(
            Cause(
                "same-number-other-shape",
                why,
                likely=True,
                tries=(f"`y.reshape({', '.join(map(str, slots))})`, or `y.T` when rows and columns are swapped",),
            )
        )
    causes.append(
        Cause(
            "wrong-shape",
            "the value must have the picked shape, or be 1 where it should be repeated",
            likely=not causes,
            tries=("print `x[index].shape` and `y.shape` in the line before",),
        )
    )
    number = {"got": value[0], "want": slots[0]} if value and slots and value[0] != slots[0] else {}
    return Reading(_SLUG, headline, "", {"shape": value, "want_shape": slots, **number}, tuple(causes))


def _product(shape: list[int]) -> int:
    number = 1
    for size in shape:
        number *= size
    return number


_N = r"-?\d{1,15}"
_D = r"\d{1,3}"
_INDEX_FACTS = "the index must hold whole numbers (int64)"


TEMPLATES = (
    Template(
        "idx-oob",
        ("is out of bounds for dimension", "is out of range for dimension"),
        rf"index (?P<got>{_N}) is out of (?:bounds|range) for dimension (?P<dim>{_D}) (?:with|\(of) size (?P<want>\d{{1,15}})",
        _oob,
    ),
    Template(
        "idx-many",
        ("too many indices for tensor",),
        rf"too many indices for tensor of dimension (?P<rank>{_D})",
        _many,
    ),
    Template(
        "idx-many-numpy",
        ("too many indices for array: array is",),
        rf"too many indices for array: array is (?P<rank>{_D})-dimensional, but (?P<got>{_D}) were indexed",
        _many,
        speaker="NumPy",
    ),
    Template(
        "idx-0d",
        ("invalid index of a 0-dim tensor", "invalid index to scalar variable"),
        r"invalid index of a 0-dim tensor|invalid index to scalar variable",
        plain(
            _SLUG,
            "`[…]` picks from a single number: the tensor has no dims",
            ("scalar-indexed", "a loss or a mean is a single number; old code reads it with `loss.data[0]`"),
            ("indexed-twice", "a vector was indexed once already (`x[0]` in a loop gives numbers), or `squeeze()` took the last dim away"),
            tries=("for the Python number: `loss.item()`", "keep the dim: `x[i:i + 1]`, `x.squeeze(1)` in place of `x.squeeze()`"),
        ),
    ),
    Template(
        "idx-mask",
        ("the shape of the mask",),
        rf"The shape of the mask {shape('mask_shape')} at index (?P<mask_dim>{_D}) does not match the shape of the indexed tensor "
        rf"{shape('shape')} at index (?P<dim>{_D})",
        _mask,
        cut=rf"The shape of the mask {shape('mask_shape')}",
    ),
    Template(
        "idx-mask-numpy",
        ("boolean index did not match indexed array",),
        rf"boolean index did not match indexed array along (?:dimension|axis) (?P<dim>{_D}); (?:dimension|size of axis) is "
        rf"(?P<want>\d{{1,15}}) but "
        r"(?:corresponding boolean dimension|size of corresponding boolean axis) is (?P<got>\d{1,15})",
        plain(
            _SLUG,
            "the mask has {got} entries in dim {dim}, the array {want}",
            ("mask-of-another-tensor", "the mask was made from another array, or from this one before it was filtered, padded or resized"),
            tries=("make the mask from the array that it masks, right before",),
        ),
        speaker="NumPy",
    ),
    Template(
        "idx-bcast",
        ("indexing tensors could not be broadcast",),
        r"shape mismatch: indexing tensors could not be broadcast together with shapes (?P<shapes>[\[(][\[\](), \d]{0,200})",
        _together,
    ),
    Template(
        "idx-value",
        ("cannot be broadcast to indexing result",),
        rf"shape mismatch: value (?:tensor|array) of shape {shape('shape')} ?cannot be broadcast to indexing result of shape "
        rf"{shape('want_shape')}",
        _value,
    ),
    Template(
        "idx-dtype",
        ("tensors used as indices must be", "none and long or byte variables are valid indices"),
        r"tensors used as indices must be long|only integers, slices .{0,40}None and long or byte Variables are valid indices(?: "
        r"\(got (?P<got>\w{1,40})\))?",
        plain(
            _SLUG,
            f"the index in `[…]` is of a kind that cannot number entries: {_INDEX_FACTS} or be a mask (bool); it is the dtype that "
            "is wrong, not a size",
            ("float-index", "the index comes from a computation with floating-point numbers, or from a division with `/`"),
            ("mask-as-numbers", "a mask of 0.0 and 1.0 is meant"),
            tries=("whole numbers: `x[index.long()]`, or `//` for a division", "a mask: `x[mask.bool()]`"),
        ),
    ),
    Template(
        "idx-slice-value",
        ("expected src to have a size equal to the",),
        rf"expected src to have a size equal to the (?:slice of self|diagonal of the input)\.(?: src size = {shape('got_shape')}, "
        rf"(?:slice|diagonal) size = {shape('want_shape')})?",
        plain(
            _SLUG,
            ("`x[…] = y` has a place of {want_shape} but is given {got_shape}", "`x[…] = y` is given another shape than its place has"),
            ("wrong-shape", "the value must have the shape of the place that it fills"),
            tries=("print `x[…].shape` and `y.shape` in the line before",),
        ),
    ),
)
