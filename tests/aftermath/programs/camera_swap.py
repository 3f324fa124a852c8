import torch
import torch.nn as nn
import torch.nn.functional as F


class FrameNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.fc = nn.Linear(8 * 16 * 16, 4)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = x.flatten(1)
        return self.fc(x)


def frames(step, n=4):
    """What the camera sends; it was replaced by a better one in the meantime."""
    size = 32
    if step == 500:
        size = 40
    return torch.randn(n, 3, size, size), torch.randint(0, 4, (n,))


torch.manual_seed(0)
net = FrameNet()
opt = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(1000):
    x, y = frames(step)
    loss = F.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        print(f"step {step:4d}  loss {loss.item():.3f}")
