"""A model gives several outputs, and one with layers of its own reaches no loss.

What happened. The call is unpacked, `scores, boxes = model(x)`, and `boxes` is never read. The layers that make it are run in every step,
their parameters are given to the optimizer, and get no gradient: they stay as they were initialised, while the rest of the model learns.

Why. A term of the loss was forgotten (the boxes of a detector, the value of an actor-critic, one of several tasks), or the same output was
written into two terms. The loss goes down all the same.

How to tell which fix is right. If the output is wanted, give it a loss with targets of its shape, and add it to the others. If it is not
wanted here, say so (`scores, _ = model(x)`), or take its layers out of the model. An output whose layers learn on another way (attention
weights, a hidden state) is nothing to worry about, and is not reported.

Example. A classifier that also gives boxes, trained on the classes alone:

    no loss sees `boxes`: the 132 parameters that only it needs get no gradient
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from shapewright.model import Clash, Event, ModelCall, Span, TensorInfo, Trace
from shapewright.reason.places import parsed, span_of
from shapewright.reason.rules.sizes import whole
from shapewright.reason.silent import flow
from shapewright.source import contains

SLUGS = ("unused-output",)

# Gradients that are taken without `backward` leave no trace in the parameters.
_OTHER_GRADIENTS = ("autograd.grad", "torch.func", "functorch", "autograd.functional")


@dataclass(frozen=True, slots=True)
class _Idle:
    """An output that no loss sees, and what only it needs."""

    place: int
    elements: int


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Calls of models that learn, with an output whose own parameters do not."""
    seen = flow.ancestors(trace, (tensor for event in trace.events if event.op == "backward" for tensor in event.tensors()))
    if not seen or any(word in text for text in trace.sources.values() for word in _OTHER_GRADIENTS):
        return
    for call in trace.calls:
        if call.span is None or len(call.outputs) < 2:
            continue
        reached = [tensor for tensor in call.outputs if tensor.source in seen]
        if not reached or any(_ungraded(trace, call, tensor) for tensor in reached):
            continue  # a teacher, or a copy that follows the model: nothing in it learns
        idle = [one for place in range(len(call.outputs)) if (one := _idle(trace, call, place, seen)) is not None]
        if idle:
            yield next(event for event in trace.events if event.op == "backward"), _judged(trace, call, call.span, idle)


def _idle(trace: Trace, call: ModelCall, place: int, seen: set[int]) -> _Idle | None:
    """What the output needs and no other does: parameters that were worked with, and should learn, and got no gradient."""
    output = call.outputs[place]
    elements = 0 if output.source in seen else _ungraded(trace, call, output)
    return _Idle(place, elements) if elements else None


def _ungraded(trace: Trace, call: ModelCall, output: TensorInfo) -> int:
    """How many elements have the parameters that the output was made with, and that should learn and got no gradient."""
    own: dict[tuple[int, str], int] = {}
    for index in flow.ancestors(trace, [output]):
        event = trace.events[index]
        if event.module is None or not call.first <= index < call.end:
            continue
        module = trace.modules[event.module]
        named = {tensor.name.rpartition(".")[2] for tensor in event.tensors() if tensor.kind == "parameter"}
        whole = event.call == "module"  # its parameters are none of its operands
        for one in flow.below(trace, module.index) if whole else [module]:
            own.update({(one.index, name): prod(one.parameters[name]) for name in one.ungraded if whole or name in named})
    return sum(own.values())


def _judged(trace: Trace, call: ModelCall, span: Span, idle: list[_Idle]) -> Clash:
    names = targets(trace, span)
    elements = sum(one.elements for one in idle)
    unpacked = names if len(names) == len(call.outputs) else ()
    words = [f"`{unpacked[one.place]}`" if unpacked and unpacked[one.place] else f"output {one.place + 1}" for one in idle]
    sure = bool(unpacked) and not _trains_parts(trace, call)
    sure = sure and all(_only_for(trace, call, one.place) and _is_lost(trace, call, unpacked[one.place]) for one in idle)
    shown = " and ".join(words)
    one_of = "it needs" if len(idle) == 1 else "they need"
    headline = f"no loss sees {shown}: the {elements:,} parameters that only {one_of} get no gradient"
    first = idle[0]
    label = f"output {first.place + 1} of {len(call.outputs)}, {call.outputs[first.place]}, goes into no loss"
    return Clash(SLUGS[0], headline, label, whole(call.outputs[first.place]), severity="warning" if sure else "note", at=span)


def _only_for(trace: Trace, call: ModelCall, place: int) -> bool:
    """Whether what the idle layers give is used for the output alone: a gate that picks by its scores is used without a gradient."""
    way = flow.ancestors(trace, [call.outputs[place]])
    todo = [index for index in way if call.first <= index < call.end and _learns_nothing(trace, trace.events[index])]
    later = set(todo)
    while todo:
        for user in flow.consumers(trace, trace.events[todo.pop()]):
            if user.index not in way:
                return False
            if user.index not in later:
                later.add(user.index)
                todo.append(user.index)
    return True


def _learns_nothing(trace: Trace, event: Event) -> bool:
    return event.module is not None and bool(trace.modules[event.module].ungraded)


def targets(trace: Trace, span: Span) -> tuple[str, ...]:
    """The variables that the call at the span is unpacked into, "" for one that is no plain name."""
    text = trace.sources.get(span.file, "")
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if isinstance(node, ast.Assign) and isinstance(target, ast.Tuple | ast.List) and span_of(node.value, span.file, lines) == span:
            starred = any(isinstance(one, ast.Starred) for one in target.elts)
            return () if starred else tuple(one.id if isinstance(one, ast.Name) else "" for one in target.elts)
    return ()


def _is_lost(trace: Trace, call: ModelCall, name: str) -> bool:
    """Whether nothing outside of the model's own functions reads a variable of that name."""
    if not name or name.startswith("_"):
        return False
    for file, text in trace.sources.items():
        own = _functions(trace, call, file, text)
        lines = text.split("\n")
        for node in ast.walk(parsed(text)):
            if not isinstance(node, ast.Name):
                continue
            if node.id in ("locals", "globals", "vars", "exec"):
                return False
            here = node.id == name and isinstance(node.ctx, ast.Load)
            if here and not any(contains(function, span_of(node, file, lines)) for function in own):
                return False
    return True


def _functions(trace: Trace, call: ModelCall, file: str, text: str) -> list[Span]:
    """The functions in which the call's own events stand."""
    spans = {event.span for event in trace.events[call.first : call.end] if event.span is not None and event.span.file == file}
    lines = text.split("\n")
    functions = [span_of(node, file, lines) for node in ast.walk(parsed(text)) if isinstance(node, ast.FunctionDef)]
    around = [function for function in functions if any(contains(function, span) for span in spans)]
    return [function for function in around if call.span is None or not contains(function, call.span)]


def _trains_parts(trace: Trace, call: ModelCall) -> bool:
    """Whether the program asks for the parameters of a part of the model: then it may mean to train only some."""
    parts = {module.path.rpartition(".")[2] for module in flow.below(trace, call.module) if module.index != call.module}
    asked = (node for text in trace.sources.values() for node in ast.walk(parsed(text)) if isinstance(node, ast.Attribute))
    return any(node.attr == "parameters" and isinstance(node.value, ast.Attribute) and node.value.attr in parts for node in asked)
