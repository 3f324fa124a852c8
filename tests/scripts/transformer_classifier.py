"""Sentiment of short reviews with a Transformer encoder. The reviews are put together from word lists, so no download."""
import math
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

GOOD = "wonderful moving clever funny bright warm honest brilliant".split()
BAD = "boring dull clumsy loud empty tired awful predictable".split()
FILL = "the film was a story about two friends and their long way home with some scenes in between".split()
PAD = 0


@dataclass
class Config:
    d_model: int = 64
    nhead: int = 4
    num_layers: int = 2
    dim_feedforward: int = 128
    dropout: float = 0.1
    max_len: int = 64
    num_classes: int = 2
    batch_size: int = 32
    n_train: int = 300
    n_test: int = 90
    epochs: int = 3
    lr: float = 3e-4


cfg = Config()
vocab = {w: i + 1 for i, w in enumerate(sorted(set(GOOD + BAD + FILL)))}


def make_review(rng):
    label = rng.randint(0, 1)
    words = rng.choices(FILL, k=rng.randint(5, 30)) + rng.choices(GOOD if label else BAD, k=rng.randint(1, 4))
    rng.shuffle(words)
    return torch.tensor([vocab[w] for w in words]), label


def collate(batch):
    tokens, labels = zip(*batch)
    return pad_sequence(tokens, batch_first=True, padding_value=PAD), torch.tensor(labels)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        position = torch.arange(max_len).unsqueeze(1)
        freq = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = torch.sin(position * freq)
        pe[:, 1::2] = torch.cos(position * freq)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return self.dropout(x + self.pe[:, :x.size(1)])


class ReviewClassifier(nn.Module):
    def __init__(self, cfg, vocab_size):
        super().__init__()
        self.scale = math.sqrt(cfg.d_model)
        self.embedding = nn.Embedding(vocab_size, cfg.d_model, padding_idx=PAD)
        self.positions = PositionalEncoding(cfg.d_model, cfg.max_len, cfg.dropout)
        layer = nn.TransformerEncoderLayer(cfg.d_model, cfg.nhead, cfg.dim_feedforward, cfg.dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, cfg.num_layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(cfg.d_model)
        self.head = nn.Linear(cfg.d_model, cfg.num_classes)

    def forward(self, tokens):
        mask = tokens == PAD
        x = self.positions(self.embedding(tokens) * self.scale)
        x = self.norm(self.encoder(x, src_key_padding_mask=mask))
        keep = (~mask).unsqueeze(-1)
        mean = (x * keep).sum(1) / keep.sum(1)
        return self.head(mean)


def accuracy(model, loader, device):
    model.eval()
    right = 0
    with torch.inference_mode():
        for tokens, labels in loader:
            pred = model(tokens.to(device)).argmax(-1)
            right += (pred == labels.to(device)).sum().item()
    return right / len(loader.dataset)


def main():
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rng = random.Random(0)
    train_data = [make_review(rng) for _ in range(cfg.n_train)]
    test_data = [make_review(rng) for _ in range(cfg.n_test)]
    train_loader = DataLoader(train_data, batch_size=cfg.batch_size, shuffle=True, collate_fn=collate)
    test_loader = DataLoader(test_data, batch_size=cfg.batch_size, collate_fn=collate)

    model = ReviewClassifier(cfg, len(vocab) + 1).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, cfg.lr * 10, epochs=cfg.epochs, steps_per_epoch=len(train_loader))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)

    best = 0.0
    for epoch in range(cfg.epochs):
        model.train()
        for step, (tokens, labels) in enumerate(train_loader):
            tokens, labels = tokens.to(device), labels.to(device)
            loss = criterion(model(tokens), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        acc = accuracy(model, test_loader, device)
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, test accuracy {acc:.1%}")
        if acc > best:
            best = acc
            torch.save({"model": model.state_dict(), "vocab": vocab}, "review_classifier.pt")


if __name__ == "__main__":
    main()
