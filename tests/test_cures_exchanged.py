"""Two names or two arguments in each other's place."""

from __future__ import annotations

import pytest

from conftest import Checker
from test_cures_losses import mended, titles

LOSS = """
    import torch
    from torch import nn

    def loss_of({parameters}):
        return nn.functional.cross_entropy({given})

    net = nn.Linear(6, 3)
    labels = torch.tensor([0, 2, 1, 1])
    loss = loss_of({called})
    loss.backward()
"""


def test_targets_before_the_scores(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        criterion, net = nn.CrossEntropyLoss(), nn.Linear(6, 3)
        labels = torch.tensor([0, 2, 1, 1])
        loss = criterion(labels, net(torch.randn(4, 6)))
        loss.backward()
    """
    assert "criterion(net(torch.randn(4, 6)), labels)" in mended(check, text)


def test_the_order_is_wrong_where_the_names_say_so(check: Checker) -> None:
    call = LOSS.format(parameters="target, scores", given="scores, target", called="net(torch.randn(4, 6)), labels")
    assert "loss_of(labels, net(torch.randn(4, 6)))" in mended(check, call)
    inside = LOSS.format(parameters="scores, target", given="target, scores", called="net(torch.randn(4, 6)), labels")
    assert "cross_entropy(scores, target)" in mended(check, inside)


RESULTS = """
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = {layer}
            self.fc = nn.Linear(16, 2)

        def forward(self, x):
            {targets} = self.layer({given})
            return self.fc(out[:, -1])

    loss = nn.functional.cross_entropy(Model()(torch.randn(5, 7, 16)), torch.zeros(5, dtype=torch.long))
    loss.backward()
"""


@pytest.mark.parametrize(
    ("layer", "given"),
    [("nn.GRU(16, 16, batch_first=True)", "x"), ("nn.MultiheadAttention(16, 2, batch_first=True)", "x, x, x")],
)
def test_the_second_result_taken_for_the_first(check: Checker, layer: str, given: str) -> None:
    assert "out, other = self.layer(" in mended(check, RESULTS.format(layer=layer, given=given, targets="other, out"))


def test_results_in_their_order_stay(check: Checker) -> None:
    text = RESULTS.format(layer="nn.GRU(16, 12, batch_first=True)", given="x", targets="out, other")
    assert "call the first" not in titles(check, text)


@pytest.mark.parametrize(("head", "after"), [("y, x in loader", "x, y in loader"), ("n, (y, x) in enumerate(loader)", "n, (x, y) in")])
def test_labels_taken_for_images(check: Checker, head: str, after: str) -> None:
    text = f"""
        import torch
        from torch import nn
        from torch.utils.data import DataLoader, TensorDataset

        loader = DataLoader(TensorDataset(torch.rand(12, 1, 4, 4), torch.arange(12) % 3), batch_size=4)
        net = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
        for {head}:
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
    """
    assert after in mended(check, text)
