"""Scores for the pixels of smaller maps than the classes are given for: they are brought to the size of the targets."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import TensorInfo
from shapewright.reason.problem import Candidate, Problem


def propose(problem: Problem) -> Iterator[Candidate]:
    """`F.interpolate(scores, size=target.shape[-2:])`, where one factor makes both sides fit."""
    operands = list(problem.operands())[:2]
    if problem.event.op != "cross_entropy" or len(operands) < 2:
        return  # between logarithms, as `nll_loss` takes them, nothing can be put
    (scores, place), (target, written) = operands
    code = problem.code(place)
    if code is None or place is None or written is None or not _is_smaller(scores, target):
        return
    name = problem.text(written)
    size = f"{name}.shape[-2:]" if name.isidentifier() else str(tuple(target.shape[-2:]))
    functional, imports = code.name_of("torch.nn.functional")
    edits = code.wrap(place, f"{functional}.interpolate(", f', size={size}, mode="bilinear", align_corners=False)')
    height, width = target.shape[-2:]
    yield Candidate("match", f"bring the scores to the {height}×{width} pixels of the targets", (*imports, *edits), 2)


def _is_smaller(scores: TensorInfo, target: TensorInfo) -> bool:
    """Whether the targets have as many samples, and each side of them the same number of times the pixels."""
    if scores.rank != 4 or target.rank != 3 or target.is_floating or scores.shape[0] != target.shape[0] or 0 in scores.shape:
        return False
    times = {whole / side for side, whole in zip(scores.shape[-2:], target.shape[-2:], strict=True)}
    return len(times) == 1 and times.pop() in (2, 4, 8, 16, 32)
