"""What the source calls the tensors of a call. Pure."""

from __future__ import annotations

import ast
from dataclasses import replace

from shapewright.model import Event, ModuleInfo, Span, TensorInfo, Trace
from shapewright.reason.places import parsed, span_of
from shapewright.source import contains

_WRITTEN = (ast.Call, ast.BinOp, ast.AugAssign, ast.Compare, ast.Subscript, ast.Attribute)
LONGEST = 24  # a longer expression is no name


def operand_names(trace: Trace, event: Event) -> tuple[str, ...]:
    """A name for each of `event.tensors()`: as the source writes it, a parameter's own name, or ""."""
    nodes = _by_tensor(event, _written(trace, event))
    return tuple(tensor.name or (_name(node) if node is not None else "") for tensor, node in zip(event.tensors(), nodes, strict=True))


def operand_spans(trace: Trace, event: Event) -> tuple[Span | None, ...]:
    """Where the source writes each of `event.tensors()`; None for those it does not (a layer's own weight, say)."""
    if event.span is None:
        return tuple(None for _ in event.tensors())
    file, lines = event.span.file, trace.sources.get(event.span.file, "").split("\n")
    nodes = _by_tensor(event, _written(trace, event))
    return tuple(None if node is None else span_of(node, file, lines) for node in nodes)


def _by_tensor(event: Event, written: list[ast.expr]) -> list[ast.expr | None]:
    """The written operands given to the tensors in their order; a named one that is not written stands for itself."""
    nodes: list[ast.expr | None] = []
    for tensor in event.tensors():
        own = bool(tensor.name) and not (written and _is_called(ast.unparse(written[0]).removeprefix("self."), tensor.name))
        nodes.append(None if own or not written else written.pop(0))
    return nodes


def _is_called(text: str, path: str) -> bool:
    """Whether a module writes `text` behind its `self.` for the parameter whose path from the root is `path`."""
    return path == text or path.endswith(f".{text}")


def name_roots(trace: Trace) -> Trace:
    """The trace with modules that stand in a variable called by it: `fc = nn.Linear(…)` always, a whole model where there are several."""
    roots = [module for module in trace.modules if module.parent is None and not module.path]
    called = {module.index: _variable(trace, module) for module in roots}
    several = sum(1 for module in roots if _has_parameters(trace, module)) > 1
    top: dict[int, int] = {}
    modules = list(trace.modules)
    for module in trace.modules:  # parents stand before their children
        root = top[module.index] = top.get(module.parent, module.parent) if module.parent is not None else module.index
        name = called.get(root, "")
        numbered = module.path[:1].isdigit()  # a bare Sequential's `0` says nothing without its variable
        if name and (several or numbered or (module.index == root and module.library)):
            modules[module.index] = replace(module, path=f"{name}.{module.path}" if module.path else name if module.library else "")
    return replace(trace, modules=tuple(modules))


def _variable(trace: Trace, module: ModuleInfo) -> str:
    """The variable that the module was assigned to where it was built."""
    for span in (module.built, *module.built_stack):
        if span is None:
            continue
        text = trace.sources.get(span.file, "")
        lines = text.split("\n")
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and node.lineno <= span.line <= (node.end_lineno or 0):
                target = node.targets[0]
                if isinstance(target, ast.Name | ast.Attribute) and contains(span_of(node.value, span.file, lines), span):
                    return ast.unparse(target).removeprefix("self.")
    return ""


def _has_parameters(trace: Trace, root: ModuleInfo) -> bool:
    below = {root.index}
    for module in trace.modules:
        if module.parent in below:
            below.add(module.index)
    return any(trace.modules[index].parameters for index in below)


def _written(trace: Trace, event: Event) -> list[ast.expr]:
    if event.span is None:
        return []
    module = trace.modules[event.module] if event.module is not None else None
    if module is not None and module.library and module.parent is not None and trace.modules[module.parent].library:
        return []  # the user wrote the call of the container, not this one
    text = trace.sources.get(event.span.file, "")
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if not isinstance(node, _WRITTEN) or node.lineno != event.span.line:
            continue
        if span_of(node, event.span.file, lines) == event.span:
            if isinstance(node, ast.Subscript):
                return [node.value, *_indices(node, event), *_assigned(text, node, event)]
            if isinstance(node, ast.Attribute):
                return [node.value] if event.op in ("unpack", "size") else []
            return _operands(node, module is not None and module.library)
    return []


def _indices(node: ast.Subscript, event: Event) -> list[ast.expr]:
    """The tensors among the indices of `x[...]`, as far as each stands for itself."""
    given = event.argument(1, "index")
    parts = given if isinstance(given, tuple) else (given,)
    written = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if len(parts) != len(written):
        return []
    return [one for part, one in zip(parts, written, strict=True) if isinstance(part, TensorInfo)]


def _assigned(text: str, node: ast.Subscript, event: Event) -> list[ast.expr]:
    """What `x[...] = y` writes; nothing when an index before it is not known."""
    if event.op != "setitem" or len(list(event.tensors())) != 2 + len(_indices(node, event)):
        return []
    statements = [one for one in ast.walk(parsed(text)) if isinstance(one, ast.Assign)]
    return [one.value for one in statements if any(target is node for target in one.targets)][:1]


def _operands(node: ast.AST, of_layer: bool) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
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
    if not isinstance(node, ast.Name | ast.Attribute):
        return False
    text = ast.unparse(node)
    own = ("torch", "F", "nn", "functional", "autograd", "linalg")
    return text in own or text.endswith((".functional", ".linalg")) or text.startswith("torch.")


def _name(node: ast.expr) -> str:
    text = ast.unparse(node)
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
    return text if simple and len(text) <= LONGEST else ""
