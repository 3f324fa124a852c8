"""Memory and seconds of checking transformers of 7 and 69 billion parameters: model, loss, backward and an AdamW step.

`largest` is the peak of the largest process, as the system counted it; `together` is the sum over all processes at one moment, looked at
every 20 ms, with shared pages counted once. The limit is the same for both: on fake tensors a model costs what its modules cost and not
what its parameters would. A bare `import torch` is run beside each check.
"""

from __future__ import annotations

import json
import sys

from bench.processes import Cost, run, shapewright
from bench.table import judged, markdown

PROGRAMS = ("bench/programs/transformer_7b.py", "bench/programs/transformer_70b.py")
LIMIT = 1_000_000_000  # bytes, for all processes together
RUNS = 3
BARE = (sys.executable, "-c", "import torch")


def measure() -> tuple[str, bool]:
    """The table of the runs; short when one exceeds the limit, or is not clean on fake tensors."""
    rows = []
    kept = True
    for number in range(RUNS):
        for program in PROGRAMS:
            print(f"{program}, run {number + 1}", file=sys.stderr, flush=True)
            bare = run(BARE)
            cost = run(shapewright("check", "--format", "json", program), watch_memory=True)
            verdict, how = _verdict(cost)
            most = max(cost.largest, cost.together)
            good = (verdict, how) == ("clean", "fake")
            kept = kept and most <= LIMIT and good
            rows.append(
                (
                    program.rpartition("/")[2],
                    f"{number + 1}",
                    f"{verdict}, {how}",
                    f"{cost.largest / 1e6:.0f} MB",
                    f"{cost.together / 1e6:.0f} MB",
                    f"{cost.wall:.1f} s",
                    f"{cost.cpu:.1f} s",
                    f"{cost.cpu / bare.cpu:.1f}",
                    f"{LIMIT / 1e6:.0f} MB",
                    judged(most, LIMIT) if good else "SHORT",
                )
            )
    head = ("program", "run", "verdict", "largest process", "all together", "wall", "CPU", "CPU, × `import torch`", "limit", "")
    return markdown(head, sorted(rows, key=lambda row: (len(row[0]), row[0]))), kept


def _verdict(cost: Cost) -> tuple[str, str]:
    try:
        target = json.loads(cost.output)["targets"][0]
    except (ValueError, LookupError):
        return "no report", "–"
    return target["verdict"], target["ran"]["how"]
