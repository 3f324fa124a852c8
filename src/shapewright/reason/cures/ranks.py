"""A tensor of another number of dims than the program unpacks or asks for: it is given them where the model is called, or where it is made.

Where the shape is asked for nothing can be mended: `x.unsqueeze(0).size(2)` leaves x as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import isqrt

from shapewright.model import Span, TensorInfo
from shapewright.reason.lengths import function_at
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import integer, tensor
from shapewright.reason.ways import chain

ASKS = ("unpack", "size")
_LAYERS = ("linear", "conv", "lstm", "gru", "rnn", "embedding", "batch_norm", "layer_norm", "multiheadattention", "scaled_dot_product")


def propose(problem: Problem) -> Iterator[Candidate]:
    """Edits of the arguments of the calls that handed the tensor on, and of the call that made it."""
    event = problem.event
    x, asked = tensor(event, 0, "input"), integer(event.argument(1, "dim"))
    if event.op not in ASKS or x is None or asked is None:
        return
    rank = asked if event.op == "unpack" else asked + 1 if asked >= 0 else -asked
    for number, span in enumerate(places(problem, next((span for _, span in problem.operands()), None))):
        yield from _appended(problem, span, x, rank, -number)


def _appended(problem: Problem, span: Span, x: TensorInfo, rank: int, speaks: int) -> Iterator[Candidate]:
    code = problem.code(span)
    if code is None:
        return
    text = code.text_at(span)
    called = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the input"
    for number, (kind, suffix, words) in enumerate(_changes(problem, x, rank)):
        yield Candidate(kind, f"{words} {called}", code.append(span, suffix), speaks - number)


def places(problem: Problem, place: Span | None) -> Iterator[Span]:
    """Where a tensor of the failed call comes from: arguments of the calls that handed it on, from the inner to the outer, and what made
    it there."""
    frames = [problem.event.span, *problem.event.stack]
    for frame, caller in zip(frames, [*frames[1:], None], strict=True):
        name = problem.text(place) if place is not None else ""
        if frame is None or not name.isidentifier():
            return
        function = function_at(problem.trace, frame)
        values = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and node.lineno < frame.line and name in [ast.unparse(target) for target in node.targets]
        ]
        if values:
            last = max(values, key=lambda value: value.lineno)
            if isinstance(last, ast.Call | ast.Subscript):
                yield span_of(last, frame.file, problem.trace.sources[frame.file].split("\n"))
            return
        code = problem.code(caller)
        given = [one.arg for one in function.args.args] if not isinstance(function, ast.Module) else []
        if caller is None or code is None or name not in given:
            return
        place = code.argument(caller, name, given.index(name) - (given[0] in ("self", "cls")))
        if place is None:
            return
        yield place


def _changes(problem: Problem, x: TensorInfo, rank: int) -> Iterator[tuple[str, str, str]]:
    """(kind, what is appended, what it does) for each way to that many dims."""
    if (rank, x.rank) == (3, 4) and _is_made(problem, x):
        yield "flatten", ".flatten(2).transpose(1, 2)", "make a row of each place of the maps in"
    if rank == x.rank + 1:
        yield "batch-dim", ".unsqueeze(0)", "add the batch dim to"
        yield "batch-dim", ".unsqueeze(1)", "add a dim of size 1 behind the batch in"
    if rank == x.rank - 1:
        for dim, size in enumerate(x.shape):
            if size == 1:
                yield "target-shape", f".squeeze({dim})", f"drop dim {dim} of"
    if 2 <= rank < x.rank:
        yield "flatten", f".flatten({rank - 1})", f"flatten all dims behind dim {rank - 2} of"
    if (rank, x.rank) == (3, 4) and not _is_made(problem, x):
        yield "flatten", ".flatten(2).transpose(1, 2)", "make a row of each place of the maps in"
    if rank == 4 and x.rank == 2 and isqrt(x.shape[1]) ** 2 == x.shape[1] and not _is_made(problem, x):
        side = isqrt(x.shape[1])
        yield "maps", f".view(-1, 1, {side}, {side})", f"make images of {side}×{side} of"


def _is_made(problem: Problem, x: TensorInfo) -> bool:
    """Whether a layer made the tensor: it is no data, and its features are no pixels."""
    return any(step.op.startswith(_LAYERS) for step in chain(problem.trace, x))
