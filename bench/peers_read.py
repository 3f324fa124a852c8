"""What a tool wrote → what it says: which lines it names as faulty, in which words, and which edit it offers.

Only findings that are about shapes count. Whatever else a tool has to say (a type that has nothing to do with a size, "not analysed") is
kept beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers_ask import Heard
from bench.peers_programs import Program


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `at`: the lines at which it stands; `named`: all lines of the program that it names, in whatever role."""

    at: frozenset[int]
    named: frozenset[int]
    text: str  # its words, with the numbers in them


@dataclass(frozen=True, slots=True)
class Said:
    """All that a tool says of a program."""

    findings: tuple[Finding, ...] = ()
    analysed: bool = True
    others: tuple[str, ...] = ()  # errors that are not about shapes
    offered: bool = False  # an edit of the program
    edited: str | None = None  # the program after the edits that it offers first
    verified: bool = False  # it says that it has run the program after the edit


def read(tool: str, program: Program, heard: Heard) -> Said:
    """What the tool says of the program."""
    if heard.exit_code is None:
        return Said(analysed=False, others=("it took too long",))
    if tool == "shapewright check":
        return _shapewright(program, heard)
    if tool.startswith("torchtyc"):
        return _torchtyc(heard, ran=tool == "torchtyc run")
    if tool == "pyrefly":
        return _pyrefly(heard)
    return _python(program, heard, torchinfo=tool == "torchinfo")


# --- shapewright ---------------------------------------------------------------------------------------------------------------


def _shapewright(program: Program, heard: Heard) -> Said:
    try:
        target = json.loads(heard.out)["targets"][0]
    except (ValueError, LookupError):
        return Said(analysed=False, others=(_last(heard.err),))
    found = [one for one in target["findings"] if one["severity"] != "note"]
    first = [one["fixes"][0] for one in found if one["fixes"]]
    whole = bool(first) and len(first) == len(found)
    return Said(
        tuple(map(_told, found)),
        analysed=target["verdict"] != "not-analysed",
        others=(target["reason"],) if target["reason"] else (),
        offered=bool(found) and bool(found[0]["fixes"]),
        edited=applied(program.source, [edit for fix in first for edit in fix["edits"]]) if first else None,
        verified=whole and first[-1]["verdict"] == "fixed" and bool(first[-1]["verified"]),
    )


def _told(one: Mapping[str, Any]) -> Finding:
    places = [one[key] for key in ("where", "demand", "supply") if one[key]]
    named = {place["line"] for place in places} | {step["line"] for step in one["story"]}
    named |= {edit["start"]["line"] for fix in one["fixes"] for edit in fix["edits"]}
    words = [one["headline"], one["torch_message"] or "", *(str(place.get("value", "")) for place in places)]
    return Finding(frozenset({one["where"]["line"]} if one["where"] else ()), frozenset(named), "\n".join(words))


def applied(source: str, edits: Sequence[Mapping[str, Any]]) -> str:
    """The source after edits in the form of the JSON report: lines and columns from 1, in code points."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(point: Mapping[str, int]) -> int:
        return starts[point["line"] - 1] + point["column"] - 1

    for edit in sorted(edits, key=lambda edit: place(edit["start"]), reverse=True):
        source = source[: place(edit["start"])] + edit["new"] + source[place(edit["end"]) :]
    return source


# --- torchtyc ------------------------------------------------------------------------------------------------------------------

_LINE = re.compile(r"\bline (\d+)")
_ITS_OWN = {"worker-error", "import-error"}


def _torchtyc(heard: Heard, *, ran: bool) -> Said:
    try:
        told = json.loads(heard.out)
    except ValueError:
        return Said(analysed=False, others=(_last(heard.err),))
    errors = [one for one in told["diagnostics"] if one["severity"] == "error"]
    states = [state["state"] for state in told["run_status"]]
    return Said(
        tuple(_diagnosed(one) for one in errors if one["rule"] not in _ITS_OWN),
        analysed=bool(states) and all(state in ("completed", "error") for state in states) if ran else told["checked_functions"] > 0,
        others=tuple(f"{one['rule']}: {one['message']}" for one in told["diagnostics"] if one not in errors or one["rule"] in _ITS_OWN),
        offered=any(one["suggestion"] for one in errors),
    )


def _diagnosed(one: Mapping[str, Any]) -> Finding:
    words = "\n".join(one[key] for key in ("message", "expected", "got", "hint", "note", "suggestion") if one[key])
    at = frozenset(range(one["line"] + 1, max(one["line"], one["end_line"]) + 2))  # it counts from 0
    return Finding(at, at | {int(line) for line in _LINE.findall(f"{words}\n{one['via'] or ''}")}, words)


# --- pyrefly -------------------------------------------------------------------------------------------------------------------

# A tensor that is no tensor of the wanted shape is about shapes; a tuple of tensors where a tensor is wanted is not.
_SHAPES = re.compile(
    r"Shape dimension mismatch|Tensor rank mismatch|type-level shape|Cannot unpack IntTuple\["
    r"|^Argument `Tensor\[\[(?:(?!tuple\[Tensor)[^`])*` is not assignable to parameter `\w+` with type `Tensor\[\["
)


def _pyrefly(heard: Heard) -> Said:
    try:
        errors = json.loads(heard.out)["errors"]
    except (ValueError, LookupError):
        return Said(analysed=False, others=(_last(heard.err),))
    about = [_SHAPES.search(one["description"]) is not None for one in errors]
    return Said(
        tuple(
            Finding(frozenset(range(one["line"], one["stop_line"] + 1)), frozenset({one["line"], one["stop_line"]}), one["description"])
            for one, shapes in zip(errors, about, strict=True)
            if shapes
        ),
        others=tuple(f"line {one['line']}: {one['description']}" for one, shapes in zip(errors, about, strict=True) if not shapes),
    )


# --- tracebacks ----------------------------------------------------------------------------------------------------------------

_START = "Traceback (most recent call last):\n"
_FRAME = re.compile(r'^ +(?:\| +)?File "([^"]+)", line (\d+)', re.MULTILINE)
_WARNING = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+): UserWarning: (?P<text>.*)$", re.MULTILINE)
_OF_SIZES = re.compile(r"\b(sizes?|shapes?|dim|dims|dimensions?|broadcast\w*)\b")


def _python(program: Program, heard: Heard, *, torchinfo: bool) -> Said:
    warned = list(_warnings(program, heard.err))
    failed = heard.exit_code != 0 or _START in heard.err  # some programs catch the error and print its traceback
    nothing = torchinfo and not failed and "0 summaries" in heard.out.splitlines()
    return Said((*([_raised(program, heard.err)] if failed else []), *warned), analysed=not nothing)


def _raised(program: Program, text: str) -> Finding:
    """The traceback: the innermost line of the program that the first exception of the chain went through, and all its lines."""
    parts = text.split(_START)[1:] or [text]
    lines = [[int(line) for file, line in _FRAME.findall(part) if Path(file).name == program.file] for part in parts]
    words = "\n".join(line for part in parts for line in part.splitlines() if line and not line.startswith((" ", "The above", "During")))
    return Finding(frozenset(lines[0][-1:]), frozenset(line for part in lines for line in part), words)


def _warnings(program: Program, text: str) -> Iterator[Finding]:
    """What PyTorch warns of by itself, where that is about sizes."""
    for match in _WARNING.finditer(text):
        if _OF_SIZES.search(match["text"]):
            at = frozenset({int(match["line"])} if Path(match["file"]).name == program.file else ())
            yield Finding(at, at, match["text"])


def _last(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
