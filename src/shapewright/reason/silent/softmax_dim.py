"""A softmax, an argmax or a normalisation runs over the wrong dim.

What happened. Over a dim with one entry every weight of a softmax is 1, its logarithm 0, the argmax class 0, and a cross entropy
of one class is always 0. Over dim 0 the samples of a batch share one distribution: what comes out for a sample hangs on the
others. And where a matrix product sums over another dim than the softmax did, the weights that it sums do not add up to 1.
Nothing fails; the training goes nowhere, or is slightly wrong for ever.

Why. Attention scores `[B, T, 1]` are normalised with `dim=-1` in the place of `dim=1`; a classifier with one output ends in a
softmax; `nn.Softmax()` without a dim takes dim 0 of three; scores `[B, heads, queries, keys]` are normalised over heads or
queries, or the product lost its transpose.

How to tell which fix is right. Weights belong to what they weigh: the softmax runs over the dim that the following sum or product
takes away (`dim=1` for `(w * h).sum(1)`, `dim=-1` for `w @ v`). Classes stand in dim 1. A single output is a probability by a
sigmoid; its class is `out > 0`, its loss `BCEWithLogitsLoss`. A dim of size 1 that comes from the data (one key, a batch of one)
is no fault, and neither is a softmax over dim 0 where dim 0 is what the sum behind it takes away.

Example. A score for each of 20 steps, and a softmax over the score's own dim (`softmax-dim`):

    `softmax` runs over dim 2 of [8, 20, 1], which has one entry: every weight is 1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shapewright.model import Clash, Event, ModelCall, Number, Origin, Probe, Size, TensorInfo, Trace, Value
from shapewright.reason.names import operand_names
from shapewright.reason.rules import say
from shapewright.reason.silent import classes, flow, weights
from shapewright.reason.silent.weights import SOFTMAXES, Uses, setter
from shapewright.reason.ways import FACTORIES, way
from shapewright.source import contains, text_at

SLUGS = ("softmax-dim",)

POSITIONS = {"softmax": 1, "log_softmax": 1, "softmin": 1, "gumbel_softmax": 4, "normalize": 2, "argmax": 1, "max": 1}
_ALONE = {
    "softmax": "every weight is 1",
    "softmin": "every weight is 1",
    "gumbel_softmax": "every weight is 1",
    "log_softmax": "every value is 0",
    "normalize": "only the sign is left",
    "argmax": "the answer is always 0",
    "max": "the place is always 0",
    "cross_entropy": "the loss is always 0",
}
_KEEPDIM = ("sum", "mean", "amax", "amin", "max", "min", "std", "var", "norm", "logsumexp", "median", "prod")


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that runs over one dim of its operand."""

    event: Event
    tensor: TensorInfo
    dim: int

    @property
    def size(self) -> int:
        return self.tensor.shape[self.dim]


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Dims with one entry, then the batch, then products that sum over another dim; the calls of one place are judged together."""
    all_asked = [asked for event in trace.events if (asked := asked_of(trace, event)) is not None]
    made_by = weights.users(trace) if all_asked else {}
    inside = flow.model_events(trace) if all_asked else set()
    for asked in all_asked:
        same_place = [other for other in all_asked if other.event.span == asked.event.span and other.event.op == asked.event.op]
        found = weights.uses(trace, made_by, asked.event)
        clash = (
            _alone(trace, asked, found, same_place, made_by)
            or _over_batch(trace, asked, found, inside, all_asked, made_by)
            or _for_classes(trace, asked, made_by)
            or _other_dim(trace, asked, found, inside, same_place, made_by)
            or _over_features(trace, asked, found)
        )
        if clash is not None:
            yield asked.event, clash


def asked_of(trace: Trace, event: Event) -> Asked | None:
    """The call's operand and the dim it runs over, when the user wrote that call (a library's own softmax is its own affair)."""
    if event.op not in POSITIONS and event.op != "cross_entropy":
        return None
    tensor = next(event.tensors(), None)
    if tensor is None or tensor.rank < 1 or tensor.kind in ("parameter", "buffer") or not event.output or not _written(trace, event):
        return None
    given: Value = event.kwargs.get("dim", event.kwargs.get("axis"))
    at = POSITIONS.get(event.op, 1) - (0 if event.args and isinstance(event.args[0], TensorInfo) else 1)
    if given is None and event.op != "cross_entropy" and at < len(event.args):
        given = event.args[at]
    if isinstance(given, Number):
        return Asked(event, tensor, given.value % tensor.rank) if -tensor.rank <= given.value < tensor.rank else None
    if event.op == "cross_entropy":
        return Asked(event, tensor, 1) if tensor.rank > 1 else None
    implicit = given is None and event.op in SOFTMAXES
    return Asked(event, tensor, 0 if tensor.rank in (1, 3) else 1) if implicit and tensor.rank > 1 else None


def _written(trace: Trace, event: Event) -> bool:
    if event.span is None:
        return False
    module = trace.modules[event.module] if event.module is not None else None
    if module is not None and module.library:
        built = module.built
        return built is not None and module.type in text_at(trace.sources.get(built.file, ""), built)
    return event.op in text_at(trace.sources.get(event.span.file, ""), event.span)


# ------------------------------------------------------------------------------------------------------------- a dim with one entry


def _alone(trace: Trace, asked: Asked, found: Uses, same_place: list[Asked], made_by: weights.Users) -> Clash | None:
    """The dim has one entry, and that is no matter of the data."""
    event = asked.event
    if asked.size != 1 or asked.dim in found.summed() or any(other.size != 1 for other in same_place):
        return None
    if event.op == "max" and not any(_takes_places(user, event) for user in made_by.get(event.index, ())):
        return None
    by = setter(trace, asked.tensor, asked.dim)
    if by is None:
        return None
    setting = parametric(trace, *by)
    sure = setting is not None and setting.is_one
    if event.op in SOFTMAXES or event.op == "normalize":
        sure = sure or _put_there(*by)
    if setting is not None and not sure:  # how many there are was asked for elsewhere, and may be more another time
        sure = _is_all(trace, asked, made_by)
    elif not sure:
        return None
    what = "compares over" if event.op == "cross_entropy" else "runs over"
    headline = f"`{event.op}` {what} dim {asked.dim} of {say.sizes(asked.tensor.shape)}, which has one entry: {_ALONE[event.op]}"
    return _clash(trace, asked, headline, severe=sure)


def _takes_places(user: Event, event: Event) -> bool:
    """Whether a call works on the indexes that `max` gave along with its values."""
    return any(tensor.source == event.index and tensor.dtype == "int64" for tensor in user.tensors())


@dataclass(frozen=True, slots=True)
class Setting:
    """The dim is what a layer with weights gives; `is_one`: a 1 stands where the layer is built."""

    is_one: bool


def parametric(trace: Trace, event: Event, dim: int) -> Setting | None:
    """Whether dim `dim` of the event's result holds what a layer or a matrix of weights gives."""
    module = trace.modules[event.module] if event.module is not None else None
    own = next((tensor for tensor in event.tensors() if tensor.kind == "parameter"), None)
    last = event.output[0].rank - 1
    if event.op in ("linear", "embedding") and dim == last:
        name = "out_features" if event.op == "linear" else "embedding_dim"
    elif event.op.startswith("conv") and dim == event.output[0].rank - 1 - (int(event.op[-2]) if event.op[-2:-1].isdigit() else 2):
        name = "out_channels"
    elif event.op in ("lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell") and dim == last:
        name = "hidden_size"
    elif event.op in ("matmul", "mm") and dim == last and own is not None and own is list(event.tensors())[-1]:
        return Setting(_made_of_one(trace, own))
    else:
        return None
    given = module.number(name) if module is not None and module.library else None
    if given is None or module is None or module.built is None:
        return Setting(False)
    return Setting(given.value == 1 and any(one.span is not None and contains(module.built, one.span) for one in _literals(given)))


