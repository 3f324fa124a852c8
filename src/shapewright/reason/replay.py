"""The shapes of a recorded run over again, with one number or one input size changed. Pure.

The sizes of maps follow the formulas in torch's documentation of `Conv2d`, `ConvTranspose2d`, `MaxPool2d` and their like. A call whose
formula is not here passes on the dims that `ways` can follow; what nobody knows is unknown (None), and so is a call that would fail.
A formula is trusted for a call only when it gives the size that was recorded for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from shapewright.model import Event, ModuleInfo, Number, Origin, Span, TensorInfo, Trace, Value
from shapewright.reason import solve
from shapewright.reason.maps import Shape, argument, family, with_argument
from shapewright.reason.shapes import shape_of


@dataclass(frozen=True, slots=True)
class Change:
    """What is other than in the recorded run.

    `literals` gives numbers of the source new values; `settings` those of a layer (by the call that builds it) or of a function call, where
    no literal says them; `removed` are constructor calls whose layers pass everything on; `shapes` are inputs, by (event that made it or
    None, recorded shape).
    """

    literals: Mapping[Span, int] = field(default_factory=dict)
    settings: Mapping[tuple[Span, str], int | bool] = field(default_factory=dict)
    removed: frozenset[Span] = frozenset()
    shapes: Mapping[tuple[int | None, Shape], Shape] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """An event on the way to a call, and what it depends on."""

    event: Event
    module: ModuleInfo | None
    sources: frozenset[int | None]  # events that made its operands, or tensors whose dims it was told
    literals: frozenset[Span]
    place: Span | None  # the constructor call of its layer, or the function call itself
    trusted: bool  # its formula gives what was recorded


def steps_to(trace: Trace, event: Event) -> tuple[Step, ...]:
    """All recorded events that the call's operands come from, in order, and at the end the call itself."""
    found: dict[int, Step] = {}
    todo = [event.index]
    while todo:
        index = todo.pop()
        if index in found or not 0 <= index < len(trace.events) or trace.events[index].op == "not-recorded":
            continue
        found[index] = _step(trace, trace.events[index])
        todo += [source for source in found[index].sources if source is not None and source < index]
    return tuple(found[index] for index in sorted(found))


def replayed(steps: tuple[Step, ...], change: Change) -> Event | None:
    """The last step's call as it would be made; None when that is unknown or a call before it would fail."""
    made: dict[int, tuple[Shape | None, ...]] = {}
    recorded = {step.event.index: step.event for step in steps}
    for step in steps[:-1]:
        event = step.event
        given = tuple(change.shapes.get((event.index, out.shape), out.shape) for out in event.output)
        if given != tuple(out.shape for out in event.output):
            made[event.index] = given
            continue
        if step.module is not None and step.module.built in change.removed:
            new = _renewed(step, change, made, recorded)
            passed = next(new.tensors(), None) if new is not None else None
            made[event.index] = (passed.shape if passed is not None else None, *(None for _ in event.output[1:]))
            continue
        if not _touched(step, change, made):
            continue
        new = _renewed(step, change, made, recorded)
        known = new is not None and step.trusted
        made[event.index] = tuple(shape_of(new, event, at) if new is not None and known else None for at in range(len(event.output)))
    return _renewed(steps[-1], change, made, recorded) if steps else None


def module_with(module: ModuleInfo, change: Change) -> ModuleInfo:
    """The layer as it would be built."""
    settings = {name: _value(value, change, {}, {}) for name, value in module.settings.items()}
    for (place, name), value in change.settings.items():
        if place == module.built and name in settings:
            settings[name] = _like(settings[name], value)
    return replace(module, settings=settings)


def numbers(value: Value) -> Iterator[Number]:
    """The numbers in a setting or an argument."""
    if isinstance(value, Number):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from numbers(item)


# ------------------------------------------------------------------------------------------------------------------- one event


