"""A tensor of another number of dims than the program unpacks or asks for: it is given them where the model is called.

Where the shape is asked for nothing can be mended: `x.unsqueeze(0).size(2)` leaves x as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from shapewright.model import TensorInfo
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import integer, tensor

ASKS = ("unpack", "size")


def propose(problem: Problem) -> Iterator[Candidate]:
    """Edits of the arguments of the calls that led there."""
    event = problem.event
    x, asked = tensor(event, 0, "input"), integer(event.argument(1, "dim"))
    if event.op not in ASKS or x is None or asked is None:
        return
    rank = asked if event.op == "unpack" else asked + 1 if asked >= 0 else -asked
    for span in event.stack:
        code = problem.code(span)
        given = code.arguments(span) if code is not None else ()
        if code is None or not given:
            continue
        text = code.text_at(given[0][1])
        called = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the input"
        for number, (kind, suffix, words) in enumerate(_changes(x, rank)):
            yield Candidate(kind, f"{words} {called}", code.append(given[0][1], suffix), -number)


def _changes(x: TensorInfo, rank: int) -> Iterator[tuple[str, str, str]]:
    """(kind, what is appended, what it does) for each way to that many dims."""
    if rank == x.rank + 1:
        yield "batch-dim", ".unsqueeze(0)", "add the batch dim to"
        yield "batch-dim", ".unsqueeze(1)", "add a dim of size 1 behind the batch in"
    if rank == x.rank - 1:
        for dim, size in enumerate(x.shape):
            if size == 1:
                yield "target-shape", f".squeeze({dim})", f"drop dim {dim} of"
    if 2 <= rank < x.rank:
        yield "flatten", f".flatten({rank - 1})", f"flatten all dims behind dim {rank - 2} of"
    if (rank, x.rank) == (3, 4):
        yield "flatten", ".flatten(2).transpose(1, 2)", "make a row of each place of the maps in"
    if rank == 4 and x.rank == 2 and isqrt(x.shape[1]) ** 2 == x.shape[1]:
        side = isqrt(x.shape[1])
        yield "maps", f".view(-1, 1, {side}, {side})", f"make images of {side}×{side} of"