def _made_of_one(trace: Trace, tensor: TensorInfo) -> bool:
    """Whether the last size of a weight was written as 1 where it was made."""
    event = trace.events[tensor.source] if tensor.source is not None and 0 <= tensor.source < len(trace.events) else None
    if event is None or event.op not in FACTORIES or event.span is None:
        return False
    sizes = event.args[0] if event.args and isinstance(event.args[0], tuple) else event.args
    last = next((one for one in reversed(sizes) if isinstance(one, Number)), None)
    return last is not None and any(one.span is not None and contains(event.span, one.span) for one in _literals(last))


def _literals(value: Number) -> Iterator[Origin]:
    if value.origin is not None:
        yield from value.origin.literals()


def _put_there(event: Event, dim: int) -> bool:
    """`unsqueeze`, `x[:, None]`, a sum with keepdim, or a view with a 1 written in it."""
    operand = next(event.tensors(), None)
    if operand is None or not event.output:
        return False
    if event.op == "unsqueeze":
        return True
    if event.op == "getitem":
        index = event.argument(1, "index")
        return index is None or (isinstance(index, tuple) and None in index)
    if event.op in _KEEPDIM:
        return operand.rank == event.output[0].rank and operand.shape[dim] > 1
    if event.op in ("view", "reshape") and event.span is not None:
        sizes = event.args[1] if len(event.args) == 2 and isinstance(event.args[1], tuple) else event.args[1:]
        one = sizes[dim] if dim < len(sizes) else None
        return isinstance(one, Number) and any(
            part.span is not None and part.value == 1 and contains(event.span, part.span) for part in _literals(one)
        )
    return False


