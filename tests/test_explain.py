"""`shapewright explain` as a user meets it: where the text comes from, what is printed, the exit code, the document."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shapewright.messages import Explanation, Unknown, explain
from shapewright.show import explanation
from shapewright.show.paint import paint
from shapewright.show.text import Look

MESSAGE = "mat1 and mat2 shapes cannot be multiplied (128x29040 and 2048x50)"
SCRIPT = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 5)

    def forward(self, x):
        return self.fc1(x)


Net()(torch.randn(3, 7))
"""


def command(
    *words: str, given: bytes = b"", env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shapewright", "explain", *words],
        input=given.decode("latin-1"), encoding="latin-1", capture_output=True, check=False, cwd=cwd, env={**os.environ, **(env or {})},
    )  # fmt: skip


def document(*words: str, given: bytes = b"", cwd: Path | None = None) -> dict[str, Any]:
    done = command(*words, "--format", "json", given=given, cwd=cwd)
    return {**json.loads(done.stdout), "exit": done.returncode}


def shown(text: str, width: int = 100) -> str:
    answer = explain(text)
    assert isinstance(answer, Explanation)
    return paint(explanation.terminal(answer, "", Look(width=width, cells=len)), colour=False)


def test_a_message_as_an_argument() -> None:
    data = document(MESSAGE)
    assert data["exit"] == 0
    assert data["schema"] == 1
    assert data["tool"]["name"] == "shapewright"
    assert data["recognised"] is True
    assert data["slug"] == "linear-in-features"
    assert data["facts"] == {"rows": 128, "got": 29040, "want": 2048, "out": 50}
    assert [cause["cause"] for cause in data["causes"]] == ["wrong-constant", "input-size-changed"]
    assert {cause["likelihood"] for cause in data["causes"]} == {"likely", "possible"}
    assert data["try"]
    assert data["layer"] is data["at"] is None


def test_words_without_quotes() -> None:
    assert document(*MESSAGE.split())["facts"]["got"] == 29040


def test_the_contracts_example() -> None:
    cause = document("mat1 and mat2 shapes cannot be multiplied (8x131072 and 25088x4096)")["causes"][0]
    assert cause["cause"] == "input-size-changed"
    assert cause["likelihood"] == "likely"
    assert cause["facts"] == {"channels": 512, "got": [16, 16], "want": [7, 7], "batch": 8}


def test_a_traceback_on_standard_input_names_the_line_and_the_layer_and_offers_a_check(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    ran = subprocess.run([sys.executable, "train.py"], capture_output=True, check=False, cwd=tmp_path)
    assert ran.returncode == 1
    data = document("-", given=ran.stderr, cwd=tmp_path)
    assert data["layer"] == "fc1"
    assert data["at"] == {"file": "train.py", "line": 11}
    assert data["headline"] == "`fc1` expects 10 input features but receives 7"
    assert "shapewright check train.py" in data["try"][-1]


def test_a_traceback_without_source_lines_is_filled_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SCRIPT, encoding="utf-8")
    text = f'Traceback (most recent call last):\n  File "net.py", line 11, in forward\nRuntimeError: {MESSAGE}\n'
    data = document("-", given=text.encode(), cwd=tmp_path)
    assert data["layer"] == "fc1"


