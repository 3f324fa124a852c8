"""Online learning: one sample a line, features and then the label."""
import sys

import torch
import torch.nn.functional as F

layer = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)

for number, line in enumerate(sys.stdin, 1):
    *features, label = line.split()
    x = torch.tensor([[float(f) for f in features]])
    y = torch.tensor([int(label)])
    loss = F.cross_entropy(layer(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"line {number}: {loss.item():.3f}")
