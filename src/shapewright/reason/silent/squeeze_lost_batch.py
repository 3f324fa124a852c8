"""A `squeeze()` without a dim takes the batch as well when there is one sample in it.

What happened. `squeeze()` drops every dim of size 1. Of `[32, 1]` it makes `[32]`, as was meant; of a batch of one,
`[1, 1]`, it makes a bare number. Behind it a softmax over dim 1, a `cat`, a loss or a metric fails, or the first
feature is taken for the first sample. The model was called again with batches of 1, 2 and 3: two and three samples
come out as so many rows, and one does not.

Why. A batch of one comes up sooner or later: as the rest of an epoch (1001 samples in batches of 100), with
`batch_size=1` for testing, when one image is classified, or when several graphics cards share a small batch.

How to tell which fix is right. Name the dim that is to go: `squeeze(1)` or `squeeze(-1)` for the one output of a
layer, `flatten(1)` for the maps of 1×1 behind a global pooling, `squeeze(0)` for the state of a recurrent layer. A
`squeeze()` that finds no dim of size 1 but the batch can go altogether. In a training loop the same call is only
remarked on, as a note: there the program itself may see to it that no batch has one sample.

Example. A classifier that squeezes its pooled maps:

    x = self.pool(x).squeeze()      # [8, 64, 1, 1] gives [8, 64], and [1, 64, 1, 1] gives [64]
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from shapewright.model import Clash, Event, ModelCall, Number, Probe, Span, TensorInfo, Trace, Value
from shapewright.reason.names import operand_names
from shapewright.reason.places import parsed
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import whole
from shapewright.reason.silent import flow
from shapewright.reason.ways import FACTORIES, setter, way
from shapewright.source import text_at

SLUGS = ("squeeze-lost-batch",)

_RECURRENT = ("lstm", "gru", "rnn")
_RESHAPES = ("view", "reshape", "view_as", "reshape_as", "unflatten", "expand", "expand_as")
# What works in the same way on one sample as on a batch: the rank it is given is the rank that it gives.
_ANY_RANK = {
    "linear", "relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "selu", "celu", "mish", "hardtanh", "hardswish", "hardsigmoid",
    "sigmoid", "tanh", "softplus", "logsigmoid", "exp", "log", "sqrt", "abs", "neg", "clamp", "dropout", "layer_norm", "detach",
    "contiguous", "to", "float", "clone", "cpu",
}  # fmt: skip
_PASSED_ON = {"detach", "to", "float", "clone", "cpu", "contiguous"}
_OVER_A_DIM = {"softmax", "log_softmax", "sum", "mean", "amax", "amin", "logsumexp", "cumsum", "std", "var", "prod"}


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Squeezes inside of a model that lose a batch of one, and those between a model and the loss of a training loop."""
    for probe in trace.probes:
        call = next((call for call in trace.calls if call.module == probe.model and flow.has_parameters(trace, call)), None)
        if call is not None and probe.mixes is not True:
            yield from _in_model(trace, probe, call)
    yield from _in_loop(trace)


# ---------------------------------------------------------------------------------------------------------------- inside of a model


def _in_model(trace: Trace, probe: Probe, call: ModelCall) -> Iterator[tuple[Event, Clash]]:
    loss = _loss_of_one(probe)
    if loss is None:
        return
    squeezes = [event for event in trace.events[call.first : call.end] if is_bare(trace, event) and batch_dim(trace, event) is not None]
    if not squeezes or _among_each_other(trace, probe, call):
        return
    severity = "note" if _is_for_one(trace, call) else "warning"
    for event in squeezes:
        dim = batch_dim(trace, event)
        if dim is not None and _matters(trace, call, event, loss):
            yield event, _clash(trace, event, dim, severity, _WORDS[loss].format(probe.module))


_WORDS = {
    "fails": "called with 2 and 3 samples, {0} gives 2 and 3 rows; called with 1 sample, it fails",
    "lost": "called with 2 and 3 samples, {0} gives 2 and 3 rows; called with 1 sample, its output has no batch dim",
    "rank": "called with 1 sample, {0} gives one dim less than with several",
}


