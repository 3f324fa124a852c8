"""An autoencoder that compresses 8x8 grey digits to 12 numbers and restores them; the loss compares equal shapes."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CODE = 12


def load_digits():
    """500 random images in the size and range of the handwritten digits."""
    return torch.rand(500, 1, 8, 8)


class DigitAutoencoder(nn.Module):
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

    def forward(self, images):
        return self.decoder(self.encoder(images))


def main(epochs=3):
    torch.manual_seed(0)
    images = load_digits()
    loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True)
    model = DigitAutoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    compare = nn.MSELoss()

    for epoch in range(1, epochs + 1):
        total = 0.0
        for (batch,) in loader:
            restored = model(batch)
            loss = compare(restored, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch}: mean squared error {total / len(images):.4f}")

    with torch.no_grad():
        one = images[:1]
        print(f"{one.numel()} pixels are kept as {model.encoder(one).numel()} numbers")
    return model


if __name__ == "__main__":
    main()
