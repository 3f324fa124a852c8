"""Differential truth: generated programs, right and with one mistake; what `check` says against what plain PyTorch does with them.

The truth is a real run on the CPU. Where torch raises, or Python refuses a shape (`b, c, h, w = x.shape`), `check` must say "error"
at that line, also when the program swallows the exception; where none does, it must not. What a program refuses itself (its own `assert`,
a tuple of the wrong length) is no business of torch: there "not analysed" is right. SHAPEWRIGHT_DIFFERENTIAL=300 checks so many programs,
SHAPEWRIGHT_DIFFERENTIAL_FAKE=100 so many on fake tensors as well, SHAPEWRIGHT_PART=1/2 the first half of them,
SHAPEWRIGHT_DIFFERENTIAL_SEED=8 others. SHAPEWRIGHT_DIFFERENTIAL_OUT=FILE keeps the details; `python -m bench.differential FILE …` makes the
tables of what was kept.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from bench.generated import FAMILIES, SEED, Generated, programs
from bench.plain import Outcome, Plain
from bench.table import markdown
from shapewright import session
from shapewright.observe.client import DRY, Worker
from shapewright.observe.request import Request, parse_target
from shapewright.report import TargetReport

NUMBER = 3000
ON_FAKES = 300
SIDE_BY_SIDE = 2
ANOTHER_WAY = "# another way"  # stands behind the `except` of a program that knows what to do when the call fails
FILE = "program.py"

# "hidden": the program's own exception, no call of torch's, that the program swallows; `check` calls it clean.
_NO_VALUES = "depends on values"  # why a run on fakes is not analysed, as `check` says it
AGREE = ("agrees", "warned", "hidden")

Kind = Literal["shapes", "values", "own", "runs", "lost"]

# What torch says when sizes are not to blame: dtypes, the range of indices, what needs a gradient. Only for counting apart.
_VALUES = (
    "dtype", "scalar type", "out of bounds", "out of range", "Expected floating point", "to be a Long", "data type", "require grad",
    "requires grad", "expected Long", "Float did not match", "type Float but", "weight type", "bias type", "between 0 and 1",
    "not implemented for", "must be Tensor, not", "expected tensor for argument", "must be of type", "got Long", "result type", "int64",
    "Sum of input lengths", "to have value at most", "with a bool tensor", "empty parameter list", "invalid max index",
)  # fmt: skip
# What Python and numpy say themselves, without any call of torch.
_OWN = ("values to unpack", "tuple indices must be", "operands could not be broadcast", "could not broadcast input array")


@dataclass(frozen=True, slots=True)
class Truth:
    """What plain PyTorch does. `kind`: torch raises for sizes or for values, the program raises itself, it runs, or nobody knows."""

    kind: Kind
    line: int = 0
    error: str = ""
    guarded: bool = False  # it came up inside a `try`


@dataclass(frozen=True, slots=True)
class Said:
    """What `check` says."""

    verdict: str
    how: str = "eager"
    line: int = 0  # of the first error
    end_line: int = 0
    slugs: tuple[str, ...] = ()  # of errors and warnings
    headlines: tuple[str, ...] = ()
    reason: str = ""
    reason_line: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """One program, both answers and what they come to."""

    family: str
    kind: str
    number: int
    mistake: str
    truth: Truth
    said: Said
    result: str  # agrees, warned, hidden, no values, false alarm, missed, wrong line, not analysed, lost


def truth_of(outcome: Outcome, source: str) -> Truth:
    """The first exception for which the program knows no other way."""
    if not outcome.answered:
        return Truth("lost")
    if not outcome.error:
        return Truth("runs")
    known, guarded = _tried(source)
    lines = source.splitlines()
    for line, error, by in [(outcome.line, outcome.error, outcome.by), *outcome.later]:
        if line not in known:
            if "values to unpack" in error and any(shape in lines[line - 1] for shape in (".shape", ".size()")):
                return Truth("shapes", line, error, line in guarded)
            if by != "torch" or any(word in error for word in _OWN):
                return Truth("own", line, error, line in guarded)
            values = any(word in error for word in _VALUES) and "Dimension out of range" not in error
            return Truth("values" if values else "shapes", line, error, line in guarded)
    return Truth("runs")


def _tried(source: str) -> tuple[set[int], set[int]]:
    """The lines of the `try` blocks whose handler goes another way, and those of the others."""
    lines = source.splitlines()
    answered: set[int] = set()
    others: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Try):
            goes = any(ANOTHER_WAY in lines[handler.lineno - 1] for handler in node.handlers)
            (answered if goes else others).update(range(node.lineno, (node.body[-1].end_lineno or 0) + 1))
    return answered, others


def compare(truth: Truth, said: Said) -> str:
    """What the two answers come to. Fake tensors have no values: what hangs on these cannot be seen on them."""
    at_line = said.verdict == "error" and said.line <= truth.line <= said.end_line
    if said.how == "fake" and ((truth.kind == "values" and not at_line) or _NO_VALUES in said.reason):
        return "no values"
    if truth.kind == "lost":
        return "lost"
    if truth.kind == "runs":
        return {"clean": "agrees", "warning": "warned", "error": "false alarm"}.get(said.verdict, "not analysed")
    if truth.kind == "own":
        if said.verdict == "clean" and truth.guarded:
            return "hidden"
        return "agrees" if said.verdict == "not-analysed" else "false alarm" if said.verdict == "error" else "missed"
    if said.verdict == "error":
        return "agrees" if at_line else "wrong line"
    if said.verdict == "not-analysed":
        return "agrees" if truth.kind == "values" and said.reason_line == truth.line else "not analysed"
    return "missed"


# --- the tables ----------------------------------------------------------------------------------------------------------------


def measure(number: int | None = None, on_fakes: int | None = None) -> tuple[str, bool]:
    """The tables with every disagreement under them; short when there is one."""
    number = number or int(os.environ.get("SHAPEWRIGHT_DIFFERENTIAL", NUMBER))
    on_fakes = int(os.environ.get("SHAPEWRIGHT_DIFFERENTIAL_FAKE", ON_FAKES)) if on_fakes is None else on_fakes
    chosen = list(programs(number, int(os.environ.get("SHAPEWRIGHT_DIFFERENTIAL_SEED", SEED))))
    part, _, parts = os.environ.get("SHAPEWRIGHT_PART", "1/1").partition("/")
    # Family and writer go round with the number: a stride that divides their turns would leave some out.
    faked = chosen[:: max(number // on_fakes, 1) | 1][:on_fakes] if on_fakes else []
    chosen, faked = (some[int(part) - 1 :: int(parts)] for some in (chosen, faked))
    seen = {"eager": list(_compared(chosen, "auto")), "fake": list(_compared(faked, "fake"))}
    if out := os.environ.get("SHAPEWRIGHT_DIFFERENTIAL_OUT"):
        Path(out).write_text(json.dumps({how: [asdict(one) for one in some] for how, some in seen.items()}, indent=1), encoding="utf-8")
    return told(seen["eager"], seen["fake"])


def told(real: Sequence[Compared], fake: Sequence[Compared]) -> tuple[str, bool]:
    """Both passes as tables and lists, and whether everything agrees."""
    pages = [_table(real)]
    if fake:
        pages.append("The same with the run forced onto fake tensors:\n\n" + _table(fake))
    pages += [*listed(real), *(line.replace("- ", "- on fakes, ", 1) for line in listed(fake))]
    return "\n\n".join(pages[: 2 if fake else 1]) + "\n\n" + "\n".join(pages[2 if fake else 1 :]), kept([*real, *fake])


def kept(seen: Sequence[Compared]) -> bool:
    """Whether everything agrees; a warning is looked at by a human and is no disagreement."""
    return bool(seen) and all(one.result in (*AGREE, "no values") for one in seen)


def listed(seen: Sequence[Compared]) -> list[str]:
    """A line for each disagreement, then how often which warning was given."""
    lines = []
    for one in seen:
        if one.result not in (*AGREE, "no values"):
            said = "; ".join(one.said.headlines) or one.said.reason
            truth = f"line {one.truth.line}, {one.truth.error}" if one.truth.line else one.truth.kind
            mistake = f" ({one.mistake})" if one.mistake else ""
            lines.append(
                f"- {one.result}: {one.kind}-{one.number}{mistake}: {truth}. Said: {one.said.verdict}, line {one.said.line}, {said}"
            )
    slugs = Counter(slug for one in seen if one.result == "warned" for slug in one.said.slugs)
    return [*lines, *(["Warnings: " + ", ".join(f"{slug} {count}" for slug, count in slugs.most_common()) + "."] if slugs else [])]


def _table(seen: Sequence[Compared]) -> str:
    families = [family for family in FAMILIES if any(one.family == family for one in seen)]
    rows = [_row(family, [one for one in seen if one.family == family]) for family in families]
    head = (
        "family",
        "programs",
        "fail",
        "agree, failing",
        "run",
        "agree, running",
        "warnings",
        "false alarms",
        "values",
        "own",
        "not analysed",
        "s",
    )
    return markdown(head, [*rows, _row("all", seen)])


def _row(name: str, seen: Sequence[Compared]) -> tuple[str, ...]:
    def of(*kinds: str) -> list[Compared]:
        return [one for one in seen if one.truth.kind in kinds]

    def agreeing(some: Sequence[Compared]) -> str:
        return f"{sum(one.result in AGREE for one in some)}"

    shapes, running = of("shapes"), of("runs")
    apart = [f"{agreeing(of(kind))} of {len(of(kind))}" for kind in ("values", "own")]
    counts = [sum(one.result == result for one in seen) for result in ("warned", "false alarm", "no values")]
    lost = sum(one.said.verdict == "not-analysed" and one.truth.kind in ("shapes", "runs") for one in seen)
    seconds = sum(one.said.seconds for one in seen)
    figures = [str(len(seen)), str(len(shapes)), agreeing(shapes), str(len(running)), agreeing(running), *map(str, counts[:2])]
    return (name, *figures, *apart, str(counts[2]), str(lost), f"{seconds:.0f}")


class WarmForFakes(Worker):
    """A worker that has done its first work on fake tensors before it forks, so that not every run has to import what that takes."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", DRY: "1"}
        words = [sys.executable, "-c", _WARM]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)


