"""A convolutional autoencoder: 28 pixels are pooled to 14 and brought back to 28. It runs as it stands."""
import torch
from torch import nn

encoder = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
)
decoder = nn.Sequential(
    nn.ConvTranspose2d(16, 1, kernel_size=3, stride=2, padding=1, output_padding=1),
    nn.Sigmoid(),
)


class PooledAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, image):
        return self.decoder(self.encoder(image))


images = torch.rand(10, 1, 28, 28)
print(tuple(PooledAutoencoder()(images).shape))
