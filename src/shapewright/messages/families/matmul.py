"""Messages of products of matrices and of batches of matrices."""

from __future__ import annotations

import re
from math import isqrt

from shapewright.messages import fingerprints
from shapewright.messages.readings.widths import Widths, causes
from shapewright.messages.template import Cause, Facts, Found, Reading, Template, plain

PRODUCT = re.compile(r"@|\b(?:mm|matmul|addmm|bmm|baddbmm|chain_matmul|spmm|mv|dot)\(")
LINEAR = re.compile(r"linear\(|modules[/\\]linear\.py")
_HEAD_DIMS = {8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 112, 120, 128, 160, 192, 256}
_TURNED = re.compile(r"transpose\(|permute\(|swapaxes\(|swapdims\(|\.mT\b|\.T\b|\.t\(\)")
_LAST_TWO = re.compile(r"(?:transpose|swapaxes|swapdims)\( ?(?:-2, ?-1|-1, ?-2) ?\)|\.mT\b")
_BATCH_FIRST = re.compile(r"transpose\( ?(?:1, ?2|2, ?1) ?\)|permute\( ?\(? ?0, ?2, ?1 ?\)?")
_INNER = "print both shapes in the line before: the last dim of the left one must be the last but one of the right one"
_BATCHES = "print both shapes in the line before: for `bmm` they are [B, n, m] and [B, m, p]"
_SPLIT = "split the heads off in the same way in both: `x.view(B, L, heads, d).transpose(1, 2)`"


def cause(name: str, why: str, *tries: str, likely: bool = False, **facts: object) -> Cause:
    """A cause in one line."""
    return Cause(name, why, likely=likely, tries=tries, facts=facts)


def times(one: int, other: int) -> int:
    """How many times the smaller goes into the bigger, 0 when it does not."""
    small, big = sorted((one, other))
    return big // small if small and big % small == 0 else 0


def dims(count: int) -> str:
    """1 dim, 2 dims."""
    return f"{count} dim{'' if count == 1 else 's'}"


def _batched(found: Found) -> Reading:
    """`[batch, rows, want] @ [got_batch, got, out]`: the left one sets the first two sizes that the right one must have."""
    facts: dict[str, object] = {key: value for key, value in found.values.items() if isinstance(value, int)}
    if not found.known("batch", "want", "got_batch", "got"):
        if found.known("want", "got") and found.values.get("batch") == found.values.get("got_batch"):
            return _inner(found, None, found.number("want"), found.number("got"), facts)
        sentence = "in a product of batches the right tensor must begin with [{batch}, {want}] but begins with [{got_batch}, {got}]"
        headline = found.fill(sentence) or "two tensors of a batched product do not fit"
        made = (cause("inner-dims-differ", "the batch or the inner dim of the two tensors differ", likely=True),)
        return Reading("matmul-inner-dim", headline, "", dict(found.values), made, (_INNER,))
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
        (_INNER, "the batches (all dims before the last two, multiplied) must be equal too"),
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
        return Reading("linear-in-features", headline, certain, swapped, causes(Widths(want, got)), (_INNER,))
    headline = f"matrices with {want} columns are multiplied by matrices with {got} rows"
    return Reading("matmul-inner-dim", headline, certain, facts, tuple(_inner_causes(found, batch, want, got)), (_INNER,))


