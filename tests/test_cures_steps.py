"""Sequences, statistics and maps of which the program takes another part, or in another order, than it meant to."""

from __future__ import annotations

import pytest

from conftest import Checker
from test_cures_losses import mended, titles

RECURRENT = """
    import torch
    from torch import nn

    class Digits(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.{layer}(8, 20, {flags})
            self.fc = nn.Linear({width}, 5)

        def forward(self, x):
            out, state = self.rnn(x)
            return self.fc({taken})

    model = Digits()
    loss = nn.CrossEntropyLoss()(model(torch.randn({shape}, 8)), torch.arange(4))
    loss.backward()
"""


def test_one_target_for_a_sequence_of_scores(check: Checker) -> None:
    first = RECURRENT.format(layer="LSTM", flags="batch_first=True", width=20, taken="out", shape="4, 7")
    assert "self.fc(out[:, -1])" in mended(check, first)
    steps = RECURRENT.format(layer="GRU", flags="2", width=20, taken="out", shape="7, 4")
    assert "self.fc(out[-1])" in mended(check, steps)


def test_a_layer_for_both_directions(check: Checker) -> None:
    text = RECURRENT.format(layer="GRU", flags="bidirectional=True, batch_first=True", width="20 * 2", taken="state[-1]", shape="4, 7")
    assert "self.fc(torch.cat((state[-2], state[-1]), dim=1))" in mended(check, text)


def test_a_layer_of_one_direction_has_no_other(check: Checker) -> None:
    text = RECURRENT.format(layer="GRU", flags="2, batch_first=True", width="20 * 2", taken="state[-1]", shape="4, 7")
    assert "both directions" not in titles(check, text)


@pytest.mark.parametrize(
    ("use", "after"), [("x - x.mean(-1)", "x.mean(-1, keepdim=True)"), ("x / (x.sum(2) + 1)", "x.sum(2, keepdim=True)")]
)
def test_statistics_beside_what_they_are_taken_of(check: Checker, use: str, after: str) -> None:
    text = f"""
        import torch

        x = torch.rand(2, 5, 9, requires_grad=True)
        y = {use}
        y.sum().backward()
    """
    assert after in mended(check, text)


def test_constants_of_the_colours(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        MEAN = torch.tensor([0.5, 0.4, 0.3])
        STD = torch.tensor([0.2, 0.2, 0.1])

        def normalize(x):
            return (x - MEAN) / STD

        print(nn.Conv2d(3, 4, 3)(normalize(torch.rand(2, 3, 20, 20))).shape)
    """
    assert "(x - MEAN[:, None, None]) / STD[:, None, None]" in mended(check, text)
    assert "20 to 3" not in titles(check, text)


def test_one_hot_masks_keep_their_pictures_upright(check: Checker) -> None:
    text = """
        import torch
        from torch import nn
        import torch.nn.functional as F

        scores = nn.Conv2d(3, 4, 3, padding=1)(torch.rand(2, 3, 12, 12)).softmax(1)
        masks = F.one_hot(torch.arange(288).view(2, 12, 12) % 4, 4).float()
        loss = 1 - (scores * masks).sum((0, 2, 3)).mean()
        loss.backward()
    """
    assert ".permute(0, 3, 1, 2)" in mended(check, text)
    assert "swap dims 1 and 3" not in titles(check, text)


def test_scores_of_smaller_maps_than_the_targets(check: Checker) -> None:
    text = """
        import torch
        from torch import nn
        import torch.nn.functional as F

        net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 5, 3, 2, 1))
        masks = torch.zeros(2, 32, 48, dtype=torch.long)
        loss = F.cross_entropy(net(torch.rand(2, 3, 32, 48)), masks)
        loss.backward()
    """
    assert "F.interpolate(net(torch.rand(2, 3, 32, 48)), size=masks.shape[-2:], mode=" in mended(check, text)


def test_boxes_of_one_list_beside_those_of_another(check: Checker) -> None:
    text = """
        import torch

        def overlap(a, b):
            low = torch.max(a[:, :2], b[:, :2])
            high = torch.min(a[:, None, 2:], b[:, 2:])
            sides = (high - low).clamp(min=0)
            return sides[:, :, 0] * sides[:, :, 1]

        print(overlap(torch.rand(9, 4), torch.rand(3, 4)).shape)
    """
    assert "torch.max(a[:, :2].unsqueeze(1), b[:, :2])" in mended(check, text)


POOLED = """
    import torch
    from torch import nn
    from torchvision import models
    {backbone}
    model = nn.Sequential(features, nn.Flatten(), nn.Linear(512, 3))
    print(model(torch.rand(2, 3, 96, 96)).shape)
"""
READY = "features = nn.Sequential(*list(models.resnet18(weights=None).children())[:-2])"
OWN = "features = nn.Sequential(nn.Conv2d(3, 512, 3, 8), nn.MaxPool2d(4))"


def test_the_pooling_of_a_ready_made_net_is_missing(check: Checker) -> None:
    assert "nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten()," in mended(check, POOLED.format(backbone=READY))


def test_the_flatten_of_ones_own_net_is_counted(check: Checker) -> None:
    assert "nn.Linear(4608, 3)" in mended(check, POOLED.format(backbone=OWN))
