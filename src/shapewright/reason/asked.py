"""What the sizes that a `view` asks for stand for: `B, T, C = x.shape` … `out.reshape(B, T, C)` says which dims are meant. Pure.

Numbers that come from literals bring their history along; sizes that were read from a tensor do not, and are followed in the source of
the function.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from shapewright.model import Event, Number, Origin, Span, TensorInfo, Trace, Value
from shapewright.reason.layouts import RESHAPES, Layouts, Row, asked, key_of
from shapewright.reason.names import operand_names
from shapewright.reason.places import parsed, span_of

DEEPEST = 4  # assignments that are followed


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a size: what it was read from, or the literals it came from."""

    row: Row | None = None
    key: Hashable = None
    value: int | None = None
    reckoned: bool = False  # a quotient, a sum: nobody can say what it stands for


@dataclass(frozen=True, slots=True)
class Asked:
    """A size that a reshape asks for in one dim, as a product."""

    value: int
    factors: tuple[Factor, ...]
    node: ast.expr

    @property
    def is_plain(self) -> bool:
        return len(self.factors) == 1 and not self.factors[0].reckoned


def call_at(trace: Trace, event: Event) -> ast.Call | None:
    """The call of a reshape as the user wrote it; None when a library made it."""
    if event.span is None or event.op not in RESHAPES:
        return None
    text = trace.sources.get(event.span.file, "")
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Call) and node.lineno == event.span.line and span_of(node, event.span.file, lines) == event.span:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
            return node if name in RESHAPES else None
    return None


def is_written(trace: Trace, event: Event) -> bool:
    """Whether the program itself calls the reshape, or has built the layer that does."""
    if event.op not in RESHAPES:
        return False
    module = trace.modules[event.module] if event.module is not None else None
    if module is not None and module.library:
        return module.type in ("Flatten", "Unflatten") and module.built is not None
    return call_at(trace, event) is not None


def arguments(node: ast.Call) -> list[ast.expr]:
    """The expressions of the sizes, one a dim; [] where they stand in a variable."""
    given: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("shape", "size"))]
    of_torch = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "torch"
    if of_torch or isinstance(node.func, ast.Name):
        given = given[1:]
    if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
        given = list(given[0].elts)
    return [] if any(isinstance(one, ast.Starred) for one in given) else given


def asked_for(trace: Trace, made: Layouts, event: Event) -> list[Asked | None]:
    """For each dim of the result what was asked for; None for a -1 and where it cannot be told. Empty when nothing can."""
    node = call_at(trace, event)
    sizes, output = asked(event), event.output[0]
    if node is None or event.span is None or len(sizes) != output.rank:
        return []
    written = arguments(node)
    if len(written) != len(sizes):
        return []
    reader = _Reader(trace, made, event, _function(trace, event.span))
    found: list[Asked | None] = []
    for expression, size in zip(written, sizes, strict=True):
        minus = isinstance(size, Number) and size.value < 0
        found.append(None if minus else Asked(size.value, tuple(reader.factors(expression, size)), expression))  # type: ignore[union-attr]
    return found


def _function(trace: Trace, span: Span) -> ast.AST:
    """The innermost function around the place, else the file."""
    tree = parsed(trace.sources.get(span.file, ""))
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= span.line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno, default=tree)


@dataclass(frozen=True, slots=True)
class _Reader:
    trace: Trace
    made: Layouts
    event: Event
    function: ast.AST

    def factors(self, node: ast.expr, size: Value, depth: int = 0) -> Iterator[Factor]:
        """The factors of an expression; `size` is its number, as far as the run could follow it."""
        value = size.value if isinstance(size, Number) else None
        origin = size.origin if isinstance(size, Number) else None
        if isinstance(node, ast.BinOp):
            left, right = _parts(origin)
            if isinstance(node.op, ast.Mult):
                yield from self.factors(node.left, left, depth)
                yield from self.factors(node.right, right, depth)
            else:
                yield Factor(key=key_of(size), value=value, reckoned=True)
            return
        if isinstance(node, ast.Name) and depth < DEEPEST:
            found = self._assigned(node.id)
            if isinstance(found, ast.expr):
                yield from self.factors(found, size, depth + 1)
                return
            if found is not None:
                tensor, dim, line = found
                yield Factor(self._row(tensor, dim, line, value), key_of(size), value)
                return
        read = _size_of(node)
        if read is not None:
            yield Factor(self._row(*read, node.lineno, value), key_of(size), value)
            return
        reckoned = bool(origin is not None and origin.op and origin.op != "*")
        yield Factor(key=key_of(size), value=value, reckoned=reckoned or isinstance(node, ast.Call))

    def _assigned(self, name: str) -> ast.expr | tuple[ast.expr, int, int] | None:
        """What the only assignment to a name gives it: an expression, or (tensor, dim, line) of its sizes."""
        found: list[ast.expr | tuple[ast.expr, int, int]] = []
        for node in ast.walk(self.function):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                assert isinstance(node, ast.Assign)
                if isinstance(target, ast.Name) and target.id == name:
                    found.append(node.value)
                elif isinstance(target, ast.Tuple | ast.List):
                    names = [one.id if isinstance(one, ast.Name) else "" for one in target.elts]
                    if name in names:
                        place = names.index(name)
                        if isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(names):
                            found.append(node.value.elts[place])
                            continue
                        tensor = shape_of(node.value)
                        if tensor is None or any(isinstance(one, ast.Starred) for one in target.elts):
                            return None
                        found.append((tensor, place, node.lineno))
        return found[0] if len(found) == 1 else None

    def _row(self, tensor: ast.expr, dim: int, line: int, value: int | None) -> Row | None:
        """What the dim of a tensor consisted of that the source calls so: of the operand of the first call with it behind that line."""
        name = ast.unparse(tensor)
        seen: TensorInfo | None = None
        for event in self.trace.events[self.event.index :: -1]:
            if event.function != self.event.function or event.span is None or event.span.file != getattr(self.event.span, "file", ""):
                if event.op != "not-recorded" and event.index < self.event.index and not event.function:
                    break
                continue
            if event.span.line < line:
                break
            for operand, called in zip(event.tensors(), operand_names(self.trace, event), strict=True):
                if called == name and -operand.rank <= dim < operand.rank and (value is None or operand.shape[dim] == value):
                    seen = operand
        return self.made.of(seen)[dim] if seen is not None else None


def _parts(origin: Origin | None) -> tuple[Value, Value]:
    if origin is None or origin.op != "*" or len(origin.parts) != 2:
        return None, None
    left, right = origin.parts
    return Number(left.value, left), Number(right.value, right)


def shape_of(node: ast.expr) -> ast.expr | None:
    """The tensor of `x.shape` and `x.size()`."""
    if isinstance(node, ast.Attribute) and node.attr == "shape":
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size" and not node.args:
        return node.func.value
    return None


def _size_of(node: ast.expr) -> tuple[ast.expr, int] | None:
    """The tensor and the dim of `x.shape[1]`, `x.size(1)` and `len(x)`."""
    at: ast.expr | None = None
    tensor: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        tensor, at = shape_of(node.value), node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size" and len(node.args) == 1:
        tensor, at = node.func.value, node.args[0]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and len(node.args) == 1:
        return node.args[0], 0
    if isinstance(at, ast.UnaryOp) and isinstance(at.op, ast.USub) and isinstance(at.operand, ast.Constant):
        return (tensor, -at.operand.value) if tensor is not None and isinstance(at.operand.value, int) else None
    if tensor is None or not isinstance(at, ast.Constant) or not isinstance(at.value, int):
        return None
    return tensor, at.value
