"""A layer without a part in the result: its result is assigned, it takes the place that was meant for it, or it is not built."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, ModuleInfo, Span, Trace
from shapewright.reason.edits import Code
from shapewright.reason.names import operand_spans
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.silent import discarded, flow, reads, unused_output
from shapewright.reason.silent.unused import Idle, idles, replaced, setting_of
from shapewright.report import Edit
from shapewright.source import contains

_KEEPS = ("num_features", "num_channels", "normalized_shape", "embed_dim", "d_model")  # what layers name that give what they take


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates for a layer that is idle, or whose result is thrown away."""
    at = problem.clash.at
    code = problem.code(at)
    if at is None or code is None:
        return
    if problem.clash.slug in unused_output.SLUGS:
        yield from _told_apart(problem, code, at)
        return
    for idle in idles(problem.trace):
        setting = setting_of(problem.trace, idle)
        if setting is not None and setting.value == at:
            yield from _idle(problem, code, idle, setting)
            return
    lost = discarded.lost_at(problem.trace, at)
    if lost is not None:
        yield from _assigned(problem, code, lost)


def _assigned(problem: Problem, code: Code, lost: discarded.Lost) -> Iterator[Candidate]:
    """The result goes on: into the variable that the call took, or into the call that sets its own variable anew."""
    tree = parsed(code.text)
    lines = code.text.split("\n")
    call = next((node for node in ast.walk(tree) if isinstance(node, ast.Call) and span_of(node, code.file, lines) == lost.span), None)
    given = list(dict.fromkeys(name for name in _given(call) if name)) if call is not None else []
    if not lost.variable:
        for name in given[:1]:
            yield Candidate("assign-result", f"assign the result to `{name}`", code.assign(lost.span, name))
    elif lost.instead is not None:
        taken = [node for node in ast.walk(lost.instead.value) if isinstance(node, ast.Name) and node.id in given]
        for node in taken[:1]:
            title = f"give `{lost.variable}` to the next call, in the place of `{node.id}`"
            yield Candidate("assign-result", title, code.replace(span_of(node, code.file, lines), lost.variable))
    whole = code.statement(lost.span)
    if whole is not None and lost.variable and lost.instead is not None:
        yield Candidate("unbuild", "leave out the call whose result is not used", _without_lines(code, whole))


def _given(call: ast.Call) -> Iterator[str]:
    """The plain names that a call, or the one inside it, is given."""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        yield from _given(call.func.value)
    for argument in call.args[:1]:
        if isinstance(argument, ast.Call):
            yield from _given(argument)
        yield argument.id if isinstance(argument, ast.Name) else ""


def _idle(problem: Problem, code: Code, idle: Idle, setting: reads.Setting) -> Iterator[Candidate]:
    lines = code.text.split("\n")
    target = setting.statement.targets[0] if isinstance(setting.statement, ast.Assign) else setting.statement.target
    instead = replaced(problem.trace, idle)
    if instead is not None and isinstance(target, ast.Attribute):
        yield from _renamed(problem, code, idle, instead)
        return
    statement = span_of(setting.statement, code.file, lines)
    what = "layer" if idle.module is not None else "parameter"
    edits = _without_lines(code, statement)
    for file, setup in reads.setups(problem.trace, idle.owner.type, idle.name):
        other = _without_lines(code, span_of(setup, file, lines)) if file == code.file else ()
        edits = (*edits, *other) if other and edits else ()
    yield Candidate("unbuild", f"do not build the {what} `{idle.name}`", edits)
    if idle.module is not None:
        yield from _called(problem, idle, idle.module)


def _renamed(problem: Problem, code: Code, idle: Idle, instead: str) -> Iterator[Candidate]:
    """`model.classifier = …` → `model.fc = …`, wherever the name stands."""
    lines = code.text.split("\n")
    edits: list[Edit] = []
    for node in ast.walk(parsed(code.text)):
        if isinstance(node, ast.Attribute) and node.attr == idle.name:
            whole = span_of(node, code.file, lines)
            start = whole.end_column - len(idle.name)
            edits += [Edit(Span(code.file, whole.end_line, start, whole.end_line, whole.end_column), instead)]
    yield Candidate("constant", f"put the new layer in the place of `{instead}`", tuple(edits), 2)