_WARM = """
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
with FakeTensorMode():
    x = torch.nn.Linear(4, 2)(torch.randn(3, 4)).relu()
    torch.nn.functional.cross_entropy(x, torch.zeros(3, dtype=torch.long)).backward()
from shapewright.observe import worker
worker.main()
"""


# --- the work ------------------------------------------------------------------------------------------------------------------


def _compared(chosen: Sequence[Generated], how: Literal["auto", "fake"]) -> Iterator[Compared]:
    beside = 1 if os.environ.get("SHAPEWRIGHT_PART") else SIDE_BY_SIDE
    with ExitStack() as stack:
        desks: SimpleQueue[tuple[Plain, Worker]] = SimpleQueue()
        for _ in range(beside if chosen else 0):
            worker = WarmForFakes() if how == "fake" else Worker()
            desks.put((stack.enter_context(Plain()), stack.enter_context(worker)))

        def one(program: Generated) -> Compared:
            desk = desks.get()
            try:
                return study(program, *desk, how)
            finally:
                desks.put(desk)

        with ThreadPoolExecutor(beside) as threads:
            for n, done in enumerate(threads.map(one, chosen)):
                if done.result != "agrees":
                    print(*listed([done])[:1], sep="\n", file=sys.stderr, flush=True)
                elif n % 100 == 99:
                    print(f"{n + 1} of {len(chosen)}, {how}", file=sys.stderr, flush=True)
                yield done


