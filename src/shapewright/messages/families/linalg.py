"""Messages of `torch.linalg` and of distances between points."""

from __future__ import annotations

from shapewright.messages.families.matmul import cause
from shapewright.messages.template import Cause, Found, Reading, Template, plain

_N = r"\d{1,15}"
_F = r"(?P<call>[\w.]{1,60}(?:\(ord=[^)]{1,20}\))?)"
_SHAPE = r"(?:torch\.Size\()?\[(?P<shape>[\d, ]{0,80})\]\)?"
OTHER = "other-shape-error"


def _square(found: Found) -> Reading:
    """A square matrix is wanted."""
    call = str(found.values["call"])
    headline = found.fill("`{call}` expects square matrices but receives {rows} by {columns}") or f"`{call}` expects square matrices"
    if not found.known("rows", "columns"):
        return Reading(OTHER, headline, "", dict(found.values))
    rows, columns = found.number("rows"), found.number("columns")
    made: list[Cause] = []
    if columns and rows > columns and rows % columns == 0 and columns > 1:
        times = rows // columns
        why = f"{rows} = {times}·{columns}: these may be {times} matrices of {columns} by {columns}, one below the other"
        made.append(cause("batch-merged", why, f"split them: `a.view(-1, {columns}, {columns})`", batch=times))
    elif columns == rows + 1:
        why = f"one column more than rows: the right-hand side may still be attached to the {rows} by {rows} matrix"
        made.append(cause("right-hand-side-attached", why, "take it apart: `torch.linalg.solve(a[:, :-1], a[:, -1])`"))
    if "solve" in call or "inv" in call:
        why = f"{rows} equations for {columns} unknowns have in general no exact solution; least squares gives the best one"
        made.insert(0, cause("not-square", why, "use `torch.linalg.lstsq(a, b).solution` or `torch.linalg.pinv(a)`", likely=True))
    elif "eig" in call or "cholesky" in call:
        why = f"a data matrix of {rows} by {columns} was given where its covariance is meant"
        tries = "for data [samples, features]: `torch.cov(x.T)` (or `x.T @ x`); for singular values `torch.linalg.svd(x)`"
        made.insert(0, cause("data-not-covariance", why, tries, likely=True))
    else:
        why = "a determinant, a power and an exponential exist for square matrices only: the last two dims must be equal"
        made.insert(0, cause("not-square", why, likely=True))
    return Reading(OTHER, headline, "the last two dims are rows and columns, all before them a batch", dict(found.values), tuple(made))


def _solve(found: Found) -> Reading:
    """`A X = B` or `X A = B`: the sizes of A and B."""
    left, want, got, columns = (found.number(name) for name in ("rows", "want", "got", "columns"))
    facts: dict[str, object] = {"shape": [left, want], "right_shape": [got, columns]}
    if str(found.values.get("equation", "AX")).upper().startswith("X"):
        facts |= {"want": want, "got": columns}
        why = f"with `left=False` the right-hand side must have {want} columns, and it has {columns}"
        swapped = cause("transposed", why, "transpose it, or leave `left=False` out", likely=True)
        return Reading(OTHER, f"the right-hand side has {columns} columns for a matrix of {left} by {want}", "", facts, (swapped,))
    facts |= {"want": left, "got": got}
    made: list[Cause] = []
    if columns == left:
        why = f"the right-hand side is {got} by {columns}: transposed it has the {left} rows that are wanted"
        made.append(cause("transposed", why, "transpose it: `torch.linalg.solve(a, b.mT)`", likely=True))
    if left and got % left == 0 and got > left and columns == 1:
        why = f"{got} = {got // left}·{left}: the right-hand sides of {got // left} systems may stand in one vector"
        made.append(cause("batch-merged", why, f"one column a system: `b.view(-1, {left}).T`", likely=not made))
    why = f"{left} equations need {left} numbers on the right, and there are {got}"
    made.append(cause("sizes-differ", why, likely=not made))
    headline = f"the right-hand side has {got} rows for a matrix of {left} by {want}"
    return Reading(OTHER, headline, "", facts, tuple(made), ("the right-hand side is [..., n] or [..., n, k] for a matrix [..., n, n]",))


def _cross(found: Found) -> Reading:
    left, right = found.number("left"), found.number("right")
    facts: dict[str, object] = dict(found.values)
    if {left, right} <= {2, 3} and 2 in (left, right):
        why = "vectors in the plane: their cross product is one number"
        step = "reckon it yourself: `a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]`"
        first = cause("plane-vectors", why, step, "or append a 0: `F.pad(a, (0, 1))`", likely=True)
    elif 4 in (left, right):
        first = cause(
            "homogeneous",
            "4 components: homogeneous coordinates, or quaternions",
            "take the three that are meant: `a[..., :3]`",
            likely=True,
        )
    else:
        first = cause("wrong-dim", "the three components lie in another dim", "name it: `torch.linalg.cross(a, b, dim=1)`", likely=True)
    return Reading(
        OTHER, f"a cross product needs vectors of 3 but has {left} and {right} in dim {found.values['dim']}", "", facts, (first,)
    )


