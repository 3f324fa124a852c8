"""Tensors of another number of dims than a call takes: mended where they are made, handed on, or lost a dim."""

from __future__ import annotations

from conftest import Checker
from test_cures_losses import mended, titles


def test_maps_are_made_to_rows_behind_the_layer_that_gives_them(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        class Patches(nn.Module):
            def __init__(self, dim):
                super().__init__()
                self.proj = nn.Conv2d(3, dim, 4, 4)

            def forward(self, x):
                return self.proj(x)

        class Mixer(nn.Module):
            def __init__(self, dim):
                super().__init__()
                self.qkv = nn.Linear(dim, dim * 3)

            def forward(self, x):
                b, n, c = x.shape
                q, k, v = self.qkv(x).reshape(b, n, 3, c).unbind(2)
                return (q @ k.transpose(1, 2)).softmax(-1) @ v

        class Net(nn.Module):
            def __init__(self, dim=24):
                super().__init__()
                self.patches, self.mixer, self.out = Patches(dim), Mixer(dim), nn.Linear(dim, 5)

            def forward(self, x):
                x = self.patches(x)
                x = x + self.mixer(x)
                return self.out(x.mean(1))

        print(Net()(torch.rand(2, 3, 16, 16)).shape)
        """,
    )
    assert "x = self.patches(x).flatten(2).transpose(1, 2)" in after


def test_flatten_before_a_block_that_wants_maps(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Gate(nn.Module):
            def __init__(self, n):
                super().__init__()
                self.fc = nn.Linear(n, n)

            def forward(self, x):
                b, c, h, w = x.shape
                return x * self.fc(x.mean((2, 3))).sigmoid().view(b, c, 1, 1)

        conv, pool, gate = nn.Conv2d(3, 16, 3), nn.AdaptiveAvgPool2d(1), Gate(16)
        x = pool(conv(torch.rand(2, 3, 8, 8))).flatten(1)
        x = gate(x)
        print(x.shape)
    """
    assert "x = pool(conv(torch.rand(2, 3, 8, 8)))\n" in mended(check, text)
    assert "make images" not in titles(check, text)


def test_an_action_that_lost_its_dim(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        actor, critic = nn.Linear(3, 1), nn.Linear(4, 1)

        def act(state):
            return 2.0 * torch.tanh(actor(state)).squeeze(-1)

        def value(state, action):
            return critic(torch.cat([state, action], dim=-1))

        state = torch.randn(8, 3)
        taken = torch.randn(8, 1)
        loss = (value(state, taken) - value(state, act(state))).mean()
        loss.backward()
        """,
    )
    assert "return 2.0 * torch.tanh(actor(state))\n" in after


def test_a_mask_with_one_dim_too_many(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        boxes = nn.Linear(6, 4)(torch.randn(2, 9, 6))
        wanted = torch.randn(2, 9, 4)
        labels = torch.arange(18).view(2, 9) % 3
        found = (labels > 0).unsqueeze(-1)
        loss = nn.functional.l1_loss(boxes[found], wanted[found], reduction="sum") / found.sum()
        loss.backward()
        """,
    )
    assert "found = (labels > 0)\n" in after


def test_noise_for_a_generator_of_maps(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        net = nn.Sequential(nn.ConvTranspose2d(10, 8, 4), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1))
        n = 5
        noise = torch.randn(n, 10)
        fake = net(noise)
        print(fake.shape)
        """,
    )
    assert "torch.randn(n, 10, 1, 1)" in after or "net(noise[:, :, None, None])" in after


def test_one_matrix_for_all_samples(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        weights = nn.Linear(3, 5)
        adjacency = torch.rand(6, 6)
        out = torch.bmm(adjacency, weights(torch.randn(2, 6, 3)))
        out.sum().backward()
        """,
    )
    assert "torch.matmul(adjacency, weights(" in after


def test_padding_beside_the_scores_of_all_heads(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        class Attention(nn.Module):
            def __init__(self, dim=16, heads=4):
                super().__init__()
                self.heads, self.qkv = heads, nn.Linear(dim, dim * 3)

            def forward(self, x, mask):
                b, n, d = x.shape
                q, k, v = (one.view(b, n, self.heads, -1).transpose(1, 2) for one in self.qkv(x).chunk(3, -1))
                scores = q @ k.transpose(-2, -1)
                scores = scores.masked_fill(mask == 0, -1e9)
                return (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, d)

        mask = torch.ones(3, 9)
        mask[:, 6:] = 0
        print(Attention()(torch.randn(3, 9, 16), mask).shape)
        """,
    )
    assert "masked_fill((mask == 0)[:, None, None], -1e9)" in after


GREY = """
    import torch
    from torch import nn
    {build}
    scores = net(torch.rand(2, {channels}, 32, 32))
    print(scores.shape)
"""
READY = "import torchvision\n    net = torchvision.models.resnet18(weights=None, num_classes=4)"
OWN = "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))"


def test_grey_pictures_and_a_ready_made_net(check: Checker) -> None:
    assert "torch.rand(2, 1, 32, 32).expand(-1, 3, -1, -1)" in mended(check, GREY.format(build=READY, channels=1))
    assert "torch.rand(2, 4, 32, 32)[:, :3]" in mended(check, GREY.format(build=READY, channels=4))


def test_grey_pictures_and_a_net_of_ones_own(check: Checker) -> None:
    text = GREY.format(build=OWN, channels=1)
    assert "nn.Conv2d(1, 8, 3)" in mended(check, text)
    assert "grey" not in titles(check, text)
