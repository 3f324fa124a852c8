"""`gather` and `scatter` with an index that lacks a dim: it belongs where the call picks, and what was picked loses it again.

`q.gather(1, a)` of `[32, 2]` with actions `[32]` is meant as one pick a row: `a.unsqueeze(1)`. With `a.unsqueeze(0)` it runs as well, and
takes all of them from the first row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shapewright.model import Number, Span, TensorInfo
from shapewright.reason.edits import Code
from shapewright.reason.lengths import spelled
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.report import Edit

PICKING = ("gather", "take_along_dim")
FILLING = ("scatter", "scatter_add", "scatter_reduce")
_SURE = 3


@dataclass(frozen=True, slots=True)
class _Pick:
    """The call: the tensor, the index that lacks dims, along which dim, and where they stand in the source."""

    x: TensorInfo
    index: TensorInfo
    place: Span
    dim: int
    call: Span
    code: Code
    source: tuple[TensorInfo, Span | None] | None = None  # what `scatter` writes


def propose(problem: Problem) -> Iterator[Candidate]:
    """The index with the dims that it lacks, with and without the dim dropped again behind the call."""
    pick = _pick(problem)
    if pick is None:
        return
    if pick.source is not None:
        yield from _like_source(problem, pick, *pick.source)
        return
    for dim in (pick.dim, *(other for other in range(pick.x.rank) if other != pick.dim)):
        if (*pick.x.shape[:dim], *pick.x.shape[dim + 1 :]) == pick.index.shape:
            yield from _one_each(problem, pick, dim)
            break
    else:
        yield from _whole_rows(problem, pick)


def lacks_dims(problem: Problem) -> bool:
    """Whether the call fails for an index with fewer dims than the tensor; a dim of size 1 anywhere else would make it run as well."""
    return _pick(problem) is not None


def _pick(problem: Problem) -> _Pick | None:
    event, span = problem.event, problem.event.span
    if event.op not in (*PICKING, *FILLING) or span is None:
        return None
    along = event.op == "take_along_dim"
    x, index = event.argument(0, "input"), event.argument(1 if along else 2, "indices" if along else "index")
    dim = event.argument(2 if along else 1, "dim")
    source = event.argument(3, "src") if event.op in FILLING else None
    code = problem.code(span)
    if not isinstance(x, TensorInfo) or not isinstance(index, TensorInfo) or not isinstance(dim, Number) or code is None:
        return None
    places = {id(tensor): place for tensor, place in problem.operands()}
    place = places.get(id(index))
    if place is None or not 0 < index.rank < x.rank or not -x.rank <= dim.value < x.rank:
        return None
    written = (source, places.get(id(source))) if isinstance(source, TensorInfo) and source.rank else None
    return _Pick(x, index, place, dim.value % x.rank, span, code, written)


def _one_each(problem: Problem, pick: _Pick, dim: int) -> Iterator[Candidate]:
    """One pick for each of the other entries."""
    edits = pick.code.append(pick.place, f".unsqueeze({dim})")
    called = _called(problem, pick.place, "the index")
    if dim != pick.dim:
        edits = (*edits, *_along(problem, pick, dim))
    words = f"pick one along dim {dim} with `{called}.unsqueeze({dim})`"
    if edits:
        yield Candidate("target-shape", words, edits, _SURE)
        if problem.event.op in PICKING:
            again = pick.code.append(pick.call, f".squeeze({dim})")
            yield Candidate("target-shape", f"{words}, and drop that dim again", (*edits, *again), _SURE - 1)
    other = next((at for at in range(pick.index.rank + 1) if at != dim and _fits(problem, pick, at)), None)
    if dim == pick.dim and other is not None:
        whose = _called(problem, _tensor_span(problem), "the tensor")
        trap = f"takes all {pick.index.shape[-1]} from the first row of `{whose}`" if other == 0 else "picks for other entries than its own"
        title = f"add a dim of size 1 at {other} to `{called}`"
        yield Candidate("target-shape", title, pick.code.append(pick.place, f".unsqueeze({other})"), trap=trap)


def _tensor_span(problem: Problem) -> Span | None:
    """Where the tensor that is picked from stands."""
    return next((span for _, span in problem.operands()), None)


def _fits(problem: Problem, pick: _Pick, at: int) -> bool:
    shape = (*pick.index.shape[:at], 1, *pick.index.shape[at:])
    return problem.would_fit(problem.with_operand(pick.index, replace(pick.index, shape=shape)))


def _along(problem: Problem, pick: _Pick, dim: int) -> tuple[Edit, ...]:
    position = 2 if problem.event.op == "take_along_dim" else 1
    return pick.code.set_argument(pick.call, "dim", str(dim), position - (problem.event.call == "method"))


def _whole_rows(problem: Problem, pick: _Pick) -> Iterator[Candidate]:
    """`x.gather(1, last)` of `[batch, time, features]`: all features of one step for each sample."""
    x, index, dim = pick.x, pick.index, pick.dim
    alone = index.shape == x.shape[:dim]
    if not alone and not (index.rank == dim + 1 and index.shape[:dim] == x.shape[:dim]):
        return
    if dim == 0 or dim == x.rank - 1:
        return
    x_span = _tensor_span(problem)
    sizes = [spelled(problem.trace, pick.call, x, x_span, at) or str(x.shape[at]) for at in range(dim + 1, x.rank)]
    missing = ", ".join(["None"] * (x.rank - index.rank))
    kept = ", ".join(["-1"] * (dim + 1))
    edits = pick.code.append(pick.place, f"[..., {missing}].expand({kept}, {', '.join(sizes)})")
    words = f"repeat `{_called(problem, pick.place, 'the index')}` for all features of a row"
    if edits:
        yield Candidate("target-shape", words, edits, _SURE)
        if alone and problem.event.op in PICKING:
            squeezed = pick.code.append(pick.call, f".squeeze({dim})")
            yield Candidate("target-shape", f"{words}, and drop dim {dim} again", (*edits, *squeezed), _SURE - 1)


def _like_source(problem: Problem, pick: _Pick, source: TensorInfo, place: Span | None) -> Iterator[Candidate]:
    """`zeros.scatter_add(0, dst, messages)`: the index of a row counts for each of its features."""
    index = pick.index
    if source.rank != pick.x.rank or source.shape[: index.rank] != index.shape:
        return
    text = problem.text(place) if place is not None else ""
    missing = ", ".join(["None"] * (source.rank - index.rank))
    if text.replace(".", "").isidentifier():
        like = f"expand_as({text})"
    else:
        like = f"expand({', '.join(['-1'] * index.rank)}, {', '.join(map(str, source.shape[index.rank :]))})"
    called = _called(problem, pick.place, "the index")
    title = f"let `{called}` count for all features of a row"
    yield Candidate("target-shape", title, pick.code.append(pick.place, f"[:, {missing}].{like}"), _SURE)
    callee = pick.code.callee(pick.call)
    if pick.dim == 0 and index.rank == 1 and callee is not None and problem.event.op == "scatter_add":
        name = pick.code.text_at(callee).replace("scatter_add", "index_add")
        edits = pick.code.replace(callee, name)
        yield Candidate("target-shape", f"add whole rows with `{name}`", edits, _SURE - 1)


def _called(problem: Problem, span: Span | None, fallback: str) -> str:
    text = problem.text(span) if span is not None else ""
    return text if 0 < len(text) <= 2 * say.LONGEST_NAME and "\n" not in text else fallback
