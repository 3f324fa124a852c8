"""A user's source → code that behaves the same, with numbers that know their place and loops that can be watched.

Only the syntax tree is changed, never the text, and every new node takes the position of the one it stands for, so that
tracebacks and spans stay exact. A file that does not compile this way runs as it is.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeVar

from shapewright.model import Origin, Span
from shapewright.observe import numbers
from shapewright.source import code_points, text_in

NUMBERS = "__shapewright_numbers__"
LOOP = "__shapewright_loop__"
WHILE = "__shapewright_while__"
TYPE = "__shapewright_type__"
ENUMERATE = "__shapewright_enumerate__"

# Loops over these wrappers of a loader still see all of its batches, each once.
_SEE_ALL = {"enumerate", "tqdm", "trange", "iter", "track", "progress_bar", "master_bar", "Progbar", "prog", "notebook_tqdm"}

# A power such as 10 ** 100000 is no size; folding it would cost time.
_LARGEST_BITS = 63

_Node = TypeVar("_Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Loop:
    """What the source says of one loop."""

    span: Span  # of the iterable, or of the condition
    leaves: bool  # break or return under a condition that changes from one turn to the next
    yields: bool  # its body hands values out, so that somebody else decides how many
    sees_all: bool  # iterates a plain object, or one below enumerate, tqdm …


class Instrumented:
    """What the rewritten program refers to: its numbers by index, and its loops."""

    def __init__(self, loop_heads: dict[Span, Span] | None = None) -> None:
        self.loop_heads = loop_heads if loop_heads is not None else {}
        self.numbers: list[int] = []
        self.loops: list[Loop] = []
        self.loops_of_file: dict[str, list[Loop]] = {}

    def compile(self, text: str, file: str) -> CodeType:
        """Code for the text, instrumented. Raises SyntaxError as `compile` does."""
        tree = ast.parse(text, file)
        try:
            rewriter = _Rewriter(tree, text, file, self)
            return compile(ast.fix_missing_locations(rewriter.visit(tree)), file, "exec", dont_inherit=True)
        except (ValueError, TypeError, RecursionError):
            return compile(text, file, "exec", dont_inherit=True)

    def install(self, loop: Callable[..., Any], condition: Callable[..., Any], enumerate: Callable[..., Any]) -> None:
        """Put what the rewritten code calls where every module finds it."""
        setattr(builtins, NUMBERS, self.numbers)
        setattr(builtins, LOOP, loop)
        setattr(builtins, WHILE, condition)
        setattr(builtins, TYPE, _type_of)
        setattr(builtins, ENUMERATE, enumerate)

    def remove(self) -> None:
        """Take it away again."""
        for name in (NUMBERS, LOOP, WHILE, TYPE, ENUMERATE):
            if hasattr(builtins, name):
                delattr(builtins, name)


def _type_of(value: Any) -> type:
    """`type(n) is int` must stay true for a number with a history."""
    kind = type(value)
    return int if kind is numbers.Num else kind


class _Rewriter(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, text: str, file: str, found: Instrumented) -> None:
        self.lines = text.split("\n")
        self.text = text
        self.file = file
        self.found = found
        tree_names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        self.own = tree_names | defined  # a file that has an `enumerate` or `type` of its own means that one

    # numbers

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if type(node.value) is int:
            return self._number(node, node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        value = _constant_value(node)
        if value is not None:
            return self._number(node, value)
        return self._visited(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        value = _constant_value(node)
        if value is not None:
            return self._number(node, value)
        return self._visited(node)

    def _number(self, node: ast.expr, value: int) -> ast.expr:
        origin = self._origin(node, value)
        self.found.numbers.append(numbers.literal(value, origin))
        place = ast.Constant(value=len(self.found.numbers) - 1)
        name = ast.Name(id=NUMBERS, ctx=ast.Load())
        return _at(node, ast.Subscript(value=_at(node, name), slice=_at(node, place), ctx=ast.Load()))

    def _origin(self, node: ast.expr, value: int) -> Origin:
        span = self._span(node)
        text = text_in(self.lines, span) or str(value)
        if isinstance(node, ast.BinOp):
            parts = tuple(self._origin(side, _constant_value(side) or 0) for side in (node.left, node.right))
            return Origin(value, span, text, _SYMBOLS[type(node.op)], parts)
        return Origin(value, span, text)

    def _span(self, node: ast.expr | ast.stmt) -> Span:
        end_line = node.end_lineno or node.lineno
        return Span(
            self.file,
            node.lineno,
            code_points(self.lines, node.lineno, node.col_offset) + 1,
            end_line,
            code_points(self.lines, end_line, node.end_col_offset or 0) + 1,
        )

    # places where a number must stay what it is, or where a history is of no use

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.match_case:
        if node.guard is not None:
            node.guard = self.visit(node.guard)
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        node.value = self.visit(node.value)
        if _constant_value(node.slice) is None and not isinstance(node.slice, ast.Slice):
            node.slice = self.visit(node.slice)
        return node

    def visit_Slice(self, node: ast.Slice) -> ast.expr:
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        node.left = node.left if isinstance(node.left, ast.Constant) else self.visit(node.left)
        node.comparators = [side if isinstance(side, ast.Constant) else self.visit(side) for side in node.comparators]
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.func.id if isinstance(node.func, ast.Name) and node.func.id not in self.own else ""
        if name == "type" and len(node.args) == 1 and not node.keywords:
            node.func = _at(node.func, ast.Name(id=TYPE, ctx=ast.Load()))
        elif name == "enumerate":
            node.func = _at(node.func, ast.Name(id=ENUMERATE, ctx=ast.Load()))
        return self._visited(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node

    # loops

    def visit_For(self, node: ast.For) -> ast.stmt:
        number = self._loop(node, node.iter, _sees_all(node.iter))
        self.generic_visit(node)
        call = ast.Call(
            func=_at(node.iter, ast.Name(id=LOOP, ctx=ast.Load())),
            args=[node.iter, _at(node.iter, ast.Constant(value=number))],
            keywords=[],
        )
        node.iter = _at(node.iter, call)
        return node

    def visit_While(self, node: ast.While) -> ast.stmt:
        number = self._loop(node, node.test, False)
        self.generic_visit(node)
        call = ast.Call(
            func=_at(node.test, ast.Name(id=WHILE, ctx=ast.Load())),
            args=[node.test, _at(node.test, ast.Constant(value=number))],
            keywords=[],
        )
        node.test = _at(node.test, call)
        return node

    def _loop(self, node: ast.For | ast.While, head: ast.expr, sees_all: bool) -> int:
        self.found.loop_heads[self._span(node)] = self._span(head)
        loop = Loop(self._span(head), _leaves(node), any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node)), sees_all)
        self.found.loops.append(loop)
        self.found.loops_of_file.setdefault(self.file, []).append(loop)
        return len(self.found.loops) - 1

    def _visited(self, node: _Node) -> _Node:
        self.generic_visit(node)
        return node


_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip


_OPERATIONS: dict[type[ast.operator], Callable[[int, int], Any]] = {
    ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__,
    ast.FloorDiv: int.__floordiv__, ast.Mod: int.__mod__, ast.Pow: int.__pow__,
}  # fmt: skip


def _constant_value(node: ast.AST) -> int | None:
    """The value of an expression that holds nothing but integer literals and + - * // % **; None for any other."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant_value(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in _SYMBOLS:
        left, right = _constant_value(node.left), _constant_value(node.right)
        if left is None or right is None:
            return None
        try:
            return _fold(node.op, left, right)
        except ArithmeticError:
            return None
    return None


