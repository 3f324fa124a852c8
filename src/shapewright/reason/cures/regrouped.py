"""The right numbers in other rows: a flat picture beside one with height and width, a matrix that a layer gave out as one row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from shapewright.model import Span, TensorInfo
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import loss, say
from shapewright.reason.ways import FACTORIES, setter

_PRODUCTS = ("bmm", "matmul", "baddbmm")


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that keep the batch and arrange the rest as the other side has it."""
    operands = [(tensor, span) for tensor, span in problem.operands()][:2]
    if len(operands) < 2:
        return
    if problem.event.op in (*loss.EQUAL, *loss.PLACES):
        yield from _alike(problem, operands)
    elif problem.event.op in (*_PRODUCTS, "mm"):
        for one, other in (operands, operands[::-1]):
            yield from _matrix(problem, *one, other[0])
            yield from _exchanged(problem, one[0])


def _alike(problem: Problem, operands: list[tuple[TensorInfo, Span | None]]) -> Iterator[Candidate]:
    """`loss(recon, x)` of `[32, 784]` and `[32, 1, 28, 28]`: the flat form of the one, or the form of the other."""
    (scores, first), (target, second) = operands
    if (
        scores.numel != target.numel
        or scores.shape[:1] != target.shape[:1]
        or min(scores.rank, target.rank) < 2
        or scores.rank == target.rank
    ):
        return
    for number, (tensor, span, other, place) in enumerate(((target, second, scores, first), (scores, first, target, second))):
        code = problem.code(span)
        if code is None or span is None:
            continue
        if other.rank == 2 and tensor.rank > 2:
            yield Candidate("target-shape", f"flatten {_called(problem, span)} as well", code.append(span, ".flatten(1)"), 3 - number)
        elif place is not None and problem.text(place).isidentifier():
            suffix = f".view_as({problem.text(place)})"
            yield Candidate(
                "target-shape", f"give {_called(problem, span)} the shape of {_called(problem, place)}", code.append(span, suffix), 2
            )


def _matrix(problem: Problem, flat: TensorInfo, span: Span | None, other: TensorInfo) -> Iterator[Candidate]:
    """`bmm` of `[6, 9]` and `[6, 3, 500]`: the 9 numbers of a sample are a matrix of 3×3."""
    code = problem.code(span)
    if flat.rank != 2 or other.rank != 3 or flat.shape[0] != other.shape[0] or code is None or span is None or flat.kind == "parameter":
        return
    first = next(problem.event.tensors()) is flat
    inner = other.shape[1] if first else other.shape[2]
    rest, left = divmod(flat.shape[1], inner)
    shape = (flat.shape[0], rest, inner) if first else (flat.shape[0], inner, rest)
    if left or not rest or not problem.would_fit(problem.with_operand(flat, replace(flat, shape=shape))):
        return
    title = f"read the {prod(shape[1:])} numbers of {_called(problem, span)} as a matrix of {say.by(shape[1:])}"
    yield Candidate("target-shape", title, code.append(span, f".view(-1, {shape[1]}, {shape[2]})"), 3 if rest == inner else 0)


def _exchanged(problem: Problem, weight: TensorInfo) -> Iterator[Candidate]:
    """`torch.randn(16, 13)` for a weight that is to be `[13, 16]`: its two sizes change places where it is made."""
    found = [setter(problem.trace, weight, dim) for dim in range(weight.rank)] if weight.rank == 2 else []
    both = [one[0] for one in found if one is not None]
    made = both[0] if len(both) == 2 and both[0] is both[1] else None
    if made is None or made.op not in FACTORIES or made.span is None or len(made.args) != 2:
        return
    data = next((one for one, _ in problem.operands() if one is not weight), weight)
    if data is next(problem.event.tensors()) and problem.would_fit(problem.with_operand(weight, replace(weight, shape=weight.shape[::-1]))):
        code = problem.code(made.span)
        given = code.arguments(made.span) if code is not None else ()
        if code is not None and len(given) == 2 and not any(keyword for keyword, _ in given):
            first, second = (span for _, span in given)
            edits = (*code.replace(first, code.text_at(second)), *code.replace(second, code.text_at(first)))
            shown = f"{code.text_at(second)}, {code.text_at(first)}"
            yield Candidate("swap", f"make the weight as [{shown}]", edits, 1)


def _called(problem: Problem, span: Span) -> str:
    text = problem.text(span)
    return f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the other one"
