"""`explain`: what a call of it costs against a bare Python, and how often the cause that a real report names is among the first three.

`bench/data/reports.json` holds messages of public issue threads with the cause that the thread gives. The tables of model families
were made from the set "known"; "held-out" comes from other threads, and was looked at while the tables were filled.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.processes import ROOT, run, shapewright
from bench.table import markdown
from shapewright.messages import Explanation, explain

PAIRS = 15
LIMIT = 8.0
SHARE = 0.85
BARE = (sys.executable, "-c", "pass")
MESSAGE = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (154x2048 and 768x320)"
COMMANDS = (
    ("a message", ("explain", MESSAGE)),
    ("a log of 170 lines", ("explain", "tests/logs/035-dynamo-linear.txt")),
    ("a slug's page", ("explain", "linear-in-features")),
)


def measure() -> tuple[str, bool]:
    """Both tables, and whether the limits are kept."""
    costs, quick = _costs()
    shares, enough, missed = _reports()
    listed = markdown(("report", "sizes", "its cause", "said first"), missed)
    return f"{costs}\n\n{shares}\n\nNot among the first three:\n\n{listed}", quick and enough


def _costs() -> tuple[str, bool]:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    rows, kept = [], True
    for name, words in COMMANDS:
        exit_code = run(shapewright(*words)).exit_code
        pairs = [(_seconds(shapewright(*words)), _seconds(BARE)) for _ in range(PAIRS)]
        ratio = median(ours / bare for ours, bare in pairs)
        good = exit_code == 0 and ratio <= LIMIT
        kept = kept and good
        bare_ms, ours_ms = (1000 * median(pair[side] for pair in pairs) for side in (1, 0))
        rows.append((name, f"{bare_ms:.0f} ms", f"{ours_ms:.0f} ms", f"{ratio:.1f}", f"{LIMIT:g}", "ok" if good else "SHORT"))
    return markdown(("`shapewright explain`", "`python -c pass`", "explain", "ratio", "limit", ""), rows), kept


def _seconds(command: Sequence[str]) -> float:
    """How long a command takes. `bench.processes.run` counts more, and its own share would be as large as a bare Python."""
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def _reports() -> tuple[str, bool, list[tuple[str, str, str, str]]]:
    reports: list[dict[str, Any]] = json.loads((ROOT / "bench" / "data" / "reports.json").read_text(encoding="utf-8"))
    counts: dict[tuple[str, str], list[int]] = {}
    missed = []
    for report in reports:
        if not report["message"]:
            continue
        answer = explain(report["message"])
        good = isinstance(answer, Explanation) and named(answer, report)
        for family in (report["family"], "all"):
            counts.setdefault((report["set"], family), []).append(good)
        if not good:
            first = f"{answer.causes[0].name}" if isinstance(answer, Explanation) else "not recognised"
            missed.append((report["ref"], _sizes(report["message"]), report["cause"], first))
    rows = [
        (kind, family, str(len(good)), str(sum(good)), f"{100 * sum(good) / len(good):.0f} %") for (kind, family), good in counts.items()
    ]
    share = {kind: sum(good) / len(good) for (kind, family), good in counts.items() if family == "all"}
    return markdown(("set", "family", "reports", "among the first three", ""), rows), share["known"] >= SHARE, missed


def named(answer: Explanation, report: dict[str, Any]) -> bool:
    """Whether one of the first three causes is the report's: its name, and the words that a right explanation or remedy has to hold."""
    for cause in answer.causes[:3]:
        text = f"{cause.name} {cause.why} {cause.guess} {' '.join(cause.tries)}".lower()
        right = not report["causes"] or cause.name in report["causes"]
        if right and all(any(word.lower() in text for word in group) for group in report["words"]):
            return True
    return False


def _sizes(message: str) -> str:
    text = " ".join(message.split()).replace("|", "/")
    return text if len(text) <= 90 else f"…{text[-88:]}"
