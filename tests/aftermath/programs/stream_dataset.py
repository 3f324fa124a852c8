import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset


class Sentences(IterableDataset):
    """A short head of headlines, all of one length, then the articles."""

    def __init__(self, count, vocab=40):
        self.count = count
        self.vocab = vocab

    def __iter__(self):
        g = torch.Generator().manual_seed(0)
        for i in range(self.count):
            length = 6 if i < 16 else int(torch.randint(5, 10, (1,), generator=g))
            yield torch.randint(0, self.vocab, (length,), generator=g), i % 2


class Bag(nn.Module):
    def __init__(self, vocab=40):
        super().__init__()
        self.emb = nn.EmbeddingBag(vocab, 16)
        self.fc = nn.Linear(16, 2)

    def forward(self, ids):
        return self.fc(self.emb(ids))


model = Bag()
sgd = torch.optim.SGD(model.parameters(), lr=0.5)
for ids, label in DataLoader(Sentences(64), batch_size=8):
    loss = nn.functional.cross_entropy(model(ids), label)
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    print(ids.shape, loss.item())
