import torch
import torch.nn as nn


class Stage(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel_size=3)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, x):
        return self.pool(torch.relu(self.conv(x)))


class Pyramid(nn.Module):
    def __init__(self, widths=(3, 4, 6, 8, 8), classes=3):
        super().__init__()
        self.stages = nn.ModuleList(Stage(a, b) for a, b in zip(widths, widths[1:]))
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return self.fc(x.mean((2, 3)))


def main(epochs=4):
    torch.manual_seed(0)
    model = Pyramid()
    opt = torch.optim.Adam(model.parameters())
    for epoch in range(epochs):
        side = 64 if epoch < 2 else 16
        for _ in range(8):
            loss = nn.functional.cross_entropy(model(torch.rand(4, 3, side, side)), torch.randint(0, 3, (4,)))
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, side, loss.item())


main()