def _loss_of_one(probe: Probe) -> str | None:
    """What becomes of one sample where two and three come out as so many: "fails", "lost", or "rank" for what only the rank can tell."""
    sizes = dict(probe.sizes)
    two, three = sizes.get(2), sizes.get(3)
    if two is None or three is None or len(two) != len(three) or 1 not in sizes:
        return None
    rows = [place for place, (one, other) in enumerate(zip(two, three, strict=True)) if (one, other) == (2, 3)]
    if not rows:
        return None
    single = sizes[1]
    if single is None:
        return "fails"
    return "lost" if len(single) != len(two) or any(single[place] != 1 for place in rows) else "rank"


def is_bare(trace: Trace, event: Event) -> bool:
    """`x.squeeze()` or `torch.squeeze(x)`, written so by the user."""
    if event.op != "squeeze" or event.span is None or event.failure is not None or not event.output:
        return False
    if len(event.args) + len(event.kwargs) != 1:
        return False
    return _is_bare_call(text_at(trace.sources.get(event.span.file, ""), event.span), event.call == "method")


@lru_cache(maxsize=256)
def _is_bare_call(text: str, method: bool) -> bool:
    try:
        node = ast.parse(f"({text})", mode="eval").body
    except (SyntaxError, ValueError):
        return False
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    return name in ("squeeze", "squeeze_") and len(node.args) + len(node.keywords) == (0 if method else 1)


def batch_dim(trace: Trace, event: Event) -> int | None:
    """Which dim of a squeeze's operand is the batch that its model was called with (or that a model gave)."""
    operand = next(event.tensors(), None)
    if operand is None or operand.rank < 2:
        return None
    call = next((call for call in trace.calls if call.first <= event.index < call.end and flow.has_parameters(trace, call)), None)
    if call is None:
        found = _of_output(trace, operand)
        return 0 if found is not None else None
    probe = next((probe for probe in trace.probes if probe.model == call.module), None)
    if probe is None or probe.batch_dim is None or not call.inputs:
        return None
    homes = [home(trace, operand, dim, call) for dim in range(operand.rank)]
    dims = [dim for dim, found in enumerate(homes) if found == (0, probe.batch_dim)]
    if dims:
        return dims[0] if len(dims) == 1 else None
    batch = call.inputs[0].shape[probe.batch_dim] if call.inputs[0].rank > probe.batch_dim else 0
    # A call on the way that nothing is known of: there the number itself tells, when no other dim has it.
    if batch > 1 and operand.shape.count(batch) == 1 and homes[operand.shape.index(batch)] is None and _comes_from(trace, operand, call):
        return operand.shape.index(batch)
    return None


def home(trace: Trace, tensor: TensorInfo, dim: int, call: ModelCall) -> tuple[int, int] | None:
    """Which dim of which of the call's inputs a dim comes from."""
    for _ in range(10_000):
        for number, given in enumerate(call.inputs):
            if given.source == tensor.source and given.shape == tensor.shape and tensor.kind not in ("parameter", "buffer"):
                return number, dim
        if tensor.source is None or not call.first <= tensor.source < call.end:
            return None
        event = trace.events[tensor.source]
        found = _step(trace, event, tensor, dim)
        if found is None or found[0].source == tensor.source:
            return None
        tensor, dim = found
    return None


def _step(trace: Trace, event: Event, tensor: TensorInfo, dim: int) -> tuple[TensorInfo, int] | None:
    operands = list(event.tensors())
    if not operands or event.op == "not-recorded":
        return None
    if event.op in _RECURRENT:
        return _through_recurrent(trace, event, operands[0], tensor, dim)
    if event.op == "getitem":
        at = _through_index(event.argument(1, "index"), operands[0], dim)
        return (operands[0], at) if at is not None and operands[0].shape[at] == tensor.shape[dim] else None
    output = next((output for output in event.output if output.shape == tensor.shape), None)
    found = way(event, output, dim) if output is not None else None
    return (operands[found[0]], found[1]) if found is not None else None


