import torch

torch.manual_seed(0)
d = 8
Wq = torch.randn(d, d, requires_grad=True)
Wk = torch.randn(d, d, requires_grad=True)
Wv = torch.randn(d, d, requires_grad=True)


def attend(x, context):
    q = torch.einsum("btd,de->bte", x, Wq)
    k = torch.einsum("bsd,de->bse", context, Wk)
    v = torch.einsum("bsd,de->bse", context, Wv)
    weights = (torch.einsum("bte,bse->bts", q, k) / d**0.5).softmax(-1)
    return torch.einsum("bts,bte->bse", weights, v)


for step in range(60):
    x = torch.randn(2, 10, d)
    context = x if step < 30 else torch.randn(2, 12, d)
    loss = (attend(x, context) - x).square().mean()
    loss.backward()
    with torch.no_grad():
        for w in (Wq, Wk, Wv):
            w -= 0.01 * w.grad
            w.grad = None
print("loss", loss.item())
