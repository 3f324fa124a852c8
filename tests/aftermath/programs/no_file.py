import torch
import torch.nn as nn


def load(path):
    with open(path) as f:
        return torch.tensor([[float(v) for v in line.split(",")] for line in f])


net = nn.Linear(4, 1)
for step in range(20):
    loss = net(torch.randn(8, 4)).square().mean()
    loss.backward()
validation = load("data/validation.csv")
print(net(validation).mean())
