import argparse
import os

import numpy as np
import torch
import torch.autograd as autograd
import torch.nn as nn
import torchvision.transforms as transforms
from torch.autograd import Variable
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.utils import save_image

os.makedirs("images", exist_ok=True)

parser = argparse.ArgumentParser()
parser.add_argument("--n_epochs", type=int, default=200, help="number of epochs of training")
parser.add_argument("--batch_size", type=int, default=64, help="size of the batches")
parser.add_argument("--lr", type=float, default=0.0002)
parser.add_argument("--b1", type=float, default=0.5)
parser.add_argument("--b2", type=float, default=0.999)
parser.add_argument("--latent_dim", type=int, default=100, help="dimensionality of the latent space")
parser.add_argument("--img_size", type=int, default=28)
parser.add_argument("--channels", type=int, default=1)
parser.add_argument("--n_critic", type=int, default=5, help="critic steps for each generator step")
parser.add_argument("--lambda_gp", type=float, default=10)
parser.add_argument("--sample_interval", type=int, default=400)
opt = parser.parse_args()
print(opt)

img_shape = (opt.channels, opt.img_size, opt.img_size)
cuda = True if torch.cuda.is_available() else False
Tensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()

        def layer(n_in, n_out, norm=True):
            parts = [nn.Linear(n_in, n_out)]
            if norm:
                parts.append(nn.BatchNorm1d(n_out, 0.8))
            parts.append(nn.LeakyReLU(0.2, inplace=True))
            return parts

        self.model = nn.Sequential(
            *layer(opt.latent_dim, 128, norm=False),
            *layer(128, 256),
            *layer(256, 512),
            nn.Linear(512, int(np.prod(img_shape))),
            nn.Tanh(),
        )

    def forward(self, z):
        img = self.model(z)
        return img.view(img.shape[0], *img_shape)


class Critic(nn.Module):
    def __init__(self):
        super(Critic, self).__init__()
        self.model = nn.Sequential(
            nn.Linear(int(np.prod(img_shape)), 512),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 256),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(256, 1),
        )

    def forward(self, img):
        flat = img.view(img.shape[0], -1)
        return self.model(flat)


generator = Generator()
critic = Critic()
if cuda:
    generator.cuda()
    critic.cuda()

os.makedirs("../../data/mnist", exist_ok=True)
dataloader = DataLoader(
    datasets.MNIST(
        "../../data/mnist",
        train=True,
        download=True,
        transform=transforms.Compose(
            [transforms.Resize(opt.img_size), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]
        ),
    ),
    batch_size=opt.batch_size,
    shuffle=True,
)

optimizer_G = torch.optim.Adam(generator.parameters(), lr=opt.lr, betas=(opt.b1, opt.b2))
optimizer_C = torch.optim.Adam(critic.parameters(), lr=opt.lr, betas=(opt.b1, opt.b2))


def gradient_penalty(critic, real, fake):
    """(|grad| - 1)^2 at random points between real and generated images."""
    alpha = Tensor(np.random.random((real.size(0), 1, 1, 1)))
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    score = critic(between)
    ones = Variable(Tensor(real.shape[0], 1).fill_(1.0), requires_grad=False)
    grads = autograd.grad(
        outputs=score,
        inputs=between,
        grad_outputs=ones,
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    grads = grads.view(grads.size(0), -1)
    return ((grads.norm(2, dim=1) - 1) ** 2).mean()


batches_done = 0
for epoch in range(opt.n_epochs):
    for i, (imgs, _) in enumerate(dataloader):
        real_imgs = Variable(imgs.type(Tensor))

        optimizer_C.zero_grad()
        z = Variable(Tensor(np.random.normal(0, 1, (imgs.shape[0], opt.latent_dim))))
        fake_imgs = generator(z)
        real_score = critic(real_imgs)
        fake_score = critic(fake_imgs)
        penalty = gradient_penalty(critic, real_imgs.data, fake_imgs.data)
        c_loss = -torch.mean(real_score) + torch.mean(fake_score) + opt.lambda_gp * penalty
        c_loss.backward()
        optimizer_C.step()

        optimizer_G.zero_grad()
        if i % opt.n_critic == 0:
            fake_imgs = generator(z)
            g_loss = -torch.mean(critic(fake_imgs))
            g_loss.backward()
            optimizer_G.step()
            print(
                "[Epoch %d/%d] [Batch %d/%d] [C loss: %f] [G loss: %f]"
                % (epoch, opt.n_epochs, i, len(dataloader), c_loss.item(), g_loss.item())
            )
            if batches_done % opt.sample_interval == 0:
                save_image(fake_imgs.data[:25], "images/%d.png" % batches_done, nrow=5, normalize=True)
            batches_done += opt.n_critic