def _fold(operator: ast.operator, left: int, right: int) -> int | None:
    if isinstance(operator, ast.Pow) and (right < 0 or left.bit_length() * right > _LARGEST_BITS):
        return None
    value: int = _OPERATIONS[type(operator)](left, right)
    return value if value.bit_length() <= _LARGEST_BITS else None


def _at(old: ast.AST, new: _Node) -> _Node:
    return ast.copy_location(new, old)


def _sees_all(head: ast.expr) -> bool:
    """Whether a loop over this goes through every item of what stands in it."""
    for node in ast.walk(head):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
            if name not in _SEE_ALL:
                return False
    return True


def _leaves(loop: ast.For | ast.While) -> bool:
    """Whether the loop may be left early, depending on something that its turns change.

    `if args.dry_run: break` asks the same in every turn: when the first turn did not leave, none will.
    """
    changing = {name.id for name in ast.walk(loop) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    return _leaves_below(loop.body, False, changing, of_loop=True)


def _leaves_below(body: Sequence[ast.stmt], depends: bool, changing: set[str], of_loop: bool) -> bool:
    for statement in body:
        if isinstance(statement, ast.Return) or (of_loop and isinstance(statement, ast.Break)):
            if depends:
                return True
        elif isinstance(statement, ast.If):
            names = {node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)}
            calls = any(isinstance(node, ast.Call | ast.Attribute) for node in ast.walk(statement.test))
            # the innermost condition counts: `if step % 10 == 0: … if args.dry_run: break` leaves in its first turn or never
            here = bool(names & changing) or (calls and not _is_option(statement.test))
            if _leaves_below(statement.body, here, changing, of_loop) or _leaves_below(statement.orelse, here, changing, of_loop):
                return True
        elif isinstance(statement, ast.Try):
            blocks = [statement.body, statement.orelse, statement.finalbody, *(handler.body for handler in statement.handlers)]
            if any(_leaves_below(block, True, changing, of_loop) for block in blocks):
                return True
        elif isinstance(statement, ast.With):
            if _leaves_below(statement.body, depends, changing, of_loop):
                return True
        elif isinstance(statement, ast.For | ast.While) and _leaves_below(statement.body, True, changing, of_loop=False):
            return True
    return False


def _is_option(test: ast.expr) -> bool:
    """`args.dry_run`, `not opt.fast`: an attribute of a settings object, without any call."""
    return not any(isinstance(node, ast.Call) for node in ast.walk(test)) and not any(
        isinstance(node, ast.Name) and node.id == "self" for node in ast.walk(test)
    )
