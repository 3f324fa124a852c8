import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    grey = {41}

    def __len__(self):
        return 60

    def __getitem__(self, idx):
        g = torch.Generator().manual_seed(idx)
        channels = 1 if idx in self.grey else 3
        return torch.rand(channels, 18, 14 + idx % 5, generator=g), torch.tensor(idx % 2)


class ScanNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, kernel_size=3),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(2),
        )
        self.classifier = nn.Linear(8 * 2 * 2, 2)

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.flatten(1))


net = ScanNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for epoch in range(2):
    for scan, label in DataLoader(Scans(), batch_size=1):
        optimizer.zero_grad()
        loss = criterion(net(scan), label)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.item())
