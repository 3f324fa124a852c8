import argparse
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torchvision.utils import make_grid, save_image

parser = argparse.ArgumentParser(description='Convolutional VAE on FashionMNIST')
parser.add_argument('--batch-size', type=int, default=128)
parser.add_argument('--epochs', type=int, default=20)
parser.add_argument('--z-dim', type=int, default=16)
parser.add_argument('--beta', type=float, default=1.0)
parser.add_argument('--no-cuda', action='store_true', default=False)
parser.add_argument('--seed', type=int, default=3)
parser.add_argument('--interval', type=int, default=100)
args = parser.parse_args()
args.cuda = not args.no_cuda and torch.cuda.is_available()

torch.manual_seed(args.seed)
device = torch.device('cuda' if args.cuda else 'cpu')
os.makedirs('vae_out', exist_ok=True)

extra = dict(num_workers=2, pin_memory=True) if args.cuda else {}
train_loader = DataLoader(datasets.FashionMNIST('~/.data', train=True, download=True, transform=transforms.ToTensor()),
                          batch_size=args.batch_size, shuffle=True, **extra)
test_loader = DataLoader(datasets.FashionMNIST('~/.data', train=False, download=True, transform=transforms.ToTensor()),
                         batch_size=args.batch_size, shuffle=False, **extra)


class VAE(nn.Module):
    def __init__(self, z_dim, hidden=128):
        super(VAE, self).__init__()
        self.conv1 = nn.Conv2d(1, 16, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 4, stride=2, padding=1)
        self.fc_enc = nn.Linear(32 * 7 * 7, hidden)
        self.fc_mu = nn.Linear(hidden, z_dim)
        self.fc_logvar = nn.Linear(hidden, z_dim)
        self.fc_z = nn.Linear(z_dim, hidden)
        self.fc_dec = nn.Linear(hidden, 32 * 7 * 7)
        self.deconv1 = nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
        self.deconv2 = nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1)

    def encode(self, x):
        h = F.relu(self.conv1(x))
        h = F.relu(self.conv2(h))
        h = F.relu(self.fc_enc(h.view(h.shape[0], -1)))
        return self.fc_mu(h), self.fc_logvar(h)

    def sample_z(self, mu, logvar):
        if not self.training:
            return mu
        return mu + torch.randn_like(mu) * (logvar / 2).exp()

    def decode(self, z):
        h = F.relu(self.fc_z(z))
        h = F.relu(self.fc_dec(h)).view(-1, 32, 7, 7)
        h = F.relu(self.deconv1(h))
        return torch.sigmoid(self.deconv2(h))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.sample_z(mu, logvar)), mu, logvar


def elbo(rec, x, mu, logvar):
    """Negative evidence lower bound, summed over the batch."""
    bce = F.binary_cross_entropy(rec, x, reduction='sum')
    kl = 0.5 * (mu ** 2 + logvar.exp() - logvar - 1).sum()
    return bce + args.beta * kl, bce, kl


model = VAE(args.z_dim).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def run_epoch(loader, epoch, train=True):
    model.train(train)
    total = 0.
    for it, (x, _) in enumerate(loader):
        x = x.to(device)
        with torch.set_grad_enabled(train):
            rec, mu, logvar = model(x)
            loss, bce, kl = elbo(rec, x, mu, logvar)
        if train:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if it % args.interval == 0:
                print('[%d] %5d/%d  loss %.2f (bce %.2f kl %.2f)' % (
                    epoch, it * args.batch_size, len(loader.dataset), loss.item() / len(x), bce.item() / len(x), kl.item() / len(x)))
        elif it == 0:
            k = min(8, x.size(0))
            pair = torch.cat([x[:k], rec.view(x.size(0), 1, 28, 28)[:k]], 0)
            save_image(make_grid(pair.cpu(), nrow=k), 'vae_out/rec_%d.png' % epoch)
        total += loss.item()
    return total / len(loader.dataset)


if __name__ == "__main__":
    best = float('inf')
    for epoch in range(1, args.epochs + 1):
        tr = run_epoch(train_loader, epoch)
        te = run_epoch(test_loader, epoch, train=False)
        print('==> epoch %d train %.3f test %.3f' % (epoch, tr, te))
        with torch.no_grad():
            z = torch.randn(64, 16).to(device)
            save_image(model.decode(z).cpu().view(64, 1, 28, 28), 'vae_out/sample_%d.png' % epoch)
        if te < best:
            best = te
            torch.save({'model': model.state_dict(), 'args': vars(args)}, 'vae_out/best.pt')
