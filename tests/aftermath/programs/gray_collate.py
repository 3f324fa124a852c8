import os

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

FOLDER = "pictures"


def prepare(n=48):
    """Download script, abridged."""
    os.makedirs(FOLDER, exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(n):
        shape = (16, 16, 1) if i == 37 else (16, 16, 3)
        np.save(os.path.join(FOLDER, f"{i:03d}.npy"), rng.integers(0, 255, shape, dtype=np.uint8))


class Pictures(Dataset):
    def __init__(self, folder):
        self.files = sorted(os.path.join(folder, f) for f in os.listdir(folder))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        array = np.load(self.files[i])
        image = torch.from_numpy(array).permute(2, 0, 1).float() / 255
        return image, i % 4


def main():
    prepare()
    loader = DataLoader(Pictures(FOLDER), batch_size=8)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for images, labels in loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        opt.step()
        print(loss.item())


main()
