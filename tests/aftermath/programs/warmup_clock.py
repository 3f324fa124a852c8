import time

import torch
import torch.nn as nn

START = time.monotonic()
WARMUP_SECONDS = 0.5


def resolution():
    return 16 if time.monotonic() - START < WARMUP_SECONDS else 20


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 16 * 16, 2)

    def forward(self, x):
        return self.fc(self.conv(x).relu().flatten(1))


model = Small()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
steps = {16: 0, 20: 0}
while steps[20] < 20:
    size = resolution()
    loss = nn.functional.cross_entropy(model(torch.rand(4, 1, size, size)), torch.randint(0, 2, (4,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    steps[size] += 1
print("steps", steps)
