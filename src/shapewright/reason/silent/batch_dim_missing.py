"""One sample goes into a model without its batch dim, and the model takes its channels for the batch.

What happened. A batch of images is `[N, 3, 32, 32]`, one image out of a data set is `[3, 32, 32]`. Many calls take
both: a convolution reads three dims as one image, a linear layer works on the last dim of anything. But `flatten(1)`
keeps dim 0 whatever it is, `softmax(dim=1)` counts from the front, and `out[:, -1]` takes the last step of a batch and
the last feature of a single sequence. So the channels come out as rows, or the softmax runs over the height of an
image; nothing fails.

Why. It is the call of the model that misses a dim, not the model. With one channel the mistake has no effect:
`[1, 28, 28]` is flattened to `[1, 784]`, one row for one image, as was meant. This is only remarked on, as a note; the
same lines are wrong for an image in colour.

How to tell which fix is right. Give the sample its batch dim where the model is called: `model(image.unsqueeze(0))` or
`model(image[None])`, and take row 0 of what comes out. If the first dim was a batch all along (three images without a
channel dim), nothing is wrong.

Example. A classifier of images of 32×32, whose pooled maps are flattened:

    net(batch)         # [8, 3, 32, 32] → flatten(1) of [8, 16, 1, 1] → [8, 16]
    net(batch[0])      # [3, 32, 32]    → flatten(1) of [16, 1, 1]    → [16, 1]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shapewright.model import Clash, Event, ModelCall, Number, TensorInfo, Trace
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import whole
from shapewright.reason.silent import flow
from shapewright.reason.ways import chain

SLUGS = ("batch-dim-missing",)

_CONVOLUTIONS = {"conv2d": 3, "conv3d": 4, "conv_transpose2d": 3, "conv_transpose3d": 4}  # the rank of one sample
_RECURRENT = ("lstm", "gru", "rnn")
_FLATTENS = ("flatten", "view", "reshape")
_CLASSES = ("softmax", "log_softmax", "argmax")
_SUMS = ("argmin", "mean", "sum", "max", "min", "amax", "amin", "std", "var", "logsumexp", "normalize", "cumsum", "topk", "sort")
_ALONG = (*_CLASSES, *_SUMS)
_PASS = {*_CLASSES, "sigmoid", "detach", "to", "cpu", "float", "exp", "div", "clone"}
_PIXELS = 8  # what is wider and higher is a picture


@dataclass(frozen=True, slots=True)
class _Taken:
    """A call that takes a sample's own dim for the batch, and in which words."""

    event: Event
    headline: str
    label: str
    severity: Literal["warning", "note"] = "warning"


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Calls of a model with one sample that has no batch dim, and is taken for a batch."""
    for call in trace.calls:
        if not call.inputs or call.span is None or not call.inputs[0].is_floating or not flow.has_parameters(trace, call):
            continue
        if _has_a_batch(trace, call):
            continue
        taken = _beside_another(trace, call) or _after_convolution(trace, call) or _of_sequence(trace, call) or _of_pixels(trace, call)
        if taken is not None:
            given = call.inputs[0]
            note = f"a batch of one is {say.sizes((1, *given.shape))}"
            yield taken.event, Clash(SLUGS[0], taken.headline, taken.label, whole(given), None, (note,), taken.severity, call.span)


def _has_a_batch(trace: Trace, call: ModelCall) -> bool:
    """Whether the model is called with other sizes in dim 0 as well: the samples of a loader's last batch are fewer."""
    given = call.inputs[0]
    others = [other.inputs[0].shape for other in trace.calls if other.module == call.module and other.inputs]
    return any(len(shape) == given.rank and shape[1:] == given.shape[1:] and shape[0] != given.shape[0] for shape in others)


# ------------------------------------------------------------------------------------- the same model is called with one dim more


def _beside_another(trace: Trace, call: ModelCall) -> _Taken | None:
    """Told by another call of the model, which has one dim more: the first call that reads a dim from the front reads another one here."""
    for other in trace.calls:
        if not _one_dim_more(trace, other, call):
            continue
        pairs = list(_pairs(trace, other, call))
        if not any(_activation(one) == other.inputs[0] and _activation(two) == call.inputs[0] for one, two in pairs):
            continue  # the model looks at the rank itself
        for with_batch, event in pairs:
            found = _reads_another(with_batch, event, call, other)
            if found is not None:
                return found
    return None


def _one_dim_more(trace: Trace, other: ModelCall, call: ModelCall) -> bool:
    one, two = trace.modules[call.module], trace.modules[other.module]
    same = call.module == other.module or (one.type == two.type and not one.library and not two.library)
    if not same or not other.inputs or len(other.inputs) != len(call.inputs):
        return False
    more, less = other.inputs[0], call.inputs[0]
    if more.rank != less.rank + 1 or less.rank < 2 or more.dtype != less.dtype:
        return False
    return more.shape[1:] == less.shape or (less.rank >= 3 and more.shape[1] == less.shape[0])


