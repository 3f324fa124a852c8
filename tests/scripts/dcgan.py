# DCGAN, one file: python dcgan.py --dataset cifar10 --dataroot ./data --cuda
from __future__ import print_function
import argparse
import os
import random
import sys

import torch
import torch.nn as nn
import torch.backends.cudnn as cudnn
import torchvision.datasets as dset
import torchvision.transforms as T
import torchvision.utils as vutils

ap = argparse.ArgumentParser()
ap.add_argument('--dataset', default='cifar10', choices=['cifar10', 'lsun', 'folder', 'mnist'])
ap.add_argument('--dataroot', default='./data')
ap.add_argument('--outdir', default='samples')
ap.add_argument('--size', type=int, default=64, help='images are scaled to this height and width')
ap.add_argument('--batchSize', type=int, default=64)
ap.add_argument('--nz', type=int, default=100, help='length of the noise vector')
ap.add_argument('--width', type=int, default=32, help='channels of the widest maps')
ap.add_argument('--niter', type=int, default=25)
ap.add_argument('--lr', type=float, default=2e-4)
ap.add_argument('--ngpu', type=int, default=1)
ap.add_argument('--workers', type=int, default=2)
ap.add_argument('--cuda', action='store_true')
ap.add_argument('--seed', type=int)
ap.add_argument('--resumeG', default='')
ap.add_argument('--resumeD', default='')
opt = ap.parse_args()
print(opt)

if not os.path.isdir(opt.outdir):
    os.makedirs(opt.outdir)
if opt.seed is None:
    opt.seed = random.randint(1, 99999)
print('seed', opt.seed)
random.seed(opt.seed)
torch.manual_seed(opt.seed)
cudnn.benchmark = True
if torch.cuda.is_available() and not opt.cuda:
    print('there is a GPU here, --cuda would use it', file=sys.stderr)
dev = torch.device('cuda:0' if opt.cuda else 'cpu')

nc = 1 if opt.dataset == 'mnist' else 3
tf = T.Compose([
    T.Resize(opt.size),
    T.CenterCrop(opt.size),
    T.ToTensor(),
    T.Normalize((0.5,) * nc, (0.5,) * nc),
])
if opt.dataset == 'folder':
    data = dset.ImageFolder(opt.dataroot, transform=tf)
elif opt.dataset == 'lsun':
    data = dset.LSUN(opt.dataroot, classes=['church_outdoor_train'], transform=tf)
elif opt.dataset == 'mnist':
    data = dset.MNIST(opt.dataroot, download=True, transform=tf)
else:
    data = dset.CIFAR10(opt.dataroot, download=True, transform=tf)
loader = torch.utils.data.DataLoader(data, batch_size=opt.batchSize, shuffle=True, num_workers=int(opt.workers))

nz, w = opt.nz, opt.width


class NetG(nn.Module):
    """noise (N, nz, 1, 1) -> images (N, nc, 64, 64)"""

    def __init__(self):
        super(NetG, self).__init__()
        self.project = nn.ConvTranspose2d(nz, w * 8, 4, bias=False)            # 1 -> 4
        self.bn0 = nn.BatchNorm2d(w * 8)
        self.up1 = nn.ConvTranspose2d(w * 8, w * 4, 4, 2, 1, bias=False)       # -> 8
        self.bn1 = nn.BatchNorm2d(w * 4)
        self.up2 = nn.ConvTranspose2d(w * 4, w * 2, 4, 2, 1, bias=False)       # -> 16
        self.bn2 = nn.BatchNorm2d(w * 2)
        self.up3 = nn.ConvTranspose2d(w * 2, w, 4, 2, 1, bias=False)           # -> 32
        self.bn3 = nn.BatchNorm2d(w)
        self.rgb = nn.ConvTranspose2d(w, nc, 4, 2, 1, bias=False)              # -> 64
        self.act = nn.ReLU(True)

    def forward(self, z):
        h = self.act(self.bn0(self.project(z)))
        h = self.act(self.bn1(self.up1(h)))
        h = self.act(self.bn2(self.up2(h)))
        h = self.act(self.bn3(self.up3(h)))
        return torch.tanh(self.rgb(h))


class NetD(nn.Module):
    """images (N, nc, 64, 64) -> probability of being real (N,)"""

    def __init__(self):
        super(NetD, self).__init__()
        layers = [nn.Conv2d(nc, w, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for k in (1, 2, 4):
            layers += [
                nn.Conv2d(w * k, w * k * 2, 4, 2, 1, bias=False),
                nn.BatchNorm2d(w * k * 2),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        layers += [nn.Conv2d(w * 8, 1, 4, bias=False), nn.Sigmoid()]
        self.net = nn.Sequential(*layers)

    def forward(self, img):
        return self.net(img).view(-1)


def weights_init(m):
    name = type(m).__name__
    if 'Conv' in name:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif 'BatchNorm' in name:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.zeros_(m.bias.data)


def build(cls, checkpoint):
    net = cls().to(dev)
    if opt.cuda and opt.ngpu > 1:
        net = nn.DataParallel(net, list(range(opt.ngpu)))
    net.apply(weights_init)
    if checkpoint:
        net.load_state_dict(torch.load(checkpoint, map_location=dev))
    print(net)
    return net


netG = build(NetG, opt.resumeG)
netD = build(NetD, opt.resumeD)
bce = nn.BCELoss()
optG = torch.optim.Adam(netG.parameters(), lr=opt.lr, betas=(0.5, 0.999))
optD = torch.optim.Adam(netD.parameters(), lr=opt.lr, betas=(0.5, 0.999))
fixed_noise = torch.randn(opt.batchSize, nz, 1, 1, device=dev)

step = 0
for epoch in range(opt.niter):
    for i, (real, _) in enumerate(loader):
        real = real.to(dev)
        n = real.size(0)
        noise = torch.randn(n, nz, 1, 1, device=dev)
        fake = netG(noise)
        valid = torch.full((n,), 1.0, device=dev)
        bogus = torch.full((n,), 0.0, device=dev)

        # the discriminator learns to tell them apart
        optD.zero_grad()
        score_real = netD(real)
        score_fake = netD(fake.detach())
        loss_d = bce(score_real, valid) + bce(score_fake, bogus)
        loss_d.backward()
        optD.step()

        # the generator learns to deceive it
        optG.zero_grad()
        loss_g = bce(netD(fake), valid)
        loss_g.backward()
        optG.step()

        if step % 50 == 0:
            print('epoch %d/%d batch %d/%d  D %.4f  G %.4f  D(x) %.3f  D(G(z)) %.3f' % (
                epoch + 1, opt.niter, i, len(loader), loss_d.item(), loss_g.item(),
                score_real.mean().item(), score_fake.mean().item()))
        if step % 500 == 0:
            vutils.save_image(real, '%s/real.png' % opt.outdir, normalize=True)
            with torch.no_grad():
                grid = netG(fixed_noise)
            vutils.save_image(grid, '%s/fake_%03d_%05d.png' % (opt.outdir, epoch, i), nrow=8, normalize=True)
        step += 1

    torch.save(netG.state_dict(), os.path.join(opt.outdir, 'netG_%03d.pth' % epoch))
    torch.save(netD.state_dict(), os.path.join(opt.outdir, 'netD_%03d.pth' % epoch))
