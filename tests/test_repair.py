"""The search, with programs that are run for real, and what it must do with their faults: order, chains, ways back, refusals, limits."""

from __future__ import annotations

import ast

import pytest

from shapewright import session
from shapewright.reason.patches import applied
from shapewright.reason.repair import repair
from shapewright.reason.trial import Budget
from shapewright.report import Finding, TargetReport

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def mended(report: TargetReport) -> str:
    """The program with the first fix of each finding."""
    (text,) = report.sources.values()
    return applied(text, [edit for finding in report.findings for edit in finding.fixes[0].edits])


def first(finding: Finding) -> str:
    return finding.fixes[0].title if finding.fixes else ""


CHAIN = (
    HEAD
    + """
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 8 * 8, 16), nn.ReLU(), nn.Linear(32, 1))
images, labels = torch.randn(12, 3, 32, 32), torch.randint(0, 2, (12,))
scores = net(images)
loss = nn.BCEWithLogitsLoss()(scores, labels)
loss.backward()
"""
)


def test_faults_behind_one_another_are_all_found_and_mended(check) -> None:  # type: ignore[no-untyped-def]
    report = check.source(CHAIN)
    assert [finding.slug for finding in report.findings] == ["linear-in-features"] * 2 + ["loss-target-shape"] * 2
    assert report.findings[-1].fixes[0].verdict == "fixed"
    text = mended(report)
    assert "8 * 16 * 16" in text
    assert check.source(text).verdict == "clean"


def test_places_are_those_of_the_program_as_it_was_given(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv2d(1, 4, 3, padding=1)\n"
        "        self.fc = nn.Linear(4 * 8 * 8, 5)\n        self.out = nn.Linear(6, 2)\n"
        "    def forward(self, x):\n        x = self.conv(x)\n        x = self.fc(x)\n        return self.out(x)\n"
        "Net()(torch.randn(3, 1, 8, 8))\n"
    )
    report = check.source(program)
    lines = program.split("\n")
    assert [lines[finding.where.line - 1].strip() for finding in report.findings] == ["x = self.fc(x)", "return self.out(x)"]
    assert check.source(mended(report)).verdict == "clean"


def test_a_way_that_leads_nowhere_is_left_for_one_that_ends(check) -> None:  # type: ignore[no-untyped-def]
    """Joined along the batch, the pair fits the layer that follows it, and the loss then has twice the rows: only the other way ends."""
    program = HEAD + (
        "a, b = torch.randn(8, 6), torch.randn(8, 6)\nhead = nn.Linear(12, 3)\ny = torch.randint(0, 3, (8,))\n"
        "x = torch.cat((a, b), 0)\nF.cross_entropy(head(x), y).backward()\n"
    )
    report = check.source(program)
    assert "torch.cat((a, b), 1)" in mended(report) or "dim=1" in mended(report)
    assert check.source(mended(report)).verdict == "clean"


def test_features_are_not_moved_into_the_batch(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(64, 5)\n"
        "    def forward(self, x):\n        x = torch.flatten(x, 1)\n        return self.fc(x)\n"
        "print(Net()(torch.randn(3, 4, 8, 8)).shape)\n"
    )
    (finding,) = check.source(program).findings
    assert all("-1, 64" not in edit.new for fix in finding.fixes for edit in fix.edits)
    assert any("batch" in refused.why for refused in finding.refused)


def test_a_loss_that_compares_all_with_all_is_no_fix(check) -> None:  # type: ignore[no-untyped-def]
    """`squeeze(0)` runs as well, and leaves (16, 1) to be compared with (16,)."""
    program = HEAD + (
        "net = nn.Linear(4, 1)\nx, y = torch.randn(16, 4), torch.randn(16)\n"
        "scores = net(x).squeeze(2)\nloss = ((scores - y) ** 2).mean()\nloss.backward()\n"
    )
    (finding,) = check.source(program).findings
    assert finding.fixes
    assert all("net(x).squeeze(0)" not in fix.diff for fix in finding.fixes)
    assert any("stretches" in refused.why for refused in finding.refused)


def test_one_site_that_builds_several_layers_must_suit_all(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.lin = nn.Linear(32, 32)\n"
        "    def forward(self, x):\n        return self.lin(x)\n"
        "net = nn.Sequential(Block(32), nn.Linear(32, 64), Block(64))\nprint(net(torch.randn(2, 32)).shape)\n"
    )
    report = check.source(program)
    assert report.findings[-1].fixes[0].verdict == "fixed"
    text = mended(report)
    assert "nn.Linear(width, " in text or "nn.Linear(32, 32)" in text, text
    assert check.source(text).verdict == "clean"


def test_what_was_not_tried_is_said(check) -> None:  # type: ignore[no-untyped-def]
    (check.folder / "program.py").write_text(CHAIN)
    trace = check.worker.observe(check.request("program.py"))
    runs = []

    def run(overlay):  # type: ignore[no-untyped-def]
        runs.append(overlay)
        return trace

    findings = repair(trace, run, Budget(candidates=1))
    assert len(runs) == len(findings) == 1
    assert findings[0].fixes == ()
    assert findings[0].notes[-1].endswith("not tried")


