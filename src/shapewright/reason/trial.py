"""Candidates are run, and what each did to the program is told. Nothing here knows how a program is run.

A `State` is the program as far as it has been mended: the edits so far, and the trace of the program with them. All edits are kept in the
coordinates of the program as it was given, so that several of them can be written in one go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shapewright.model import Clash, Event, Span, Trace
from shapewright.reason import accept, cures, ranking
from shapewright.reason.analyze import conflicts, place_of, warnings
from shapewright.reason.names import name_roots
from shapewright.reason.patches import applied_all, back, composed
from shapewright.reason.problem import Candidate, Problem
from shapewright.report import Edit
from shapewright.source import contains

Run = Callable[[Mapping[str, str]], Trace]
Verdict = Literal["fixed", "advances", "no-effect", "worse", "unknown"]

# A run may take some calls fewer after an edit (a flatten less) and still have got as far.
_SLACK = 2
# Edits that put dims elsewhere. They prove nothing when another call of the same tensors then refuses them.
_MOVES = ("swap", "batch-dim")
# What ends a run early without saying anything against the edit.
_OUTSIDE = ("missing-file", "missing-module", "unavailable", "exit")


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to look. What was not tried is said."""

    candidates: int = 24  # for one fault
    seconds: float = 20.0  # for one program; twice as long while nothing is proven for a fault
    faults: int = 8
    branches: int = 3  # edits that only lead on to the next fault: how many of them are followed


