import torch
import torch.nn.functional as F
from net import PairNet

torch.manual_seed(0)
model = PairNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(10):
    a, b = torch.randn(2, 16, 6)
    labels = (a.sum(1) > b.sum(1)).long() + 2 * (a[:, 0] > 0).long()
    loss = F.cross_entropy(model(a, b), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
