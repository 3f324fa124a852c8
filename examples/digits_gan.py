"""A GAN for the 8x8 grey digits of scikit-learn, from data to training; it measures how far its digits are from real ones."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

NOISE = 20


def digit_images():
    """1797 handwritten digits from -1 to 1, the range of the generator's Tanh."""
    return torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1


class Generator(nn.Module):
    def __init__(self, noise=NOISE):
        super().__init__()
        self.expand = nn.Linear(noise, 32 * 2 * 2)
        self.up = nn.Sequential(
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise):
        grid = torch.relu(self.expand(noise))
        return self.up(grid.view(-1, 32, 2, 2))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, 16, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
        )
        self.judge = nn.Linear(32 * 7 * 7, 1)

    def forward(self, images):
        return torch.sigmoid(self.judge(self.down(images)))


def distance(generator, real):
    """How far generated digits are from the real ones: the mean and the spread of every pixel over all images, compared."""
    with torch.no_grad():
        fake = generator(torch.randn(len(real), NOISE))
    means = (fake.mean(dim=0) - real.mean(dim=0)).abs().mean()
    spreads = (fake.std(dim=0) - real.std(dim=0)).abs().mean()
    return (means + spreads).item()


def main(epochs=10):
    torch.manual_seed(0)
    images = digit_images()
    loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True)
    generator, discriminator = Generator(), Discriminator()
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=4e-3, betas=(0.5, 0.999))
    compare = nn.BCELoss()

    before = distance(generator, images)
    losses = []
    for epoch in range(1, epochs + 1):
        total_d = total_g = 0.0
        for (real,) in loader:
            ones = torch.ones(real.size(0))
            zeros = torch.zeros(real.size(0))
            fake = generator(torch.randn(real.size(0), NOISE))

            loss_d = compare(discriminator(real), ones) + compare(discriminator(fake.detach()), zeros)
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()

            loss_g = compare(discriminator(fake), ones)
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()
            total_d, total_g = total_d + loss_d.item(), total_g + loss_g.item()
        losses.append((total_d / len(loader), total_g / len(loader)))
        print(f"epoch {epoch}: discriminator {losses[-1][0]:.3f}, generator {losses[-1][1]:.3f}")

    print(f"discriminator loss {losses[0][0]:.2f} -> {losses[-1][0]:.2f}")
    print(f"generator loss {losses[0][1]:.2f} -> {losses[-1][1]:.2f}")
    print(f"distance to the real digits {before:.2f} -> {distance(generator, images):.2f}")
    return generator, discriminator


if __name__ == "__main__":
    main()
