import torch
import torch.nn as nn


class Robust(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 2)

    def forward(self, x):
        try:
            return self.fc(x)
        except RuntimeError:  # pictures come as [N, 3, 4]
            return self.fc(x.flatten(1))


net = Robust()
for step in range(30):
    x = torch.randn(5, 12) if step % 2 else torch.randn(5, 3, 4)
    net(x).sum().backward()
skipped = [step for step in range(30) if step > 40]
print("mean skipped step", sum(skipped) / len(skipped))
