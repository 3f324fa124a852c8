"""A batch size is written into the program, and the last batch is smaller.

What happened. 1000 samples in batches of 64 leave 40 for the last one. `view(64, -1)`, a hidden state made for 64 samples,
or labels for 64 then meet 40. Where the numbers happen to divide, the view gives 64 rows of wrong features, and the fault
shows in the next layer. With a batch of one, `squeeze()` takes the batch dim away as well, and batch normalisation has no
batch to normalise over. Where all batches are full, nothing fails, and the model can be used with that one batch size only.

Why. The number was at hand while the model was written for one batch of a known size.

How to tell which fix is right. Take the batch from the data (`x.size(0)`), or leave it to the call (`flatten(1)`). A state
made of zeros can be left out, for recurrent layers make one for the batch they get. `drop_last=True` helps in training, not
when the model is used. A fixed batch is right where a state is carried from batch to batch; then the loader must drop the
last one.

Example. A model that was tried with 32 images, and would fail with the 8 that a loader has left:

    `x.view(32, -1)` is written for 32 samples: batches of 1, 2 and 3 fail
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from shapewright.model import Clash, Event, ModelCall, Number, Origin, Probe, Size, Span, TensorInfo, Trace, Value
from shapewright.reason.places import parsed, span_of
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at
from shapewright.reason.silent import carry, flow
from shapewright.reason.ways import FACTORIES
from shapewright.source import contains, text_at

SLUGS = ("last-batch",)

RESHAPES = ("view", "reshape", "unflatten")
COPIES = ("expand", "repeat", "broadcast_to")
MAKERS = (*FACTORIES, "new_zeros", "new_ones", "new_full", "new_empty")
STATEFUL = ("lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell")
_WAYS_OUT = (ast.Continue, ast.Break, ast.Return, ast.Raise, ast.Assign)
_LINKS = ("scatter", "scatter_add", "index_add", "index_select", "scatter_reduce", "cdist")  # of nodes, not of samples


@dataclass(frozen=True, slots=True)
class Written:
    """A size of a call that is the batch of the program, as a number in the source."""

    event: Event
    origin: Origin  # of the number that is the batch; it may be a factor of the size
    argument: ast.expr  # the size as the call writes it
    data: TensorInfo | None  # what has the batch where the number is asked for: the operand, or the tensor that the new one meets
    dim: int  # where the data has it
    user: Event | None = None  # for a new tensor: the call in which it meets the data


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Models that run for the program's own batch only, because its size is written into them; then batch norms of one value."""
    if not _drops_last(trace):
        for probe in trace.probes:
            yield from _fixed(trace, probe)
        yield from _norms(trace)


def _fixed(trace: Trace, probe: Probe) -> Iterator[tuple[Event, Clash]]:
    call = bound_call(trace, probe)
    if call is None or probe.batch is None or _no_batch(trace, call, probe) or _guarded(trace):
        return
    found = list(written(trace, call, probe))
    if not found:
        return
    others = [one for one in trace.calls if one.module == call.module and _rows(one.inputs, probe) not in (None, probe.batch)]
    if any(_rows(one.outputs, probe) == _rows(one.inputs, probe) for one in others):
        return  # a batch of another size went well
    from_loader = any(_collected(trace, tensor, probe.batch_dim or 0) for tensor in call.inputs)
    hard = [one for one in found if _in_place(trace, one) and not _builds(trace, one)]
    sure = bool(hard) and (bool(others) or not (from_loader or any(carry.loaders(trace))))
    first = hard[0] if hard else found[0]
    yield first.event, _clash(trace, probe, first, others, "warning" if sure else "note")


def bound_call(trace: Trace, probe: Probe) -> ModelCall | None:
    """The program's first call of the model, when no other batch size runs, or all give as many rows as the program's own."""
    others = [sizes for batch, sizes in probe.sizes if batch != probe.batch]
    if probe.batch is None or probe.batch < 2 or probe.batch_dim is None or len(others) < 2:
        return None
    if any(sizes is not None and (not sizes or sizes[0] != probe.batch) for sizes in others):
        return None
    return next((call for call in trace.calls if call.module == probe.model and flow.has_parameters(trace, call)), None)


def _no_batch(trace: Trace, call: ModelCall, probe: Probe) -> bool:
    """Whether dim 0 is something else: the channels of one image, the nodes of a graph, points that are compared with each other."""
    for event in trace.events[call.first : call.end]:
        operands = [tensor for tensor in event.tensors() if tensor.kind == "activation"]
        if event.op.startswith("conv") and operands and event.op[-2:-1].isdigit() and operands[0].rank == int(event.op[-2]) + 1:
            return True
        if event.op in _LINKS or any(one == other == probe.batch for tensor in operands for one, other in pairwise(tensor.shape)):
            return True
    return False


def _rows(tensors: tuple[TensorInfo, ...], probe: Probe) -> int | None:
    dim = probe.batch_dim or 0
    return tensors[0].shape[dim] if tensors and tensors[0].rank > dim else None


