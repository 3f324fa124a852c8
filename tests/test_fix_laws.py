"""The laws of a fix, over generated programs with one wrong number or one missing call.

The first fixes of a report together: the program parses and really runs in plain PyTorch, every edit is needed, comments and all text
outside of the edits stay, and a second check finds nothing.
"""

from __future__ import annotations

import ast
import contextlib
import io
import tokenize
from dataclasses import dataclass

import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shapewright.reason.patches import applied
from shapewright.report import Edit


@dataclass(frozen=True, slots=True)
class Plan:
    """A program that is right but for `slip`."""

    channels: tuple[int, ...]
    side: int
    hidden: tuple[int, ...]
    classes: int
    batch: int
    style: str  # sequential | forward
    product: bool  # 8 * 4 * 4 rather than 128
    loss: str
    slip: str

    def source(self) -> str:
        side = self.side // 2 ** len(self.channels)
        width = self.channels[-1] * side * side
        first = f"{self.channels[-1]} * {side} * {side}" if self.product else str(width)
        widths = [first, *map(str, self.hidden), str(self.classes if self.loss == "ce" else 1)]
        if self.slip == "width":
            widths[0] = f"{self.channels[-1]} * {side + 1} * {side + 1}" if self.product else str(width + 7)
        convs, previous = [], 3
        for number, size in enumerate(self.channels):
            takes = previous + 1 if self.slip == "channels" and number == len(self.channels) - 1 else previous
            convs.append(f"nn.Conv2d({takes}, {size}, 3, padding=1),  # stage {number}\n    nn.ReLU(), nn.MaxPool2d(2),")
            previous = size
        linears = []
        for number in range(len(widths) - 1):
            takes = f"{widths[number]}" if not (self.slip == "hidden" and number == len(widths) - 2 and number) else f"{widths[number]}0"
            linears.append(f"nn.Linear({takes}, {widths[number + 1]}),")
        features, head = "\n    ".join(convs), "\n    nn.ReLU(),\n    ".join(linears)
        flatten = "" if self.slip == "flatten" else "\n    nn.Flatten(),"
        if self.style == "sequential":
            model = f"model = nn.Sequential(\n    {features}{flatten}\n    {head}\n)\n"
        else:
            line = "" if self.slip == "flatten" else "        x = x.flatten(1)\n"
            inner = features.replace("\n    ", "\n            "), head.replace("\n    ", "\n            ")
            model = (
                "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                f"        self.features = nn.Sequential(\n            {inner[0]}\n        )\n"
                f"        self.head = nn.Sequential(\n            {inner[1]}\n        )\n\n"
                f"    def forward(self, x):\n        x = self.features(x)\n{line}        return self.head(x)\n\n\nmodel = Net()\n"
            )
        if self.loss == "ce":
            targets, loss = f"torch.randint(0, {self.classes}, ({self.batch},))", "nn.CrossEntropyLoss()(scores, labels)"
            if self.slip == "target":
                targets = f"torch.randint(0, {self.classes}, ({self.batch}, 1))"
        else:
            targets, loss = f"torch.rand({self.batch}, 1)", "nn.BCEWithLogitsLoss()(scores, labels)"
            if self.slip == "target":
                targets = f"torch.rand({self.batch})"
        return (
            f"import torch\nfrom torch import nn\n\n\n{model}\nimages = torch.randn({self.batch}, 3, {self.side}, {self.side})\n"
            f"labels = {targets}  # one a sample\nscores = model(images)\nloss = {loss}\nloss.backward()\n"
        )


plans = st.builds(
    Plan,
    channels=st.lists(st.sampled_from([4, 6, 8, 12]), min_size=1, max_size=3).map(tuple),
    side=st.sampled_from([16, 24, 32]),
    hidden=st.lists(st.sampled_from([10, 16, 20]), min_size=1, max_size=2).map(tuple),
    classes=st.sampled_from([3, 5]),
    batch=st.sampled_from([4, 7]),
    style=st.sampled_from(["sequential", "forward"]),
    product=st.booleans(),
    loss=st.sampled_from(["ce", "bce"]),
    slip=st.sampled_from(["width", "channels", "hidden", "flatten", "target"]),
)
some = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def comments(text: str) -> list[str]:
    return [token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT]


def runs(text: str) -> bool:
    """In plain PyTorch, with real tensors."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, "program.py", "exec"), {"__name__": "__main__"})
    except Exception:
        return False
    return True


@some
@given(plans)
@example(Plan((8,), 16, (10,), 3, 4, "sequential", True, "ce", "flatten"))
@example(Plan((4, 8), 32, (16, 20), 5, 7, "forward", True, "bce", "target"))
def test_first_fixes_keep_the_laws(check, plan: Plan) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    before = plan.source()
    assert not runs(before), "the slip is none"
    report = check.source(before)
    assert report.verdict == "error"
    assert all(finding.fixes for finding in report.findings), [finding.headline for finding in report.findings]
    edits = [edit for finding in report.findings for edit in finding.fixes[0].edits]
    after = applied(before, edits)
    ast.parse(after)
    assert runs(after)
    assert comments(after) == comments(before)
    assert_minimal(before, [list(finding.fixes[0].edits) for finding in report.findings])
    again = check.source(after)
    assert again.verdict == "clean", again.findings


def assert_minimal(before: str, fixes: list[list[Edit]]) -> None:
    """Without any one of the fixes the program does not run."""
    for number in range(len(fixes)):
        assert not runs(applied(before, [edit for other, fix in enumerate(fixes) if other != number for edit in fix]))
