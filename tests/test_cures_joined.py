"""How far the cures for joined lists, carried states and counted classes reach, and when they keep still."""

from __future__ import annotations

from textwrap import dedent

import pytest

from conftest import Checker


def fixes(check: Checker, text: str) -> list[str]:
    """The titles of the fixes of the first finding, best first."""
    report = check.source(dedent(text).lstrip())
    assert report.verdict == "error", report.reason
    return [fix.title for fix in report.findings[0].fixes]


FEATURES = """
    import torch
    from torch import nn

    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(6, 8), nn.Linear(6, 8)
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            parts = {parts}
            return self.head(torch.cat(parts{dim}))

    Both()({x}).sum().backward()
"""


@pytest.mark.parametrize(
    "parts, dim, x",
    [
        ("[self.one(x), self.other(x)]", "", "torch.randn(6)"),
        ("[self.one(x), self.other(x)]", ", dim=1", "torch.randn(5, 6)"),
        ("[self.one(x) for _ in range(3)]", ", dim=1", "torch.randn(5, 6)"),
    ],
)
def test_features_that_are_joined_are_no_samples(check: Checker, parts: str, dim: str, x: str) -> None:
    found = fixes(check, FEATURES.format(parts=parts, dim=dim, x=x))
    assert found and not any("stack" in title for title in found)


def test_vectors_of_one_place_are_samples(check: Checker) -> None:
    text = FEATURES.format(parts="[self.one(row) for row in x]", dim="", x="torch.randn(5, 6)")
    assert fixes(check, text)[0] == "stack the 5 tensors into a batch"


RATINGS = """
    import torch
    from torch import nn

    y = {y}
    scores = nn.Linear(4, 3)(torch.randn(len(y), 4))
    nn.functional.cross_entropy(scores, y).backward()
"""


@pytest.mark.parametrize(
    "y, first, shifted",
    [
        ("torch.arange(40) % 3 + 1", "count", True),
        ("torch.arange(40) % 4", "let", False),  # there is a class 0: the fourth was forgotten
        ("torch.arange(40) % 3 + 2", "let", False),  # off by more than one is another mistake
        ("torch.tensor([1, 2, 3, 1])", "let", True),  # too few to tell: only a thought
    ],
)
def test_classes_count_from_one_only_when_none_is_0(check: Checker, y: str, first: str, shifted: bool) -> None:
    found = fixes(check, RATINGS.format(y=y))
    assert found[0].startswith(first)
    assert any(title.startswith("count") for title in found) == shifted


def test_a_state_that_its_loop_carries_on_is_left_to_it(check: Checker) -> None:
    found = fixes(
        check,
        """
        import torch
        from torch import nn

        gru, h = nn.GRU(5, 8), None
        for x in torch.randn(7, 20, 5).split(8, dim=1):
            y, h = gru(x, h)
            h = h.detach()
            y.sum().backward()
        """,
    )
    assert not any("begin without" in title for title in found)


@pytest.mark.parametrize("keys, cut", [(6, True), (9, False)])
def test_a_mask_is_cut_only_where_words_look_at_themselves(check: Checker, keys: int, cut: bool) -> None:
    text = f"""
        import torch

        def attend(q, k, v, hidden):
            scores = q @ k.transpose(1, 2)
            scores = scores.masked_fill(hidden, -1e9)
            return scores.softmax(-1) @ v

        hidden = torch.triu(torch.ones(12, 12, dtype=torch.bool), 1)
        attend(torch.randn(2, 6, 4), torch.randn(2, {keys}, 4), torch.randn(2, {keys}, 4), hidden)
    """
    assert any(title == "take as much of `hidden` as is needed" for title in fixes(check, text)) == cut


def test_scores_of_a_model_that_read_all_words_are_not_those_of_a_decoder(check: Checker) -> None:
    found = fixes(
        check,
        """
        import torch
        from torch import nn

        text = torch.randint(0, 9, (4, 7))
        scores = nn.Linear(8, 9)(nn.GRU(8, 8, batch_first=True)(nn.Embedding(9, 8)(text))[0])
        nn.functional.cross_entropy(scores[:, 1:].flatten(0, 1), text.flatten()).backward()
        """,
    )
    assert not any("first target" in title for title in found)
