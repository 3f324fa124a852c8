"""Trace → findings: for each failure the demand that was not met, and where both numbers come from. Pure."""

from __future__ import annotations

from dataclasses import replace

from shapewright.model import Clash, Event, Failure, ModuleInfo, Size, Span, Trace
from shapewright.reason import rules, silent
from shapewright.reason.fits import fitting_note
from shapewright.reason.names import name_roots, operand_names
from shapewright.reason.places import demand_place, is_statement
from shapewright.reason.rules import say
from shapewright.reason.scene import Scene
from shapewright.reason.ways import FACTORIES, chain, rests_on_assumption, setter, shaper
from shapewright.reason.wording import eager_sentence, remark_before_flatten, supply_words
from shapewright.report import Finding, Label, Place, StoryRow
from shapewright.source import text_at

LONGEST_STORY = 200
DISCARDED = {"view", "reshape", "flatten", "permute", "transpose", "unsqueeze", "squeeze", "float", "long"}


def findings(trace: Trace) -> tuple[Finding, ...]:
    """One finding for each place at which the run failed because of shapes, in the order of the run; else what is wrong in silence."""
    trace = name_roots(trace)
    return tuple(explain(trace, event, clash) for event, clash in (*conflicts(trace), *suspicions(trace)))


def suspicions(trace: Trace) -> list[tuple[Event, Clash]]:
    """What is wrong, or may be, in a run that went well: warnings first, then notes."""
    if trace.stop is not None or any(failure is not None and not failure.answered for failure in _failures(trace)):
        return []
    return silent.faults(trace)


def warnings(trace: Trace) -> list[tuple[Event, Clash]]:
    """The suspicions that are right almost always."""
    return [(event, clash) for event, clash in suspicions(trace) if clash.severity == "warning"]


def _failures(trace: Trace) -> list[Failure | None]:
    return [trace.events[index].failure for index in trace.failures if index not in trace.tried]


def conflicts(trace: Trace) -> list[tuple[Event, Clash]]:
    """The failed calls that are a matter of shapes, each place once, in the order of the run."""
    found: list[tuple[Event, Clash]] = []
    for index in trace.failures:
        event = trace.events[index]
        if event.failure is None or event.failure.answered or index in trace.tried:
            continue
        clash = clash_of(trace, event)
        if clash is None or rests_on_assumption(trace, event):
            continue
        if not any(known.slug == clash.slug and place_of(trace, other) == place_of(trace, event) for other, known in found):
            found.append((event, clash))
    return found


def place_of(trace: Trace, event: Event) -> Span | None:
    """The expression that failed; for a constructor that refused, its call."""
    module = trace.modules[event.module] if event.module is not None else None
    return event.span or (module.built if module is not None else None)


def clash_of(trace: Trace, event: Event) -> Clash | None:
    """What the rules say of a failed event."""
    module = trace.modules[event.module] if event.module is not None else None
    clash = rules.diagnose(Scene(event, module, operand_names(trace, event)))
    if clash is not None and clash.slug in ("missing-flatten", "linear-in-features"):
        return _unbatched(trace, clash) or clash
    return clash


def _unbatched(trace: Trace, clash: Clash) -> Clash | None:
    """A flatten that kept dim 0 of one sample without batch: what it kept are channels."""
    tensor = clash.got.tensor if clash.got is not None else None
    if tensor is None or tensor.source is None or clash.want is None or tensor.numel != clash.want.value:
        return None
    flatten = trace.events[tensor.source]
    operand = next(flatten.tensors(), None)
    if flatten.op not in ("flatten", "view", "reshape") or operand is None or operand.rank != 3 or tensor.rank != 2:
        return None
    first = next((step for step in chain(trace, operand) if step.op.startswith("conv")), None)
    sample = next(first.tensors(), None) if first is not None else None
    if sample is None or sample.rank != 3:
        return None
    note = f"{sample} is read as one sample without a batch dim; a batch of one is [1, {', '.join(map(str, sample.shape))}]"
    headline = f"the batch dim is missing: {sample} goes in, and flatten keeps its {tensor.shape[0]} channels apart"
    return replace(clash, slug="batch-dim-missing", headline=headline, notes=(note,))


