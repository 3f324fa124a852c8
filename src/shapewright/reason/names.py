"""What the source calls the tensors of a call. Pure."""

from __future__ import annotations

import ast
from dataclasses import replace

from shapewright.model import Event, Trace
from shapewright.reason.places import parsed, span_of

LONGEST = 24  # a longer expression is no name


def operand_names(trace: Trace, event: Event) -> tuple[str, ...]:
    """A name for each of `event.tensors()`: as the source writes it, a parameter's own name, or ""."""
    written = _written(trace, event)
    names: list[str] = []
    for tensor in event.tensors():
        if tensor.name:
            names.append(tensor.name)
            if written and written[0].removeprefix("self.") == tensor.name:
                written.pop(0)
        else:
            names.append(written.pop(0) if written else "")
    return tuple(names)


def name_roots(trace: Trace) -> Trace:
    """The trace with a library module that stands alone (`fc = nn.Linear(…)`) called by its variable."""
    modules = list(trace.modules)
    for module in modules:
        if module.path or not module.library or module.built is None:
            continue
        text = trace.sources.get(module.built.file, "")
        lines = text.split("\n")
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and node.lineno == module.built.line:
                target = node.targets[0]
                if isinstance(target, ast.Name | ast.Attribute) and span_of(node.value, module.built.file, lines) == module.built:
                    modules[module.index] = replace(module, path=ast.unparse(target).removeprefix("self."))
    return replace(trace, modules=tuple(modules))


def _written(trace: Trace, event: Event) -> list[str]:
    if event.span is None:
        return []
    module = trace.modules[event.module] if event.module is not None else None
    if module is not None and module.library and module.parent is not None and trace.modules[module.parent].library:
        return []  # the user wrote the call of the container, not this one
    text = trace.sources.get(event.span.file, "")
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Call | ast.BinOp | ast.AugAssign | ast.Compare | ast.Subscript) and node.lineno == event.span.line:
            if span_of(node, event.span.file, lines) == event.span:
                return [_name(operand) for operand in _operands(node, module is not None and module.library)]
    return []


def _operands(node: ast.AST, of_layer: bool) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Subscript):
        return [node.value]
    if not isinstance(node, ast.Call):
        return []
    found: list[ast.expr] = []
    if not of_layer and isinstance(node.func, ast.Attribute) and not _is_namespace(node.func.value):
        found.append(node.func.value)
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        found.extend(argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument])
    return [argument for argument in found if not isinstance(argument, ast.Constant)]


def _is_namespace(node: ast.expr) -> bool:
    """`torch.cat`, `F.linear`, `nn.functional.relu`, `torch.nn.functional.relu`."""
    text = ast.unparse(node)
    return text in ("torch", "F", "nn", "functional") or text.endswith((".functional", ".linalg")) or text.startswith("torch.")


def _name(node: ast.expr) -> str:
    text = ast.unparse(node)
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
    return text if simple and len(text) <= LONGEST else ""
