"""Two maps of nearly one size where a skip connection joins them: the larger one is cut to the smaller."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.reason.problem import Candidate, Problem

_MOST = 4  # rows or columns; what differs by more was not rounded differently


def propose(problem: Problem) -> Iterator[Candidate]:
    """`skip[..., : x.shape[2], : x.shape[3]]`, behind a resizing, which keeps the edges."""
    if problem.clash.slug not in ("concat-mismatch", "broadcast-mismatch") or problem.module is None:
        return
    operands = [(tensor, span) for tensor, span in problem.operands() if tensor.rank == 4 and tensor.kind not in ("parameter", "buffer")]
    if len(operands) != 2:
        return
    for (large, span), (small, reference) in (operands, operands[::-1]):
        more = [a - b for a, b in zip(large.shape[2:], small.shape[2:], strict=True)]
        code = problem.code(span)
        if code is None or span is None or reference is None or min(more) < 0 or not 0 < max(more) <= _MOST:
            continue
        name, own = problem.text(reference), problem.text(span)
        if name.isidentifier() and own.isidentifier():
            cut = code.append(span, f"[..., : {name}.shape[2], : {name}.shape[3]]")
            yield Candidate("match", f"cut `{own}` to the size of `{name}`", cut, -1)
