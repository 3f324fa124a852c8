import os

import torch
import torch.nn as nn

HIDDEN = int(os.environ.get("HIDDEN", "64"))


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(50, HIDDEN), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(64, 50), nn.Sigmoid())

    def forward(self, x):
        z = self.encoder(x)
        return self.decoder(z)


if __name__ == "__main__":
    model = AutoEncoder()
    opt = torch.optim.Adam(model.parameters())
    for step in range(20):
        x = torch.rand(16, 50)
        loss = nn.functional.binary_cross_entropy(model(x), x)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(loss.item())
