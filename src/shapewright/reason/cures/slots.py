"""`x[...] = y` where `y` is longer or shorter than the part it is written to: as much of the one as the other has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from shapewright.model import Span, TensorInfo
from shapewright.reason import levers, solve
from shapewright.reason.edits import Code
from shapewright.reason.lengths import function_at, spelled
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.rules.slots import Slot, differing, part
from shapewright.reason.ways import FACTORIES, setter


@dataclass(frozen=True, slots=True)
class _Write:
    """An assignment that failed in one dim: the tensors, the part, the dim of the value, and where all stands in the source."""

    written: TensorInfo
    value: TensorInfo
    slot: Slot
    hit: int
    place: Span
    target: ast.Subscript
    code: Code


def propose(problem: Problem) -> Iterator[Candidate]:
    """The value cut to the part, the part cut to the value, or the size of the whole made to give such a part."""
    write = _write(problem)
    if write is None or write.slot.size is None:
        return
    more = write.value.shape[write.hit] - write.slot.size
    if more > 0:
        yield from _cut(problem, write)
    elif _is_length(write):
        yield from _shorter(problem, write)
    yield from _even(problem, write)


def _write(problem: Problem) -> _Write | None:
    event = problem.event
    written, value = event.argument(0, "input"), event.argument(2, "value")
    if event.op != "setitem" or event.span is None or not isinstance(written, TensorInfo) or not isinstance(value, TensorInfo):
        return None
    slots = part(written, event.argument(1, "index"))
    place = [span for tensor, span in problem.operands() if tensor is value][-1]
    code = problem.code(event.span)
    hits = differing(value.shape, slots) if slots is not None else []
    target = _target(problem, event.span)
    if slots is None or place is None or code is None or len(hits) != 1 or value.rank != len(slots) or target is None:
        return None
    return _Write(written, value, slots[hits[0]], hits[0] % value.rank, place, target, code)


def _target(problem: Problem, span: Span) -> ast.Subscript | None:
    lines = problem.trace.sources[span.file].split("\n")
    for node in ast.walk(function_at(problem.trace, span)):
        if isinstance(node, ast.Subscript) and node.lineno == span.line and span_of(node, span.file, lines) == span:
            return node
    return None


def _cut(problem: Problem, write: _Write) -> Iterator[Candidate]:
    """`y[:, : d // 2]`, as far as there is room. A value that does not fit a whole row of features was made for another buffer."""
    if write.slot.whole and not _is_length(write):
        return
    size = _room(problem, write)
    stop = size if size.isidentifier() or size.isdigit() else f" {size}"
    suffix = f"[{', '.join([*[':'] * write.hit, f':{stop}'])}]"
    text = problem.text(write.place)
    called = f"`{text}`" if len(text) <= say.LONGEST_NAME else "the value"
    yield Candidate("slice", f"write only the first {write.slot.size} of {called}", write.code.append(write.place, suffix), 1)


def _room(problem: Problem, write: _Write) -> str:
    """How the function can write the size of the part."""
    index = _index(write)
    if isinstance(index, ast.Slice) and index.lower is None and index.step is None and index.upper is not None:
        return ast.unparse(index.upper)
    dim = write.slot.dim
    step = index.step.value if isinstance(index, ast.Slice) and isinstance(index.step, ast.Constant) else 1
    name = _asked(problem, write, dim) if dim is not None else ""
    if name and dim is not None and isinstance(step, int) and step > 0 and write.written.shape[dim] // step == write.slot.size:
        return name if step == 1 else f"{name} // {step}"
    return str(write.slot.size)


def _index(write: _Write) -> ast.expr | None:
    """What the source writes for the dim of the part."""
    given = write.target.slice
    parts = given.elts if isinstance(given, ast.Tuple) else [given]
    dim = write.slot.dim
    if dim is None or any(isinstance(one, ast.Constant) and one.value in (None, ...) for one in parts):
        return None
    return parts[dim] if dim < len(parts) else None


def _asked(problem: Problem, write: _Write, dim: int) -> str:
    """A name for the size of a dim of what is written to: as its maker in this function says it, or `x.size(1)`."""
    found = setter(problem.trace, write.written, dim)
    made_by = found[0] if found is not None else None
    code = problem.code(made_by.span) if made_by is not None else None
    if made_by is not None and made_by.span is not None and code is not None and made_by.op in FACTORIES:
        given = code.arguments(made_by.span)
        text = code.text_at(given[dim][1]) if len(given) > dim and len(made_by.args) > dim and given[dim][0] is None else ""
        if text.isidentifier() and made_by.function == problem.event.function:
            return text
    name = ast.unparse(write.target.value)
    return f"{name}.size({dim})" if write.target.value is not None and len(name) <= say.LONGEST_NAME else ""


def _is_length(write: _Write) -> bool:
    """Whether the dim counts entries of a sequence: the only one of the value, or one that is not its last."""
    return write.value.rank == 1 or write.hit < write.value.rank - 1


def _shorter(problem: Problem, write: _Write) -> Iterator[Candidate]:
    """`x[i, : len(y)] = y`: a row is filled as far as the value goes."""
    span, dim = problem.event.span, write.slot.dim
    if span is None or dim is None or not isinstance(problem.event.argument(0, "input"), TensorInfo):
        return
    given = write.target.slice
    parts = list(given.elts) if isinstance(given, ast.Tuple) else [given]
    if any(isinstance(one, ast.Constant) and one.value in (None, ...) for one in parts) or len(parts) > write.written.rank:
        return
    texts = [ast.unparse(one) for one in parts]
    texts += [":"] * (dim + 1 - len(texts))
    index = _index(write)
    if index is not None and not (isinstance(index, ast.Slice) and index.lower is None and index.step is None):
        return
    size = spelled(problem.trace, span, write.value, write.place, write.hit)
    name = problem.text(write.place)
    size = f"len({name})" if write.hit == 0 and name.isidentifier() else size
    if not size:
        return
    texts[dim] = f":{size}" if size.isidentifier() else f": {size}"
    edits = write.code.replace(span, f"{ast.unparse(write.target.value)}[{', '.join(texts)}]")
    called = f"`{name}`" if name.isidentifier() else "the value"
    yield Candidate("slice", f"fill it only as far as {called} goes", edits)


def _even(problem: Problem, write: _Write) -> Iterator[Candidate]:
    """A size of which every second entry is taken twice, from 0 on and from 1 on, has to be even."""
    dim, index = write.slot.dim, _index(write)
    if dim is None or not isinstance(index, ast.Slice) or not isinstance(index.step, ast.Constant) or write.slot.size is None:
        return
    step, old = index.step.value, write.written.shape[dim]
    if not isinstance(step, int) or step < 2 or old % step == 0:
        return
    for new in (old - old % step, old - old % step + step):
        for lever in levers.of_dim(problem.trace, write.written, dim, new):
            changes = ", ".join(f"{leaf.text} to {solve.written(leaf.text, value)}" for leaf, value in lever.settings)
            yield Candidate("constant", f"change {changes}, a multiple of {step}", solve.edits(lever.settings))


def is_written_to(problem: Problem, made_by: object) -> bool:
    """Whether a call made the buffer that the failed assignment writes to."""
    written = problem.event.argument(0, "input")
    if problem.event.op != "setitem" or not isinstance(written, TensorInfo):
        return False
    return any((found := setter(problem.trace, written, dim)) is not None and found[0] is made_by for dim in range(written.rank))
