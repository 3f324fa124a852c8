"""An autoencoder gives other channels or sizes than went in.

What happened. The model is there to give its input back, and what comes out has 4 channels where 3 went in, 32×32 pixels
where 28×28 went in, or 728 features for 784. Every layer fits the next one, so nothing fails until the two are compared;
and a loss that compares one channel with three does not fail either, it compares the one with each of the three.

Why. The last layer of the decoder says how many channels or features come out, and nothing ties that number to the input.
Sizes depend on every stride, padding and kernel on the way: a stride of 2 halves 7 to 4, and a transposed convolution
doubles 4 to 8, so that 28 comes back as 32.

How to tell which fix is right. Channels and features are a number of the last layer. For sizes look at where the decoder
leaves the way of the encoder: `output_padding=1` where an odd size was halved, or the padding that its siblings have. To
resize the output at the end would hide it.

Example. A picture with 3 channels goes in:

    `Autoencoder` gives 4 channels for the 3 that go in
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shapewright.model import Clash, Event, ModelCall, Span, TensorInfo, Trace
from shapewright.reason.names import operand_names
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, broadcast
from shapewright.reason.silent import flow, purpose
from shapewright.reason.ways import chain, setter

SLUGS = ("reconstruction-shape",)

COMPARING = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
_LOSSES = (
    *COMPARING,
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "nll_loss",
    "kl_div",
    "gaussian_nll_loss",
)
_DISTANCES = ("pow", "square", "abs", "norm", "mul")
# What a decoder makes its output with. A slice, a sum or a norm that comes last was meant to change the size.
_LAYERS = ("conv", "linear", "addmm", "interpolate", "upsample", "max_pool", "avg_pool", "adaptive", "pixel_shuffle", "view", "reshape",
           "unflatten", "lstm", "gru", "rnn", "max_unpool")  # fmt: skip
_CODES = 30  # so many channels for an image of a few are classes of brightness or the parts of a mixture
_IMAGE = 4  # channels that an image has at most


@dataclass(frozen=True, slots=True)
class _Pass:
    """What went into a model, or into an encoder, and what came out of it, or of the decoder behind it."""

    given: TensorInfo
    made: TensorInfo
    first: int
    end: int
    span: Span | None
    name: str  # as the headline calls it
    names: tuple[str, ...]
    text: str  # docstrings and headings around it
    alone: bool  # nothing else goes in
    decoded: bool = False  # it comes out of what is called a decoder


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Losses that compare an output with the input of another size; else models that are plainly autoencoders."""
    passes = [*_models(trace), *_halves(trace)]
    told: set[str] = set()
    for one in passes:
        for event in _compared(trace, one):
            told.add(one.name)
            yield event, _spread(trace, event, one)
    for one in passes:
        if one.name not in told and _is_autoencoder(trace, one) and not _meant(trace, one):
            yield from _other_size(trace, one)


# ---------------------------------------------------------------------------------------------------------- what went in and came out


def _models(trace: Trace) -> Iterator[_Pass]:
    for call in trace.calls:
        if not flow.has_parameters(trace, call) or _called(trace, call, "encoder", "enc", "decoder", "dec"):
            continue
        given, made = _image(call.inputs), _last(call)
        module = trace.modules[call.module]
        if given is not None and made is not None:
            names = purpose.of_model(trace, module, call.span)
            shown = next((name for name in names if name), module.type)
            text = "\n".join((purpose.docstring(trace, module), *purpose.headings(trace, call.span)))
            alone = sum(tensor.is_floating for tensor in call.inputs) == 1
            yield _Pass(given, made, call.first, call.end, call.span, shown, (*names, *purpose.variables(trace, call.span)), text, alone)


def _halves(trace: Trace) -> Iterator[_Pass]:
    """An encoder and a decoder that the program calls one after the other."""
    for second in trace.calls:
        if not _called(trace, second, "decoder", "dec"):
            continue
        made = _last(second)
        before = flow.ancestors(trace, second.inputs)
        for first in trace.calls:
            given = _image(first.inputs)
            follows = first.end <= second.first and any(first.first <= index < first.end for index in before)
            if given is not None and made is not None and follows and _called(trace, first, "encoder", "enc"):
                names = purpose.variables(trace, second.span)
                text = "\n".join(purpose.headings(trace, second.span))
                yield _Pass(given, made, first.first, second.end, second.span, "the decoder", names, text, len(second.inputs) == 1, True)


def _called(trace: Trace, call: ModelCall, *parts: str) -> bool:
    """Whether a model is called by one of these words, and is no autoencoder as a whole."""
    names = purpose.of_model(trace, trace.modules[call.module], call.span)
    named = any(part in purpose.words(name) for name in names for part in parts)
    return named and flow.has_parameters(trace, call) and not any(map(purpose.names_autoencoder, names))


