import torch
import torch.nn as nn


class TrainingError(Exception):
    pass


class Experiment:
    def __init__(self, classes=5):
        self.model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, classes))
        self.class_weights = torch.linspace(0.5, 1.5, classes)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.step_count = 0

    def loss(self, logits, labels):
        each = nn.functional.cross_entropy(logits, labels, reduction="none")
        if self.step_count < 10:  # no weights while it warms up
            return each.mean()
        return (self.class_weights * each).mean()

    def step(self):
        x, y = torch.randn(8, 4), torch.randint(0, 5, (8,))
        loss = self.loss(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step_count += 1

    def run(self, steps):
        for i in range(steps):
            try:
                self.step()
            except RuntimeError as error:
                raise TrainingError(f"step {i} failed") from error


if __name__ == "__main__":
    Experiment().run(20)
