"""The search for fixes: faults are mended one behind the other until the whole program runs.

Each fault gets its candidates, each candidate its run and verdict. An edit after which the program runs to its end goes first. Where there
is none, edits that lead on to the next fault are followed, and of several ways the first that comes to the end is taken: all first fixes of
a report together give a program that was run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shapewright.model import Span, Trace
from shapewright.reason import accept, ranking
from shapewright.reason.analyze import conflicts, explain, place_of, suspicions, warnings
from shapewright.reason.names import name_roots
from shapewright.reason.patches import applied_all, diff
from shapewright.reason.problem import Problem
from shapewright.reason.trial import Budget, Lab, Run, State, Tried, original
from shapewright.report import Edit, Finding, Fix, Label, Place, Refused, StoryRow

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One fault, and what could be done about it. `accepted` has the edit that was made first."""

    problem: Problem
    state: State
    tried: tuple[Tried, ...]
    untried: int
    accepted: tuple[Tried, ...]


Chain = tuple[Step, ...]


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
    named = name_roots(trace)
    budget = budget or Budget()
    lab = Lab(dict(named.sources), run, budget, tell)
    chain, _ = _chain(State(named), lab, budget.faults)
    notes = (explain(named, event, clash) for event, clash in suspicions(named) if clash.severity == "note")
    return (*(_finding(step, lab, name) for step in chain), *notes)


def _chain(state: State, lab: Lab, faults: int) -> tuple[Chain, bool]:
    """The faults from here on with their fixes, and whether nothing is left open at the end."""
    found = conflicts(state.trace) or warnings(state.trace)
    open_ = [(event, clash) for event, clash in found if lab.key(state, event, clash) not in state.unsolved]
    if not open_ or not faults:
        return (), not open_ and not state.unsolved
    event, clash = open_[0]
    problem = Problem(state.trace, event, clash, explain(state.trace, event, clash))
    tried, untried = lab.attempts(problem, state)
    accepted = _ranked(clash.slug, tried, problem)
    step = Step(problem, state, tuple(tried), untried, tuple(accepted))
    if not accepted:
        without = replace(state, unsolved=state.unsolved | {lab.key(state, event, clash)})
        return (step, *_chain(without, lab, faults - 1)[0]), False
    to_the_end = [one for one in accepted if one.verdict == "fixed"]
    leads_on = [one for one in accepted if one.verdict != "fixed"]
    if to_the_end and not (leads_on and _is_last(to_the_end[0])):
        rest, _ = _chain(lab.after(state, problem, accepted[0]), lab, faults - 1)
        return (step, *rest), not state.unsolved
    ways: list[Chain] = []
    for one in leads_on[: lab.budget.branches]:
        rest, complete = _chain(lab.after(state, problem, one), lab, faults - 1)
        way = (replace(step, accepted=(one, *(other for other in accepted if other is not one))), *rest)
        if complete:
            return way, True
        ways.append(way)
        if not lab.has_time(proven=True):
            break
    if to_the_end:
        only = replace(step, accepted=tuple(to_the_end))
        return (only, *_chain(lab.after(state, problem, to_the_end[0]), lab, faults - 1)[0]), not state.unsolved
    return ways[0], False


def _ranked(slug: str, tried: Sequence[Tried], problem: Problem) -> list[Tried]:
    """Those that may be made, best first."""
    runs = [one for one in tried if one.verdict in ("fixed", "advances") and not one.candidate.trap]
    ends = [one for one in runs if one.verdict == "fixed"]
    usual = _usual_stretches(ends, problem)
    # Where every way of running has the same objection it lies in the program (a graph's nodes are no batch), not in the edit.
    fixed = [one for one in ends if not accept.objection(one.trace, usual)] or ends
    kept = _without_last(fixed)
    if all(map(_is_last, kept)):  # these make it run, and may hide that a fault and its like behind it are to be mended
        kept = [*kept, *_without_last([one for one in runs if one.verdict == "advances"])]
    if slug in ranking.REORDERED and any(one.candidate.kind in ranking.REORDERS for one in fixed):
        kept = [one for one in kept if one.candidate.kind not in ranking.NUMBERS]
    disturbed = {id(one): _disturbed(problem.trace, one.trace) for one in kept}
    least = min(disturbed.values(), default=0)

    def rank(one: Tried) -> tuple[object, ...]:
        evidence = one.candidate.evidence - min(disturbed[id(one)] - least, 2)
        return (
            one.verdict != "fixed",
            one.verdict == "fixed" and accept.bound(one.trace),
            problem.clash.severity != "error" and len(one.trace.stretched),  # an edit at the root mends its like as well
            ranking.KINDS[one.candidate.kind].idea,
            ranking.place(slug, one.candidate.kind, evidence),
            len({edit.span.line for edit in one.edits}),
            one.trace.weights != problem.trace.weights,
            one.number,
        )

    return sorted(kept, key=rank)


def _disturbed(before: Trace, after: Trace) -> int:
    """How many layers have parameters of other shapes than before: the fewer an edit changes, the likelier it is the one that was meant."""
    shapes = {module.path: module.parameters for module in before.modules if module.parameters}
    return sum(shapes[module.path] != module.parameters for module in after.modules if module.path in shapes)