def _collected(trace: Trace, tensor: TensorInfo, dim: int) -> bool:
    makers = (carry.maker(trace, one) for one, _ in carry.sources(trace, tensor, dim))
    return any(one is not None and carry.collated(one) is not None and carry.by_loader(trace, one) for one in makers)


# Where the number stands


def written(trace: Trace, call: ModelCall, probe: Probe) -> Iterator[Written]:
    """The sizes within the model that are the program's batch by a number in the source, each place once."""
    seen: set[Span] = set()
    for event in trace.events[call.first : call.end]:
        if event.span is None or event.span in seen or not event.output:
            continue
        one = _of_operand(trace, event, probe) if event.op in (*RESHAPES, *COPIES) else _of_maker(trace, call, event, probe)
        if one is not None:
            seen.add(event.span)
            yield one


def _of_operand(trace: Trace, event: Event, probe: Probe) -> Written | None:
    """`x.view(32, -1)`, `token.expand(32, -1, -1)`."""
    operand = next(event.tensors(), None)
    dim = probe.batch_dim or 0
    given = _flat(event.args[1:])
    if operand is None or event.op == "unflatten" or dim >= len(given) or len(given) != event.output[0].rank:
        return None
    number, argument = given[dim], _argument(trace, event, dim)
    origin = _factor(number, probe.batch)
    if origin is None or argument is None or (event.op in COPIES and (operand.rank <= dim or operand.shape[dim] != 1)):
        return None
    holds = operand if operand.rank > dim and operand.shape[dim] in (probe.batch, event.output[0].shape[dim]) else None
    return Written(event, origin, argument, holds if event.op in RESHAPES else None, dim)


def _of_maker(trace: Trace, call: ModelCall, event: Event, probe: Probe) -> Written | None:
    """`torch.zeros(1, 32, hidden)` that is the state of a layer, or is joined with the data."""
    if event.op not in MAKERS or event.op in ("tensor", "arange", "linspace"):
        return None
    made = event.output[0]
    given = _flat(event.args[1:] if event.op.startswith("new_") else event.args)
    for position, number in enumerate(given[: made.rank]):
        origin = _factor(number, probe.batch) if made.shape[position] == probe.batch else None
        argument = _argument(trace, event, position)
        if origin is None or argument is None:
            continue
        for user in trace.events[event.index + 1 : call.end]:
            if any(tensor.source == event.index for tensor in user.tensors()):
                met = _met(user, event, position, probe.batch or 0)
                if met is not None:
                    return Written(event, origin, argument, met[0], met[1], user)
    return None


def _met(user: Event, made: Event, position: int, batch: int) -> tuple[TensorInfo, int] | None:
    """What the new tensor meets in a call, and in which dim its batch stands there."""
    others = [tensor for tensor in user.tensors() if tensor.source != made.index and tensor.kind == "activation"]
    if user.op in STATEFUL and others:
        dims = [dim for dim in range(others[0].rank - 1) if others[0].shape[dim] == batch]
        return (others[0], dims[0]) if dims and position == max(made.output[0].rank - 2, 0) else None
    for other in others:
        same = position + other.rank - made.output[0].rank
        if 0 <= same < other.rank and other.shape[same] == batch:
            return other, same
    return None


def _flat(values: tuple[Value, ...]) -> tuple[Value, ...]:
    return values[0] if values and isinstance(values[0], tuple) else values


def _factor(value: Value, batch: int | None) -> Origin | None:
    """The number as the source writes it, or the factor of it that is the batch."""
    if not isinstance(value, Number) or value.origin is None:
        return None
    whole = value.origin
    if whole.value == batch:
        return whole if any(True for _ in whole.literals()) else None
    parts = [part for part in whole.parts if part.value == batch and part.span is not None] if whole.op == "*" else []
    return parts[0] if parts else None


def _argument(trace: Trace, event: Event, position: int) -> ast.expr | None:
    """How the call writes one of its sizes."""
    call = node_at(trace, event.span)
    if not isinstance(call, ast.Call):
        return None
    first = call.args[0] if call.args else next((word.value for word in call.keywords if word.arg in ("size", "shape")), None)
    sizes = first.elts if isinstance(first, ast.Tuple | ast.List) else call.args
    named = call.args and event.call == "function" and event.op in (*RESHAPES, *COPIES)  # torch.reshape(x, (32, -1))
    if named:
        second = call.args[1] if len(call.args) > 1 else None
        sizes = second.elts if isinstance(second, ast.Tuple | ast.List) else []
    plain = position < len(sizes) and not any(isinstance(size, ast.Starred) for size in sizes[: position + 1])
    return sizes[position] if plain else None


def node_at(trace: Trace, span: Span | None) -> ast.expr | None:
    """The expression at a span."""
    text = trace.sources.get(span.file, "") if span is not None else ""
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if span is not None and isinstance(node, ast.Call) and node.lineno == span.line and span_of(node, span.file, lines) == span:
            return node
    return None


