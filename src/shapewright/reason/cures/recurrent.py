"""A recurrent or attention layer that takes the samples for the steps: its flag, or its input and output, put in the right order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from shapewright.model import Event, Span, TensorInfo
from shapewright.reason.edits import Code
from shapewright.reason.names import operand_spans
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.silent.recurrent_layout import RECURRENT, Reading, layer_name, readings
from shapewright.reason.ways import FACTORIES
from shapewright.report import Edit

# How many of a layer's inputs are sequences, where that is more than one.
_INPUTS = {"MultiheadAttention": 3, "Transformer": 2, "TransformerDecoder": 2, "TransformerDecoderLayer": 2}
_ZEROS = ("zeros", "zeros_like", "new_zeros")


def propose(problem: Problem) -> Iterator[Candidate]:
    """The flag of all layers that read alike; the dims swapped around their calls; a batch dim where there was none."""
    call = next((call for call in problem.trace.calls if call.first <= problem.event.index < call.end), None)
    reading = next((one for one in readings(problem.trace, call) if one.event is problem.event), None) if call is not None else None
    if call is None or reading is None:
        return
    if reading.batch is None:
        at = 1 if reading.module.settings.get("batch_first") is True else 0
        edits = _around(problem, reading, f".unsqueeze({at})", f".squeeze({at})")
        yield Candidate("batch-dim", f"give each sample a sequence of one step around {layer_name(problem.trace, reading.module)}", edits)
        return
    alike = [one for one in readings(problem.trace, call) if _alike(one, reading)]
    states = [*_states(problem, reading)] or [("", ())]
    for group in (alike, [reading]):
        for words, state in states:
            yield from _flags(problem, group, words, state)
    for group in (alike, [reading]):
        for words, state in states:
            yield from _swaps(problem, group, words, state)


def _alike(one: Reading, reading: Reading) -> bool:
    same_size = one.x.rank == reading.x.rank and one.x.shape[one.steps] == reading.x.shape[reading.steps]
    return same_size and one.batch == reading.batch and one.module.settings.get("batch_first") is reading.module.settings.get("batch_first")


def _listed(problem: Problem, group: list[Reading]) -> str:
    """The names of the layers; of many only the first two are told."""
    names = list(dict.fromkeys(layer_name(problem.trace, one.module) for one in group))
    return say.listed(names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more"])


def _flags(problem: Problem, group: list[Reading], words: str, state: tuple[Edit, ...]) -> Iterator[Candidate]:
    """`batch_first=True` where the layers are built."""
    flag = group[0].module.settings.get("batch_first")
    edits: dict[Span, tuple[Edit, ...]] = {}
    for one in group:
        code, built = problem.code(one.module.built), one.module.built
        if code is not None and built is not None:
            edits[built] = code.set_argument(built, "batch_first", "True") if flag is False else code.drop_argument(built, "batch_first")
    if edits and all(edits.values()):
        title = f"let {_listed(problem, group)} take the {'batch' if flag is False else 'steps'} first{words}"
        yield Candidate("layer-flag", title, (*sum(edits.values(), ()), *state))


def _swaps(problem: Problem, group: list[Reading], words: str, state: tuple[Edit, ...]) -> Iterator[Candidate]:
    """`transpose(0, 1)` around the calls of the layers."""
    edits: dict[Span | None, tuple[Edit, ...]] = {}
    for one in group:
        if one.event.span not in edits:
            edits[one.event.span] = _around(problem, one, ".transpose(0, 1)", ".transpose(0, 1)")
    if all(edits.values()):
        title = f"swap batch and steps around {_listed(problem, group)}{words}"
        yield Candidate("swap", title, (*sum(edits.values(), ()), *state))


def _around(problem: Problem, reading: Reading, before: str, after: str) -> tuple[Edit, ...]:
    """The sequences changed on their way into the call, and what comes out changed back."""
    span = reading.event.span
    code = problem.code(span)
    if code is None or span is None:
        return ()
    outer = reading.module
    while outer.parent is not None and problem.trace.modules[outer.parent].library:
        outer = problem.trace.modules[outer.parent]
    arguments = code.arguments(span)[: _INPUTS.get(outer.type, 1)]
    pair = outer.type == "MultiheadAttention" or reading.event.op in RECURRENT
    back = _back(problem, code, span, after) if pair else code.append(span, after)
    return (*sum((code.append(argument, before) for _, argument in arguments), ()), *back) if arguments and back else ()


def _back(problem: Problem, code: Code, span: Span, after: str) -> tuple[Edit, ...]:
    """The first part of the pair that the call gives, changed back where it has a name or is taken at once."""
    text = problem.trace.sources[span.file]
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Subscript) and span_of(node.value, span.file, lines) == span:
            return code.append(span_of(node, span.file, lines), after) if ast.unparse(node.slice) == "0" else ()
        if isinstance(node, ast.Assign) and span_of(node.value, span.file, lines) == span and isinstance(node.targets[0], ast.Tuple):
            first = node.targets[0].elts[0]
            name = first.id if isinstance(first, ast.Name) else ""
            return code.insert_after(span, f"{name} = {name}{after}") if name and name != "_" else ()
    return ()


# A state that was made for the wrong batch


def _states(problem: Problem, reading: Reading) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """Ways to give the layer a state with a row for each sample, in words and as edits; none when it is given no state."""
    event = reading.event
    given = event.argument(1, "hx") if event.op in RECURRENT else None
    states = [one for one in (given if isinstance(given, tuple) else (given,)) if isinstance(one, TensorInfo) and one.rank == 3]
    if not states:
        return
    makers = [problem.trace.events[one.source] for one in states if one.source is not None]
    if len(makers) == len(states) and all(maker.op in (*FACTORIES, *_ZEROS) for maker in makers):
        edits = [_for_samples(problem, reading, maker) for maker in makers]
        if all(edits):
            yield ", with a state for each sample", tuple(dict.fromkeys(edit for some in edits for edit in some))
    code = problem.code(event.span)
    if code is not None and event.span is not None and len(makers) == len(states) and all(maker.op in _ZEROS for maker in makers):
        keyword = next((name for name, _ in code.arguments(event.span) if name == "hx"), None)
        yield ", from its own zeros", code.drop_argument(event.span, keyword, 1)


def _for_samples(problem: Problem, reading: Reading, maker: Event) -> tuple[Edit, ...]:
    """The batch of `torch.zeros(layers, x.size(1), hidden)` taken from the dim that holds the samples."""
    code = problem.code(maker.span)
    if code is None or maker.span is None:
        return ()
    text = problem.trace.sources[maker.span.file]
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if not isinstance(node, ast.Call) or node.lineno != maker.span.line or span_of(node, maker.span.file, lines) != maker.span:
            continue
        sizes = node.args[0].elts if node.args and isinstance(node.args[0], ast.Tuple | ast.List) else node.args
        if len(sizes) < 3:
            return ()
        written = ast.unparse(sizes[1])
        new = re.sub(r"(?<=\.size\()1(?=\))|(?<=\.shape\[)1(?=\])", str(reading.steps), written)
        if new == written:
            first = operand_spans(problem.trace, reading.event)[0]
            name = problem.text(first) if first is not None else ""
            new = f"{name}.size({reading.steps})" if name.isidentifier() and maker.function == reading.event.function else ""
        return code.replace(span_of(sizes[1], maker.span.file, lines), new) if new else ()
    return ()
