"""The generator of a GAN: noise goes in, 28x28 colour images come out. It runs as it stands."""
import torch
from torch import nn

NOISE = 100


class Generator(nn.Module):
    def __init__(self, noise_size):
        super().__init__()
        self.expand = nn.Linear(noise_size, 128 * 7 * 7)
        self.up1 = nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(64, 3, kernel_size=4, stride=2, padding=1)

    def forward(self, noise):
        grid = self.expand(noise).view(noise.size(0), 128, 7, 7)
        grid = torch.relu(self.up1(grid))
        return torch.tanh(self.up2(grid))


generator = Generator(NOISE)
image = generator(torch.randn(1, NOISE))
print("one generated image:", tuple(image.shape))
