from dataclasses import dataclass, field

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class TrainConfig:
    epochs: int = 5
    steps_per_epoch: int = 20
    batch_size: int = 8
    schedule: dict = field(default_factory=lambda: {0: 16, 3: 24})
    lr: float = 3e-4


class Backbone(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2))
        self.body = nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x):
        return self.body(self.stem(x))


class Classifier(nn.Module):
    def __init__(self, n_classes=6):
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Linear(24 * 4 * 4, n_classes)

    def forward(self, x):
        feats = self.backbone(x)
        return self.head(torch.flatten(feats, start_dim=1))


def batches(cfg, size):
    for _ in range(cfg.steps_per_epoch):
        full = torch.rand(cfg.batch_size, 3, 32, 32)
        yield F.interpolate(full, size=(size, size), mode="bilinear", align_corners=False), torch.randint(0, 6, (cfg.batch_size,))


def train(cfg: TrainConfig):
    model = Classifier()
    optim = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    size = cfg.schedule[0]
    for epoch in range(cfg.epochs):
        size = cfg.schedule.get(epoch, size)
        for images, labels in batches(cfg, size):
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            optim.zero_grad(set_to_none=True)
            loss.backward()
            optim.step()
        print(f"epoch {epoch} at {size}px: {loss.item():.3f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    train(TrainConfig())
