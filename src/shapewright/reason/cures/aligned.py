"""A vector beside a map: `self.mean[:, None, None]`. Shapes are compared from the last dim, but the vector belongs to an earlier one.

The same for one row a sample beside many: `features + hidden.unsqueeze(1)`, [N, L, C] and [N, C].
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Number, Span, TensorInfo
from shapewright.reason.lengths import Function, function_at
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.rules.broadcast import OPS
from shapewright.reason.ways import chain
from shapewright.report import Edit
from shapewright.source import contains

_EXTREMES = ("max", "min", "maximum", "minimum")
_REDUCTIONS = ("mean", "sum", "std", "var", "amax", "amin", "norm", "logsumexp")


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that give an operand the dims of size 1 that it lacks at its end, alone and along with its like."""
    operands = list(problem.operands())
    event = problem.event
    for tensor, span in operands:
        other = _beside(problem, tensor)
        if span is not None and other is not None:
            yield from _between(problem, tensor, span, other)
    if event.op not in OPS or event.inplace or len(operands) < 2:
        return
    yield from _pairs(problem)
    for tensor, span in operands:
        other = next((one for one, _ in operands if one is not tensor and one.rank > tensor.rank), None)
        if span is None or other is None or not 1 <= tensor.rank <= 2 or (1 in tensor.shape and not _is_column(tensor, other)):
            continue
        yield from _kept(problem, tensor, other)
        for start in _starts(tensor, other):
            yield from _lifted(problem, tensor, span, start, other.rank)
            yield from _at_its_root(problem, tensor, span, start, other.rank)


def _pairs(problem: Problem) -> Iterator[Candidate]:
    """`torch.max(a[:, None], b)`: the corners of each box of one list beside those of each of the other."""
    written = list(problem.operands())[:2]
    if problem.event.op not in _EXTREMES or len(written) < 2:
        return
    (one, span), (other, _) = written
    if one.rank == other.rank == 2 and one.shape[1] == other.shape[1] and 1 not in (*one.shape, *other.shape) and span is not None:
        code = problem.code(span)
        title = f"pair each row of {_called(problem, span)} with each of the other"
        yield Candidate("align", title, code.append(span, ".unsqueeze(1)") if code is not None else ())


def _kept(problem: Problem, tensor: TensorInfo, other: TensorInfo) -> Iterator[Candidate]:
    """`x.mean(-1, keepdim=True)` beside x itself."""
    made = next((step for step in reversed(chain(problem.trace, tensor)[-3:]) if step.op in _REDUCTIONS), None)
    whole, dim = (next(made.tensors(), None), made.argument(1, "dim")) if made is not None else (None, None)
    if made is None or made.span is None or made.output[0].shape != tensor.shape or "keepdim" in made.kwargs or len(made.args) > 2:
        return
    if whole is None or whole.rank != tensor.rank + 1 or not isinstance(dim, Number) or not -whole.rank <= dim.value < whole.rank:
        return
    at = dim.value % whole.rank
    kept = replace(tensor, shape=(*whole.shape[:at], 1, *whole.shape[at + 1 :]))
    code = problem.code(made.span)
    if code is not None and other.rank == kept.rank and problem.would_fit(problem.with_operand(tensor, kept)):
        title = f"keep the dim over which `{made.op}` goes: keepdim=True"
        yield Candidate("align", title, code.set_argument(made.span, "keepdim", "True"), 2)


def _beside(problem: Problem, tensor: TensorInfo) -> TensorInfo | None:
    """What the tensor is spread over in the call, when that has more dims: the other operand, or the scores that it masks."""
    event = problem.event
    if event.op == "scaled_dot_product_attention" and tensor is event.argument(3, "attn_mask"):
        query, key = event.argument(0, "query"), event.argument(1, "key")
        if isinstance(query, TensorInfo) and isinstance(key, TensorInfo) and query.rank > tensor.rank and key.rank > 1:
            return replace(query, shape=(*query.shape[:-1], key.shape[-2]))
    if event.op == "masked_fill":
        whole = event.argument(0, "input")
        return whole if isinstance(whole, TensorInfo) and whole.rank > tensor.rank and tensor is event.argument(1, "mask") else None
    return next((one for one in event.tensors() if one is not tensor and one.rank > tensor.rank), None) if event.op in OPS else None


def _between(problem: Problem, tensor: TensorInfo, span: Span, other: TensorInfo) -> Iterator[Candidate]:
    """One row a sample, beside many: the dims that it lacks stand behind the batch. What was cut out of a table has no samples."""
    missing = other.rank - tensor.rank
    made = problem.trace.events[tensor.source] if tensor.source is not None else None
    if made is not None and made.op == "getitem" and next(made.tensors(), tensor).shape[1:] == tensor.shape[1:]:
        return
    for first in range(1, tensor.rank):
        meets = other.shape[:first] == tensor.shape[:first] and other.shape[first + missing :] == tensor.shape[first:]
        code = problem.code(span)
        if meets and code is not None and 1 not in tensor.shape:
            suffix = f".unsqueeze({first})" if missing == 1 else f"[{', '.join([':'] * first + ['None'] * missing)}]"
            words = f"add dim {first} to" if missing == 1 else f"add {missing} dims behind dim {first - 1} to"
            yield Candidate("align", f"{words} {_called(problem, span)}, one for all", code.append(span, suffix), 1)


