from argparse import ArgumentParser

import torch
import torch.nn.functional as F
from vit import ViT, ViTConfig


def batches(size, n, batch=8):
    return [(torch.rand(batch, 3, size, size), torch.randint(0, 5, (batch,))) for _ in range(n)]


def fit(model, data, lr):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    for images, labels in data:
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def main(argv=None):
    parser = ArgumentParser()
    parser.add_argument("--finetune-size", type=int, default=24)
    args = parser.parse_args(argv)
    model = ViT(ViTConfig())
    print("pretrained", fit(model, batches(16, 10), 1e-3))
    print("fine-tuned", fit(model, batches(args.finetune_size, 5), 1e-4))


if __name__ == "__main__":
    main()
