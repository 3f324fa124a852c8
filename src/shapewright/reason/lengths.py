"""How a function can write a size of one of its tensors: `x.size(1)`, or `T` where `B, T, C = x.shape` stands. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from shapewright.model import Span, TensorInfo, Trace
from shapewright.reason.names import operand_spans
from shapewright.reason.places import parsed, span_of
from shapewright.reason.ways import way
from shapewright.source import contains, text_at

_NAME = re.compile(r"(self\.)?[^\W\d]\w*")
_FARTHEST = 16  # calls back

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def spelled(trace: Trace, at: Span, tensor: TensorInfo, written: Span | None, dim: int) -> str:
    """An expression for `tensor.shape[dim]` that can stand at `at`, "" when none is known.

    `written` is where the source writes the tensor. A tensor that has no name there is followed back to one of the same size in that dim.
    """
    function = function_at(trace, at)
    places = list(_places(trace, at, tensor, written, dim % tensor.rank)) if tensor.rank else []
    for name, rank, index, line in places:
        for variable, defined in _variables(function, name, rank, index):
            first, last = sorted((defined, line))
            changed = _assigned(function, name, first + 1, last) or _assigned(function, variable, defined + 1, at.line)
            if defined < at.line and not changed:
                return variable
    for name, _, index, line in places:
        if not _assigned(function, name, line, at.line):
            return f"{name}.size({index})"
    return ""


def function_at(trace: Trace, span: Span) -> Function:
    """The innermost function around a place, or the whole file."""
    text = trace.sources.get(span.file, "")
    found: Function = parsed(text)
    for node in ast.walk(found):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= span.line <= (node.end_lineno or 0):
            found = node  # ast.walk goes from the outer to the inner
    return found


def _places(trace: Trace, at: Span, tensor: TensorInfo, written: Span | None, dim: int) -> Iterator[tuple[str, int, int, int]]:
    """(name, rank, dim, line) wherever the function names a tensor that has the size in one of its dims, the nearest first."""
    function = function_at(trace, at)
    source = trace.sources.get(at.file, "")
    for _ in range(_FARTHEST):
        text = text_at(source, written) if written is not None and written.file == at.file else ""
        if written is not None and _NAME.fullmatch(text) and function_at(trace, written) is function:
            yield text, tensor.rank, dim, _first_line(function, written, source)
        if tensor.source is None or not 0 <= tensor.source < len(trace.events):
            return
        event = trace.events[tensor.source]
        output = next((out for out in event.output if out.shape == tensor.shape), None)
        found = way(event, output, dim) if output is not None else None
        if found is None:
            return
        tensor, written, dim = list(event.tensors())[found[0]], operand_spans(trace, event)[found[0]], found[1]


def _first_line(function: Function, span: Span, source: str) -> int:
    """Where the innermost statement around a place begins."""
    lines = source.split("\n")
    simple = [node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr)]
    return next((node.lineno for node in simple if contains(span_of(node, span.file, lines), span)), span.line)


def _assigned(function: Function, name: str, first: int, last: int) -> bool:
    """Whether something is assigned to a name in the lines from `first` up to, not including, `last`."""
    stored = [node for node in ast.walk(function) if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)]
    return any(first <= node.lineno < last and ast.unparse(node) == name for node in stored)


def _variables(function: Function, name: str, rank: int, dim: int) -> Iterator[tuple[str, int]]:
    """(variable, line) for `B, T, C = x.shape` and `T = x.size(1)`, where it is the size asked for."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and ast.unparse(value) in (f"{name}.shape", f"{name}.size()") and len(target.elts) == rank:
            variable = target.elts[dim]
            if isinstance(variable, ast.Name) and variable.id != "_":
                yield variable.id, node.lineno
        elif isinstance(target, ast.Name) and ast.unparse(value) in _spellings(name, rank, dim):
            yield target.id, node.lineno


def _spellings(name: str, rank: int, dim: int) -> set[str]:
    found = {f"{name}.{form}" for index in (dim, dim - rank) for form in (f"size({index})", f"shape[{index}]", f"size(dim={index})")}
    return found | ({f"len({name})"} if dim == 0 else set())
