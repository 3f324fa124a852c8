"""A recurrent or attention layer takes the samples of a batch for the steps of a sequence.

What happened. `nn.RNN`, `nn.LSTM`, `nn.GRU`, `nn.MultiheadAttention` and the `nn.Transformer` layers take `[steps, batch,
features]` unless they are built with `batch_first=True`. Given `[batch, steps, features]` they run all the same: the
recurrence goes from sample to sample, and attention compares the samples of a batch instead of the steps of each.

Why. Loaders and most other layers have the batch in dim 0, and these layers do not. `out[:, -1]`, `out.mean(1)` or
`out[:, 0]` then give one row a sample, so the loss fits and nothing fails. What the model says of a sample depends on the
others in its batch, and on their order.

How to tell which fix is right. `batch_first=True` in the constructor, when everything around has the batch in front; a
hidden state stays `[layers, batch, hidden]` either way. `x.transpose(0, 1)` before the layer and after it, when the layer
comes from elsewhere or a checkpoint's code is to stay as it is. If attention from sample to sample is meant, say so with a
dim of its own: `x.unsqueeze(1)`.

Example. `[32, 10, 8]` from a loader into `nn.LSTM(8, 64)`, and `out[:, -1]` behind it:

    `lstm` reads the 32 samples of the batch as time steps: it takes [steps, batch, features]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shapewright.model import Clash, Event, ModelCall, ModuleInfo, Number, Size, TensorInfo, Trace
from shapewright.reason.names import operand_names
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at
from shapewright.reason.silent import carry, flow

SLUGS = ("recurrent-layout",)

RECURRENT = ("rnn", "lstm", "gru")
LAYERS = (*RECURRENT, "multiheadattention")

_TURNS = ("transpose", "permute", "swapaxes", "swapdims", "movedim", "t", "mT", "T")

# What becomes of the two dims on the way to the model's output: both stay; only the one that the layer takes for the steps stays (one row
# for each of them, so they are samples); only the one that it takes for the batch stays; it cannot be told.
_Fate = Literal["both", "rows", "batch", "lost"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a layer reads its input: which dim it takes for the steps, and which for the batch (None: it takes the input for one sample)."""

    event: Event
    module: ModuleInfo
    x: TensorInfo
    steps: int
    batch: int | None


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """The first layer of each model that takes the batch for the steps."""
    for call in trace.calls:
        if flow.has_parameters(trace, call):
            for reading in readings(trace, call):
                severity = _severity(trace, call, reading)
                if severity is not None:
                    yield reading.event, _clash(trace, reading, severity)
                    break


def readings(trace: Trace, call: ModelCall) -> Iterator[Reading]:
    """The recurrent and attention layers of one call of a model."""
    for event in trace.events[call.first : call.end]:
        module = trace.modules[event.module] if event.module is not None else None
        if event.op not in LAYERS or module is None or not isinstance(module.settings.get("batch_first"), bool):
            continue
        x = event.argument(0, "query" if event.op == "multiheadattention" else "input")
        if isinstance(x, TensorInfo) and x.rank in (2, 3) and event.output:
            steps = 1 if x.rank == 3 and module.settings["batch_first"] is True else 0
            yield Reading(event, module, x, steps, None if x.rank == 2 else 1 - steps)


def _severity(trace: Trace, call: ModelCall, reading: Reading) -> Literal["warning", "note"] | None:
    """How sure it is that the steps are samples; None: nothing speaks for it, or something against it."""
    x, batch = reading.x, reading.batch
    if batch is not None and x.shape[batch] == 1:
        return None  # a dim made for it: all in dim 0 are the steps of one sequence, or meant to meet
    if _apart(trace, call, reading) or _crosswise(trace, call, reading) or _turned(trace, call, reading):
        return None
    fate = _fate(trace, call, reading)
    if fate == "batch":
        return None
    collected = _collected(trace, reading)
    if batch is None:
        sure = collected and fate == "both" and carry.shuffles(trace) and reading.event.op in RECURRENT
        return "warning" if sure else None
    if x.shape[reading.steps] == 1 and not _from_outside(call, trace, reading):
        return None  # one step at a time
    if fate == "rows" and (collected or (reading.steps == 0 and _of_input(trace, call, reading))):
        return "warning"
    if collected:
        return "warning" if carry.shuffles(trace) else "note"
    return None


def _apart(trace: Trace, call: ModelCall, reading: Reading) -> bool:
    """Whether the run has shown that it is not in this layer that the samples along dim 0 meet."""
    probe = next((probe for probe in trace.probes if probe.model == call.module), None)
    if probe is None or reading.steps != 0:
        return False
    masks = (reading.event.kwargs.get(name) for name in ("attn_mask", "key_padding_mask"))
    if probe.mixes is False and probe.batch_dim == 0 and any(isinstance(mask, TensorInfo) for mask in masks):
        return True
    return bool(probe.mixed) and min(probe.mixed) < reading.event.index and _same_call(probe.mixed, call)


def _same_call(events: Sequence[int], call: ModelCall) -> bool:
    return all(call.first <= index < call.end for index in events)


def _crosswise(trace: Trace, call: ModelCall, reading: Reading) -> bool:
    """Whether the model has attention along the other dim as well: both are meant."""
    if reading.event.op != "multiheadattention":
        return False
    ours = {_key(*one) for one in carry.sources(trace, reading.x, reading.steps)}
    for other in readings(trace, call):
        if other.event.op == reading.event.op and other.batch is not None and other.event is not reading.event:
            before = list(carry.sources(trace, other.x, other.batch))
            if any(_key(*one) in ours for one in before) and other.x.shape[other.batch] == reading.x.shape[reading.steps]:
                return True
    return False