def _in_place(trace: Trace, one: Written) -> bool:
    """Whether the number stands in the model itself, or is a constant of its file: nobody who builds the model can choose it."""
    if one.event.span is None:
        return False
    tree = parsed(trace.sources.get(one.event.span.file, ""))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    around = [node for node in functions if node.lineno <= one.event.span.line <= (node.end_lineno or 0)]
    own = {parameter.arg for node in around for parameter in (*node.args.args, *node.args.kwonlyargs)}
    names = [node.id for node in ast.walk(one.argument) if isinstance(node, ast.Name)]
    if any(isinstance(node, ast.Attribute | ast.Call | ast.Subscript) for node in ast.walk(one.argument)) or own & set(names):
        return False
    constants = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}
    local = [literal.span for literal in one.origin.literals() if literal.span is not None]
    inside = any(node.lineno <= span.line <= (node.end_lineno or 0) for span in local for node in around)
    return inside or bool(names and set(names) <= constants)


def _builds(trace: Trace, one: Written) -> bool:
    """Whether a layer is built with the same number: then it is a size of the model (nodes, sensors), and no batch."""
    ours = {literal.span for literal in one.origin.literals()}
    settings = (value for module in trace.modules for value in module.settings.values())
    sizes = (value for setting in settings for value in (setting if isinstance(setting, tuple) else (setting,)))
    origins = (value.origin for value in sizes if isinstance(value, Number) and value.origin is not None)
    return any(literal.span in ours for origin in origins for literal in origin.literals())


# What takes care of it


def _drops_last(trace: Trace) -> bool:
    values = [carry.keyword(call, "drop_last") for call in carry.loaders(trace)]
    return any(value is not None and not (isinstance(value, ast.Constant) and not value.value) for value in values)


def _guarded(trace: Trace) -> bool:
    """Whether the program looks at the size of a batch before it goes on with it."""
    nodes = (node for text in trace.sources.values() for node in ast.walk(parsed(text)))
    return any(
        isinstance(node, ast.Assert) or any(isinstance(step, _WAYS_OUT) for step in node.body)
        for node in nodes
        if isinstance(node, ast.If | ast.Assert) and any(_is_size(part) for part in ast.walk(node.test))
    )


def _is_size(node: ast.AST) -> bool:
    """`len(x)`, `x.size(0)`, `x.shape[0]`."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        first = node.args[0] if node.args else None
        if name == "len":
            return first is not None and not ast.unparse(first).startswith("sys.")
        return name == "size" and (first is None or _is_zero(first))
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "shape" and _is_zero(node.slice)
    return False


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0


# Batch norm


def _norms(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """A batch norm with one value a channel and sample, in a loop over batches of which the last may hold a single sample."""
    if _guarded(trace):
        return
    for call in trace.calls:
        if not call.training or not any(_collected(trace, tensor, 0) for tensor in call.inputs if tensor.rank):
            continue
        for event in trace.events[call.first : call.end]:
            x = next(event.tensors(), None)
            trained = event.argument(5, "training") is True
            if event.op == "batch_norm" and trained and x is not None and x.rank >= 2 and x.numel == x.shape[0] * x.shape[1] > x.shape[1]:
                module = trace.modules[event.module] if event.module is not None else None
                name = f"`{say.module_name(module)}`" if module is not None else "batch norm"
                headline = f"{name} has one value a channel and sample: a last batch of one sample would fail in training"
                note = "the loader keeps a smaller last batch; with drop_last=True it is left out"
                size = Size(None, number=Number(1))
                yield event, Clash(SLUGS[0], headline, f"{say.marked(x, 0)}", at(x, 0), size, (note,), "note")
                return


def _clash(trace: Trace, probe: Probe, one: Written, others: list[ModelCall], severity: Literal["warning", "note"]) -> Clash:
    event, batch = one.event, probe.batch or 0
    text = text_at(trace.sources.get(event.span.file, ""), event.span) if event.span is not None else ""
    what = f"`{text}`" if text and len(text) <= 40 and "\n" not in text else f"`{event.op}`"
    answers = [sizes for size, sizes in probe.sizes if size != batch]
    rows = "" if None in answers and not any(answers) else f"come out as {batch} rows"
    then = " or ".join(word for word in ("fail" if None in answers else "", rows) if word)
    tried = say.listed([str(size) for size, _ in probe.sizes if size != batch])
    headline = f"{what} is written for {say.count(batch, 'sample')}: batches of {tried} {then}"
    label = f"{batch} rows, whatever the batch is" if event.op in RESHAPES else f"made for {say.count(batch, 'sample')}"
    got = at(one.data, one.dim) if one.data is not None and event.op in RESHAPES else None
    want = Size(batch, number=Number(batch, one.origin)) if not _inside(event, one.origin) else Size(None, number=Number(batch))
    notes = tuple(
        f"in line {other.span.line}, {say.count(_rows(other.inputs, probe) or 0, 'sample')} gave {_rows(other.outputs, probe)} rows"
        for other in others[:1]
        if other.span is not None
    )
    return Clash(SLUGS[0], headline, label, got, want, notes, severity)


def _inside(event: Event, origin: Origin) -> bool:
    """Whether the number stands in the call that is shown anyway."""
    return origin.span is not None and event.span is not None and contains(event.span, origin.span)