def _pairs(trace: Trace, other: ModelCall, call: ModelCall) -> Iterator[tuple[Event, Event]]:
    """The calls that both runs of the model make at the same place, with their operands of this and of that rank."""
    there: dict[object, list[Event]] = {}
    for event in trace.events[other.first : other.end]:
        there.setdefault(_place(event, other), []).append(event)
    for event in trace.events[call.first : call.end]:
        waiting = there.get(_place(event, call)) if event.op != "not-recorded" else None
        if event.op == "not-recorded" or not event.output:
            continue
        if not waiting:
            return  # from here on the two go different ways
        yield waiting.pop(0), event


def _place(event: Event, call: ModelCall) -> object:
    span = None if event.span == call.span else event.span
    return event.op, span, event.module - call.module if event.module is not None else None


def _reads_another(with_batch: Event, event: Event, call: ModelCall, other: ModelCall) -> _Taken | None:
    more, less = _activation(with_batch), _activation(event)
    if more is None or less is None or more.rank != less.rank + 1 or not event.output or not with_batch.output:
        return None
    if _rows_kept(event) and _rows_kept(with_batch):
        if less.shape[0] == 1:
            return _as_rows(event, less, call, "note")
        # rows as long as those of the batch are samples themselves: so many images without a channel dim
        return _as_rows(event, less, call, "warning") if with_batch.output[0].shape[1] != event.output[0].shape[1] else None
    dim = _from_front(event)
    if dim is None or dim != _from_front(with_batch) or dim >= less.rank or more.shape[dim] != less.shape[dim - 1]:
        return None
    if less.shape[dim - 1] == 1:
        return None
    headline = f"{_missing(call.inputs[0])}: `{event.op}` works along {less.shape[dim]}, not {more.shape[dim]} numbers"
    label = f"dim {dim} of {less} is another one than of {more}, which {say.sizes(other.inputs[0].shape)} gives"
    return _Taken(event, headline, label)


def _as_rows(event: Event, sample: TensorInfo, call: ModelCall, severity: Literal["warning", "note"]) -> _Taken:
    rows = sample.shape[0]
    noun = "channel" if sample.rank >= 3 else "row"
    are = "is taken for a batch of 1" if rows == 1 else f"are taken for {rows} samples"
    headline = f"{say.sizes(call.inputs[0].shape)} goes in without a batch dim: its {say.count(rows, noun)} {are}"
    if sample != call.inputs[0]:
        headline = f"{_missing(call.inputs[0])}: {say.count(rows, noun)} inside {are}"
    label = f"`{event.op}` makes {sample} a {event.output[0]}"
    return _Taken(event, headline, label, severity)


def _missing(sample: TensorInfo) -> str:
    return f"{say.sizes(sample.shape)} has no batch dim"


def _rows_kept(event: Event) -> bool:
    """Whether a call keeps dim 0 and flattens the others, whatever dim 0 is: `flatten(x, 1)` and `x.view(x.size(0), -1)`."""
    given = _activation(event)
    if event.op not in _FLATTENS or given is None or not event.output or event.output[0].rank != 2 or given.rank < 2:
        return False
    if event.output[0].shape[0] != given.shape[0]:
        return False
    if event.op == "flatten":
        start = event.argument(1, "start_dim")
        return isinstance(start, Number) and start.value == 1
    sizes = event.args[1] if len(event.args) > 1 and isinstance(event.args[1], tuple) else event.args[1:]
    first = sizes[0] if sizes else None
    written = first.origin is not None and bool(first.origin.text) and first.origin.dim is None if isinstance(first, Number) else True
    return isinstance(first, Number) and first.value == given.shape[0] and not written


def _from_front(event: Event) -> int | None:
    """The dim that a call works along, when it is counted from the front and is not the first."""
    if event.op == "getitem":
        index = event.argument(1, "index")
        if isinstance(index, tuple) and len(index) == 2 and index[0] == "slice(None, None, None)" and isinstance(index[1], Number):
            return 1
        return None
    if event.op not in _ALONG:
        return None
    dim = event.kwargs.get("dim", event.kwargs.get("axis", event.argument(1, "dim") if event.op != "normalize" else None))
    return dim.value if isinstance(dim, Number) and dim.value >= 1 else None


def _activation(event: Event) -> TensorInfo | None:
    return next((one for one in event.tensors() if one.kind not in ("parameter", "buffer")), None)


# ------------------------------------------------------------------------------------------------------ told by this call alone


def _after_convolution(trace: Trace, call: ModelCall) -> _Taken | None:
    """A convolution reads three dims as one image: what keeps or counts dims from the front behind it finds the channels there."""
    if not any(_reads_one(event) for event in trace.events[call.first : call.end]):
        return None
    for event in trace.events[call.first :]:
        given = _activation(event)
        if given is None or given.rank < 3 or given.shape[0] == 1 or not event.output:
            continue
        flat = event.index < call.end and _rows_kept(event)
        along = event.op in _CLASSES and given.rank == 3 and given.shape[1] > 1 and _from_front(event) == 1
        if not (flat or along) or not _of_one_image(trace, given, call):
            continue
        if not flat:
            headline = f"{_missing(call.inputs[0])}: `{event.op}` works along its height, not {given.shape[0]} channels"
            return _Taken(event, headline, f"{given} is [channels, height, width]")
        if _rows_come_out(trace, event, call):
            return _as_rows(event, given, call, "warning")
    return None


