from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    n_samples: int = 129
    n_inputs: int = 20
    width: int = 32
    batch_size: int = 32
    epochs: int = 4


class Tabular(Dataset):
    def __init__(self, cfg):
        g = torch.Generator().manual_seed(3)
        self.x = torch.randn(cfg.n_samples, cfg.n_inputs, generator=g)
        self.y = (self.x[:, 0] > 0).long()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(cfg.n_inputs, cfg.width),
            nn.BatchNorm1d(cfg.width),
            nn.ReLU(),
            nn.Linear(cfg.width, 2),
        )

    def forward(self, x):
        return self.net(x)


def main():
    cfg = Config()
    loader = DataLoader(Tabular(cfg), batch_size=cfg.batch_size, shuffle=True)
    model = MLP(cfg)
    optimizer = torch.optim.AdamW(model.parameters())
    for epoch in range(cfg.epochs):
        model.train()
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.4f}")


if __name__ == "__main__":
    main()
