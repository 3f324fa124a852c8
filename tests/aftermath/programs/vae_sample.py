import torch
import torch.nn as nn
import torch.nn.functional as F


class VAE(nn.Module):
    def __init__(self, latent_dim=10):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(36, 24), nn.ReLU())
        self.mu = nn.Linear(24, latent_dim)
        self.logvar = nn.Linear(24, latent_dim)
        self.dec = nn.Sequential(nn.Linear(latent_dim, 24), nn.ReLU(), nn.Linear(24, 36), nn.Sigmoid())

    def encode(self, x):
        h = self.enc(x)
        return self.mu(h), self.logvar(h)

    def decode(self, z):
        return self.dec(z)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.decode(z), mu, logvar


def elbo(recon, x, mu, logvar):
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


torch.manual_seed(0)
vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=1e-3)
for epoch in range(3):
    for _ in range(20):
        x = torch.rand(16, 36)
        loss = elbo(*[(out := vae(x))[0], x, out[1], out[2]])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        if epoch == 2:
            grid = vae.decode(torch.randn(64, 20)).view(64, 6, 6)
            print("samples", grid.mean().item())
    print(f"epoch {epoch}: {loss.item():.1f}")