def explain(trace: Trace, event: Event, clash: Clash) -> Finding:
    """The clash with both its sides traced to the source."""
    module = trace.modules[event.module] if event.module is not None else None
    demand = demand_place(trace, event, clash.want)
    supply_event, supply = supply_place(trace, event, clash.got)
    where = clash.at or place_of(trace, event)
    failure = event.failure
    if clash.at is not None:
        module = None
    return Finding(
        slug=clash.shown_as or clash.slug,
        severity=clash.severity,
        headline=clash.headline,
        where=where,
        function=event.function if clash.at is None else "",
        module=module.path if module is not None and module.library else "",
        module_type=module.type if module is not None and module.library else "",
        torch_message=(eager_sentence(event) or failure.message.strip() or None) if failure is not None and not event.of_python else None,
        swallowed=failure is not None and failure.swallowed,
        labels=_labels(trace, event, clash, module, where, demand, supply_event, supply),
        demand=demand,
        supply=supply,
        story=story(trace, event, clash),
        notes=_notes(trace, clash, module),
    )


def _notes(trace: Trace, clash: Clash, module: ModuleInfo | None) -> tuple[str, ...]:
    own = clash.slug == "linear-in-features" and not clash.shown_as
    fits = fitting_note(trace, clash, f"`{_layer(module)}`") if own else ""
    return (fits, *clash.notes) if fits else clash.notes


def _discarded(trace: Trace, event: Event) -> Event | None:
    """A call that rearranged an operand of the failed one, and whose result nobody uses: `x.view(…)` without `x =`."""
    sources = {tensor.source for tensor in event.tensors() if tensor.source is not None}
    used = {tensor.source for other in trace.events for tensor in other.tensors()}
    for other in trace.events[: event.index]:
        operand = next(other.tensors(), None)
        if other.op not in DISCARDED or operand is None or operand.source not in sources or other.index in used:
            continue
        if other.span is not None and is_statement(trace.sources.get(other.span.file, ""), other.span):
            return other
    return None


def supply_place(trace: Trace, event: Event, size: Size | None) -> tuple[Event | None, Place | None]:
    """The event that gave the activation the size in question, and its place."""
    if size is None or size.tensor is None:
        return None, None
    tensor = size.tensor
    dim: int | None = None
    if size.dim is None:
        made_by = shaper(trace, tensor)
    else:
        found = setter(trace, tensor, size.dim % max(tensor.rank, 1))
        made_by, dim = found if found is not None else (None, None)
    if made_by is None or made_by.span is None:
        return made_by, None
    text = text_at(trace.sources.get(made_by.span.file, ""), made_by.span)
    return made_by, Place(made_by.span, text, tensor.numel if size.value is None else size.value, _formula(made_by, dim))


def _formula(event: Event, dim: int | None) -> str:
    """The sizes that a flatten multiplied, as `32 * 16 * 16`."""
    operand = next(event.tensors(), None)
    if event.op not in ("flatten", "view", "reshape") or operand is None or not event.output or dim is None:
        return ""
    output = event.output[0]
    merged = operand.shape[dim:]
    if dim != output.rank - 1 or len(merged) < 2 or operand.shape[:dim] != output.shape[:dim]:
        return ""
    return " * ".join(str(size) for size in merged)


def _labels(
    trace: Trace,
    event: Event,
    clash: Clash,
    module: ModuleInfo | None,
    where: Span | None,
    demand: Place | None,
    supply_event: Event | None,
    supply: Place | None,
) -> tuple[Label, ...]:
    labels: list[Label] = []
    if where is not None:
        labels.append(Label(where, clash.label, primary=True))
    discarded = _discarded(trace, event)
    if discarded is not None and discarded.span is not None and discarded.output:
        labels.append(Label(discarded.span, f"gives {discarded.output[0]}, but the result is thrown away"))
    if demand is not None and demand.span != where:
        labels.append(Label(demand.span, _demand_words(trace, event, clash, module, demand)))
        built = module.built if module is not None and clash.want is not None and clash.want.setting else None
        if built is not None and (built.file, built.line) != (demand.span.file, demand.span.line) and built != where:
            labels.append(Label(built, f"{_layer(module)} is built here"))
    if supply is not None and supply_event is not None and clash.got is not None and all(label.span != supply.span for label in labels):
        words = supply_words(trace, supply_event, supply) if clash.got.dim is not None else f"gives {clash.got.tensor}"
        labels.append(Label(supply.span, words))
    return tuple(sorted(labels, key=lambda label: (label.span.file, label.span.line, label.span.column)))


def _layer(module: ModuleInfo | None) -> str:
    if module is None or not module.library:
        return "it"
    return say.module_name(module)


