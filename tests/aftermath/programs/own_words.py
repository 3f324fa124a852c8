import torch
import torch.nn as nn


def check(batch, expected):
    if batch.shape[1] != expected:
        raise RuntimeError(f"size mismatch: dataset gives {batch.shape[1]} columns, schema version 3 has {expected}")
    return batch


net = nn.Linear(8, 1)
for i in range(10):
    columns = 8 if i < 7 else 9
    print(net(check(torch.randn(2, columns), 8)).mean().item())
