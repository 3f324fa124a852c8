"""`cat` and `stack` taken for one another: samples laid end to end that were to make a batch, batches that got one more dim."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, Number, TensorInfo
from shapewright.reason.places import parsed
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import chain

_CATS = ("cat", "concat", "concatenate")
_JOINING = (*_CATS, "stack")
# They read [batch, steps, features] or [steps, batch, features]: a list of steps may make either dim.
_OF_SEQUENCES = ("lstm", "gru", "rnn", "multiheadattention", "transformer", "scaled_dot_product_attention")


def propose(problem: Problem) -> Iterator[Candidate]:
    """The one for the other, where the failed call would then take what is joined."""
    if problem.event.op in _CATS:
        yield from _of_numbers(problem)
        yield from _of_maps(problem)
        return
    for tensor, _ in problem.operands():
        join = next((step for step in reversed(chain(problem.trace, tensor)) if step.op in _JOINING), None)
        if join is None or not join.output or join.output[0].shape != tensor.shape:
            continue
        parts = _parts(join)
        dim = _dim(join)
        if not parts or not parts[0].rank or dim is None:
            continue
        found = _stacked(problem, join, parts[0], dim) if join.op in _CATS else _laid_end_to_end(join, parts, dim)
        if found is not None and problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=found))):
            yield from _instead(problem, join, parts, dim)


def _of_numbers(problem: Problem) -> Iterator[Candidate]:
    """Single numbers, such as the losses of some steps, have no dim along which they could be joined."""
    parts = _parts(problem.event)
    if parts and not parts[0].rank and _dim(problem.event) == 0:
        yield from _instead(problem, problem.event, parts, 0)


def _of_maps(problem: Problem) -> Iterator[Candidate]:
    """Maps of several sizes with their channels moved to the end: the places of each are to stand one behind the other."""
    given = problem.event.argument(0, "tensors")
    parts = [part for part in given if isinstance(part, TensorInfo)] if isinstance(given, tuple) else []
    makers = {problem.trace.events[part.source].span for part in parts if part.source is not None}
    last = problem.trace.events[parts[0].source] if parts and parts[0].source is not None else None
    code = problem.code(last.span) if last is not None else None
    if last is None or last.span is None or code is None or len(makers) != 1 or last.op not in ("permute", "movedim"):
        return
    if _dim(problem.event) == 1 and all(part.rank == 4 and part.shape[::3] == parts[0].shape[::3] for part in parts):
        title = "put the places of each map one behind the other"
        yield Candidate("flatten", title, code.append(last.span, ".flatten(1, 2)"), 1)


def _parts(join: Event) -> list[TensorInfo]:
    """What is joined, when it is several tensors of one shape."""
    given = join.argument(0, "tensors")
    parts = [part for part in given if isinstance(part, TensorInfo)] if isinstance(given, tuple) else []
    alike = isinstance(given, tuple) and len(parts) == len(given) > 1 and len({part.shape for part in parts}) == 1
    return parts if alike else []


def _dim(join: Event) -> int | None:
    """The dim that `cat` joins along or that `stack` adds, counted from the first."""
    given = join.argument(1, "dim", join.kwargs.get("axis", Number(0)))
    first = next(join.tensors(), None)
    if not isinstance(given, Number) or first is None:
        return None
    rank = max(first.rank + (join.op == "stack"), 1)
    return given.value % rank if -rank <= given.value < rank else None


def _stacked(problem: Problem, join: Event, part: TensorInfo, dim: int) -> tuple[int, ...] | None:
    """The shape when the parts are stacked; None for parts that are no samples: each of a call of its own, or joined by their features."""
    code = problem.code(join.span)
    given = code.arguments(join.span) if code is not None and join.span is not None else ()
    if code is None or not given or isinstance(_expression(code.text_at(given[0][1])), ast.List | ast.Tuple):
        return None
    if dim and problem.event.op not in _OF_SEQUENCES:
        return None
    parts = _parts(join)
    makers = [problem.trace.events[one.source].span if one.source is not None else None for one in parts]
    return (*part.shape[:dim], len(parts), *part.shape[dim:]) if len(set(makers)) < len(parts) else None


def _laid_end_to_end(join: Event, parts: list[TensorInfo], dim: int) -> tuple[int, ...] | None:
    """The shape when the parts are joined along a dim that they have; None where they have no such dim."""
    shape = parts[0].shape
    return (*shape[:dim], len(parts) * shape[dim], *shape[dim + 1 :]) if dim < len(shape) else None


def _instead(problem: Problem, join: Event, parts: list[TensorInfo], dim: int) -> Iterator[Candidate]:
    code = problem.code(join.span)
    callee = code.callee(join.span) if code is not None and join.span is not None else None
    if code is None or join.span is None or callee is None or code.text_at(callee) != join.op:
        return
    if code.text_at(join.span).startswith(join.op):
        return  # a name imported by itself has no sibling beside it
    new = "stack" if join.op in _CATS else "cat"
    edits = code.replace(callee, new)
    given = join.argument(1, "dim", join.kwargs.get("axis"))
    if edits and isinstance(given, Number) and given.value < 0:  # from the last, it would be another dim
        edits = (*edits, *code.set_argument(join.span, "axis" if "axis" in join.kwargs else "dim", str(dim), 1))
    stacked = "single numbers" if not parts[0].rank else "tensors along a dim of their own" if dim else "tensors into a batch"
    title = f"stack the {len(parts)} {stacked}" if new == "stack" else f"join the {len(parts)} batches with `cat`"
    yield Candidate("join", title, edits, 1)


def _expression(text: str) -> ast.expr | None:
    first = next(iter(parsed(f"({text})").body), None)
    return first.value if isinstance(first, ast.Expr) else None