def _step(trace: Trace, event: Event) -> Step:
    module = trace.modules[event.module] if event.module is not None else None
    module = module if module is not None and module.library else None
    event = _told(trace, event) if module is None else event
    values: list[Value] = [*event.args, *event.kwargs.values(), *(module.settings.values() if module is not None else ())]
    origins = [number.origin for value in values for number in numbers(value) if number.origin is not None]
    leaves = [leaf for origin in origins for leaf in _leaves(origin)]
    sources = {tensor.source for tensor in event.tensors() if tensor.kind not in ("parameter", "buffer")}
    sources |= {leaf.event for leaf in leaves if leaf.event is not None}
    literals = frozenset(leaf.span for leaf in leaves if leaf.span is not None)
    trusted = all(shape_of(event, event, number) == out.shape for number, out in enumerate(event.output))
    return Step(event, module, frozenset(sources), literals, module.built if module is not None else event.span, trusted)


def _told(trace: Trace, event: Event) -> Event:
    """The call with an origin for numbers that nothing in the source says: the program asked a tensor for them (`x.size(0)`).

    Which one is known by its size only: for a reshape it is the operand, for a resize the last tensor before that has those sides.
    """
    operand = next(event.tensors(), None)
    if operand is None:
        return event
    earlier = (out for index in range(event.index - 1, -1, -1) for out in trace.events[index].output)
    if event.op in ("view", "reshape"):
        given = event.args[1:] if not any(isinstance(value, tuple) for value in event.args[1:]) else ()
        told = [_of_dim(value, operand, at) for at, value in enumerate(given)]
        asked = {at: value.value for at, value in enumerate(told) if isinstance(value, Number) and value.origin is None}
        like = next((out for out in earlier if out.rank == len(told) and all(out.shape[at] == asked[at] for at in asked)), None)
        if like is not None:
            told = [_of_dim(value, like, at) for at, value in enumerate(told)]
        return replace(event, args=(event.args[0], *told)) if told else event
    size = argument(event, "size") if family(event.op) == "interpolate" else None
    if isinstance(size, tuple) and all(isinstance(side, Number) and side.origin is None for side in size):
        sides = tuple(side.value for side in numbers(size))
        like = next((out for out in earlier if out.rank == operand.rank and out.shape[-len(sides) :] == sides), None)
        if like is not None:
            return with_argument(event, "size", tuple(_of_dim(side, like, like.rank - len(sides) + at) for at, side in enumerate(size)))
    return event


def _of_dim(value: Value, tensor: TensorInfo, at: int) -> Value:
    """A number without an origin as a dim of a tensor: the one at the position, else the only one of that size."""
    if not isinstance(value, Number) or value.origin is not None or tensor.source is None:
        return value
    alike = [dim for dim, size in enumerate(tensor.shape) if size == value.value]
    dim = at if at in alike else alike[0] if len(alike) == 1 else None
    return Number(value.value, Origin(value.value, event=tensor.source, dim=dim)) if dim is not None else value


def _leaves(origin: Origin) -> Iterator[Origin]:
    if origin.parts:
        for part in origin.parts:
            yield from _leaves(part)
    else:
        yield origin


def _touched(step: Step, change: Change, made: Mapping[int, object]) -> bool:
    return (
        not made.keys().isdisjoint(step.sources)
        or not step.literals.isdisjoint(change.literals)
        or any(place == step.place for place, _ in change.settings)
        or any(source in step.sources for source, _ in change.shapes)
    )


