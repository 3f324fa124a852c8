"""Image compression with an autoencoder: tiles of 8x8 grey pixels are kept as 8 numbers each, first digits, then photographs."""
import torch
from sklearn.datasets import load_digits, load_sample_images
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CODE = 8


def digit_tiles():
    """1797 handwritten digits from 0 to 1, one a tile, in a random order; the last 400 are for the test."""
    digits = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
    digits = digits[torch.randperm(len(digits))]
    return digits[:-400], digits[-400:]


def photo_tiles():
    """Two photographs, grey from 0 to 1, cut into tiles: a temple for the training, a flower for the test."""
    tiles = []
    for photo in load_sample_images().images:
        grey = torch.tensor(photo, dtype=torch.float32).mean(dim=2) / 255
        tiles.append(grey.unfold(0, 8, 8).unfold(1, 8, 8).reshape(-1, 1, 8, 8))
    return tiles


class Autoencoder(nn.Module):
    def __init__(self, code=CODE):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 2 * 2, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 32 * 2 * 2),
            nn.ReLU(),
            nn.Unflatten(1, (32, 2, 2)),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )

    def forward(self, tiles):
        return self.decoder(self.encoder(tiles))


def psnr(model, tiles):
    """Peak signal-to-noise ratio of the restored tiles in dB: 20 is an error of a tenth of the range, 40 of a hundredth."""
    with torch.no_grad():
        error = nn.functional.mse_loss(model(tiles), tiles)
    return -10 * torch.log10(error).item()


def train(model, tiles, epochs):
    loader = DataLoader(TensorDataset(tiles), batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    compare = nn.MSELoss()
    for epoch in range(1, epochs + 1):
        total = 0.0
        for (batch,) in loader:
            restored = model(batch)
            loss = compare(restored, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"  epoch {epoch}: mean squared error {total / len(loader):.4f}")


def compress(name, train_tiles, test_tiles, epochs):
    """Train an autoencoder on some tiles and print how well it restores others."""
    model = Autoencoder()
    before = psnr(model, test_tiles)
    train(model, train_tiles, epochs)
    after = psnr(model, test_tiles)
    with torch.no_grad():
        codes = model.encoder(test_tiles)
    print(f"{name} PSNR {before:.1f} -> {after:.1f} dB at {test_tiles.numel() // codes.numel()}:1")


def main(epochs=12):
    torch.manual_seed(0)
    compress("digits", *digit_tiles(), epochs)
    compress("photo", *photo_tiles(), epochs // 3)  # it has three times as many tiles


if __name__ == "__main__":
    main()
