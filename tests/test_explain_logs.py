"""Whole logs, as people paste them: is the root error found, and is the line the user's?

`tests/logs/` holds tracebacks and logs with colours, boxes, prefixes, wrappers and other errors around; `expect.json` says what a
careful reader answers. A log without a shape error of PyTorch must not be recognised. Hostile texts are made here.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from shapewright.messages import Explanation, Unknown, explain
from shapewright.messages.clean import decode

FOLDER = Path(__file__).parent / "logs"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expect.json").read_text(encoding="utf-8"))
MESSAGE = "mat1 and mat2 shapes cannot be multiplied (128x29040 and 2048x50)"
FRAME = '  File "a.py", line 7, in forward\n    x = self.block(x)\n'


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if expected["recognised"]])
def test_the_root_error_is_found(name: str) -> None:
    expected = EXPECTED[name]
    answer = explain(decode((FOLDER / name).read_bytes()))
    assert isinstance(answer, Explanation), expected["why"]
    for number in expected.get("contains_numbers") or []:
        assert number in f"{answer.message} {dict(answer.facts)}", (answer.message, expected["why"])
    place = {"file": answer.at.file, "line": answer.at.line} if answer.at else None
    assert place in (expected["at"], *expected.get("at_also", [])), expected["why"]
    assert answer.layer in (expected["layer"], *expected.get("layer_also", [])), expected["why"]


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if not expected["recognised"]])
def test_what_is_no_shape_error_of_pytorch_is_refused(name: str) -> None:
    assert isinstance(explain(decode((FOLDER / name).read_bytes())), Unknown), EXPECTED[name]["why"]


def test_there_are_enough_of_both() -> None:
    assert sum(expected["recognised"] for expected in EXPECTED.values()) >= 90
    assert sum(not expected["recognised"] for expected in EXPECTED.values()) >= 11


HOSTILE = {
    "brackets": "[" * 1_000_000,
    "nested brackets": "([{" * 160_000 + "}])" * 160_000,
    "sizes that never close": "(1x" * 330_000,
    "one message without end": "mat1 and mat2 shapes cannot be multiplied (" * 24_000,
    "digits": "shape '[" + "1" * 1_000_000,
    "blanks": "RuntimeError:" + " " * 1_000_000,
    "line ends": "\n" * 1_000_000,
    "tracebacks": "Traceback (most recent call last):\n" * 30_000,
    "a recursion": FRAME * 20_000 + f"RuntimeError: {MESSAGE}",
    "colours": "\x1b[31m" * 200_000,
    "colours without end": "\x1b]8;" * 250_000,
    "zeros": "\0" * 1_000_000,
    "escapes": "\\n\\\\" * 250_000,
    "full-width": "（１×２）" * 150_000,
    "keys": "size mismatch for a.b: copying a param with shape torch.Size([1]) from checkpoint, " * 12_000,
    "shapes": "torch.Size([" * 80_000,
    "caught": "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_answered_at_once(text: str) -> None:
    """The product's limit is a second; the processor's time is measured, so that a busy machine does not decide."""
    before = time.process_time()
    explain(text)
    assert time.process_time() - before < 1.0


@pytest.mark.parametrize("around", ["x " * 250_000, "epoch 1: loss 0.5\n" * 28_000, "\0\x01" * 250_000])
def test_a_message_in_a_long_text_is_found(around: str) -> None:
    answer = explain(f"{around}\nRuntimeError: {MESSAGE}\n{around}")
    assert isinstance(answer, Explanation)
    assert answer.facts == {"rows": 128, "got": 29040, "want": 2048, "out": 50}
