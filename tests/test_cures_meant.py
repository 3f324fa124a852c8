"""What the program says elsewhere about the sizes that it means: labels, atoms, keys, encodings, the order of factors."""

from __future__ import annotations

import pytest

from conftest import Checker
from test_cures_losses import mended, titles

CONDITIONAL = """
    import torch
    from torch import nn

    class Decoder(nn.Module):
        def __init__(self, n_noise=6, n_classes=4):
            super().__init__()
            self.first, self.last = nn.Linear(n_noise + n_classes, 16), nn.Linear(16 + n_classes, 9)

        def forward(self, z, y):
            h = self.first(torch.cat([z, y], dim=1)).relu()
            return self.last(torch.cat([h, y], dim=1))

    decoder = Decoder()
    labels = torch.{labels}
    print(decoder(torch.randn(5, 6), labels).shape)
"""


def test_class_numbers_beside_noise(check: Checker) -> None:
    after = mended(check, CONDITIONAL.format(labels="tensor([0, 3, 2, 1, 1])"))
    assert "one_hot(labels, 4))" in after or "one_hot(torch.tensor([0, 3, 2, 1, 1]), 4)" in after


def test_numbers_that_are_no_classes(check: Checker) -> None:
    assert "rows of" not in titles(check, CONDITIONAL.format(labels="rand(5)"))


def test_atoms_of_each_action(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Values(nn.Module):
            def __init__(self, n_obs, n_actions, n_atoms=11):
                super().__init__()
                self.n_actions, self.n_atoms = n_actions, n_atoms
                self.net = nn.Sequential(nn.Linear(n_obs, 24), nn.ReLU(), nn.Linear(24, n_actions))

            def forward(self, x):
                return self.net(x).view(-1, self.n_actions, self.n_atoms).softmax(-1)

        print(Values(6, 3)(torch.randn(8, 6)).shape)
    """
    assert "nn.Linear(24, n_actions * n_atoms)" in mended(check, text)


def test_keys_of_another_width(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Reader(nn.Module):
            def __init__(self, d_image=24, d_text=18):
                super().__init__()
                self.attention = nn.MultiheadAttention(d_image, 4, batch_first=True)

            def forward(self, image, text):
                return self.attention(image, text, text)[0]

        print(Reader()(torch.randn(2, 9, 24), torch.randn(2, 5, 18)).shape)
    """
    assert "batch_first=True, kdim=d_text, vdim=d_text)" in mended(check, text)


def test_what_is_encoded_stands_beside_its_waves(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Field(nn.Module):
            def __init__(self, waves=5):
                super().__init__()
                self.waves = waves
                self.first = nn.Linear(3 * 2 * waves, 4)

            def forward(self, x):
                rows = [x]
                for n in range(self.waves):
                    rows += [torch.sin(2**n * x), torch.cos(2**n * x)]
                return self.first(torch.cat(rows, -1))

        print(Field()(torch.rand(7, 3)).shape)
    """
    assert "nn.Linear(3 * 2 * waves + 3, 4)" in mended(check, text)


def test_as_many_tables_as_columns(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        sizes = [5, 7, 3]

        class Rows(nn.Module):
            def __init__(self, cards, n_numbers, width=6):
                super().__init__()
                self.tables = nn.ModuleList([nn.Embedding(n, width) for n in cards])
                self.first = nn.Linear(width + n_numbers, 8)

            def forward(self, marks, numbers):
                rows = torch.cat([table(marks[:, n]) for n, table in enumerate(self.tables)], dim=1)
                return self.first(torch.cat([rows, numbers], dim=1))

        print(Rows(sizes, n_numbers=4)(torch.ones(2, 3, dtype=torch.long), torch.randn(2, 4)).shape)
    """
    assert "nn.Linear(width * len(cards) + n_numbers, 8)" in mended(check, text)


@pytest.mark.parametrize(("wrong", "right"), [("torch.mm(x, graph)", "torch.mm(graph, x)"), ("x @ graph", "graph @ x")])
def test_a_matrix_goes_before_what_it_mixes(check: Checker, wrong: str, right: str) -> None:
    text = f"""
        import torch
        from torch import nn

        graph = torch.rand(9, 9)
        x = torch.randn(9, 5)
        print(nn.Linear(5, 2)({wrong}).shape)
    """
    assert right in mended(check, text)


def test_factors_of_which_none_is_square_keep_their_order(check: Checker) -> None:
    text = """
        import torch

        a, b = torch.rand(3, 5, requires_grad=True), torch.rand(4, 3)
        print((a @ b).shape)
    """
    assert "other way round" not in titles(check, text)


def test_one_score_a_sample(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
        wanted = torch.tensor([0.0, 1.0, 1.0])
        loss = nn.BCEWithLogitsLoss()(net(torch.randn(3, 6)), wanted)
        loss.backward()
    """
    after = mended(check, text)
    assert "nn.Linear(8, 1)" in after
    assert "net(torch.randn(3, 6)).squeeze(1)" in after


def test_one_sample_is_joined_along_its_features(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        state, action = torch.randn(3), torch.randn(2)
        print(nn.Linear(5, 1)(torch.cat([state, action], dim=1)).item())
    """
    assert "dim=-1" in mended(check, text)