def _inner_causes(found: Found, batch: int | None, want: int, got: int) -> list[Cause]:
    line = found.context.line
    fits = bool(_LAST_TWO.search(line)) or ("bmm(" in line and bool(_BATCH_FIRST.search(line)))  # the last two dims are swapped already
    turned = fits or bool(_TURNED.search(line))
    small, big = sorted((want, got))
    often, near = times(want, got), big - small == 1
    made: list[Cause] = []
    if near and small >= 16 and isqrt(small) ** 2 == small:
        side = isqrt(small)
        why = f"{big} = {side}·{side} + 1: {side}×{side} patches and a class token on one side, the patches alone on the other"
        made.append(cause("class-token", why, "take the class token off (`x[:, 1:]`) or leave it in, in both", likely=True, patches=small))
    for pair in fingerprints.pairs(want, got, None)[:1]:
        made.append(Cause(pair.cause, pair.reading, likely=True, tries=(pair.tries,), guess=pair.guess))
    if turned and not fits:
        why = "the line swaps dims, but maybe not those that meet: `.transpose(-2, -1)` and `.mT` swap the last two, `.T` reverses all"
        made.append(cause("wrong-dims-swapped", why, "swap the last two dims and no others: `k.transpose(-2, -1)`", likely=not made))
    elif not turned and not near and want in _HEAD_DIMS:
        heads = f" ({batch} would be batch·heads)" if batch and any(batch % n == 0 for n in (4, 6)) else ""
        why = f"if {want} are the features of a query{heads}, the right tensor holds {got} keys that are not transposed"
        made.append(
            cause("missing-transpose", why, "scores of attention are `q @ k.transpose(-2, -1)`", likely=not made, features=want, keys=got)
        )
    elif not turned and got in _HEAD_DIMS and want > got and isqrt(want) ** 2 == want:
        why = (
            f"if {want} = {isqrt(want)}·{isqrt(want)} are the places of a map of {got} channels, the left tensor stands [channels, places]"
        )
        made.append(cause("missing-transpose", why, "turn it round: `q.transpose(-2, -1) @ k`", likely=not made, channels=got))
    if 1 < often <= 64 and small in _HEAD_DIMS:
        why = f"{big} = {often}·{small}: with {small} features a head, one tensor still holds {often} heads side by side"
        if often == 2:
            why = f"{big} = 2·{small}: one tensor is split into half as many heads, or is two tensors joined"
        made.append(cause("other-head-dim", why, _SPLIT, likely=fits, head_dim=small, heads=often))
    elif small in _HEAD_DIMS and big in _HEAD_DIMS:
        why = f"the heads of the two have {want} and {got} features: embed_dim / heads differs"
        made.append(cause("other-head-dim", why, _SPLIT, likely=fits))
    if not fits and (small not in _HEAD_DIMS or near or want not in _HEAD_DIMS):
        why = f"if the left tensor holds weights over {want} places, the right one holds {got} values: "
        why += "one step too many or too few" if near else "the weights are made for another (or a fixed maximal) length"
        step = "make the weights from the same sequence as the values, or cut both to the shorter one"
        made.append(cause("other-length", why, step, likely=near and not made))
    ratio = f" ({big} = {often}·{small})" if 1 < often <= 64 else ""
    if not any(one.likely for one in made):
        step = "build both for one width, or bring one to the other's with a linear layer"
        made.insert(0, cause("other-width", f"the right matrices are made for {got} features, and {want} come{ratio}", step, likely=True))
    if not turned and not any(one.name == "missing-transpose" for one in made) and not near:
        why = f"or a transpose is missing: if the right tensor also ends in {want}, or the left one also has {got} rows"
        step = "swap the last two dims of that one: `b.transpose(-2, -1)`, not `reshape`, which mixes the numbers up"
        made.append(cause("missing-transpose", why, step))
    return made


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


def _mat1_mat2(found: Found) -> Reading:
    """`mat1 dim 1 must match mat2 dim 0`, mostly of a linear layer, mostly without numbers."""
    known = {name: found.number(name) for name in ("got", "want") if found.known(name)}
    if PRODUCT.search(found.context.line) and not found.context.layer:
        headline = "two matrices are multiplied whose inner dims differ"
        if len(known) == 2:
            headline = f"a matrix with {known['got']} columns is multiplied by one with {known['want']} rows"
        step = "multiply by the transpose (`a @ b.T`), or give the right matrix as many rows as the left one has columns"
        made = cause("inner-dims-differ", "the left matrix has another number of columns than the right one has rows", step, likely=True)
        return Reading("matmul-inner-dim", headline, "", known, (made,), (_INNER,))
    if len(known) == 2:
        headline = f"{found.layer} expects {known['want']} input features but receives {known['got']}"
        widths = causes(Widths(known["got"], known["want"]))
        return Reading("linear-in-features", headline, "", known, widths, ("print `x.shape` in the line before the layer",))
    return Reading(
        "linear-in-features",
        f"{found.layer} receives another number of features than it was built for",
        "this wording names no sizes; the last dim of the input is not the layer's in_features",
        {},
        (
            cause("wrong-constant", "in_features was reckoned for another size of the input, or copied from elsewhere", likely=True),
            cause("missing-flatten", "or maps [N, C, H, W] go in as they are: `torch.flatten(x, 1)` before the layer"),
            cause("batch-merged", "or a `view(1, -1)` or `flatten()` took the batch along: the layer wants [N, features]"),
        ),
        ("print `x.shape` and the layer in the line before: the last dim must be in_features", _NEWER),
    )