@dataclass(frozen=True, slots=True)
class State:
    """The program with the edits made so far."""

    trace: Trace
    done: tuple[Edit, ...] = ()
    unsolved: frozenset[object] = frozenset()
    mended: frozenset[object] = frozenset()  # the faults on the way here, with their sizes: none of them may come back


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate after its run."""

    candidate: Candidate
    edits: tuple[Edit, ...]
    verdict: Verdict
    trace: Trace
    number: int


@dataclass(slots=True)
class Lab:
    """Runs candidates within a budget. `sources` are the files as given; the texts of files that come to light later are added."""

    sources: dict[str, str]
    run: Run
    budget: Budget
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    runs: dict[tuple[tuple[str, str], ...], Trace] = field(default_factory=dict)  # a text is run once, whichever way it came about
    warned: tuple[Trace, set[object]] | None = None  # the silent faults of the program that is being mended

    def has_time(self, *, proven: bool) -> bool:
        return time.monotonic() - self.began < self.budget.seconds * (1 if proven else 2)

    def attempts(self, problem: Problem, state: State) -> tuple[list[Tried], int]:
        """All candidates that could be run within the budget, and how many were not. Last resorts are left out once they are not needed."""
        tried: list[Tried] = []
        waiting = self._distinct(problem, state)
        for number, (candidate, edits, overlay) in enumerate(waiting):
            proven = any(one.verdict == "fixed" and not accept.objection(one.trace) for one in tried)
            if number >= self.budget.candidates or not self.has_time(proven=proven):
                return tried, len(waiting) - number
            if ranking.KINDS[candidate.kind].last and proven:
                continue
            self.tell(f"fix {number + 1} of {min(len(waiting), self.budget.candidates)}")
            after = self._ran(overlay)
            tried.append(Tried(candidate, edits, self._verdict(problem, state, candidate, edits, after), after, number))
        return tried, 0

    def after(self, state: State, problem: Problem, one: Tried) -> State:
        """The state once an edit is made against a fault."""
        self.sources.update({file: text for file, text in one.trace.sources.items() if file not in self.sources})
        mended = state.mended | {_with_sizes(self.key(state, problem.event, problem.clash), problem.event)}
        return State(one.trace, (*state.done, *one.edits), state.unsolved, mended)

    def key(self, state: State, event: Event, clash: Clash) -> object:
        """What makes a fault the same fault: the place in the program as given, the kind of demand, and which layer."""
        return _key(state.trace, event, clash, state.done)

    def _ran(self, overlay: dict[str, str]) -> Trace:
        key = tuple(sorted(overlay.items()))
        if key not in self.runs:
            self.runs[key] = name_roots(self.run(overlay))
        return self.runs[key]

    def _distinct(self, problem: Problem, state: State) -> list[tuple[Candidate, tuple[Edit, ...], dict[str, str]]]:
        """The candidates in the order of their ranks, each changed text once."""
        found: list[tuple[Candidate, tuple[Edit, ...], dict[str, str]]] = []
        slug = problem.clash.slug
        for candidate in sorted(cures.propose(problem), key=lambda one: ranking.place(slug, one.kind, one.evidence)):
            edits = composed(self.sources, state.done, candidate.edits) if candidate.edits else None
            if not edits:
                continue
            try:
                overlay = applied_all(self.sources, [*state.done, *edits])
            except (ValueError, KeyError):
                continue
            if overlay and all(overlay != other for _, _, other in found):
                found.append((candidate, edits, overlay))
        return found

    def _verdict(self, problem: Problem, state: State, candidate: Candidate, edits: tuple[Edit, ...], after: Trace) -> Verdict:
        """What a candidate has done to the program. A run that ends for another reason proves nothing."""
        if problem.clash.severity != "error":
            return self._silent_verdict(problem, state, edits, after)
        found = conflicts(after)
        stop = after.stop
        if not found:
            if stop is None:
                return "fixed" if after.total_events else "unknown"
            return "advances" if stop.kind in _OUTSIDE else "unknown"
        ours = self.key(state, problem.event, problem.clash)
        keys = [(event, _key(after, event, clash, (*state.done, *edits))) for event, clash in found]
        if any(key == ours or _with_sizes(key, event) in state.mended for event, key in keys):
            return "no-effect"
        others = [event for event, key in keys if key not in state.unsolved]
        if not others:
            return "advances" if stop is None else "unknown"
        if others[0].index < problem.event.index - _SLACK:
            return "worse"
        if candidate.kind not in _MOVES:  # an edit of a number may well have to be followed by others before it
            return "advances"
        made = (*state.done, *edits)
        if _had_passed(state, others[0], after, made):
            return "worse"
        # dims that were moved for one call of an expression fail in its next one: the sizes are wrong before it
        return "no-effect" if self._within_one(problem, others[0], made, after, state) else "advances"

    def _within_one(self, problem: Problem, event: Event, edits: tuple[Edit, ...], after: Trace, state: State) -> bool:
        """Whether a fault stands in the same expression as the one that is mended."""
        before, now = problem.clash.at or place_of(state.trace, problem.event), place_of(after, event)
        if before is None or now is None:
            return False
        one, other = original(before, state.done), original(now, edits)
        return contains(one, other) or contains(other, one)

    def _silent_verdict(self, problem: Problem, state: State, edits: tuple[Edit, ...], after: Trace) -> Verdict:
        """Of a program that ran before: it must still run, without this fault; one that comes to light behind it is mended next."""
        if after.stop is not None or conflicts(after) or not after.total_events:
            return "worse"
        if self.warned is None or self.warned[0] is not state.trace:
            self.warned = state.trace, {self.key(state, event, clash) for event, clash in warnings(state.trace)}
        before = self.warned[1]
        left = {_key(after, event, clash, (*state.done, *edits)): event for event, clash in warnings(after)}
        if self.key(state, problem.event, problem.clash) in left:
            return "no-effect"
        new = [event for key, event in left.items() if key not in before]
        if not new:
            return "fixed"
        return "advances" if all(event.index > problem.event.index for event in new) else "worse"


def original(span: Span, edits: tuple[Edit, ...]) -> Span:
    """A place of the edited program in the program as it was given."""
    return back(span, edits) if edits else span


def _had_passed(state: State, event: Event, after: Trace, edits: tuple[Edit, ...]) -> bool:
    """Whether the very call that fails now, told by the how-many-th call of its module, went well before."""
    if event.span is None or event.module is None:
        return False
    now = original(event.span, edits), _path(after, event), event.call_number
    return any(
        other.failure is None
        and other.span is not None
        and (original(other.span, state.done), _path(state.trace, other), other.call_number) == now
        for other in state.trace.events
        if other.op == event.op
    )


def _path(trace: Trace, event: Event) -> str:
    return trace.modules[event.module].path if event.module is not None else ""


def _with_sizes(key: object, event: Event) -> object:
    return (key, tuple(tensor.shape for tensor in event.tensors()))


def _key(trace: Trace, event: Event, clash: Clash, edits: tuple[Edit, ...]) -> object:
    place = clash.at or place_of(trace, event)
    where = original(place, edits) if place is not None else None
    dtype = event.failure is not None and event.failure.dtype_only
    dim = clash.got.dim if clash.got is not None else None
    return (where, clash.slug, dtype, dim, _path(trace, event), event.call_number)
