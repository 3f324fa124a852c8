import logging

import torch
from torch import nn

log = logging.getLogger("run")


class Patchify(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(1, 12, kernel_size=4, stride=4)
        self.head = nn.Linear(12, 10)

    def forward(self, x):
        p = self.proj(x)
        p = p.view(x.shape[0], 12, 6 * 6)
        return self.head(p.mean(2))


def training_loop(model, optimizer, n):
    for step in range(n):
        images, labels = torch.rand(4, 1, 28, 28), torch.randint(0, 10, (4,))
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def main():
    logging.basicConfig(level=logging.INFO)
    model = Patchify()
    optimizer = torch.optim.Adam(model.parameters())
    try:
        training_loop(model, optimizer, 10)
    except Exception as e:
        log.error("training failed after %s", type(e).__name__)
        raise RuntimeError("training failed") from e
    finally:
        log.info("cleaning up")


if __name__ == "__main__":
    main()