def _image(tensors: tuple[TensorInfo, ...]) -> TensorInfo | None:
    first = next((tensor for tensor in tensors if tensor.is_floating), None)
    return first if first is not None and first.rank >= 2 else None


def _last(call: ModelCall) -> TensorInfo | None:
    """The output that was made last: a code and its moments come before what is made of them. None when one has the input's sizes."""
    given = _image(call.inputs)
    made = [tensor for tensor in call.outputs if tensor.is_floating and tensor.rank >= 2]
    made = [tensor for tensor in made if tensor.source is not None and call.first <= tensor.source < call.end]
    if given is None or any(tensor.numel == given.numel for tensor in made):
        return None
    return max(made, key=lambda tensor: tensor.source or 0, default=None)


# ------------------------------------------------------------------------------------------------------------------- by its own loss


def _compared(trace: Trace, one: _Pass) -> Iterator[Event]:
    """Comparisons of the output with what went in, in which one of the two is spread over the other."""
    for event in trace.events[one.end :]:
        operands = list(event.tensors())[:2]
        by_hand = event.op == "sub" and one.given.rank >= 4 and any(user.op in _DISTANCES for user in flow.consumers(trace, event))
        if len(operands) == 2 and (event.op in COMPARING or by_hand):
            made, given = operands if _same(operands[0], one.made) else operands[::-1]
            met = broadcast((given.shape, made.shape)) if made.rank == given.rank and made.shape[:1] == given.shape[:1] else None
            alike = _same(made, one.made) and given.shape == one.given.shape and made.shape != given.shape
            # a target of the input's sizes, from a loader of pairs, is what a model is to give that is called so
            own, named = _same(given, one.given), _says_so(one)
            if alike and ((met == given.shape and (own or named)) or (met == made.shape and own and named)):
                yield event


def _same(tensor: TensorInfo, other: TensorInfo) -> bool:
    return tensor.source == other.source and tensor.shape == other.shape


# ------------------------------------------------------------------------------------------------------------------- by what it is called


def _says_so(one: _Pass) -> bool:
    named = any(purpose.names_autoencoder(name) for name in one.names)
    return named or "autoencod" in one.text.lower().replace("-", "").replace(" ", "") or any(map(purpose.names_reconstruction, one.names))


def _is_autoencoder(trace: Trace, one: _Pass) -> bool:
    """Words for it, an encoder with a decoder behind it, and no word for another task."""
    if not _says_so(one) or not one.alone or one.given.shape[0] != one.made.shape[0]:
        return False
    files = {span.file for span in (one.span, *(event.span for event in trace.events[one.first : one.end])) if span is not None}
    return (one.decoded or _decodes(trace, one)) and not any(purpose.says_otherwise(trace.sources.get(file, "")) for file in files)


def _decodes(trace: Trace, one: _Pass) -> bool:
    """Whether the output was made by something that is called a decoder, or from something smaller than itself."""
    source = one.made.source
    last = trace.events[source] if source is not None else None
    if last is None:
        return False
    words = _words(trace, last)
    if purpose.names_head(words) or any(purpose.names_head(purpose.words(name)) for name in one.names):
        return False
    if {"encoder", "enc", "encode"} & words and not {"decoder", "dec", "decode"} & words:
        return False
    sizes = [event.output[0].numel for event in chain(trace, one.made) if event.index >= one.first and event.output]
    narrow = bool(sizes) and min(sizes) < min(one.made.numel, one.given.numel)
    called = any(purpose.names_autoencoder(name) or purpose.names_reconstruction(name) for name in one.names)
    return (narrow and called) or bool({"decoder", "dec", "decode", "deconv", "up", "upconv"} & words)


def _words(trace: Trace, event: Event) -> set[str]:
    """The words of the function that made a call, and of the modules around it."""
    found = set(purpose.words(event.function.rpartition(".")[2]))
    index = event.module
    while index is not None:
        module = trace.modules[index]
        found.update(purpose.words(module.path))
        found.update(purpose.words(module.type) if not module.library and module.parent is not None else ())
        index = module.parent
    return found


