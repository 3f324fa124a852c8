import torch


class ScaledAdd(torch.autograd.Function):
    """x · s + bias, with its own backward."""

    @staticmethod
    def forward(ctx, x, scale, bias):
        ctx.save_for_backward(x, scale)
        return x * scale + bias

    @staticmethod
    def backward(ctx, grad_output):
        x, scale = ctx.saved_tensors
        grad_x = grad_output * scale
        grad_scale = (grad_output * x).sum(0)
        grad_bias = grad_output.sum(1)
        return grad_x, grad_scale, grad_bias


torch.manual_seed(0)
scale = torch.ones(3, requires_grad=True)
bias = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.SGD([scale, bias], lr=0.1)
for step in range(20):
    x = torch.randn(6, 3)
    out = ScaledAdd.apply(x, scale, bias)
    loss = (out - (2 * x + 1)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(scale, bias)
