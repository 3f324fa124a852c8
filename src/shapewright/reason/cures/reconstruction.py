"""What a decoder gives is brought to what went in: the number of its last layer, or a stride, padding or kernel on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, TensorInfo
from shapewright.reason import levers, solve
from shapewright.reason.cures import geometry, numbers, paired, upsampling
from shapewright.reason.places import POSITIONS
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at
from shapewright.reason.ways import setter

_LEAST = -9  # where no setting is a usual one, one that gives the size is better than none


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates for every dim in which the two differ."""
    clash = problem.clash
    made = clash.got.tensor if clash.got is not None else None
    given = clash.want.tensor if clash.want is not None else None
    if made is None or given is None:
        return
    compared = _subtracted(problem, made, given)
    back = range(1, min(made.rank, given.rank) + 1)
    for dim in [made.rank - i for i in back if made.shape[-i] != given.shape[-i]]:
        wanted = given.shape[dim - made.rank]
        yield from numbers.set_size(compared, at(made, dim), wanted)
        yield from _both(problem, made, dim, wanted)
    yield from upsampling.propose(compared)
    yield from paired.start_maps(compared)
    yield from list(geometry.propose(compared)) or geometry.propose(compared, _LEAST)


def _both(problem: Problem, made: TensorInfo, dim: int, wanted: int) -> Iterator[Candidate]:
    """The size that a reshape is given, together with the layer before it that gives so many features."""
    found = setter(problem.trace, made, dim)
    operand = next(found[0].tensors(), None) if found is not None else None
    if found is None or operand is None or found[0].op not in ("view", "reshape", "unflatten"):
        return
    event, place = found
    old = event.output[0].shape[place]
    asked = [number for number in levers.numbers_in(event.args[1:]) if number.value == old and number.origin is not None]
    features = operand.rank - 1
    if len(asked) != 1 or asked[0].origin is None or operand.shape[features] * wanted % old:
        return
    here = next(solve.solutions(asked[0].origin, wanted), None)
    total = operand.shape[features] * wanted // old
    for before in levers.of_dim(problem.trace, operand, features, total):
        if here is not None and before.module is not None:
            title = f"let `{say.module_name(before.module)}` give out {total} features, for {wanted} in the {event.op}"
            yield Candidate("producer", title, (*solve.edits(here), *solve.edits(before.settings)))
    if here is not None:  # the layer may have its number from a product that no literal alone gives
        yield from _times(problem, operand, event, wanted, here)


def _times(problem: Problem, operand: TensorInfo, event: Event, wanted: int, here: tuple[solve.Setting, ...]) -> Iterator[Candidate]:
    """`16 * 16` for one channel written as `3 * 16 * 16`."""
    found = setter(problem.trace, operand, operand.rank - 1)
    module = problem.trace.modules[found[0].module] if found is not None and found[0].module is not None else None
    code = problem.code(module.built) if module is not None else None
    if module is None or module.built is None or code is None or module.type != "Linear":
        return
    span = code.argument(module.built, "out_features", POSITIONS["out_features"])
    number = module.number("out_features")
    if span is None or number is None or number.value * wanted != operand.shape[-1] * wanted or "*" not in code.text_at(span):
        return
    changed = code.replace(span, f"{wanted} * {code.text_at(span)}")
    if changed and here[0][0].value == 1:
        title = f"let `{say.module_name(module)}` give out {number.value * wanted} features, for {wanted} in the {event.op}"
        yield Candidate("producer", title, (*solve.edits(here), *changed), 1)


def _subtracted(problem: Problem, made: TensorInfo, given: TensorInfo) -> Problem:
    """The problem of a program that takes the one from the other: there both sizes have to be equal."""
    trace = problem.trace
    event = Event(len(trace.events), "sub", (made, given), span=problem.clash.at or problem.event.span)
    clash = replace(problem.clash, slug="broadcast-mismatch", severity="error")
    return replace(problem, trace=replace(trace, events=(*trace.events, event)), event=event, clash=clash)
