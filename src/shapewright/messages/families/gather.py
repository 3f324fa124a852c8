"""Messages of `gather`, `scatter`, `index_select`, `index_add` and their like: an index and what it picks or fills."""

from __future__ import annotations

from shapewright.messages.later import pattern
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_SLUG = "other-shape-error"
_CALL = pattern(r"\b(?P<name>gather|scatter\w{0,12})\((?:[^(),]*, ?)??(?:dim ?= ?)?(?P<dim>-?\d),")
_PRINT = "print the shape and `index.min()`, `index.max()` in the line before"


def _gather(found: Found) -> Reading:
    """`gather`: the index may be longer than the tensor only along the gathered dim. On the meta device `cross_entropy` says this too."""
    if not found.known("index_shape", "shape", "dim", "along"):
        return Reading(_SLUG, "`gather` has more indices than the tensor has entries", "", dict(found.values))
    index, shape, dim, along = found.shape("index_shape"), found.shape("shape"), found.number("dim"), found.number("along")
    if dim >= min(len(index), len(shape)):
        return Reading(_SLUG, f"`gather` has an index of {told(index)} for {told(shape)}", "", dict(found.values))
    got, want = index[dim], shape[dim]
    facts = {"got": got, "want": want, "dim": dim, "along": along, "index_shape": index, "shape": shape}
    if along == 1 and len(index) > 2 and index[1] == 1 and dim > 1:
        cause = Cause(
            "prediction-smaller-than-target",
            f"the target has {told(index[2:])} places, the prediction {told(shape[2:])}",
            likely=True,
            tries=("bring the prediction to the size of the target: `F.interpolate(out, size=target.shape[-2:], mode='bilinear')`",),
        )
        headline = f"the loss expects a target of {told(shape[2:])} places but receives {told(index[2:])}"
        return Reading(
            "loss-target-shape", headline, f"classes were looked up in {told(shape)} by an index of {told(index)}", facts, (cause,)
        )
    headline = f"`gather` has {got} indices in dim {dim} for {want} of the tensor"
    causes = []
    if len(index) == 2 and 1 < index[1] <= shape[1] and along == 1:
        causes.append(
            Cause(
                "gather-along-the-other-dim",
                "along dim 0 these shapes would go together",
                tries=("look which dim the indices count: `x.gather(0, index)` or `x.gather(1, index)`",),
            )
        )
    if dim == 0:
        why = (
            f"{got} rows of indices come for {want} rows: the two are of different batches, or one was filtered (`x[mask]`) and the "
            "other not"
        )
        causes.insert(
            0,
            Cause(
                "rows-of-another-batch",
                why,
                likely=True,
                tries=("take both from the same batch, and filter both: `q[mask].gather(1, actions[mask])`",),
            ),
        )
    else:
        causes.insert(
            0,
            Cause(
                "index-too-long",
                f"the index has {got} entries in dim {dim}, the tensor {want}",
                likely=True,
                tries=(f"cut the index: `index.narrow({dim}, 0, {want})`, or make it for this tensor",),
            ),
        )
    return Reading(_SLUG, headline, "", facts, tuple(causes))


def _scatter(found: Found) -> Reading:
    if not found.known("index_shape"):
        return Reading(_SLUG, "`scatter` has more indices than places or values", "", dict(found.values))
    index = found.shape("index_shape")
    along = found.number("along") if found.known("along") else -1
    facts: dict[str, object] = dict(found.values)
    for name, what in (("shape", "places"), ("src_shape", "values")):
        if not found.known(name):
            continue
        other = found.shape(name)
        for i, (got, want) in enumerate(zip(index, other, strict=False)):
            if got <= want or (name == "shape" and i == along):
                continue
            headline = f"`scatter` has {got} indices in dim {i} for {want} {what}"
            return Reading(
                _SLUG,
                headline,
                f"the index is {told(index)}, the {what} are {told(other)}",
                {**facts, "got": got, "want": want, "dim": i},
                _scatter_causes(what, i),
            )
    return Reading(
        _SLUG, f"`scatter` has an index of {told(index)}, larger than its places or values", "", facts, _scatter_causes("values", 0)
    )


