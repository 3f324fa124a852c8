"""Whether a failure may come from a loop having been shortened: it lies behind the loop, and works on what was collected in it. Pure."""

from __future__ import annotations

import ast

from shapewright.model import Event, Span, Trace
from shapewright.reason.names import operand_names
from shapewright.reason.places import parsed, span_of
from shapewright.reason.rules import dims
from shapewright.reason.scene import Scene
from shapewright.reason.ways import chain
from shapewright.source import contains

# What makes one tensor of a list, or of plain Python values.
_COLLECTING = {"cat", "stack", "tensor", "as_tensor", "hstack", "vstack", "dstack"}


def counts_turns(trace: Trace, event: Event) -> bool:
    """Whether a size in the failed call may be the number of turns of a shortened loop."""
    if dims.demand(Scene(event, None, operand_names(trace, event))) is not None:
        return False  # a dim that is not there: it is a matter of how many dims there are, and of no size
    bodies = [body for head in trace.cut_loops if (body := _statement(trace, head)) is not None]
    frames = [span for span in (event.span, *event.stack) if span is not None]
    if any(contains(body, frame) for body in bodies for frame in frames):
        return False  # it failed within a turn
    for tensor in event.tensors():
        for step in chain(trace, tensor):
            if step.op not in _COLLECTING or step.span is None or _statement(trace, step.span) is not None:
                continue  # (a call in the head of a loop is a loader putting a batch together)
            if not any(contains(body, step.span) for body in bodies):
                return True
        if tensor.source is None and tensor.kind == "activation":
            return True
    return event.op in _COLLECTING


def _statement(trace: Trace, head: Span) -> Span | None:
    """The whole loop whose head stands at a span; None when no loop's does."""
    text = trace.sources.get(head.file, "")
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if not isinstance(node, ast.For | ast.While) or not node.lineno <= head.line <= (node.end_lineno or 0):
            continue
        if span_of(node.iter if isinstance(node, ast.For) else node.test, head.file, lines) == head:
            return span_of(node, head.file, lines)
    return None