def _called(problem: Problem, idle: Idle, module: ModuleInfo) -> Iterator[Candidate]:
    """A call of the layer where its sizes fit: behind the layer that is built before it, or the one of the same number."""
    trace = problem.trace
    siblings = [one for one in trace.modules if one.parent == idle.owner.index and one.index != module.index]
    before = [one for one in siblings if one.index < module.index]
    number = re.search(r"\d+$", idle.name)
    alike = [one for one in siblings if number is not None and one.path.endswith(number.group())]
    seen: set[Span] = set()
    for sibling in [*alike, *before[::-1]]:
        event = _last_event(trace, sibling)
        code = problem.code(event.span) if event is not None else None
        if event is None or event.span is None or code is None or event.span in seen or not _fits(module, event):
            continue
        if sibling.type == module.type and module.number("in_features") is None and module.number("in_channels") is None:
            continue  # no norm behind a norm
        seen.add(event.span)
        name = sibling.path.rpartition(".")[2]
        title = f"call `{idle.name}` on what `{name}` gives"
        yield Candidate("use", title, code.wrap(event.span, f"{_receiver(code, event.span)}.{idle.name}(", ")"), int(sibling in alike))
        if sibling in alike or len(seen) == 2:
            return


def _last_event(trace: Trace, module: ModuleInfo) -> Event | None:
    inside = {one.index for one in flow.below(trace, module.index)}
    return next((event for event in reversed(trace.events) if event.module in inside and event.output), None)


def _receiver(code: Code, span: Span) -> str:
    """What the sibling's call writes before its dot: `self`."""
    text = code.text_at(span)
    return text.partition(".")[0] if re.match(r"\w+\.", text) else "self"


def _fits(module: ModuleInfo, event: Event) -> bool:
    """Whether the layer takes what the call gives. Where it gives something else, the run will tell whether that goes on."""
    shape = event.output[0].shape
    channels, features = (shape[1] if len(shape) > 1 else None), (shape[-1] if shape else None)
    if module.type.startswith("LayerNorm"):
        number = module.number("normalized_shape")
        return number is not None and number.value in shape
    for setting, size in (("in_features", features), ("in_channels", channels), ("num_features", channels), ("num_channels", channels)):
        number = module.number(setting)
        if number is not None:
            return number.value == size
    return any(number is not None and number.value == features for number in map(module.number, _KEEPS))


def _told_apart(problem: Problem, code: Code, at: Span) -> Iterator[Candidate]:
    """Two terms of a loss look at one output, and at the other of the same shape looks none: the later term takes that."""
    call = next((call for call in problem.trace.calls if call.span == at), None)
    lost = problem.clash.got.tensor if problem.clash.got is not None else None
    names = unused_output.targets(problem.trace, at)
    if call is None or lost is None or len(names) != len(call.outputs) or lost not in call.outputs:
        return
    missing = names[call.outputs.index(lost)]
    lines = code.text.split("\n")
    for name, output in zip(names, call.outputs, strict=True):
        if output is lost or output.shape != lost.shape or not name:
            continue
        seen = {
            event.span: span
            for event in problem.trace.events
            for tensor, span in zip(event.tensors(), operand_spans(problem.trace, event), strict=True)
            if tensor.source == output.source and event.span is not None and span is not None and code.text_at(span) == name
            if event.span.line > at.line and event.span.file == at.file
        }
        if len(seen) > 1:
            last = max(seen, key=lambda span: (span.line, span.column))
            spans = [span_of(node, code.file, lines) for node in ast.walk(parsed(code.text)) if isinstance(node, ast.Name)]
            inside = [span for span in spans if contains(last, span) and code.text_at(span) == name]
            edits = code.replace(inside[0], missing) if len(inside) == 1 else ()
            yield Candidate("assign-result", f"take `{missing}` in the place of `{name}` in the later term", edits)


def _without_lines(code: Code, statement: Span) -> tuple[Edit, ...]:
    """The statement away with its lines, which it must have to itself; not the only one of its block."""
    tree, lines = parsed(code.text), code.text.split("\n")
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            spans = [span_of(one, code.file, lines) for one in block] if isinstance(block, list) else []
            if statement not in spans:
                continue
            shared = any(other != statement and contains(_lines_of(statement), other) for other in spans)
            head = lines[statement.line - 1][: statement.column - 1].strip()
            if len(spans) < 2 or shared or head or statement.end_line >= len(lines):
                return ()
            return (Edit(_lines_of(statement), ""),)
    return ()


def _lines_of(span: Span) -> Span:
    return replace(span, column=1, end_line=span.end_line + 1, end_column=1)