def _reads_one(event: Event) -> bool:
    given = _activation(event)
    return event.op in _CONVOLUTIONS and given is not None and given.rank == _CONVOLUTIONS[event.op]


def _of_one_image(trace: Trace, tensor: TensorInfo, call: ModelCall) -> bool:
    """Whether a tensor is what a convolution made of an image without batch dim, with nothing but maps in between."""
    steps = chain(trace, tensor)
    first = next((step for step in steps if step.op in _CONVOLUTIONS and call.first <= step.index < call.end), None)
    if first is None or tensor.rank != _CONVOLUTIONS[first.op]:
        return False
    behind = [step for step in steps if step.index >= first.index]
    sample = _activation(first)
    return sample is not None and all(step.output and step.output[0].rank == sample.rank == tensor.rank for step in behind)


def _rows_come_out(trace: Trace, flat: Event, call: ModelCall) -> bool:
    """Whether the flattened channels go through a linear layer to the end of the model as so many rows, or come out right away."""
    rows = flat.output[0].shape[0]
    if not call.outputs or call.outputs[0].rank != 2 or call.outputs[0].shape[0] != rows:
        return False
    steps = chain(trace, call.outputs[0])
    if flat not in steps or any(not step.output or step.output[0].shape[:1] != (rows,) for step in steps[steps.index(flat) :]):
        return False
    return flat.output[0].shape[1] == 1 or any(step.op == "linear" for step in steps[steps.index(flat) :])


def _of_sequence(trace: Trace, call: ModelCall) -> _Taken | None:
    """`out[:, -1]` of a recurrent layer that was given one sequence is a feature of all steps, not all features of the last step."""
    for event in trace.events[call.first : call.end]:
        given = _activation(event)
        if event.op != "getitem" or _from_front(event) != 1 or given is None or given.source is None:
            continue
        maker = trace.events[given.source]
        if maker.op not in _RECURRENT:
            continue
        layer = trace.modules[maker.module] if maker.module is not None else None
        sequence = _activation(maker)
        if layer is None or layer.settings.get("batch_first") is not True or sequence is None or sequence.rank != 2:
            continue
        if given.rank == 2 and given.shape[1] > 1 and maker.output and maker.output[0].shape == given.shape:
            headline = f"{_missing(sequence)}: one feature of {say.count(given.shape[0], 'step')} is taken, not one step"
            label = f"`[:, {_index(event)}]` of {given}, which is [steps, features], gives {event.output[0]}"
            return _Taken(event, headline, label)
    return None


def _index(event: Event) -> int | str:
    index = event.argument(1, "index")
    last = index[-1] if isinstance(index, tuple) else index
    return last.value if isinstance(last, Number) else "…"


def _of_pixels(trace: Trace, call: ModelCall) -> _Taken | None:
    """A picture of several channels whose rows of pixels go into a linear layer channel by channel, when it is known to be one picture."""
    given = call.inputs[0]
    if given.rank != 3 or given.shape[0] not in (3, 4) or min(given.shape[1:]) < _PIXELS:
        return None
    first = next((event for event in trace.events[call.first : call.end] if _activation(event) == given), None)
    if first is None or not _rows_kept(first) or not _rows_come_out(trace, first, call):
        return None
    if _is_one_picture(trace, given) or _is_used_as_one(trace, call):
        return _as_rows(first, given, call, "warning")
    return _as_rows(first, given, call, "note") if given.shape[0] == 3 and given.shape[1] == given.shape[2] else None


def _is_one_picture(trace: Trace, tensor: TensorInfo) -> bool:
    """Whether it was picked out of a table of such pictures, or its channels were moved before height and width."""
    for step in chain(trace, tensor):
        before = _activation(step)
        if before is None or not step.output or step.output[0].shape != tensor.shape:
            continue
        if step.op == "getitem" and before.rank == tensor.rank + 1 and before.shape[1:] == tensor.shape:
            return isinstance(step.argument(1, "index"), Number) and tensor.shape[0] == 3
        if step.op == "permute" and before.shape == (*tensor.shape[1:], tensor.shape[0]):
            return True
    return False


def _is_used_as_one(trace: Trace, call: ModelCall) -> bool:
    """Whether one class is taken from all the rows together: `out.argmax()`."""
    made = {output.source for output in call.outputs[:1] if output.shape[-1] > 1}
    for event in trace.events[call.end :]:
        if any(tensor.source in made for tensor in event.tensors()):
            if event.op == "argmax" and event.output and event.output[0].rank == 0:
                return True
            if event.op in _PASS and event.output and event.output[0].rank == 2:
                made.add(event.index)
    return False
