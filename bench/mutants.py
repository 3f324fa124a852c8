"""Working programs with one number of one layer changed: is the failure reported at its line, and does the first fix mend the slip?

SHAPEWRIGHT_MUTANTS=60 makes fewer mutants; SHAPEWRIGHT_MUTANTS_OUT=FILE.json keeps what was said of each.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from typing import Any, TypeVar

from bench import mutant_judge as judge
from bench.mutant_programs import Program, programs
from bench.mutation import Mutant, mutants, shares
from bench.plain import Outcome, Plain
from bench.table import markdown
from shapewright import session
from shapewright.model import Trace
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_target
from shapewright.show.json import document

NUMBER = 330
LIMITS = {"located": 0.98, "fixed": 0.95, "mended": 0.85}
SEED = "one number of one layer"
_SHOWN = 60  # misses under the table

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Ready:
    """A program that is clean, with what plain PyTorch and the recorder saw of it."""

    program: Program
    outcome: Outcome
    trace: Trace


_NOT_JUDGED = judge.Judgement(located=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One mutant. `ends`: fails, runs, refused (the program's own `raise`), or lost (no answer in time)."""

    mutant: Mutant
    ends: str
    line: int = 0
    error: str = ""
    said: str = ""  # the first headline, or why there is none
    titles: tuple[str, ...] = ()  # the first fix of each finding
    edits: tuple[judge.Edit, ...] = ()
    seconds: float = 0.0  # of the check
    judgement: judge.Judgement = _NOT_JUDGED


@dataclass(frozen=True, slots=True)
class Desk:
    """What one thread works with: a process for the truth and one for the checks."""

    plain: Plain
    worker: Worker


