import torch.nn as nn

N_MELS = 32


class Block(nn.Module):
    def __init__(self, n_out, dropout):
        super().__init__()
        self.fc = nn.Linear(N_MELS, n_out)
        self.norm = nn.LayerNorm(n_out)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(self.norm(self.fc(x)).relu())


class Encoder(nn.Module):
    def __init__(self, n_layers, hidden, dropout=0.1):
        super().__init__()
        self.layers = nn.ModuleList([Block(hidden, dropout) for _ in range(n_layers)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
