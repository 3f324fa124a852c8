"""Reads a case file: a small PyTorch program, and what must be said of it.

In comes `tests/cases/<slug>/<name>.md`: a title, a few sentences, and fenced blocks: `python` (the program), `toml expect`
(the verdict and the findings, in the order in which they occur), `edits` (edits that mend the program and edits that merely
make it run) and `report` (the rendered output). Out goes a frozen `Case`. Knows neither torch nor shapewright.

An edit is one line of the `edits` block. `14: 32 * 8 * 8 -> 32 * 16 * 16` replaces the text that stands once on line 14;
`+18: x = x.flatten(1)` puts a new line before line 18, indented as that one. ` && ` joins several steps to one edit; all lines
are those of the program as it stands in the file. Where a program has several findings, step n mends finding n. Two spaces and
`#` begin a remark.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).with_name("cases")

SLUGS = frozenset(
    [
        "linear-in-features",
        "missing-flatten",
        "conv-in-channels",
        "conv-kernel-too-large",
        "reshape-numel",
        "broadcast-mismatch",
        "concat-mismatch",
        "matmul-inner-dim",
        "norm-features",
        "recurrent-input-size",
        "embedding-dim",
        "attention-dim",
        "loss-target-shape",
        "loss-batch-mismatch",
        "loss-broadcast",
        "batch-mixed",
        "batch-dim-missing",
        "reconstruction-shape",
        "last-batch",
        "checkpoint-shape",
        "other-shape-error",
        "softmax-dim",
        "squeeze-lost-batch",
        "recurrent-layout",
        "unused-layer",
        "unused-output",
        "generator-discriminator",
    ]
)

_BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"(?P<insert>\+?)(?P<line>\d+): (?P<text>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expected:
    """One finding that must be made. Empty tuples and None mean: not prescribed."""

    slug: str
    line: int  # where the exception leaves the user's code: the innermost user frame
    demand: tuple[int, ...] = ()  # acceptable lines for the number that the failing layer demands
    supply: tuple[int, ...] = ()  # acceptable lines for the event (or its literal) that gave the activation its size
    got: int | None = None
    want: int | None = None
    swallowed: bool = False
    headline: tuple[str, ...] = ()  # fragments that the headline must contain
    also: tuple[str, ...] = ()  # further slugs that are right as well
    severity: str = ""  # "note" for what is said with --verbose only; else that of the verdict

    @property
    def slugs(self) -> tuple[str, ...]:
        return (self.slug, *self.also)


@dataclass(frozen=True, slots=True)
class Step:
    """Replace `old` by `new` on `line`; without `old`, put `new` as a line of its own before `line`."""

    line: int
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class CaseEdit:
    """An edit of the program: accepted (it mends the fault) or refused (it runs, and is wrong)."""

    accepted: bool
    steps: tuple[Step, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One case file. `slug` is the name of its directory, `clean` for the correct programs."""

    path: Path
    slug: str
    name: str
    title: str
    prose: str
    program: str
    verdict: str  # clean | warning | error
    args: tuple[str, ...] = ()
    target: str = ""
    findings: tuple[Expected, ...] = ()
    edits: tuple[CaseEdit, ...] = ()
    report: str | None = None

    @property
    def id(self) -> str:
        return f"{self.slug}/{self.name}"


def read(path: Path) -> Case:
    """The case in `path`."""
    text = path.read_text(encoding="utf-8")
    blocks = {match["info"].strip(): match["body"] for match in _BLOCK.finditer(text)}
    heading, _, prose = text[: text.index("```")].strip().partition("\n")
    if not heading.startswith("# "):
        raise ValueError(f"{path}: the first line must be a heading")
    expect = tomllib.loads(blocks["toml expect"])
    findings = tuple(_expected(finding) for finding in expect.pop("finding", []))
    edits = tuple(_edit(line) for line in blocks.get("edits", "").splitlines() if line.strip())
    return Case(
        path=path,
        slug=path.parent.name,
        name=path.stem,
        title=heading[2:],
        prose=prose.strip(),
        program=blocks["python"],
        verdict=expect["verdict"],
        args=tuple(expect.get("args", ())),
        target=expect.get("target", ""),
        findings=findings,
        edits=edits,
        report=blocks.get("report"),
    )


def cases() -> list[Case]:
    """All cases, in the order of their paths."""
    return [read(path) for path in sorted(CASES.glob("*/*.md"))]


def edited(program: str, steps: tuple[Step, ...]) -> str:
    """The program after the steps. A text to be replaced must stand exactly once on its line."""
    lines = program.splitlines(keepends=True)
    for step in sorted(steps, key=lambda step: step.line, reverse=True):
        line = lines[step.line - 1]
        if step.old is None:
            indent = line[: len(line) - len(line.lstrip())]
            lines.insert(step.line - 1, f"{indent}{step.new}\n")
        elif line.count(step.old) == 1:
            lines[step.line - 1] = line.replace(step.old, step.new)
        else:
            raise ValueError(f"line {step.line} does not hold {step.old!r} once: {line!r}")
    return "".join(lines)


def _expected(table: dict[str, object]) -> Expected:
    known = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return Expected(**known)  # type: ignore[arg-type]


def _edit(line: str) -> CaseEdit:
    kind, _, rest = line.partition(": ")
    if kind not in ("accepted", "refused"):
        raise ValueError(f"neither accepted nor refused: {line!r}")
    text, _, why = rest.partition("  # ")
    return CaseEdit(kind == "accepted", tuple(_step(part) for part in text.split(" && ")), why.strip())


def _step(text: str) -> Step:
    match = _STEP.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a step of an edit: {text!r}")
    if match["insert"]:
        return Step(int(match["line"]), None, match["text"])
    old, arrow, new = f"{match['text']} ".partition(" -> ")
    if not arrow:
        raise ValueError(f"no ` -> ` in {text!r}")
    return Step(int(match["line"]), old.strip(), new.strip())
