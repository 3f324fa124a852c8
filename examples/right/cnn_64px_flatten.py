"""A classifier for 64x64 colour images: two poolings leave 16x16, and the head is built for that."""
import torch
from torch import nn


class PatchClassifier(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.body = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.halve = nn.MaxPool2d(kernel_size=2)
        self.flat = nn.Flatten()
        self.hidden = nn.Linear(32 * 16 * 16, 128)
        self.scores = nn.Linear(128, classes)

    def forward(self, image):
        features = self.halve(self.stem(image).relu())
        features = self.halve(self.body(features).relu())
        vector = self.flat(features)
        return self.scores(self.hidden(vector).relu())


net = PatchClassifier()
photo = torch.rand(1, 3, 64, 64)
print("class scores:", tuple(net(photo).shape))
