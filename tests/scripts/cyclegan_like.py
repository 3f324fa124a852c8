"""Unpaired image-to-image translation with two generators and two patch discriminators."""
import argparse
import itertools
import os
import random

import torch
import torch.nn as nn
import torchvision.transforms as transforms
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter
from torchvision import datasets
from torchvision.utils import make_grid, save_image

parser = argparse.ArgumentParser()
parser.add_argument('--root_a', type=str, default='datasets/summer')
parser.add_argument('--root_b', type=str, default='datasets/winter')
parser.add_argument('--size', type=int, default=128, help='images are cropped to this size')
parser.add_argument('--n_epochs', type=int, default=100)
parser.add_argument('--decay_epoch', type=int, default=50)
parser.add_argument('--batchSize', type=int, default=1)
parser.add_argument('--lr', type=float, default=0.0002)
parser.add_argument('--features', type=int, default=32)
parser.add_argument('--blocks', type=int, default=6)
parser.add_argument('--lambda_cycle', type=float, default=10.0)
parser.add_argument('--lambda_id', type=float, default=5.0)
parser.add_argument('--cuda', action='store_true', help='use GPU computation')
opt = parser.parse_args()


class ResidualBlock(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(features, features, 3),
            nn.InstanceNorm2d(features, affine=True),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(features, features, 3),
            nn.InstanceNorm2d(features, affine=True),
        )

    def forward(self, x):
        return x + self.block(x)


