"""How a file can write a module: the shortest of the names that its imports give, and where one more import goes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from shapewright.model import Span
from shapewright.reason.syntax import parsed
from shapewright.report import Edit


def name_of(file: str, text: str, dotted: str) -> tuple[str, tuple[Edit, ...]]:
    """The shortest way to write `torch.nn.functional`, say, in this file, and the edits that this needs: none, or an added import."""
    ways = [name + dotted[len(path) :] for name, path in _names(text).items() if f"{dotted}.".startswith(f"{path}.")]
    if ways:
        return min(ways, key=len), ()
    return dotted, (_added(file, text, _root(dotted)),)


@lru_cache(maxsize=64)
def _names(text: str) -> dict[str, str]:
    """Name → dotted path, of all names that imports at the top of the file give and that nothing else in the file binds anew."""
    tree = parsed(text)
    names: dict[str, str] = {}
    if not isinstance(tree, ast.Module):
        return names
    for statement in tree.body:
        names |= _given(statement)
    for name, path in _bound(tree):
        if names.get(name) != path:
            names.pop(name, None)
    return names


def _given(node: ast.AST) -> dict[str, str]:
    if isinstance(node, ast.Import):
        return {alias.asname or _root(alias.name): alias.name if alias.asname else _root(alias.name) for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*"}
    return {}


def _root(dotted: str) -> str:
    return dotted.partition(".")[0]


def _bound(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each name that is bound anywhere in the file, with the module path when an import binds it."""
    for node in ast.walk(tree):
        yield from _given(node).items()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id, ""
        elif isinstance(node, ast.arg):
            yield node.arg, ""
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)) and node.name:
            yield node.name, ""


def _added(file: str, text: str, root: str) -> Edit:
    """`import root` beside the imports at the file's head: before the first of this package, else behind the last; behind the docstring."""
    line = f"import {root}"
    tree = parsed(text)
    body = tree.body if isinstance(tree, ast.Module) else []
    head = 0
    while head < len(body) and (_is_future(body[head]) or (head == 0 and _is_docstring(body[0]))):
        head += 1
    end = head
    while end < len(body) and isinstance(body[end], (ast.Import, ast.ImportFrom)):
        end += 1
    for number in range(head, end):
        if any(_root(path) == root for path in _given(body[number]).values()) and _starts_line(body, number):
            return _at_line(file, _first_line(body[number]), 1, f"{line}\n")
    if end > head:
        return _behind(file, text, body, end, f"\n{line}")
    if head:
        return _behind(file, text, body, head, f"\n\n{line}")
    if body:
        return _at_line(file, _first_line(body[0]), 1, f"{line}\n\n")
    lines = text.split("\n")
    return _at_line(file, len(lines), len(lines[-1]) + 1, f"\n{line}" if lines[-1] else f"{line}\n")


def _behind(file: str, text: str, body: list[ast.stmt], number: int, new: str) -> Edit:
    """An edit at the end of the line on which the statement before `number` ends, and those that share it."""
    while number < len(body) and not _starts_line(body, number):
        number += 1
    line = body[number - 1].end_lineno or 1
    return _at_line(file, line, len(text.split("\n")[line - 1]) + 1, new)


def _at_line(file: str, line: int, column: int, new: str) -> Edit:
    return Edit(Span(file, line, column, line, column), new)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _starts_line(body: list[ast.stmt], number: int) -> bool:
    return number == 0 or (body[number - 1].end_lineno or 0) < body[number].lineno


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
