"""Other tools side by side with shapewright, on the examples and on all case files: who finds what, where, and what is said about it.

Each tool is asked about each program in a process of its own, as its documentation says; `peers_judge.py` has the rules, which are the same
for all. torchinfo is given the models and the very inputs that the program gives them. jaxtyping sees only annotations, and these
programs have none: it runs them under its import hook.

SHAPEWRIGHT_PEERS is the folder of the environment into which the tools are installed; SHAPEWRIGHT_PEERS_OUT keeps what they write, and
reads it the next time; SHAPEWRIGHT_PEERS_PROGRAMS compares on the programs of a folder; SHAPEWRIGHT_PEERS_ONLY=examples/cnn takes the
programs with this in "group/name".
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers_ask import Forks, Heard, hear
from bench.peers_judge import Judgement, judge, without
from bench.peers_programs import EXAMPLES, FAILS, FOLDER, RIGHT, SILENT, Program, programs
from bench.peers_read import Said, read
from bench.peers_tools import TOOLS, VERSIONS, install
from bench.plain import Plain
from bench.table import markdown

OURS = "shapewright check"
_COUNTS: tuple[tuple[str, Callable[[Judgement], bool | None]], ...] = (
    ("detected", lambda one: one.detected),
    ("right line", lambda one: one.right_line),
    ("line to edit", lambda one: one.first_edit),
    ("any line to edit", lambda one: one.any_edit),
    ("explained", lambda one: one.explained),
    ("fix", lambda one: one.offered),
    ("it mends", lambda one: one.mends),
    ("verified", lambda one: one.verified),
    ("astray", lambda one: one.astray),
    ("not analysed", lambda one: not one.analysed),
)
_GOOD = 5  # so many of the columns are things that a tool may find and shapewright miss


@dataclass(frozen=True, slots=True)
class Row:
    """One tool on one program."""

    tool: str
    program: Program
    heard: Heard
    said: Said
    judged: Judgement


def measure() -> tuple[str, bool]:
    """The tables; kept when shapewright raises no false alarm and misses nothing that another tool finds."""
    folder = os.environ.get("SHAPEWRIGHT_PEERS_PROGRAMS")
    only = os.environ.get("SHAPEWRIGHT_PEERS_ONLY", "")
    chosen = [program for program in programs(Path(folder) if folder else None) if only in program.id]
    missing = install()
    tools = [tool for tool, needs in TOOLS.items() if not missing.keys() & set(needs)]
    rows = list(compared(chosen, tools))
    texts = [behind(rows)]
    for group in (EXAMPLES, FOLDER, FAILS, SILENT):
        there = [row for row in rows if row.program.group == group]
        texts += [_faults(group, there)] if there else []
    there = [row for row in rows if not row.program.wrong]
    texts += [_alarms(there)] if there else []
    texts.append(_missed(rows))
    texts.append("Versions: " + ", ".join(f"{name} {version}" for name, version in VERSIONS.items()) + ".")
    texts += [f"{name} could not be installed: {why}" for name, why in missing.items()]
    quiet = not any(row.judged.alarm for row in rows if row.tool == OURS)
    return "\n\n".join(texts), bool(rows) and not missing and quiet and not list(_ahead(rows, 1))


def compared(chosen: Sequence[Program], tools: Sequence[str]) -> Iterable[Row]:
    """Every tool on every program."""
    with Plain() as plain, Forks() as forks:
        for number, program in enumerate(chosen, 1):
            print(f"{number}/{len(chosen)} {program.id}", end=":", file=sys.stderr, flush=True)
            for tool in tools:
                heard = hear(tool, program, forks)
                said = read(tool, program, heard)
                judged = judge(program, said, plain)
                if judged.detected and judged.right_line is False and (mended := program.mended):
                    said = without(said, read(tool, mended, hear(tool, mended, forks)))
                    judged = judge(program, said, plain)
                mark = "+" if judged.detected else "!" if judged.alarm else "-" if judged.analysed else "?"
                print(f" {tool} {mark}", end="", file=sys.stderr, flush=True)
                yield Row(tool, program, heard, said, judged)
            print(file=sys.stderr)


# --- the tables ----------------------------------------------------------------------------------------------------------------


def behind(rows: Sequence[Row]) -> str:
    """What another tool does and shapewright does not: the first thing to be told."""
    lines = [f"- {name}: {tool}, {program.id}" for name, tool, program in _ahead(rows, _GOOD)]
    return "What another tool does and shapewright does not:\n\n" + "\n".join(lines or ["- nothing"])


def _ahead(rows: Sequence[Row], columns: int) -> Iterable[tuple[str, str, Program]]:
    ours = {row.program.id: row.judged for row in rows if row.tool == OURS}
    for name, count in _COUNTS[:columns]:
        for row in rows:
            own = ours.get(row.program.id)
            if own is not None and count(row.judged) and not count(own):
                yield name, row.tool, row.program


def _faults(group: str, rows: Sequence[Row]) -> str:
    head = (group, *(name for name, _ in _COUNTS), "s", "CPU s")
    first = [row for row in rows if row.tool == rows[0].tool]
    of = [str(sum(count(row.judged) is not None for row in first)) for _, count in _COUNTS]
    table = [("(of so many)", *of, "", "")]
    for tool in dict.fromkeys(row.tool for row in rows):
        own = [row for row in rows if row.tool == tool]
        table.append((tool, *(str(sum(bool(count(row.judged)) for row in own)) for _, count in _COUNTS), *_seconds(own)))
    return markdown(head, table)


def _alarms(rows: Sequence[Row]) -> str:
    head = (RIGHT, "number", "false alarms", "with other errors", "not analysed", "s", "CPU s")
    table = []
    for tool in dict.fromkeys(row.tool for row in rows):
        own = [row for row in rows if row.tool == tool]
        counts = [
            len(own),
            sum(row.judged.alarm for row in own),
            sum(bool(row.said.others) and row.judged.analysed for row in own),
            sum(not row.judged.analysed for row in own),
        ]
        table.append((tool, *map(str, counts), *_seconds(own)))
    listed = [f"- {row.tool}, {row.program.name}: {row.said.findings[0].text.splitlines()[0]}" for row in rows if row.judged.alarm]
    return "\n".join([markdown(head, table), *(["", "False alarms:", "", *listed] if listed else [])])


def _seconds(rows: Sequence[Row]) -> tuple[str, str]:
    """The medians, of those that were timed."""
    wall = [row.heard.seconds for row in rows if row.heard.seconds is not None]
    cpu = [row.heard.cpu for row in rows if row.heard.cpu is not None]
    return (f"{statistics.median(wall):.1f}", f"{statistics.median(cpu):.1f}") if wall and cpu else ("–", "–")


def _missed(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        if row.tool == OURS and row.program.wrong:
            short = [name for name, count in _COUNTS[:8] if count(row.judged) is False]
            lines += [f"- {row.program.id}: not {', '.join(short)}"] if short else []
    return "Where shapewright falls short:\n\n" + "\n".join(lines or ["- nowhere"])
