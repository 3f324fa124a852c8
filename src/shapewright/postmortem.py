"""A shape error that escaped from a real run: the same failure is brought about in a dry run, where it is explained and mended.

The frames of the exception tell where the program stood and which sizes it had met. A dry run counts only when it fails at the same
place; one that meets other sizes there is said to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from shapewright import session
from shapewright.model import Event, Span, Trace
from shapewright.observe.request import Request, Target
from shapewright.report import Report

if TYPE_CHECKING:
    from shapewright.observe.escaped import Escaped

LONGEST_DRY_RUN = 30.0  # seconds
# A program that had worked no longer than this when it failed is run dry with all its turns.
LONGEST_WHOLE = 15.0


# As `check` would run the program · with the failing turn of its loops once more · with all turns · with the model called once more at its end ·
# the model built from its file and called · the live model called on fake tensors.
How = Literal["check", "turn", "whole", "call", "model", "live"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of a failure."""

    report: Report
    how: How  # which run brought the failure about
    other_sizes: tuple[str, ...] = ()  # what the real run had met at that place, when the dry run met other sizes


def diagnose(
    found: Escaped, program: Request | None, observe: session.Observe, *, worked: float, tell: Callable[[str], None] = lambda text: None
) -> Diagnosis | None:
    """Bring the failure about again and report it, with fixes; None when no dry run fails there.

    `program` says how the failed program can be run again, `worked` for how many seconds of the processor it had run.
    """
    nearest: tuple[Trace, Request, How] | None = None
    for how, request in _ways(found, program, worked):
        tell({"check": "running it dry", "turn": "taking the failing turn again", "whole": "taking all turns"}.get(how, "calling the model again"))
        trace = session.confirmed(observe(request), request, observe)
        match = _match(trace, found)
        if how == "model" and (found.call is None or trace.weights != found.call.weights):
            continue  # built otherwise than the real one
        if match == "same":
            return Diagnosis(_reported(trace, request, observe, tell), how)
        if match == "place" and nearest is None:
            nearest = trace, request, how
    if nearest is None:
        return None
    trace, request, how = nearest
    return Diagnosis(_reported(trace, request, observe, tell), how, tuple(map(str, found.operands)))


def _ways(found: Escaped, program: Request | None, worked: float) -> Iterator[tuple[How, Request]]:
    if program is None:
        return
    program = replace(program, probe=True, time_limit=min(program.time_limit, LONGEST_DRY_RUN))
    yield "check", program
    if found.turns:
        yield "turn", replace(program, turns=found.turns)
    if worked < LONGEST_WHOLE:
        yield "whole", replace(program, whole_loops=True)
    if found.call is not None:
        yield "call", replace(program, call=found.call)
        for way in found.built:
            yield "model", Request(way.target, program.cwd, init=way.init, call=found.call, probe=True, time_limit=program.time_limit)


def _reported(trace: Trace, request: Request, observe: session.Observe, tell: Callable[[str], None]) -> Report:
    return Report((session.told(trace, request, observe, True, tell),), trace.torch_version)


def of_live(trace: Trace, found: Escaped) -> Diagnosis | None:
    """The report of the model's call alone, without fixes; None when it did not fail there."""
    if _match(trace, found) != "same":
        return None
    return Diagnosis(Report((session.judge(trace, Target(type(found.error).__name__)),), trace.torch_version), "live")


def _match(trace: Trace, found: Escaped) -> Literal["same", "place", ""]:
    """Whether the trace ends in the failure that is looked for."""
    near: Literal["place", ""] = ""
    for index in reversed(trace.failures):
        event = trace.events[index]
        if not _stands_at(event, found):
            continue
        if _met_alike(event, found):
            return "same"
        near = "place"
    return near


def _stands_at(event: Event, found: Escaped) -> bool:
    places = [span for span in (event.span, *event.stack) if span is not None]
    if not found.carried:
        places = places[:1]
    return any(_same_place(span, found.place) for span in places)


def _same_place(one: Span, other: Span) -> bool:
    return replace(one, file="") == replace(other, file="") and _real(one.file) == _real(other.file)


def _real(file: str) -> str:
    return str(Path(file).resolve())


def _met_alike(event: Event, found: Escaped) -> bool:
    if found.carried:
        return True
    shapes = [tensor.shape for tensor in event.tensors()]
    return all(tensor.shape in shapes for tensor in found.operands)

