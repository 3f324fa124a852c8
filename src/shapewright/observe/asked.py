"""What the program does with a shape that it asked for: `b, c, h, w = x.shape`, `x.size()[2]`.

Python itself refuses these when the tensor has another number of dims, behind torch's back, where no recorder sees it. So the statement is
read before torch's answer is handed on, and an answer that Python is about to refuse counts as a failed call.
"""

from __future__ import annotations

import ast
import contextlib
from types import CodeType
from typing import Any

from shapewright.model import Span
from shapewright.source import Sources, instruction_position

Demand = tuple[str, int, bool]  # "unpack", how many sizes, whether a starred name takes the rest; or "size", the index


class Asked:
    """The demands of one run's files, each read once."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._files: dict[str, dict[Span, Demand]] = {}
        self._places: dict[tuple[int, int], Demand | None] = {}

    def refused(self, code: CodeType, lasti: int, shape: Any) -> tuple[str, int, bool, Exception] | None:
        """The demand that the instruction's shape does not meet, with the exception that Python raises for it."""
        demand = self._demand(code, lasti)
        if demand is None:
            return None
        try:
            _met(demand, tuple(shape))
        except (ValueError, IndexError) as error:
            return *demand, error.with_traceback(None)
        return None

    def _demand(self, code: CodeType, lasti: int) -> Demand | None:
        place = id(code), lasti  # the code object stays alive: `instruction_position` keeps it
        if place not in self._places:
            exact = instruction_position(code, lasti)[2] is not None
            self._places[place] = self._of_file(code.co_filename).get(self.sources.code_span(code, lasti)) if exact else None
        return self._places[place]

    def _of_file(self, file: str) -> dict[Span, Demand]:
        if file not in self._files:
            found = self._files[file] = {}
            with contextlib.suppress(SyntaxError, ValueError):
                for node in ast.walk(ast.parse("\n".join(self.sources.lines(file)))):
                    demand = _of_node(node) if isinstance(node, ast.Assign | ast.Subscript) and _asks(node.value) else None
                    if demand is not None:
                        found[self.sources.node_span(file, node.value)] = demand  # type: ignore[attr-defined]
        return self._files[file]


def _of_node(node: ast.Assign | ast.Subscript) -> Demand | None:
    """What a statement or an index demands of the shape that it stands around."""
    if isinstance(node, ast.Assign):
        targets = [target.elts for target in node.targets if isinstance(target, ast.Tuple | ast.List) and target.elts]
        if targets:
            starred = any(isinstance(one, ast.Starred) for one in targets[0])
            return "unpack", len(targets[0]) - starred, starred
        return None
    try:
        index = ast.literal_eval(node.slice)
    except (ValueError, TypeError):
        return None  # a slice, or a name
    return ("size", index, False) if type(index) is int else None


def _asks(node: ast.expr) -> bool:
    """`x.shape`, `x.size()`."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "size" and not node.args and not node.keywords
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def _met(demand: Demand, shape: tuple[int, ...]) -> None:
    """Do what the program does with the shape. Raises what Python raises there."""
    kind, number, starred = demand
    if kind == "size":
        shape[number]
        return
    names = [f"n{at}" for at in range(number)]
    exec(f"{', '.join([*names, '*rest'] if starred else names)}, = shape", {"shape": shape})
