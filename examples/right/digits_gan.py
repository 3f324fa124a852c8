"""A GAN for 8x8 grey digits: the generator ends where the discriminator begins, and targets have its output's shape."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

NOISE = 20


def load_digits():
    """500 random images in the size of the handwritten digits, scaled to -1 … 1."""
    return torch.rand(500, 1, 8, 8) * 2 - 1


class Generator(nn.Module):
    def __init__(self, noise=NOISE):
        super().__init__()
        self.expand = nn.Linear(noise, 64 * 2 * 2)
        self.up = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise):
        grid = torch.relu(self.expand(noise))
        return self.up(grid.view(-1, 64, 2, 2))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
        )
        self.judge = nn.Linear(64 * 2 * 2, 1)

    def forward(self, images):
        return self.judge(self.down(images))


def main(epochs=3):
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(load_digits()), batch_size=64, shuffle=True)
    generator, discriminator = Generator(), Discriminator()
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    compare = nn.BCEWithLogitsLoss()

    for epoch in range(1, epochs + 1):
        for (real,) in loader:
            ones = torch.ones(real.size(0), 1)
            zeros = torch.zeros(real.size(0), 1)
            fake = generator(torch.randn(real.size(0), NOISE))

            loss_d = compare(discriminator(real), ones) + compare(discriminator(fake.detach()), zeros)
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()

            loss_g = compare(discriminator(fake), ones)
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()
        print(f"epoch {epoch}: discriminator {loss_d.item():.3f}, generator {loss_g.item():.3f}")
    return generator, discriminator


if __name__ == "__main__":
    main()