def _meant(trace: Trace, one: _Pass) -> bool:
    """Whether the program knows of the sizes: one of the two is made from the other's, or cut to it, or something else is learned."""
    sample = one.made.shape[1:]
    before = flow.ancestors(trace, [one.given])
    if any(tensor.shape[1:] == sample for index in before for tensor in (*trace.events[index].tensors(), *trace.events[index].output)):
        return True
    made = {one.made.source}
    for event in trace.events[one.end :]:
        operands = list(event.tensors())
        ours = [tensor for tensor in operands if tensor.source in made]
        if ours:
            made.add(event.index)
            other = [tensor for tensor in operands if tensor.source not in made and tensor.rank >= 2]
            if event.op in (*_LOSSES, "backward") or (event.op == "sub" and other):
                return True
        wanted = one.given.shape[1:] if ours else sample
        known = bool(ours) or any(_same(tensor, one.given) for tensor in operands)
        if known and event.output and event.output[0].shape[1:] == wanted and not event.op.endswith("_like"):
            return True
    return False


# ----------------------------------------------------------------------------------------------------------------------- what is told


def _other_size(trace: Trace, one: _Pass) -> Iterator[tuple[Event, Clash]]:
    made, given = one.made, _alike(trace, one)
    if given is None or given.rank != made.rank or given.shape[0] != made.shape[0]:
        return
    differing = [dim for dim in range(1, made.rank) if made.shape[dim] != given.shape[dim]]
    steps = made.rank == 3 and not _is_map(trace, made)
    if not differing or (steps and 1 in differing):
        return  # the steps of a sequence that is read on are others than those that were read
    parts = 2 if steps else 1
    if parts in differing and not _odd_parts(trace, given, made, parts):
        return
    dim = differing[0]
    found = setter(trace, made, dim)
    if found is None or not found[0].op.startswith(_LAYERS) or not one.first <= found[0].index < one.end or made.source is None:
        return
    label = f"{say.marked(given, *differing)} goes in, {say.marked(made, *differing)} comes out"
    headline = f"`{one.name}` gives {_count(trace, made, given, differing)}".replace("`the decoder`", "the decoder")
    yield trace.events[made.source], Clash(SLUGS[0], headline, label, at(made, dim), at(given, dim), severity="warning", at=one.span)


def _alike(trace: Trace, one: _Pass) -> TensorInfo | None:
    """The input as it compares with the output: where that is flat, the flattened input."""
    if one.given.rank == one.made.rank:
        return one.given
    for event in trace.events[one.first : one.end]:
        if event.op in ("flatten", "view", "reshape") and event.output and any(_same(tensor, one.given) for tensor in event.tensors()):
            return event.output[0]
    return None


def _is_map(trace: Trace, made: TensorInfo) -> bool:
    return any(event.op.startswith("conv") for event in chain(trace, made))


def _odd_parts(trace: Trace, given: TensorInfo, made: TensorInfo, dim: int) -> bool:
    """Whether no usual meaning of the output has so many channels: a mean with a variance, colours for grey, classes of brightness."""
    into, out = given.shape[dim], made.shape[dim]
    if out == 2 * into or (into == 1 and made.rank >= 4) or (into <= _IMAGE and out >= _CODES):
        return False
    if made.rank - dim == 1 and (out % into == 0 or out == 1 or into == 1):
        return False
    return not any(event.op in ("softmax", "log_softmax") for event in chain(trace, made)[-2:])


def _count(trace: Trace, made: TensorInfo, given: TensorInfo, differing: list[int]) -> str:
    if differing == [made.rank - 1] and made.rank < 4:
        word = "numbers" if made.rank == 3 and _is_map(trace, made) else "features"
        return f"{made.shape[differing[0]]} {word} for the {given.shape[differing[0]]} that go in"
    if differing == [1]:
        return f"{say.count(made.shape[1], 'channel')} for the {given.shape[1]} that go in"
    if 1 not in differing:
        return f"{say.by(made.shape[2:])} for the {say.by(given.shape[2:])} that go in"
    return f"{say.sizes(made.shape[1:])} for the {say.sizes(given.shape[1:])} that go in"


def _spread(trace: Trace, event: Event, one: _Pass) -> Clash:
    first, second = list(event.tensors())[:2]
    made, given = (first, second) if _same(first, one.made) else (second, first)
    dim = next(dim for dim in range(1, made.rank) if made.shape[dim] != given.shape[dim])
    part = "channel" if made.rank >= 4 and dim == 1 else "feature" if made.rank == 2 else "number"
    name = one.name if one.name == "the decoder" else f"`{one.name}`"
    headline = f"{name} gives 1 {part}, and the loss compares it with each of {given.shape[dim]}"
    if given.shape[dim] == 1:
        headline = f"{name} gives {say.count(made.shape[dim], part)}, and the loss compares each with the 1 that went in"
    sides = zip(operand_names(trace, event), (first, second), strict=False)
    told = (f"`{name}` is {say.marked(info, dim)}" if name else say.marked(info, dim) for name, info in sides)
    return Clash(SLUGS[0], headline, " and ".join(told), at(made, dim), at(given, dim), severity="warning")
