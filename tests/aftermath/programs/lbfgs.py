import torch

t = torch.linspace(0, 1, 50)
curve = 2.0 * torch.exp(-3.0 * t) + 0.1 * torch.randn(50)

a = torch.tensor(1.0, requires_grad=True)
k = torch.tensor(1.0, requires_grad=True)
offsets = torch.zeros(49, requires_grad=True)
optimizer = torch.optim.LBFGS([a, k, offsets], max_iter=10)


def closure():
    optimizer.zero_grad()
    model = a * torch.exp(-k * t) + offsets
    loss = (model - curve).square().sum() + offsets.square().sum()
    loss.backward()
    return loss


for i in range(5):
    loss = optimizer.step(closure)
    print(i, loss.item())
