"""What is wrong between predictions and targets: a lost batch, a forgotten shift, class numbers against rows."""

from __future__ import annotations

from textwrap import dedent

from conftest import Checker
from shapewright.reason.patches import applied
from shapewright.report import Finding


def _finding(check: Checker, text: str) -> tuple[str, Finding]:
    text = dedent(text).lstrip()
    report = check.source(text)
    assert report.verdict == "error", report.reason
    return text, report.findings[0]


def mended(check: Checker, text: str) -> str:
    """The program after the first fix of its first finding, which must let it run to the end."""
    text, finding = _finding(check, text)
    assert finding.fixes and finding.fixes[0].verdict == "fixed", finding
    return applied(text, finding.fixes[0].edits)


def titles(check: Checker, text: str) -> str:
    """The titles of all fixes."""
    return "; ".join(fix.title for fix in _finding(check, text)[1].fixes)


def test_view_that_mixes_samples_with_the_layer_behind(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Audio(nn.Module):
            def __init__(self, n_flat=48):
                super().__init__()
                self.conv = nn.Conv1d(2, 6, 5)
                self.out = nn.Linear(n_flat, 3)

            def forward(self, wave):
                y = self.conv(wave).relu()
                y = y.reshape(-1, 48)
                return self.out(y)

        scores = Audio()(torch.randn(5, 2, 44))
        print(nn.CrossEntropyLoss()(scores, torch.zeros(5, dtype=torch.long)))
    """
    after = mended(check, text)
    assert "y = y.flatten(1)" in after
    assert "n_flat=240" in after


def test_cat_of_two_streams_along_the_batch(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Late(nn.Module):
            def __init__(self):
                super().__init__()
                self.text, self.sound = nn.Linear(9, 6), nn.Linear(4, 10 - 4)
                self.rate = nn.Linear(6, 1)

            def forward(self, t, s):
                return self.rate(torch.cat([self.text(t), self.sound(s)])).squeeze(1)

        rating = torch.rand(7)
        print(nn.MSELoss()(Late()(torch.randn(7, 9), torch.randn(7, 4)), rating))
    """
    after = mended(check, text)
    assert "torch.cat([self.text(t), self.sound(s)], 1)" in after
    assert "nn.Linear(12, 1)" in after


def test_two_views_through_one_layer_are_left_below_each_other(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        encoder, head = nn.Linear(9, 6), nn.Linear(6, 3)
        one, other = torch.randn(7, 9), torch.randn(7, 9)
        scores = head(torch.cat([encoder(one), encoder(other)]))
        print(nn.functional.cross_entropy(scores, torch.zeros(7, dtype=torch.long)))
    """
    assert "side by side" not in titles(check, text)


def test_rows_of_a_sequence_are_no_lost_flatten(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        gru, head = nn.GRU(8, 6, batch_first=True), nn.Linear(6, 3)
        out, _ = gru(torch.randn(4, 10, 8))
        scores = head(out.reshape(-1, 6))
        print(nn.functional.cross_entropy(scores, torch.zeros(4, dtype=torch.long)))
    """
    assert "keep the batch" not in titles(check, text)


def test_last_step_of_a_recurrent_layer_that_has_the_batch_first(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Mood(nn.Module):
            def __init__(self):
                super().__init__()
                self.lstm = nn.LSTM(8, 6, batch_first=True)
                self.head = nn.Linear(6, 3)

            def forward(self, x):
                steps, _ = self.lstm(x)
                return self.head(steps[-1])

        mood = Mood()
        loss = nn.functional.cross_entropy(mood(torch.randn(4, 10, 8)), torch.zeros(4, dtype=torch.long))
        loss.backward()
    """
    assert "self.head(steps[:, -1])" in mended(check, text)


def test_last_step_of_a_recurrent_layer_that_should_have_it_first(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Mood(nn.Module):
            def __init__(self):
                super().__init__()
                self.gru = nn.GRU(8, 6)
                self.head = nn.Linear(6, 3)

            def forward(self, x):
                return self.head(self.gru(x)[0][-1])

        mood = Mood()
        nn.functional.cross_entropy(mood(torch.randn(4, 10, 8)), torch.zeros(4, dtype=torch.long)).backward()
    """
    after = mended(check, text)
    assert "self.gru(x)[0][:, -1]" in after
    assert "nn.GRU(8, 6, batch_first=True)" in after


def test_scores_of_patches_flattened_with_the_batch(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Critic(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.Conv2d(3, 1, 4, 4)

            def forward(self, x):
                return self.body(x).view(-1, 1).squeeze(1)

        critic = Critic()
        fake = torch.zeros(5)
        loss = nn.BCEWithLogitsLoss()(critic(torch.randn(5, 3, 12, 12)), fake)
        loss.backward()
    """
    text, finding = _finding(check, text)
    assert "self.body(x).mean((2, 3)).squeeze(1)" in applied(text, finding.fixes[0].edits)
    assert any("first 5 predictions" in refused.title for refused in finding.refused)


def test_prediction_behind_the_last_target(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        embed, head = nn.Embedding(30, 8), nn.Linear(8, 30)
        tokens = torch.randint(0, 30, (4, 12))
        logits = head(embed(tokens))
        targets = tokens[:, 1:]
        loss = nn.functional.cross_entropy(logits.view(-1, 30), targets.flatten())
        loss.backward()
    """
    text, finding = _finding(check, text)
    assert "logits[:, :-1].reshape(-1, 30)" in applied(text, finding.fixes[0].edits)
    assert [refused.why for refused in finding.refused if "all of `tokens`" in refused.title] == ["every step is to predict itself"]


def test_target_before_the_first_prediction(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        embed, head = nn.Embedding(30, 8), nn.Linear(8, 30)
        tokens = torch.randint(0, 30, (4, 12))
        logits = head(embed(tokens[:, :-1]))
        loss = nn.functional.cross_entropy(logits.transpose(1, 2), tokens)
        loss.backward()
    """
    assert "transpose(1, 2), tokens[:, 1:])" in mended(check, text)


def test_no_shift_where_nothing_is_shifted(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        embed, head = nn.Embedding(30, 8), nn.Linear(8, 5)
        logits = head(embed(torch.randint(0, 30, (4, 12))))
        tags = torch.randint(0, 5, (4, 11))
        nn.functional.cross_entropy(logits.reshape(-1, 5), tags.reshape(-1))
    """
    assert "of each sequence" not in titles(check, text)


def test_one_row_a_class_for_a_loss_that_compares_rows(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        net = nn.Linear(6, 4)
        kind = torch.tensor([0, 3, 1])
        loss = nn.MSELoss()(net(torch.randn(3, 6)).softmax(1), kind)
        loss.backward()
    """
    assert "nn.functional.one_hot(kind, 4).float())" in mended(check, text)


def test_two_outputs_with_a_binary_loss(check: Checker) -> None:
    text = """
        import torch
        import torch.nn.functional as F

        net = torch.nn.Linear(6, 2)
        sick = torch.randint(0, 2, (9,))
        loss = F.binary_cross_entropy_with_logits(net(torch.randn(9, 6)), sick.float())
        loss.backward()
    """
    assert "F.one_hot(sick, 2).float())" in mended(check, text)


def test_class_numbers_of_one_hot_rows(check: Checker) -> None:
    text = """
        import torch
        import torch.nn.functional as F

        net = torch.nn.Linear(6, 4)
        rows = F.one_hot(torch.randint(0, 4, (9,)), 4)
        F.cross_entropy(net(torch.randn(9, 6)), rows).backward()
    """
    assert "rows.argmax(1))" in mended(check, text) or "rows.float())" in mended(check, text)
    assert "class numbers of `rows`" in titles(check, text)


def test_values_that_are_no_classes_get_no_rows_and_no_transpose(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        net = nn.Linear(6, 4)
        price = torch.rand(4)
        nn.MSELoss()(net(torch.randn(3, 6)), price[:3]).backward()
    """
    found = titles(check, text)
    assert "one-hot" not in found
    assert "transpose" not in found
