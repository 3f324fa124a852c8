import torch
from miniframe import MiniModule, MiniTrainer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Scorer(MiniModule):
    def __init__(self, batch_size):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
        self.threshold = torch.full((batch_size,), 0.5)

    def forward(self, x):
        return self.net(x).squeeze(1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        return nn.functional.binary_cross_entropy_with_logits(self(x), y)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        predicted = self(x).sigmoid() > self.threshold
        return (predicted == y.bool()).float().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def loader(n):
    x = torch.randn(n, 6)
    return DataLoader(TensorDataset(x, (x.sum(1) > 0).float()), batch_size=10)


MiniTrainer(max_epochs=2).fit(Scorer(10), loader(60), loader(25))