def _demand_words(trace: Trace, event: Event, clash: Clash, module: ModuleInfo | None, demand: Place) -> str:
    want = clash.want
    value = want.value if want is not None else None
    shown = demand.text.replace(" ", "").replace("*", "·") if demand.text.replace(" ", "").replace("*", "").isdigit() else ""
    product = f"{shown} = {demand.value}" if shown and "·" in shown else str(demand.value)
    if want is not None and want.setting and module is not None and module.library:
        if demand.value != value:
            return f"{_layer(module)} gets its {value} from this {demand.value}"
        extra = remark_before_flatten(demand.text)
        return f"{_layer(module)} is built for {product}{extra}"
    if want is not None and want.tensor is not None:
        names = dict(zip(map(id, event.tensors()), operand_names(trace, event), strict=True))
        other = "the input" if clash.at is not None else "the other one"
        name = f"`{names[id(want.tensor)]}`" if names.get(id(want.tensor)) else other
        return f"{name} gets its shape here: {want.tensor}" if want.dim is None else f"{name} gets its {demand.value} here"
    if value is None:
        return f"{_layer(module)} is built here"
    return f"{product} is asked for here"


def story(trace: Trace, event: Event, clash: Clash) -> tuple[StoryRow, ...]:
    """The way of the shapes from the input to the failure, along both sides where both are activations."""
    events: dict[int, Event] = {}
    outside: list[str] = []
    tensors = [size.tensor for size in (clash.got, clash.want) if size is not None and size.tensor is not None]
    if not tensors:
        tensors = [tensor for tensor in event.tensors() if tensor.kind in ("activation", "input")][:2]
    for tensor in tensors:
        if tensor.kind in ("parameter", "buffer"):
            continue
        steps = chain(trace, tensor)
        first = next((operand for operand in steps[0].tensors() if operand.kind != "parameter"), None) if steps else tensor
        if first is not None and str(first) not in outside and (not steps or steps[0].op not in FACTORIES):
            outside.append(str(first))
        events.update((step.index, step) for step in steps)
    rows = [StoryRow(None, "input", "", (), shape) for shape in outside]
    for step in sorted(events.values(), key=lambda step: step.index)[-LONGEST_STORY:]:
        if _changes_shape(step):
            rows.append(_row(trace, step))
    return tuple(_with_remark(rows, trace, event, clash))


def _changes_shape(event: Event) -> bool:
    operand = next((tensor for tensor in event.tensors() if tensor.kind not in ("parameter", "buffer")), None)
    return operand is None or not event.output or event.output[0].shape != operand.shape


def _row(trace: Trace, event: Event) -> StoryRow:
    module = trace.modules[event.module] if event.module is not None else None
    name = module.path.removeprefix("model.") if module is not None and module.library and module.path else ""
    return StoryRow(
        line=event.span.line if event.span is not None else None,
        op=event.op,
        module=name,
        inputs=tuple(str(tensor) for tensor in event.tensors() if tensor.kind not in ("parameter", "buffer")),
        output=", ".join(str(tensor) for tensor in event.output[:2]),
        file=event.span.file if event.span is not None else None,
    )


def _with_remark(rows: list[StoryRow], trace: Trace, event: Event, clash: Clash) -> list[StoryRow]:
    """Before a flatten into a layer of another width: which map size the layer was built for."""
    if (
        clash.slug != "linear-in-features"
        or clash.want is None
        or clash.want.value is None
        or clash.got is None
        or clash.got.tensor is None
    ):
        return rows
    steps = chain(trace, clash.got.tensor)
    flatten = next((step for step in reversed(steps) if step.op in ("flatten", "view", "reshape")), None)
    operand = next(flatten.tensors(), None) if flatten is not None else None
    if flatten is None or operand is None or operand.rank != 4:
        return rows
    module = trace.modules[event.module] if event.module is not None else None
    side = _side(clash.want.value, operand.shape[1])
    if side is None:
        return rows
    for position, row in enumerate(rows):
        if row.output == str(operand):
            rows[position] = replace(row, remark=f"{_layer(module)} assumes {side}×{side} here")
    return rows


def _side(features: int, channels: int) -> int | None:
    """s, when features = channels · s · s."""
    if channels == 0 or features % channels:
        return None
    side = round((features // channels) ** 0.5)
    return side if side * side * channels == features and side > 1 else None
