"""Contrastive pretraining on CIFAR10 without labels, then a linear probe on the frozen features."""
import argparse
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import models, transforms
from torchvision.datasets import CIFAR10


class TwoViews:
    """Two random crops of one image."""

    def __init__(self, base):
        self.base = base

    def __call__(self, image):
        return [self.base(image), self.base(image)]


class SimCLR(nn.Module):
    def __init__(self, projection=64):
        super().__init__()
        backbone = models.resnet18(weights=None)
        backbone.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
        backbone.maxpool = nn.Identity()
        width = backbone.fc.in_features
        backbone.fc = nn.Identity()
        self.backbone = backbone
        self.projector = nn.Sequential(
            nn.Linear(width, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, projection),
        )

    def forward(self, x):
        h = self.backbone(x)
        return h, F.normalize(self.projector(h), dim=1)


def nt_xent(z1, z2, temperature):
    n = z1.size(0)
    z = torch.cat([z1, z2], dim=0)
    sim = z @ z.t() / temperature
    sim.fill_diagonal_(float('-inf'))
    partner = torch.cat([torch.arange(n, 2 * n), torch.arange(n)]).to(z.device)
    return F.cross_entropy(sim, partner)


class Trainer(object):
    def __init__(self, *args, **kwargs):
        self.args = kwargs['args']
        self.model = kwargs['model'].to(self.args.device)
        self.optimizer = kwargs['optimizer']
        self.scheduler = kwargs['scheduler']

    def train(self, loader):
        for epoch in range(self.args.epochs):
            self.model.train()
            for images, _ in loader:
                both = torch.cat(images, dim=0).to(self.args.device)
                _, z = self.model(both)
                z1, z2 = z.chunk(2)
                loss = nt_xent(z1, z2, self.args.temperature)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            self.scheduler.step()
            print(f'epoch {epoch}: contrastive loss {loss.item():.3f}')
            torch.save({'state_dict': self.model.state_dict(), 'optimizer': self.optimizer.state_dict()},
                       os.path.join(self.args.log_dir, f'simclr_{epoch:04d}.pth.tar'))

    def probe(self, train_loader, test_loader, classes=10):
        self.model.eval()
        head = nn.Linear(512, classes).to(self.args.device)
        optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)
        for x, y in train_loader:
            with torch.no_grad():
                h, _ = self.model(x.to(self.args.device))
            loss = F.cross_entropy(head(h), y.to(self.args.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        hits, seen = torch.zeros(2), 0
        with torch.no_grad():
            for x, y in test_loader:
                h, _ = self.model(x.to(self.args.device))
                top = head(h).topk(5, dim=1).indices.cpu()
                match = top == y.unsqueeze(1)
                hits += torch.stack([match[:, 0].float().sum(), match.any(dim=1).float().sum()])
                seen += y.size(0)
        return (100 * hits / seen).tolist()


def main():
    parser = argparse.ArgumentParser(description='SimCLR-like')
    parser.add_argument('-data', metavar='DIR', default='./datasets')
    parser.add_argument('-b', '--batch-size', default=256, type=int)
    parser.add_argument('--epochs', default=100, type=int)
    parser.add_argument('--lr', default=3e-4, type=float)
    parser.add_argument('--temperature', default=0.2, type=float)
    parser.add_argument('--log-dir', default='runs')
    parser.add_argument('--disable-cuda', action='store_true')
    args = parser.parse_args()
    args.device = torch.device('cuda') if not args.disable_cuda and torch.cuda.is_available() else torch.device('cpu')
    os.makedirs(args.log_dir, exist_ok=True)

    augment = transforms.Compose([
        transforms.RandomResizedCrop(32, scale=(0.3, 1.0)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
        transforms.RandomGrayscale(p=0.2),
        transforms.ToTensor(),
    ])
    pairs = CIFAR10(args.data, train=True, download=True, transform=TwoViews(augment))
    loader = DataLoader(pairs, batch_size=args.batch_size, shuffle=True, pin_memory=False, drop_last=True)
    model = SimCLR()
    optimizer = torch.optim.Adam(model.parameters(), args.lr, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs, eta_min=0)
    trainer = Trainer(model=model, optimizer=optimizer, scheduler=scheduler, args=args)
    trainer.train(loader)

    plain = transforms.ToTensor()
    train_set = CIFAR10(args.data, train=True, transform=plain)
    test_set = CIFAR10(args.data, train=False, transform=plain)
    top1, top5 = trainer.probe(DataLoader(train_set, batch_size=args.batch_size, shuffle=True), DataLoader(test_set, batch_size=args.batch_size))
    print(f'linear probe: top-1 {top1:.2f}, top-5 {top5:.2f}')


if __name__ == "__main__":
    main()
