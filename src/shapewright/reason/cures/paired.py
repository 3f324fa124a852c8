"""A generator is brought to the size that its discriminator takes: by the map that it starts with, or by one stride, kernel or padding."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Event
from shapewright.reason import levers, solve
from shapewright.reason.cures import geometry
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.replay import Change, replayed
from shapewright.reason.ways import setter

_LARGEST = 64  # pixels of a map that a generator starts with
_LEAST = -9  # the two have to meet: a setting that nobody would choose is better than none


def propose(problem: Problem) -> Iterator[Candidate]:
    """What the usual cures leave out, since for a layer alone these numbers would be right by chance only."""
    yield from start_maps(problem)
    yield from geometry.propose(problem, _LEAST)


def start_maps(problem: Problem) -> Iterator[Candidate]:
    """Another map to start from: `nn.Linear(z, 128 * 16 * 16)` and the `view(-1, 128, 16, 16)` behind it, both for maps of 7×7."""
    steps = problem.steps()
    for event in [step.event for step in steps]:
        shape = event.output[0].shape if event.output else ()
        if event.op not in ("view", "reshape", "unflatten") or len(shape) != 4 or shape[2] != shape[3]:
            continue
        for side in range(1, _LARGEST + 1):
            settings = _settings(problem, event, shape[1], shape[2], side) if side != shape[2] else ()
            change = Change(literals={leaf.span: value for leaf, value in settings if leaf.span is not None})
            new = replayed(steps, change) if settings else None
            if new is not None and geometry.goes_through(problem, new, change):
                owner = problem.trace.modules[event.module].type if event.module is not None else "generator"
                yield Candidate("producer", f"let `{owner}` start with maps of {side}×{side}", solve.edits(settings), 1)
                break


def _settings(problem: Problem, event: Event, channels: int, old: int, side: int) -> tuple[solve.Setting, ...]:
    """The literals that give the reshape another side and the layer before it as many features; none where no literal does."""
    asked = [number for number in levers.numbers_in(event.args[1:]) if number.origin is not None][-2:]
    operand = next(event.tensors())
    made_by = setter(problem.trace, operand, operand.rank - 1)
    layer = problem.trace.modules[made_by[0].module] if made_by is not None and made_by[0].module is not None else None
    features = layer.number("out_features") if layer is not None else None
    if len(asked) != 2 or {number.value for number in asked} != {old} or features is None or features.origin is None:
        return ()
    found: dict[object, solve.Setting] = {}
    for number in asked:
        assert number.origin is not None
        found |= {setting[0].span: setting for setting in next(solve.solutions(number.origin, side), ())}
    total = channels * side * side
    if solve.evaluate(features.origin, list(found.values())) != total:
        factors = (channels, side, side)
        found |= {setting[0].span: setting for setting in next(solve.solutions(features.origin, total, factors), ())}
    settings = tuple(found.values())
    return settings if solve.evaluate(features.origin, settings) == total else ()
