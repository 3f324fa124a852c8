"""Layers that a forward calls and whose results it throws away. Pure.

Two ways of writing it are sure: the call is a statement of its own, or its result goes to a variable that is set anew before it is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapewright.model import Clash, Event, ModuleInfo, Span, Trace
from shapewright.reason.places import parsed, span_of
from shapewright.reason.rules import say
from shapewright.reason.silent import flow
from shapewright.source import contains

# With these in the source somebody may look at a layer's result on another way.
_HOOKS = ("register_forward_hook", "register_module_forward_hook", "register_forward_pre_hook")


@dataclass(frozen=True, slots=True)
class Lost:
    """A call whose result nobody gets."""

    span: Span  # of the call
    variable: str = ""  # where the result goes, "" for a statement of its own
    instead: ast.Assign | None = None  # the statement that sets the variable anew


def faults(trace: Trace, slug: str) -> Iterator[Clash]:
    """Calls of layers, written in a forward, whose results are lost each time."""
    if any(hook in text for text in trace.sources.values() for hook in _HOOKS):
        return
    inside = {index for call in trace.calls for index in range(call.first, call.end)}
    learns = any(event.op == "backward" for event in trace.events)
    seen: set[Span] = set()
    for event in trace.events:
        if event.span is None or event.span in seen:
            continue
        layer = _layer(trace, event) if event.index in inside else None
        if layer is None or (learns and any(one.parameters and not one.ungraded for one in flow.below(trace, layer.index))):
            continue  # somebody took a gradient of it
        seen.add(event.span)
        lost = lost_at(trace, event.span)
        if lost is None or not _stays_inside(trace, lost.span):
            continue
        where = _where(lost)
        headline = f"the result of `{say.module_name(layer)}` is thrown away: {where}"
        label = f"gives {event.output[0]}, but {where}" if event.output else where
        yield Clash(slug, headline, label, severity="warning", at=lost.span)


def _stays_inside(trace: Trace, span: Span) -> bool:
    """Whether the expression is a call that makes something new, and nothing that is made in it is used outside of it."""
    within = [event for event in trace.events if event.span is not None and contains(span, event.span)]
    whole = [event for event in within if event.span == span]
    if not whole or any(event.inplace for event in within):
        return False
    return all(user.span is not None and contains(span, user.span) for event in within for user in flow.consumers(trace, event))


def _where(lost: Lost) -> str:
    if lost.instead is not None:
        return f"`{lost.variable}` is set anew before it is read"
    return f"`{lost.variable}` is never read" if lost.variable else "the call is a statement of its own"


def _layer(trace: Trace, event: Event) -> ModuleInfo | None:
    """The library's layer, or row of layers, that a class of the user's called; none when the call changes what it is given."""
    module = trace.modules[event.module] if event.module is not None else None
    if module is None or not module.library or module.settings.get("inplace") is True:
        return None
    while module.parent is not None and trace.modules[module.parent].library:
        module = trace.modules[module.parent]
    return module if module.parent is not None else None


def lost_at(trace: Trace, span: Span) -> Lost | None:
    """What happens to the result of the call at a span, when it is lost for sure."""
    text = trace.sources.get(span.file, "")
    lines = text.split("\n")
    for function in ast.walk(parsed(text)):
        if not isinstance(function, ast.FunctionDef) or not function.lineno <= span.line <= (function.end_lineno or 0):
            continue
        for block in _blocks(function):
            for place, statement in enumerate(block):
                value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
                if not isinstance(value, ast.Call) or not value.lineno <= span.line <= (value.end_lineno or 0):
                    continue
                whole = span_of(value, span.file, lines)
                if contains(whole, span):
                    return Lost(whole) if isinstance(statement, ast.Expr) else _overwritten(function, statement, whole, block[place + 1 :])
    return None


def _overwritten(function: ast.FunctionDef, statement: ast.stmt, call: Span, later: Sequence[ast.stmt]) -> Lost | None:
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    if not isinstance(target, ast.Name) or target.id.startswith("_"):
        return None
    if not any(isinstance(node, ast.Name) and node.id == target.id and not isinstance(node.ctx, ast.Store) for node in ast.walk(function)):
        declared = any(isinstance(node, ast.Global | ast.Nonlocal) and target.id in node.names for node in ast.walk(function))
        return None if declared or _looks_at_all(function) else Lost(call, target.id)
    for other in later:
        names = [node for node in ast.walk(other) if isinstance(node, ast.Name) and node.id == target.id]
        if not names and not _leaves(other):
            continue
        plain = isinstance(other, ast.Assign) and len(other.targets) == 1 and names == [other.targets[0]]
        return Lost(call, target.id, other) if plain and isinstance(other, ast.Assign) else None
    return None


def _leaves(statement: ast.stmt) -> bool:
    """Whether what follows may not be run."""
    return any(isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue | ast.Try) for node in ast.walk(statement))


def _looks_at_all(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Name) and node.id in ("locals", "vars", "exec", "eval") for node in ast.walk(function))


def _blocks(function: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block
