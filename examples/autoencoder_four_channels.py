"""Three colour channels go in and four come out. Nothing fails here; the first reconstruction loss would."""
import torch
from torch import nn


class ColourAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 8, kernel_size=3, padding=1),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(8, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 4, kernel_size=3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, pictures):
        code = self.encoder(pictures)
        return self.decoder(code)


pictures = torch.rand(1, 3, 28, 28)
restored = ColourAutoencoder()(pictures)
print("in ", tuple(pictures.shape))
print("out", tuple(restored.shape))
