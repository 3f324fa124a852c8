"""506 snippets that were provoked on the CPU, on meta tensors and on fakes: every message is recognised, or stands below with the reason.

Skipped where the list is not beside this checkout; `test_explain_live.py` provokes its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shapewright.messages import Explanation, Unknown, explain

FILE = Path(__file__).parents[2] / "shared" / "messages" / "provoked.json"
PROVOKED: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else []
NOT_OURS = {
    "unpack": "a Python function was called with another number of arguments; no tensor has to do with it",
    "interp_empty": "on meta and fake tensors only: a check inside torch itself, which names neither a size nor the call",
}

pytestmark = pytest.mark.skipif(not PROVOKED, reason="the list is not beside this checkout")


@pytest.mark.parametrize("device", ["cpu", "meta", "fake"])
def test_every_message_is_recognised(device: str) -> None:
    missed = {
        entry["id"]
        for entry in PROVOKED
        if entry[f"{device}_message"] and isinstance(explain(f"{entry[f'{device}_type']}: {entry[f'{device}_message']}"), Unknown)
    }
    assert missed <= set(NOT_OURS)


def test_those_that_are_not_ours_are_few() -> None:
    assert len(PROVOKED) >= 500
    assert len(NOT_OURS) <= 2


def test_cpu_and_meta_agree_on_the_number_that_clashes() -> None:
    """Where both wordings of a linear layer name the sizes, they are read alike."""
    for entry in PROVOKED:
        if entry["cpu_message"] and entry["meta_message"] and "shapes cannot be multiplied" in entry["cpu_message"]:
            cpu, meta = explain(entry["cpu_message"]), explain(entry["meta_message"])
            assert isinstance(cpu, Explanation)
            assert isinstance(meta, Explanation)
            assert (cpu.slug, cpu.facts, cpu.causes) == (meta.slug, meta.facts, meta.causes)
