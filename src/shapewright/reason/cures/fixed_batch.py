"""A batch size that is written into a model: the batch taken from the data, or left to the call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Span
from shapewright.reason.names import operand_spans
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.silent import last_batch
from shapewright.reason.silent.last_batch import RESHAPES, STATEFUL, Written
from shapewright.report import Edit


def propose(problem: Problem) -> Iterator[Candidate]:
    """All places at once: while one of them is left, no other batch runs."""
    for probe in problem.trace.probes:
        call = last_batch.bound_call(problem.trace, probe)
        found = list(last_batch.written(problem.trace, call, probe)) if call is not None else []
        if call is None or all(one.event is not problem.event for one in found):
            continue
        names = {one.event.index: _named(problem, one, call.inputs[0].shape if call.inputs else (), probe.batch_dim or 0) for one in found}
        taken = [_sized(problem, one, names[one.event.index]) for one in found]
        called = next((name for name in names.values() if name), "")
        if all(taken) and called:
            yield Candidate("batch-size", f"take the batch from `{called.partition('.')[0]}`", sum(taken, ()))
        left = [_counted(problem, one) or some for one, some in zip(found, taken, strict=True)]
        if all(left) and left != taken:
            yield Candidate("batch-size", "let the view count the samples", sum(left, ()), -1)
        flat = [_flattened(problem, one) or some for one, some in zip(found, taken, strict=True)]
        if all(flat) and flat != taken:
            yield Candidate("flatten", "keep the batch, and flatten all the rest", sum(flat, ()))
        states = [_own_state(problem, one) or some for one, some in zip(found, taken, strict=True)]
        if all(states) and states != taken:
            layers = [one.user.module for one in found if one.user is not None and one.user.module is not None]
            layer = say.module_name(problem.trace.modules[layers[0]]) if layers else "the layer"
            yield Candidate("state", f"let `{layer}` start from its own zeros, one for each sample", tuple(dict.fromkeys(sum(states, ()))))


def _named(problem: Problem, one: Written, given: tuple[int, ...], dim: int) -> str:
    """The batch as this place can write it: `x.size(0)` of the operand, or of what the function was given."""
    event = one.user if one.user is not None else one.event
    if one.data is not None and event.function == one.event.function:
        for tensor, span in zip(event.tensors(), operand_spans(problem.trace, event), strict=True):
            name = problem.text(span) if span is not None and tensor is one.data else ""
            if name.isidentifier() and tensor.shape[one.dim] == one.origin.value and _bound_before(problem, one, name):
                return f"{name}.size({one.dim})"
    name = _first_parameter(problem, one)
    return f"{name}.size({dim})" if name and len(given) > dim and one.event.function.endswith("forward") else ""


def _bound_before(problem: Problem, one: Written, name: str) -> bool:
    """Whether the variable is there where the number stands, and not only where the data meets it."""
    function = _function(problem, one.event.span)
    span = one.event.span
    if function is None or span is None or one.user is None:
        return True
    if any(parameter.arg == name for parameter in function.args.args):
        return True
    stores = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)]
    return any(node.lineno < span.line for node in stores)


def _function(problem: Problem, span: Span | None) -> ast.FunctionDef | None:
    text = problem.trace.sources.get(span.file, "") if span is not None else ""
    found = [node for node in ast.walk(parsed(text)) if isinstance(node, ast.FunctionDef)]
    around = [node for node in found if span is not None and node.lineno <= span.line <= (node.end_lineno or 0)]
    return max(around, key=lambda node: node.lineno, default=None)


def _first_parameter(problem: Problem, one: Written) -> str:
    function = _function(problem, one.event.span)
    names = [parameter.arg for parameter in function.args.args if parameter.arg != "self"] if function is not None else []
    return names[0] if names else ""


def _sized(problem: Problem, one: Written, name: str) -> tuple[Edit, ...]:
    """The number, or the factor of a product that is the batch, taken from the data."""
    span = _span(problem, one)
    code = problem.code(span)
    if code is None or span is None or not name:
        return ()
    factors = one.argument
    if isinstance(factors, ast.BinOp) and one.origin.span is not None and one.origin.value != 0:
        text = problem.trace.sources[span.file]
        for node in ast.walk(factors):
            if isinstance(node, ast.Constant | ast.Name) and _is_batch(problem, one, node, span, text):
                return code.replace(span_of(node, span.file, text.split("\n")), name)
        return ()
    return code.replace(span, name)


def _is_batch(problem: Problem, one: Written, node: ast.Constant | ast.Name, span: Span, text: str) -> bool:
    if isinstance(node, ast.Constant):
        return span_of(node, span.file, text.split("\n")) == one.origin.span
    assigned = (
        step
        for step in ast.walk(parsed(text))
        if isinstance(step, ast.Assign) and any(isinstance(to, ast.Name) and to.id == node.id for to in step.targets)
    )
    return any(span_of(step.value, span.file, text.split("\n")) == one.origin.span for step in assigned)


def _span(problem: Problem, one: Written) -> Span | None:
    file = one.event.span.file if one.event.span is not None else ""
    return span_of(one.argument, file, problem.trace.sources[file].split("\n")) if file else None


def _counted(problem: Problem, one: Written) -> tuple[Edit, ...]:
    """`x.view(32, 100)` → `x.view(-1, 100)`, where every other size is given."""
    span = _span(problem, one)
    code = problem.code(span)
    given = one.event.args[1:]
    minus = any(getattr(value, "value", 0) == -1 for value in (given[0] if given and isinstance(given[0], tuple) else given))
    if one.event.op not in RESHAPES or minus or code is None or span is None:
        return ()
    return code.replace(span, "-1")


def _flattened(problem: Problem, one: Written) -> tuple[Edit, ...]:
    """`x.view(32, -1)` → `x.flatten(1)`."""
    event = one.event
    code, span = problem.code(event.span), event.span
    operand = next(event.tensors(), None)
    if event.op not in RESHAPES or one.dim or code is None or span is None or operand is None or operand.shape[0] != one.origin.value:
        return ()
    first = operand_spans(problem.trace, event)[0]
    if event.output[0].rank != 2 or operand.rank < 3 or first is None or event.call != "method":
        return ()
    return code.replace(span, f"{code.text_at(first)}.flatten(1)")


def _own_state(problem: Problem, one: Written) -> tuple[Edit, ...]:
    """`self.lstm(x, (h, c))` → `self.lstm(x)`, when the state is zeros."""
    user = one.user
    code = problem.code(user.span) if user is not None else None
    if user is None or user.op not in STATEFUL or code is None or user.span is None or one.event.op not in ("zeros", "new_zeros"):
        return ()
    keyword = next((name for name, _ in code.arguments(user.span) if name == "hx"), None)
    return code.drop_argument(user.span, keyword, 1)