def _scatter_causes(what: str, dim: int) -> tuple[Cause, ...]:
    values = Cause(
        "value-for-each-index",
        "each index needs a value: the values must be at least as large as the index in every dim",
        likely=True,
        tries=("spread the values: `src.expand_as(index)`, or give one number: `x.scatter_(1, index, 1.0)`",),
    )
    places = Cause(
        "more-rows-than-places",
        f"the tensor to be filled has fewer entries in dim {dim} than there are rows of indices: it was made for another batch, or "
        "the wrong dim is filled",
        likely=True,
        tries=(
            "make it for this batch: `torch.zeros(index.size(0), classes)`",
            "to add rows of a graph up: `zeros.index_add(0, index, src)` with index [E]",
        ),
    )
    return (places,) if what == "places" else (values,)


def _ranks(found: Found) -> Reading:
    """The index has other dims than the tensor; the line shows which call it is, and along which dim."""
    call = _CALL.search(found.context.line)
    name, dim = (call["name"], int(call["dim"])) if call else ("", 1)
    if name.startswith("scatter") and dim == 0:
        why = "one index for each row stands in a list [N]; along dim 0 each value of a row needs its index, [N, features]"
        tries: tuple[str, ...] = (
            "add the rows up: `out.index_add_(0, index, src)` takes the list as it is",
            f"or spread the index over the features: `out.{name}(0, index.unsqueeze(1).expand_as(src), src)`",
        )
    elif name == "gather" and dim == 0:
        why = "one index for each row stands in a list [N]; along dim 0 `gather` wants an index for each value of a row"
        tries = ("whole rows: `x[index]`, or `x.index_select(0, index)`",)
    else:
        why = "one index for each row stands in a list [N]; along dim 1 it must be a column [N, 1]"
        tries = (
            "a list of indices: `x.gather(1, index.unsqueeze(1)).squeeze(1)`",
            "one-hot: `torch.zeros(n, classes).scatter_(1, labels.unsqueeze(1), 1.0)`",
        )
        tries = tries[1:] if name.startswith("scatter") else tries[:1] if name == "gather" else tries
    other = "under `torch.compile` or on the meta device `cross_entropy` says this when the target has a dim too many or too few"
    causes = (
        Cause("index-without-dim", why, likely=True, tries=tries),
        Cause("index-with-extra-dim", "the index has a dim of size 1 too many"),
        *(() if name else (Cause("target-of-a-loss", other),)),
    )
    called = f"`{name}`" if name else "`gather` or `scatter`"
    headline = f"{called} expects an index with as many dims as the tensor has"
    return Reading(_SLUG, headline, "", dict(found.values), causes, ("print both shapes in the line before",))


_N = r"-?\d{1,15}"
_D = r"\d{1,3}"
_INDEX_FACTS = "the index must hold whole numbers (int64)"


