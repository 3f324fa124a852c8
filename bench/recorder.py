"""The forward of a 150-layer model under the recorder against the bare forward, in one process, call by call.

One thread, gradients on: the forward is called as a training script calls it. The recorder listens as in a check, with its hooks
and its budget; each recorded call has a new recorder.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.processes import ROOT
from bench.table import judged, markdown

PAIRS = 30
LIMIT = 3.0
PROGRAMS = ROOT / "bench" / "programs"


def measure() -> tuple[str, bool]:
    """The table, and whether the models of ordinary size keep the limit."""
    import torch

    torch.set_num_threads(1)
    deep = importlib.import_module("bench.programs.deep")
    rows = []
    kept = True
    for make, counts in ((deep.convolutions, True), (deep.linear, True), (deep.tiny, False)):
        model, x = make()
        pairs = [(_seconds(model, x), _recorded(model, x)) for _ in range(PAIRS + 3)][3:]
        ratio = median(recorded / bare for bare, (recorded, _) in pairs)
        bare = median(bare for bare, _ in pairs)
        recorded = median(recorded for _, (recorded, _) in pairs)
        events = pairs[0][1][1]
        kept = kept and (not counts or ratio <= LIMIT)
        rows.append(
            (
                make.__doc__.rstrip("."),
                f"{bare * 1e3:.2f} ms",
                f"{recorded * 1e3:.2f} ms",
                f"{(recorded - bare) / events * 1e6:.1f} µs",
                f"{ratio:.2f}",
                f"{LIMIT:g}" if counts else "–",
                judged(ratio, LIMIT) if counts else "worst case",
            )
        )
    return markdown(("model", "bare", "recorded", "more per call", "ratio", "limit", ""), rows), kept


def _recorded(model: Any, x: Any) -> tuple[float, int]:
    """CPU seconds of one forward under a new recorder, and the number of its events."""
    from shapewright.observe import hooks, standins
    from shapewright.observe.record import Recorder
    from shapewright.observe.run import _Budget
    from shapewright.source import Sources

    recorder = Recorder(Sources([PROGRAMS]))
    recorder.before = standins.devices.to_cpu
    recorder.after = _Budget(recorder)
    with hooks.listening(recorder), recorder:
        seconds = _seconds(model, x)
    if recorder.total < 150:
        raise RuntimeError(f"the recorder saw {recorder.total} calls of 150")
    return seconds, recorder.total


def _seconds(model: Callable[[Any], Any], x: Any) -> float:
    began = time.process_time()
    model(x)
    return time.process_time() - began