def _is_all(trace: Trace, asked: Asked, made_by: weights.Users) -> bool:
    """Whether it is all that a model gives, so that this hangs on nothing that goes in; and nothing is weighed with it."""
    if asked.event.op in ("argmax", "max"):
        return False
    number = asked.event.index
    if any(user.op in ("mul", *weights.PRODUCTS) for user in made_by.get(number, ())):
        return False
    source = asked.tensor.source if asked.event.op == "cross_entropy" else number
    return any(len(call.outputs) == 1 and call.outputs[0].source == source and flow.has_parameters(trace, call) for call in trace.calls)


# ----------------------------------------------------------------------------------------------------- the classes stand elsewhere


def _for_classes(trace: Trace, asked: Asked, made_by: weights.Users) -> Clash | None:
    """The loss or the distribution behind it takes the classes in another dim."""
    if asked.event.op not in ("softmax", "log_softmax") or asked.size == 1:
        return None
    taken = classes.class_dim(trace, asked.event.output[0], made_by.get(asked.event.index, ()))
    if taken is None or taken[0] == asked.dim:
        return None
    shape = say.sizes(asked.tensor.shape)
    headline = f"`{asked.event.op}` runs over dim {asked.dim} of {shape}, but {taken[1]} takes dim {taken[0]} for the classes"
    return _clash(trace, asked, headline)


# ------------------------------------------------------------------------------------------------------------------------ the batch


