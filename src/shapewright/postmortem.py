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


_DOING = {
    "check": "running it dry", "turn": "taking the failing turn again", "whole": "taking all turns", "call": "calling the model again",
    "model": "building the model again",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of a failure."""

    report: Report
    how: How  # which run brought the failure about
    other_sizes: tuple[str, ...] = ()  # what the real run had met at that place, when the dry run met other sizes
    why: str = ""  # of `live`: why the program could not be run dry to this place


def diagnose(
    found: Escaped, program: Request, observe: session.Observe, *, worked: float, tell: Callable[[str], None] = lambda text: None
) -> Diagnosis | str:
    """Bring the failure about again and report it, with fixes; when no dry run fails there, why the first one does not.

    `program` says how the failed program can be run again, `worked` for how many seconds of the processor it had run.
    """
    nearest: tuple[Trace, Request, How] | None = None
    why = ""
    for how, request in _ways(found, program, worked):
        tell(f"{program.target.text}: {_DOING[how]}")
        trace = session.confirmed(observe(request), request, observe)
        match = _match(trace, found)
        why = why or (trace.stop.reason if trace.stop is not None else "it does not fail then")
        if how == "model" and (found.call is None or trace.weights != found.call.weights):
            continue  # built otherwise than the real one
        if match == "same":
            return Diagnosis(_reported(_escaping(trace), request, observe, tell), how)
        if match == "place" and nearest is None:
            nearest = trace, request, how
    if nearest is None:
        return why
    trace, request, how = nearest
    return Diagnosis(_reported(_escaping(trace), request, observe, tell), how, other_sizes=tuple(map(str, found.operands)))


def _ways(found: Escaped, program: Request, worked: float) -> Iterator[tuple[How, Request]]:
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


def of_live(trace: Trace, found: Escaped, name: str, why: str) -> Diagnosis | None:
    """The report of the failing call alone, without fixes; None when it did not fail there."""
    if _match(trace, found) != "same":
        return None
    return Diagnosis(Report((session.judge(_escaping(trace), Target(name)),), trace.torch_version), "live", why=why)


def _escaping(trace: Trace) -> Trace:
    """Whoever caught the exceptions of the dry run (pytest does, say), those of the real one were seen."""
    events = tuple(
        replace(event, failure=replace(event.failure, swallowed=False)) if event.failure is not None and event.index == trace.failures[-1] else event
        for event in trace.events
    )
    return replace(trace, events=events)


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

