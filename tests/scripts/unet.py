"""U-Net for segmentation, trained on drawn discs until real masks are at hand."""
import argparse
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, random_split

log = logging.getLogger('unet')


class DoubleConv(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__(
            nn.Conv2d(cin, cout, 3, padding=1),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
            nn.Conv2d(cout, cout, 3, padding=1),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
        )


class Down(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.pool = nn.MaxPool2d(kernel_size=2)
        self.convs = DoubleConv(cin, cout)

    def forward(self, x):
        return self.convs(self.pool(x))


class Up(nn.Module):
    """Doubles height and width, joins the encoder's map of that size, and convolves both together."""

    def __init__(self, cin, skip, cout):
        super().__init__()
        self.grow = nn.ConvTranspose2d(cin, cin // 2, kernel_size=2, stride=2)
        self.convs = DoubleConv(cin // 2 + skip, cout)

    def forward(self, x, skip):
        x = self.grow(x)
        if x.shape[2:] != skip.shape[2:]:  # an odd height or width was rounded down by a pooling
            x = F.interpolate(x, size=skip.shape[2:], mode='nearest')
        x = torch.cat((skip, x), dim=1)
        return self.convs(x)


class UNet(nn.Module):
    def __init__(self, in_channels=3, n_classes=2, base=12):
        super().__init__()
        self.n_classes = n_classes
        self.enc0 = DoubleConv(in_channels, base)
        self.enc1 = Down(base, base * 2)
        self.enc2 = Down(base * 2, base * 4)
        self.enc3 = Down(base * 4, base * 8)
        self.dec2 = Up(base * 8, base * 4, base * 4)
        self.dec1 = Up(base * 4, base * 2, base * 2)
        self.dec0 = Up(base * 2, base, base)
        self.head = nn.Conv2d(base, n_classes, kernel_size=1)

    def forward(self, x):
        s0 = self.enc0(x)
        s1 = self.enc1(s0)
        s2 = self.enc2(s1)
        y = self.enc3(s2)
        y = self.dec2(y, s2)
        y = self.dec1(y, s1)
        y = self.dec0(y, s0)
        return self.head(y)


class DiscDataset(Dataset):
    """Noise with a bright disc in it; the mask is 1 on the disc."""

    def __init__(self, length, height=60, width=84, augment=True):
        self.length, self.height, self.width, self.augment = length, height, width, augment

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        rows, cols = np.ogrid[:self.height, :self.width]
        radius = rng.integers(5, 15)
        cy, cx = rng.integers(15, self.height - 15), rng.integers(15, self.width - 15)
        mask = (rows - cy) ** 2 + (cols - cx) ** 2 < radius ** 2
        image = rng.random((self.height, self.width, 3), dtype=np.float32) * 0.4
        image[mask] += 0.5
        if self.augment and rng.random() < 0.5:
            image, mask = image[:, ::-1].copy(), mask[:, ::-1].copy()
        return torch.from_numpy(image.transpose(2, 0, 1)), torch.from_numpy(mask).long()


class SoftDice(nn.Module):
    def __init__(self, n_classes, eps=1e-6):
        super().__init__()
        self.n_classes, self.eps = n_classes, eps

    def forward(self, logits, mask):
        p = logits.softmax(dim=1)
        t = F.one_hot(mask, self.n_classes).permute(0, 3, 1, 2).float()
        overlap = (p * t).sum(dim=(2, 3))
        size = p.sum(dim=(2, 3)) + t.sum(dim=(2, 3))
        return 1 - ((2 * overlap + self.eps) / (size + self.eps)).mean()


class Trainer:
    def __init__(self, args):
        self.args = args
        self.device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        self.model = UNet(3, args.classes, args.base).to(self.device)
        if args.load:
            self.model.load_state_dict(torch.load(args.load, map_location=self.device))
            log.info('weights loaded from %s', args.load)
        self.ce = nn.CrossEntropyLoss()
        self.dice = SoftDice(args.classes)
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-8)
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, mode='max', patience=2)
        self.out = Path(args.out)
        self.best = 0.0

    def loaders(self):
        data = DiscDataset(self.args.length)
        n_val = max(1, int(len(data) * 0.2))
        train, val = random_split(data, [len(data) - n_val, n_val], generator=torch.Generator().manual_seed(0))
        return (DataLoader(train, batch_size=self.args.batch_size, shuffle=True),
                DataLoader(val, batch_size=self.args.batch_size))

    def train_epoch(self, loader):
        self.model.train()
        total = 0.0
        for image, mask in loader:
            image, mask = image.to(self.device), mask.to(self.device)
            logits = self.model(image)
            loss = self.ce(logits, mask) + self.dice(logits, mask)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            total += loss.item() * image.size(0)
        return total / len(loader.dataset)

    @torch.no_grad()
    def validate(self, loader):
        """Mean intersection over union of the foreground."""
        self.model.eval()
        inter = union = 0
        for image, mask in loader:
            pred = self.model(image.to(self.device)).argmax(dim=1).bool()
            mask = mask.to(self.device).bool()
            inter += (pred & mask).sum().item()
            union += (pred | mask).sum().item()
        return inter / max(union, 1)

    def fit(self):
        train, val = self.loaders()
        for epoch in range(1, self.args.epochs + 1):
            loss = self.train_epoch(train)
            iou = self.validate(val)
            self.scheduler.step(iou)
            log.info('epoch %d: loss %.3f, IoU %.3f', epoch, loss, iou)
            if iou >= self.best:
                self.best = iou
                self.out.mkdir(parents=True, exist_ok=True)
                torch.save(self.model.state_dict(), str(self.out / f'unet_{epoch:03d}.pth'))


def get_args():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('-e', '--epochs', type=int, default=10)
    p.add_argument('-b', '--batch-size', type=int, default=8)
    p.add_argument('-l', '--lr', type=float, default=1e-4)
    p.add_argument('--length', type=int, default=300, help='number of drawn images')
    p.add_argument('--base', type=int, default=12)
    p.add_argument('--classes', type=int, default=2)
    p.add_argument('--load', default=None)
    p.add_argument('--out', default='checkpoints')
    return p.parse_args()


if __name__ == '__main__':
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    Trainer(get_args()).fit()