class Generator(nn.Module):
    def __init__(self, in_nc, out_nc, f, n_blocks):
        super().__init__()
        seq = [nn.ReflectionPad2d(3), nn.Conv2d(in_nc, f, 7), nn.InstanceNorm2d(f, affine=True), nn.ReLU(inplace=True)]
        for _ in range(2):
            seq += [nn.Conv2d(f, f * 2, 3, stride=2, padding=1), nn.InstanceNorm2d(f * 2, affine=True), nn.ReLU(inplace=True)]
            f *= 2
        seq += [ResidualBlock(f) for _ in range(n_blocks)]
        for _ in range(2):
            seq += [
                nn.ConvTranspose2d(f, f // 2, 3, stride=2, padding=1, output_padding=1),
                nn.InstanceNorm2d(f // 2, affine=True),
                nn.ReLU(inplace=True),
            ]
            f //= 2
        seq += [nn.ReflectionPad2d(3), nn.Conv2d(f, out_nc, 7), nn.Tanh()]
        self.model = nn.Sequential(*seq)

    def forward(self, x):
        return self.model(x)


class PatchDiscriminator(nn.Module):
    """Says of every patch of the image whether it is real; gives a map of height and width size / 16."""

    def __init__(self, in_nc, f):
        super().__init__()

        def down(cin, cout, norm=True):
            parts = [nn.Conv2d(cin, cout, 4, stride=2, padding=1)]
            if norm:
                parts.append(nn.InstanceNorm2d(cout, affine=True))
            return parts + [nn.LeakyReLU(0.2, inplace=True)]

        self.model = nn.Sequential(
            *down(in_nc, f, norm=False),
            *down(f, f * 2),
            *down(f * 2, f * 4),
            *down(f * 4, f * 8),
            nn.ZeroPad2d((1, 0, 1, 0)),
            nn.Conv2d(f * 8, 1, 4, padding=1),
        )

    def forward(self, x):
        return self.model(x)


class UnpairedDataset(Dataset):
    def __init__(self, root_a, root_b, tf):
        self.a = datasets.ImageFolder(root_a, transform=tf)
        self.b = datasets.ImageFolder(root_b, transform=tf)

    def __len__(self):
        return max(len(self.a), len(self.b))

    def __getitem__(self, i):
        return {'A': self.a[i % len(self.a)][0], 'B': self.b[random.randint(0, len(self.b) - 1)][0]}


class ReplayBuffer:
    """Hands out earlier images half of the time."""

    def __init__(self, max_size=50):
        self.max_size, self.data = max_size, []

    def push_and_pop(self, images):
        out = []
        for image in images.detach():
            image = image.unsqueeze(0)
            if len(self.data) < self.max_size:
                self.data.append(image)
                out.append(image)
            elif random.random() > 0.5:
                k = random.randint(0, self.max_size - 1)
                out.append(self.data[k].clone())
                self.data[k] = image
            else:
                out.append(image)
        return torch.cat(out)


device = torch.device('cuda' if opt.cuda and torch.cuda.is_available() else 'cpu')
netG_A2B = Generator(3, 3, opt.features, opt.blocks).to(device)
netG_B2A = Generator(3, 3, opt.features, opt.blocks).to(device)
netD_A = PatchDiscriminator(3, opt.features).to(device)
netD_B = PatchDiscriminator(3, opt.features).to(device)

gan_loss, l1 = nn.MSELoss(), nn.L1Loss()
optimizer_G = torch.optim.Adam(itertools.chain(netG_A2B.parameters(), netG_B2A.parameters()), lr=opt.lr, betas=(0.5, 0.999))
optimizer_D = torch.optim.Adam(itertools.chain(netD_A.parameters(), netD_B.parameters()), lr=opt.lr, betas=(0.5, 0.999))


def decay(epoch):
    return 1.0 - max(0, epoch - opt.decay_epoch) / (opt.n_epochs - opt.decay_epoch)


schedulers = [torch.optim.lr_scheduler.LambdaLR(o, decay) for o in (optimizer_G, optimizer_D)]
buffer_A, buffer_B = ReplayBuffer(), ReplayBuffer()
tf = transforms.Compose([
    transforms.Resize(int(opt.size * 1.12)),
    transforms.RandomCrop(opt.size),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
])
loader = DataLoader(UnpairedDataset(opt.root_a, opt.root_b, tf), batch_size=opt.batchSize, shuffle=True)
writer = SummaryWriter('runs/cycle')
os.makedirs('output', exist_ok=True)
patch = (1, opt.size // 16, opt.size // 16)

step = 0
for epoch in range(opt.n_epochs):
    for batch in loader:
        real_A, real_B = batch['A'].to(device), batch['B'].to(device)
        target_real = torch.ones(real_A.size(0), *patch, device=device)
        target_fake = torch.zeros(real_A.size(0), *patch, device=device)

        # generators
        optimizer_G.zero_grad()
        loss_id = l1(netG_A2B(real_B), real_B) + l1(netG_B2A(real_A), real_A)
        fake_B, fake_A = netG_A2B(real_A), netG_B2A(real_B)
        loss_gan = gan_loss(netD_B(fake_B), target_real) + gan_loss(netD_A(fake_A), target_real)
        loss_cycle = l1(netG_B2A(fake_B), real_A) + l1(netG_A2B(fake_A), real_B)
        loss_G = loss_gan + opt.lambda_cycle * loss_cycle + opt.lambda_id * loss_id
        loss_G.backward()
        optimizer_G.step()

        # discriminators
        optimizer_D.zero_grad()
        loss_D = 0
        for net, real, fake, buffer in ((netD_A, real_A, fake_A, buffer_A), (netD_B, real_B, fake_B, buffer_B)):
            loss_D = loss_D + 0.5 * gan_loss(net(real), target_real) + 0.5 * gan_loss(net(buffer.push_and_pop(fake)), target_fake)
        loss_D.backward()
        optimizer_D.step()

        writer.add_scalar('loss/G', loss_G.item(), step)
        writer.add_scalar('loss/D', loss_D.item(), step)
        if step % 100 == 0:
            strip = torch.cat([real_A, fake_B, real_B, fake_A], dim=3)
            writer.add_image('strip', make_grid(strip, normalize=True), step)
            save_image(strip, f'output/{step:06d}.png', normalize=True)
            print(f'epoch {epoch} step {step} G {loss_G.item():.3f} D {loss_D.item():.3f}')
        step += 1
    for s in schedulers:
        s.step()
    torch.save(netG_A2B.state_dict(), 'output/netG_A2B.pth')
    torch.save(netG_B2A.state_dict(), 'output/netG_B2A.pth')
writer.close()
