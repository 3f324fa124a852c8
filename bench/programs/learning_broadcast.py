"""Reads a handwritten digit as a number: a small network that guesses its value, trained on scikit-learn's digits."""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class DigitValue(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.hidden = nn.Linear(8 * 8, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = x.flatten(1)
        x = torch.relu(self.hidden(x))
        return self.out(x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16
    values = torch.tensor(digits.target, dtype=torch.float32)
    x_train, x_test, y_train, y_test = train_test_split(images, values, test_size=0.25, random_state=args.seed)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)

    model = DigitValue()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            guesses = model(x_test)
        print(f"epoch {epoch} error {mean_absolute_error(y_test, guesses):.4f}")


if __name__ == "__main__":
    main()
