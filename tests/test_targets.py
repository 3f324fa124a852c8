"""What can be checked: scripts, classes, factories, instances, modules in packages. (Live objects: test_library.py.)"""

from __future__ import annotations

import pytest

from shapewright.observe.request import InputSpec, UsageError, parse_input, parse_target

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8, depth=1):
        super().__init__()
        self.inner = nn.Linear(width, 4)
        self.outer = nn.Linear(4, 2)

    def forward(self, x, scale=None):
        y = self.outer(self.inner(x))
        return y if scale is None else y * scale

def make(width=8):
    return Net(width)

def double(x):
    return x @ x

net = Net(8)
"""


@pytest.mark.parametrize(
    ("target", "inputs", "init", "verdict"),
    [
        ("Net", ["2,8"], "", "clean"),
        ("Net", ["2,9"], "", "error"),
        ("Net", ["2,9"], "width=9", "clean"),
        ("Net", ["2,9"], "9, depth=2", "clean"),
        ("make", ["2,8"], "", "clean"),
        ("make", ["2,5"], "width=5", "clean"),
        ("net", ["2,8"], "", "clean"),
        ("net", ["2,8", "scale=2,1"], "", "clean"),
        ("net", ["2,8", "scale=3,1"], "", "error"),
        ("double", ["3,3"], "", "clean"),
        ("double", ["3,4"], "", "error"),
        ("Net", [], "", "not-analysed"),
        ("Missing", ["2,8"], "", "not-analysed"),
        ("net", ["2,8", "2,1", "5,5", "1"], "", "not-analysed"),
    ],
)
def test_named(check, target: str, inputs: list[str], init: str, verdict: str) -> None:  # type: ignore[no-untyped-def]
    report = check.source(NET, *inputs, target=target, init=init)
    assert report.verdict == verdict, (report.reason, report.findings)


def test_script_with_input(check) -> None:  # type: ignore[no-untyped-def]
    program = NET + "\nprint(net(torch.randn(2, 8)).shape)\n"
    assert check.source(program).verdict == "clean"
    assert check.source(program, "2,9").verdict == "error"
    assert check.source(program, "4,8").inputs == ("f32[4, 8]",)


def test_packages(check) -> None:  # type: ignore[no-untyped-def]
    package = check.folder / "project" / "models"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .net import Net\n")
    (package.parent / "__init__.py").write_text("WIDTH = 6\n")
    (package / "net.py").write_text(
        "from torch import nn\nfrom .. import WIDTH\n"
        "class Net(nn.Sequential):\n    def __init__(self):\n        super().__init__(nn.Linear(WIDTH, 2))\n"
    )
    assert check("project.models:Net", "1,6").verdict == "clean"
    assert check("project/models/net.py:Net", "1,6").verdict == "clean"
    report = check("project/models/net.py:Net", "1,7")
    demand = report.findings[0].demand
    assert demand is not None
    assert demand.span.file.endswith("project/__init__.py")
    (check.folder / "project" / "train.py").write_text("import torch\nfrom .models import Net\nprint(Net()(torch.randn(1, 6)).shape)\n")
    assert check("project/train.py").verdict == "clean"
    (check.folder / "run.py").write_text("import torch\nfrom project.models import Net\nNet()(torch.randn(1, 5))\n")
    assert check("run.py").findings[0].where.file.endswith("run.py")


def test_words_of_the_script(check) -> None:  # type: ignore[no-untyped-def]
    program = (
        "import argparse, torch\nfrom torch import nn\np = argparse.ArgumentParser()\n"
        "p.add_argument('--width', type=int, default=3)\n"
        "a = p.parse_args()\nif __name__ == '__main__':\n    nn.Linear(a.width, 2)(torch.randn(1, 3))\n"
    )
    assert check.source(program).verdict == "clean"
    report = check.source(program, argv=("--width", "4"))
    assert report.verdict == "error"


@pytest.mark.parametrize(("text", "spec"), [
    ("1,3,64,64", InputSpec((1, 3, 64, 64))),
    ("x=2,16:int64", InputSpec((2, 16), "int64", "x")),
    ("1x3x8x8", InputSpec((1, 3, 8, 8))),
    ("[2, 3]:bool", InputSpec((2, 3), "bool")),
    ("5", InputSpec((5,))),
])  # fmt: skip
def test_inputs(text: str, spec: InputSpec) -> None:
    assert parse_input(text) == spec


@pytest.mark.parametrize("text", ["a", "1,-2", "1,2:what", "1 2=3", "1.5"])
def test_bad_inputs(text: str) -> None:
    with pytest.raises(UsageError):
        parse_input(text)


@pytest.mark.parametrize("text", ["no.py", "no/where", "a b:c", "file.py:1x"])
def test_bad_targets(tmp_path, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError):
        parse_target(text, tmp_path)
