"""Edits of Python source: the exact node at a span, and what has to change around it. Pure.

A `Code` is one parsed file. Its methods take spans and give edits, as small as they can be; nothing is rendered from the tree, so that what
is outside of an edit stays byte for byte. Where something does not fit (no such expression there, a statement that shares its line, a
result that would be no Python) there are no edits: (). Spans are those of Python's own tree; parentheses around one may be in it or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from shapewright.model import Span
from shapewright.reason import binding, elements, imports, tree
from shapewright.reason.binding import TEST, strength
from shapewright.reason.elements import Change
from shapewright.reason.patches import applied
from shapewright.reason.syntax import parsed
from shapewright.report import Edit

if TYPE_CHECKING:
    from libcst import Call, CSTNode

    from shapewright.reason.tree import Path, Spot, Tree

Edits = tuple[Edit, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """One source file and its tree."""

    file: str
    text: str
    tree: Tree

    @staticmethod
    @lru_cache(maxsize=32)
    def of(file: str, text: str) -> Code | None:
        """The parsed file, None when it is no Python. LibCST is imported here first."""
        parsed = tree.parsed(file, text)
        return Code(file, text, parsed) if parsed is not None else None

    def text_at(self, span: Span) -> str:
        """What stands at a span, "" where there is none."""
        stretch = self.tree.offsets(span)
        return self.text[slice(*stretch)] if stretch is not None else ""

    # Expressions

    def replace(self, span: Span, new: str) -> Edits:
        """Another expression in the place of this one, in parentheses where its surroundings bind tighter."""
        spot = self._expression(span, word=True)
        if spot is None:
            return ()
        if binding.is_word(spot):
            return self._made([(spot.start, spot.end, new)], spot.path) if binding.may_be_word(new) else ()
        binds = strength(new)
        if binds is None:
            return ()
        new = f"({new})" if binds < binding.demand(spot) else new
        return self._made([(spot.start, spot.end, self._spaced(spot.start, new, spot.end))], spot.path)

    def wrap(self, span: Span, before: str, after: str) -> Edits:
        """Text before and behind the expression: `x` → `torch.flatten(x, 1)`. Two insertions, with parentheses where they are needed."""
        spot = self._expression(span)
        whole = strength(f"{before}_{after}")
        own = strength(self.text[spot.start : spot.end], over_lines=True) if spot is not None else None
        if spot is None or whole is None or own is None or binding.is_target(spot):
            return ()
        start, end, demand = spot.start, spot.end, binding.demand(spot)
        if own < binding.operand_demand(before, after):
            if spot.enclosed:  # its own parentheses do
                outside = self.tree.outside(spot)
                start, end, demand = outside.start, outside.end, binding.demand(outside)
            else:
                before, after = f"{before}(", f"){after}"
        if whole < demand:
            before, after = f"({before}", f"{after})"
        before, after = self._spaced(start, before, start), self._spaced(end, after, end)
        return self._made([(start, start, before), (end, end, after)], spot.path)

    def append(self, span: Span, suffix: str) -> Edits:
        """Text behind the expression that belongs to it as a whole: `a + b` → `(a + b).flatten(1)`."""
        return self.wrap(span, "", suffix)

    def names_in(self, span: Span) -> frozenset[str]:
        """The variables that are named in a stretch; neither attributes nor keywords."""
        stretch = self.tree.offsets(span)
        path = self.tree.path(span)
        if stretch is None or not path:
            return frozenset()
        spots = (tree.Spot(path[:-1] + below, *self.tree.places[below[-1][1]], enclosed=False) for below in _below(path[-1:]))
        return frozenset(
            spot.node.value  # type: ignore[attr-defined]
            for spot in spots
            if type(spot.node).__name__ == "Name"
            and stretch[0] <= spot.start
            and spot.end <= stretch[1]
            and (len(spot.path) < 2 or not binding.is_word(spot))
        )

    # Calls

    def callee(self, call: Span) -> Span | None:
        """The last name of what is called: `BatchNorm2d` of `nn.BatchNorm2d(…)`."""
        node = self._call(call)
        name = getattr(node.func, "attr", node.func) if node is not None else None
        return self.tree.span_of(name) if type(name).__name__ == "Name" and name is not None else None

    def arguments(self, call: Span) -> tuple[tuple[str | None, Span], ...]:
        """(keyword or None, span of the value) of each argument, in order; a starred one ends the list."""
        node = self._call(call)
        found: list[tuple[str | None, Span]] = []
        for argument in node.args if node is not None else ():
            if argument.star:
                break
            found.append((argument.keyword.value if argument.keyword is not None else None, self.tree.span_of(argument.value)))
        return tuple(found)

    def argument(self, call: Span, name: str | None, position: int | None) -> Span | None:
        """The value of a call's argument, by its keyword or else by its position (from 0)."""
        number = self._number(call, name, position)
        node = self._call(call)
        return self.tree.span_of(node.args[number].value) if node is not None and number is not None else None

    def set_argument(self, call: Span, name: str, value: str, position: int | None = None) -> Edits:
        """The argument's value changed, or else `name=value` added behind the others, on a line of its own where they are."""
        given = self.argument(call, name, position)
        if given is not None:
            return self.replace(given, value)
        spot, binds = self.tree.at(call), strength(value)
        node = self._call(call)
        row = elements.row_of(self.tree, node) if node is not None else None
        if spot is None or node is None or row is None or binds is None or not binding.may_be_word(name):
            return ()
        new = f"{name}={f'({value})' if binds < TEST else value}"
        if not row.items:
            return self._made(elements.put_first(row, new), spot.path)
        last = len(row.items)
        while last and node.args[last - 1].star == "**":
            last -= 1
        changes = elements.put_before(row, last, new) if last < len(row.items) else elements.put_after(row, last - 1, new)
        return self._made(changes, spot.path)

    def name_argument(self, call: Span, number: int, name: str) -> Edits:
        """The argument under this keyword instead of its own; a positional one only when no other stands behind it."""
        node, spot = self._call(call), self.tree.at(call)
        if node is None or spot is None or not binding.may_be_word(name):
            return ()
        given = node.args[number]
        if given.keyword is not None:
            return self.replace(self.tree.span_of(given.keyword), name)
        if any(argument.keyword is None and argument.star != "**" for argument in node.args[number + 1 :]):
            return ()
        start = self.tree.places[given.value][0]
        return self._made([(start, start, f"{name}=")], spot.path)

    def drop_argument(self, call: Span, name: str | None, position: int | None = None) -> Edits:
        """The argument away, with its comma. A positional one only when no other stands behind it."""
        number, node, spot = self._number(call, name, position), self._call(call), self.tree.at(call)
        row = elements.row_of(self.tree, node) if node is not None else None
        if number is None or node is None or row is None or spot is None:
            return ()
        behind = node.args[number + 1 :]
        if node.args[number].keyword is None and any(argument.keyword is None and argument.star != "**" for argument in behind):
            return ()
        return self._made(elements.taken_out(row, number), spot.path)

    def enclosing_call(self, span: Span) -> Span | None:
        """The call of which the expression at the span is the whole value of an argument."""
        spot = self.tree.at(span)
        if spot is None or len(spot.path) < 3 or (type(spot.parent).__name__, spot.field) != ("Arg", "value"):
            return None
        call = spot.path[-3][1]
        return self.tree.span_of(call) if type(call).__name__ == "Call" and not spot.parent.star else None  # type: ignore[attr-defined]

    def insert_element(self, span: Span, text: str, *, after: bool = False) -> Edits:
        """A new element before (after) the one at the span, in a call, a list or a tuple, laid out as the others are."""
        spot = self.tree.at(span)
        found = elements.element_at(self.tree, spot) if spot is not None else None
        if found is None or spot is None:
            return ()
        binds = strength(text)
        text = f"({text})" if binds is not None and binds < TEST else text
        return self._made((elements.put_after if after else elements.put_before)(*found, text), spot.path)

    def remove_element(self, span: Span) -> Edits:
        """The element at the span away, with its comma, and with its line when it has one."""
        spot = self.tree.at(span)
        found = elements.element_at(self.tree, spot) if spot is not None else None
        return self._made(elements.taken_out(*found), spot.path) if found is not None and spot is not None else ()

    # Statements

    def statement(self, span: Span) -> Span | None:
        """The innermost statement around a span."""
        found = self._statement(self.tree.path(span))
        return self.tree.span_of(found[-1][1]) if found else None

    def is_statement(self, span: Span) -> bool:
        """Whether the expression at the span is a statement of its own, so that nothing takes its value."""
        spot = self._expression(span)
        return spot is not None and type(spot.parent).__name__ == "Expr"

    def assign(self, span: Span, target: str) -> Edits:
        """`x.view(1)`, a statement of its own, becomes `x = x.view(1)`."""
        spot = self._expression(span)
        if spot is None or not self.is_statement(span):
            return ()
        start = self.tree.whole(spot.node)[0]
        return self._made([(start, start, f"{target} = ")], spot.path)

    def assigned_names(self, span: Span) -> tuple[str, ...]:
        """The plain names that the statement around the span assigns to, also those of `a, b = …`."""
        path = self._statement(self.tree.path(span))
        if not path or type(path[-1][1]).__name__ not in ("Assign", "AnnAssign", "AugAssign"):
            return ()
        targets = [step for step in tree.children(path[-1][1]) if step[0] in ("targets", "target")]
        spots = (tree.Spot(below, 0, 0, enclosed=False) for step in targets for below in _below((path[-1], step)))
        return tuple(spot.node.value for spot in spots if type(spot.node).__name__ == "Name" and binding.is_target(spot))  # type: ignore[attr-defined]

    def insert_before(self, span: Span, line: str) -> Edits:
        """A line of code before the statement that holds the span (before all of a compound one when the span is in its head)."""
        path = self._alone(span)
        if not path or parsed(line) is None:
            return ()
        start = self.tree.extent(path[-1][1])[0]
        at = self.text.rfind("\n", 0, start) + 1
        indent = self.text[at:start]
        continued = self.text[:at].endswith("\\\n")
        return self._edits([(at, at, _indented(line, indent) + "\n")]) if not indent.strip() and not continued else ()

    def insert_after(self, span: Span, line: str) -> Edits:
        """A line of code behind the statement that holds the span; none when the span is in the head of a compound one."""
        path = self._alone(span)
        if not path or parsed(line) is None:
            return ()
        start, end = self.tree.places[path[-1][1]]
        if type(path[-1][1]).__name__ != "SimpleStatementLine" and self.tree.offsets(span) != (start, end):
            return ()
        at = self.text.rfind("\n", 0, start) + 1
        stop = self.text.find("\n", end)
        stop = len(self.text) if stop < 0 else stop
        indent = self.text[at:start]
        return self._edits([(stop, stop, "\n" + _indented(line, indent))]) if not indent.strip() else ()

    def enclosing_function(self, span: Span) -> Span | None:
        """The innermost function in whose body the span is."""
        return self._in_body(span, "FunctionDef")

    def enclosing_class(self, span: Span) -> Span | None:
        """The innermost class in whose body the span is."""
        return self._in_body(span, "ClassDef")

    def function_named(self, cls: Span, name: str) -> Span | None:
        """The method of that name, right in the class's body; of several the last, which is the one that counts."""
        spot = self.tree.at(cls)
        if spot is None or type(spot.node).__name__ != "ClassDef":
            return None
        body = spot.node.body.body  # type: ignore[attr-defined]
        named = [node for node in body if type(node).__name__ == "FunctionDef" and node.name.value == name]
        return self.tree.span_of(named[-1]) if named else None

    def last_statement(self, function: Span) -> Span | None:
        """The last statement in the body of a function (or a class)."""
        spot = self.tree.at(function)
        if spot is None or type(spot.node).__name__ not in ("FunctionDef", "ClassDef"):
            return None
        last = spot.node.body.body[-1]  # type: ignore[attr-defined]
        return self.tree.span_of(last.body[-1] if type(last).__name__ == "SimpleStatementLine" else last)

    def name_of(self, dotted: str) -> tuple[str, Edits]:
        """How this file can write `torch.nn.functional`, say: the shortest name that its imports give, else with an import added."""
        return imports.name_of(self.file, self.text, dotted)

    # Inside

    def _expression(self, span: Span, *, word: bool = False) -> Spot | None:
        """The expression at a span; a bare word, such as an attribute's name, only when asked for."""
        from libcst import BaseExpression, StarredElement

        spot = self.tree.at(span)
        if spot is None or not isinstance(spot.node, BaseExpression) or isinstance(spot.node, StarredElement):
            return None
        if type(spot.parent).__name__ == "ConcatenatedString" or (binding.is_word(spot) and not word):
            return None
        return spot

    def _call(self, span: Span) -> Call | None:
        from libcst import Call

        spot = self.tree.at(span)
        return spot.node if spot is not None and isinstance(spot.node, Call) else None

    def _number(self, call: Span, name: str | None, position: int | None) -> int | None:
        """Which argument is meant: the one with the keyword, else the one at the position unless a starred one may fill it."""
        node = self._call(call)
        given = node.args if node is not None else ()
        for number, argument in enumerate(given):
            if name is not None and argument.keyword is not None and argument.keyword.value == name:
                return number
        if position is None or not 0 <= position < len(given):
            return None
        return position if all(argument.keyword is None and not argument.star for argument in given[: position + 1]) else None

    def _statement(self, path: Path) -> Path:
        from libcst import BaseCompoundStatement, BaseSmallStatement

        while path and not isinstance(path[-1][1], (BaseSmallStatement, BaseCompoundStatement)):
            path = path[:-1]
        return path

    def _alone(self, span: Span) -> Path:
        """The way to the statement around a span, when it has its lines to itself: simple, or compound with the span in its head."""
        from libcst import BaseCompoundStatement, SimpleStatementLine

        path = self.tree.path(span)
        while path:
            field, node = path[-1]
            kind = type(node).__name__
            if isinstance(node, SimpleStatementLine):
                return path if len(node.body) == 1 else ()
            if kind in ("IndentedBlock", "SimpleStatementSuite", "Else", "Finally", "ExceptHandler", "ExceptStarHandler", "MatchCase"):
                return ()
            if isinstance(node, BaseCompoundStatement):
                return () if field == "orelse" else path
            path = path[:-1]
        return ()

    def _in_body(self, span: Span, kind: str) -> Span | None:
        path = self.tree.path(span)
        for (_, node), (field, _) in reversed(list(pairwise(path))):
            if type(node).__name__ == kind and field == "body":
                return self.tree.span_of(node)
        return None

    def _spaced(self, start: int, new: str, end: int) -> str:
        return binding.spaced(self.text[max(start - 1, 0) : start], new, self.text[end : end + 1])

    def _edits(self, changes: Sequence[Change]) -> Edits:
        joined: list[Change] = []
        for start, end, new in changes:
            if joined and joined[-1][:2] == (start, end) and start == end:
                joined[-1] = (start, end, joined[-1][2] + new)
            elif start < end or new:
                joined.append((start, end, new))
        return tuple(Edit(self.tree.span(start, end), new) for start, end, new in joined)

    def _made(self, changes: Sequence[Change], path: Path) -> Edits:
        """The changes as edits, () when the result is no Python: of the statement around `path`, else of the whole file."""
        in_string = any(type(node).__name__ in ("FormattedStringExpression", "TemplatedStringExpression") for _, node in path[:-1])
        if in_string and any(letter in new for _, _, new in changes for letter in "'\"\\#\n{}"):
            return ()  # before Python 3.12 these cannot stand there
        edits = self._edits(changes)
        after = applied(self.text, edits)
        statement = self._statement(path)
        start, end = self.tree.places[statement[-1][1]] if statement else (0, len(self.text))
        if not statement or _is_compound(statement[-1][1]) or any(a < start or end < b for a, b, _ in changes):
            start, end = 0, len(self.text)
        return edits if parsed(after[start : end + len(after) - len(self.text)]) is not None else ()


def _is_compound(node: CSTNode) -> bool:
    from libcst import BaseCompoundStatement

    return isinstance(node, BaseCompoundStatement)


def _below(path: Path) -> Iterator[Path]:
    """The way to a node and to each node below it, in the order of the source."""
    yield path
    for step in tree.children(path[-1][1]):
        yield from _below((*path, step))


def _indented(line: str, indent: str) -> str:
    return "\n".join(indent + part if part else part for part in line.split("\n"))
