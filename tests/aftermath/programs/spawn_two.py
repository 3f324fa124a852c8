import torch
import torch.multiprocessing as mp
import torch.nn as nn

SAMPLES = 13


def share(rank, world):
    """The samples of one rank."""
    return range(rank * SAMPLES // world, (rank + 1) * SAMPLES // world)


def worker(rank, world):
    torch.manual_seed(0)
    model = nn.Linear(5, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = torch.randn(SAMPLES, 5)
    own = data[list(share(rank, world))]
    weights = torch.ones(SAMPLES // world)
    for step in range(5):
        losses = model(own).square().mean(1)
        loss = (weights * losses).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"rank {rank} done, {loss.item():.3f}")


if __name__ == "__main__":
    mp.spawn(worker, args=(2,), nprocs=2)
