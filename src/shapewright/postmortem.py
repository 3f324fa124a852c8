"""A shape error that escaped from a real run: the same failure is brought about in a dry run, where it is explained and mended.

The frames of the exception tell where the program stood and which sizes it had met. A dry run counts only when it fails at the same
place; one that meets other sizes there is said to.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from shapewright import session
from shapewright.model import Event, Span, TensorInfo, Trace
from shapewright.observe.request import Request, Target
from shapewright.report import Finding, Report, TargetReport

if TYPE_CHECKING:
    from shapewright.observe.client import Worker
    from shapewright.observe.escaped import Escaped

_NUMBER = re.compile(r"\d+")
LONGEST_DRY_RUN = 20.0  # seconds
LONGEST_SEARCH = 30.0  # for a run that fails alike; then no further way is tried
# A program that had worked no longer than this when it failed is run dry with all its turns.
LONGEST_WHOLE = 15.0


# As `check` would run the program · with the failing turn of its loops once more · with all turns · with the model called once more at its
# end · the model built from its file and called · the live model called on fake tensors.
How = Literal["check", "turn", "whole", "call", "model", "live"]


_DOING = {
    "check": "running it dry", "turn": "taking the failing turn again", "whole": "taking all turns", "call": "calling the model again",
    "model": "building the model again",
}  # fmt: skip


Progress: TypeAlias = "Callable[[], AbstractContextManager[Callable[[str], None]]]"


@contextmanager
def _silent() -> Iterator[Callable[[str], None]]:
    yield lambda text: None


@dataclass(frozen=True, slots=True)
class Met:
    """A failed call, as far as it is known."""

    place: Span  # the user's innermost expression
    message: str  # what PyTorch said
    operands: tuple[TensorInfo, ...] = ()
    carried: bool = False  # it arose in another process or thread, and was handed on


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of a failure."""

    report: Report
    how: How  # which run brought the failure about
    other_sizes: tuple[str, ...] = ()  # what the real run had met at that place, when the dry run met other sizes
    why: str = ""  # of `live`: why no dry run came to this place; "" when it is not known how to run the program again


@dataclass(frozen=True, slots=True)
class NotRepeated:
    """A failure of a torch call that no run could be made to repeat: what is left is its message."""

    error: BaseException


def after(
    error: BaseException,
    program: Request | None,
    *,
    worked: float,
    progress: Progress = _silent,
    worker: Callable[[], AbstractContextManager[Worker]] | None = None,
) -> Diagnosis | NotRepeated | None:
    """What an exception that escaped says of the shapes; None when no call of torch failed, or one whose sizes fit.

    `program` says how the failed program can be run again, `worked` for how many seconds of the processor it had run. `worker` gives a
    process to run it in; None: one is begun.
    """
    from shapewright.observe.escaped import escaped, without_source
    from shapewright.observe.live import LiveSources
    from shapewright.observe.otherwise import no_matter_of_sizes
    from shapewright.observe.relive import relive

    sources = LiveSources(_roots(program))
    found = escaped(error, sources)
    if found is None:
        return NotRepeated(error) if without_source(error) else None
    if no_matter_of_sizes(found, sources):
        return None
    why = ""
    if program is not None:
        from shapewright.observe.client import Worker

        with (worker or Worker)() as running, progress() as tell:
            repeated = _repeated(found, program, running.observe, worked, tell)
        if isinstance(repeated, Diagnosis):
            return repeated
        why = repeated
    trace = relive(found, sources)
    met = _met(found)
    if trace is None or _match(trace, met) != "same":
        return NotRepeated(found.error)
    name = program.target.text if program is not None else found.place.file
    return Diagnosis(Report((session.judge(_as_met(trace, met), Target(name)),), trace.torch_version), "live", why=why)


def _roots(program: Request | None) -> list[str]:
    roots = [program.cwd if program is not None else os.getcwd()]
    if program is not None and program.target.file:
        roots.append(os.path.dirname(program.target.file))
    return roots


def _repeated(found: Escaped, program: Request, observe: session.Observe, worked: float, tell: Callable[[str], None]) -> Diagnosis | str:
    """The failure in a dry run, with fixes; when no dry run fails there, why the first one does not."""
    nearest: tuple[Trace, Request, How] | None = None
    why = ""
    met = _met(found)
    began = time.monotonic()
    for how, request in _ways(found, program, worked):
        if time.monotonic() - began > LONGEST_SEARCH:
            break
        tell(f"{program.target.text}: {_DOING[how]}")
        trace = session.confirmed(observe(request), request, observe)
        why = why or (trace.stop.reason if trace.stop is not None else "it does not fail then")
        if how == "model" and (found.call is None or trace.weights != found.call.weights):
            continue  # built otherwise than the real one
        match = _match(trace, met)
        if match == "same":
            return Diagnosis(_reported(trace, met, request, observe, tell), how)
        if match == "place" and nearest is None:
            nearest = trace, request, how
    if nearest is None:
        return why
    trace, request, how = nearest
    return Diagnosis(_reported(trace, met, request, observe, tell), how, other_sizes=tuple(map(str, found.operands)))


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


