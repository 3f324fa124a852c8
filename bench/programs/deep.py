"""Models of 150 layers, each with its input: ordinary ones, and one whose layers do next to nothing."""

import torch
from torch import nn


class Deep(nn.Module):
    """Layers one after the other."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def convolutions():
    """50 × [Conv2d, BatchNorm2d, ReLU], 64 channels, 8 images of 32×32."""
    layers = [layer for _ in range(50) for layer in (nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU())]
    return Deep(layers), torch.randn(8, 64, 32, 32)


def linear():
    """50 × [Linear, LayerNorm, ReLU], width 256, a batch of 64."""
    layers = [layer for _ in range(50) for layer in (nn.Linear(256, 256), nn.LayerNorm(256), nn.ReLU())]
    return Deep(layers), torch.randn(64, 256)


def tiny():
    """50 × [Linear, LayerNorm, ReLU], width 4, a batch of 1: nothing but the calls themselves."""
    layers = [layer for _ in range(50) for layer in (nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU())]
    return Deep(layers), torch.randn(1, 4)
