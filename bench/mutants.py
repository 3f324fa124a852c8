"""Working programs with a slip in them: is the failure reported at its line, and does the first fix mend the slip?

SHAPEWRIGHT_MUTANTS=60 makes fewer mutants. SHAPEWRIGHT_MUTANTS_OUT=FILE keeps what was said of each, one line of JSON a mutant, and a run
that finds such a file goes on behind it. SHAPEWRIGHT_DESKS=1 works with one process at a time instead of two, SHAPEWRIGHT_MUTANTS_PART=1/2
on every second program, SHAPEWRIGHT_MUTANTS_ONLY=timm/ on those with this in their names.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from typing import Any, TypeVar

from bench import mutant_judge as judge
from bench.mutant_desk import Desk, opened
from bench.mutant_programs import Program, programs
from bench.mutant_records import Kept, Record
from bench.mutant_slips import KINDS, other_slips
from bench.mutation import Mutant, mutants, shares
from bench.plain import Outcome
from bench.table import markdown
from shapewright import session
from shapewright.model import Trace
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_target
from shapewright.show.json import document

NUMBER = 1000  # with one number changed
OTHERS = 5  # for so many of them there is one with another slip
LIMITS = {"located": 0.98, "fixed": 0.95, "mended": 0.85}
SEED = "a thousand slips"
_SHOWN = 60  # misses under the table

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Ready:
    """A program that runs, with what plain PyTorch saw of it, and the mutants that are made of it."""

    program: Program
    outcome: Outcome
    numbers: tuple[Mutant, ...] = ()
    others: tuple[Mutant, ...] = ()


def measure(number: int | None = None, chosen: Sequence[Program] | None = None) -> tuple[str, bool]:
    """The table with the misses under it, and whether all limits were kept."""
    number = number or int(os.environ.get("SHAPEWRIGHT_MUTANTS", NUMBER))
    chosen = _chosen() if chosen is None else chosen
    if number < len(chosen):
        chosen = chosen[:: len(chosen) // number][:number]
    records = dict(_records(chosen, number, Kept(os.environ.get("SHAPEWRIGHT_MUTANTS_OUT"))))
    every = [one for made in records.values() for one in made]
    rows = [_row(name, [one for one in made if one.number]) for name, made in records.items()]
    rows.append(_row("all with one number changed", [one for one in every if one.number]))
    rows.append(("limit", "", "", *[f"{LIMITS[name]:.0%}" for name in ("located", "fixed", "mended")], "", "", "0", ""))
    rows += [_row(kind, [one for one in every if one.mutant.slip == kind]) for kind in KINDS]
    rows.append(_row("all with another slip", [one for one in every if not one.number]))
    head = ("program", "mutants", "fail", "located", "fixed", "mended", "restored", "equivalent", "false", "s")
    return f"{markdown(head, rows)}\n\n{_left_out(every)}\n\n{misses(records)}".rstrip(), kept(every)


def _chosen() -> list[Program]:
    return [one for one in programs() if os.environ.get("SHAPEWRIGHT_MUTANTS_ONLY", "") in one.name]


def kept(records: Iterable[Record]) -> bool:
    """Whether the mutants with one number changed that fail keep the limits, and no fix of any mutant is false."""
    every = [one for one in records if one.ends == "fails"]
    failing = [one for one in every if one.number]
    shares = {name: _count(failing, name) / max(len(failing), 1) for name in LIMITS}
    return bool(failing) and not _count(every, "false") and all(shares[name] >= limit for name, limit in LIMITS.items())


def misses(records: dict[str, list[Record]]) -> str:
    """One line for each mutant that was not reported at its line, or whose first fix is not the expert's; numbers before other slips."""
    numbers: list[str] = []
    others: list[str] = []
    for name, made in records.items():
        for one in made:
            found = one.judgement
            if one.ends == "fails" and not (found.located and found.fix in ("restored", "equivalent")):
                place = one.mutant.place
                what = found.fix if found.located else f"not at line {one.line}, {found.fix}"
                slip = f"line {place.line}, {place.parameter} {place.text} → {one.mutant.new or 'nothing'}"
                line = f"- {name}, {slip}: {what}. {one.said}{''.join(f'; {title}' for title in one.titles)}"
                (numbers if one.number else others).append(line)
    lines = numbers + others
    more = [f"- … and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)


def _row(name: str, records: Sequence[Record]) -> tuple[str, ...]:
    failing = [one for one in records if one.ends == "fails"]

    def share(what: str) -> str:
        return f"{100 * _count(failing, what) / len(failing):.1f} %" if failing else "–"

    figures = [share(what) for what in ("located", "fixed", "mended", "restored", "equivalent")]
    seconds = sum(one.seconds for one in failing)
    return (name, str(len(records)), str(len(failing)), *figures, str(_count(failing, "false")), f"{seconds:.0f}")


def _count(records: Iterable[Record], what: str) -> int:
    """How many are located, fixed, mended (restored or equivalent), restored, equivalent, or false (said to run, yet it does not)."""
    tests: dict[str, Callable[[judge.Judgement], bool]] = {
        "located": lambda one: one.located,
        "fixed": lambda one: one.fixed,
        "mended": lambda one: one.fix in ("restored", "equivalent"),
        "false": lambda one: one.fix == "broken",
    }
    test = tests.get(what)
    return sum(test(one.judgement) if test else one.judgement.fix == what for one in records)


def _left_out(records: Sequence[Record]) -> str:
    words = {
        "runs": "run all the same",
        "refused": "are refused by the program's own code",
        "lost": "did not end in time",
        "memory": "need more memory than there is",
    }
    counts = [f"{sum(one.ends == ends for one in records)} {word}" for ends, word in words.items()]
    took = sorted(one.seconds for one in records if one.ends == "fails")
    checks = f" A check took {median(took):.1f} s in the median, {took[-1]:.1f} s at most." if took else ""
    return f"Of {len(records)} mutants in all, {', '.join(counts)}.{checks}"


# --- the work ------------------------------------------------------------------------------------------------------------------


def _records(chosen: Sequence[Program], number: int, known: Kept) -> Iterator[tuple[str, list[Record]]]:
    part, _, parts = os.environ.get("SHAPEWRIGHT_MUTANTS_PART", "1/1").partition("/")
    with ExitStack() as stack:
        desks = [stack.enter_context(opened()) for _ in range(int(os.environ.get("SHAPEWRIGHT_DESKS", "2")))]
        ready = [one for one in _side_by_side(desks, chosen, _ran) if one is not None]
        numbers = _spread(ready, number, _mutants)
        others = _spread(ready, number // OTHERS, _others)
        made = [replace(one, numbers=first, others=second) for one, first, second in zip(ready, numbers, others, strict=True)]
        jobs = [_Job(one, known) for one in made[int(part) - 1 :: int(parts)]]
        for job, records in zip(jobs, _side_by_side(desks, jobs, _study), strict=True):
            if records is not None:
                yield job.ready.program.name, records


def _spread(ready: Sequence[Ready], number: int, make: Callable[[Ready, int], list[Mutant]]) -> list[tuple[Mutant, ...]]:
    """As many of each program as its share is."""
    most = [len(make(one, 3 * number // len(ready) + 1)) for one in ready]
    return [tuple(make(one, share)) for one, share in zip(ready, shares(most, number), strict=True)]


@dataclass(frozen=True, slots=True)
class _Job:
    ready: Ready
    known: Kept


def _side_by_side(desks: Sequence[Desk], jobs: Sequence[T], work: Callable[[Desk, T], U]) -> Iterator[U]:
    free: SimpleQueue[Desk] = SimpleQueue()
    for desk in desks:
        free.put(desk)

    def one(job: T) -> U:
        desk = free.get()
        try:
            return work(desk, job)
        finally:
            free.put(desk)

    with ThreadPoolExecutor(len(desks)) as threads:
        yield from threads.map(one, jobs)


def _mutants(ready: Ready, number: int) -> list[Mutant]:
    program, ran = ready.program, ready.outcome.lines
    return mutants(program.source, number, seed=f"{SEED}: {program.name}", last_line=program.lines, ran=ran, without=program.without)


def _others(ready: Ready, number: int) -> list[Mutant]:
    program = ready.program
    return other_slips(program.source, number, seed=f"{SEED}: {program.name}", last_line=program.lines, ran=ready.outcome.lines)


def _ran(desk: Desk, program: Program) -> Ready | None:
    """Only a program that runs is used."""
    outcome = desk.plain.run(program.file, program.source, program.argv, lines=True)
    if not outcome.runs:
        _tell(f"{program.name} is not used: {outcome.error}")
        return None
    return Ready(program, outcome)


def _clean(desk: Desk, ready: Ready) -> Trace | None:
    """What the recorder sees of a program that is called clean."""
    with tempfile.TemporaryDirectory() as folder:
        request = _request(ready.program, Path(folder), ready.program.source, all_events=True)
        found = session.check(request, desk.worker.observe)
    if found.verdict != "clean" or found.trace is None:
        _tell(f"{ready.program.name} is not used: {found.verdict} {found.reason or ''}")
        return None
    return found.trace


def _study(desk: Desk, job: _Job) -> list[Record] | None:
    """What is said of each mutant of a program; none where the program itself is not clean."""
    began = time.perf_counter()
    ready, known = job.ready, job.known
    name, made = ready.program.name, (*ready.numbers, *ready.others)
    records = [one for one in (known.get(name, mutant) for mutant in made) if one is not None]
    if len(records) < len(made):
        trace = _clean(desk, ready)
        if trace is None:
            return None
        records = [known.get(name, mutant) or known.add(name, _record(desk, ready, trace, mutant)) for mutant in made]
    failing = [one for one in records if one.ends == "fails"]
    words = ", ".join(f"{_count(failing, what)} {what}" for what in ("located", "fixed", "mended"))
    _tell(f"{name}: {len(records)} mutants, {len(failing)} fail, {words}; {time.perf_counter() - began:.0f} s")
    return records


def _record(desk: Desk, ready: Ready, trace: Trace, mutant: Mutant) -> Record:
    program = ready.program
    source = mutant.apply(program.source)
    truth = desk.plain.run(program.file, source, program.argv)
    if truth.runs or truth.by != "torch":
        return Record(mutant, "runs" if truth.runs else "refused" if truth.answered else "lost", truth.line, truth.error)
    if "allocate memory" in truth.error:  # an error of this machine, not of the shapes
        return Record(mutant, "memory", truth.line, truth.error)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        told = _told(_request(program, Path(folder), source), desk.worker)
        seconds = time.perf_counter() - began
        findings = told["findings"]
        located = judge.located(findings, Path(folder, program.file), truth.line)
    said = findings[0]["headline"] if findings else f"{told['verdict']}: {told['reason']}"
    edits = judge.first_edits(findings)
    titles = tuple(finding["fixes"][0]["title"] for finding in findings if finding["fixes"])
    fix = _fix(desk, ready, trace, mutant, truth, findings, edits) if edits else "none"
    return Record(mutant, "fails", truth.line, truth.error, said, titles, tuple(edits), seconds, judge.Judgement(located, fix))


def _told(request: Request, worker: Worker) -> dict[str, Any]:
    """What the check says, as the JSON report has it. A check that goes down itself has found nothing, and the others go on."""
    try:
        report = session.report([request], worker.observe)
    except Exception as error:
        return {"verdict": "crashed", "reason": f"{type(error).__name__}: {error}", "findings": []}
    target: dict[str, Any] = document(report)["targets"][0]
    return target


def _fix(
    desk: Desk, ready: Ready, trace: Trace, mutant: Mutant, truth: Outcome, findings: Sequence[judge.Finding], edits: Sequence[judge.Edit]
) -> str:
    program = ready.program
    source = mutant.apply(program.source)
    try:
        fixed = judge.applied(source, edits)
    except ValueError:
        return "broken"
    after = desk.plain.run(program.file, fixed, program.argv)
    if not after.runs and not judge.promised(findings):
        return "further"
    if mutant.slip in KINDS:
        return judge.verdict_of_form(program.source, fixed, ready.outcome, after)
    module = (findings[0]["where"] or {}).get("module")
    lines = judge.connected_lines(trace, mutant.place, truth.line, module)
    return judge.verdict(program.source, fixed, ready.outcome, after, numbers_only=judge.only_numbers(source, edits, lines))


def _request(program: Program, folder: Path, source: str, *, all_events: bool = False) -> Request:
    folder = folder.resolve()
    (folder / program.file).write_text(source, encoding="utf-8", newline="")
    return Request(parse_target(program.file, folder), cwd=str(folder), argv=program.argv, all_events=all_events)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
