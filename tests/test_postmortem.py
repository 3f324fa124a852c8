"""A failure of a real run comes again in a dry one: by which way, and with the same report as `check` gives where that gets there."""

from __future__ import annotations

import linecache
import runpy
import textwrap
import tomllib
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from shapewright import postmortem, session
from shapewright.observe import client
from shapewright.observe.client import Worker
from shapewright.observe.given import pack, unpack
from shapewright.observe.request import Request, parse_target
from shapewright.postmortem import Diagnosis, NotRepeated
from shapewright.report import TargetReport

EXAMPLES = Path(__file__).parents[1] / "examples"
MANIFEST = tomllib.loads((EXAMPLES / "manifest.toml").read_text(encoding="utf-8"))
SLOW = {"digits_autoencoder.py", "digits_gan.py", "digits_vgg.py"}  # whole trainings; digits_cnn.py stands for them
ESCAPING = [
    one["file"] for one in MANIFEST["program"] if one["verdict"] == "error" and not one.get("swallowed") and one["file"] not in SLOW
]


def raised(file: Path) -> Exception:
    """What escapes from the program in this process."""
    with pytest.raises(Exception) as caught:
        runpy.run_path(str(file), run_name="__main__")
    return caught.value


@pytest.fixture
def after(worker: Worker, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(client, "Worker", lambda: nullcontext(worker))
    monkeypatch.setattr("builtins.print", lambda *args, **kwargs: None)

    def diagnosed(file: Path, *, worked: float = 0.1, program: bool = True) -> Diagnosis | NotRepeated | None:
        linecache.checkcache()
        request = Request(parse_target(str(file), file.parent), str(file.parent))
        return postmortem.after(raised(file), request if program else None, worked=worked)

    return diagnosed


def findings_of(target: TargetReport) -> list[object]:
    """What is found, and the first fixes; how many more were tried hangs on the machine's speed."""
    return [(one.slug, one.where, one.headline, one.swallowed, one.labels, one.story, one.fixes[:1]) for one in target.findings]


@pytest.mark.parametrize("name", ESCAPING)
def test_an_example_is_told_as_check_tells_it(name: str, after, worker: Worker) -> None:  # type: ignore[no-untyped-def]
    file = EXAMPLES / name
    told = after(file)
    checked = session.check(Request(parse_target(str(file), file.parent), str(file.parent)), worker.observe)
    assert told.how == "check"
    assert findings_of(told.report.targets[0]) == findings_of(checked)
    assert checked.findings[0].fixes


NET = """
    import os, sys, torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width=8):
            super().__init__()
            self.fc = nn.Linear(width, 2)

        def forward(self, x):
            return self.fc(x)

    """
DRY = "'SHAPEWRIGHT_DRY' in os.environ"
# The program, seconds for which it had worked, and the way that gets there.
WAYS = {
    "check": ("net = Net()\nnet(torch.randn(4, 9))", 0.1, "check"),
    "turn": (
        """
        net, optimizer = Net(), None
        for width in [8] * 300 + [9] + [8] * 5:
            net(torch.randn(4, width)).sum().backward()
        """,
        99.0,
        "turn",
    ),
    "whole": (
        """
        net, turns = Net(), 0
        while turns < 200:
            turns += 1
            net(torch.randn(4, 9 if turns == 150 else 8)).sum().backward()
        """,
        0.1,
        "whole",
    ),
    "call": (f"net = Net()\nnet(torch.randn(4, 8))\nif not {DRY}:\n    net(torch.randn(4, 9))", 99.0, "call"),
    "model": (f"if {DRY}:\n    raise OSError('no data')\nnet = Net(width=6)\nnet(torch.randn(4, 9))", 0.1, "model"),
    "live": (f"if {DRY}:\n    raise OSError('no data')\nx = torch.randn(4, 3)\nx @ torch.randn(4, 3)", 0.1, "live"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_gets_there(way: str, after, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    body, worked, how = WAYS[way]
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(NET) + textwrap.dedent(body), encoding="utf-8")
    told = after(file, worked=worked)
    assert isinstance(told, Diagnosis)
    assert told.how == how
    finding = told.report.targets[0].findings[0]
    assert finding.severity == "error"
    assert not finding.swallowed
    assert finding.torch_message is not None and finding.torch_message.startswith("mat1 and mat2 shapes cannot be multiplied (4x")
    assert finding.fixes or how not in ("check", "whole", "model")
    assert not finding.fixes or how != "live"


def test_without_a_program_the_live_call_is_made_again(after, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(NET) + "net = Net()\nnet(torch.randn(4, 9))", encoding="utf-8")
    told = after(file, program=False)
    assert (told.how, told.why) == ("live", "")


@pytest.mark.parametrize(
    "body", ["{}['x']", "raise RuntimeError('shape mismatch')", "assert torch.ones(2).shape == (3,)", "1 / 0", "int('x')"]
)
def test_what_torch_did_not_raise_is_left_alone(body: str, after, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "program.py"
    file.write_text(f"import torch\nx = torch.ones(2)\n{body}\n", encoding="utf-8")
    assert after(file) is None


def test_what_was_given_comes_out_alike() -> None:
    given = (torch.randn(2, 3, dtype=torch.float64), {"ids": torch.tensor([[1, 5]]), "mask": torch.tensor([True, False])}, "x", 3, None)
    text = pack(given)
    assert text is not None
    floats, named, *rest = unpack(text)
    assert (floats.shape, floats.dtype) == ((2, 3), torch.float64)
    assert named["ids"].tolist() == [[1, 5]] and named["mask"].tolist() == [True, False]
    assert rest == ["x", 3, None]


def test_a_model_or_an_open_file_cannot_be_taken_along() -> None:
    assert pack(torch.nn.Linear(2, 2)) is None
    with open(__file__, encoding="utf-8") as file:
        assert pack(file) is None
