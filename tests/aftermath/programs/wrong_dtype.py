import torch
import torch.nn as nn

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
for step in range(10):
    x = torch.randn(6, 4) if step < 5 else torch.randint(0, 3, (6, 4))
    y = model(x)
    y.sum().backward()
