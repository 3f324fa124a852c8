"""Checkpoints with other sizes than the model."""

from __future__ import annotations

from textwrap import dedent

from conftest import Checker
from shapewright.reason.patches import applied
from shapewright.report import Finding


def _first(check: Checker, text: str) -> tuple[str, Finding]:
    """The program after the first fix of its first finding, and that finding."""
    text = dedent(text).lstrip()
    finding = check.source(text).findings[0]
    assert finding.fixes and finding.fixes[0].verdict == "fixed", finding
    return applied(text, finding.fixes[0].edits), finding


def test_width_of_a_recurrent_model(check: Checker) -> None:
    after, _ = _first(
        check,
        """
        import torch
        from torch import nn

        class Forecast(nn.Module):
            def __init__(self, hidden):
                super().__init__()
                self.lstm = nn.LSTM(4, hidden, batch_first=True)
                self.head = nn.Linear(hidden, 1)

            def forward(self, x):
                return self.head(self.lstm(x)[0][:, -1])

        SAVED, HIDDEN = 24, 32
        torch.save(Forecast(SAVED).state_dict(), "forecast.pt")
        model = Forecast(HIDDEN)
        model.load_state_dict(torch.load("forecast.pt"))
        print(model(torch.randn(2, 9, 4)))
        """,
    )
    assert "SAVED, HIDDEN = 24, 24" in after


def test_arguments_of_the_saved_model(check: Checker) -> None:
    after, _ = _first(
        check,
        """
        import torch
        from torch import nn

        class Grid(nn.Module):
            def __init__(self, rows, columns=4):
                super().__init__()
                self.cells = nn.Parameter(torch.zeros(rows * columns + 1, 3))

            def forward(self, at):
                return self.cells[at]

        def made():
            return Grid(6, 5)

        state = made().state_dict()
        grid = Grid(rows=7, columns=5)
        grid.load_state_dict(state)
        print(grid(torch.tensor([0, 3])))
        """,
    )
    assert "Grid(rows=6, columns=5)" in after


FINE_TUNING = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, n_classes):
            super().__init__()
            self.body = nn.Linear(8, 16)
            self.classifier = nn.Linear(16, n_classes)

        def forward(self, x):
            return self.classifier(self.body(x).relu())

    def epoch(net):
        nn.functional.cross_entropy(net(torch.randn(5, 8)), torch.tensor([0, 1, 2, 1, 0])).backward()

    torch.save({"net": Net(100).state_dict()}, "base.pt")
    net = Net(3)
    net.load_state_dict(torch.load("base.pt")["net"])
"""


def test_all_but_the_last_layer_for_other_classes(check: Checker) -> None:
    after, finding = _first(check, FINE_TUNING + "    epoch(net)\n")
    assert '{k: v for k, v in torch.load("base.pt")["net"].items() if not k.startswith("classifier.")}, strict=False)' in after
    assert all("100" not in edit.new for fix in finding.fixes for edit in fix.edits)
    assert any("100 instead of 3" in refused.title for refused in finding.refused)


def test_a_model_that_only_predicts_is_built_as_it_was_trained(check: Checker) -> None:
    after, _ = _first(check, FINE_TUNING + "    print(net(torch.randn(2, 8)).argmax(1))\n")
    assert "net = Net(100)" in after
    assert "startswith" not in after
