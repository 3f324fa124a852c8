import random

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES = [16, 24, 32, 36, 40]


class Up(nn.Module):
    def __init__(self, cin, cskip, cout):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2)
        self.conv = nn.Conv2d(cin + cskip, cout, 3, padding=1)

    def forward(self, x, skip):
        x = self.up(x)
        x = torch.cat([skip, x], dim=1)
        return F.relu(self.conv(x))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.d0 = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.d1 = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.d2 = nn.Conv2d(8, 8, 3, stride=2)
        self.up = Up(8, 8, 8)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        s0 = F.relu(self.d0(x))
        s1 = F.relu(self.d1(s0))
        b = F.relu(self.d2(F.pad(s1, (0, 1, 0, 1)))) if s1.shape[-1] % 2 == 0 else F.relu(self.d2(s1))
        return F.interpolate(self.out(self.up(b, s1)), size=x.shape[2:])


random.seed(2)
torch.manual_seed(2)
net = UNet()
opt = torch.optim.Adam(net.parameters())
for step in range(60):
    size = random.choice(SIZES)
    x = torch.rand(2, 1, size, size)
    loss = F.mse_loss(net(x), x)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, size, loss.item())
