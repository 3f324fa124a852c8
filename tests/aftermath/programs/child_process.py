import multiprocessing as mp
import sys

import torch
import torch.nn as nn


class Tracker(nn.Module):
    def __init__(self, n_inputs=8):
        super().__init__()
        self.gru = nn.GRU(n_inputs, 12, batch_first=True)
        self.out = nn.Linear(12, 2)

    def forward(self, x):
        _, h = self.gru(x)
        return self.out(h.squeeze(0))


def train(seed):
    torch.manual_seed(seed)
    model = Tracker()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(20):
        windows = torch.randn(4, 15, 6)
        loss = model(windows).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print("seed", seed, loss.item())


if __name__ == "__main__":
    process = mp.Process(target=train, args=(3,))
    process.start()
    process.join()
    sys.exit(process.exitcode)
