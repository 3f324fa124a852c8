import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Leaves(Dataset):
    def __init__(self, n, crop=None):
        self.images = torch.rand(n, 3, 24, 24)
        self.labels = torch.randint(0, 5, (n,))
        self.crop = crop

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i]
        if self.crop is not None:
            top = int(torch.randint(0, 24 - self.crop + 1, (1,)))
            image = image[:, top : top + self.crop, top : top + self.crop]
        return image, self.labels[i]


class LeafNet(nn.Module):
    def __init__(self, num_classes=5):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(8 * 10 * 10, num_classes))

    def forward(self, x):
        return self.classifier(self.features(x))


def train_one_epoch(model, loader, opt):
    model.train()
    for x, y in loader:
        opt.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        opt.step()


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    correct = 0
    for x, y in loader:
        correct += (model(x).argmax(1) == y).sum().item()
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--crop", type=int, default=20)
    args = parser.parse_args()
    torch.manual_seed(0)
    train_loader = DataLoader(Leaves(64, crop=args.crop), batch_size=16, shuffle=True)
    val_loader = DataLoader(Leaves(32), batch_size=16)
    model = LeafNet()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(args.epochs):
        train_one_epoch(model, train_loader, opt)
        print(f"epoch {epoch}: accuracy {evaluate(model, val_loader):.2%}")


if __name__ == "__main__":
    main()
