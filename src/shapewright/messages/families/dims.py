"""Messages of calls that name dims which the tensor does not have, or name them twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shapewright.messages.later import pattern
from shapewright.messages.readings.layouts import count
from shapewright.messages.readings.words import cause
from shapewright.messages.template import Cause, Found, Reading, Template, plain

_SLUG = "other-shape-error"
_PRINT = "print `x.shape` in the line before: it says how many dims there are"
_INSERTS = pattern(r"\b(?:unsqueeze|stack|expand_dims)\w{0,4}\(")
_SHAPE_INDEX = pattern(r"\.(?:shape|size\(\))\[(-?\d{1,3})\]")
_ORDER = pattern(r"permute\(\s*\(?([-\d\s,]{1,60})\)?\s*\)")
_JOINS = pattern(r"\b(cat|concat|concatenate|cosine_similarity|normalize)\(")
_CALLED = pattern(
    r"\b(log_softmax|softmax|softmin|argmax|argmin|argsort|cumsum|logsumexp|transpose|swapaxes|flatten|squeeze|chunk|split|select|sum"
    r"|mean|std|var|max|min|sort|norm|normalize|size|cat|unbind|permute|cosine_similarity|avg_pool2d|max_pool2d|gather|index_select|topk"
    r"|narrow|flip|unfold|movedim|diagonal)\("
)


class _Asked(NamedTuple):
    """Dim `dim` of a tensor of `rank` dims."""

    dim: int
    rank: int
    line: str

    @property
    def missing(self) -> int:
        """How many dims more the call is written for."""
        return self.dim + 1 - self.rank if self.dim >= 0 else -self.dim - self.rank


def _range(found: Found) -> Reading:
    """`range of [-r, r-1], but got d`: the tensor has r dims; [-1, 0] is also said of a single number."""
    low, high = found.number("low"), found.number("high")
    if not found.known("got"):
        made = cause("fewer-dims", "the tensor has fewer dims than the code is written for", likely=True)
        headline = f"a dim is named that a tensor of {count(high + 1, 'dim')} does not have"
        return Reading(_SLUG, headline, "", {"low": low, "high": high, "rank": high + 1}, (made,), (_PRINT,))
    dim = found.number("got")
    line = found.context.line
    inserts = bool(_INSERTS.search(line))
    rank = high if inserts else high + 1
    scalar = high == 0 and not inserts
    has = "has 1 dim, or is a single number" if scalar else f"has {count(rank, 'dim')}"
    called = _CALLED.findall(line)
    call = f"`{called[0]}`" if len(set(called)) == 1 and not inserts else "the call"
    headline = f"{call} names dim {dim}, but the tensor {has}"
    facts = {"got": dim, "low": low, "high": high, "rank": rank}
    certain = f"dims run from {low} to {high}" + (f", so the tensor has {count(rank, 'dim')}" if not scalar else "")
    if not line and high > 0:
        certain += f" (in `unsqueeze` and `stack`, which add one, {high})"
    steps = (_PRINT, "if the last dim is meant, say so: `dim=-1` fits any number of dims") if dim >= 0 else (_PRINT,)
    asked = _Asked(dim, rank, line)
    readings = (_inserted,) if inserts else (_vectors, _from_the_end, _one_missing, _more_missing)
    return Reading(_SLUG, headline, certain, facts, next(causes for reading in readings if (causes := tuple(reading(asked)))), steps)


def _inserted(asked: _Asked) -> Iterator[Cause]:
    why = f"a new dim can stand at 0 to {asked.rank}: with {count(asked.rank, 'dim')} there is no place {asked.dim}"
    step = "the tensors have fewer dims than the call takes for granted: print their shapes, or use `dim=-1` for a last new dim"
    yield cause("fewer-dims", why, step, likely=True)


def _vectors(asked: _Asked) -> Iterator[Cause]:
    joins = _JOINS.search(asked.line)
    if joins and asked.dim == asked.rank == 1:
        why = f"`{joins[1]}` is to work along dim 1, and vectors have dim 0 only"
        more = "a batch of one: `x.unsqueeze(0)`"
        if joins[1].startswith("con") or joins[1] == "cat":
            more = "side by side, as columns: `torch.stack(vectors, dim=1)`"
        yield cause("vectors-have-one-dim", why, "along the only dim: `dim=0` or `dim=-1`", more, likely=True)


def _from_the_end(asked: _Asked) -> Iterator[Cause]:
    if asked.dim < -1:
        kind = {-3: " (channels, height and width)", -2: " (height and width)"}.get(asked.dim, "")
        why = f"the call counts from the end and needs {-asked.dim} dims{kind}; "
        why += f"{count(asked.missing, 'dim')} {'is' if asked.missing == 1 else 'are'} missing"
        step = "for one image put the channels or the batch back: `x.unsqueeze(0)`"
        other = "look for a flatten or a `squeeze()` that comes too early"
        yield cause("dims-missing", why, step, other, likely=True, missing=asked.missing)


def _squeezed(asked: _Asked) -> Iterator[Cause]:
    if "squeeze" in asked.line:
        why = "`squeeze()` without a dim drops every dim of size 1, the batch too when it holds one sample"
        yield cause("squeeze-took-the-batch", why, "name the dim: `squeeze(-1)` or `squeeze(1)`", likely=True)


def _one_missing(asked: _Asked) -> Iterator[Cause]:
    if asked.missing != 1:
        return
    squeezed = list(_squeezed(asked))
    yield from squeezed
    why = f"one sample without its batch dim: the call is written for {count(asked.dim + 1, 'dim')}"
    step = "keep the batch: index with `x[i:i+1]` in place of `x[i]`, or put it back with `x.unsqueeze(0)`"
    yield cause("batch-missing", why, step, likely=not squeezed, missing=1)
    if not squeezed:
        why = "a `squeeze()` before took a dim of size 1 along: in the last batch of a loader, that may be the batch"
        yield cause("squeeze-took-the-batch", why, "name the dim: `squeeze(-1)`")
    if asked.rank >= 1:
        why = f"dims are counted from 0: the last of {count(asked.rank, 'dim')} is dim {asked.rank - 1}"
        yield cause("counted-from-one", why, f"`dim={asked.rank - 1}` or `dim=-1`")


def _more_missing(asked: _Asked) -> Iterator[Cause]:
    squeezed = list(_squeezed(asked))
    yield from squeezed
    why = f"the call is written for at least {count(asked.dim + 1, 'dim')}, {asked.missing} more than there are: "
    why += "a flatten, a mean over too many dims or an index came before"
    step = "look where the dims were lost, from this line upwards"
    yield cause("dims-missing", why, step, likely=not squeezed, missing=asked.missing)


def _no_dims(found: Found) -> Reading:
    step, other = "name the dim: `squeeze(-1)`", "or bring it back: `torch.atleast_1d(x)`"
    first = cause("squeeze-took-all", "a `squeeze()` on a batch of one sample left a single number", step, other, likely=True)
    step = "reduce along one dim, or keep it: `x.sum(dim=1, keepdim=True)`"
    second = cause("reduced-to-a-number", "a `sum()`, `mean()` or a loss without `dim` gave a single number", step)
    step = "slice in place of the index: `x[0:1]`"
    third = cause("indexed-to-a-number", "an index took one element: `x[0]` of a vector", step)
    what = str(found.values.get("call") or found.values.get("verb") or "").strip("_()")
    name = f"`{what}`" if what else "the call"
    dim = found.values.get("got")
    headline = f"{name} needs at least 1 dim but receives a single number"
    if dim is not None:
        headline = f"{name} names dim {dim}, but the tensor is a single number without dims"
    facts = dict(found.values)
    return Reading(_SLUG, headline, "the tensor is 0-dimensional: its shape is []", facts, (first, second, third), (_PRINT,))


def _permute(found: Found) -> Reading:
    """As many dims as the tensor has must be listed."""
    if not found.known("got", "want"):
        why = "the order lists another number of dims than the tensor has"
        made = cause("other-rank", why, "list each dim of the tensor once", likely=True)
        return Reading(_SLUG, "`permute` orders another number of dims than it receives", "", dict(found.values), (made,), (_PRINT,))
    rank, listed = found.number("got"), found.number("want")
    match = _ORDER.search(found.context.line)
    order = [int(part) for part in match[1].split(",") if part.strip().lstrip("-").isdigit()] if match else []
    facts: dict[str, object] = {"got": rank, "want": listed, **({"order": order} if order else {})}
    headline = f"`permute` orders {count(listed, 'dim')} but receives {rank}"
    return Reading(_SLUG, headline, "", facts, tuple(_permute_causes(rank, listed)), (_PRINT,))


def _permute_causes(rank: int, listed: int) -> Iterator[Cause]:
    if (rank, listed) == (3, 4):
        why = "the order is written for a batch of images, one image of 3 dims came"
        step, other = "put the batch in front: `x.unsqueeze(0)`", "or for one image [H, W, C]: `x.permute(2, 0, 1)`"
        yield cause("batch-missing", why, step, other, likely=True)
        step = "`x.unsqueeze(1)` gives [N, 1, H, W] without a permute"
        yield cause("grey-images", "a batch of grey images without a channel dim: [N, H, W]", step)
    elif (rank, listed) == (2, 3):
        step, other = "`x.unsqueeze(0)` gives [1, H, W]", "or load it in colour: `image.convert('RGB')`"
        yield cause("grey-image", "a grey image [H, W] has no channel dim that could be moved", step, other, likely=True)
        why = "a sequence without its batch dim: [steps, features]"
        yield cause("batch-missing", why, "put the batch back: `x.unsqueeze(0)`")
    elif listed == rank - 1:
        why = "the tensor has one dim more than the order is written for, often the batch"
        step = "list the batch too: it usually stays first, as dim 0"
        if rank == 4:
            why, step = "a batch came where the order is written for one sample", "for a batch [N, H, W, C]: `x.permute(0, 3, 1, 2)`"
        yield cause("batch-not-listed", why, step, likely=True)
        step = "`x.transpose(1, 2)` swaps two dims of a tensor of any rank"
        yield cause("two-dims-to-swap", "only two dims are to change places", step)
    else:
        why = f"the order is written for {count(listed, 'dim')}, the tensor has {rank}"
        yield cause("other-rank", why, "list each dim of the tensor once", likely=True)


def _tuple_index(found: Found) -> Reading:
    """A Python message; that it is about a shape only the user's line can tell."""
    line = found.context.line
    match = _SHAPE_INDEX.search(line)
    if match:
        index = int(match[1])
        needs = index + 1 if index >= 0 else -index
        why = f"the tensor has fewer than {count(needs, 'dim')}: its batch or its channels are missing"
        step = "put the missing dim back: `x.unsqueeze(0)` for the batch of one sample"
        made = cause("fewer-dims", why, step, likely=True, needs=needs)
        headline = f"dim {index} of a shape is asked for that has fewer dims"
        return Reading(_SLUG, headline, "", {"got": index}, (made,), (_PRINT,))
    why = "if the tuple is a shape (`x.shape[3]`): the tensor has fewer dims than the code takes for granted"
    first = cause("shape-index", why, _PRINT, likely=True)
    why = "if it is a tuple of results (`output[1]`): the call gives fewer of them than expected, and this is not about shapes"
    second = cause("other-tuple", why, "print `len(...)` and the types of what the call gives")
    headline = "an index past the end of a tuple, which may be a shape"
    return Reading(_SLUG, headline, "the message does not say what tuple it is", {}, (first, second))


