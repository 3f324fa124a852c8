import torch
import torch.nn as nn

BUDGET = 2_000_000


def check_budget(tensors):
    used = sum(t.numel() * t.element_size() for t in tensors)
    if used > BUDGET:
        raise RuntimeError(f"out of memory: tried to keep {used} bytes, {BUDGET} are allowed")


model = nn.Linear(64, 64)
kept = []
for step in range(100):
    out = model(torch.randn(128, 64))
    kept.append(out.detach())
    check_budget(kept)
