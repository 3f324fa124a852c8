import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def paired_gap(a, b):
    """Mean distance between the features of both domains."""
    return (a - b).pow(2).mean()


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 16))
        self.classifier = nn.Linear(16, 4)

    def forward(self, x):
        z = self.layers(x)
        return z, self.classifier(z)


def train():
    torch.manual_seed(0)
    source = TensorDataset(torch.randn(180, 12), torch.randint(0, 4, (180,)))
    target = TensorDataset(torch.randn(168, 12) + 0.5)
    loader_s = DataLoader(source, batch_size=32, shuffle=True)
    loader_t = DataLoader(target, batch_size=32, shuffle=True)
    net = Encoder()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(3):
        for (xs, ys), (xt,) in zip(loader_s, loader_t):
            zs, logits = net(xs)
            zt, _ = net(xt)
            loss = nn.functional.cross_entropy(logits, ys) + 0.1 * paired_gap(zs, zt)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"epoch {epoch} {loss.item():.4f}")


train()
