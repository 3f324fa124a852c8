import sys

import torch
import torch.nn as nn

net = nn.Linear(3, 3)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
best = float("inf")
for step in range(1000):
    loss = net(torch.randn(4, 3)).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step > 20:
        print("budget used up", file=sys.stderr)
        sys.exit(3)
