import torch.nn as nn

from .layers import Encoder


class Tagger(nn.Module):
    def __init__(self, hidden, n_layers, n_tags=5):
        super().__init__()
        self.encoder = Encoder(n_layers, hidden)
        self.head = nn.Linear(hidden, n_tags)

    def forward(self, mels):
        return self.head(self.encoder(mels))
