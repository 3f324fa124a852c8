import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BATCH_SIZE = 16


class Forecaster(nn.Module):
    def __init__(self, n_features=5, hidden=24, layers=2):
        super().__init__()
        self.hidden = hidden
        self.layers = layers
        self.lstm = nn.LSTM(n_features, hidden, layers, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def init_hidden(self, batch_size):
        shape = (self.layers, batch_size, self.hidden)
        return torch.zeros(shape), torch.zeros(shape)

    def forward(self, x, state):
        y, _ = self.lstm(x, state)
        return self.out(y[:, -1])


class Trainer:
    def __init__(self, model, loader, lr=1e-3):
        self.model = model
        self.loader = loader
        self.criterion = nn.MSELoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def train_epoch(self):
        total = 0.0
        for x, y in self.loader:
            state = self.model.init_hidden(BATCH_SIZE)
            pred = self.model(x, state)
            loss = self.criterion(pred, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.loader)

    def fit(self, epochs):
        for epoch in range(epochs):
            print("epoch", epoch, "loss", round(self.train_epoch(), 4))


def make_windows(n=100, length=12, n_features=5):
    walk = torch.randn(n + length, n_features).cumsum(0)
    x = torch.stack([walk[i : i + length] for i in range(n)])
    y = walk[length:, :1]
    return TensorDataset(x, y)


if __name__ == "__main__":
    torch.manual_seed(1)
    loader = DataLoader(make_windows(), batch_size=BATCH_SIZE, shuffle=True)
    Trainer(Forecaster(), loader).fit(epochs=3)