_NEWER = "run the line on the CPU: newer messages name the sizes"


def _matrix(found: Found) -> Reading:
    """`mm` and `addmm` take matrices and nothing else."""
    who = str(found.values.get("meta", found.values.get("tensor", ""))).lower()
    side = "right" if who in ("mat2", "b") else "left"
    rank = found.number("rank") if found.known("rank") else None
    facts: dict[str, object] = {"side": side} | ({} if rank is None else {"rank": rank})
    step = "use `a @ b` (`torch.matmul`), which takes batches; `mm` and `addmm` do not"
    batch = cause("batch-dim-kept", "it has a batch dim before its rows and columns", step, likely=rank is None or rank > 2)
    step = "give it a dim: `v.unsqueeze(0)` (one row) or `v.unsqueeze(1)` (one column); or `torch.mv(a, v)`"
    why = "it is a vector: a dim of 1 for its row or column is missing"
    if rank == 0:
        why, step = "it is a single number: a `squeeze()` or an index took its dims away", "`x.squeeze(-1)` takes one dim only"
    vector = cause("single-number" if rank == 0 else "vector", why, step, likely=rank in (0, 1))
    made = [batch, vector] if rank is None else [vector] if rank < 2 else [batch]
    if side == "right" and (found.context.layer or LINEAR.search(found.context.frames + found.context.line)):
        why = "the weight of a linear layer must be [out, in], and this one is not: it was replaced, squeezed or packed"
        made = [cause("weight-not-a-matrix", why, "print `layer.weight.shape` in the line before", likely=True)]
    receives = "another number of dims" if rank is None else dims(rank)
    return Reading("other-shape-error", f"`mm` multiplies matrices, but the {side} tensor has {receives}", "", facts, tuple(made))


