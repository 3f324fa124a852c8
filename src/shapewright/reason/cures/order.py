"""A product whose factors stand in the wrong order: `torch.mm(x, adjacency)` where the matrix goes before what it mixes."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import TensorInfo
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_PRODUCTS = ("mm", "bmm", "matmul")


def propose(problem: Problem) -> Iterator[Candidate]:
    """The factors exchanged, where one is square, so that the product has the shape of the other one."""
    written = list(problem.operands())
    if problem.event.op not in _PRODUCTS or len(written) != 2:
        return
    (left, first), (right, second) = written
    code = problem.code(first)
    if first is None or second is None or code is None or not _fits(right, left):
        return
    texts = code.text_at(first), code.text_at(second)
    if texts[0] == texts[1] or any("\n" in text for text in texts):
        return
    names = [f"`{text}`" if len(text) <= say.LONGEST_NAME else "the other" for text in texts]
    edits = (*code.replace(first, texts[1]), *code.replace(second, texts[0]))
    yield Candidate("swap", f"multiply {names[1]} with {names[0]}, and not the other way round", edits, 2)


def _fits(left: TensorInfo, right: TensorInfo) -> bool:
    """Whether they can be multiplied in this order, and one of them is a square matrix."""
    if left.rank < 2 or right.rank < 2 or left.shape[-1] != right.shape[-2]:
        return False
    batches = left.rank == 2 or right.rank == 2 or left.shape[:-2] == right.shape[:-2]
    return batches and (left.shape[-1] == left.shape[-2] or right.shape[-1] == right.shape[-2])
