"""In which calls of a model the samples of a batch first meet: told by the run, wherever views and permutes have carried the batch."""

from __future__ import annotations

from typing import Any

import pytest

from shapewright.model import Trace

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"


def ran(check: Any, built: str, forward: str, call: str) -> Trace:
    """The trace of a program with one model, probed."""
    body = ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    body += [f"        {line}" for line in built.splitlines()] + ["    def forward(self, x):"]
    body += [f"        {line}" for line in forward.splitlines()] + [f"Net()({call})", ""]
    (check.folder / "program.py").write_text(HEAD + "\n".join(body))
    trace = check.worker.observe(check.request("program.py", probe=True))
    assert isinstance(trace, Trace)
    assert trace.stop is None
    return trace


def met(trace: Trace) -> list[tuple[str, int]]:
    """The calls in which samples met, each with its line below `forward`."""
    (probe,) = trace.probes
    text = trace.sources[next(iter(trace.sources))].split("\n")
    first = next(number for number, line in enumerate(text, 1) if "def forward" in line)
    return [(trace.events[index].op, (trace.events[index].span.line - first)) for index in probe.mixed]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("built", "forward", "call", "expected"),
    [
        ("self.r = nn.GRU(6, 8, 2, batch_first=True)\nself.f = nn.Linear(16, 3)",
         "_, h = self.r(x)\nreturn self.f(h.view(x.size(0), -1))", "torch.rand(4, 5, 6)", [("view", 2)]),
        ("self.f = nn.Linear(6, 4)",
         "y = self.f(x).permute(1, 0, 2)\ny = y.reshape(x.size(0), -1)\nreturn y * 2", "torch.rand(4, 5, 6)", [("reshape", 2)]),
        ("self.f = nn.Linear(6, 6)", "z = self.f(x)\nw = (z @ z.t()).softmax(1)\nreturn w @ z", "torch.rand(4, 6)", [("matmul", 2)]),
        ("self.f = nn.Linear(6, 6)", "z = self.f(x)\nreturn z - z.mean(0)", "torch.rand(4, 6)", [("mean", 2)]),
        ("self.f = nn.Linear(6, 6)", "z = self.f(x)\nreturn torch.softmax(z, dim=0)", "torch.rand(4, 6)", [("softmax", 2)]),
    ],
)  # fmt: skip
def test_the_call_in_which_samples_meet(check: Any, built: str, forward: str, call: str, expected: list[tuple[str, int]]) -> None:
    trace = ran(check, built, forward, call)
    assert trace.probes[0].mixes is True
    assert met(trace) == expected


@pytest.mark.parametrize(
    "forward",
    [
        "b, c, h, w = x.shape\nreturn self.f(x).reshape(1, b * 8, h, w).view(b * 4, 2, -1).view(b, 8, -1)",
        "y = self.f(x).permute(1, 2, 0, 3).reshape(8, -1, x.size(0), 2)\nreturn y.permute(2, 0, 1, 3).flatten(1)",
    ],
)
def test_samples_that_are_only_moved_do_not_meet(check: Any, forward: str) -> None:
    trace = ran(check, "self.f = nn.Conv2d(3, 8, 1)", forward, "torch.rand(4, 3, 6, 2)")
    assert trace.probes[0].mixes is False
    assert met(trace) == []


def test_the_watched_runs_leave_no_sign(check: Any) -> None:
    trace = ran(check, "self.r = nn.GRU(6, 8, 2)\nself.f = nn.Linear(8, 3)", "y, _ = self.r(x)\nreturn self.f(y)", "torch.rand(4, 5, 6)")
    assert [call.span is not None for call in trace.calls] == [True], "only the program's own call is one of the program's"
    assert [event.op for event in trace.events] == ["rand", "gru", "linear"]
