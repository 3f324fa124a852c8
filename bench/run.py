"""Training under `shapewright run` against plain Python, until just before the failure, pair by pair.

The program prints the seconds since its process was started, and the processor's seconds, in the line before the one that
fails; what is done after the failure is not counted. Both ways are run in turn, each first in every second pair, so that a busy
machine slows both; the ratio of each pair is taken, and of the ratios the median. Seconds are judged, since they are what the user
waits; the processor's seconds tell on a busy machine whether they can be believed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles

from bench.table import judged, markdown

PAIRS = 15
LIMIT = 1.01
PROGRAM = Path(__file__).with_name("programs") / "fails_after_500_steps.py"
PLAIN = (sys.executable, str(PROGRAM))
RUN = (sys.executable, "-m", "shapewright", "run", str(PROGRAM))


def measure() -> tuple[str, bool]:
    """The table, and whether the median ratio of the seconds keeps the limit."""
    until_failure(PLAIN)
    until_failure(RUN)
    pairs = []
    for turn in range(PAIRS):
        if turn % 2:
            watched = until_failure(RUN)
            pairs.append((until_failure(PLAIN), watched))
        else:
            plain = until_failure(PLAIN)
            pairs.append((plain, until_failure(RUN)))
    rows = []
    ratios = {}
    for kind, name in enumerate(("seconds", "processor's seconds")):
        ratios[name] = [watched[kind] / plain[kind] for plain, watched in pairs]
        low, _, high = quantiles(ratios[name], n=4)
        rows.append(
            (
                name,
                f"{median(plain[kind] for plain, _ in pairs):.2f} s",
                f"{median(watched[kind] for _, watched in pairs):.2f} s",
                f"{median(ratios[name]):.3f}",
                f"{low:.3f} – {high:.3f}",
                f"{LIMIT}" if kind == 0 else "–",
                judged(median(ratios[name]), LIMIT) if kind == 0 else "listed",
            )
        )
    head = (f"500 steps, {PAIRS} pairs", "`python`", "`shapewright run`", "ratio", "middle half", "limit", "")
    return markdown(head, rows), median(ratios["seconds"]) <= LIMIT


def until_failure(command: tuple[str, ...]) -> tuple[float, float]:
    """Seconds and the processor's seconds from the start of the command's process to the line before the failure."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "BEGAN": repr(time.time())}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode == 0 or len(words) < 2:
        raise RuntimeError(f"`{' '.join(command)}` did not fail after 500 steps, but ended with {done.returncode}:\n{done.stderr}")
    return float(words[0]), float(words[1])
