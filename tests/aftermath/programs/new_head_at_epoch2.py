import torch
from torch import nn


class TwoStage(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(30, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        h = self.trunk(x)
        return self.head(h)


def deepen(model, optimizer):
    """Second stage: freeze the trunk and put a deeper head on it."""
    for p in model.trunk.parameters():
        p.requires_grad_(False)
    model.head = nn.Sequential(nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer.add_param_group({"params": model.head.parameters()})


def run_epoch(model, data, optimizer):
    losses = []
    for x, y in data:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def main():
    torch.manual_seed(4)
    data = [(torch.randn(16, 30), torch.randint(0, 3, (16,))) for _ in range(25)]
    model = TwoStage()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(4):
        if epoch == 2:
            deepen(model, optimizer)
        print(epoch, run_epoch(model, data, optimizer))


main()