def _over_batch(trace: Trace, asked: Asked, found: Uses, inside: set[int], all_asked: list[Asked], made_by: weights.Users) -> Clash | None:
    """The samples of a batch share one softmax: seen in the run of a model, or traced to what a model gives."""
    tensor, event = asked.tensor, asked.event
    others = [dim for dim in range(tensor.rank) if dim != asked.dim and tensor.shape[dim] > 1]
    if event.op not in (*SOFTMAXES, "normalize") or not others or asked.dim in found.summed(later=True) or found.own:
        return None
    if any(other.tensor.source == tensor.source and other.dim != asked.dim and other.event.op in SOFTMAXES for other in all_asked):
        return None  # both ways on purpose
    call = next((call for call in trace.calls if call.first <= event.index < call.end and flow.has_parameters(trace, call)), None)
    if call is not None and _mixed_here(trace, asked, call):
        if event.op == "normalize" and not any(use.how in ("matrix", "self") for use in found.found):
            return None
        if not made_by.get(event.index) and all(out.source != event.index for out in call.outputs):
            return None  # nobody knows what becomes of it
        rows = bool(call.inputs) and call.inputs[0].rank == 2 and call.inputs[0].is_floating
        if rows and event.op != "normalize" and (found.gates or found.found):
            return None  # rows may be the members of one set
    elif event.op == "normalize":
        return None
    else:
        behind = event.index not in inside and _of_model(trace, asked, others, inside)
        if not behind and not _is_batch_of_layer(trace, asked):
            return None
    headline = f"`{event.op}` runs over dim {asked.dim} of {say.sizes(tensor.shape)}, the batch: samples share one distribution"
    if event.op == "normalize":
        headline = f"`normalize` runs over dim {asked.dim} of {say.sizes(tensor.shape)}, the batch: samples are scaled together"
    return _clash(trace, asked, headline)


def _mixed_here(trace: Trace, asked: Asked, call: ModelCall) -> bool:
    """Whether the model mixes its samples, and does so in this call: seen in the run, or told by the way of the dim."""
    for probe in trace.probes:
        if not probe.mixes or probe.batch_dim != 0:
            continue
        if asked.event.index in probe.mixed:
            return True
        if probe.model == call.module and probe.mixed:
            way_back = list(weights.steps(trace, asked.tensor, asked.dim))
            last, _, dim, goes_on = way_back[-1] if way_back else (asked.event, asked.tensor, asked.dim, True)
            into = [one for one in last.tensors() if one.source is None or one.source < call.first]
            if goes_on and last.index >= call.first and dim == 0 and any(one.shape[:1] == call.inputs[0].shape[:1] for one in into):
                return True
    return False


def _is_batch_of_layer(trace: Trace, asked: Asked) -> bool:
    """Whether a recurrent layer took this dim for its batch."""
    for event, tensor, dim, _ in weights.steps(trace, asked.tensor, asked.dim):
        module = trace.modules[event.module] if event.module is not None else None
        if event.op in ("lstm", "gru", "rnn") and module is not None and tensor.rank == 3 and tensor.shape == event.output[0].shape:
            operand = next(event.tensors(), None)
            batch = 0 if module.settings.get("batch_first") is True else 1
            return dim == batch and operand is not None and operand.rank == 3 and tensor.shape[1 - batch] > 1
    return False


def _of_model(trace: Trace, asked: Asked, others: list[int], inside: set[int]) -> bool:
    """Whether the dim is the batch dim of what a model gave, and another one its classes."""
    found = [by for other in others if (by := setter(trace, asked.tensor, other)) is not None]
    if not any(by[0].index in inside and parametric(trace, *by) is not None for by in found):
        return False
    tensor, dim = asked.tensor, asked.dim
    while tensor.source is not None and 0 <= tensor.source < len(trace.events):
        call = _giver(trace, tensor)
        if call is not None:
            probe = next((probe for probe in trace.probes if probe.model == call.module), None)
            return dim == 0 and probe is not None and _apart(probe, call)
        event = trace.events[tensor.source]
        output = next((out for out in event.output if out.shape == tensor.shape), None)
        back = way(event, output, dim) if output is not None and event.index not in inside else None
        if back is None:
            return False
        tensor, dim = list(event.tensors())[back[0]], back[1]
    return False


def _giver(trace: Trace, tensor: TensorInfo) -> ModelCall | None:
    """The model call that gave the tensor."""
    for call in trace.calls:
        if any(out.source == tensor.source and out.shape == tensor.shape for out in call.outputs) and flow.has_parameters(trace, call):
            return call
    return None


