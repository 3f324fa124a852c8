"""One source file as a LibCST tree in which a stretch of text finds its node. Offsets count code points from 0.

Spans are those of Python's own tree: without the parentheses around an expression, but with those of a tuple or a generator,
a function or class from its `def` or `class` on, decorators left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from shapewright.model import Span
from shapewright.reason.patches import line_starts, offset, point
from shapewright.reason.syntax import parsed as python_tree

if TYPE_CHECKING:
    from libcst import CSTNode, Module

    Path = tuple[tuple[str, CSTNode], ...]

_LAYOUT = ("whitespace", "lpar", "rpar", "leading_lines", "lines_after", "trailing_whitespace", "header", "footer")


@dataclass(frozen=True, slots=True)
class Spot:
    """A node that stands at a stretch of text. `path` leads down to it from the module, each node with the field that holds it."""

    path: Path
    start: int
    end: int
    enclosed: bool  # the node's own parentheses stand around the stretch

    @property
    def node(self) -> CSTNode:
        return self.path[-1][1]

    @property
    def field(self) -> str:
        return self.path[-1][0]

    @property
    def parent(self) -> CSTNode:
        return self.path[-2][1]


class Row:
    """The nodes right below one, with all that each of them holds."""

    def __init__(self, steps: list[tuple[str, CSTNode]], extents: list[tuple[int, int]]) -> None:
        self.steps, self.extents = steps, extents
        in_order = all(one[0] <= other[0] and one[1] <= other[1] for one, other in pairwise(extents))
        self.ends = [end for _, end in extents] if in_order else None

    def holding(self, start: int, end: int) -> tuple[str, CSTNode] | None:
        """The first of them that holds the stretch."""
        first = bisect_left(self.ends, end) if self.ends is not None else 0
        last = first + 1 if self.ends is not None else len(self.steps)
        for step, extent in zip(self.steps[first:last], self.extents[first:last], strict=True):
            if extent[0] <= start and end <= extent[1]:
                return step
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The parsed file. `places` are the nodes' stretches without the parentheses around them."""

    file: str
    text: str
    starts: tuple[int, ...]
    module: Module
    places: Mapping[CSTNode, tuple[int, int]]
    rows: dict[CSTNode, Row] = field(default_factory=dict, repr=False)  # filled as they are asked for

    def offsets(self, span: Span) -> tuple[int, int] | None:
        """The stretch of a span of this file, None when the file has no such place."""
        if span.file != self.file:
            return None
        try:
            start = offset(self.text, self.starts, span.line, span.column)
            end = offset(self.text, self.starts, span.end_line, span.end_column)
        except ValueError:
            return None
        return (start, end) if start <= end else None

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, *point(self.starts, start), *point(self.starts, end))

    def span_of(self, node: CSTNode) -> Span:
        """The span of a node, as Python's own tree gives it."""
        return self.span(*next(self._stretches(node)))

    def path(self, span: Span) -> Path:
        """The nodes that hold the span, from the module to the innermost; empty when the file has no such place."""
        stretch = self.offsets(span)
        if stretch is None:
            return ()
        node: CSTNode = self.module
        path: list[tuple[str, CSTNode]] = [("", node)]
        while (step := self._row(node).holding(*stretch)) is not None:
            path.append(step)
            node = step[1]
        return tuple(path)

    def _row(self, node: CSTNode) -> Row:
        """What stands right below a node; thousands of statements or arguments are looked through once."""
        row = self.rows.get(node)
        if row is None:
            placed = [step for step in children(node) if step[1] in self.places]
            row = self.rows[node] = Row(placed, [self.extent(child) for _, child in placed])
        return row

    def at(self, span: Span) -> Spot | None:
        """The innermost node that is just what stands at the span, with or without parentheses around it."""
        stretch = self.offsets(span)
        path = self.path(span)
        while len(path) > 1:
            node = path[-1][1]
            own = self.places[node]
            if stretch is not None and stretch in set(self._stretches(node)):
                start, end = stretch if stretch[0] <= own[0] and own[1] <= stretch[1] else own
                return Spot(path, start, end, enclosed=self.whole(node) != (start, end))
            path = path[:-1]
        return self._lone_generator(span)

    def whole(self, node: CSTNode) -> tuple[int, int]:
        """A node's stretch with all parentheses around it."""
        return next(reversed(self._around(node)), self.places[node])

    def outside(self, spot: Spot) -> Spot:
        """The same node with the next of the parentheses that enclose it."""
        start, end = next(around for around in self._around(spot.node) if around[0] < spot.start)
        return Spot(spot.path, start, end, enclosed=self.whole(spot.node) != (start, end))

    def extent(self, node: CSTNode) -> tuple[int, int]:
        """All that a node holds: its parentheses, decorators, a parameter's annotation and default."""
        start, end = self.whole(node)
        if type(node).__name__ == "IndentedBlock":
            return min(start, *(self.extent(child)[0] for _, child in islice(children(node), 1))), end
        for decorator in getattr(node, "decorators", ()):
            start = min(start, self.places[decorator][0])
        for name in ("annotation", "default"):
            part: Any = getattr(node, name, None)
            if part in self.places:
                end = max(end, self.whole(part)[1])
        return start, end

    def _around(self, node: CSTNode) -> list[tuple[int, int]]:
        """The stretches with one, two, … of the parentheses around an expression."""
        left, right = getattr(node, "lpar", ()), getattr(node, "rpar", ())
        if not isinstance(left, (tuple, list)):  # a class's or an import's parentheses, which are its own
            return []
        return [(self.places[a][0], self.places[b][1]) for a, b in zip(reversed(left), right, strict=True)]

    def _stretches(self, node: CSTNode) -> Iterator[tuple[int, int]]:
        """The stretches by which a node is known, the one of Python's tree first."""
        own, around = self.places[node], self._around(node)
        kind = type(node).__name__
        if kind in ("Tuple", "GeneratorExp") and around:
            yield around[0]
        yield own
        yield from around

    def _lone_generator(self, span: Span) -> Spot | None:
        """The generator that is a call's only argument: Python counts the call's parentheses as its own."""
        start, end = self.offsets(span) or (0, 0)
        inner = self.text[start + 1 : end - 1]
        if not (self.text[start:end].startswith("(") and inner.strip()):
            return None
        start, end = start + 1 + len(inner) - len(inner.lstrip()), start + 1 + len(inner.rstrip())
        path = self.path(self.span(start, end))
        alone = type(path[-1][1]).__name__ == "GeneratorExp" and self.whole(path[-1][1]) == (start, end)
        return Spot(path, start, end, enclosed=False) if alone else None


