"""A whole check in a warm worker, and one candidate for a fix: the edited program run, and its models asked for other batches.

The processor's seconds are those of the worker and of what it forks: unlike seconds they hardly grow when other programs run. A bare
`import torch` is run in every round; the warm check is told as its share of that.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

from bench.processes import ROOT, run
from bench.table import judged, markdown
from shapewright import session
from shapewright.model import Trace
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_target

ROUNDS = 5
LIMIT = 0.030
BARE = (sys.executable, "-c", "import torch")
PROGRAMS = ("gan_generator", "cnn_64px", "cnn_swallowed", "gan_loss", "autoencoder_one_image", "vgg_features", "vgg_features_flatten")
# Has nothing to mend.
CLEAN = ("gan_generator", "autoencoder_one_image", "vgg_features_flatten")
# VGG16 has 528 MB of parameters, and a candidate that runs is run whole.
LARGE = ("vgg_features", "vgg_features_flatten")


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds, and the processor's seconds, over all rounds but a first one that warms up."""

    checks: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    candidates: list[tuple[float, float]] = field(default_factory=list)


def measure() -> tuple[str, bool]:
    """The table, and whether a candidate of each small program keeps the limit in the median."""
    rows = []
    kept = True
    with Worker() as worker:
        for name in PROGRAMS:
            seen = _seen(name, worker)
            middle = median(wall for wall, _ in seen.candidates) if seen.candidates else 0.0
            cpu = mean(cpu for _, cpu in seen.candidates) if seen.candidates else 0.0  # the system counts hundredths of a second
            judge = name not in LARGE + CLEAN
            kept = kept and (not judge or 0 < middle <= LIMIT)
            rows.append(
                (
                    f"{name}.py",
                    f"{1000 * median(seen.checks):.0f} ms",
                    f"{median(warm / bare for warm, bare in zip(seen.checks, seen.bare, strict=True)):.2f}",
                    str(len(seen.candidates) // ROUNDS),
                    *((f"{1000 * middle:.0f} ms", f"{1000 * cpu:.0f} ms") if seen.candidates else ("–", "–")),
                    judged(middle, LIMIT) if judge else "large" if name in LARGE else "",
                )
            )
    head = ("program", "warm check", "× `import torch`", "candidates", f"one candidate (limit {1000 * LIMIT:.0f} ms)", "its CPU", "")
    return markdown(head, rows), kept


def _seen(name: str, worker: Worker) -> Seen:
    file = ROOT / "examples" / f"{name}.py"
    request = Request(parse_target(file.name, file.parent), cwd=str(file.parent))
    seen = Seen()

    def observe(request: Request) -> Trace:
        began, used = time.perf_counter(), _processor(worker)
        trace = worker.observe(request)
        if request.overlay:
            seen.candidates.append((time.perf_counter() - began, _processor(worker) - used))
        return trace

    session.check(request, observe)
    seen.candidates.clear()
    for number in range(ROUNDS):
        print(f"{name}, round {number + 1}", file=sys.stderr, flush=True)
        began = time.perf_counter()
        session.check(request, observe)
        seen.checks.append(time.perf_counter() - began)
        seen.bare.append(run(BARE).wall)
    return seen


def _processor(worker: Worker) -> float:
    """The processor's seconds of the worker and of the children that it has waited for (Linux)."""
    fields = Path(f"/proc/{worker._process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
