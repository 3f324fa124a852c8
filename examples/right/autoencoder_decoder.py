"""Encoder and decoder meet at 64 numbers."""
import torch
from torch import nn


class Compressor(nn.Module):
    def __init__(self, pixels):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(pixels, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
        )
        self.decoder = nn.Sequential(
            nn.Linear(64, 128),
            nn.ReLU(),
            nn.Linear(128, pixels),
        )

    def forward(self, x):
        code = self.encoder(x)
        return self.decoder(code)


pixels = 784
x = torch.randn(1, pixels)
print(tuple(Compressor(pixels)(x).shape))
