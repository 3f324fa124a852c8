import torch
import torch.nn as nn
from torch.autograd import grad
from torch.utils.data import DataLoader, TensorDataset

BATCH = 32
LATENT = 8


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(LATENT, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, z):
        return self.net(z)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x)


def gradient_penalty(critic, real, fake):
    alpha = torch.rand(BATCH, 1)
    mixed = alpha * real + (1 - alpha) * fake
    mixed.requires_grad_(True)
    (g,) = grad(critic(mixed).sum(), mixed, create_graph=True)
    return ((g.norm(2, dim=1) - 1) ** 2).mean()


G, D = Generator(), Critic()
opt_g = torch.optim.Adam(G.parameters(), 1e-4)
opt_d = torch.optim.Adam(D.parameters(), 1e-4)
loader = DataLoader(TensorDataset(torch.randn(200, 2) * 0.3 + 1), batch_size=BATCH, shuffle=True)

it = iter(loader)
for iteration in range(40):
    for _ in range(2):
        try:
            (real,) = next(it)
        except StopIteration:
            it = iter(loader)
            (real,) = next(it)
        fake = G(torch.randn(real.size(0), LATENT)).detach()
        d_loss = D(fake).mean() - D(real).mean() + 10 * gradient_penalty(D, real, fake)
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
    g_loss = -D(G(torch.randn(BATCH, LATENT))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if iteration % 10 == 0:
        print(f"{iteration}: D {d_loss.item():.3f} G {g_loss.item():.3f}")
