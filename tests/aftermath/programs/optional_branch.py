import torch
import torch.nn as nn
import torch.nn.functional as F


class AuxHead(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.conv = nn.Conv2d(channels, 8, 1)
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        x = F.relu(self.conv(x))
        return self.fc(x.mean(dim=(2, 3)))


class Net(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2)
        self.tail = nn.Conv2d(16, 32, 3, stride=2)
        self.aux = AuxHead(32, classes)
        self.fc = nn.Linear(32, classes)

    def forward(self, x, with_aux=False):
        h = F.relu(self.stem(x))
        out = self.fc(F.relu(self.tail(h)).mean(dim=(2, 3)))
        if with_aux:
            return out, self.aux(h)
        return out, None


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
step = 0
while True:
    x, y = torch.rand(6, 3, 16, 16), torch.randint(0, 4, (6,))
    out, aux = net(x, with_aux=step % 25 == 24)
    loss = F.cross_entropy(out, y)
    if aux is not None:
        loss = loss + 0.3 * F.cross_entropy(aux, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    if step == 100:
        break
