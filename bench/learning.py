"""What a silent fault costs: two programs are trained on scikit-learn's digits as they are, and with shapewright's first fix applied.

Plain PyTorch trains; shapewright only writes the second text. `python -m bench.learning --picture docs/learning.svg` draws what was
measured, which needs matplotlib.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.processes import ROOT
from bench.table import markdown
from shapewright import session
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_target
from shapewright.reason.patches import applied_all

SEEDS = range(5)
EPOCHS = 20
LIMIT = 0.5  # the error after the fix, as a share of that before it, both at the end of the training
_SHOWN = (1, 2, 5, 10, 20)

Curve = tuple[float, ...]  # the error on the test images after each epoch


@dataclass(frozen=True, slots=True)
class Fault:
    """A program with a silent fault, and what its error is."""

    name: str
    program: str
    slug: str
    error: str  # the words at the axis
    scale: float = 1.0  # from the number that the program prints to the unit at the axis
    unit: str = ""
    top: float = 1.0  # of the axis


FAULTS = (
    Fault("broadcast loss", "learning_broadcast.py", "loss-broadcast", "mean error of the digit's value", top=3),
    Fault("mixed samples", "learning_mixed.py", "batch-mixed", "test images read wrong (%)", 100, " %", top=100),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """The curves of all seeds, before and after the fix. Without a fix there is no after."""

    fault: Fault
    title: str
    before: tuple[Curve, ...]
    after: tuple[Curve, ...]


def measure() -> tuple[str, bool]:
    """The table, and whether each fix takes away at least half of the error, with every seed better than the best before."""
    return told(measured())


def told(results: Sequence[Measured]) -> tuple[str, bool]:
    """Rows of what was measured: mean over the seeds, and the best and the worst of them in brackets."""
    rows = []
    for one in results:
        name = one.fault.name
        for text, curves in (("before", one.before), (f"after: {one.title}", one.after)):
            cells = [_cell(one.fault, [curve[epoch - 1] for curve in curves]) for epoch in _SHOWN] if curves else ["–"] * len(_SHOWN)
            rows.append((name, text, *cells, _judgement(one) if curves is one.after else ""))
            name = ""
    head = ("fault", "program", *(f"epoch {epoch}" for epoch in _SHOWN), f"after / before, limit {LIMIT}")
    return markdown(head, rows), all(kept(one) for one in results)


def kept(one: Measured) -> bool:
    """Whether the program with the fix learns, and the one without it does not."""
    return bool(one.after) and _share(one) <= LIMIT and max(_last(one.after)) < min(_last(one.before))


def measured() -> list[Measured]:
    """Find the fixes, then train."""
    results = []
    for fault in FAULTS:
        path = ROOT / "bench" / "programs" / fault.program
        before = path.read_text(encoding="utf-8")
        title, after = mended(path, fault.slug)
        results.append(Measured(fault, title, _trained(before), _trained(after) if after else ()))
    return results


def mended(path: Path, slug: str) -> tuple[str, str]:
    """The title of the first fix of the fault, and the program's text with it; "" and what stands in the way when there is none."""
    with Worker() as worker:
        report = session.check(Request(parse_target(path.name, path.parent), cwd=str(path.parent)), worker.observe)
    findings = [finding for finding in report.findings if finding.slug == slug]
    if not findings or not findings[0].fixes:
        return (f"no fix ({report.verdict}{', ' + findings[0].headline if findings else ''})", "")
    fix = findings[0].fixes[0]
    file = str(path.resolve())
    return fix.title, applied_all({file: path.read_text(encoding="utf-8")}, fix.edits)[file]


def _trained(source: str) -> tuple[Curve, ...]:
    """The program's errors, a curve for each seed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "train.py")
        file.write_text(source, encoding="utf-8")

        def one(seed: int) -> Curve:
            words = [sys.executable, "-W", "ignore", str(file), "--seed", str(seed), "--epochs", str(EPOCHS)]
            ran = subprocess.run(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True)
            return tuple(float(error) for error in re.findall(r"^epoch \d+ error ([\d.]+)$", ran.stdout, re.MULTILINE))

        with ThreadPoolExecutor(2) as threads:
            return tuple(threads.map(one, SEEDS))


def _last(curves: Sequence[Curve]) -> list[float]:
    return [curve[-1] for curve in curves]


def _share(one: Measured) -> float:
    return mean(_last(one.after)) / mean(_last(one.before))


def _judgement(one: Measured) -> str:
    return f"{_share(one):.2f}, {'ok' if kept(one) else 'SHORT'}" if one.after else "SHORT"


def _cell(fault: Fault, errors: Sequence[float]) -> str:
    digits = 1 if fault.scale > 1 else 2
    middle, low, high = (f"{fault.scale * error:.{digits}f}" for error in (mean(errors), min(errors), max(errors)))
    return f"{middle}{fault.unit} ({low}–{high})"


# --- the picture ---------------------------------------------------------------------------------------------------------------

_BEFORE, _AFTER, _TEXT, _FAINT = "#b3430f", "#1f5fa8", "#24292f", "#d0d7de"  # told apart also without colours: dashed and solid


def picture(results: Sequence[Measured], path: Path) -> None:
    """One panel a fault: the mean over the seeds as a line, and the band from the best seed to the worst."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {
        "svg.fonttype": "none",  # letters stay letters
        "svg.hashsalt": "learning",
        "font.family": "sans-serif",
        "font.size": 11,
        "text.color": _TEXT,
        "axes.labelcolor": _TEXT,
        "xtick.color": _TEXT,
        "ytick.color": _TEXT,
    }
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(results), figsize=(9, 3.6), facecolor="white")
    epochs = range(1, EPOCHS + 1)
    for panel, one in zip(panels, results, strict=True):
        for curves, colour, style, name in ((one.before, _BEFORE, "--", "before"), (one.after, _AFTER, "-", "after the fix")):
            if curves:
                errors = [[one.fault.scale * error for error in epoch] for epoch in zip(*curves, strict=True)]
                panel.fill_between(
                    epochs, [min(epoch) for epoch in errors], [max(epoch) for epoch in errors], color=colour, alpha=0.2, lw=0
                )
                line = [mean(epoch) for epoch in errors]
                panel.plot(epochs, line, style, color=colour, lw=2)
                panel.annotate(name, (EPOCHS, line[-1]), (0, 9), textcoords="offset points", ha="right", color=colour)
        panel.set_title(one.fault.name, loc="left", fontsize=12)
        panel.set(xlabel="epoch", ylabel=one.fault.error, xlim=(1, EPOCHS), ylim=(0, one.fault.top), xticks=(1, 5, 10, 15, 20))
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color=_FAINT, lw=0.6)
        panel.set_axisbelow(True)
    figure.tight_layout(w_pad=3)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    path.write_text("\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n", encoding="utf-8")


def main(words: list[str]) -> int:
    """`python -m bench.learning [--picture FILE.svg]`"""
    if words and (words[0] != "--picture" or len(words) != 2):
        print("python -m bench.learning [--picture FILE.svg]", file=sys.stderr)
        return 2
    results = measured()
    table, good = told(results)
    print(f"{table}\n\n{'ok' if good else 'SHORT'}: learning")
    if words:
        picture(results, Path(words[1]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
