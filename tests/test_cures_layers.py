"""Layers: dims moved for a norm, sizes that must divide, inputs of several parts; and calls with a sibling that fits."""

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


def test_layer_norms_in_a_list_over_channels(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Tower(nn.Module):
            def __init__(self, width=24):
                super().__init__()
                self.stem = nn.Conv1d(3, width, 3, padding=1)
                self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])

            def forward(self, x):
                x = self.stem(x)
                for norm in self.norms:
                    x = x + norm(x).relu()
                return x

        print(Tower()(torch.randn(4, 3, 17)).shape)
    """
    text, finding = _finding(check, text)
    assert "norm(x.transpose(1, 2)).transpose(1, 2).relu()" in applied(text, finding.fixes[0].edits)
    assert all("17" not in edit.new for fix in finding.fixes for edit in fix.edits)
    assert any("right for this length only" in refused.why for refused in finding.refused)


def test_image_norm_of_maps_with_the_channels_last(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        norm, mix = nn.BatchNorm2d(12), nn.Linear(5, 12)
        pixels = torch.randn(3, 8, 9, 5)
        print(norm(mix(pixels)).shape)
    """
    assert "norm(mix(pixels).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)" in mended(check, text)


def test_maps_as_large_as_the_channels_of_the_norm_are_a_coincidence(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        conv, norm = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(32)
        print(norm(conv(torch.randn(2, 3, 32, 32))).shape)
    """
    found = titles(check, text)
    assert "for 16 features" in found
    assert "move" not in found


def test_words_into_a_convolution_of_a_list(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Words(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Embedding(40, 10)
                self.heads = nn.ModuleDict({"short": nn.Conv1d(10, 4, 2), "long": nn.Conv1d(10, 4, 5)})

            def forward(self, ids):
                x = self.embed(ids)
                return [self.heads[name](x).amax(-1) for name in ("short", "long")]

        print(len(Words()(torch.randint(0, 40, (3, 18)))))
    """
    text, finding = _finding(check, text)
    assert "self.heads[name](x.transpose(1, 2))" in applied(text, finding.fixes[0].edits)
    assert all("18" not in edit.new for fix in finding.fixes for edit in fix.edits)


def test_last_two_dims_of_a_product(check: Checker) -> None:
    text = """
        import torch

        q, k = torch.randn(2, 4, 7, 16), torch.randn(2, 4, 7, 16)
        print((torch.matmul(q, k) / 4).softmax(-1).shape)
    """
    assert "torch.matmul(q, k.transpose(-2, -1))" in mended(check, text)


def test_heads_that_do_not_divide_the_width(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        layer = nn.TransformerEncoderLayer(d_model=100, nhead=8, batch_first=True)
        print(layer(torch.randn(2, 5, 100)).shape)
    """
    assert "nhead=4" in mended(check, text)


def test_groups_that_divide_one_width_and_not_the_next(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        N_GROUPS = 16

        def block(n_in, n_out):
            return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.GroupNorm(N_GROUPS, n_out), nn.ReLU())

        net = nn.Sequential(block(3, 32), block(32, 40))
        print(net(torch.randn(2, 3, 8, 8)).shape)
    """
    assert "N_GROUPS = 8" in mended(check, text)


def test_grouped_convolution_refused_for_what_it_gives_out(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        conv = nn.Conv1d(12, 30, 3, groups=4)
        print(conv(torch.randn(2, 12, 20)).shape)
    """
    assert "nn.Conv1d(12, 30, 3, groups=2)" in mended(check, text)
    assert "take 28 instead of 30, which 4 groups divide" in titles(check, text)


def test_channels_for_three_times_as_many_pixels(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        up = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.PixelShuffle(3))
        print((up(torch.rand(2, 1, 6, 6)) - torch.rand(2, 1, 18, 18)).abs().mean())
    """
    assert "nn.Conv2d(1, 9, 3, padding=1)" in mended(check, text)


def test_input_of_two_named_parts(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Critic(nn.Module):
            def __init__(self, state_size, action_size, width=32):
                super().__init__()
                self.state = nn.Linear(state_size, width)
                self.value = nn.Linear(width, 1)

            def forward(self, state, action):
                h = torch.cat((self.state(state).relu(), action), dim=-1)
                return self.value(h)

        critic = Critic(state_size=11, action_size=3)
        print(critic(torch.randn(4, 11), torch.randn(4, 3)).shape)
    """
    assert "nn.Linear(width + action_size, 1)" in mended(check, text)


def test_as_many_equal_parts_as_a_tuple_has_items(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Words(nn.Module):
            def __init__(self, n_filters=6, sizes=(2, 3, 4), n_classes=5):
                super().__init__()
                self.convs = nn.ModuleList([nn.Conv1d(8, n_filters, k) for k in sizes])
                self.out = nn.Linear(n_filters, n_classes)

            def forward(self, x):
                return self.out(torch.cat([conv(x).amax(2) for conv in self.convs], 1))

        print(Words()(torch.randn(4, 8, 20)).shape)
    """
    assert "nn.Linear(n_filters * len(sizes), n_classes)" in mended(check, text)


def test_no_sum_of_names_when_two_names_have_the_number(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Critic(nn.Module):
            def __init__(self, action_size=3, n_goals=3, width=32):
                super().__init__()
                self.state = nn.Linear(11, width)
                self.value = nn.Linear(width, 1)

            def forward(self, state, action):
                return self.value(torch.cat((self.state(state), action), dim=-1))

        print(Critic()(torch.randn(4, 11), torch.randn(4, 3)).shape)
    """
    text, finding = _finding(check, text)
    assert not any("n_goals" in edit.new or "action_size" in edit.new for fix in finding.fixes for edit in fix.edits)


def test_product_that_repeats_a_batch_of_one(check: Checker) -> None:
    text = """
        import torch

        points, turn = torch.randn(5, 40, 3), torch.eye(3).unsqueeze(0)
        print(points.bmm(turn).shape)
    """
    assert "points.matmul(turn)" in mended(check, text)


def test_recordings_of_unequal_length(check: Checker) -> None:
    text = """
        import torch

        recordings = [torch.randn(n, 13) for n in (50, 71, 64)]
        batch = torch.stack(recordings, dim=0)
        print(batch.mean())
    """
    assert "torch.nn.utils.rnn.pad_sequence(recordings, batch_first=True)" in mended(check, text)


def test_two_named_tensors_are_no_sequences(check: Checker) -> None:
    text = """
        import torch

        left, right = torch.randn(8, 4), torch.randn(6, 4)
        print(torch.stack([left, right]).shape)
    """
    assert "pad" not in titles(check, text)


def test_ready_batches_looped_over_with_their_numbers(check: Checker) -> None:
    text = """
        import torch
        from torch import nn
        from torch.utils.data import DataLoader

        batches = [(torch.randn(6, 1, 50), torch.randint(0, 3, (6,))) for _ in range(3)]
        loader = DataLoader(batches, batch_size=1, shuffle=True)
        net = nn.Sequential(nn.Conv1d(1, 4, 5), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3))
        for step, (x, y) in enumerate(loader):
            nn.functional.cross_entropy(net(x), y).backward()
    """
    assert "DataLoader(batches, batch_size=None, shuffle=True)" in mended(check, text)


def test_loader_of_single_samples_keeps_its_batches(check: Checker) -> None:
    text = """
        import torch
        from torch import nn
        from torch.utils.data import DataLoader

        samples = [(torch.randn(20), torch.tensor(1)) for _ in range(6)]
        net = nn.Linear(16, 3)
        for x, y in DataLoader(samples):
            nn.functional.cross_entropy(net(x), y).backward()
    """
    assert "ready batches" not in titles(check, text)
