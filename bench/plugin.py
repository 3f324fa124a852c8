"""A suite of 300 passing tests, a third of them with torch, under pytest with the plugin and without it.

The suite runs in one process, which has torch already, in turn with and without; the ratio of each pair is taken, and of the
ratios the median. (Of whole processes the start, which is several times as long, would hide what a test costs.) Then what loading the
plugin takes, once a session, and what it does for one phase of one test that passes, without pytest around it.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from types import SimpleNamespace
from typing import Any

from bench.processes import run
from bench.table import judged, markdown

PAIRS = 40
LIMIT = 1.01
CALLS = 200_000
PLUGIN = "shapewright.front.pytest_plugin"
LOADING = f"import pytest, time; began = time.perf_counter(); import {PLUGIN}; print(time.perf_counter() - began)"
FILE = """
import pytest
import torch
from torch import nn

@pytest.mark.parametrize("n", range(20))
def test_plain(n):
    assert sum(range(n)) == n * (n - 1) // 2

@pytest.mark.parametrize("n", range(1, 11))
def test_model(n):
    assert nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 10))(torch.zeros(n, 32)).shape == (n, 10)
"""
FILES = 10


def measure() -> tuple[str, bool]:
    """The table, and whether the median of the ratios keeps the limit."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(FILES):
            (Path(folder) / f"test_suite_{number}.py").write_text(FILE)
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        pairs = [_pair(folder, turn) for turn in range(PAIRS + 2)][2:]
    ratios = [one / other for one, other in pairs]
    low, ratio, high = quantiles(ratios, n=4)
    bare = median(other for _, other in pairs)
    loading = median(float(run([sys.executable, "-c", LOADING]).output) for _ in range(9))
    rows = [
        (
            "300 tests",
            f"{bare * 1e3:.0f} ms",
            f"{median(one for one, _ in pairs) * 1e3:.0f} ms",
            f"{ratio:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{LIMIT}",
            judged(ratio, LIMIT),
        ),
        ("loading it, once", "", f"{loading * 1e3:.1f} ms", "", "", "–", ""),
        ("one phase of one test", "", f"{_hook() * 1e6:.2f} µs", "", "", "–", ""),
    ]
    return markdown(("CPU time", "without", "with", "ratio", "the middle half of the ratios", "limit", ""), rows), ratio <= LIMIT


def _pair(folder: str, turn: int) -> tuple[float, float]:
    """With and without; which of them goes first changes from pair to pair."""
    first = _seconds(folder, turn % 2 == 0)
    second = _seconds(folder, turn % 2 == 1)
    return (first, second) if turn % 2 == 0 else (second, first)


def _seconds(folder: str, with_plugin: bool) -> float:
    """CPU seconds of the suite."""
    import pytest

    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:shapewright", "--rootdir", folder, folder]
    output = io.StringIO()
    began = time.process_time()
    with contextlib.redirect_stdout(output):
        code = pytest.main([*options, "-p", PLUGIN] if with_plugin else options)
    seconds = time.process_time() - began
    if code or "300 passed" not in output.getvalue():
        raise RuntimeError(f"the suite did not pass: {output.getvalue()[-500:]}")
    return seconds


def _hook() -> float:
    """Seconds that the plugin's hook takes for a phase without an exception."""
    from shapewright.front.pytest_plugin import Explainer

    explainer = Explainer(1.0)
    call: Any = SimpleNamespace(excinfo=None)
    item: Any = None
    report: Any = object()
    began = time.perf_counter()
    for _ in range(CALLS):
        hook = explainer.pytest_runtest_makereport(item, call)
        next(hook)
        try:
            hook.send(report)
        except StopIteration:
            continue
    return (time.perf_counter() - began) / CALLS