_I = r"-?\d{1,18}"
TEMPLATES = (
    Template(
        "dim-range",
        ("dimension out of range (expected",),
        rf"Dimension out of range \(expected to be in range of \[(?P<low>{_I}), ?(?P<high>{_I})\], but got (?P<got>{_I})\)",
        _range,
        cut=rf"Dimension out of range \(expected to be in range of \[(?P<low>{_I}), ?(?P<high>{_I})\]",
    ),
    Template(
        "dim-of-number", ("but tensor has no dimensions",), rf"Dimension specified as (?P<got>{_I}) but tensor has no dimensions", _no_dims
    ),
    Template(
        "zero-dim",
        ("cannot be applied to a 0-dim tensor", "at least a 1-dimensional tensor"),
        r"(?:(?P<call>\w{1,40})\(\) cannot be applied to a 0-dim tensor|(?P<verb>\w{1,40}) "
        r"expect(?:s|ed) at least a 1-dimensional tensor)",
        _no_dims,
    ),
    Template(
        "permute-length",
        ("the length of the desired ordering of dimensions",),
        r"(?:permute\(\w{1,30}\): )?number of dimensions in the tensor input does "
        r"not match the length of the desired ordering of dimensions"
        r"(?: i\.e\. input\.dim\(\) ?= ?(?P<got>\d{1,6}) is not equal to len\(dims\) ?= ?(?P<want>\d{1,6}))?",
        _permute,
    ),
    Template("permute-length-old", ("match in permute",), r"number of dims don\\?'t match in permute", _permute),
    Template(
        "permute-twice",
        ("permute(): duplicate dims", "repeated dim in permute"),
        r"permute\(\): duplicate dims are not allowed|repeated dim in permute",
        plain(
            _SLUG,
            "`permute` names a dim twice",
            ("dim-twice", "each dim must stand in the order once; -1 is the last dim, which may be listed by its number too"),
        ),
    ),
    Template(
        "tuple-index",
        ("tuple index out of range",),
        r"\btuple index out of range",
        _tuple_index,
        needs=r"\.shape|\.size\b|torch\.|\bdim",
        speaker="Python",
    ),
    Template(
        "dim-twice",
        ("multiple times in the list of dims", "duplicate value in the list of dims"),
        rf"(?:dim (?P<dim>{_I}) appears multiple times in the list of dims|duplicate value in the list of dims)",
        plain(
            _SLUG,
            ("dim {dim} is named twice in one call", "a dim is named twice in one call"),
            ("dim-twice", "the same dim by two names: counted from the front and from the end, as in `dim=(1, -1)` on a tensor of 2 dims"),
            ("fewer-dims", "the tensor has fewer dims than the call is written for, so that two of its dims fall together"),
            tries=(_PRINT,),
        ),
    ),
    Template(
        "same-dims",
        ("diagonal dimensions cannot be identical", "rotation dims to be different"),
        r"(?:diagonal dimensions cannot be identical|expected rotation dims to be different, but "
        r"got dim0 =) ?(?P<got>-?\d{1,6})(?:,| and dim1 =) ?(?P<other>-?\d{1,6})",
        plain(
            _SLUG,
            "the call needs two different dims but is given {got} and {other}",
            ("fewer-dims", "the two are the same dim, one of them perhaps counted from the end"),
        ),
    ),
    Template(
        "diag-rank",
        ("supports 1d or 2d tensors",),
        r"diag\(\): Supports 1D or 2D tensors\. Got (?P<rank>\d{1,3})D",
        plain(
            _SLUG,
            "`diag` takes a vector or a matrix but receives {rank} dims",
            (
                "batch-of-matrices",
                "for a batch: `torch.diagonal(x, dim1=-2, dim2=-1)` reads diagonals, `torch.diag_embed(x)` makes matrices",
            ),
        ),
    ),
    Template(
        "meshgrid",
        ("torch.meshgrid: expected",),
        r"torch\.meshgrid: Expected 0D or 1D tensor in the tensor list(?: but "
        r"got(?:[^\[]{0,1200}\[ ?[\w.]{1,40}\{(?P<shape>[\d,]{1,60})\} ?\])?)?",
        plain(
            _SLUG,
            ("`meshgrid` takes vectors but receives {shape}", "`meshgrid` takes vectors but receives a tensor of more dims"),
            (
                "not-a-vector",
                "give it one vector for each axis, `torch.arange(height)` and `torch.arange(width)`; `x.flatten()` makes a vector",
            ),
        ),
    ),
    Template(
        "vectors-only",
        ("expect a 1d vector",),
        r"Expect a 1D vector, but got shape \[(?P<shape>[^\]]{0,100})\]",
        plain(
            _SLUG,
            "`cartesian_prod` and `combinations` take vectors but receive {shape}",
            ("not-a-vector", "make a vector of it: `x.flatten()`"),
        ),
    ),
    Template(
        "movedim",
        ("movedim: invalid source or destination", "movedim: repeated dim"),
        r"movedim: (?:Invalid source or destination dims: source \(\[(?P<source>[^\]]{0,60})\] dims\) should "
        r"contain the same number of dims as destination \(\[(?P<destination>[^\]]{0,60})\] "
        r"dims\)|repeated dim in `(?P<where>\w{1,12})` \(\[(?P<dims>[^\]]{0,60})\]\))",
        plain(
            _SLUG,
            (
                "`movedim` moves dims {source} to places {destination}: one list is longer than the other",
                "`movedim` names a dim twice as {where}: {dims}",
            ),
            ("one-place-a-dim", "each dim that is moved needs one place of its own: `x.movedim((1, 2), (2, 1))`"),
        ),
    ),
    Template(
        "rot90",
        ("expected total dims >=", "expected total rotation dims"),
        r"expected total (?:rotation )?dims (?:>=|==) 2, but got (?:total )?dims = (?P<got>\d{1,6})",
        plain(
            _SLUG,
            "`rot90` turns in a plane of 2 dims but has {got}",
            ("two-dims", "the tensor needs 2 dims or more, and `dims` names just two: for images [N, C, H, W] `torch.rot90(x, 1, (2, 3))`"),
        ),
    ),
)
