import torch
import torch.nn as nn

net = nn.Linear(6, 2)
stats = {"ok": 0}


def step(x):
    try:
        net(x).sum().backward()
        stats["ok"] += 1
    except RuntimeError as error:
        stats["failed"] += 1
        print("skipped", error)


for i in range(12):
    step(torch.randn(3, 5 if i == 9 else 6))
