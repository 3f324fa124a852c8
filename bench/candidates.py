"""One candidate for a fix in a warm worker: the edited program run, and its models asked for other batches."""

from __future__ import annotations

import time
from statistics import median

from bench.processes import ROOT
from bench.table import judged, markdown
from shapewright import session
from shapewright.model import Trace
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_target

ROUNDS = 5
LIMIT = 0.030
PROGRAMS = ("cnn_64px", "cnn_swallowed", "gan_loss", "autoencoder_one_image", "vgg_features")
# VGG16 has 528 MB of parameters, and a candidate that runs is run whole.
LARGE = ("vgg_features",)


def measure() -> tuple[str, bool]:
    """The table, and whether a candidate of each small program keeps the limit in the median."""
    rows = []
    kept = True
    with Worker() as worker:
        for name in PROGRAMS:
            first, candidates = _seconds(name, worker)
            middle = median(candidates) if candidates else 0.0
            small = name not in LARGE
            kept = kept and (not small or 0 < middle <= LIMIT)
            verdict = judged(middle, LIMIT) if small else "large"
            rows.append(
                (f"{name}.py", f"{1000 * median(first):.0f} ms", str(len(candidates) // ROUNDS), f"{1000 * middle:.0f} ms", verdict)
            )
    head = ("program", "first run", "candidates", f"one candidate (limit {1000 * LIMIT:.0f} ms)", "")
    return markdown(head, rows), kept


def _seconds(name: str, worker: Worker) -> tuple[list[float], list[float]]:
    """What the first run of a check and each candidate's took, over all rounds but a first one that warms up."""
    file = ROOT / "examples" / f"{name}.py"
    request = Request(parse_target(file.name, file.parent), cwd=str(file.parent))
    first: list[float] = []
    candidates: list[float] = []

    def observe(request: Request) -> Trace:
        began = time.perf_counter()
        trace = worker.observe(request)
        (candidates if request.overlay else first).append(time.perf_counter() - began)
        return trace

    session.check(request, observe)
    first.clear()
    candidates.clear()
    for _ in range(ROUNDS):
        session.check(request, observe)
    return first, candidates