def _reported(trace: Trace, met: Met, request: Request, observe: session.Observe, tell: Callable[[str], None]) -> Report:
    told = session.told(_as_met(trace, met), request, observe, tell=tell)
    return Report((replace(told, findings=_of_this(trace, met, told.findings)),), trace.torch_version)


def _of_this(trace: Trace, met: Met, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The failure's own finding, and those that its fixes brought to light.

    Other failures of the dry run were met, and caught, at other times. And where the same place fails once more, and nothing comes to the
    program's end, an edit has only changed the sizes that clash there: then it stands alone, with those edits after which all runs.
    """
    events = [trace.events[index] for index in trace.failures]
    others = [event for event in events if not (_stands_at(event, met) and _likeness(event, met, trace.how))]
    met_then = {(event.span, event.failure.message) for event in others if event.failure is not None}
    own = tuple(finding for finding in findings if finding.severity == "error" and (finding.where, finding.torch_message) not in met_then)
    places = [finding.where for finding in own]
    if len(set(places)) == len(places) or (all(finding.fixes for finding in own) and own[-1].fixes[0].verdict == "fixed"):
        return own
    return tuple(replace(finding, fixes=tuple(fix for fix in finding.fixes if fix.verdict == "fixed")) for finding in own[:1])


def of_model(seen: Trace, ways: Iterable[Request], weights: str, observe: session.Observe) -> TargetReport | None:
    """The report, with fixes, of a live model that failed: of the first way of building it with the same parameters to fail alike."""
    failed = seen.events[seen.failures[-1]]
    if failed.span is None:
        return None
    met = Met(failed.span, failed.failure.message if failed.failure is not None else "", tuple(failed.tensors()))
    for request in ways:
        trace = session.confirmed(observe(request), request, observe)
        if trace.stop is not None and trace.stop.kind == "time":
            return None  # its file does more than define it
        if trace.weights == weights and _match(trace, met) == "same":
            return session.told(trace, request, observe)
    return None


def _as_met(trace: Trace, met: Met) -> Trace:
    """The trace with the real failure's words (fake tensors have others), which nobody caught, whoever does when it is run dry."""
    events = list(trace.events)
    for index in trace.failures:
        failure = events[index].failure
        if failure is not None and _stands_at(events[index], met):
            message = met.message if not met.carried and _likeness(events[index], met, trace.how) == "same" else failure.message
            events[index] = replace(events[index], failure=replace(failure, swallowed=False, message=message))
    return replace(trace, events=tuple(events))


def _met(found: Escaped) -> Met:
    from shapewright.observe.caught import message_of

    return Met(found.place, message_of(found.error), found.operands, found.carried)


def _match(trace: Trace, met: Met) -> Literal["same", "place", ""]:
    """Whether the failure that is looked for is among those of the trace: with the same sizes, or of the same kind at its place."""
    found = {_likeness(trace.events[index], met, trace.how) for index in trace.failures if _stands_at(trace.events[index], met)}
    return "same" if "same" in found else "place" if "place" in found else ""


def _likeness(event: Event, met: Met, how: Literal["eager", "fake"]) -> Literal["same", "place", ""]:
    """How far two failures at one place are one. PyTorch's words are compared with each other, and not understood."""
    said = event.failure.message if event.failure is not None else ""
    if met.carried or said == met.message:
        return "same"
    alike = how == "fake" or _NUMBER.sub("", said) == _NUMBER.sub("", met.message)  # fake tensors have words of their own
    if not alike:
        return ""
    if met.operands:
        return "same" if _met_alike(event, met) else "place"
    return "same" if how == "fake" else "place"


def _stands_at(event: Event, met: Met) -> bool:
    places = [span for span in (event.span, *event.stack) if span is not None]
    if not met.carried:
        places = places[:1]
    return any(_same_place(span, met.place) for span in places)


def _same_place(one: Span, other: Span) -> bool:
    return replace(one, file="") == replace(other, file="") and _real(one.file) == _real(other.file)


def _real(file: str) -> str:
    return str(Path(file).resolve())


def _met_alike(event: Event, met: Met) -> bool:
    shapes = [tensor.shape for tensor in event.tensors()]
    return all(tensor.shape in shapes for tensor in met.operands)
