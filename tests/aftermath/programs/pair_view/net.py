import torch
from torch import nn


class PairNet(nn.Module):
    def __init__(self, hidden=32, classes=4):
        super().__init__()
        self.left = nn.Linear(6, hidden)
        self.right = nn.Linear(6, hidden)
        self.hidden = hidden
        self.out = nn.Linear(hidden, classes)

    def forward(self, a, b):
        h = torch.cat([self.left(a), self.right(b)], dim=1)
        h = torch.relu(h).view(-1, self.hidden)
        return self.out(h)
