"""Where a number of a conflict stands in the source: the literal, variable, default or expression that set it. Pure.

The run has proven which literals went into the number (`Origin`); what is left here is to choose the one place to show.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from shapewright.model import Event, ModuleInfo, Number, Origin, Place, Size, Span, Trace
from shapewright.reason.ways import FACTORIES, setter
from shapewright.source import code_points, contains, text_at


def demand_place(trace: Trace, event: Event, size: Size | None) -> Place | None:
    """The place that set the number which the failed call demands; None when it stands nowhere in the user's source."""
    if size is None or size.value is None:
        return None
    module = trace.modules[event.module] if event.module is not None else None
    if size.setting and module is not None:
        return _of_setting(trace, module, size)
    if size.setting:
        value = event.kwargs.get(size.setting)
        return of_number(trace.sources, value, event.span) if isinstance(value, Number) else None
    if size.number is not None:
        return of_number(trace.sources, size.number, event.span)
    if size.tensor is not None and size.dim is not None:
        return of_dim(trace, event, size)
    return None


def _of_setting(trace: Trace, module: ModuleInfo, size: Size) -> Place | None:
    number = module.number(size.setting, size.position)
    if number is None and isinstance(module.settings.get(size.setting), tuple):
        number = module.number(size.setting)
    place = of_number(trace.sources, number, module.built) if number is not None else None
    if place is None and module.built is not None:
        return Place(module.built, text_at(trace.sources.get(module.built.file, ""), module.built), size.value or 0)
    return place


def of_dim(trace: Trace, event: Event, size: Size) -> Place | None:
    """The place that set a dim of an operand: a size written for a factory or parameter, else the call that made it."""
    tensor, dim = size.tensor, size.dim
    assert tensor is not None and dim is not None
    found = setter(trace, tensor, dim % max(tensor.rank, 1))
    if found is None:
        return None
    made_by, at = found
    if made_by.op in FACTORIES:
        sizes = made_by.args[0] if made_by.args and isinstance(made_by.args[0], tuple) else made_by.args
        if at < len(sizes):
            number = sizes[at]
            if isinstance(number, Number) and number.value == size.value:
                return of_number(trace.sources, number, made_by.span)
    module = trace.modules[made_by.module] if made_by.module is not None else None
    if module is not None and module.library:
        for setting in ("out_features", "out_channels", "embedding_dim", "hidden_size"):
            number = module.number(setting)
            if number is not None and number.value == size.value:
                return of_number(trace.sources, number, module.built)
    if made_by.span is None:
        return None
    return Place(made_by.span, text_at(trace.sources.get(made_by.span.file, ""), made_by.span), size.value or 0)


def of_number(sources: Mapping[str, str], number: Number, used_in: Span | None) -> Place | None:
    """One place for a number that may have been put together from several: a single literal where there is one, else the expression
    inside the call that used it."""
    if number.origin is None:
        return None
    written = list(_written(number.origin))
    if len(written) == 1:
        only = written[0]
        assert only.span is not None
        return Place(only.span, only.text, only.value)
    inside = [origin for origin in written if used_in is not None and origin.span is not None and contains(used_in, origin.span)]
    if used_in is not None and inside:
        argument = _argument_holding(sources.get(used_in.file, ""), used_in, inside[0].span)
        if argument is not None:
            span, text = argument
            return Place(span, text, number.value)
    if written:
        first = inside[0] if inside else written[-1]
        assert first.span is not None
        return Place(first.span, first.text, first.value)
    return None


def _written(origin: Origin) -> list[Origin]:
    """The parts that stand in the source as one text each."""
    if origin.span is not None:
        return [origin]
    return [found for part in origin.parts for found in _written(part)]


def _argument_holding(text: str, call: Span, inner: Span | None) -> tuple[Span, str] | None:
    """The whole argument of the call at `call` in which `inner` stands."""
    if inner is None:
        return None
    tree = parsed(text)
    lines = text.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and span_of(node, call.file, lines) == call:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                span = span_of(argument, call.file, lines)
                if contains(span, inner):
                    return span, text_at(text, span)
    return None


@lru_cache(maxsize=32)
def parsed(text: str) -> ast.Module:
    """The syntax tree of a source, remembered; an empty one when it has none."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def span_of(node: ast.expr | ast.stmt, file: str, lines: list[str]) -> Span:
    """A node's place in our units."""
    end_line = node.end_lineno or node.lineno
    return Span(
        file,
        node.lineno,
        code_points(lines, node.lineno, node.col_offset) + 1,
        end_line,
        code_points(lines, end_line, node.end_col_offset or 0) + 1,
    )