TEMPLATES = (
    Template(
        "index-vec",
        ("index is supposed to be a vector", "index has to be a vector/scalar", "index should have dimension 1 or 0"),
        rf"Index (?:is supposed to be a vector|has to be a vector/scalar|should have dimension 1 or 0)(?:, but got dim: "
        rf"(?P<rank>{_D})| \(got (?P<got>{_D})\))?",
        plain(
            _SLUG,
            (
                "`index_select` and its like expect a list of indices but receive {rank} dims",
                "`index_select` and its like expect a list of indices but receive {got} dims",
                "`index_select` and its like expect a list of indices but receive more dims",
            ),
            ("index-with-two-dims", "the indices stand in a column [N, 1] or in a table; `nonzero()` gives [N, 1] too"),
            tries=(
                "make a list of them: `index.flatten()`, or `nonzero(as_tuple=True)[0]`",
                "for another index in each row: `x.gather(1, index)`",
            ),
        ),
    ),
    Template(
        "index-to-scalar",
        ("index to scalar can have only",),
        rf"Index to scalar can have only 1 value, got (?P<got>{_N}) value",
        plain(
            _SLUG,
            "`index_select` picks {got} from a single number",
            ("scalar-indexed", "the tensor has no dims: it was reduced or indexed before"),
            tries=("print `x.shape` in the line before",),
        ),
    ),
    Template(
        "index-number",
        ("number of indices (",),
        rf"Number of indices \((?P<got>{_N})\) should be equal to (?:source|tensor)\.size\(dim\):? \((?P<want>{_N})\)(?:, for "
        rf"dim[:=] ?(?P<dim>{_N}))?",
        plain(
            _SLUG,
            "{got} indices come for {want} rows of values: each row needs one index",
            ("index-of-another-list", "indices and values are of different lists, or only one of the two was filtered"),
            ("wrong-dim", "`dim` names another dim of the values than the one with the rows"),
            tries=("compare `index.numel()` with `source.size(dim)` in the line before",),
        ),
    ),
    Template(
        "index-source-shape",
        ("source tensor shape must match self tensor shape, excluding",),
        rf"source tensor shape must match self tensor shape, excluding the specified dimension\. Got self\.shape = "
        rf"{shape('want_shape')} source\.shape = {shape('got_shape')}",
        plain(
            _SLUG,
            "the rows that are added {got_shape} have other dims than the tensor that takes them {want_shape}",
            (
                "other-width",
                "apart from the dim of the index all dims must be equal: the features were changed by a layer, the tensor of zeros was not",
            ),
            tries=("make the tensor from the values: `src.new_zeros(n, *src.shape[1:])`",),
        ),
    ),
    Template(
        "index-copy-shape",
        ("source/destination tensor must have same slice shapes",),
        r"Source/destination tensor must have same slice shapes\. Destination slice shape: (?:torch\.Size\(\[)?(?P<want_shape>[\d, "
        r"]{0,80})[\])]{0,2} at dimension (?P<dim>\d{1,3})"
        r" and source slice shape: (?:torch\.Size\(\[)?(?P<got_shape>[\d, ]{0,80})[\])]{0,2} at",
        plain(
            _SLUG,
            "a place of the tensor is {want_shape}, what is copied into it {got_shape}",
            (
                "other-width",
                "apart from the dim of the index all dims must be equal: a cache or buffer was made for another batch, number of "
                "heads or width",
            ),
            tries=(
                "make the buffer from the values: `src.new_zeros(n, *src.shape[1:])`",
                "a cache of keys and values: make it anew for this batch",
            ),
        ),
    ),
    Template(
        "index-copy-rank",
        ("their dimensionality must match. source dimensionality",),
        rf"their dimensionality must match\. Source dimensionality \((?P<got>{_D})\), destination dimensionality \((?P<want>{_D})\)",
        plain(
            _SLUG,
            "what is copied has {got} dims, the tensor that takes it {want}",
            ("row-without-dim", "a single row needs the dim of the index too"),
            tries=("give it that dim: `source.unsqueeze(0)` for rows",),
        ),
    ),
    Template(
        "gather-rank",
        ("index tensor must have the same number of dimensions as",),
        r"Index tensor must have the same number of dimensions as (?P<against>input|self|src|source|input/output) tensor",
        _ranks,
    ),
    Template(
        "gather-size",
        ("size does not match at dimension",),
        rf"Size does not match at dimension (?P<dim>{_D}) expected index {shape('index_shape')} to be (?:smaller|no larger) than "
        rf"self {shape('shape')} apart from dimension (?P<along>{_D})",
        _gather,
        cut=rf"Size does not match at dimension (?P<dim>{_D}) expected index {shape('index_shape')}",
    ),
    Template(
        "gather-size-old",
        ("to have the same size apart from dimension", "size does not match at dimension"),
        rf"Expected tensor {shape('index_shape')}, src {shape('shape')} and index {shape('same_shape')} to have the same size "
        rf"apart from dimension (?P<along>{_D})"
        rf"|Size does not match at dimension (?P<dim>{_D}) get (?P<want>{_N}) vs (?P<got>{_N})",
        plain(
            _SLUG,
            ("`gather` has an index of {index_shape} for {shape}", "`gather` has {got} indices in dim {dim} for {want} of the tensor"),
            (
                "rows-of-another-batch",
                "apart from the gathered dim the index must be as long as the tensor: the two are of different batches, or one was "
                "filtered",
            ),
            tries=("take both from the same batch, and print both shapes",),
        ),
    ),
    Template(
        "scatter-size",
        ("to be no larger than self", "to be no larger than src", "to be smaller than self", "to be no larger size than src"),
        rf"(?<!\d )Expected index {shape('index_shape')} to be (?:no larger|smaller) than (?:self {shape('shape')} apart from "
        rf"dimension (?P<along>{_D})(?: and to be (?:no larger|smaller) size than )?)?"
        rf"(?:src {shape('src_shape')})?",
        _scatter,
    ),
    Template(
        "gather-index-old",
        ("invalid index in gather", "invalid index in scatter"),
        r"Invalid index in (?P<call>gather|scatter(?:Add|Fill)?)",
        plain(
            _SLUG,
            "`{call}` asks for an index that the dim does not have",
            ("counted-from-one", "labels or actions that count from 1, or a marker such as -1, -100 or 255 among them"),
            ("too-few-classes", "the highest index needs a dim of one more: there are fewer columns than classes"),
            tries=(_PRINT,),
        ),
    ),
    Template(
        "gather-dtype",
        ("expected dtype int32/int64 for index", "expected dtype int32 or int64 for index", "expected dtype int64 for index"),
        r"(?P<call>gather|scatter\w{0,10}|index_\w{1,10})\(\): Expected dtype int(?:32)?(?:/int64|64| or int64) for index(?:, but "
        r"got (?P<got>[\w.]{3,40}))?",
        plain(
            _SLUG,
            f"the index of `{{call}}` cannot number entries: {_INDEX_FACTS}; it is the dtype that is wrong, not a size",
            ("float-index", "the index comes from a computation with floating-point numbers, or from data that was read as such"),
            (
                "float-labels",
                "under `torch.compile` or on the meta device `cross_entropy` says this for labels that are floating-point numbers",
            ),
            tries=("turn it into whole numbers: `index.long()`",),
        ),
    ),
    Template(
        "take-along-rank",
        ("torch.take_along_dim(): input and indices should have the same number",),
        rf"torch\.take_along_dim\(\): input and indices should have the same number of dimensions, but got (?P<want>{_D}) dimensions "
        rf"for input, and "
        rf"(?P<got>{_D}) dimensions for indices",
        plain(
            _SLUG,
            "`take_along_dim` expects an index with {want} dims but receives {got}",
            ("index-without-dim", "one index for each row stands in a list [N]; it must be a column [N, 1]"),
            tries=("give the index the missing dim: `index.unsqueeze(1)`",),
        ),
    ),
    Template(
        "take-range",
        ("out of range: tried to access index",),
        rf"out of range: tried to access index (?P<got>{_N}) on a tensor of (?P<want>{_N}) elements",
        plain(
            _SLUG,
            "entry {got} is asked for of {want} in all",
            ("flat-index", "`take` and `put` count through the whole tensor as one row: row · columns + column"),
            ("another-tensor", "the indices were made for a larger tensor"),
            tries=("for an index along a dim: `x.index_select(dim, index)`", _PRINT),
        ),
    ),
    Template(
        "put-number",
        ("expected source and index to have the same number of elements",),
        rf"Expected source and index to have the same number of elements, but got source\.numel\(\) = (?P<got>{_N}), "
        rf"index\.numel\(\) = (?P<want>{_N})",
        plain(
            _SLUG,
            "{got} values come for {want} indices",
            ("index-of-another-list", "each index needs one value"),
            tries=("compare `source.numel()` with `index.numel()`",),
        ),
    ),
)
