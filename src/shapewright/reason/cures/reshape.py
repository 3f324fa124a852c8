"""A `view` or `reshape` whose sizes do not multiply to what is there: one of its numbers, or what the layer before gives."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, prod

from shapewright.model import Event, Number, TensorInfo
from shapewright.reason import levers, solve
from shapewright.reason.cures.numbers import evidence
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import FACTORIES
from shapewright.report import Edit

_NEAR = 3  # divisors to try on either side of a number that does not divide


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates for a reshape that does not come out even."""
    event = problem.event
    tensor = next(event.tensors(), None)
    if problem.clash.slug != "reshape-numel" or tensor is None:
        return
    asked = list(levers.numbers_in(event.args[1:] if event.op != "unflatten" else event.args[2:]))
    total = tensor.numel
    if event.op == "unflatten":
        dim = event.argument(1, "dim")
        total = tensor.shape[dim.value] if isinstance(dim, Number) and -tensor.rank <= dim.value < tensor.rank else total
    yield from _per_sample(problem, event, tensor)
    yield from _samples(problem, event, tensor)
    yield from _one_number(problem, asked, total)
    yield from _both_sides(problem, asked, total)
    yield from _before(problem, tensor, asked)
    yield from _divisors(asked, total, tensor.shape[-1] if tensor.rank else 1)


def _per_sample(problem: Problem, event: Event, tensor: TensorInfo) -> Iterator[Candidate]:
    """`x.view(-1, 400)` with a guessed 400: keep the batch, and let torch count the rest."""
    code = problem.code(event.span)
    if code is None or event.span is None or event.call != "method" or event.op not in ("view", "reshape") or tensor.rank < 2:
        return
    given = code.arguments(event.span)
    name = problem.text(event.span).partition(".")[0]
    if len(given) == 2 and name.isidentifier():
        rows = [*code.replace(given[0][1], f"{name}.size(0)"), *code.replace(given[1][1], "-1")]
        yield Candidate("batch-size", f"keep the batch of `{name}`, and flatten all the rest", tuple(rows))


def _samples(problem: Problem, event: Event, tensor: TensorInfo) -> Iterator[Candidate]:
    """`x.view(x.size(1), 128, 7, 7)`: the rest fits one sample, and the first size is not their number."""
    code = problem.code(event.span)
    if code is None or event.span is None or event.call != "method" or event.op not in ("view", "reshape") or tensor.rank < 2:
        return
    given, asked = code.arguments(event.span), event.args[1:]
    sizes = [one.value for one in asked if isinstance(one, Number)]
    if len(given) != len(asked) or len(sizes) != len(asked) or len(sizes) < 2 or -1 in sizes:
        return
    if sizes[0] != tensor.shape[0] and tensor.shape[0] * prod(sizes[1:]) == tensor.numel:
        title = f"let `{event.op}` count the samples"
        yield Candidate("batch-size", title, code.replace(given[0][1], "-1"))


def _one_number(problem: Problem, asked: list[Number], total: int) -> Iterator[Candidate]:
    if any(number.value == -1 for number in asked):
        return  # then any number would do that divides
    for number in asked:
        others = [other.value for other in asked if other is not number and other.value != -1]
        rest = prod(others)
        if number.value == -1 or number.origin is None or rest <= 0 or total % rest or total // rest == number.value:
            continue
        for settings in solve.solutions(number.origin, total // rest):
            edits = solve.edits(settings)
            square = _square(asked, number, total // rest)
            if square >= 0:
                speaks = evidence(problem, edits) + square
                yield Candidate("constant", f"ask for {total // rest} instead of {number.value}", edits, speaks)


def _both_sides(problem: Problem, asked: list[Number], total: int) -> Iterator[Candidate]:
    """Height and width together: maps of 12×12 that have become 15×15."""
    rest = prod(one.value for one in asked[:-2] if one.value != -1)
    if len(asked) < 3 or asked[-1].value != asked[-2].value or rest < 1 or total % rest:
        return
    if any(one.value == -1 for one in asked[:-2]):
        rest, total = prod(one.value for one in asked[:-2] if one.value != -1), prod(_per_row(problem)) if _per_row(problem) else total
    side = isqrt(total // rest) if rest and total % rest == 0 else 0
    origins = [one.origin for one in asked[-2:]]
    if side < 1 or side * side * rest != total or side == asked[-1].value or origins[0] is None or origins[1] is None:
        return
    first = next(solve.solutions(origins[0], side), None)
    second = next(solve.solutions(origins[1], side), None)
    if first is not None and second is not None:
        edits = solve.edits(tuple(dict.fromkeys((*first, *second))))
        yield Candidate("constant", f"ask for maps of {side}×{side} instead of {asked[-1].value}×{asked[-1].value}", edits, 2)


def _per_row(problem: Problem) -> tuple[int, ...]:
    """The sizes of one sample."""
    tensor = next(problem.event.tensors(), None)
    return tensor.shape[1:] if tensor is not None else ()


def _square(asked: list[Number], number: Number, value: int) -> int:
    """Maps are square more often than not: what makes the last two sizes equal is likelier, and what makes them unequal less so."""
    ends = [one.value for one in asked[-2:]]
    changed = [value if one is number else one.value for one in asked[-2:]]
    return 2 * (len(set(changed)) < len(set(ends))) - 2 * (len(set(changed)) > len(set(ends))) if len(asked) > 2 else 0


def _before(problem: Problem, tensor: TensorInfo, asked: list[Number]) -> Iterator[Candidate]:
    """What was asked for is right, and the layer before gives another number of features."""
    sizes = [number.value for number in asked if number.value != -1]
    if not tensor.rank or not sizes:
        return
    for batch in {tensor.shape[0], 1}:
        need, rest = divmod(prod(sizes), max(prod(tensor.shape[:-1]), 1)) if batch != 1 else (prod(sizes), 0)
        if rest or need < 1 or need == tensor.shape[-1]:
            continue
        for lever in levers.of_dim(problem.trace, tensor, tensor.rank - 1, need):
            edits = solve.edits(lever.settings)
            kind = "data-size" if lever.event is not None and lever.event.op in FACTORIES else "producer"
            given = need if lever.merged else lever.value or need
            yield Candidate(kind, f"let the layer before give {given} features", edits, evidence(problem, edits))


def _divisors(asked: list[Number], total: int, last: int) -> Iterator[Candidate]:
    """A number of heads, groups or windows that does not divide: the nearest that do."""
    leaves = {
        leaf.span: leaf for number in asked if number.origin is not None for leaf in number.origin.literals() if leaf.span is not None
    }
    for span, leaf in leaves.items():
        whole = next((size for size in (total, last) if leaf.value >= 2 and size % leaf.value), None)
        if whole is None:
            continue
        fitting = [value for value in range(1, 4 * leaf.value) if whole % value == 0]
        near = sorted(fitting, key=lambda value: abs(value - leaf.value))[:_NEAR]
        for value in near:
            edit = Edit(span, solve.written(leaf.text, value))
            yield Candidate("constant", f"change {leaf.text} to {value}, which divides {whole}", (edit,), -1)
