"""A command → what it cost: seconds, the processor's seconds and memory of the command and all processes below it (Linux).

Imports no torch: a child's largest memory, as the system counts it, is at least that of the process which started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command took."""

    exit_code: int
    output: str
    wall: float  # seconds
    cpu: float  # seconds, user and system, all processes together
    largest: int  # bytes that the largest of its processes held at its peak
    together: int  # bytes that all held at once, shared pages counted once; 0 when nobody looked


def shapewright(*words: str) -> list[str]:
    """The command line of shapewright in this interpreter's environment."""
    return [str(Path(sys.executable).with_name("shapewright")), *words]


def run(command: Sequence[str], *, watch_memory: bool = False) -> Cost:
    """Run the command in the repository's root and count. `watch_memory` looks at all its processes while they run, which costs time."""
    together = 0
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    if watch_memory:
        # The report is short enough for the pipe to hold it until somebody reads.
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            together = max(together, sum(_share(pid) for pid in _tree(process.pid)))
            time.sleep(_BETWEEN_LOOKS)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)  # counts the processes below it, too, each of which was waited for
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    return Cost(process.returncode, output, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, together)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for thread in Path(f"/proc/{parent}/task").iterdir():
                found.extend(int(child) for child in (thread / "children").read_text().split())
        except OSError:  # it has ended
            continue
    return found


def _share(pid: int) -> int:
    """The process's proportional share of memory: pages that a fork shares with its parent are not counted twice."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
