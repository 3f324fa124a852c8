"""How tightly expressions bind, and what their surroundings ask: whether new text at some place needs parentheses."""

from __future__ import annotations

import ast
import keyword
from functools import lru_cache
from typing import TYPE_CHECKING

from shapewright.reason.syntax import parsed

if TYPE_CHECKING:
    from shapewright.reason.tree import Spot

# From loose to tight. LOOSE may stand almost nowhere without parentheses: `yield`, `:=`, a generator, an expression over several lines.
LOOSE, TUPLE, TEST, OR, AND, NOT, COMPARE, BIT_OR, BIT_XOR, BIT_AND, SHIFT, SUM, PRODUCT, UNARY, POWER, AWAIT, NUMBER, ATOM = range(18)

_OPERATORS: dict[type[ast.AST], int] = {
    ast.Add: SUM, ast.Sub: SUM, ast.Mult: PRODUCT, ast.MatMult: PRODUCT, ast.Div: PRODUCT, ast.FloorDiv: PRODUCT, ast.Mod: PRODUCT,
    ast.LShift: SHIFT, ast.RShift: SHIFT, ast.BitOr: BIT_OR, ast.BitXor: BIT_XOR, ast.BitAnd: BIT_AND, ast.Pow: POWER,
    ast.Or: OR, ast.And: AND, ast.Not: NOT, ast.USub: UNARY, ast.UAdd: UNARY, ast.Invert: UNARY,
}  # fmt: skip
_KINDS: dict[type[ast.AST], int] = {
    ast.Yield: LOOSE, ast.YieldFrom: LOOSE, ast.NamedExpr: LOOSE, ast.GeneratorExp: LOOSE, ast.Tuple: TUPLE,
    ast.IfExp: TEST, ast.Lambda: TEST, ast.Compare: COMPARE, ast.Await: AWAIT,
}  # fmt: skip

# LibCST's operators, by the side on which an operand stands: an equal operator may stand on the left of another, not on its right.
_SIDES: dict[str, tuple[int, int]] = {
    "Or": (OR, AND), "And": (AND, NOT), "BitOr": (BIT_OR, BIT_XOR), "BitXor": (BIT_XOR, BIT_AND), "BitAnd": (BIT_AND, SHIFT),
    "LeftShift": (SHIFT, SUM), "RightShift": (SHIFT, SUM), "Add": (SUM, PRODUCT), "Subtract": (SUM, PRODUCT), "Power": (AWAIT, UNARY),
}  # fmt: skip
_PLACES: dict[tuple[str, str], int] = {
    ("Assign", "value"): TUPLE, ("AugAssign", "value"): TUPLE, ("AnnAssign", "value"): TUPLE, ("Return", "value"): TUPLE,
    ("Expr", "value"): TUPLE, ("For", "iter"): TUPLE, ("Yield", "value"): TUPLE,
    ("IfExp", "body"): OR, ("IfExp", "test"): OR, ("CompFor", "iter"): OR, ("CompIf", "test"): OR, ("Slice", "lower"): OR,
    ("Slice", "upper"): OR, ("Slice", "step"): OR, ("FormattedStringExpression", "expression"): OR,
    ("Comparison", "left"): BIT_OR, ("ComparisonTarget", "comparator"): BIT_OR, ("StarredElement", "value"): BIT_OR,
    ("StarredDictElement", "value"): BIT_OR, ("Await", "expression"): NUMBER,
    ("Attribute", "value"): ATOM, ("Call", "func"): ATOM, ("Subscript", "value"): ATOM,
}  # fmt: skip
# Where a name is no expression but a bare word.
_WORDS = {
    ("Attribute", "attr"), ("Arg", "keyword"), ("Param", "name"), ("FunctionDef", "name"), ("ClassDef", "name"), ("ImportAlias", "name"),
    ("NameItem", "name"),
}  # fmt: skip
_TARGETS = {
    ("AssignTarget", "target"), ("AugAssign", "target"), ("AnnAssign", "target"), ("For", "target"), ("CompFor", "target"),
    ("AsName", "name"), ("NamedExpr", "target"), ("Del", "target"),
}  # fmt: skip


