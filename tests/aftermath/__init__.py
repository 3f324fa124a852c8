"""Reads the programs that fail in the middle of a real run, and what an expert would say of each failure.

`expect.toml` (and `frameworks.toml`, for programs that need a framework which may be missing) has one `[[program]]` each. Its
file is `programs/<name>.py`, or the folder `programs/<name>/` when it has several. `laid_out` puts a program alone into an
empty folder, as its author had it; there `python *argv` is run. Knows neither torch nor shapewright.

A place is `file:line`, the file relative to the program's folder. An edit's steps are written as in the cases: `file:14: old ->
new` replaces what stands once on line 14, `+file:14: text` puts a line before line 14, indented as that one. All lines are
those of the program as it stands.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SITE = HERE / "site-packages"


@dataclass(frozen=True, slots=True)
class Program:
    """One program and its failure. The root exception is the first of a chain: what the others were raised from."""

    name: str
    argv: tuple[str, ...]  # the words after `python`
    error: str  # the root exception's type; several that are right, for other versions of torch, joined by `|`
    why: str
    group: str = "programs"  # the folder of its file
    needs: tuple[str, ...] = ()  # packages without which it cannot be run
    env: tuple[tuple[str, str], ...] = ()  # `{site}` is the folder of the installed packages
    stdin: str = ""
    escapes: str = ""  # the type of what leaves the program, where that is another exception
    shipped: bool = False  # the root came as text from another process, inside the message of another exception
    exit: int = 1
    file: str = ""  # "" for a program that ends itself
    line: int = 0  # the innermost line of the user's in the root's traceback
    also: tuple[str, ...] = ()  # places that may be named as well
    module: str = ""  # the module whose forward failed, as the whole model names it; "" for the model itself, or none
    slugs: tuple[str, ...] = ()  # any of these is right; none: nothing may be said of shapes; "any": whatever is said is right
    fix: str = "none"  # expected: there is an edit that is right, and a dry run can prove it · any · none
    fix_lines: tuple[str, ...] = ()  # places at which a right edit may lie
    edit: tuple[str, ...] = ()  # one right edit, all steps together

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def programs() -> list[Program]:
    """All programs, those that need a framework last."""
    return [*_read("expect.toml", "programs"), *_read("frameworks.toml", "frameworks")]


def laid_out(program: Program, folder: Path) -> dict[str, str]:
    """Put the program into `folder`, which must be empty; the environment to run it with."""
    source = HERE / program.group / program.name
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source.with_suffix(".py"), folder)
    return os.environ | {"OMP_NUM_THREADS": "1"} | {key: value.replace("{site}", str(SITE)) for key, value in program.env}


def apply(program: Program, folder: Path) -> None:
    """Make the program's edit in `folder`. A text to be replaced must stand exactly once on its line."""
    steps = sorted(map(_step, program.edit), key=lambda step: step[1], reverse=True)
    for file, number, old, new in steps:
        path = folder / file
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        line = lines[number - 1]
        if not old:
            lines.insert(number - 1, line[: len(line) - len(line.lstrip())] + new + "\n")
        elif line.count(old) == 1:
            lines[number - 1] = line.replace(old, new)
        else:
            raise ValueError(f"{file}:{number} does not hold {old!r} once: {line!r}")
        path.write_text("".join(lines), encoding="utf-8")


def split_place(place: str) -> tuple[str, int]:
    """`net.py:12` → the file and the line."""
    file, _, line = place.rpartition(":")
    return file, int(line)


def _read(table: str, group: str) -> list[Program]:
    rows = tomllib.loads((HERE / table).read_text(encoding="utf-8"))["program"]
    return [Program(group=group, **{key: _frozen(value) for key, value in row.items()}) for row in rows]


def _frozen(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return tuple(value.items()) if isinstance(value, dict) else value


def _step(text: str) -> tuple[str, int, str, str]:
    place, _, change = text.partition(": ")
    file, line = split_place(place.removeprefix("+"))
    if place.startswith("+"):
        return file, line, "", change
    old, arrow, new = change.partition(" -> ")
    if not arrow:
        raise ValueError(f"no ` -> ` in {text!r}")
    return file, line, old, new
