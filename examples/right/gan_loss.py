"""One training step of a discriminator that takes all three colours, with a target in the shape of its output."""
import torch
from torch import nn


class FlatDiscriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(3 * 784, 1)

    def forward(self, images):
        flat = images.view(images.size(0), -1)
        return torch.sigmoid(self.score(flat))


net = FlatDiscriminator()
adam = torch.optim.Adam(net.parameters(), lr=0.0002)
bce = nn.BCELoss()
images = torch.rand(1, 3, 28, 28)

try:
    judged = net(images)
    is_real = torch.randint(0, 2, (1, 1)).float()
    loss = bce(judged, is_real)
    adam.zero_grad()
    loss.backward()
    adam.step()
    print(f"loss {loss.item():.3f}")
except Exception as problem:
    print("step skipped:", problem)
