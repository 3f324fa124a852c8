"""Super-resolution with sub-pixel convolution: learns the luminance of images at twice or three times the size."""
from math import log10
import argparse

import torch
import torch.nn as nn
import torch.nn.init as init
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor
from tqdm import trange


class Upscaler(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 64, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(64, 64, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(64, 32, (3, 3), (1, 1), (1, 1))
        self.conv4 = nn.Conv2d(32, upscale_factor ** 2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        for conv in (self.conv1, self.conv2, self.conv3):
            init.orthogonal_(conv.weight, init.calculate_gain('relu'))
        init.orthogonal_(self.conv4.weight)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = x + self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        return self.pixel_shuffle(self.conv4(x))


class LowHighPairs(Dataset):
    """Every image twice: small (the input) and whole (the target), luminance only."""

    def __init__(self, folder, crop_size, upscale_factor):
        self.folder = folder
        self.high = Compose([Resize(crop_size), CenterCrop(crop_size), ToTensor()])
        self.low = Compose([Resize(crop_size), CenterCrop(crop_size), Resize(crop_size // upscale_factor), ToTensor()])

    def __len__(self):
        return len(self.folder)

    def __getitem__(self, i):
        image, _ = self.folder[i]
        y, _, _ = image.convert('YCbCr').split()
        return self.low(y), self.high(y)


def valid_crop(size, factor):
    return size - (size % factor)


def train(epoch, model, loader, criterion, optimizer, device):
    model.train()
    epoch_loss = 0
    for iteration, batch in enumerate(loader, 1):
        low, high = batch[0].to(device), batch[1].to(device)
        optimizer.zero_grad()
        loss = criterion(model(low), high)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
        print("===> Epoch[{}]({}/{}): Loss: {:.4f}".format(epoch, iteration, len(loader), loss.item()))
    return epoch_loss / len(loader)


@torch.no_grad()
def test(model, loader, criterion, device):
    model.eval()
    psnr = 0
    for low, high in loader:
        mse = criterion(model(low.to(device)), high.to(device))
        psnr += 10 * log10(1 / mse.item())
    print("===> Avg. PSNR: {:.4f} dB".format(psnr / len(loader)))


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Super resolution')
    parser.add_argument('--data', default='dataset/BSDS300/images')
    parser.add_argument('--upscale_factor', type=int, default=3, help="super resolution upscale factor")
    parser.add_argument('--crop', type=int, default=128)
    parser.add_argument('--batchSize', type=int, default=16, help='training batch size')
    parser.add_argument('--testBatchSize', type=int, default=10)
    parser.add_argument('--nEpochs', type=int, default=30)
    parser.add_argument('--lr', type=float, default=0.001)
    parser.add_argument('--cuda', action='store_true', help='use cuda?')
    parser.add_argument('--seed', type=int, default=123)
    opt = parser.parse_args()
    print(opt)
    if opt.cuda and not torch.cuda.is_available():
        raise Exception("No GPU found, please run without --cuda")
    torch.manual_seed(opt.seed)
    device = torch.device("cuda" if opt.cuda else "cpu")

    print('===> Loading datasets')
    crop = valid_crop(opt.crop, opt.upscale_factor)
    train_set = LowHighPairs(datasets.ImageFolder(opt.data + '/train'), crop, opt.upscale_factor)
    test_set = LowHighPairs(datasets.ImageFolder(opt.data + '/test'), crop, opt.upscale_factor)
    train_loader = DataLoader(dataset=train_set, num_workers=0, batch_size=opt.batchSize, shuffle=True)
    test_loader = DataLoader(dataset=test_set, num_workers=0, batch_size=opt.testBatchSize, shuffle=False)

    print('===> Building model')
    model = Upscaler(opt.upscale_factor).to(device)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=opt.lr)
    for epoch in trange(1, opt.nEpochs + 1):
        train(epoch, model, train_loader, criterion, optimizer, device)
        test(model, test_loader, criterion, device)
        torch.save(model, "model_epoch_{}.pth".format(epoch))
