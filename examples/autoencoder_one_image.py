"""An autoencoder for grey 28x28 images, called with a batch of ten and then with one image that has no batch dim.

Both calls run: flatten(1) of a (1, 28, 28) image gives (1, 784), so the channel is quietly taken for the batch.
"""
import torch
from torch import nn


class GreyAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.squeeze = nn.Sequential(nn.Linear(784, 128), nn.ReLU())
        self.restore = nn.Sequential(nn.Linear(128, 784), nn.Sigmoid())

    def forward(self, image):
        pixels = torch.flatten(image, 1)
        pixels = self.restore(self.squeeze(pixels))
        return torch.reshape(pixels, (pixels.shape[0], 1, 28, 28))


model = GreyAutoencoder()

batch = torch.rand(10, 1, 28, 28)
print("ten images", tuple(model(batch).shape))

single = torch.rand(1, 28, 28)
print("one image ", tuple(model(single).shape))
