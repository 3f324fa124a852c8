"""Messages of products of batches of matrices: as many matrices on both sides, and the inner dim."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import NamedTuple

from shapewright.messages import fingerprints
from shapewright.messages.families.matmul import INNER, NEWER, PRODUCT, times
from shapewright.messages.later import pattern
from shapewright.messages.readings.widths import Widths, causes
from shapewright.messages.readings.words import cause
from shapewright.messages.template import Cause, Facts, Found, Reading, Template, plain

_HEAD_DIMS = {8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 112, 120, 128, 160, 192, 256}
_TURNED = pattern(r"transpose\(|permute\(|swapaxes\(|swapdims\(|\.mT\b|\.T\b|\.t\(\)")
_LAST_TWO = pattern(r"(?:transpose|swapaxes|swapdims)\( ?(?:-2, ?-1|-1, ?-2) ?\)|\.mT\b")
_BATCH_FIRST = pattern(r"transpose\( ?(?:1, ?2|2, ?1) ?\)|permute\( ?\(? ?0, ?2, ?1 ?\)?")
_BATCHES = "print both shapes in the line before: for `bmm` they are [B, n, m] and [B, m, p]"
_SPLIT = "split the heads off in the same way in both: `x.view(B, L, heads, d).transpose(1, 2)`"
_SWAP = "swap the last two dims of that one: `b.transpose(-2, -1)`, not `reshape`, which mixes the numbers up"


def _batched(found: Found) -> Reading:
    """`[batch, rows, want] @ [got_batch, got, out]`: the left one sets the first two sizes that the right one must have."""
    facts: dict[str, object] = {key: value for key, value in found.values.items() if isinstance(value, int)}
    if not found.known("batch", "want", "got_batch", "got"):
        if found.known("want", "got") and found.values.get("batch") == found.values.get("got_batch"):
            return _inner(found, None, found.number("want"), found.number("got"), facts)
        sentence = "in a product of batches the right tensor must begin with [{batch}, {want}] but begins with [{got_batch}, {got}]"
        headline = found.fill(sentence) or "two tensors of a batched product do not fit"
        made = (cause("inner-dims-differ", "the batch or the inner dim of the two tensors differ", likely=True),)
        return Reading("matmul-inner-dim", headline, "", dict(found.values), made, (INNER,))
    batch, want, other, got = (found.number(name) for name in ("batch", "want", "got_batch", "got"))
    facts |= {"want_shape": [batch, want], "got_shape": [other, got]}
    if batch == other:
        return _inner(found, batch, want, got, facts)
    if want == got:
        return _uneven(batch, other, want, facts)
    return Reading(
        "matmul-inner-dim",
        f"in a product of batches the right tensor begins with [{other}, {got}] where the left one asks for [{batch}, {want}]",
        f"left: {batch} matrices with {want} columns; right: {other} matrices with {got} rows",
        facts,
        tuple(_both(batch, want, other, got)),
        (INNER, "the batches (all dims before the last two, multiplied) must be equal too"),
    )


def _inner(found: Found, batch: int | None, want: int, got: int, facts: Facts) -> Reading:
    """As many matrices on both sides; columns and rows differ."""
    context = found.context
    certain = f"left: matrices with {want} columns; right: matrices with {got} rows" + (f"; {batch} on either side" if batch else "")
    if "scaled_dot_product_attention" in context.line:
        headline = f"attention expects queries and keys of the same width but receives {want} and {got}"
        return Reading("attention-dim", headline, certain, facts, tuple(_attended(want, got)))
    if context.layer and not PRODUCT.search(context.line):
        swapped = {**facts, "got": want, "want": got}  # the left tensor is what the layer receives
        headline = f"{found.layer} expects {got} input features but receives {want}"
        return Reading("linear-in-features", headline, certain, swapped, causes(Widths(want, got)), (INNER,))
    headline = f"matrices with {want} columns are multiplied by matrices with {got} rows"
    return Reading("matmul-inner-dim", headline, certain, facts, tuple(_inner_causes(found, batch, want, got)), (INNER,))


class _Inner(NamedTuple):
    """Matrices with `want` columns meet matrices with `got` rows."""

    want: int
    got: int
    batch: int | None  # how many on either side, where that is known
    fits: bool  # whether the line swaps the last two dims already
    turned: bool  # whether it swaps any

    @property
    def small(self) -> int:
        return min(self.want, self.got)

    @property
    def big(self) -> int:
        return max(self.want, self.got)

    @property
    def near(self) -> bool:
        return self.big - self.small == 1

    @property
    def head(self) -> bool:
        """Whether the smaller one is a usual width of a head."""
        return self.small in _HEAD_DIMS


def _inner_causes(found: Found, batch: int | None, want: int, got: int) -> list[Cause]:
    """All that the two numbers and the line allow, in the order of the readings; the first one that a reading is sure of is likely."""
    line = found.context.line
    fits = bool(_LAST_TWO.search(line)) or ("bmm(" in line and bool(_BATCH_FIRST.search(line)))
    inner = _Inner(want, got, batch, fits, fits or bool(_TURNED.search(line)))
    made: list[Cause] = []
    for reading in _READINGS:
        for one in reading(inner):
            made.append(one._replace(likely=one.likely and (fits or one.guess != "" or not made)))
    if not any(one.likely for one in made):
        often = times(want, got)
        ratio = f" ({inner.big} = {often}·{inner.small})" if 1 < often <= 64 else ""
        step = "build both for one width, or bring one to the other's with a linear layer"
        made.insert(0, cause("other-width", f"the right matrices are made for {got} features, and {want} come{ratio}", step, likely=True))
    if not inner.turned and not inner.near and not any(one.name == "missing-transpose" for one in made):
        why = f"or a transpose is missing: if the right tensor also ends in {want}, or the left one also has {got} rows"
        made.append(cause("missing-transpose", why, _SWAP))
    return made


def _token(inner: _Inner) -> Iterator[Cause]:
    side = isqrt(max(inner.small, 0))
    if inner.near and inner.small >= 16 and side * side == inner.small:
        why = f"{inner.big} = {side}·{side} + 1: {side}×{side} patches and a class token on one side, the patches alone on the other"
        step = "take the class token off (`x[:, 1:]`) or leave it in, in both"
        yield cause("class-token", why, step, likely=True, patches=inner.small)


def _families(inner: _Inner) -> Iterator[Cause]:
    for pair in fingerprints.pairs(inner.want, inner.got, None)[:1]:
        yield cause(pair.cause, pair.reading, pair.tries, likely=True, guess=pair.guess)


def _transpose(inner: _Inner) -> Iterator[Cause]:
    want, got, batch = inner.want, inner.got, inner.batch
    side = isqrt(max(want, 0))
    if inner.turned and not inner.fits:
        why = "the line swaps dims, but maybe not those that meet: `.transpose(-2, -1)` and `.mT` swap the last two, `.T` reverses all"
        yield cause("wrong-dims-swapped", why, "swap the last two dims and no others: `k.transpose(-2, -1)`", likely=True)
    elif not inner.turned and not inner.near and want in _HEAD_DIMS:
        heads = f" ({batch} would be batch·heads)" if batch and any(batch % n == 0 for n in (4, 6)) else ""
        why = f"if {want} are the features of a query{heads}, the right tensor holds {got} keys that are not transposed"
        step = "scores of attention are `q @ k.transpose(-2, -1)`"
        yield cause("missing-transpose", why, step, likely=True, features=want, keys=got)
    elif not inner.turned and got in _HEAD_DIMS and want > got and side * side == want:
        why = f"if {want} = {side}·{side} are the places of a map of {got} channels, the left tensor stands [channels, places]"
        yield cause("missing-transpose", why, "turn it round: `q.transpose(-2, -1) @ k`", likely=True, channels=got)


def _heads(inner: _Inner) -> Iterator[Cause]:
    often = times(inner.want, inner.got)
    if 1 < often <= 64 and inner.head:
        why = f"{inner.big} = {often}·{inner.small}: with {inner.small} features a head, one tensor still holds {often} heads side by side"
        if often == 2:
            why = f"{inner.big} = 2·{inner.small}: one tensor is split into half as many heads, or is two tensors joined"
        yield cause("other-head-dim", why, _SPLIT, likely=inner.fits, head_dim=inner.small, heads=often)
    elif inner.head and inner.big in _HEAD_DIMS:
        why = f"the heads of the two have {inner.want} and {inner.got} features: embed_dim / heads differs"
        yield cause("other-head-dim", why, _SPLIT, likely=inner.fits)


def _length(inner: _Inner) -> Iterator[Cause]:
    if not inner.fits and (not inner.head or inner.near or inner.want not in _HEAD_DIMS):
        why = f"if the left tensor holds weights over {inner.want} places, the right one holds {inner.got} values: "
        why += "one step too many or too few" if inner.near else "the weights are made for another (or a fixed maximal) length"
        step = "make the weights from the same sequence as the values, or cut both to the shorter one"
        yield cause("other-length", why, step, likely=inner.near)


_READINGS = (_token, _families, _transpose, _heads, _length)


def _attended(want: int, got: int) -> list[Cause]:
    often, small, big = times(want, got), min(want, got), max(want, got)
    why = f"the last dims of query and key are {want} and {got}"
    if often > 1:
        why += f", {big} = {often}·{small}: {often} heads are not split off in one of them, or its head dim is another"
    step = "bring all three to [B, heads, length, d] with the same d: `x.view(B, L, heads, d).transpose(1, 2)`"
    other = f"or, on the meta device and under `torch.compile`: {want} keys meet {got} values; they must be equally many"
    return [cause("other-head-dim", why, step, likely=True), cause("key-value-length", other)]


def _uneven(batch: int, other: int, inner: int, facts: Facts) -> Reading:
    """The inner dims fit; `bmm` takes equally many matrices on both sides and repeats none."""
    often, small, big = times(batch, other), min(batch, other), max(batch, other)
    fits = f" ({inner})" if inner else ""
    made: list[Cause] = []
    if small == 1:
        why = f"the {'left' if batch == 1 else 'right'} tensor is a single matrix, the other one holds {big}; `bmm` does not repeat it"
        step = "use `a @ b` (`torch.matmul`), which repeats a batch of 1, or `a.expand(b.size(0), -1, -1)`"
        made.append(cause("batch-of-one", why, step, likely=True))
        if batch == 1:
            why = f"a hidden state of an LSTM or GRU is [layers, batch, features]: with one layer [1, {other}, …]"
            step = "bring its batch to the front: `hidden.transpose(0, 1)`, or `hidden[-1].unsqueeze(1)` for the last layer"
            made.append(cause("layers-first", why, step))
    elif often:
        why = f"{big} = {often}·{small}: {often} heads are folded into the batch of one tensor only, or keys and values have fewer heads"
        step = f"split the heads off in both, or repeat the other one: `x.repeat_interleave({often}, dim=0)`"
        made.append(cause("heads-in-one", why, step, likely=often <= 32, batch=small, heads=often))
        why = f"or one batch was repeated {often} times (beams, samples, a prompt with and without guidance) and the other was not"
        step = f"repeat both in the same order: `x.repeat_interleave({often}, dim=0)` or `torch.cat([x] * {often})`"
        made.append(cause("batch-repeated", why, step, likely=often == 2))
    if small > 1:
        why = f"a batch of {big} is written down somewhere (a hidden state, a buffer, a `view`), and this batch has {small}"
        steps = ("take the batch from `x.size(0)`", "for the last, smaller batch: `DataLoader(..., drop_last=True)`")
        made.append(cause("hard-coded-batch", why, *steps, likely=not any(one.likely for one in made)))
    if not made:
        made.append(cause("empty-batch", "one of the two batches is empty", "look where it is filtered or cut", likely=True))
    made.sort(key=lambda one: not one.likely)
    headline = f"batches of {batch} and {other} matrices are multiplied"
    return Reading(
        "broadcast-mismatch", headline, f"the inner dims fit{fits}; the first dims must be equal too", facts, tuple(made), (_BATCHES,)
    )


def _both(batch: int, want: int, other: int, got: int) -> list[Cause]:
    """Neither the number of matrices nor the inner dim fits."""
    often = times(batch, other)
    made: list[Cause] = []
    if other == want and got == batch:
        why = f"the first two dims of the right tensor stand the wrong way round: [{other}, {got}, …], the sequence before the batch"
        step = "swap them: `x.transpose(0, 1)`, or build the LSTM or GRU that it comes from with `batch_first=True`"
        made.append(cause("sequence-first", why, step, likely=True, batch=batch))
    elif other == want:
        why = f"the {want} that must meet the left columns stands first in the right tensor: its dims are in another order"
        steps = ("`.T` reverses all dims: use `.transpose(-2, -1)` or `.mT`", "or bring the batch to the front with `permute`")
        made.append(cause("wrong-dims-swapped", why, *steps, likely=True))
    elif batch == got:
        why = f"the {batch} of the batch is the second dim of the right tensor: its batch is not in front"
        made.append(cause("sequence-first", why, "swap its first two dims: `x.transpose(0, 1)`", likely=True))
    if batch * want == other * got and often > 1:
        why = f"{batch}·{want} = {other}·{got}: {often} heads are split off and folded into the batch in one tensor, not in the other"
        made.append(cause("heads-in-one", why, _SPLIT + ", and only then fold or multiply", likely=True, heads=often))
    why = "both the number of matrices and the inner dim differ: the two tensors are not laid out alike"
    made.append(cause("inner-dims-differ", why, likely=not made))
    return made


def _named(found: Found) -> Reading:
    """`Expected tensor to have size 4 at dimension 1 …`: how older versions check one argument."""
    want, got, dim = (found.number(name) for name in ("want", "got", "dim"))
    call, name = str(found.values["call"]), str(found.values["name"])
    facts: dict[str, object] = {"want": want, "got": got, "dim": dim}
    if name == "batch2":
        return _uneven(want, got, 0, facts) if dim == 0 else _inner(found, None, want, got, facts)
    made = cause("sizes-differ", f"the other arguments ask for {want} in dim {dim} of this one, which has {got}", likely=True)
    return Reading("other-shape-error", f"`{call}` expects {want} in dim {dim} of `{name}` but receives {got}", "", facts, (made,))


def _three(found: Found) -> Reading:
    """`bmm` takes two tensors of 3 dims and nothing else."""
    facts: dict[str, object] = dict(found.values)
    tensor = str(facts.get("tensor", "")).lower()
    side = {"batch1": "left", "batch2": "right"}.get(tensor, "")
    row, column = "as rows in the left tensor [B, 1, D]: `v.unsqueeze(1)`", "as columns in the right one [B, D, 1]: `v.unsqueeze(2)`"
    made = [
        cause(
            "dim-missing",
            "with 2 dims [B, D] it holds one vector for each sample, and lacks the dim of size 1 that makes each a matrix",
            f"one vector for each sample stands {row if side == 'left' else column if side == 'right' else f'{row}, {column}'}",
            likely=True,
        ),
        cause(
            "single-matrix",
            "or it is one matrix [n, m] for all samples",
            "one matrix for all: `m.expand(batch, -1, -1)` (with 2 dims `a @ b` takes it for this, even if its rows are the samples)",
        ),
        cause(
            "heads-not-folded",
            "or it has 4 dims, [B, heads, n, m]",
            "with 4 dims in both: `a @ b`, or fold the heads into the batch with `x.flatten(0, 1)`",
        ),
    ]
    headline = f"`bmm` expects two tensors of 3 dims, but {f'the {side} one has' if side else 'one has'} another number"
    step = "print both shapes in the line before; batch1 is the left tensor of the product, batch2 the right one"
    return Reading("other-shape-error", headline, "", facts, tuple(made), (step,))


def _uneven_batches(found: Found) -> Reading:
    if found.known("batch", "got_batch"):
        return _uneven(found.number("batch"), found.number("got_batch"), 0, dict(found.values))
    return _unequal(found)


_unequal = plain(
    "broadcast-mismatch",
    "the two tensors of a batched product hold different numbers of matrices",
    ("hard-coded-batch", "one batch is smaller (the last one of the loader), or its size is written down: take it from `x.size(0)`"),
    ("heads-in-one", "heads are folded into the batch of one tensor only"),
    ("batch-of-one", "one of them is a single matrix: `torch.matmul` repeats a batch of 1, `bmm` does not"),
    tries=(_BATCHES,),
)
_N = r"\d{1,15}"
_S = r"[\w*+ ()-]{1,60}"  # a size, which torch.compile may leave as a letter
TEMPLATES = (
    Template(
        "bmm-first-two",
        ("expected size for first two dimensions of batch",),
        rf"expected size for first two dimensions of batch2 tensor to be: \[(?P<batch>{_S}), (?P<want>{_S})\]"
        rf" but got: \[(?P<got_batch>{_S}), (?P<got>{_S})\]",
        _batched,
        cut=rf"expected size for first two dimensions of batch2 tensor to be: \[(?P<batch>{_N}), (?P<want>{_N})\]"
        rf"(?: but got: \[(?P<got_batch>{_N}), (?P<got>{_N}))?",
    ),
    Template(
        "bmm-size-at-dim",
        ("expected tensor to have size",),
        rf"expected tensor to have size (?P<want>{_N}) at dimension (?P<dim>\d{{1,3}}),? but got size (?P<got>{_N})"
        r" for argument #\d{1,2} '(?P<name>(?!targets)\w{1,40})' \(while checking arguments for (?P<call>[\w:]{1,80})\)",
        _named,
    ),
    Template(
        "bmm-unnumbered",
        ("must match batch", "wrong matrix size", "contraction_size", "bmm_sparse"),
        r"batch1 dim 2 must match batch2 dim 1|expected batch2_sizes\[0\] == bs && batch2_sizes\[1\] == contraction_size"
        r"|invalid argument \d: wrong matrix size|bmm_sparse: 'self\.size\(2\)' and 'mat2\.size\(1\)' must match",
        plain(
            "matmul-inner-dim",
            "the two tensors of a batched product do not fit: batch or inner dim differ",
            ("missing-transpose", "[B, n, m] must meet [B, m, p]: scores of attention are `q @ k.transpose(-2, -1)`"),
            ("hard-coded-batch", "the first dims, the batches, are not equal"),
            tries=("this wording names no sizes: print both shapes in the line before", NEWER),
        ),
    ),
    Template(
        "bmm-batches",
        ("must match batch", "same number of batches", "equal number of batches expected", "bmm_sparse"),
        rf"batch1 dim 0 must match batch2 dim 0|batch1 and batch2 must have same number of batches"
        rf", got (?P<batch>{_N}) and (?P<got_batch>{_N})|equal number of batches expected, got {_N}, {_N}"
        r"|bmm_sparse: 'self\.size\(0\)' and 'mat2\.size\(0\)' must match",
        _uneven_batches,
    ),
    Template(
        "bmm-added",
        ("self dim", "self_ dim"),
        r"self_? dim (?P<dim>\d) must match (?:mat|batch)[12] dim \d",
        plain(
            "broadcast-mismatch",
            "the tensor that is added to a product has another size than the product in dim {dim}",
            ("bias-length", "a bias must be as long as the product has columns; [n, m] times [m, p] is [n, p]"),
            tries=("print the shapes in the line before",),
        ),
    ),
    Template(
        "bmm-ranks",
        ("d tensor",),
        r"(?P<tensor>batch1|batch2|self) must be a 3D tensor|\bexpected 3D tensor for argument #\d '\w{0,10}(?:batch|mat)\w{0,4}'"
        r"|bmm only supports 3D tensors",
        _three,
    ),
    Template(
        "addbmm-inner",
        ("incompatible matrix sizes for bmm",),
        rf"incompatible matrix sizes for bmm \((?P<rows>{_N})x(?P<want>{_N}) and (?P<got>{_N})x(?P<out>{_N})\)",
        lambda found: _inner(found, None, found.number("want"), found.number("got"), dict(found.values)),
    ),
)
