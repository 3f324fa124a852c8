"""Reads a handwritten digit row by row: an LSTM over the eight rows of each image, trained on scikit-learn's digits."""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class RowReader(nn.Module):
    def __init__(self, hidden=32, classes=10):
        super().__init__()
        self.lstm = nn.LSTM(8, hidden)
        self.classify = nn.Linear(hidden, classes)

    def forward(self, images):
        rows = images.view(8, -1, 8)  # the LSTM takes (time, batch, features)
        states, _ = self.lstm(rows)
        return self.classify(states[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target)
    x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.25, random_state=args.seed)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)

    model = RowReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = (model(x_test).argmax(dim=1) == y_test).float().mean()
        print(f"epoch {epoch} error {1 - right.item():.4f}")


if __name__ == "__main__":
    main()
