import torch
import torch.nn as nn


class LossMonitor:
    def __init__(self, limit):
        self.limit = limit

    def __call__(self, value):
        assert value < self.limit, f"diverged: {value:.1f}"


torch.manual_seed(0)
monitor = LossMonitor(100.0)
model = nn.Linear(5, 1)
opt = torch.optim.SGD(model.parameters(), lr=3.0)
for step in range(100):
    x = torch.randn(32, 5)
    loss = nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    monitor(loss.item())
    opt.zero_grad()
    loss.backward()
    opt.step()