def _renewed(step: Step, change: Change, made: Mapping[int, tuple[Shape | None, ...]], recorded: Mapping[int, Event]) -> Event | None:
    """The call with its operands' new shapes and its new numbers; None when one of them is unknown."""
    event = step.event
    try:
        args = tuple(_value(value, change, made, recorded) for value in event.args)
        kwargs = {name: _value(value, change, made, recorded) for name, value in event.kwargs.items()}
    except _Unknown:
        return None
    new = replace(event, args=args, kwargs=kwargs)
    own = {name: _plain(value) for (place, name), value in change.settings.items() if place == step.place}
    if step.module is not None:
        new = _reweighted(new, step.module, module_with(step.module, change))
        if "padding" in own and (new.op == "pad" or step.module.settings.get("padding_mode", "zeros") != "zeros"):
            # what pads is a call of its own, of a layer that only pads or before a convolution
            padding = own.pop("padding")
            own |= {"pad": padding} if new.op == "pad" else {}
    for name, value in own.items():
        old = new.args[1:2] if name == "pad" else ()
        new = with_argument(new, name, tuple(value for _ in numbers(old[0])) if old else value)
    return new


class _Unknown(Exception):
    pass


def _value(value: Value, change: Change, made: Mapping[int, tuple[Shape | None, ...]], recorded: Mapping[int, Event]) -> Value:
    if isinstance(value, TensorInfo):
        return _operand(value, change, made, recorded)
    if isinstance(value, Number):
        return Number(_number(value, change, made, recorded), value.origin) if value.origin is not None else value
    if isinstance(value, tuple):
        return tuple(_value(item, change, made, recorded) for item in value)
    return value


def _operand(tensor: TensorInfo, change: Change, made: Mapping[int, tuple[Shape | None, ...]], recorded: Mapping[int, Event]) -> TensorInfo:
    if tensor.source is None and tensor.kind in ("activation", "input"):
        shape: Shape | None = change.shapes.get((None, tensor.shape), tensor.shape)
    elif tensor.source in made and tensor.source is not None:
        outputs = [out.shape for out in recorded[tensor.source].output]
        shape = made[tensor.source][outputs.index(tensor.shape)] if tensor.shape in outputs else None
    else:
        return tensor
    if shape is None:
        raise _Unknown
    return tensor if shape == tensor.shape else replace(tensor, shape=shape)


def _number(number: Number, change: Change, made: Mapping[int, tuple[Shape | None, ...]], recorded: Mapping[int, Event]) -> int:
    def now(origin: Origin) -> Origin:
        if origin.parts:
            return replace(origin, parts=tuple(now(part) for part in origin.parts))
        if origin.span is not None and origin.span in change.literals:
            return replace(origin, value=change.literals[origin.span])
        if origin.event in made and origin.event is not None and origin.dim is not None:
            for old, new in zip(recorded[origin.event].output, made[origin.event], strict=True):
                if origin.dim < old.rank and old.shape[origin.dim] == origin.value:
                    if new is None or origin.dim >= len(new):
                        raise _Unknown
                    return replace(origin, value=new[origin.dim])
        return origin

    assert number.origin is not None
    value = solve.evaluate(now(number.origin), ())
    if value is None:
        raise _Unknown
    return value


def _reweighted(event: Event, old: ModuleInfo, new: ModuleInfo) -> Event:
    """The call with the layer's weight in its new shape."""
    if (
        old.settings == new.settings
        or not event.op.startswith(("conv", "linear"))
        or len(event.args) < 2
        or not isinstance(event.args[1], TensorInfo)
    ):
        return event
    weight = event.args[1]
    names = ("out_features", "in_features") if event.op == "linear" else ("out_channels", "in_channels")
    sizes = [new.number(name) for name in names]
    groups = new.number("groups")
    kernel = [number.value for number in numbers(new.settings.get("kernel_size"))]
    if None in sizes or weight.rank != 2 + len(kernel):
        return event
    out, into = (size.value for size in sizes if size is not None)
    many = groups.value if groups is not None else 1
    if many < 1:
        return event
    pair = (into, out // many) if "transpose" in event.op else (out, into // many)
    return replace(event, args=(event.args[0], replace(weight, shape=(*pair, *kernel)), *event.args[2:]))


def _like(old: Value, new: int | bool) -> Value:
    return tuple(_plain(new) for _ in old) if isinstance(old, tuple) else _plain(new)


def _plain(value: int | bool) -> Value:
    return value if isinstance(value, bool) else Number(value)