def _apart(probe: Probe, call: ModelCall) -> bool:
    """Whether dim 0 is a batch whose samples have nothing to do with each other."""
    follows = bool(probe.sizes) and all(sizes is not None and sizes[:1] == (batch,) for batch, sizes in probe.sizes)
    images = bool(call.inputs) and call.inputs[0].rank == 4
    return probe.batch_dim == 0 and probe.output_dim in (0, None) and follows and (probe.mixes is False or (probe.mixes is None and images))


# ------------------------------------------------------------------------------------------------- products that sum over another dim


def _other_dim(trace: Trace, asked: Asked, found: Uses, inside: set[int], same_place: list[Asked], made_by: weights.Users) -> Clash | None:
    """Attention weights of queries and keys, normalised over a dim that the product with the values does not sum over."""
    if asked.event.op != "softmax":
        return None
    wrong = _summed_instead(trace, asked, found, inside)
    if wrong is None:
        return None
    for other in same_place:
        if other is not asked and _summed_instead(trace, other, weights.uses(trace, made_by, other.event), inside) is None:
            return None
    headline = f"`softmax` runs over dim {asked.dim} of {say.sizes(asked.tensor.shape)}, but the product behind it sums over dim {wrong}"
    return _clash(trace, asked, headline, "the weights that are summed do not add up to 1")


def _summed_instead(trace: Trace, asked: Asked, found: Uses, inside: set[int]) -> int | None:
    """The dim that the products sum over in the place of the softmax's own."""
    if found.own or asked.dim in found.summed():
        return None
    summed = [dim for use in found.found if use.how == "matrix" for dim in sorted(use.summed)]
    scores = weights.scores(trace, asked.tensor) if summed else None
    if scores is None or any(_features(trace, *side) for side in (scores.rows, scores.columns)):
        return None
    own, other = scores.places[asked.dim], scores.places[summed[0]]
    if own is None or other not in (scores.row, scores.column) or own == other:
        return None
    if own in (scores.row, scores.column) and _learned(trace, scores.rows if own == scores.row else scores.columns, inside):
        return None  # slots that compete for what goes in
    return summed[0]


def _features(trace: Trace, tensor: TensorInfo, dim: int) -> bool:
    by = setter(trace, tensor, dim)
    return by is not None and parametric(trace, *by) is not None


def _learned(trace: Trace, side: tuple[TensorInfo, int], inside: set[int]) -> bool:
    """Whether a dim holds learned vectors, or such that the model draws: they are no part of the data."""
    by = setter(trace, *side)
    if by is None:
        return False
    operands = list(by[0].tensors())
    return all(one.kind in ("parameter", "buffer") for one in operands) and (bool(operands) or by[0].index in inside)


def _over_features(trace: Trace, asked: Asked, found: Uses) -> Clash | None:
    """Weights of the features of each step, and a sum over the steps; a gate may be meant to be so: a note."""
    uses = [use for use in found.found if use.how == "sum" and use.summed and next(use.event.tensors()).shape == asked.tensor.shape]
    by = weights.setter(trace, asked.tensor, asked.dim)
    if asked.event.op != "softmax" or not uses or asked.dim in found.summed() or found.own or asked.tensor.rank != 3 or asked.dim != 2:
        return None
    if by is None or parametric(trace, *by) is None:
        return None
    headline = f"`softmax` runs over dim 2 of {say.sizes(asked.tensor.shape)}, but the sum behind it runs over dim {min(uses[0].summed)}"
    return _clash(trace, asked, headline, severe=False)


# -------------------------------------------------------------------------------------------------------------------------- in words


def _clash(trace: Trace, asked: Asked, headline: str, *notes: str, severe: bool = True) -> Clash:
    names = operand_names(trace, asked.event)
    label = f"{(names[0] if names else '') or 'it'} is {say.marked(asked.tensor, asked.dim)}"
    got = Size(asked.size, asked.tensor, asked.dim)
    return Clash(SLUGS[0], headline, label, got, notes=notes, severity="warning" if severe else "note")