def is_vector_of_samples(problem: Problem) -> bool:
    """Whether a vector with one number a sample stands beside maps, so that a number that makes both fit is right by chance only."""
    operands = list(problem.operands())
    if problem.event.op not in OPS or len(operands) != 2:
        return False
    (one, _), (other, _) = sorted(operands, key=lambda operand: operand[0].rank)
    vector = one.rank == 1 or _is_column(one, other)
    return vector and other.rank >= 3 and one.kind == "activation" and one.shape[0] > 1 and one.shape[0] == other.shape[0]


def _is_column(tensor: TensorInfo, other: TensorInfo) -> bool:
    """Whether it is one number a sample, `[N, 1]`, beside maps."""
    return tensor.rank == 2 and other.rank >= 3 and tensor.shape[1] == 1 and tensor.shape[0] == other.shape[0] > 1


def _at_its_root(problem: Problem, tensor: TensorInfo, span: Span, start: int, rank: int) -> Iterator[Candidate]:
    """`a = table[t]`, used as `a.sqrt() * x + (1 - a).sqrt() * noise`: the dims are added where the variable gets its value."""
    lines = problem.trace.sources.get(span.file, "").split("\n")
    function = function_at(problem.trace, span)
    code = problem.code(span)
    text = problem.text(span)
    names = {node.id for node in ast.walk(ast.parse(text.strip())) if isinstance(node, ast.Name)} if text and "\n" not in text else set()
    values = [
        one.value
        for one in ast.walk(function)
        if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name) and one.targets[0].id in names
    ]
    if len(values) != 1 or code is None or values[0].lineno >= span.line:
        return
    place = span_of(values[0], span.file, lines)
    made = [event for event in problem.trace.events[: problem.event.index] if event.span == place and event.output]
    if made and made[-1].output[0].shape == tensor.shape:
        suffix = f"[{', '.join([':'] * tensor.rank + ['None'] * (rank - start - tensor.rank))}]"
        dims = f"dim {start}" if tensor.rank == 1 else f"dims {start} and {start + 1}"
        yield Candidate("align", f"align {_called(problem, place)} with {dims} from the start", code.append(place, suffix))


def _starts(tensor: TensorInfo, other: TensorInfo) -> list[int]:
    """The dims of the other one from which on the sizes are the same; those of a table count channels before they count samples."""
    if _is_column(tensor, other):
        return [0]
    found = [start for start in range(other.rank - tensor.rank) if other.shape[start : start + tensor.rank] == tensor.shape]
    return sorted(found, key=lambda start: start == 0) if tensor.rank == 1 else found


def _lifted(problem: Problem, tensor: TensorInfo, span: Span, start: int, rank: int) -> Iterator[Candidate]:
    missing = rank - start - tensor.rank
    suffix = f"[{', '.join([':'] * tensor.rank + ['None'] * missing)}]"
    alike = _alike(problem, span)
    here = [one for one in alike if problem.event.span is not None and _statement(problem, one) == _statement(problem, problem.event.span)]
    for spans in ([span], [span, *here], [span, *alike]):
        edits = _appended(problem, spans, suffix)
        if edits:
            dims = f"dim {start}" if tensor.rank == 1 else f"dims {start} and {start + 1}"
            yield Candidate("align", f"align {say.listed([_called(problem, one) for one in spans])} with {dims}", edits)


def _appended(problem: Problem, spans: list[Span], suffix: str) -> tuple[Edit, ...]:
    found: list[Edit] = []
    for span in spans:
        code = problem.code(span)
        edits = code.append(span, suffix) if code is not None else ()
        if not edits:
            return ()
        found += edits
    return tuple(found)


def _alike(problem: Problem, span: Span) -> list[Span]:
    """The other operands of `+ - * /` in the function that are written in the same form: `self.std` beside `self.mean`."""
    text = problem.trace.sources.get(span.file, "")
    lines = text.split("\n")
    function = function_at(problem.trace, span)
    own: ast.expr | None = None
    others: list[tuple[Span, ast.expr]] = []
    for node in ast.walk(function):
        sides = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.value] if isinstance(node, ast.AugAssign) else []
        for side in sides:
            place = span_of(side, span.file, lines)
            if place == span:
                own = side
            elif (place.line, place.column) > (span.line, span.column):
                others.append((place, side))
    if own is None:
        return []
    whole = parsed(text)
    form = _form(own, function, whole)
    return [place for place, side in others if form and _form(side, function, whole) == form and not contains(span, place)]


def _form(node: ast.expr, function: Function, whole: ast.Module) -> str:
    """An expression with the names of the module's attributes left open; of a variable the form of what it was given, of a constant of the
    file what made it. "" for others."""
    if isinstance(node, ast.Name):
        values = _values(node.id, function)
        known = len(values) == 1 and not isinstance(values[0], ast.Name)
        of_file = _values(node.id, whole) if not values and function is not whole else []
        if len(of_file) == 1 and isinstance(of_file[0], ast.Call):
            return f"{ast.unparse(of_file[0].func)}(*)"
        return _form(values[0], function, whole) if known else ""
    text = ast.unparse(node)
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
            return text.replace(f"self.{part.attr}", "self.*")
    return ""


def _values(name: str, within: Function) -> list[ast.expr]:
    """What a variable is given, of a file only on its own level."""
    nodes = within.body if isinstance(within, ast.Module) else ast.walk(within)
    return [
        one.value
        for one in nodes
        if isinstance(one, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in one.targets)
    ]


def _statement(problem: Problem, span: Span) -> Span | None:
    code = problem.code(span)
    return code.statement(span) if code is not None else None


def _called(problem: Problem, span: Span) -> str:
    text = problem.text(span)
    return f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the vector"