def _t(found: Found) -> Reading:
    rank = found.number("rank") if found.known("rank") else 3
    line = found.context.line
    if ".t()" not in line and (found.context.layer or LINEAR.search(line + found.context.frames)):
        why = f"the weight of a linear layer must be [out, in], and this one has {rank} dims"
        step = "give `F.linear` a matrix; with one matrix a sample use `torch.bmm(x, weight.mT)`"
        made = [cause("weight-not-a-matrix", why, step, likely=True)]
        headline = f"{found.layer} expects a weight of 2 dims but has one of {rank}"
        return Reading("other-shape-error", headline, "", {"rank": rank}, tuple(made))
    step = "swap the last two dims: `x.transpose(-2, -1)` or `x.mT`"
    made = [cause("batch-dim-kept", f"the tensor has {rank} dims: a batch (or more) comes before rows and columns", step, likely=True)]
    made.append(cause("weight-not-a-matrix", "or it is the weight given to `F.linear`, which transposes it: it must be [out, in]"))
    return Reading("other-shape-error", f"`t` swaps the dims of a matrix but receives {rank} dims", "", {"rank": rank}, tuple(made))


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
            tries=("this wording names no sizes: print both shapes in the line before", _NEWER),
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
        plain(
            "other-shape-error",
            ("`bmm` expects two tensors of 3 dims, but `{tensor}` has another number", "`bmm` expects two tensors of 3 dims"),
            ("dim-missing", "one of them has no batch dim (2 dims): `x.unsqueeze(0)`, or `a @ b`, which takes both"),
            (
                "heads-not-folded",
                "or it has 4 dims, [B, heads, n, m]: use `a @ b`, or fold the heads into the batch with `x.flatten(0, 1)`",
            ),
            tries=("batch1 is the left and batch2 the right tensor of the product: print both shapes",),
        ),
    ),
    Template(
        "addbmm-inner",
        ("incompatible matrix sizes for bmm",),
        rf"incompatible matrix sizes for bmm \((?P<rows>{_N})x(?P<want>{_N}) and (?P<got>{_N})x(?P<out>{_N})\)",
        lambda found: _inner(found, None, found.number("want"), found.number("got"), dict(found.values)),
    ),
    Template(
        "mm-mat1-mat2",
        ("must match mat",),
        rf"mat1 dim 1 must match mat2 dim 0(?:[ ,]{{0,3}}mat1 dim1: ?(?P<got>{_N})[ ,]{{1,3}}mat2 dim0: ?(?P<want>{_N}))?",
        _mat1_mat2,
    ),
    Template(
        "mm-sparse",
        ("(dense): expected dim", "expected self.size(-"),
        rf"addmm: Argument #3 \(dense\): Expected dim 0 size (?P<got>{_N}), got (?P<want>{_N})"
        r"|mv: expected self\.size\(-1\) == vec\.size\(-1\)",
        plain(
            "matmul-inner-dim",
            (
                "a sparse matrix with {got} columns is multiplied by a matrix with {want} rows",
                "a sparse matrix is multiplied by a vector that is not as long as its rows",
            ),
            ("other-graph", "the adjacency matrix and the features are of different graphs or batches"),
            (
                "size-not-given",
                "the sparse matrix was built without its size and lacks its last, unconnected nodes; or it stands transposed",
            ),
            tries=("build it with its full size: `torch.sparse_coo_tensor(index, values, size=(n, n))`",),
        ),
    ),
    Template(
        "mm-cublas-invalid",
        ("cublas_status_invalid_value",),
        r"CUBLAS_STATUS_INVALID_VALUE[`']?,? when calling:? [`']?cublas(?P<call>\w{1,40})"
        r"(?: with transpose_mat1 \w{1,5} transpose_mat2 \w{1,5}"
        rf" m (?P<out>{_N}) n (?P<rows>{_N}) k (?P<features>{_N}))?",
        plain(
            "other-shape-error",
            (
                "a matrix product on the GPU failed ({rows} rows of {features} features, {out} outputs): cuBLAS did not take the sizes",
                "a matrix product on the GPU failed: cuBLAS did not take the sizes",
            ),
            ("sizes-unchecked", "torch 1.8 and 1.9 did not check a linear layer on the GPU: the input's last dim is not its in_features"),
            (
                "broken-install",
                "with a newer torch, another cuBLAS is loaded than torch was built with (`LD_LIBRARY_PATH`, `nvidia-cublas`)",
            ),
            tries=(
                "run the same forward pass on the CPU: if the sizes are wrong, it names them",
                "if it runs there: unset `LD_LIBRARY_PATH`, or install torch anew in a fresh environment",
            ),
        ),
        vague=True,
    ),
    Template(
        "mm-matrix",
        ("must be a matrix", "a must be ", "b must be "),
        r"\b(?P<tensor>self|mat1|mat2) must be a matrix(?:, got (?P<rank>\d{1,3})-D tensor)?"
        r"|(?:^|[:'\"(>] ?)(?P<meta>[ab]) must be 2D(?![\w ])",
        _matrix,
    ),
    Template(
        "mm-ranks-old",
        ("matrices expected", "tensors must be"),
        r"matrices expected, got (?P<left_rank>\d{1,3})D, (?P<right_rank>\d{1,3})D tensors|\btensors must be 2-D(?!\w)",
        plain(
            "other-shape-error",
            (
                "`mm` expects 2 and 2 dims but receives {left_rank} and {right_rank}",
                "`mm` multiplies matrices, but a tensor has other dims",
            ),
            ("batch-dim-kept", "one of them has a batch dim or is a vector: `a @ b` (`torch.matmul`) takes all of these, `mm` does not"),
            tries=("before a linear layer of an old torch flatten all but the features: `x.view(-1, x.size(-1))`",),
        ),
    ),
    Template(
        "t-rank",
        ("t() expects a",),
        r"t\(\) expects a (?:tensor with <= 2 dimensions|2D tensor|matrix),? but self is (?P<rank>\d{1,3})D",
        _t,
    ),
    Template(
        "mt-rank",
        ("is only supported on matrices",),
        r"tensor\.(?P<call>mT|mH|H|T) is only supported on matrices(?: or batches of matrices| \(2-D tensors\))"
        r"\. Got (?P<rank>\d{1,3})-D tensor",
        plain(
            "other-shape-error",
            "`{call}` swaps the dims of a matrix, and the tensor's number of dims is {rank}",
            ("wrong-rank", "a vector has nothing to swap (`v.unsqueeze(0)` makes a row of it); for batches use `.mT` or `.mH`, not `.H`"),
        ),
    ),
)
