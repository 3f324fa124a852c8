"""The discriminator of a GAN for 28x28 colour images. It runs; given 64x64 images its last layer would no longer fit."""
import torch
from torch import nn


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Conv2d(3, 16, kernel_size=4, stride=2, padding=1)
        self.down2 = nn.Conv2d(16, 32, kernel_size=4, stride=2, padding=1)
        self.verdict = nn.Linear(32 * 7 * 7, 1)

    def forward(self, image):
        h = torch.relu(self.down1(image))
        h = torch.relu(self.down2(h))
        h = h.view(h.size(0), -1)
        return self.verdict(h)


def main():
    discriminator = Discriminator()
    fake = torch.randn(1, 3, 28, 28)
    try:
        print("logit:", discriminator(fake).item())
    except RuntimeError as error:
        print("could not judge the image:", error)


if __name__ == "__main__":
    main()