def measure(number: int | None = None, chosen: Sequence[Program] | None = None) -> tuple[str, bool]:
    """The table with the misses under it, and whether all limits were kept."""
    number = number or int(os.environ.get("SHAPEWRIGHT_MUTANTS", NUMBER))
    chosen = programs() if chosen is None else chosen
    if number < len(chosen):
        chosen = chosen[:: len(chosen) // number][:number]
    records = dict(_records(chosen, number))
    if out := os.environ.get("SHAPEWRIGHT_MUTANTS_OUT"):
        details = [{"program": name, **asdict(one)} for name, (_, made) in records.items() for one in made]
        Path(out).write_text(json.dumps(details, indent=1), encoding="utf-8")
    every = [one for _, made in records.values() for one in made]
    rows = [_row(name, made, seconds) for name, (seconds, made) in records.items()]
    rows.append(_row("all", every, sum(seconds for seconds, _ in records.values())))
    limits = [f"{LIMITS[name]:.0%}" for name in ("located", "fixed", "mended")]
    rows.append(("limit", "", "", *limits, "", "", "", ""))
    head = ("program", "mutants", "fail", "located", "fixed", "mended", "restored", "equivalent", "false", "s")
    return f"{markdown(head, rows)}\n\n{_left_out(every)}\n\n{misses(records)}".rstrip(), kept(every)


def kept(records: Iterable[Record]) -> bool:
    """Whether the mutants that fail keep the limits."""
    failing = [one for one in records if one.ends == "fails"]
    shares = {name: _count(failing, name) / max(len(failing), 1) for name in LIMITS}
    return bool(failing) and all(shares[name] >= limit for name, limit in LIMITS.items())


def misses(records: dict[str, tuple[float, list[Record]]]) -> str:
    """One line for each mutant that was not reported at its line, or whose first fix is not the expert's."""
    lines = []
    for name, (_, made) in records.items():
        for one in made:
            found = one.judgement
            if one.ends == "fails" and not (found.located and found.fix in ("restored", "equivalent")):
                place = one.mutant.place
                what = found.fix if found.located else f"not at line {one.line}, {found.fix}"
                slip = f"line {place.line}, {place.parameter} {place.text} → {one.mutant.new}"
                lines.append(f"- {name}, {slip}: {what}. {one.said}{''.join(f'; {title}' for title in one.titles)}")
    more = [f"- … and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)


def _row(name: str, records: Sequence[Record], seconds: float) -> tuple[str, ...]:
    failing = [one for one in records if one.ends == "fails"]

    def share(what: str) -> str:
        return f"{100 * _count(failing, what) / len(failing):.1f} %" if failing else "–"

    figures = [share(what) for what in ("located", "fixed", "mended", "restored", "equivalent")]
    return (name, str(len(records)), str(len(failing)), *figures, str(_count(failing, "false")), f"{seconds:.0f}")


def _count(records: Iterable[Record], what: str) -> int:
    """How many are located, fixed, mended (restored or equivalent), restored, equivalent, or false (called proven, yet it does not run)."""
    tests: dict[str, Callable[[judge.Judgement], bool]] = {
        "located": lambda one: one.located,
        "fixed": lambda one: one.fixed,
        "mended": lambda one: one.fix in ("restored", "equivalent"),
        "false": lambda one: one.fix == "broken",
    }
    test = tests.get(what)
    return sum(test(one.judgement) if test else one.judgement.fix == what for one in records)


def _left_out(records: Sequence[Record]) -> str:
    words = {"runs": "run all the same", "refused": "are refused by the program's own code", "lost": "did not end in time"}
    counts = [f"{sum(one.ends == ends for one in records)} {word}" for ends, word in words.items()]
    took = sorted(one.seconds for one in records if one.ends == "fails")
    checks = f" A check took {median(took):.1f} s in the median, {took[-1]:.1f} s at most." if took else ""
    return f"Of {len(records)} mutants, {', '.join(counts)}.{checks}"


# --- the work ------------------------------------------------------------------------------------------------------------------


def _records(chosen: Sequence[Program], number: int) -> Iterator[tuple[str, tuple[float, list[Record]]]]:
    with ExitStack() as stack:
        desks = [Desk(stack.enter_context(Plain()), stack.enter_context(Worker())) for _ in range(2)]
        ready = [one for one in _side_by_side(desks, chosen, _prepare) if one is not None]
        most = [len(_mutants(one, 3 * number // len(ready) + 1)) for one in ready]
        jobs = list(zip(ready, shares(most, number), strict=True))
        for (one, _), (seconds, made) in zip(jobs, _side_by_side(desks, jobs, _study), strict=True):
            yield one.program.name, (seconds, made)


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


def _prepare(desk: Desk, program: Program) -> Ready | None:
    """Only a program that runs, and that is called clean, is used."""
    outcome = desk.plain.run(program.file, program.source, program.argv, lines=True)
    with tempfile.TemporaryDirectory() as folder:
        request = _request(program, Path(folder), program.source, all_events=True)
        found = session.check(request, desk.worker.observe)
    if not outcome.runs or found.verdict != "clean" or found.trace is None:
        _tell(f"{program.name} is not used: {outcome.error or found.verdict} {found.reason or ''}")
        return None
    return Ready(program, outcome, found.trace)


def _study(desk: Desk, job: tuple[Ready, int]) -> tuple[float, list[Record]]:
    began = time.perf_counter()
    ready, number = job
    records = [_record(desk, ready, mutant) for mutant in _mutants(ready, number)]
    seconds = time.perf_counter() - began
    failing = [one for one in records if one.ends == "fails"]
    words = ", ".join(f"{_count(failing, what)} {what}" for what in ("located", "fixed", "mended"))
    _tell(f"{ready.program.name}: {len(records)} mutants, {len(failing)} fail, {words}; {seconds:.0f} s")
    return seconds, records


def _record(desk: Desk, ready: Ready, mutant: Mutant) -> Record:
    program = ready.program
    source = mutant.apply(program.source)
    truth = desk.plain.run(program.file, source, program.argv)
    if truth.runs or truth.by != "torch":
        return Record(mutant, "runs" if truth.runs else "refused" if truth.answered else "lost", truth.line, truth.error)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        told = _told(_request(program, Path(folder), source), desk.worker)
        seconds = time.perf_counter() - began
        findings = told["findings"]
        located = judge.located(findings, Path(folder, program.file), truth.line)
    said = findings[0]["headline"] if findings else f"{told['verdict']}: {told['reason']}"
    edits = judge.first_edits(findings)
    titles = tuple(finding["fixes"][0]["title"] for finding in findings if finding["fixes"])
    fix = _fix(desk, ready, mutant, truth, findings, edits) if edits else "none"
    return Record(mutant, "fails", truth.line, truth.error, said, titles, tuple(edits), seconds, judge.Judgement(located, fix))


def _told(request: Request, worker: Worker) -> dict[str, Any]:
    """What the check says, as the JSON report has it. A check that goes down itself has found nothing, and the others go on."""
    try:
        report = session.report([request], worker.observe)
    except Exception as error:
        return {"verdict": "crashed", "reason": f"{type(error).__name__}: {error}", "findings": []}
    target: dict[str, Any] = document(report)["targets"][0]
    return target


def _fix(desk: Desk, ready: Ready, mutant: Mutant, truth: Outcome, findings: Sequence[judge.Finding], edits: Sequence[judge.Edit]) -> str:
    program = ready.program
    source = mutant.apply(program.source)
    try:
        fixed = judge.applied(source, edits)
    except ValueError:
        return "broken"
    module = (findings[0]["where"] or {}).get("module")
    lines = judge.connected_lines(ready.trace, mutant.place, truth.line, module)
    after = desk.plain.run(program.file, fixed, program.argv)
    return judge.verdict(program.source, fixed, ready.outcome, after, numbers_only=judge.only_numbers(source, edits, lines))


def _request(program: Program, folder: Path, source: str, *, all_events: bool = False) -> Request:
    folder = folder.resolve()
    (folder / program.file).write_text(source, encoding="utf-8", newline="")
    return Request(parse_target(program.file, folder), cwd=str(folder), argv=program.argv, all_events=all_events)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
