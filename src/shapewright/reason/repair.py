"""The search for fixes: candidates are run, judged, ranked, and chained until the whole program runs.

Nothing here knows how a program is run: `run` takes the changed files and gives a trace. Each fault gets its candidates; each candidate
is an overlay of the sources and a verdict. The best fix of a fault stays while the next one is looked at, so that all first fixes together
give the program that was verified.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from shapewright.model import Clash, Edit, Event, Finding, Fix, Label, Place, Refused, Span, StoryRow, Trace
from shapewright.reason import accept, cures, ranking
from shapewright.reason.analyze import conflicts, explain, place_of
from shapewright.reason.names import name_roots
from shapewright.reason.patches import applied_all, back, composed, diff
from shapewright.reason.problem import Candidate, Problem

Run = Callable[[Mapping[str, str]], Trace]
Verdict = Literal["fixed", "advances", "no-effect", "worse", "unknown"]

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to look. What was not tried is said."""

    candidates: int = 24  # for one fault
    seconds: float = 20.0  # for one program
    faults: int = 8


@dataclass(frozen=True, slots=True)
class _Tried:
    """A candidate after its run."""

    candidate: Candidate
    edits: tuple[Edit, ...]  # in the coordinates of the program as it was given
    verdict: Verdict
    trace: Trace
    number: int


@dataclass(slots=True)
class _Search:
    """What stays the same, and what has been found so far."""

    given: Trace
    run: Run
    budget: Budget
    name: Callable[[str], str]
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    done: tuple[Edit, ...] = ()
    unsolved: set[object] = field(default_factory=set)

    @property
    def left(self) -> bool:
        return time.monotonic() - self.began < self.budget.seconds