def study(program: Generated, plain: Plain, worker: Worker, how: Literal["auto", "eager", "fake"] = "auto") -> Compared:
    """Both answers to one program."""
    truth = truth_of(plain.run(FILE, program.source), program.source)
    said = check(program.source, worker, how)
    return Compared(program.family, program.kind, program.number, program.mistake, truth, said, compare(truth, said))


def check(source: str, worker: Worker, how: Literal["auto", "eager", "fake"] = "auto") -> Said:
    """What `check` says of a program in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / FILE).write_text(source, encoding="utf-8", newline="")
        began = time.perf_counter()
        try:
            found = session.check(Request(parse_target(FILE, folder), cwd=str(folder), how=how), worker.observe, mend=False)
        except Exception as error:
            found = TargetReport(FILE, "not-analysed", reason=f"the check itself: {type(error).__name__}: {error}")
        seconds = time.perf_counter() - began
    loud = [finding for finding in found.findings if finding.severity != "note"]
    first = next((finding.where for finding in loud if finding.severity == "error" and finding.where is not None), None)
    return Said(
        verdict="not-analysed" if any(finding.slug == "internal-error" for finding in loud) else found.verdict,
        how=found.how,
        line=first.line if first else 0,
        end_line=first.end_line if first else 0,
        slugs=tuple(finding.slug for finding in loud),
        headlines=tuple(f"{finding.slug}: {finding.headline}" for finding in loud),
        reason=found.reason or "",
        reason_line=found.reason_at.line if found.reason_at else 0,
        seconds=seconds,
    )


def main(files: Sequence[str]) -> None:
    """The tables of runs whose details were kept, as those of one run."""
    runs = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    real, fake = (sorted((_read(one) for run in runs for one in run[how]), key=lambda one: one.number) for how in ("eager", "fake"))
    print(told(real, fake)[0])


def _read(one: dict[str, Any]) -> Compared:
    said: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in one["said"].items()}
    return Compared(**{**one, "truth": Truth(**one["truth"]), "said": Said(**said)})


if __name__ == "__main__":
    main(sys.argv[1:])