def _is_last(one: Tried) -> bool:
    return ranking.KINDS[one.candidate.kind].last


def _without_last(kept: list[Tried]) -> list[Tried]:
    others = [one for one in kept if not _is_last(one)]
    return others if any(not ranking.KINDS[one.candidate.kind].idea for one in others) else kept


def _usual_stretches(ends: Sequence[Tried], problem: Problem) -> int:
    """How many calls compare all with all whichever edit is made; of a program that ran all but one may stay, as faults of their own."""
    least = min((len(one.trace.stretched) for one in ends), default=0)
    return least if problem.clash.severity == "error" else max(least, len(problem.trace.stretched) - 1)


# ------------------------------------------------------------------------------------------------------------- as a report has it


def _finding(step: Step, lab: Lab, name: Callable[[str], str]) -> Finding:
    finding = _carried_back(step.problem.finding, step.state.done)
    shown = _apart(step.accepted)[:SHOWN]
    fixes = tuple(_fix(one, step, lab, name) for one in shown)
    notes = finding.notes
    if step.untried:
        notes = (*notes, f"{step.untried} more possible edit{'s were' if step.untried > 1 else ' was'} not tried")
    return replace(finding, fixes=fixes, refused=_refused(step), more_fixes=len(step.accepted) - len(shown), notes=notes)


def _apart(accepted: Sequence[Tried]) -> list[Tried]:
    """Of those that reach the same sizes by another arithmetic on the same lines (`width`, `width * 8 // 8`) only the best."""

    def effect(one: Tried) -> object:
        if one.candidate.kind not in ranking.SIZES:
            return id(one)
        lines = frozenset((edit.span.file, edit.span.line) for edit in one.edits)
        made = tuple(result.shape for event in one.trace.events for result in event.output)
        return lines, one.verdict, one.trace.weights, made, accept.batches(one.trace)

    best: dict[object, Tried] = {}
    for one in accepted:
        best.setdefault(effect(one), one)
    return list(best.values())


def _refused(step: Step) -> tuple[Refused, ...]:
    found = []
    usual = _usual_stretches([one for one in step.tried if one.verdict == "fixed"], step.problem)
    for one in step.tried:
        if one in step.accepted or one.verdict not in ("fixed", "advances"):
            continue
        why = (accept.objection(one.trace, usual) if one.verdict == "fixed" else "") or one.candidate.trap
        if why:
            found.append(Refused(one.candidate.title, why))
    return tuple(found)


def _fix(one: Tried, step: Step, lab: Lab, name: Callable[[str], str]) -> Fix:
    before, after = step.state.trace, one.trace
    known = before.parameters is not None and after.parameters is not None
    keeps = before.weights == after.weights if before.weights and after.weights else None
    applicability: Literal["safe", "suggested", "idea"] = "suggested"
    kind = ranking.KINDS[one.candidate.kind]
    if kind.idea:
        applicability = "idea"
    elif len(step.accepted) == 1 and not kind.data and keeps and one.verdict == "fixed":
        applicability = "safe"
    return Fix(
        title=one.candidate.title,
        edits=one.edits,
        diff=diff_of(lab.sources, one.edits, name),
        applicability=applicability,
        verdict="fixed" if one.verdict == "fixed" else "advances",
        consequence=accept.consequence(before, after) if one.verdict == "fixed" else _next_words(after, (*step.state.done, *one.edits)),
        how=after.how,
        batches=accept.batches(after),
        outputs=accept.outputs(after),
        parameters=(before.parameters or 0, after.parameters or 0) if known else None,
        keeps_checkpoint=keeps,
        sources={edit.span.file: lab.sources[edit.span.file] for edit in one.edits},
    )


def _next_words(after: Trace, edits: tuple[Edit, ...]) -> str:
    found = conflicts(after) or warnings(after)
    if not found:
        return f"gets further: {after.stop.reason}" if after.stop is not None else "gets further"
    place = place_of(after, found[0][0])
    return f"gets further, to line {original(place, edits).line}" if place is not None else "gets further"


def diff_of(sources: Mapping[str, str], edits: Sequence[Edit], name: Callable[[str], str] = str) -> str:
    """The edits as one patch over all files that they change; `name` says how a file is called in it."""
    return "".join(diff(name(file), sources[file], text) for file, text in applied_all(sources, edits).items())


def _carried_back(finding: Finding, done: tuple[Edit, ...]) -> Finding:
    """The finding with all its places in the program as it was given."""
    if not done:
        return finding

    def place(one: Place | None) -> Place | None:
        return replace(one, span=original(one.span, done)) if one is not None else None

    def row(one: StoryRow) -> StoryRow:
        if one.line is None or one.file is None:
            return one
        return replace(one, line=original(Span(one.file, one.line, 1, one.line, 1), done).line)

    return replace(
        finding,
        where=original(finding.where, done) if finding.where is not None else None,
        labels=tuple(Label(original(label.span, done), label.text, label.primary) for label in finding.labels),
        demand=place(finding.demand),
        supply=place(finding.supply),
        story=tuple(row(one) for one in finding.story),
    )
