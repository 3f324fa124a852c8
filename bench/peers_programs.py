"""The programs of the comparison with other tools, each with the truth about it: the examples, the case files, and a folder of one's own.

The truth is that of `examples/manifest.toml` and of the case files, both of which are proven with plain PyTorch by the tests. A folder
(SHAPEWRIGHT_PEERS_PROGRAMS) has a `manifest.toml` of the same form, or its programs are those of `bench/data/peers_seeds.toml`.
"""

from __future__ import annotations

import ast
import importlib
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.processes import ROOT

EXAMPLES, FAILS, SILENT, RIGHT, FOLDER = "examples", "cases that fail", "cases that run and are wrong", "right programs", "folder"
SEEDS = Path(__file__).parent / "data" / "peers_seeds.toml"
NUMBERS = SEEDS.with_name("peers_examples.toml")


@dataclass(frozen=True, slots=True)
class Program:
    """A program and what is true of it. Lines and numbers are empty where the truth does not prescribe them."""

    group: str
    name: str
    file: str
    source: str
    wrong: bool
    line: int = 0  # where PyTorch fails at its first fault, or where a case file says that a wrong shape shows
    causes: frozenset[int] = frozenset()  # lines that set one of the two sizes that clash
    numbers: tuple[int, ...] = ()  # the sizes that clash
    first_edit: frozenset[int] = frozenset()  # where the first accepted edit starts; two lines when it is put between them
    edits: frozenset[int] = frozenset()  # the same of all accepted edits
    accepted: tuple[str, ...] = ()  # what stands there after an accepted edit
    refused: tuple[str, ...] = ()  # after an edit that makes it run and is wrong
    runs: bool = False  # it runs, so that running it proves nothing about an edit
    timed: bool = True  # every tool gets a process of its own for it
    target: str = ""
    inputs: tuple[str, ...] = ()
    init: str = ""
    argv: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The group and the name."""
        return f"{self.group}/{self.name}"

    @property
    def places(self) -> frozenset[int]:
        """All lines that have to do with the fault."""
        return frozenset({self.line}) | self.causes | self.edits

    @property
    def mended(self) -> Program | None:
        """The program after the first accepted edit."""
        return replace(self, name=f"{self.name} mended", source=self.accepted[0]) if self.accepted else None

    @property
    def script(self) -> str:
        """The source; a class that is to be called is called in lines behind it, so that no line moves."""
        return self.called(self.source)

    def called(self, source: str) -> str:
        """The same of another source, which an edit has made."""
        if not self.target:
            return source
        given = ", ".join(map(_made, self.inputs))
        return f'{source}\nif __name__ == "__main__":\n    import torch\n    {self.target}({self.init})({given})\n'


def programs(folder: Path | None = None) -> list[Program]:
    """All of them, or those of a folder alone."""
    return list(of_folder(folder)) if folder else [*examples(), *cases()]


def meaning(source: str) -> str:
    """The program without its layout; the text itself where it is no program."""
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return source


def _made(text: str) -> str:
    """`x=2,16:int64` as an argument."""
    name, _, shape = text.rpartition("=")
    sizes, _, kind = shape.partition(":")
    made = f"torch.zeros(({sizes},), dtype=torch.{kind})" if kind else f"torch.randn({sizes})"
    return f"{name}={made}" if name else made


# --- examples and folders ------------------------------------------------------------------------------------------------------


def examples() -> Iterator[Program]:
    """The programs of `examples/`, those under `right/` included."""
    folder = ROOT / "examples"
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    numbers = tomllib.loads(NUMBERS.read_text(encoding="utf-8"))
    for row in manifest["program"]:
        row = {"numbers": numbers.get(row["file"], ()), **row}
        yield _listed(row, manifest["mend"], (folder / row["file"]).read_text(encoding="utf-8"), EXAMPLES)


def of_folder(folder: Path) -> Iterator[Program]:
    """The programs that the folder's manifest lists, or the list of the seeds."""
    own = folder / "manifest.toml"
    manifest = tomllib.loads((own if own.exists() else SEEDS).read_text(encoding="utf-8"))
    for row in manifest["program"]:
        yield _listed(row, manifest.get("mend", ()), (folder / row["file"]).read_text(encoding="utf-8"), FOLDER)


def _listed(row: Mapping[str, Any], mends: Sequence[Mapping[str, Any]], source: str, group: str) -> Program:
    name, file = row["file"].removesuffix(".py"), Path(row["file"]).name
    if row["verdict"] == "clean":
        return Program(RIGHT, name, file, source, wrong=False)
    steps = [mend for mend in mends if mend["file"] == row["file"]]
    lines = source.split("\n")
    for mend in steps:
        lines[mend["line"] - 1] = lines[mend["line"] - 1].replace(mend["old"], mend["new"])
    demand = frozenset(row["demand"])
    runs = row["verdict"] != "error"  # then nothing fails, and its line is the one that makes the wrong shape
    return Program(
        group,
        name,
        file,
        source,
        wrong=True,
        line=0 if runs else row["line"],
        causes=demand | frozenset(row.get("supply", ())),
        numbers=tuple(row.get("numbers", ())),
        first_edit=frozenset({steps[0]["line"]}) if steps else frozenset(),
        edits=demand | frozenset(mend["line"] for mend in steps[:1]),
        accepted=("\n".join(lines),) if steps else (),
        runs=runs,
    )


# --- case files ----------------------------------------------------------------------------------------------------------------


def cases() -> Iterator[Program]:
    """The programs of `tests/cases`."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        casefile = importlib.import_module("casefile")
    finally:
        sys.path.remove(str(ROOT / "tests"))
    for case in casefile.cases():
        yield _of_case(case, casefile.edited)


def _of_case(case: Any, edited: Any) -> Program:
    given = list(zip(case.args, case.args[1:], strict=False))
    called = {
        "timed": False,
        "target": case.target,
        "inputs": tuple(word for flag, word in given if flag == "--input"),
        "init": next((word for flag, word in given if flag == "--init"), ""),
        "argv": case.args[case.args.index("--") + 1 :] if "--" in case.args else (),
    }
    file = f"{case.name.replace('-', '_')}.py"
    if not case.findings:
        return Program(RIGHT, case.id, file, case.program, wrong=False, **called)
    first = case.findings[0]
    accepted = [edit for edit in case.edits if edit.accepted]
    # Where there are several faults, step n of an edit mends fault n.
    steps = [edit.steps[:1] if len(case.findings) > 1 else edit.steps for edit in accepted]
    return Program(
        FAILS if case.verdict == "error" else SILENT,
        case.id,
        file,
        case.program,
        wrong=True,
        line=first.line,
        causes=frozenset(first.demand) | frozenset(first.supply),
        numbers=() if first.got is None or first.want is None else (first.got, first.want),
        first_edit=_lines(steps[0][:1]) if steps else frozenset(),
        edits=frozenset().union(*map(_lines, steps)),
        accepted=tuple(edited(case.program, edit.steps) for edit in accepted),
        refused=tuple(edited(case.program, edit.steps) for edit in case.edits if not edit.accepted),
        runs=case.verdict != "error",
        **called,
    )


def _lines(steps: Sequence[Any]) -> frozenset[int]:
    return frozenset(line for step in steps for line in ((step.line,) if step.old is not None else (step.line - 1, step.line)))
