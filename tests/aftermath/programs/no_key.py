import torch
import torch.nn as nn

model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
history = {"train_loss": []}
for epoch in range(5):
    x = torch.randn(16, 3)
    loss = nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history["train_loss"].append(loss.item())
    if epoch == 3:
        print("best", min(history["val_loss"]))
