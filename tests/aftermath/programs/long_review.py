import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence


class ReviewClassifier(nn.Module):
    def __init__(self, vocab_size, max_positions=40, dim=24):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.position = nn.Embedding(max_positions, dim)
        self.attn = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.out = nn.Linear(dim, 2)

    def forward(self, ids):
        positions = torch.arange(ids.size(1), device=ids.device)
        h = self.tokens(ids) + self.position(positions)
        mask = ids.eq(0)
        h, _ = self.attn(h, h, h, key_padding_mask=mask, need_weights=False)
        return self.out(h.mean(1))


def reviews(n, rng):
    for _ in range(n):
        length = min(60, int(rng.gammavariate(4.0, 3.5)) + 2)
        yield [rng.randrange(1, 100) for _ in range(length)], rng.randrange(2)


def batched(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            ids, labels = zip(*batch)
            yield pad_sequence([torch.tensor(i) for i in ids], batch_first=True), torch.tensor(labels)
            batch = []


def main():
    rng = random.Random(11)
    torch.manual_seed(11)
    model = ReviewClassifier(vocab_size=100)
    optimizer = torch.optim.Adam(model.parameters())
    for step, (ids, labels) in enumerate(batched(reviews(1200, rng), 4)):
        loss = nn.functional.cross_entropy(model(ids), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            print(step, tuple(ids.shape), round(loss.item(), 3))


if __name__ == "__main__":
    main()
