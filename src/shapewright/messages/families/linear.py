"""Messages of linear layers and of products of two matrices."""

from __future__ import annotations

from shapewright.messages.later import pattern
from shapewright.messages.readings.widths import Widths, causes
from shapewright.messages.template import Cause, Found, Reading, Template

_PRODUCT = pattern(r"@|\b(?:mm|matmul|addmm|bmm|chain_matmul)\(")

_PROJECTED = pattern(r"functional\.py _in_projection(?:_packed)? ")
_BLOCK = pattern(r"transformer\.py (?:_mha_block|_sa_block|_ff_block|forward) ")
_GRAPH = pattern(r"\b[Aa]dj\w*|\bA(?:_\w{1,12}|hat|norm)?\b|[Ll]aplac|[Gg]raph|\bL_?(?:sym|norm|hat)\b")
_FLATTENED = pattern(r"flatten\(|\.(?:view|reshape)\(")


def _read(found: Found) -> Reading:
    """Four numbers: `rows x got` met `want x out`. Not all wordings give them all."""
    known = {name: found.number(name) for name in ("rows", "got", "want", "out") if found.known(name)}
    if "got" not in known or "want" not in known:
        return _unnumbered(found)
    got, want, rows, out = known["got"], known["want"], known.get("rows"), known.get("out")
    if _PRODUCT.search(found.context.line) and not found.context.layer:
        return _product(known, found.context.line)
    if _PROJECTED.search(found.context.frames):
        return _attended(known, found.context.frames)
    flat = _FLATTENED.search(found.context.line)  # then a flatten is not what is missing
    found_causes = tuple(cause for cause in causes(Widths(got, want, rows, out)) if not flat or cause.name != "missing-flatten")
    slug = (
        "missing-flatten" if found_causes and found_causes[0].name == "missing-flatten" and found_causes[0].likely else "linear-in-features"
    )
    rows_of = (
        f"{rows} row{'' if rows == 1 else 's'} (all dims before the last, multiplied) of {got} features" if rows else f"{got} features"
    )
    outputs = f" and {out} output{'' if out == 1 else 's'}" if out else ""
    return Reading(
        slug,
        f"{found.layer} expects {want} input features but receives {got}",
        f"{rows_of} meet a layer built for {want} input features{outputs}",
        dict(found.values),
        found_causes,
        ("print `x.shape` in the line before the layer: the last dim must be what the layer was built for",),
    )


def _attended(known: dict[str, int], frames: str) -> Reading:
    """The query's width is checked before; keys and values come from somewhere else, the memory of a decoder."""
    got, want = known["got"], known["want"]
    why = f"keys and values (in a decoder: the memory, the encoder's output) are {got} wide, the attention is built for {want}"
    steps = [f"project them first: `memory = nn.Linear({got}, {want})(memory)`, a layer of the model; or build encoder and decoder alike"]
    if not _BLOCK.search(frames):
        steps.append(f"or name their width: `nn.MultiheadAttention(embed_dim, heads, kdim={got}, vdim={got})`")
    return Reading(
        "attention-dim",
        f"the attention expects keys and values of width {want} but receives {got}",
        "it fails in the projection of the inputs; the query's width fits",
        dict(known),
        (Cause("key-value-width", why, likely=True, tries=tuple(steps)),),
        ("print the last dims of query, key and value (in a decoder: of target and memory) in the line before",),
    )


def _product(known: dict[str, int], line: str) -> Reading:
    got, want, rows = known["got"], known["want"], known.get("rows", 0)
    cause = [
        Cause("inner-dims-differ", f"the left matrix has {got} columns, the right one {want} rows; a product wants them equal", likely=True)
    ]
    if (got * got == want and rows % got == 0) or rows * got == want:
        cause.insert(
            0,
            Cause(
                "missing-flatten",
                f"{want} = {want // got}·{got}: the right matrix takes whole images of {want // got}×{got}, the left one is not flattened",
                likely=True,
                tries=(f"one row for each image: `x.reshape(-1, {want})` in front of the product",),
            ),
        )
    elif known.get("rows") == got and known.get("out") != got:
        cause.insert(
            0,
            Cause(
                "adjacency-of-another-graph",
                f"the left matrix is square, [{got}, {got}], as that of the edges of a graph is: it is for {got} nodes, the features on "
                f"the right are those of {want}",
                likely=bool(_GRAPH.search(line)),
                tries=("make both from the same graph: `torch.zeros(x.size(0), x.size(0))`, filled from its own edges",),
            ),
        )
    cause.sort(key=lambda one: not one.likely)
    if known.get("out") == got:
        cause.insert(
            0,
            Cause(
                "transposed",
                f"the right matrix has {got} columns: transposed it would fit",
                likely=True,
                tries=("multiply by the transpose: `a @ b.T`, or `b.transpose(-2, -1)` for batches",),
            ),
        )
    return Reading(
        "matmul-inner-dim",
        f"a matrix with {got} columns is multiplied by one with {want} rows",
        f"[{known.get('rows', '?')}, {got}] meets [{want}, {known.get('out', '?')}]",
        known,
        tuple(cause),
        ("print both shapes in the line before; the last dim of the left one must be the last but one of the right one",),
    )


def _unnumbered(found: Found) -> Reading:
    return Reading(
        "linear-in-features",
        f"{found.layer} receives another number of features than it was built for",
        f"the message is cut off behind the {found.number('got')} features that came"
        if found.known("got")
        else "this wording names no sizes",
        dict(found.values),
        (
            Cause("wrong-constant", "the last dim of the input is not the layer's in_features", likely=True),
            Cause("input-size-changed", "images of another size than the layer was built for give larger or smaller maps"),
            Cause("missing-flatten", "maps go into the layer without a flatten, so that their last side is taken for the features"),
        ),
        ("print `x.shape` and the layer in the line before", "run the same line on the CPU: newer messages name the sizes"),
    )


_N = r"\d{1,15}"
_MET = rf"(?P<rows>{_N}) ?x ?(?P<got>{_N})"
_ANY = r"[^,\]]{1,80}"  # a size, or a symbol of torch.compile

TEMPLATES = (
    Template(
        "mm-shapes",
        ("shapes cannot be multiplied",),
        rf"(?:[\w.]{{1,20}} and [\w.]{{1,20}} )?shapes cannot be multiplied ?\( ?{_MET} and (?P<want>{_N}) ?x ?(?P<out>{_N}) ?\)",
        _read,
        cut=rf"(?:[\w.]{{1,20}} and [\w.]{{1,20}} )?shapes cannot be multiplied(?: ?\( ?{_MET}(?: and (?P<want>{_N}) ?x)?)?",
    ),
    Template(
        "mm-reduction-dim",
        ("must have same reduction dim",),
        rf"a and b must have same reduction dim, but got \[(?P<rows>{_ANY}), ?(?P<got>{_ANY})\] ?X ?\[(?P<want>{_ANY}), ?(?P<out>{_ANY})\]",
        _read,
    ),
    Template(
        "mm-m1-m2",
        ("size mismatch, m1",),
        rf"size mismatch, m1: ?\[{_MET}\], m2: ?\[(?P<want>{_N}) ?x ?(?P<out>{_N})\]",
        _read,
    ),
)
