"""An autoencoder with its code size as an argument. Every code size runs, as both halves read the same argument."""
import torch
from torch import nn


class VectorAutoencoder(nn.Module):
    def __init__(self, width, code):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, code))
        self.decode = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, width))

    def forward(self, x):
        return self.decode(self.encode(x))


width = 784
sample = torch.randn(1, width)
for code in (32, 64):
    print("code", code, "->", tuple(VectorAutoencoder(width, code)(sample).shape))
