"""Memory and seconds of checking a transformer of 7 billion parameters: model, loss, backward and an AdamW step.

`largest` is the peak of the largest process, as the system counted it; `together` is the sum over all processes at one moment, looked at
every 20 ms, with shared pages counted once.
"""

from __future__ import annotations

import json

from bench.processes import Cost, run, shapewright
from bench.table import judged, markdown

PROGRAM = "bench/programs/transformer_7b.py"
LIMIT = 1_000_000_000  # bytes, for all processes together
RUNS = 3


def measure() -> tuple[str, bool]:
    """The table of the runs; short when one exceeds the limit, or is not clean on fake tensors."""
    rows = []
    kept = True
    for number in range(RUNS):
        cost = run(shapewright("check", "--format", "json", PROGRAM), watch_memory=True)
        verdict, how = _verdict(cost)
        most = max(cost.largest, cost.together)
        kept = kept and most <= LIMIT and (verdict, how) == ("clean", "fake")
        rows.append(
            (
                f"{number + 1}",
                f"{verdict}, {how}",
                f"{cost.largest / 1e6:.0f} MB",
                f"{cost.together / 1e6:.0f} MB",
                f"{cost.wall:.1f} s",
                f"{cost.cpu:.1f} s",
                f"{LIMIT / 1e6:.0f} MB",
                judged(most, LIMIT) if (verdict, how) == ("clean", "fake") else "SHORT",
            )
        )
    return markdown(("run", "verdict", "largest process", "all together", "wall", "CPU", "limit", ""), rows), kept


def _verdict(cost: Cost) -> tuple[str, str]:
    target = json.loads(cost.output)["targets"][0]
    return target["verdict"], target["ran"]["how"]
