import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Regressor(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.l1 = nn.Linear(d, 32)
        self.l2 = nn.Linear(32, 1)

    def forward(self, x):
        return self.l2(torch.relu(self.l1(x))).squeeze()


def predict(model, loader):
    model.eval()
    preds = []
    with torch.no_grad():
        for x, _ in loader:
            preds.append(model(x))
    return torch.cat(preds)


torch.manual_seed(0)
x = torch.randn(100, 6)
y = x.sum(1)
train_dl = DataLoader(TensorDataset(x[:80], y[:80]), batch_size=20)
test_dl = DataLoader(TensorDataset(x[80:], y[80:]), batch_size=1)
model = Regressor(6)
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for xb, yb in train_dl:
        loss = nn.functional.mse_loss(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
print("train loss", loss.item())
pred = predict(model, test_dl)
print("test loss", nn.functional.mse_loss(pred, y[80:]).item())