def _through_recurrent(trace: Trace, event: Event, given: TensorInfo, tensor: TensorInfo, dim: int) -> tuple[TensorInfo, int] | None:
    """The steps are dim 0 or 1 of both sides; a state has the batch in dim 1, whatever the layer takes first."""
    module = trace.modules[event.module] if event.module is not None else None
    first = module is not None and module.settings.get("batch_first") is True
    if given.rank != 3 or tensor.rank != 3:
        return None
    if tensor.shape[:2] == given.shape[:2] and event.output and event.output[0].shape == tensor.shape:
        return (given, dim) if dim < 2 else None
    return (given, 0 if first else 1) if dim == 1 else None


def _through_index(index: Value, operand: TensorInfo, dim: int) -> int | None:
    """The operand's dim that dim `dim` of `x[:, -1]` is; None for what is new, or picked by a tensor."""
    given = index if isinstance(index, tuple) else (index,)
    rest = operand.rank - sum(part is not None and part != "Ellipsis" for part in given)
    parts = [*given, *([] if "Ellipsis" in given else ["Ellipsis"])]
    dims: list[int | None] = []  # of the output, where each comes from
    at = 0
    for part in parts:
        if part is None:
            dims.append(None)
        elif part == "Ellipsis":
            dims.extend(range(at, at + rest))
            at += rest
        elif isinstance(part, Number):
            at += 1
        elif isinstance(part, str) and part.startswith("slice("):
            dims.append(at)
            at += 1
        else:
            return None
    return dims[dim] if dim < len(dims) else None


def _comes_from(trace: Trace, tensor: TensorInfo, call: ModelCall) -> bool:
    """Whether the tensor was made from what the model was given."""
    made_by = {index for index in flow.ancestors(trace, [tensor]) if call.first <= index < call.end}
    given = {(one.source, one.shape) for one in call.inputs}
    return any((one.source, one.shape) in given for index in made_by for one in trace.events[index].tensors() if one.kind != "parameter")


def _matters(trace: Trace, call: ModelCall, event: Event, loss: str) -> bool:
    """Whether the lost dim reaches the end of the model, or a call that needs it: `view(b, c, 1, 1)` brings it back in between."""
    reached = {event.index}
    todo = [event]
    while todo:
        one = todo.pop()
        if any(output.source == one.index for output in call.outputs):
            return True
        for user in trace.events[one.index + 1 : call.end]:
            if user.index in reached or not any(tensor.source == one.index for tensor in user.tensors()):
                continue
            if user.op in _RESHAPES and not _asks_itself(trace, user):
                continue
            if user.op not in _ANY_RANK:
                if loss == "fails":
                    return True
                if loss == "rank":
                    continue
            reached.add(user.index)
            todo.append(user)
    return False


def _asks_itself(trace: Trace, event: Event) -> bool:
    """`h.view(h.size(0), -1)`: the size that the lost dim should have is read from the tensor that lost it."""
    name = next(iter(operand_names(trace, event)), "")
    if not name or event.span is None:
        return False
    node = _expression(text_at(trace.sources.get(event.span.file, ""), event.span))
    if not isinstance(node, ast.Call):
        return False
    return any(name == ast.unparse(inner) for argument in node.args for inner in ast.walk(argument) if isinstance(inner, ast.expr))


@lru_cache(maxsize=256)
def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text})", mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _among_each_other(trace: Trace, probe: Probe, call: ModelCall) -> bool:
    """Whether the model works along the dim that was taken for the batch: then it is one of steps, words or nodes."""
    for event in trace.events[call.first : call.end]:
        operand = next((one for one in event.tensors() if one.kind not in ("parameter", "buffer")), None)
        if operand is None or not operand.rank:
            continue
        along: int | None = None
        given = event.argument(1, "dim")
        if event.op in _OVER_A_DIM and isinstance(given, Number):
            along = given.value % operand.rank
        elif event.op in _RECURRENT and operand.rank >= 2:
            module = trace.modules[event.module] if event.module is not None else None
            along = 1 if operand.rank == 3 and module is not None and module.settings.get("batch_first") is True else 0
        if along is not None and home(trace, operand, along, call) == (0, probe.batch_dim):
            return True
    return False


def _is_for_one(trace: Trace, call: ModelCall) -> bool:
    """Whether the program calls the model with one sample first of all, and goes on with what it gives: as a policy acts on one state."""
    probe = next((probe for probe in trace.probes if probe.model == call.module), None)
    return probe is not None and probe.batch == 1 and _goes_on(trace, call)


