import copy

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(9, 20), nn.ReLU())
        self.head = nn.Linear(20, classes)

    def forward(self, x):
        return self.head(self.features(x))

    def grow(self, classes):
        old = self.head
        self.head = nn.Linear(old.in_features, classes)
        with torch.no_grad():
            self.head.weight[: old.out_features] = old.weight
            self.head.bias[: old.out_features] = old.bias


@torch.no_grad()
def update_ema(teacher, student, decay=0.99):
    for t, s in zip(teacher.parameters(), student.parameters()):
        t.mul_(decay).add_(s, alpha=1 - decay)


torch.manual_seed(0)
student = Net(4)
teacher = copy.deepcopy(student)
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
classes = 4
for step in range(30):
    if step == 15:
        classes = 6
        student.grow(classes)
        optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    x, y = torch.randn(16, 9), torch.randint(0, classes, (16,))
    loss = nn.functional.cross_entropy(student(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    update_ema(teacher, student)
print(loss.item())