_two_dims = plain(
    OTHER,
    ("`{call}` expects a matrix (at least 2 dims) but receives {rank}", "`{call}` expects a matrix (at least 2 dims) but receives fewer"),
    ("vector", "a vector was given: `v.unsqueeze(-1)` makes a column of it, `v.unsqueeze(0)` a row"),
    ("squeezed", "or a `squeeze()` or an index took the row or the batch away: with one sample keep it with `x[i:i + 1]`"),
)

TEMPLATES = (
    Template(
        "linalg-square",
        ("must be batches of square",),
        rf"{_F}: \w{{1,20}} must be batches of square matrices, but they are (?P<rows>{_N}) by (?P<columns>{_N}) matrices",
        _square,
        cut=rf"{_F}: \w{{1,20}} must be batches of square matrices",
    ),
    Template(
        "linalg-solve",
        ("incompatible shapes of a and b",),
        rf"{_F}: Incompatible shapes of A and B for the equation (?P<equation>AX|XA) = B"
        rf" \((?P<rows>{_N})x(?P<want>{_N}) and (?P<got>{_N})x(?P<columns>{_N})\)",
        _solve,
    ),
    Template(
        "linalg-solve-sizes",
        ("incompatible matrix sizes for",),
        rf"incompatible matrix sizes for (?P<call>(?!bmm)\w{{1,40}}): each A matrix is (?P<rows>{_N}) by (?P<want>{_N})"
        rf" but each b matrix is (?P<got>{_N}) by (?P<columns>{_N})",
        _solve,
    ),
    Template(
        "linalg-two-dims",
        ("have at least", "or more dimensions"),
        rf"{_F}: (?:the )?input tensor (?:\w{{1,10}} )?must have at least 2 dimensions(?:, got (?P<rank>{_N}))?"
        rf"|(?P<name>[\w.]{{1,60}}): input must have at least 2 dimensions"
        rf"|(?P<name2>[\w.]{{1,60}}: input|\b[bA]) should have at least 2 dimensions, but has (?P<dims>{_N}) dim"
        rf"|(?P<name3>[\w.]{{1,60}})(?:\(\w{{1,20}}\{{\[[\d, ]{{0,20}}\]\}}\))?: expected (?:a )?tensor with 2 or more dimensions",
        lambda found: _two_dims(Found({**found.values, **_called(found)}, found.text, found.context)),
    ),
    Template(
        "linalg-lstsq",
        ("should match other.size",),
        r"linalg\.lstsq: input\.size\(-2\) should match other\.size\(-[12]\)",
        plain(
            OTHER,
            "`lstsq` receives different numbers of samples on the two sides",
            ("samples-differ", "`lstsq(a, b)` wants a [n, features] and b [n, targets]: one row a sample in both"),
            ("transposed", "or one of them stands [features, n] or [targets, n]: transpose it"),
        ),
    ),
    Template(
        "linalg-cross",
        ("must have length", "no dimension of size"),
        rf"linalg\.cross: inputs dimension (?P<dim>-?\d{{1,3}}) must have length 3\.? Got (?P<left>{_N}) and (?P<right>{_N})",
        _cross,
    ),
    Template(
        "linalg-cross-none",
        ("no dimension of size",),
        r"no dimension of size 3 in input",
        plain(
            OTHER,
            "a cross product needs vectors of 3, and no dim of the tensors has 3",
            ("plane-vectors", "vectors in the plane: reckon `a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]`"),
            tries=("without `dim=`, `torch.cross` takes the first dim of 3 that it finds: name it",),
        ),
    ),
    Template(
        "linalg-cross-rank",
        ("inputs must have the same number of dim",),
        r"linalg\.cross: inputs must have the same number of dimensions",
        plain(
            OTHER,
            "a cross product needs tensors with equally many dims",
            ("one-vector", "one of them is a single vector [3], the other a batch of them: `v.expand_as(x)`"),
        ),
    ),
    Template(
        "cdist-columns",
        ("the same number of columns",),
        rf"X1 and X2 must have the same number of columns\. X1: (?P<got>{_N}) X2: (?P<want>{_N})",
        plain(
            OTHER,
            "`cdist` needs points of one width but has {got} and {want}",
            ("other-encoder", "the points come from two encoders or layers: features of {got} and of {want}; project one of them"),
            ("transposed", "or one tensor is [features, points]: transpose it"),
        ),
    ),
    Template(
        "cdist-rank",
        ("only supports at least", "pdist only supports"),
        rf"cdist only supports at least 2D tensors, (?P<which>X[12]) got: (?P<rank>{_N})D"
        rf"|\bpdist only supports 2D tensors, got: (?P<dims>{_N})D",
        plain(
            OTHER,
            (
                "`cdist` expects points as rows, [n, features], but {which} has {rank} dim(s)",
                "`pdist` expects points as rows, [n, features], but receives {dims} dim(s)",
            ),
            (
                "single-point",
                "a single point has one dim only: `x.unsqueeze(0)`; for a batch of point clouds use `torch.cdist`, which takes 3 dims",
            ),
        ),
    ),
    Template(
        "linalg-norm-dims",
        ("linalg.norm: if dim is", "linalg.matrix_norm: dim"),
        r"linalg\.norm: If dim is not specified but ord is, the input must be 1D or 2D\. Got (?P<rank>\d{1,3})D"
        r"|linalg\.norm: If dim is specified, it must be of length 1 or 2\. Got \[(?P<dim_shape>[\d, -]{0,60})\]"
        r"|linalg\.matrix_norm: dims? must be (?:different|a 2-tuple)\. Got [\d(, )-]{1,20}",
        plain(
            OTHER,
            (
                "a norm with `ord` but without `dim` takes a vector or a matrix, and {rank} dims came",
                "a norm takes one dim (vectors) or two (matrices), not {dim_shape}",
                "a matrix norm needs two different dims",
            ),
            (
                "dim-missing",
                "say which dims are reduced: `vector_norm(x, dim=-1)` for features, `matrix_norm(x, dim=(-2, -1))` for matrices",
            ),
            ("flat-norm", "or take all numbers as one vector: `torch.linalg.vector_norm(x)`"),
        ),
    ),
    Template(
        "linalg-trace",
        ("expected a matrix, but got",),
        r"(?:trace: )?expected a matrix, but got tensor with dim (?P<rank>\d{1,3})",
        plain(
            OTHER,
            "`trace` takes one matrix but receives {rank} dims",
            ("batch-dim-kept", "for a batch of matrices: `x.diagonal(dim1=-2, dim2=-1).sum(-1)`"),
        ),
    ),
    Template(
        "linalg-cov",
        ("two or fewer dimensions but got", "have the same numel as there are observations"),
        rf"(?P<call>cov|corrcoef)\(\): expected input to have two or fewer dimensions but got an input with (?P<rank>{_N})"
        rf"|cov\(\): expected [af]weights to have the same numel as there are observations in the input"
        rf" but got (?P<got>{_N}) != (?P<want>{_N})",
        plain(
            OTHER,
            (
                "`{call}` takes a matrix [variables, observations] but receives {rank} dims",
                "`cov` receives {got} weights for {want} observations",
            ),
            (
                "rows-are-variables",
                "rows are variables, columns observations: for data [samples, features] pass `x.T`, flatten maps before",
            ),
            tries=("for a batch of matrices: `torch.vmap(torch.cov)(x)`",),
        ),
    ),
    Template(
        "linalg-tensorinv",
        ("expected self to satisfy the requirement",),
        rf"expected self to satisfy the requirement prod\(self\.shape\[[^)]{{1,30}}\) == prod\(self\.shape\[[^)]{{1,30}}\)"
        rf",? but got (?P<got>{_N}) != (?P<want>{_N})",
        plain(
            OTHER,
            "the tensor is not square when flattened: its last dims hold {got} numbers, its first {want}",
            ("wrong-ind", "`ind=` says how many of the first dims belong together; their product must be that of the others"),
        ),
    ),
    Template(
        "linalg-householder",
        ("input.shape[-",),
        r"(?P<call>[\w.]{1,60}): (?:input|other)\.shape\[-[12]\] must be"
        r" (?:greater than or equal|equal) to (?:input|tau|other)\.shape\[-[12]\]",
        plain(
            OTHER,
            "the matrices that `{call}` receives do not belong together",
            (
                "other-factorisation",
                "the reflectors and `tau` must come from one `torch.geqrf` of a matrix with at least as many rows as columns",
            ),
        ),
    ),
    Template(
        "linalg-lowrank",
        ("must be non-negative integer and not greater than",),
        rf"q\(=(?P<got>{_N})\) must be non-negative integer and not greater than min\(m, n\)=(?P<want>{_N})",
        plain(
            OTHER,
            "`pca_lowrank` is asked for {got} components of data that has at most {want}",
            ("too-few-samples", "there are no more components than the smaller of samples and features: q at most {want}"),
        ),
    ),
    Template(
        "linalg-square-lobpcg",
        ("a must be square, got shape",),
        rf"A must be square, got shape {_SHAPE}",
        plain(
            OTHER,
            "`lobpcg` expects a square matrix but receives {shape}",
            ("data-not-covariance", "pass the covariance of the data, `x.T @ x`"),
        ),
    ),
    Template(
        "trapezoid-points",
        ("one `x` value for each", "one x value for each"),
        r"(?P<call>\w{0,12}trapezoid|trapz): There must be one `?x`? value for each sample point",
        plain(
            OTHER,
            "`{call}` receives another number of x values than of samples",
            ("sizes-differ", "x must be as long as the dim that is integrated (`dim=`)"),
        ),
    ),
)


def _called(found: Found) -> dict[str, int | str | list[int]]:
    """The call and the rank, whichever of the wordings names them."""
    names = [found.values[name] for name in ("call", "name", "name2", "name3") if name in found]
    ranks = [found.values[name] for name in ("rank", "dims") if name in found]
    call = str(names[0]).partition(":")[0] if names else "linalg"
    return {"call": "the function" if call in ("b", "A") else call, **({"rank": ranks[0]} if ranks else {})}
