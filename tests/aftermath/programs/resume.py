import os

import torch
import torch.nn as nn


def build(num_classes, width=16):
    return nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, num_classes))


def train(model, classes, steps):
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        x, y = torch.randn(8, 10), torch.randint(0, classes, (8,))
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()


os.makedirs("ckpt", exist_ok=True)
path = os.path.join("ckpt", "last.pt")
first = build(num_classes=5)
print("first run", train(first, 5, 50))
torch.save({"model": first.state_dict(), "step": 50}, path)

second = build(num_classes=7)
state = torch.load(path)
second.load_state_dict(state["model"])
print("second run", train(second, 5, 50))
