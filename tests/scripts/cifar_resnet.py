'''CIFAR-10/100 training with small residual networks (resnet20 with basic blocks, resnet29 with bottlenecks).'''
import argparse
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.transforms as transforms
from tqdm import tqdm


def conv3x3(cin, cout, stride=1):
    return nn.Conv2d(cin, cout, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, cin, width, stride=1):
        super().__init__()
        cout = width * self.expansion
        self.conv1 = conv3x3(cin, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, cout)
        self.bn2 = nn.BatchNorm2d(cout)
        self.downsample = None
        if stride > 1 or cin != cout:
            self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride=stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + identity)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, cin, width, stride=1):
        super().__init__()
        cout = width * self.expansion
        self.reduce = nn.Conv2d(cin, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.expand = nn.Conv2d(width, cout, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(cout)
        self.downsample = None
        if stride > 1 or cin != cout:
            self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride=stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.reduce(x)), inplace=True)
        y = F.relu(self.bn2(self.conv(y)), inplace=True)
        y = self.bn3(self.expand(y))
        y += identity
        return F.relu(y)


class ResNet(nn.Module):
    def __init__(self, block, depths, num_classes, widths=(16, 32, 64)):
        super().__init__()
        self.channels = widths[0]
        self.stem = nn.Sequential(conv3x3(3, self.channels), nn.BatchNorm2d(self.channels), nn.ReLU(inplace=True))
        self.stage1 = self.make_stage(block, widths[0], depths[0], 1)
        self.stage2 = self.make_stage(block, widths[1], depths[1], 2)
        self.stage3 = self.make_stage(block, widths[2], depths[2], 2)
        self.fc = nn.Linear(widths[2] * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode='fan_out', nonlinearity='relu')

    def make_stage(self, block, width, depth, stride):
        blocks = []
        for i in range(depth):
            blocks.append(block(self.channels, width, stride if i == 0 else 1))
            self.channels = width * block.expansion
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = self.stem(x)
        x = self.stage3(self.stage2(self.stage1(x)))
        x = F.avg_pool2d(x, 8)
        x = torch.flatten(x, 1)
        return self.fc(x)


ARCHS = {'resnet20': (BasicBlock, [3, 3, 3]), 'resnet29': (Bottleneck, [3, 3, 3])}

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--arch', default='resnet29', choices=sorted(ARCHS))
parser.add_argument('--dataset', default='cifar10', choices=['cifar10', 'cifar100'])
parser.add_argument('--data', default='./data')
parser.add_argument('--epochs', default=160, type=int)
parser.add_argument('-b', '--batch-size', default=128, type=int)
parser.add_argument('--lr', default=0.1, type=float)
parser.add_argument('-j', '--workers', default=2, type=int)
parser.add_argument('--resume', action='store_true')
args = parser.parse_args()

device = 'cuda' if torch.cuda.is_available() else 'cpu'
best_acc, start_epoch = 0., 0

print('==> data')
normalize = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
train_tf = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalize])
test_tf = transforms.Compose([transforms.ToTensor(), normalize])
if args.dataset == 'cifar10':
    dataset, num_classes = torchvision.datasets.CIFAR10, 10
else:
    dataset, num_classes = torchvision.datasets.CIFAR100, 100
trainloader = torch.utils.data.DataLoader(dataset(args.data, train=True, download=True, transform=train_tf),
                                          batch_size=args.batch_size, shuffle=True, num_workers=args.workers)
testloader = torch.utils.data.DataLoader(dataset(args.data, train=False, download=True, transform=test_tf),
                                         batch_size=args.batch_size, shuffle=False, num_workers=args.workers)

print('==> model', args.arch)
block, depths = ARCHS[args.arch]
net = ResNet(block, depths, num_classes).to(device)
if device == 'cuda':
    net = nn.DataParallel(net)
    torch.backends.cudnn.benchmark = True
if args.resume:
    assert os.path.isfile('checkpoint/last.pth'), 'nothing to resume from'
    ckpt = torch.load('checkpoint/last.pth', map_location=device)
    net.load_state_dict(ckpt['net'])
    best_acc, start_epoch = ckpt['acc'], ckpt['epoch'] + 1

criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4, nesterov=True)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [args.epochs // 2, args.epochs * 3 // 4], gamma=0.1)


def topk(logits, target, ks=(1, 5)):
    """Number of samples whose class is among the k best guesses, for each k."""
    _, guess = logits.topk(max(ks), 1)
    hit = guess.t().eq(target.view(1, -1).expand_as(guess.t()))
    return [hit[:k].reshape(-1).float().sum().item() for k in ks]


def run(loader, epoch, training):
    net.train(training)
    loss_sum, top1, top5, seen = 0., 0., 0., 0
    bar = tqdm(loader, desc='%s %d' % ('train' if training else 'test', epoch))
    for images, labels in bar:
        images, labels = images.to(device), labels.to(device)
        with torch.set_grad_enabled(training):
            logits = net(images)
            loss = criterion(logits, labels)
        if training:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        a, b = topk(logits, labels)
        top1, top5, seen = top1 + a, top5 + b, seen + labels.size(0)
        loss_sum += loss.item() * labels.size(0)
        bar.set_postfix(loss='%.3f' % (loss_sum / seen), top1='%.2f' % (100 * top1 / seen), top5='%.2f' % (100 * top5 / seen))
    return 100 * top1 / seen


for epoch in range(start_epoch, args.epochs):
    run(trainloader, epoch, training=True)
    acc = run(testloader, epoch, training=False)
    scheduler.step()
    if not os.path.isdir('checkpoint'):
        os.mkdir('checkpoint')
    state = {'net': net.state_dict(), 'acc': acc, 'epoch': epoch}
    torch.save(state, 'checkpoint/last.pth')
    if acc > best_acc:
        best_acc = acc
        torch.save(state, 'checkpoint/best.pth')
print('best accuracy: %.2f' % best_acc)
