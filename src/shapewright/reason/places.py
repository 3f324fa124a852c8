"""Where a number of a conflict stands in the source: the literal, variable, default or expression that set it. Pure.

The run has proven which literals went into the number (`Origin`); what is left here is to choose the one place to show.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from shapewright.model import Event, ModuleInfo, Number, Origin, Size, Span, TensorInfo, Trace
from shapewright.reason.ways import FACTORIES, setter, shaper
from shapewright.report import Place
from shapewright.source import code_points, contains, text_at


def demand_place(trace: Trace, event: Event, size: Size | None) -> Place | None:
    """The place that set the number which the failed call demands; None when it stands nowhere in the user's source."""
    if event.op == "load_state_dict":
        return _of_checkpoint(trace, event)
    module = trace.modules[event.module] if event.module is not None else None
    if size is None or not (size.setting or size.tensor is not None or size.number is not None):
        layer = module is not None and module.library and module.parameters
        return of_constructor(trace, module, "", (size.value if size is not None else None) or 0) if layer and module is not None else None
    if size.setting and module is not None:
        return _of_setting(trace, module, size)
    if size.setting:
        value = event.kwargs.get(size.setting)
        return of_number(trace.sources, value, event.span) if isinstance(value, Number) else None
    if size.number is not None:
        return of_number(trace.sources, size.number, event.span)
    if size.tensor is not None:
        return of_dim(trace, event, size) if size.dim is not None else _of_shape(trace, size.tensor)
    return None


def _of_setting(trace: Trace, module: ModuleInfo, size: Size) -> Place | None:
    number = module.number(size.setting, size.position)
    if number is not None:
        place = of_number(trace.sources, number, module.built)
        if place is not None:
            return place
    return of_constructor(trace, module, size.setting, size.value or 0)


def of_constructor(trace: Trace, module: ModuleInfo, setting: str, value: int) -> Place | None:
    """The constructor's argument for a setting, followed out of the functions it is handed through; the call when there is none."""
    if module.built is None:
        return None
    found: Place | None = None
    wanted, position = setting, POSITIONS.get(setting, -1)
    for span in (module.built, *module.built_stack):
        text = trace.sources.get(span.file, "")
        call = _call_at(text, span)
        if call is None:
            break
        argument = next((keyword.value for keyword in call.keywords if keyword.arg == wanted), None)
        if (
            argument is None
            and 0 <= position < len(call.args)
            and not any(isinstance(arg, ast.Starred) for arg in call.args[: position + 1])
        ):
            argument = call.args[position]
        if argument is None:
            break
        place = span_of(argument, span.file, text.split("\n"))
        found = Place(place, text_at(text, place), value)
        handed = _parameter(text, span, argument)
        if handed is None:
            break
        wanted, position = handed
    return found or Place(module.built, text_at(trace.sources.get(module.built.file, ""), module.built), value)


# Where the constructors of torch.nn take what a failing call demands.
POSITIONS = {
    "in_features": 0, "out_features": 1, "in_channels": 0, "out_channels": 1, "kernel_size": 2, "num_features": 0, "num_embeddings": 0,
    "embedding_dim": 1, "input_size": 0, "hidden_size": 1, "embed_dim": 0, "num_heads": 1, "normalized_shape": 0, "num_groups": 0,
    "num_channels": 1, "d_model": 0, "nhead": 1, "upscale_factor": 0,
}  # fmt: skip


def _call_at(text: str, span: Span) -> ast.Call | None:
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Call) and node.lineno == span.line and span_of(node, span.file, lines) == span:
            return node
    return None


def is_statement(text: str, span: Span) -> bool:
    """Whether the expression at a span is a statement of its own, so that nobody gets its value."""
    lines = text.split("\n")
    return any(
        isinstance(node, ast.Expr) and node.lineno == span.line and span_of(node.value, span.file, lines) == span
        for node in ast.walk(parsed(text))
    )


def _parameter(text: str, span: Span, argument: ast.expr) -> tuple[str, int] | None:
    """(name, position behind self) when the argument is nothing but a parameter of the function that the call stands in."""
    if not isinstance(argument, ast.Name):
        return None
    inner: ast.FunctionDef | None = None
    for node in ast.walk(parsed(text)):
        if (
            isinstance(node, ast.FunctionDef)
            and node.lineno <= span.line <= (node.end_lineno or 0)
            and (inner is None or node.lineno > inner.lineno)
        ):
            inner = node
    if inner is None:
        return None
    names = [parameter.arg for parameter in inner.args.args]
    if argument.id not in names:
        return None
    return argument.id, names.index(argument.id) - (names[0] in ("self", "cls"))


def _of_checkpoint(trace: Trace, event: Event) -> Place | None:
    """The constructor argument of the first layer whose sizes differ from the checkpoint's."""
    differing = event.argument(0, "differing")
    if event.module is None or not isinstance(differing, tuple) or not differing or not isinstance(differing[0], tuple):
        return None
    key, theirs, ours = differing[0]
    if not isinstance(key, str) or not isinstance(theirs, tuple) or not isinstance(ours, tuple):
        return None
    path = key.rpartition(".")[0]
    root = trace.modules[event.module]
    below = (module for module in trace.modules if _is_below(trace, module, root))
    layer = next((module for module in below if f".{module.path}".endswith(f".{path}")), None)
    dim = next((index for index, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), 0)
    value = ours[dim] if dim < len(ours) else None
    size = value.value if isinstance(value, Number) else 0
    if layer is None or not layer.library:
        return None
    for setting, number in layer.settings.items():
        if isinstance(number, Number) and number.value == size and setting in POSITIONS:
            return _of_setting(trace, layer, Size(size, setting=setting))
    return of_constructor(trace, layer, "", size)


def _is_below(trace: Trace, module: ModuleInfo, root: ModuleInfo) -> bool:
    index: int | None = module.index
    while index is not None and index != root.index:
        index = trace.modules[index].parent
    return index == root.index


def _of_shape(trace: Trace, tensor: TensorInfo) -> Place | None:
    made_by = shaper(trace, tensor)
    if made_by is None or made_by.span is None:
        return None
    return Place(made_by.span, text_at(trace.sources.get(made_by.span.file, ""), made_by.span), tensor.numel)


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
