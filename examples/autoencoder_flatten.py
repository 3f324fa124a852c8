"""Convolutions, a flat code, and back: Flatten and Unflatten meet at 8 channels of 7x7. It runs as it stands."""
import torch
from torch import nn


class FlatCodeAutoencoder(nn.Module):
    def __init__(self, channels, code):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 8 * 7 * 7),
            nn.Unflatten(1, (8, 7, 7)),
            nn.ConvTranspose2d(8, 16, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, channels, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )

    def forward(self, image):
        return self.decoder(self.encoder(image))


model = FlatCodeAutoencoder(channels=1, code=8 * 7 * 7)
print(tuple(model(torch.rand(1, 1, 28, 28)).shape))
