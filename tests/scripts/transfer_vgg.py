"""Fine-tune the classifier of a pretrained VGG16 on an own image folder.

Expects DATA/train/<class>/*.jpg and DATA/val/<class>/*.jpg
"""
import argparse
import copy
import os
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms
from torchvision.utils import make_grid

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
PHASES = ('train', 'val')

plt.ion()


def show(tensor, caption=''):
    """Undo the normalisation and draw the picture."""
    picture = tensor.cpu().numpy().transpose((1, 2, 0)) * np.array(STD) + np.array(MEAN)
    plt.imshow(np.clip(picture, 0., 1.))
    plt.title(caption)
    plt.pause(0.01)


def make_loaders(args):
    pipelines = {
        'train': [transforms.RandomResizedCrop(args.crop), transforms.RandomHorizontalFlip()],
        'val': [transforms.Resize(256), transforms.CenterCrop(args.crop)],
    }
    loaders = {}
    for phase in PHASES:
        tf = transforms.Compose(pipelines[phase] + [transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
        folder = datasets.ImageFolder(os.path.join(args.data, phase), transform=tf)
        loaders[phase] = DataLoader(folder, batch_size=args.batch_size, shuffle=phase == 'train', num_workers=args.workers)
    return loaders, loaders['train'].dataset.classes


def make_model(num_classes, hidden=256):
    model = models.vgg16(pretrained=True)
    for p in model.features.parameters():
        p.requires_grad = False
    model.classifier = nn.Sequential(
        nn.Linear(512 * 7 * 7, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(p=0.4),
        nn.Linear(hidden, num_classes),
    )
    return model


def fit(model, loaders, args, device):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=args.lr, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    best_acc, best_weights = 0., copy.deepcopy(model.classifier.state_dict())
    history = {phase: [] for phase in PHASES}

    began = time.time()
    for epoch in range(args.epochs):
        for phase in PHASES:
            training = phase == 'train'
            model.train(training)
            seen, loss_sum, hits = 0, 0., 0
            for x, y in loaders[phase]:
                x, y = x.to(device), y.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(training):
                    scores = model(x)
                    guess = scores.argmax(1)
                    loss = criterion(scores, y)
                    if training:
                        loss.backward()
                        optimizer.step()
                seen += y.size(0)
                loss_sum += loss.item() * y.size(0)
                hits += torch.sum(guess == y.data)
            acc = hits.double().item() / seen
            history[phase].append(loss_sum / seen)
            print('epoch {:2d} {:5s} loss {:.4f} acc {:.4f}'.format(epoch + 1, phase, loss_sum / seen, acc))
            if training:
                scheduler.step()
            elif acc > best_acc:
                best_acc = acc
                best_weights = copy.deepcopy(model.classifier.state_dict())
    minutes, seconds = divmod(time.time() - began, 60)
    print('done in {:.0f}m {:.0f}s, best accuracy {:.3f}'.format(minutes, seconds, best_acc))
    model.classifier.load_state_dict(best_weights)
    return model, history


def gallery(model, loader, classes, device, rows=3):
    """A few validation pictures with what the network makes of them."""
    model.eval()
    plt.figure(figsize=(6, 8))
    shown = 0
    with torch.no_grad():
        for x, y in loader:
            guess = model(x.to(device)).argmax(1)
            for j in range(x.size(0)):
                if shown == rows * 2:
                    return
                shown += 1
                ax = plt.subplot(rows, 2, shown)
                ax.axis('off')
                show(x[j], '{} ({})'.format(classes[guess[j]], classes[y[j]]))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--data', default='data/flowers')
    parser.add_argument('--crop', type=int, default=224)
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--epochs', type=int, default=25)
    parser.add_argument('--workers', type=int, default=0)
    parser.add_argument('--lr', type=float, default=0.001)
    args = parser.parse_args()

    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    loaders, classes = make_loaders(args)
    print(len(classes), 'classes:', ', '.join(classes))

    first, labels = next(iter(loaders['train']))
    show(make_grid(first), ' '.join(classes[k] for k in labels))

    model = make_model(len(classes)).to(device)
    model, history = fit(model, loaders, args, device)
    torch.save(model, 'vgg16_finetuned.pt')

    gallery(model, loaders['val'], classes, device)
    plt.figure()
    for phase in PHASES:
        plt.plot(history[phase], label=phase)
    plt.legend()
    plt.savefig('loss.png')
    plt.show()