def parsed(file: str, text: str) -> Tree | None:
    """The tree of a text, None when it does not parse."""
    import libcst as cst

    if python_tree(text) is None:  # Python refuses what is nested too deeply; LibCST's parser would bring the process down
        return None
    try:
        module = cst.parse_module(text)
        places = _places(module)
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError, ValueError):
        return None
    return Tree(file, text, tuple(line_starts(text)), module, places)


def children(node: CSTNode) -> Iterator[tuple[str, CSTNode]]:
    """The nodes right below one, each with the field that holds it; no whitespace and no parentheses."""
    from libcst import CSTNode

    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, CSTNode):
            yield name, value
        elif isinstance(value, (tuple, list)):
            for child in value:
                yield name, child


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not field.name.startswith(_LAYOUT))


def _places(module: Module) -> Mapping[CSTNode, tuple[int, int]]:
    """Node → stretch of text.

    LibCST writes the module out and notes where it is meanwhile. This does as its PositionProvider does, in offsets and in a
    quarter of the time, which is most of what an edit costs; should LibCST write itself out in another way one day, that provider steps in.
    """
    try:
        return _places_at_once(module)
    except (ImportError, AttributeError, TypeError):
        return places_by_provider(module)


def places_by_provider(module: Module) -> Mapping[CSTNode, tuple[int, int]]:
    """Node → stretch of text, by LibCST's public means."""
    from libcst.metadata import MetadataWrapper, PositionProvider

    starts = line_starts(module.code)
    ranges = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    return {
        node: (starts[at.start.line - 1] + at.start.column, starts[at.end.line - 1] + at.end.column)
        for node, at in ranges.items()
        if at.end.line <= len(starts)
    }


def _places_at_once(module: Module) -> Mapping[CSTNode, tuple[int, int]]:
    from libcst._nodes.internal import CodegenState

    places: dict[CSTNode, tuple[int, int]] = {}
    open_at: list[int] = []

    class Writing(CodegenState):
        at = 0

        def add_indent_tokens(self) -> None:
            self.at += sum(map(len, self.indent_tokens))

        def add_token(self, value: str) -> None:
            self.at += len(value)

        def before_codegen(self, node: CSTNode) -> None:
            open_at.append(self.at)

        def after_codegen(self, node: CSTNode) -> None:
            start = open_at.pop()
            places.setdefault(node, (start, self.at))

        def record_syntactic_position(self, node: CSTNode, *, start_node: Any = None, end_node: Any = None) -> Any:
            return Bounds(self, node, start_node, end_node)

    class Bounds:
        __slots__ = ("end_node", "node", "start", "start_node", "state")

        def __init__(self, state: Writing, node: CSTNode, start_node: CSTNode | None, end_node: CSTNode | None) -> None:
            self.state, self.node, self.start_node, self.end_node = state, node, start_node, end_node

        def __enter__(self) -> None:
            self.start = self.state.at

        def __exit__(self, *exception: object) -> None:
            start = self.start if self.start_node is None else places[self.start_node][0]
            places[self.node] = (start, self.state.at if self.end_node is None else places[self.end_node][1])

    module._codegen(Writing(default_indent=module.default_indent, default_newline=module.default_newline))
    return places
