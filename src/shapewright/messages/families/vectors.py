"""Messages of products with vectors and single numbers."""

from __future__ import annotations

from math import prod

from shapewright.messages.families.matmul import PRODUCT, cause, dims, times
from shapewright.messages.template import Cause, Found, Reading, Template, plain, told


def _vector(found: Found) -> Reading:
    """`mat (2x3), vec (4)`: a matrix with `got` columns meets a vector of `want`."""
    if not found.known("rows", "got", "want"):
        headline = (
            found.fill("a matrix with {got} columns is multiplied by a vector of {want}") or "a matrix meets a vector of another length"
        )
        wrong = cause("wrong-constant", "the vector has another length than the rows of the matrix", likely=True)
        return Reading("matmul-inner-dim", headline, "", dict(found.values), (wrong,))
    rows, got, want = (found.number(name) for name in ("rows", "got", "want"))
    facts: dict[str, object] = {"rows": rows, "got": got, "want": want}
    if got == want:
        added = found.values.get("added", "?")
        why = f"the product has {rows} numbers, one a row of the matrix, and the vector that is added {added}"
        made = [cause("bias-length", why, "give the bias one number a row", likely=True)]
        facts["added"] = added
        return Reading("broadcast-mismatch", f"`addmv` adds a vector of {added} to a product of {rows}", "", facts, tuple(made))
    made = []
    if rows == want:
        why = f"the matrix has {rows} rows: transposed it would fit the vector of {want}"
        made.append(cause("transposed", why, "multiply from the other side: `v @ a`, or `a.T @ v`", likely=True))
    if abs(got - want) == 1:
        why = (
            f"the {'vector' if want > got else 'matrix'} has one more: a constant (the intercept) is in one of the two and not in the other"
        )
        step = "put a column of ones into the matrix, or add the constant by itself: `x @ w[1:] + w[0]`"
        made.append(cause("intercept", why, step, likely=not made))
    if want == rows * got and rows > 1:
        why = f"{want} = {rows}·{got}: the vector has as many numbers as the whole matrix; it was flattened with the batch"
        made.append(cause("flattened", why, "keep the batch: `x.flatten(1)` or `x.reshape(x.size(0), -1)`", likely=not made))
    made.append(cause("wrong-constant", f"the vector was made for {want} features, and {got} come", likely=not made))
    certain = f"[{rows}, {got}] meets a vector of {want}; the rows are all dims before the last, multiplied"
    slug, headline = "matmul-inner-dim", f"a matrix with {got} columns is multiplied by a vector of {want}"
    if found.context.layer and not PRODUCT.search(found.context.line):
        slug, headline = "linear-in-features", f"{found.layer} expects {want} input features but receives {got}"
    step = "print both shapes in the line before: the matrix must have as many columns as the vector has numbers"
    return Reading(slug, headline, certain, facts, tuple(made), (step,))


def _ranks(found: Found) -> Reading:
    """Ranks in a row: of the added vector (where there is one), of the matrix and of the vector."""
    ranks = found.shape("ranks_shape") if found.known("ranks_shape") else []
    matrix, vector = (ranks[-2], ranks[-1]) if len(ranks) >= 2 else (2, 1)
    made: list[Cause] = []
    if vector > 1:
        step = "take the column off: `v.squeeze(-1)`; or multiply as matrices: `a @ v`"
        made.append(cause("column-vector", f"the vector has {vector} dims: a column [n, 1], or a matrix", step, likely=True))
    if vector == 0:
        why = "the vector is a single number: `squeeze()` or an index took its dim away"
        made.append(cause("single-number", why, "`squeeze(-1)` takes one dim only; `v[i:i + 1]` keeps it", likely=True))
    if matrix != 2:
        why = "the matrix is a vector itself" if matrix == 1 else f"the matrix has {matrix} dims: a batch comes before its rows"
        made.append(cause("batch-dim-kept", why, "use `a @ v` (`torch.matmul`), which takes both", likely=not made))
    if not made:
        made.append(cause("added-rank", "the vector that is added is not a vector", "`bias.flatten()`", likely=True))
    headline = f"`mv` expects 2 and 1 dim but receives {matrix} and {vector}"
    return Reading("other-shape-error", headline, "", {"ranks": ranks}, tuple(made))


def _dot(found: Found) -> Reading:
    left, right = found.shape("left_shape"), found.shape("right_shape")
    if len(left) != 1 or len(right) != 1:
        made = [
            cause("sizes-differ", "element by element the shapes do not go together", "give both the same shape, dim by dim", likely=True)
        ]
        headline = f"tensors of {told(left)} and {told(right)} disagree: {prod(left)} and {prod(right)} numbers"
        return Reading("broadcast-mismatch", headline, "", dict(found.values), tuple(made))
    got, want = left[0], right[0]
    small, big, often = min(got, want), max(got, want), times(got, want)
    made = []
    if small == 1:
        why = "one of them holds a single number, and a product of vectors does not repeat it"
        made.append(cause("single-number", why, "multiply by it: `a * b`", likely=True))
    elif often > 1:
        why = f"{big} = {often}·{small}: the longer one may be {often} vectors in a row, the batch taken along by `flatten()` or `view(-1)`"
        step = f"keep the batch: `x.view({often}, -1) @ w` gives one product a sample"
        made.append(cause("flattened", why, step, likely=True, batch=often, features=small))
    if big - small == 1:
        why = f"one number more in one of them, {big} and {small}: a constant (the intercept) that the other lacks"
        made.append(cause("intercept", why, "append a 1 to the features, or add the constant by itself", likely=not made))
    made.append(cause("wrong-constant", f"weights made for {want} features meet {got}, or the other way round", likely=not made))
    certain = "a product of two vectors (`@`, `dot`) wants them equally long"
    return Reading(
        "matmul-inner-dim", f"vectors of {got} and {want} numbers are multiplied", certain, {"got": got, "want": want}, tuple(made)
    )