def repair(
    trace: Trace,
    run: Run,
    budget: Budget | None = None,
    *,
    name: Callable[[str], str] = str,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[Finding, ...]:
    """The findings of a trace with their fixes, and those that come to light behind them, in the order in which they occur.

    `name` says how a file is called in a diff, `tell` is told what goes on.
    """
    search = _Search(name_roots(trace), run, budget or Budget(), name, tell)
    found: list[Finding] = []
    current = search.given
    for _ in range(search.budget.faults):
        open_ = [(event, clash) for event, clash in conflicts(current) if _key(current, event, clash, search) not in search.unsolved]
        if not open_:
            break
        event, clash = open_[0]
        problem = Problem(current, event, clash, explain(current, event, clash))
        tried, untried = _attempts(problem, search)
        accepted = _ranked(clash.slug, tried, problem)
        finding = _carried_back(problem.finding, search)
        found.append(_with_fixes(finding, accepted, tried, untried, search, current))
        if not accepted:
            search.unsolved.add(_key(current, event, clash, search))
            continue
        best = accepted[0]
        search.done = (*search.done, *best.edits)
        current = name_roots(best.trace)
        search.given = replace(search.given, sources={**current.sources, **search.given.sources})
        if best.verdict == "fixed":
            break
    return tuple(found)


# ----------------------------------------------------------------------------------------------------------- running candidates


def _attempts(problem: Problem, search: _Search) -> tuple[list[_Tried], int]:
    """All candidates that could be run within the budget, and how many were not."""
    tried: list[_Tried] = []
    waiting = _distinct(problem, search)
    for number, (candidate, edits) in enumerate(waiting):
        if number >= search.budget.candidates or not search.left:
            return tried, len(waiting) - number
        search.tell(f"trying fix {number + 1} of {min(len(waiting), search.budget.candidates)}")
        overlay = applied_all(search.given.sources, [*search.done, *edits])
        after = name_roots(search.run(overlay))
        tried.append(_Tried(candidate, edits, _verdict(problem, candidate, after, search, edits), after, number))
    return tried, 0


def _distinct(problem: Problem, search: _Search) -> list[tuple[Candidate, tuple[Edit, ...]]]:
    """The candidates in the order of their ranks, each changed text once, with edits in the coordinates of the program as given."""
    found: list[tuple[Candidate, tuple[Edit, ...]]] = []
    texts: list[dict[str, str]] = []
    slug = problem.clash.slug
    proposed = sorted(cures.propose(problem), key=lambda candidate: ranking.place(slug, candidate.kind) - candidate.evidence)
    for candidate in proposed:
        edits = composed(search.given.sources, search.done, candidate.edits) if candidate.edits else None
        if not edits:
            continue
        try:
            text = applied_all(search.given.sources, [*search.done, *edits])
        except (ValueError, KeyError):
            continue
        if text and text not in texts:
            texts.append(text)
            found.append((candidate, edits))
    return found


def _verdict(problem: Problem, candidate: Candidate, after: Trace, search: _Search, edits: tuple[Edit, ...]) -> Verdict:
    """What a candidate has done to the program. A run that ends for another reason proves nothing."""
    found = conflicts(after)
    stop = after.stop
    if not found:
        if stop is None:
            return "fixed" if after.total_events else "unknown"
        return "advances" if stop.kind in ("missing-file", "missing-module", "unavailable", "exit") else "unknown"
    all_edits = (*search.done, *edits)
    ours = _key(problem.trace, problem.event, problem.clash, search)
    keys = [(event, _key(after, event, clash, search, all_edits)) for event, clash in found]
    others = [event for event, key in keys if key not in search.unsolved]
    if any(key == ours for _, key in keys):
        return "no-effect"
    if not others:
        return "advances" if stop is None else "unknown"
    return "worse" if others[0].index < problem.event.index - 2 else "advances"


def _key(trace: Trace, event: Event, clash: Clash, search: _Search, edits: tuple[Edit, ...] | None = None) -> object:
    """What makes a fault the same fault: the place in the program as given, the kind of demand, and which layer."""
    place = place_of(trace, event)
    module = trace.modules[event.module] if event.module is not None else None
    where = _original(place, search, search.done if edits is None else edits) if place is not None else None
    dtype = event.failure is not None and event.failure.dtype_only
    dim = clash.got.dim if clash.got is not None else None
    return (where, clash.slug, dtype, dim, module.path if module is not None else "", event.call_number)


# -------------------------------------------------------------------------------------------------------- judging and ranking


def _ranked(slug: str, tried: Sequence[_Tried], problem: Problem) -> list[_Tried]:
    """Those that may be made, best first."""
    runs = [one for one in tried if one.verdict in ("fixed", "advances") and not one.candidate.trap]
    sound = [one for one in runs if one.verdict == "fixed" and not accept.objection(one.trace)]
    # Where every way of running has the same objection it lies in the program (a graph's nodes are no batch), not in the edit.
    fixed = sound or [one for one in runs if one.verdict == "fixed"]
    kept = [*fixed, *(one for one in runs if one.verdict == "advances")]

    def rank(one: _Tried) -> tuple[object, ...]:
        return (
            one.verdict != "fixed",
            one.verdict == "fixed" and accept.bound(one.trace),
            ranking.KINDS[one.candidate.kind].idea,
            ranking.place(slug, one.candidate.kind) - one.candidate.evidence,
            len({edit.span.line for edit in one.edits}),
            one.trace.weights != problem.trace.weights,
            one.number,
        )

    return sorted(kept, key=rank)


def _refused(tried: Sequence[_Tried], accepted: Sequence[_Tried], search: _Search) -> tuple[Refused, ...]:
    found = []
    for one in tried:
        if one in accepted or one.verdict not in ("fixed", "advances"):
            continue
        why = (accept.objection(one.trace) if one.verdict == "fixed" else "") or one.candidate.trap
        if why:
            found.append(Refused(one.candidate.title, why))
    return tuple(found)


def _with_fixes(
    finding: Finding, accepted: Sequence[_Tried], tried: Sequence[_Tried], untried: int, search: _Search, before: Trace
) -> Finding:
    alone = len(accepted) == 1
    fixes = tuple(_fix(one, alone, search, before) for one in accepted[:SHOWN])
    notes = finding.notes
    if untried:
        notes = (*notes, f"{untried} more possible edit{'s were' if untried > 1 else ' was'} not tried")
    refused = _refused(tried, accepted, search)
    return replace(finding, fixes=fixes, refused=refused, more_fixes=max(len(accepted) - SHOWN, 0), notes=notes)


def _fix(one: _Tried, alone: bool, search: _Search, before: Trace) -> Fix:
    after = one.trace
    known = before.parameters is not None and after.parameters is not None
    keeps = before.weights == after.weights if before.weights and after.weights else None
    applicability: Literal["safe", "suggested", "idea"] = "suggested"
    if ranking.KINDS[one.candidate.kind].idea:
        applicability = "idea"
    elif alone and keeps and one.verdict == "fixed":
        applicability = "safe"
    return Fix(
        title=one.candidate.title,
        edits=one.edits,
        diff=diff_of(search.given.sources, one.edits, search.name),
        applicability=applicability,
        verdict="fixed" if one.verdict == "fixed" else "advances",
        consequence=accept.consequence(before, after) if one.verdict == "fixed" else _next_words(after, search, one.edits),
        how=after.how,
        batches=accept.batches(after),
        outputs=accept.outputs(after),
        parameters=(before.parameters or 0, after.parameters or 0) if known else None,
        keeps_checkpoint=keeps,
    )


def _next_words(after: Trace, search: _Search, edits: tuple[Edit, ...]) -> str:
    found = conflicts(after)
    if not found:
        return f"gets further: {after.stop.reason}" if after.stop is not None else "gets further"
    place = place_of(after, found[0][0])
    where = _original(place, search, (*search.done, *edits)) if place is not None else None
    return f"gets further, to line {where.line}" if where is not None else "gets further"


def diff_of(sources: Mapping[str, str], edits: Sequence[Edit], name: Callable[[str], str] = str) -> str:
    """The edits as one patch over all files that they change; `name` says how a file is called in it."""
    return "".join(diff(name(file), sources[file], text) for file, text in applied_all(sources, edits).items())


# --------------------------------------------------------------------------------------------- back to the program as it was given


def _original(span: Span, search: _Search, edits: Sequence[Edit]) -> Span:
    return back(span, edits) if edits else span


def _carried_back(finding: Finding, search: _Search) -> Finding:
    """The finding with all its places in the program as it was given."""
    if not search.done:
        return finding

    def span(one: Span) -> Span:
        return _original(one, search, search.done)

    def place(one: Place | None) -> Place | None:
        return replace(one, span=span(one.span)) if one is not None else None

    def row(one: StoryRow) -> StoryRow:
        if one.line is None or one.file is None:
            return one
        return replace(one, line=span(Span(one.file, one.line, 1, one.line, 1)).line)

    labels = tuple(Label(span(label.span), label.text, label.primary) for label in finding.labels)
    return replace(
        finding,
        where=span(finding.where) if finding.where is not None else None,
        labels=labels,
        demand=place(finding.demand),
        supply=place(finding.supply),
        story=tuple(row(one) for one in finding.story),
    )
