"""Sizes that are handed on to what builds a layer: the argument in between is mended, and not the number that others use, too."""

from __future__ import annotations

from conftest import Checker
from test_cures_losses import mended, titles


def test_noise_and_label_in_a_block_of_layers(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        n_classes, n_noise = 7, 20

        class Generator(nn.Module):
            def __init__(self):
                super().__init__()
                self.label = nn.Embedding(n_classes, n_classes)

                def block(n_in, n_out):
                    return [nn.Linear(n_in, n_out), nn.ReLU()]

                self.net = nn.Sequential(*block(n_noise, 32), *block(32, 48), nn.Linear(48, 16))

            def forward(self, z, y):
                return self.net(torch.cat((z, self.label(y)), -1))

        print(Generator()(torch.randn(3, n_noise), torch.tensor([1, 2, 6])).shape)
        """,
    )
    assert "*block(n_noise + n_classes, 32), *block(32, 48)" in after
    assert "n_noise = 7, 20" in after


def test_half_of_what_an_encoder_gives(check: Checker) -> None:
    after = mended(
        check,
        """
        import torch
        from torch import nn

        LATENT = 6

        def mlp(*widths):
            layers = []
            for a, b in zip(widths[:-1], widths[1:]):
                layers += [nn.Linear(a, b), nn.ReLU()]
            return nn.Sequential(*layers[:-1])

        class VAE(nn.Module):
            def __init__(self):
                super().__init__()
                self.encoder = mlp(30, 24, LATENT)
                self.decoder = mlp(LATENT, 24, 30)

            def forward(self, x):
                mean, spread = self.encoder(x).chunk(2, dim=-1)
                return self.decoder(mean + spread.exp())

        print(VAE()(torch.randn(4, 30)).shape)
        """,
    )
    assert "self.encoder = mlp(30, 24, LATENT * 2)" in after
    assert "self.decoder = mlp(LATENT, 24, 30)" in after


ATTENTION = """
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self, enc, dec):
            super().__init__()
            self.score = nn.Linear({size}, 1)

        def forward(self, state, outputs):
            state = state.unsqueeze(1).repeat(1, outputs.size(1), 1)
            return self.score(torch.cat((state, outputs), dim=2)).squeeze(2)

    WIDTH, STATE = 12, 10
    rnn = nn.GRU(5, WIDTH, bidirectional=True, batch_first=True)
    attention = Attention(WIDTH, STATE)
    outputs, _ = rnn(torch.randn(3, 7, 5))
    print(attention(torch.randn(3, STATE), outputs).shape)
"""


def test_one_term_of_a_sum_counts_twice(check: Checker) -> None:
    assert "nn.Linear(enc * 2 + dec, 1)" in mended(check, ATTENTION.format(size="enc + dec"))
    assert "nn.Linear(dec + enc * 2, 1)" in mended(check, ATTENTION.format(size="dec + enc"))


def test_a_sum_of_one_name_twice_is_left_alone(check: Checker) -> None:
    text = ATTENTION.format(size="dec + dec + 2")
    assert " * " not in titles(check, text)


def test_two_that_are_written_out_are_two(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Sentiment(nn.Module):
            def __init__(self, n_in, hidden, n_layers):
                super().__init__()
                self.rnn = nn.LSTM(n_in, hidden, n_layers, bidirectional=True)
                self.out = nn.Linear(hidden, 1)

            def forward(self, x):
                _, (state, _) = self.rnn(x)
                return self.out(torch.cat((state[-2], state[-1]), dim=1))

        HIDDEN = 20
        print(Sentiment(8, HIDDEN, 2)(torch.randn(6, 3, 8)).shape)
    """
    assert "nn.Linear(hidden * 2, 1)" in mended(check, text)
    assert "n_layers" not in titles(check, text)


def test_two_sizes_that_the_class_is_given(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Critic(nn.Module):
            def __init__(self, state_dim, action_dim):
                super().__init__()
                self.first, self.last = nn.Linear(state_dim, 24), nn.Linear(24, 1)

            def forward(self, state, action):
                return self.last(self.first(torch.cat([state, action], 1)).relu())

        class Agent:
            def __init__(self, state_dim, action_dim):
                self.actor = nn.Linear(state_dim, action_dim)
                self.critic = Critic(state_dim, action_dim)

        agent = Agent(11, 3)
        state = torch.randn(5, 11)
        print(agent.critic(state, agent.actor(state)).shape)
    """
    assert "nn.Linear(state_dim + action_dim, 24)" in mended(check, text)
    assert titles(check, text).count("critic.first") == 1


def test_the_term_of_a_sum_that_is_not_joined(check: Checker) -> None:
    text = """
        import torch
        from torch import nn

        class Both(nn.Module):
            def __init__(self, n_meta=9):
                super().__init__()
                self.image, self.meta = nn.Linear(50, 40), nn.Linear(n_meta, 16)
                n_image = self.image.out_features
                self.out = nn.Linear(n_image + n_meta, 1)

            def forward(self, image, meta):
                return self.out(torch.cat([self.image(image), self.meta(meta)], dim=1))

        print(Both()(torch.rand(2, 50), torch.rand(2, 9)).shape)
    """
    assert "nn.Linear(n_image + 16, 1)" in mended(check, text)


def test_the_larger_of_two_tensors_has_no_dim(check: Checker) -> None:
    text = """
        import torch

        corners = torch.rand(6, 2, requires_grad=True) * 2
        others = torch.rand(4, 2)
        print(torch.max(corners, others).sum())
    """
    assert "work along" not in titles(check, text)
