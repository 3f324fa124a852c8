# Predict the next points of noisy sine waves with an LSTM. No argparse, settings on top, as in a notebook.
import numpy as np
import torch
import torch.nn as nn
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
from torch.utils.data import TensorDataset, DataLoader

np.random.seed(2)
torch.manual_seed(2)

# settings
n_points = 400
look_back = 20
input_size = 3       # value, difference, hour of the day
hidden_size = 32
num_layers = 2
output_size = 1
batch_size = 24
num_epochs = 15
learning_rate = 0.01

device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')

# data
t = np.arange(n_points)
series = np.sin(2 * np.pi * t / 24) + 0.1 * np.random.randn(n_points)
mean, std = series.mean(), series.std()
series = (series - mean) / std
features = np.stack([series, np.gradient(series), (t % 24) / 24.0], axis=1)

X, y = [], []
for i in range(n_points - look_back):
    X.append(features[i:i + look_back])
    y.append(series[i + look_back])
X = torch.from_numpy(np.array(X)).float()
y = torch.from_numpy(np.array(y)).float().unsqueeze(1)
print('X', X.shape, 'y', y.shape)

split = int(len(X) * 0.8)
train_loader = DataLoader(TensorDataset(X[:split], y[:split]), batch_size=batch_size, shuffle=True)
test_loader = DataLoader(TensorDataset(X[split:], y[split:]), batch_size=batch_size, shuffle=False)


class LSTMForecaster(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, output_size):
        super(LSTMForecaster, self).__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True, dropout=0.1)
        self.bn = nn.BatchNorm1d(hidden_size)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        h0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size).to(x.device)
        c0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size).to(x.device)
        out, _ = self.lstm(x, (h0, c0))   # out: (batch, look_back, hidden)
        out = self.bn(out[:, -1, :])      # last time step
        return self.fc(out)


model = LSTMForecaster(input_size, hidden_size, num_layers, output_size).to(device)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
print(model)

# training
history = []
for epoch in range(num_epochs):
    model.train()
    losses = []
    for xb, yb in train_loader:
        xb, yb = xb.to(device), yb.to(device)
        pred = model(xb)
        loss = criterion(pred, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    model.eval()
    predictions, truths = [], []
    with torch.no_grad():
        for xb, yb in test_loader:
            predictions.append(model(xb.to(device)).cpu().numpy())
            truths.append(yb.numpy())
    predictions = np.concatenate(predictions)
    truths = np.concatenate(truths)
    rmse = np.sqrt(np.mean((predictions - truths) ** 2)) * std
    history.append((np.mean(losses), rmse))
    if (epoch + 1) % 5 == 0:
        print('epoch [%d/%d] loss %.5f rmse %.4f' % (epoch + 1, num_epochs, history[-1][0], rmse))

torch.save(model.state_dict(), 'lstm.pth')

# forecast, feeding every prediction back
model.eval()
window = X[-1:].clone().to(device)
forecast = []
with torch.no_grad():
    for k in range(48):
        value = model(window)
        forecast.append(value.item())
        hour = ((n_points + k) % 24) / 24.0
        row = torch.tensor([[value.item(), value.item() - window[0, -1, 0].item(), hour]]).to(device)
        window = torch.cat([window[:, 1:], row.unsqueeze(0)], dim=1)

fig, (ax1, ax2) = plt.subplots(2)
ax1.plot(truths * std + mean, label='truth')
ax1.plot(predictions * std + mean, label='prediction')
ax2.plot(np.array(forecast) * std + mean)
plt.legend()
plt.savefig('forecast.png')
