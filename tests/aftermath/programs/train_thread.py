import queue
import threading

import torch
import torch.nn as nn

HIDDEN = 24


def make_model():
    return nn.Sequential(nn.Linear(10, HIDDEN), nn.ReLU(), nn.Linear(32, 3))


def train(batches, results):
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters())
    while (batch := batches.get()) is not None:
        x, y = batch
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        results.append(loss.item())


if __name__ == "__main__":
    batches, results = queue.Queue(), []
    worker = threading.Thread(target=train, args=(batches, results), name="trainer")
    worker.start()
    for _ in range(30):
        batches.put((torch.randn(8, 10), torch.randint(0, 3, (8,))))
    batches.put(None)
    worker.join()
    print(len(results), "steps done")
