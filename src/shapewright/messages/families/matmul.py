"""Messages of products of matrices."""

from __future__ import annotations

from shapewright.messages.later import pattern
from shapewright.messages.readings.widths import Widths, causes
from shapewright.messages.readings.words import cause as cause
from shapewright.messages.template import Found, Reading, Template, plain

PRODUCT = pattern(r"@|\b(?:mm|matmul|addmm|bmm|baddbmm|chain_matmul|spmm|mv|dot)\(")
LINEAR = pattern(r"linear\(|modules[/\\]linear\.py")
INNER = "print both shapes in the line before: the last dim of the left one must be the last but one of the right one"
NEWER = "run the line on the CPU: newer messages name the sizes"


def times(one: int, other: int) -> int:
    """How many times the smaller goes into the bigger, 0 when it does not."""
    small, big = sorted((one, other))
    return big // small if small > 0 and big % small == 0 else 0


def dims(count: int) -> str:
    """1 dim, 2 dims."""
    return f"{count} dim{'' if count == 1 else 's'}"


def _mat1_mat2(found: Found) -> Reading:
    """`mat1 dim 1 must match mat2 dim 0`, mostly of a linear layer, mostly without numbers."""
    known = {name: found.number(name) for name in ("got", "want") if found.known(name)}
    if PRODUCT.search(found.context.line) and not found.context.layer:
        headline = "two matrices are multiplied whose inner dims differ"
        if len(known) == 2:
            headline = f"a matrix with {known['got']} columns is multiplied by one with {known['want']} rows"
        step = "multiply by the transpose (`a @ b.T`), or give the right matrix as many rows as the left one has columns"
        made = cause("inner-dims-differ", "the left matrix has another number of columns than the right one has rows", step, likely=True)
        return Reading("matmul-inner-dim", headline, "", known, (made,), (INNER,))
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
        ("print `x.shape` and the layer in the line before: the last dim must be in_features", NEWER),
    )


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


_N = r"\d{1,15}"
TEMPLATES = (
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
