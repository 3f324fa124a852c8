import itertools

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
labelled = DataLoader(TensorDataset(torch.rand(58, 1, 12, 12), torch.randint(0, 5, (58,))), batch_size=16)
unlabelled = DataLoader(TensorDataset(torch.rand(400, 1, 12, 12)), batch_size=16, drop_last=True)

student = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 5 * 5, 5))
optimizer = torch.optim.SGD(student.parameters(), lr=0.03)

labelled_iter = itertools.cycle(labelled)
unlabelled_iter = iter(unlabelled)
for it in range(20):
    x, y = next(labelled_iter)
    (u,) = next(unlabelled_iter)
    both = torch.stack([x, u])
    logits = student(both.flatten(0, 1))
    log_l, log_u = logits.chunk(2)
    pseudo = log_u.detach().argmax(1)
    loss = F.cross_entropy(log_l, y) + 0.5 * F.cross_entropy(log_u, pseudo)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, float(loss))