def test_nothing_is_tried_without_time(check) -> None:  # type: ignore[no-untyped-def]
    (check.folder / "program.py").write_text(CHAIN)
    trace = check.worker.observe(check.request("program.py"))
    findings = repair(trace, lambda overlay: pytest.fail("a candidate was run"), Budget(seconds=0.0))
    assert [bool(finding.fixes) for finding in findings] == [False]


def test_an_edit_after_which_the_program_stops_for_another_reason_is_no_fix(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "n = 10\nnet = nn.Linear(n, 2)\nassert net.in_features == 10, 'the data has 10 columns'\nprint(net(torch.randn(4, 12)).shape)\n"
    )
    for finding in check.source(program).findings:
        for fix in finding.fixes:
            assert "n = 12" not in fix.diff and fix.verdict == "fixed"


def test_the_files_on_disk_stay_as_they_are(check) -> None:  # type: ignore[no-untyped-def]
    check.source(CHAIN)
    assert (check.folder / "program.py").read_text() == CHAIN
    assert [path.name for path in check.folder.iterdir()] == ["program.py"]


def test_a_clean_program_is_run_once(check) -> None:  # type: ignore[no-untyped-def]
    (check.folder / "program.py").write_text(HEAD + "print(nn.Linear(3, 2)(torch.randn(4, 3)).shape)\n")
    asked = []

    def observe(request):  # type: ignore[no-untyped-def]
        asked.append(request)
        return check.worker.observe(request)

    assert session.check(check.request("program.py"), observe).verdict == "clean"
    assert len(asked) == 1


@pytest.mark.parametrize("style", ["(x)", "( x ) # keep\n", "(\n    x,\n)"])
def test_the_rest_of_the_program_stays_letter_by_letter(check, style: str) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + f"fc = nn.Linear(  4*8*8 ,5 )  # four maps\nx = torch.randn(3,4,9,8).flatten( 1 )\nprint(fc{style})\n"
    report = check.source(program)
    text = mended(report)
    ast.parse(text)
    assert text != program
    assert text.replace("4*9*8", "4*8*8").replace("3,4,8,8", "3,4,9,8") == program


def test_a_shortcut_gets_the_stride_of_the_other_branch(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "class Block(nn.Module):\n    def __init__(self, cin, cout, stride):\n        super().__init__()\n"
        "        self.body = nn.Sequential(nn.Conv2d(cin, cout, 3, stride, 1), nn.ReLU(), nn.Conv2d(cout, cout, 3, padding=1))\n"
        "        self.short = nn.Conv2d(cin, cout, 1)\n\n    def forward(self, x):\n        return self.body(x) + self.short(x)\n\n\n"
        "print(Block(3, 8, 2)(torch.randn(2, 3, 16, 16)).shape)\n"
    )
    assert "nn.Conv2d(cin, cout, 1, stride=stride)" in mended(check.source(program))


def test_a_state_of_zeros_for_one_batch_size_is_left_to_the_layer(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.lstm = nn.LSTM(6, 20, batch_first=True)\n"
        "        self.state = (torch.zeros(1, 32, 20), torch.zeros(1, 32, 20))\n\n    def forward(self, x):\n"
        "        out, _ = self.lstm(x, self.state)\n        return out[:, -1]\n\n\n"
        "net = Net()\nfor x in torch.utils.data.DataLoader(torch.randn(100, 15, 6), batch_size=32):\n    print(net(x).shape)\n"
    )
    assert "self.lstm(x)\n" in mended(check.source(program))


def test_a_table_of_computed_length_gets_room_for_the_class_token(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "class Net(nn.Module):\n    def __init__(self, side=4):\n        super().__init__()\n        self.n = side ** 2\n"
        "        self.pos = nn.Parameter(torch.zeros(1, self.n, 8))\n        self.cls = nn.Parameter(torch.zeros(1, 1, 8))\n\n"
        "    def forward(self, x):\n        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1)\n        return x + self.pos\n\n\n"
        "print(Net()(torch.randn(2, 16, 8)).shape)\n"
    )
    assert "torch.zeros(1, self.n + 1, 8)" in mended(check.source(program))


def test_the_last_of_the_widths_is_no_leftover_of_a_loop(check) -> None:  # type: ignore[no-untyped-def]
    program = HEAD + (
        "class Net(nn.Module):\n    def __init__(self, widths):\n        super().__init__()\n        layers, last = [], 5\n"
        "        for w in widths:\n            layers += [nn.Linear(last, w), nn.ReLU()]\n            last = w\n"
        "        self.body = nn.Sequential(*layers)\n        self.out = nn.Linear(widths[0], 2)\n\n"
        "    def forward(self, x):\n        return self.out(self.body(x))\n\n\nprint(Net([16, 24])(torch.randn(3, 5)).shape)\n"
    )
    text = mended(check.source(program))
    assert "nn.Linear(widths[-1], 2)" in text or "nn.Linear(last, 2)" in text, text