@lru_cache(maxsize=4096)
def strength(text: str, *, over_lines: bool = False) -> int | None:
    """How tightly an expression binds as it is written, None when the text is not one expression.

    One that goes over several lines without brackets is LOOSE, unless it stands (`over_lines`) where that is right.
    """
    text = text.strip()
    tree = parsed(f"({text})", "eval")
    if not isinstance(tree, ast.Expression) or text.startswith("#"):
        return None
    node = tree.body
    at = (node.lineno, node.col_offset)
    if at == (1, 0):  # the parentheses added here are counted to a tuple and a generator alone
        alone = isinstance(node, ast.GeneratorExp) or (isinstance(node, ast.Tuple) and (not node.elts or parsed(f"_[{text}]", "eval")))
        return _kind(node) if alone and text else None
    if at > (1, 1) or isinstance(node, (ast.Tuple, ast.GeneratorExp)):
        return ATOM  # it has parentheses of its own
    return LOOSE if "\n" in text and not over_lines and parsed(text, "eval") is None else _kind(node)


def _kind(node: ast.expr) -> int:
    if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp)):
        return _OPERATORS[type(node.op)]
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, complex)) and not isinstance(node.value, bool):
        return NUMBER
    return _KINDS.get(type(node), ATOM)


def demand(spot: Spot) -> int:
    """How tightly an expression has to bind to stand at a place without parentheses around it."""
    if spot.enclosed:
        return LOOSE
    parent = spot.parent
    kind = type(parent).__name__
    if kind in ("BinaryOperation", "BooleanOperation"):
        sides = _SIDES.get(type(parent.operator).__name__, (PRODUCT, UNARY))  # type: ignore[attr-defined]
        return sides[0] if spot.field == "left" else sides[1]
    if kind == "UnaryOperation":
        return NOT if type(parent.operator).__name__ == "Not" else UNARY  # type: ignore[attr-defined]
    if kind == "Index":
        return TUPLE if len(spot.path[-4][1].slice) == 1 else TEST  # type: ignore[attr-defined]
    return _PLACES.get((kind, spot.field), TEST)


def operand_demand(before: str, after: str) -> int:
    """How tightly an expression has to bind to stand between two texts: as an argument it need not, beside an operator it does."""
    if before.rstrip().endswith(("(", "[", ",", "=")) and after.lstrip().startswith((")", "]", ",")):
        return TEST
    tree = parsed(f"({before}_{after})", "eval")
    if not before and isinstance(tree, ast.Expression) and isinstance(tree.body, ast.BinOp):
        first = tree.body.left
        if isinstance(first, ast.Name) and not isinstance(tree.body.op, ast.Pow):
            return _OPERATORS[type(tree.body.op)]
    return ATOM


def is_word(spot: Spot) -> bool:
    """Whether the name at a place is a bare word: an attribute, a keyword, a parameter."""
    return (type(spot.parent).__name__, spot.field) in _WORDS


def may_be_word(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def is_target(spot: Spot) -> bool:
    """Whether something is assigned to what stands at a place."""
    path = spot.path
    while len(path) > 1 and type(path[-2][1]).__name__ in ("Tuple", "List", "Element", "StarredElement"):
        path = path[:-1]
    return (type(path[-2][1]).__name__, path[-1][0]) in _TARGETS


def spaced(before: str, new: str, after: str) -> str:
    """The new text with a space where it would grow together with the word before or after it: `return[x]`, `1if y`."""
    if before and new and _joins(before) and (_joins(new[0]) or new[0] in "\"'"):
        new = " " + new
    return new + " " if after and new and _joins(new[-1]) and (_joins(after) or after in "\"'") else new


def _joins(letter: str) -> bool:
    return letter == "_" or letter.isalnum()