def test_a_file_that_is_not_here_is_not_offered() -> None:
    text = (
        f'Traceback (most recent call last):\n  File "/nowhere/net.py", line 11, in forward\n    x = self.fc1(x)\nRuntimeError: {MESSAGE}\n'
    )
    data = document("-", given=text.encode())
    assert data["layer"] == "fc1"
    assert not any("shapewright check" in step for step in data["try"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_log_file(tmp_path: Path, encoding: str) -> None:
    log = tmp_path / "log.txt"
    log.write_text(f"epoch 1\nRuntimeError: {MESSAGE}\nbye\n", encoding=encoding)
    assert document("--file", str(log))["facts"]["rows"] == 128
    assert document(str(log))["facts"]["rows"] == 128


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_the_clipboard(tmp_path: Path) -> None:
    program = tmp_path / "xclip"
    program.write_text(f"#!/bin/sh\necho 'RuntimeError: {MESSAGE}'\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    done = command("--clipboard", env={"PATH": str(tmp_path) + os.pathsep + "/bin"})
    assert "29040" in done.stdout
    assert done.returncode == 0


def test_no_clipboard_is_one_sentence(tmp_path: Path) -> None:
    done = command("--clipboard", env={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert "clipboard" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("KeyError: 'x'",), "no shape error of PyTorch"),
        (("hello",), "nor any error at all"),
        (("",), "nor any error at all"),
        (("linear-in-feature",), "did you mean 'linear-in-features'?"),
        (("--file", "nowhere.txt"), "cannot be read"),
        (("--file", "a.txt", "message"), "one text"),
    ],
)
def test_what_is_not_understood_is_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    done = command(*words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_text_as_a_document() -> None:
    data = document("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB")
    assert data["exit"] == 2
    assert data["recognised"] is False
    assert (data["slug"], data["causes"], data["try"], data["layer"], data["at"]) == (None, [], [], None, None)
    assert "CUDA out of memory" in data["headline"]


def test_pages_and_their_list() -> None:
    page = command("missing-flatten")
    assert page.returncode == 0
    assert "How to tell which fix is right" in page.stdout
    listed = command("--list")
    assert listed.returncode == 0
    assert {"linear-in-features", "softmax-dim", "generator-discriminator"} <= set(listed.stdout.split())
    assert len(document("--list")["slugs"]) >= 25


def test_the_terminals_answer() -> None:
    assert shown(MESSAGE) == (
        """error[linear-in-features]: the layer expects 2048 input features but receives 29040
 = certain: 128 rows (all dims before the last, multiplied) of 29040 features meet a layer built for
   2048 input features and 50 outputs
 = note: PyTorch says: mat1 and mat2 shapes cannot be multiplied (128x29040 and 2048x50)

likely: wrong-constant
  in_features was copied from elsewhere or reckoned wrongly: what comes has 29040 = 60·22·22 (22×22
  maps), 240·11·11 (11×11 maps), 15·44·44 (44×44 maps)

possible: input-size-changed
  if only the image size changed, there are at most 16 channels: 16·33·55 against 16·8·16, about
  14.2 times the places

what to try
  1. build the layer for what comes: in_features=29040, or `nn.LazyLinear(50)`, which takes it from
     the first batch
  2. bring the images to the size that the layer was built for
  3. print `x.shape` in the line before the layer: the last dim must be what the layer was built for

more: shapewright explain linear-in-features
"""
    )


@pytest.mark.parametrize("width", [30, 40, 80])
def test_it_fits_the_page(width: int) -> None:
    assert all(len(line) <= width for line in shown(MESSAGE, width).splitlines() if " " in line.strip())


def test_escape_codes_of_the_text_do_not_reach_the_terminal() -> None:
    text = f'Traceback (most recent call last):\n  File "\x1b[2Ja.py", line 1, in f\n    self.fc1(x)\nRuntimeError: {MESSAGE}'
    assert "\x1b" not in shown(text)


def test_neither_torch_nor_rich_is_imported() -> None:
    run = "import sys; from shapewright.front.main import main\ntry: main(['explain', {!r}])"
    code = run + "\nfinally: sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code.format(MESSAGE)], capture_output=True, text=True, check=False)
    assert "29040" in done.stdout
    loaded = set(done.stderr.split())
    assert "shapewright.messages" in loaded
    assert not {"torch", "rich", "libcst", "shapewright.model", "shapewright.reason"} & loaded


def test_an_exception_that_only_says_its_name() -> None:
    assert explain("Traceback (most recent call last):\nZeroDivisionError") == Unknown("ZeroDivisionError")
