"""A classifier that prints its shapes on the way; its head is built for the 32 channels of 16x16 that arrive."""
import traceback

import torch
import torch.nn as nn
import torch.nn.functional as F


class GuessedHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_a = nn.Conv2d(3, 16, 3, padding=1)
        self.conv_b = nn.Conv2d(16, 32, 3, padding=1)
        self.fc_a = nn.Linear(32 * 16 * 16, 128)
        self.fc_b = nn.Linear(128, 10)

    def forward(self, batch):
        print("images       ", tuple(batch.shape))
        batch = F.max_pool2d(F.relu(self.conv_a(batch)), 2)
        print("after block a", tuple(batch.shape))
        batch = F.max_pool2d(F.relu(self.conv_b(batch)), 2)
        print("after block b", tuple(batch.shape))
        batch = batch.view(batch.size(0), -1)
        print("flattened    ", tuple(batch.shape))
        return self.fc_b(F.relu(self.fc_a(batch)))


try:
    scores = GuessedHead()(torch.randn(1, 3, 64, 64))
    print("scores       ", tuple(scores.shape))
except Exception:
    print("the network could not be run:")
    traceback.print_exc()