def _turned(trace: Trace, call: ModelCall, reading: Reading) -> bool:
    """Whether the model itself has put the samples where attention with batch_first=True takes the steps: nobody does that unasked."""
    if reading.event.op != "multiheadattention" or reading.steps == 0:
        return False
    made = (carry.maker(trace, tensor) for tensor, _ in carry.sources(trace, reading.x, reading.steps))
    return any(one is not None and one.op in _TURNS and call.first <= one.index < call.end for one in made)


def _key(tensor: TensorInfo, dim: int) -> tuple[int | None, tuple[int, ...], int]:
    return tensor.source, tensor.shape, dim


def _fate(trace: Trace, call: ModelCall, reading: Reading) -> _Fate:
    """What the model makes of the two dims."""
    event = reading.event
    pair = carry.Pair(reading.steps, reading.batch)
    alone = trace.modules[call.module].library
    until = len(trace.events) if alone else call.end
    held = carry.forward(trace.events[event.index : until], event, event.output[0], pair)
    held[event.index] = pair
    states = [output for output in event.output[1:] if event.op in RECURRENT and output.rank == 3]
    if alone:  # the script itself says what it takes of the output
        taken = [held[one.index] for one in flow.consumers(trace, event) if one.op == "getitem" and one.index in held]
        fates = {_named(one, reading) for one in taken}
        return "batch" if "batch" in fates else "rows" if "rows" in fates else "both"
    for output in call.outputs:
        if output.source in held and output.rank:
            if output.source == event.index and output.shape != event.output[0].shape:
                return "batch"  # the state of the last step
            return _named(held[output.source], reading)
    for state in states:
        ends = carry.forward(trace.events[event.index : call.end], event, state, carry.Pair(None, 1))
        if any(output.source in ends and ends[output.source].other is not None for output in call.outputs if output.source is not None):
            return "batch"
    return "lost"


def _named(pair: carry.Pair, reading: Reading) -> _Fate:
    if pair.one is not None:
        return "both" if pair.other is not None or reading.batch is None else "rows"
    return "batch" if pair.other is not None else "lost"


def _collected(trace: Trace, reading: Reading) -> bool:
    """Whether what the layer takes for the steps was laid side by side by a loader: then it is samples."""
    for tensor, dim in carry.sources(trace, reading.x, reading.steps):
        made_by = carry.maker(trace, tensor)
        if made_by is not None and carry.collated(made_by) == dim and carry.by_loader(trace, made_by):
            return True
    return False


def _of_input(trace: Trace, call: ModelCall, reading: Reading) -> bool:
    """Whether what the layer takes for the steps is dim 0 of what the model was given: by the calls between, or by the run's own rows."""
    if any(dim == 0 and _is_given(call, tensor) for tensor, dim in carry.sources(trace, reading.x, reading.steps)):
        return True
    probe = next((probe for probe in trace.probes if probe.model == call.module), None)
    return probe is not None and probe.batch_dim == 0 and bool(probe.mixes) and probe.batch == reading.x.shape[reading.steps]


def _is_given(call: ModelCall, tensor: TensorInfo) -> bool:
    return any(given.source == tensor.source and given.shape == tensor.shape for given in call.inputs)


def _from_outside(call: ModelCall, trace: Trace, reading: Reading) -> bool:
    """Whether a single step is the only sample of the program's own batch of one, rather than a dim that the model added."""
    return any(dim == 0 and _is_given(call, tensor) for tensor, dim in carry.sources(trace, reading.x, reading.steps))


def layer_name(trace: Trace, module: ModuleInfo) -> str:
    """The outermost layer of the library around the module: the user built `encoder`, not its `layers.0.self_attn`."""
    while module.parent is not None and trace.modules[module.parent].library:
        module = trace.modules[module.parent]
    return f"`{say.module_name(module)}`"


def _clash(trace: Trace, reading: Reading, severity: Literal["warning", "note"]) -> Clash:
    event, x, steps = reading.event, reading.x, reading.steps
    layer = layer_name(trace, reading.module)
    written = next(iter(operand_names(trace, event)), "")
    called = written if written and len(written) <= say.LONGEST_NAME and "\n" not in written else "the input"
    forms = {None: "[steps, features]", 1: "[steps, batch, features]", 0: "[batch, steps, features]"}
    form = forms[reading.batch]
    samples = say.count(x.shape[steps], "sample")
    if event.op in RECURRENT:
        headline = f"{layer} reads the {samples} of the batch as time steps: it takes {form}"
        effect = "the state goes from sample to sample"
    else:
        headline = f"{layer} attends from sample to sample, over {samples}: it takes {form}"
        effect = "no step sees another step of its own sample"
    label = f"{called} is {say.marked(x, steps)}, and dim {steps} is the batch"
    flag = "" if reading.batch is None else f"batch_first is {reading.module.settings['batch_first']} here; "
    notes = (f"{flag}{effect}, so what comes out for a sample depends on the others in its batch",)
    # The other side is no number of the source; a plain one keeps the constructor's numbers out of the picture.
    return Clash(SLUGS[0], headline, label, at(x, steps), Size(None, number=Number(x.shape[steps])), notes, severity)
