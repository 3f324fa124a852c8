"""Where the user's sources set an attribute of a class, and whether they read it anywhere. Pure.

In doubt a name is read: by a string that is equal to it, by `getattr` with a name that is put together, by a walk over all children.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from shapewright.model import Span, Trace
from shapewright.reason.places import parsed, span_of

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_WALKS = {"children", "named_children", "_modules", "_parameters", "__dict__", "get_submodule", "get_parameter", "attrgetter"}
_CALLED_BY_NAME = {"vars", "exec", "eval", "locals", "attrgetter", "methodcaller"}
# `self.fc.apply(init)` as a statement sets the layer up; it does not use it.
_SETS_UP = {"apply", "reset_parameters", "to", "cuda", "cpu", "train", "eval", "float", "half", "double"}


@dataclass(frozen=True, slots=True)
class Setting:
    """`self.fc = nn.Linear(3, 4)`"""

    file: str
    statement: ast.Assign | ast.AnnAssign
    value: Span


@dataclass(frozen=True, slots=True)
class _Seen:
    """A node with what it stands in."""

    node: ast.AST
    around: tuple[ast.AST, ...]  # from the file to the parent

    @property
    def parent(self) -> ast.AST | None:
        return self.around[-1] if self.around else None


def settings(trace: Trace, owner: str, name: str) -> list[Setting]:
    """The statements that set `self.name` in the class or in one that it has to do with by inheritance."""
    related = _related(trace, owner)
    found: list[Setting] = []
    for file, text in trace.sources.items():
        for seen in _walk(parsed(text)):
            if isinstance(seen.node, ast.Attribute) and seen.node.attr == name and _is_self_of(seen, related):
                setting = _setting(file, text, seen)
                found += [setting] if setting is not None else []
    return found


def settings_outside(trace: Trace, name: str) -> list[Setting]:
    """The statements that set the attribute of something that is not `self`: `model.fc = nn.Linear(512, 10)`."""
    found: list[Setting] = []
    for file, text in trace.sources.items():
        for seen in _walk(parsed(text)):
            if isinstance(seen.node, ast.Attribute) and seen.node.attr == name and _self(seen) is None:
                setting = _setting(file, text, seen)
                found += [setting] if setting is not None else []
    return found


def _setting(file: str, text: str, seen: _Seen) -> Setting | None:
    statement = seen.parent
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and statement.targets[0] is seen.node:
        return Setting(file, statement, span_of(statement.value, file, text.split("\n")))
    if isinstance(statement, ast.AnnAssign) and statement.target is seen.node and statement.value is not None:
        return Setting(file, statement, span_of(statement.value, file, text.split("\n")))
    return None


def is_read(trace: Trace, owner: str, name: str) -> bool:
    """Whether any source may read the attribute of an object of the class, other than to set up what is in it."""
    related = _related(trace, owner)
    trees = [parsed(text) for text in trace.sources.values()]
    return any(_reads(seen, name, related) for tree in trees for seen in _walk(tree))


def reads(trace: Trace, name: str) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every place that may read an attribute of that name, of whatever object, with the nodes that it stands in."""
    for text in trace.sources.values():
        for seen in _walk(parsed(text)):
            if _reads(seen, name, None):
                yield seen.node, seen.around


def setups(trace: Trace, owner: str, name: str) -> list[tuple[str, ast.Expr]]:
    """The statements that only set up what is in the attribute: `nn.init.zeros_(self.fc.bias)`."""
    related = _related(trace, owner)
    return [
        (file, next(node for node in reversed(seen.around) if isinstance(node, ast.Expr)))
        for file, text in trace.sources.items()
        for seen in _walk(parsed(text))
        if isinstance(seen.node, ast.Attribute) and seen.node.attr == name and _is_self_of(seen, related) and _sets_up(seen)
        if any(isinstance(node, ast.Expr) for node in seen.around)
    ]


def _reads(seen: _Seen, name: str, related: set[str] | None) -> bool:
    node = seen.node
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return name in node.value.split(".") and not isinstance(seen.parent, ast.Expr)
    if isinstance(node, ast.Attribute):
        if node.attr in _WALKS:
            return True
        if node.attr != name or not isinstance(node.ctx, ast.Load) or _sets_up(seen):
            return False
        return related is None or _self(seen) is None or _is_self_of(seen, related)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "getattr" and len(node.args) > 1:
            return not isinstance(node.args[1], ast.Constant) and not _is_library(node.args[0])
        return node.func.id in _CALLED_BY_NAME
    return isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__getattribute__")


def _is_library(node: ast.expr) -> bool:
    """`nn`, `torch.optim`, `models`: what libraries are imported as."""
    text = ast.unparse(node)
    return text in ("nn", "F", "models", "optim", "init", "torchvision.models", "transforms") or text.split(".")[0] == "torch"


def _sets_up(seen: _Seen) -> bool:
    """Whether the attribute is read only to initialise, freeze or move what is in it."""
    around = list(seen.around)
    inner: ast.AST = seen.node
    while around and isinstance(around[-1], ast.Attribute):
        inner = around.pop()
    outer = around.pop() if around else None
    if isinstance(outer, ast.Assign | ast.AugAssign | ast.AnnAssign):  # self.fc.weight.data = …
        targets = outer.targets if isinstance(outer, ast.Assign) else [outer.target]
        return any(inner is target for target in targets)
    statement = around[-1] if around else None
    if not isinstance(outer, ast.Call) or not isinstance(statement, ast.Expr):
        return False
    called = outer.func.attr if isinstance(outer.func, ast.Attribute) else outer.func.id if isinstance(outer.func, ast.Name) else ""
    if called.endswith("_") and not called.startswith("__"):
        return True
    return inner is outer.func and called in _SETS_UP


def _is_self_of(seen: _Seen, related: set[str]) -> bool:
    found = _self(seen)
    return found is not None and found.name in related


def _self(seen: _Seen) -> ast.ClassDef | None:
    """The class, when the attribute is one of its methods' first argument."""
    if not isinstance(seen.node, ast.Attribute) or not isinstance(seen.node.value, ast.Name):
        return None
    for outer, inner in zip(reversed(seen.around[:-1]), reversed(seen.around), strict=False):
        if isinstance(outer, ast.ClassDef) and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*inner.args.posonlyargs, *inner.args.args]
            return outer if arguments and arguments[0].arg == seen.node.value.id else None
    return None


def _related(trace: Trace, owner: str) -> set[str]:
    """The class, those below it, and the bases of all of these, by their names."""
    bases: dict[str, set[str]] = {}
    for text in trace.sources.values():
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(ast.unparse(base).rpartition(".")[2] for base in node.bases)
    below = _closed({owner}, {name: {other for other in bases if name in bases[other]} for name in (*bases, owner)})
    return _closed(below, bases)


def _closed(names: set[str], next_of: dict[str, set[str]]) -> set[str]:
    found, todo = set(names), list(names)
    while todo:
        for name in next_of.get(todo.pop(), set()) - found:
            found.add(name)
            todo.append(name)
    return found


def _walk(tree: ast.AST) -> Iterator[_Seen]:
    todo: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())]
    while todo:
        node, around = todo.pop()
        yield _Seen(node, around)
        todo.extend((child, (*around, node)) for child in ast.iter_child_nodes(node))
