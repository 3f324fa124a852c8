"""No false alarm: programs that are right, from tricky little ones to the models of torchvision, timm and transformers, are checked.

A warning or an error is an alarm. A program that is not analysed is no alarm, and no success either. SHAPEWRIGHT_QUIET=timm/vit checks only
the programs with this in "group/name".
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from bench import quiet_libraries, quiet_programs
from bench.quiet_programs import Program
from bench.table import markdown
from shapewright import session
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_input, parse_target
from shapewright.report import TargetReport

SOURCES = (
    quiet_programs.tricky,
    quiet_programs.scripts,
    quiet_programs.torchvision,
    quiet_libraries.timm,
    quiet_libraries.transformers,
)
SIDE_BY_SIDE = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What one check said."""

    program: Program
    verdict: str
    how: str = "eager"
    seconds: float = 0.0
    reason: str = ""  # why it was not analysed
    findings: tuple[str, ...] = ()  # warnings and errors, as they are told
    notes: tuple[str, ...] = ()


def measure() -> tuple[str, bool]:
    """The table of the groups with all that is not clean under it; short when there is any, or when a library is not installed."""
    programs, missing = _programs(os.environ.get("SHAPEWRIGHT_QUIET", ""))
    began = time.perf_counter()
    seen = list(_checked(programs))
    took = time.perf_counter() - began
    groups = dict.fromkeys(program.group for program in programs)
    rows = [_row(group, [one for one in seen if one.program.group == group]) for group in groups]
    rows += [(f"{reason}", *["–"] * 7) for reason in missing]
    rows.append(_row("all", seen))
    head = ("programs that are right", "number", "clean", "warnings", "errors", "not analysed", "on fakes", "s")
    below = [f"{took:.0f} s, {SIDE_BY_SIDE} side by side.", *listed(seen)]
    return f"{markdown(head, rows)}\n\n{chr(10).join(below)}", kept(seen, missing)


def kept(seen: Sequence[Seen], missing: Sequence[str]) -> bool:
    """Whether everything was there, analysed and clean."""
    return bool(seen) and not missing and all(one.verdict == "clean" for one in seen)


def listed(seen: Sequence[Seen]) -> list[str]:
    """One line for each program that is not clean, with what was said of it; then the notes."""
    lines = []
    for one in seen:
        if one.verdict != "clean":
            said = "; ".join(one.findings) or one.reason
            lines.append(f"- {one.program.group}, {one.program.name}: {one.verdict}. {said}")
    noted = [f"- {one.program.group}, {one.program.name}: {note}" for one in seen for note in one.notes]
    return [*(["", "Not clean:", "", *lines] if lines else []), *(["", "Notes:", "", *noted] if noted else [])]


def _row(group: str, seen: Sequence[Seen]) -> tuple[str, ...]:
    counts = [sum(one.verdict == verdict for one in seen) for verdict in ("clean", "warning", "error", "not-analysed")]
    fakes = sum(one.how == "fake" for one in seen)
    return (group, str(len(seen)), *map(str, counts), str(fakes), f"{sum(one.seconds for one in seen):.0f}")


def _programs(chosen: str) -> tuple[list[Program], list[str]]:
    """The programs, and what is not installed."""
    found, missing = [], []
    for source in SOURCES:
        try:
            found += [program for program in source() if chosen in f"{program.group}/{program.name}"]
        except ModuleNotFoundError as error:
            missing.append(str(error))
    return found, missing


def _checked(programs: Sequence[Program]) -> Iterator[Seen]:
    """What is said of each, in the order of the programs."""
    with ExitStack() as stack:
        free: SimpleQueue[Worker] = SimpleQueue()
        for _ in range(SIDE_BY_SIDE):
            free.put(stack.enter_context(Worker()))

        def one(program: Program) -> Seen:
            worker = free.get()
            try:
                return check(program, worker)
            finally:
                free.put(worker)

        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            for seen in threads.map(one, programs):
                print(_progress(seen), file=sys.stderr, flush=True)
                yield seen


def _progress(seen: Seen) -> str:
    said = "; ".join((*seen.findings, *seen.notes)) or seen.reason
    return f"{seen.program.group}, {seen.program.name}: {seen.verdict}, {seen.how}, {seen.seconds:.1f} s {said}".rstrip()


def check(program: Program, worker: Worker) -> Seen:
    """One program, from a file of its own in an empty folder. Where the check itself goes down, the program is counted as not analysed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / program.file).write_text(program.source, encoding="utf-8", newline="")
        target = parse_target(program.file + (f":{program.target}" if program.target else ""), folder)
        inputs = tuple(parse_input(text) for text in program.inputs)
        request = Request(target, cwd=str(folder), argv=program.argv, inputs=inputs, init=program.init)
        began = time.perf_counter()
        try:
            found = session.check(request, worker.observe, mend=False)
        except Exception as error:
            found = TargetReport(program.file, "not-analysed", reason=f"the check itself: {type(error).__name__}: {error}")
        seconds = time.perf_counter() - began
    alarms = tuple(told(found, loud=True))
    notes = tuple(told(found, loud=False))
    # Where a rule went down, nobody knows what it would have said.
    broken = next((finding.headline for finding in found.findings if finding.slug == "internal-error"), "")
    verdict = "not-analysed" if broken else found.verdict
    return Seen(program, verdict, found.how, seconds, broken or found.reason or "", alarms, notes)


def told(found: TargetReport, *, loud: bool) -> Iterator[str]:
    """Its warnings and errors, or its notes, a line each."""
    for finding in found.findings:
        if (finding.severity != "note") == loud:
            line = f"line {finding.where.line}, " if finding.where is not None else ""
            yield f"{line}{finding.severity}[{finding.slug}]: {finding.headline}"