def _single(found: Found) -> Reading:
    """A tensor without dims in `matmul` or `linear`."""
    call = str(found.values["call"]).lower()
    left, right = found.values["left_rank"], found.values["right_rank"]
    facts: dict[str, object] = {"left_rank": left, "right_rank": right}
    why = (
        "a `squeeze()` took away all dims of 1 (with one sample the batch too), or an index or a loop took a single number out of a vector"
    )
    steps = ("name the dim: `x.squeeze(-1)`", "keep the dim: `x[i:i + 1]` instead of `x[i]`, or `x.unsqueeze(0)`")
    squeezed = cause("squeezed", why, *steps, likely=True)
    reduced = cause("reduced", "or `sum()`, `mean()` or `max()` without a dim gave a single number: `x.mean(dim=1)`")
    if call == "linear" and left == 0:
        headline = f"{found.layer} expects features but receives a single number"
        return Reading("linear-in-features", headline, "", facts, (squeezed, reduced))
    if call == "linear":
        made = cause("weight-not-a-matrix", "the weight must be [out, in]; it was replaced, or squeezed", likely=True)
        return Reading("other-shape-error", f"{found.layer} expects a weight of 2 dims but has a single number", "", facts, (made,))
    side = "both tensors are" if left == right else "the left tensor is" if left == 0 else "the right tensor is"
    scale = cause("scaling", "or a number is meant to scale: that is `*`, not `@`", "multiply element by element with `a * b`")
    headline = f"`{call}` multiplies matrices or vectors, but {side} a single number"
    return Reading("other-shape-error", headline, "", facts, (squeezed, scale, reduced))


def _argument(found: Found) -> Reading:
    rank, call = found.number("rank"), str(found.values["call"])
    why = "the tensor is a column [n, 1], a row [1, n] or a batch of vectors" if rank > 1 else "the tensor is a single number"
    step = "`v.flatten()` for one vector; for a batch `a.unsqueeze(2) * b.unsqueeze(1)`" if rank > 1 else "`v.unsqueeze(0)`"
    made = cause("column-vector" if rank > 1 else "single-number", why, step, likely=True)
    headline = f"`{call}` takes vectors, but `{found.values['tensor']}` has {dims(rank)}"
    return Reading("other-shape-error", headline, "", dict(found.values), (made,))


_N = r"\d{1,15}"
_S = r"[\w*+ -]{1,60}"  # a size, which torch.compile may leave as a letter
TEMPLATES = (
    Template(
        "mv-sizes",
        ("size mismatch,",),
        rf"size mismatch, got input \((?P<added>{_N})\), mat \((?P<rows>{_N})x(?P<got>{_N})\), vec \((?P<want>{_N})\)",
        _vector,
        cut=rf"size mismatch, got input \((?P<added>{_N})\), mat \((?P<rows>{_N})x(?P<got>{_N})\)",
    ),
    Template(
        "mv-sizes-meta",
        ("size mismatch, got input",),
        rf"size mismatch, got input \((?P<rows>{_S}?)x(?P<got>{_S})\), vec \((?P<want>{_S})\)",
        _vector,
    ),
    Template(
        "mv-sizes-old",
        ("size mismatch, got",),
        rf"size mismatch, got (?P<added>{_N}), (?P<rows>{_N})x(?P<got>{_N}), ?(?P<want>{_N})",
        _vector,
    ),
    Template(
        "mv-sizes-th",
        ("size mismatch, [",),
        rf"size mismatch, \[(?P<rows>{_N}) x (?P<got>{_N})\], \[(?P<want>{_N})\]",
        _vector,
    ),
    Template(
        "mv-ranks",
        ("matrix @ vector expected", "matrix and vector expected"),
        r"(?:vector \+ )?matrix @ vector expected, got (?P<ranks_shape>\d{1,3}, \d{1,3}(?:, \d{1,3})?)|matrix and vector expected",
        _ranks,
    ),
    Template(
        "dot-lengths",
        ("inconsistent tensor size",),
        r"inconsistent tensor size, expected (?:r_ \[[\dx ]{1,60}\], t|tensor) \[(?P<left_shape>[\dx, ]{1,80})\](?:,| and)"
        r" src \[(?P<right_shape>[\dx, ]{1,80})\] to have the ?same number of elements",
        _dot,
        cut=r"inconsistent tensor size, expected tensor \[(?P<left_shape>[\dx, ]{1,80})\] and src \[(?P<right_shape>[\dx, ]{1,80})\]",
    ),
    Template(
        "dot-ranks",
        ("d tensors expected",),
        r"1D tensors expected, (?:but )?got (?P<left_rank>\d{1,3})D(?: and|,) (?P<right_rank>\d{1,3})D tensors",
        plain(
            "other-shape-error",
            "`dot` expects 1 and 1 dim but receives {left_rank} and {right_rank}",
            ("numpy-dot", "`numpy.dot` multiplies matrices too, `torch.dot` only vectors: use `a @ b` (`torch.matmul`)"),
            ("column-vector", "or one of them is a column [n, 1]: `v.squeeze(-1)`"),
        ),
    ),
    Template(
        "vector-argument",
        ("-d argument",),
        r"(?P<call>\w{1,40}): Expected 1-D argument (?P<tensor>\w{1,40}), but got (?P<rank>\d{1,3})-D",
        _argument,
    ),
    Template(
        "matmul-single-number",
        ("both arguments to",),
        r"both arguments to (?P<call>\w{1,30}) need to be at least 1D, but they are (?P<left_rank>\d{1,3})D and (?P<right_rank>\d{1,3})D",
        _single,
    ),
)
