import numpy as np
import torch
import torch.nn as nn


def extract_features():
    rng = np.random.default_rng(5)
    mfcc = rng.normal(size=(200, 39)).astype("float32")
    energy = rng.normal(size=(200, 1)).astype("float32")
    np.save("features.npy", np.concatenate([mfcc, energy], axis=1))
    np.save("labels.npy", rng.integers(0, 6, 200))


class AcousticModel(nn.Module):
    def __init__(self, n_mfcc=39):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_mfcc, 64), nn.ReLU(), nn.Linear(64, 6))

    def forward(self, x):
        return self.body(x)


extract_features()
x = torch.from_numpy(np.load("features.npy"))
y = torch.from_numpy(np.load("labels.npy"))
model = AcousticModel()
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(5):
    loss = nn.functional.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(epoch, loss.item())