def _goes_on(trace: Trace, call: ModelCall) -> bool:
    made = {output.source for output in call.outputs if output.source is not None}
    for event in trace.events[call.end :]:
        if any(tensor.source in made for tensor in event.tensors()):
            if event.op not in _PASSED_ON:
                return True
            made.add(event.index)
    return False


# ------------------------------------------------------------------------------------------------------------------ in a training loop


def _in_loop(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """`criterion(model(x).squeeze(), y)` over the batches of a data set."""
    inside = [range(call.first, call.end) for call in trace.calls]
    for event in trace.events:
        if not is_bare(trace, event) or any(event.index in one for one in inside):
            continue
        operand = next(event.tensors())
        call = _of_output(trace, operand) if operand.rank >= 2 and operand.shape[0] > 1 and 1 in operand.shape[1:] else None
        if call is not None and _is_picked(trace, call, event) and not _drops_last(trace):
            yield event, _clash(trace, event, 0, "note", "with `squeeze(dim)` a batch of one sample keeps its dim")


def _of_output(trace: Trace, tensor: TensorInfo) -> ModelCall | None:
    """The model call that gave dim 0 of a tensor, as its batch."""
    dim = 0
    for _ in range(10_000):
        for call in trace.calls:
            if any(one.source == tensor.source and one.shape == tensor.shape for one in call.outputs) and tensor.source is not None:
                batched = bool(call.inputs) and call.inputs[0].rank > 0 and call.inputs[0].shape[0] == tensor.shape[dim]
                return call if dim == 0 and batched and flow.has_parameters(trace, call) else None
        if tensor.source is None or not 0 <= tensor.source < len(trace.events):
            return None
        found = _step(trace, trace.events[tensor.source], tensor, dim)
        if found is None or found[0].source == tensor.source:
            return None
        tensor, dim = found
    return None


def _is_picked(trace: Trace, call: ModelCall, event: Event) -> bool:
    """Whether the batch is picked from a larger whole in the loop that the squeeze is in."""
    found = setter(trace, call.inputs[0], 0)
    if found is None or found[0].op in FACTORIES:
        return False
    places, picked = [span for span in (event.span, *event.stack) if span], [span for span in (found[0].span, *found[0].stack) if span]
    return any(_in_one_loop(trace.sources.get(one.file, ""), one, other) for one in places for other in picked if one.file == other.file)


def _in_one_loop(text: str, one: Span, other: Span) -> bool:
    return any(start <= one.line <= end and start <= other.line <= end for start, end in _loops(text))


@lru_cache(maxsize=16)
def _loops(text: str) -> tuple[tuple[int, int], ...]:
    loops = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)
    return tuple((node.lineno, node.end_lineno or node.lineno) for node in ast.walk(parsed(text)) if isinstance(node, loops))


def _drops_last(trace: Trace) -> bool:
    calls = (node for text in trace.sources.values() for node in ast.walk(parsed(text)) if isinstance(node, ast.Call))
    given = (word.value for call in calls for word in call.keywords if word.arg == "drop_last")
    return any(not isinstance(value, ast.Constant) or bool(value.value) for value in given)


# --------------------------------------------------------------------------------------------------------------------------- in words


def _clash(trace: Trace, event: Event, dim: int, severity: str, note: str) -> Clash:
    operand = next(event.tensors())
    several = max(operand.shape[dim], 2)
    shown = [_squeezed(operand, dim, batch) for batch in (several, 1)]
    headline = f"`squeeze()` loses a batch of 1: {shown[0]}, but {shown[1]}"
    label = f"{operand} becomes {event.output[0]}"
    if operand.shape[dim] > 1:
        one = (*operand.shape[:dim], 1, *operand.shape[dim + 1 :])
        label += f"; of one sample, {say.sizes(one)} becomes {say.sizes(size for size in one if size != 1)}"
    return Clash(SLUGS[0], headline, label, whole(operand), notes=(note,), severity="note" if severity == "note" else "warning")


def _squeezed(operand: TensorInfo, dim: int, batch: int) -> str:
    shape = (*operand.shape[:dim], batch, *operand.shape[dim + 1 :])
    return f"{say.sizes(shape)} gives {say.sizes(size for size in shape if size != 1)}"
