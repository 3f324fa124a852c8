import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Clips(Dataset):
    """Clips of 8 to 12 frames, padded to 12."""

    def __init__(self, n=96, frames=12, features=10):
        self.n, self.frames, self.features = n, frames, features

    def __len__(self):
        return self.n

    def load(self, i):
        g = torch.Generator().manual_seed(i)
        width = 9 if i == 80 else self.features
        return torch.randn(8 + i % 4, width, generator=g)

    def __getitem__(self, i):
        clip = self.load(i)
        pad = torch.zeros(self.frames - len(clip), self.features)
        return torch.cat([clip, pad]), i % 3


class ClipNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(10, 16, batch_first=True)
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        _, h = self.gru(x)
        return self.fc(h[-1])


def main():
    loader = DataLoader(Clips(), batch_size=8, num_workers=2)
    model = ClipNet()
    opt = torch.optim.Adam(model.parameters())
    for epoch in range(2):
        for clips, labels in loader:
            loss = nn.functional.cross_entropy(model(clips), labels)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
