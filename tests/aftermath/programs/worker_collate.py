import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader


def collate(samples):
    signals = torch.stack([s for s, _ in samples])
    lengths = torch.tensor([len(s) for s, _ in samples])
    labels = torch.tensor([y for _, y in samples])
    return signals, lengths, labels


def collate_padded(samples):
    signals = pad_sequence([s for s, _ in samples], batch_first=True)
    return signals, torch.tensor([len(s) for s, _ in samples]), torch.tensor([y for _, y in samples])


class SignalNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, 5, padding=2)
        self.fc = nn.Linear(8, 2)

    def forward(self, x, lengths):
        h = torch.relu(self.conv(x.unsqueeze(1)))
        return self.fc(h.sum(2) / lengths.unsqueeze(1))


def main():
    torch.manual_seed(0)
    samples = [(torch.randn(50 if i < 75 else 45), i % 2) for i in range(100)]
    loader = DataLoader(samples, batch_size=10, num_workers=2, collate_fn=collate)
    net = SignalNet()
    opt = torch.optim.Adam(net.parameters())
    for signals, lengths, labels in loader:
        opt.zero_grad()
        nn.functional.cross_entropy(net(signals, lengths), labels).backward()
        opt.step()


if __name__ == "__main__":
    main()
