"""How a live model can be built again from its file: constructor arguments that are likely its own.

They are looked for, not known: a model that was built with them counts only when its parameters have the same names and shapes.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch import nn

from shapewright.observe.client import is_dry
from shapewright.observe.finish import weighed
from shapewright.observe.given import pack
from shapewright.observe.request import CallAgain, Request, Target
from shapewright.source import Sources

_PLAIN = (bool, int, float, str, type(None))
_MOST = 4
LONGEST = 10.0  # seconds for one dry run


@dataclass(frozen=True, slots=True)
class Construction:
    """A class, and arguments as `--init` takes them."""

    target: Target
    init: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Names of a frame, and the file whose text uses them."""

    file: str
    names: Mapping[str, Any]


def constructions(model: nn.Module, scopes: Sequence[Scope], sources: Sources) -> tuple[Construction, ...]:
    """At most four ways, the likeliest first: as the program's own text builds it, with its defaults, with its attributes."""
    kind = type(model)
    file = _file_of(kind)
    if not file or not sources.is_user(file) or "<" in kind.__qualname__:
        return ()
    target = Target(kind.__qualname__, file=file, name=kind.__qualname__)
    texts = [*_written(kind, scopes, sources), *_from_attributes(model)]
    return tuple(Construction(target, text) for text in dict.fromkeys(texts))[:_MOST]


def _file_of(kind: type) -> str:
    """The file in which the class stands, as its own functions tell: `__main__` forgets its file when a program ends."""
    codes = [value.__code__ for value in vars(kind).values() if inspect.isfunction(value)]
    return next((code.co_filename for code in codes if code.co_qualname.startswith(f"{kind.__qualname__}.")), "")


def built_again(model: Any, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[str, list[Request]]:
    """The digest of a live model's parameters, and dry runs that build its class and call it so. The caller's frames say with what."""
    from shapewright.observe import surroundings
    from shapewright.observe.live_inputs import from_shapes

    if not isinstance(model, nn.Module) or is_dry():
        return "", []
    sources = Sources([os.getcwd()])
    scopes: list[Scope] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if sources.is_user(frame.f_code.co_filename):
            scopes.append(Scope(frame.f_code.co_filename, {**frame.f_globals, **frame.f_locals}))
        frame = frame.f_back
    with surroundings.as_found():
        arguments = pack(from_shapes(model, inputs, keywords, list(model.parameters())))
    if arguments is None:
        return "", []
    again = CallAgain(type(model).__name__, weighed([model])[1], model.training, arguments)
    ways = constructions(model, scopes, sources)
    return again.weights, [Request(way.target, os.getcwd(), init=way.init, call=again, probe=True, time_limit=LONGEST) for way in ways]


def _written(kind: type, scopes: Sequence[Scope], sources: Sources) -> Iterator[str]:
    """The arguments of calls of the class in the program's text, where they can be told without calling anything."""
    for scope in scopes:
        for call in _calls(kind, scope, sources):
            try:
                words = [repr(_plain(argument, scope)) for argument in call.args]
                words += [f"{word.arg}={_plain(word.value, scope)!r}" for word in call.keywords if word.arg]
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
                continue
            if all(word.arg for word in call.keywords):
                yield ", ".join(words)


def _calls(kind: type, scope: Scope, sources: Sources) -> Iterator[ast.Call]:
    try:
        tree = ast.parse("\n".join(sources.lines(scope.file)))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name == kind.__name__:
                yield node


def _plain(node: ast.expr, scope: Scope) -> Any:
    """The value of an expression that calls nothing. Raises LookupError, TypeError … where it has none, or is no plain value."""
    for part in ast.walk(node):
        if isinstance(
            part, ast.Call | ast.Await | ast.Lambda | ast.NamedExpr | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp
        ):
            raise TypeError("a call")
    try:
        value = eval(compile(ast.Expression(node), "<argument>", "eval"), dict(scope.names))
    except NameError as error:
        raise LookupError(str(error)) from None
    if not _is_plain(value):
        raise TypeError("no plain value")
    return value


def _is_plain(value: Any) -> bool:
    if type(value) in (tuple, list):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return type(value) in _PLAIN


def _from_attributes(model: nn.Module) -> Iterator[str]:
    """Required arguments that the model keeps under their own names, the others left to their defaults; and all that it keeps."""
    try:
        parameters = [p for p in inspect.signature(type(model)).parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    except (TypeError, ValueError):
        return
    kept = {p.name: value for p in parameters if _is_plain(value := vars(model).get(p.name, ...))}
    required = [p.name for p in parameters if p.default is p.empty]
    if all(name in kept for name in required):
        yield ", ".join(f"{name}={kept[name]!r}" for name in required)
        yield ", ".join(f"{name}={value!r}" for name, value in kept.items())
