"""Siamese network on MNIST: are two digits the same? One shared CNN, a linear layer on both embeddings, BCE."""
import argparse
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets


class PairMNIST(Dataset):
    """Pairs of digits; half of them show the same one. Reads the raw tensors of the data set, not its items."""

    def __init__(self, root, train, download=False):
        self.dataset = datasets.MNIST(root, train=train, download=download)
        self.data = self.dataset.data.unsqueeze(1).clone()
        self.groups = {}
        for i, label in enumerate(self.dataset.targets.tolist()):
            self.groups.setdefault(label, []).append(i)

    def __len__(self):
        return self.data.shape[0]

    def __getitem__(self, index):
        label = int(self.dataset.targets[index])
        same = index % 2 == 0
        if same:
            other = random.choice(self.groups[label])
        else:
            other = random.choice([i for k, group in self.groups.items() if k != label for i in group])
        first = self.data[index].float() / 255
        second = self.data[other].float() / 255
        return first, second, torch.tensor(1.0 if same else 0.0)


class SiameseNetwork(nn.Module):
    def __init__(self, embedding=64):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 16, 3),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.embed = nn.Linear(32 * 5 * 5, embedding)
        self.fc = nn.Sequential(
            nn.Linear(embedding * 2, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, 1),
        )
        self.sigmoid = nn.Sigmoid()
        self.apply(self.init)

    @staticmethod
    def init(m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    def forward_once(self, x):
        y = self.cnn(x)
        y = y.view(y.size()[0], -1)
        return self.embed(y)

    def forward(self, a, b):
        a, b = self.forward_once(a), self.forward_once(b)
        both = torch.cat((a, b), 1)
        return self.sigmoid(self.fc(both))


def train(args, model, device, loader, optimizer, epoch):
    model.train()
    criterion = nn.BCELoss()
    for batch_idx, (one, two, targets) in enumerate(loader):
        one, two, targets = one.to(device), two.to(device), targets.to(device)
        optimizer.zero_grad()
        outputs = model(one, two).squeeze(1)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(f'epoch {epoch} [{batch_idx * len(one)}/{len(loader.dataset)}] loss {loss.item():.4f}')


def test(model, device, loader):
    model.eval()
    total, correct = 0.0, 0
    with torch.no_grad():
        for one, two, targets in loader:
            one, two, targets = one.to(device), two.to(device), targets.to(device)
            outputs = model(one, two).squeeze(1)
            total += F.binary_cross_entropy(outputs, targets, reduction='sum').item()
            correct += (outputs > 0.5).eq(targets.bool()).sum().item()
    n = len(loader.dataset)
    print(f'test: loss {total / n:.4f}, accuracy {correct}/{n} ({100. * correct / n:.0f}%)\n')


def main():
    p = argparse.ArgumentParser(description='Siamese network')
    p.add_argument('--batch-size', type=int, default=64)
    p.add_argument('--test-batch-size', type=int, default=1000)
    p.add_argument('--epochs', type=int, default=14)
    p.add_argument('--lr', type=float, default=1.0)
    p.add_argument('--gamma', type=float, default=0.7)
    p.add_argument('--no-cuda', action='store_true')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--log-interval', type=int, default=10)
    p.add_argument('--save-model', action='store_true')
    args = p.parse_args()
    use_cuda = not args.no_cuda and torch.cuda.is_available()
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    device = torch.device('cuda') if use_cuda else torch.device('cpu')

    train_loader = DataLoader(PairMNIST('../data', train=True, download=True), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(PairMNIST('../data', train=False), batch_size=args.test_batch_size)
    model = SiameseNetwork().to(device)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        test(model, device, test_loader)
        scheduler.step()
    if args.save_model:
        torch.save(model.state_dict(), 'siamese_network.pt')


if __name__ == '__main__':
    main()
