import argparse

import torch
import torch.nn.functional as F

from speech.layers import N_MELS
from speech.model import Tagger


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--hidden", type=int, default=32)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--epochs", type=int, default=1)
    return p.parse_args()


def main(args):
    model = Tagger(args.hidden, args.layers)
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(args.epochs):
        for _ in range(10):
            mels, tags = torch.randn(4, 20, N_MELS), torch.randint(0, 5, (4, 20))
            loss = F.cross_entropy(model(mels).transpose(1, 2), tags)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main(parse())
