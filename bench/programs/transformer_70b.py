"""A decoder-only transformer of 69 billion parameters with grouped key and value heads, and one training step."""

import torch
import torch.nn.functional as F
from torch import nn
from transformer_7b import RMSNorm, rotate

VOCABULARY, WIDTH, HIDDEN, HEADS, GROUPS, LAYERS = 32_000, 8192, 28_672, 64, 8, 80
BATCH, LENGTH = 2, 4096
HEAD = WIDTH // HEADS


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q = nn.Linear(WIDTH, HEADS * HEAD, bias=False)
        self.k = nn.Linear(WIDTH, GROUPS * HEAD, bias=False)
        self.v = nn.Linear(WIDTH, GROUPS * HEAD, bias=False)
        self.out = nn.Linear(HEADS * HEAD, WIDTH, bias=False)

    def forward(self, x, angles):
        b, t, _ = x.shape
        q = self.q(x).view(b, t, HEADS, HEAD).transpose(1, 2)
        k = self.k(x).view(b, t, GROUPS, HEAD).transpose(1, 2)
        v = self.v(x).view(b, t, GROUPS, HEAD).transpose(1, 2)
        k = rotate(k, angles).repeat_interleave(HEADS // GROUPS, dim=1)
        v = v.repeat_interleave(HEADS // GROUPS, dim=1)
        y = F.scaled_dot_product_attention(rotate(q, angles), k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, WIDTH))


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.up = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.down = nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attention = RMSNorm(WIDTH), Attention()
        self.norm2, self.feed_forward = RMSNorm(WIDTH), FeedForward()

    def forward(self, x, angles):
        x = x + self.attention(self.norm1(x), angles)
        return x + self.feed_forward(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = RMSNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        frequencies = 10_000.0 ** (-torch.arange(0, HEAD, 2, device=tokens.device) / HEAD)
        angles = torch.outer(positions, frequencies)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, angles)
        return self.head(self.norm(x))


if __name__ == "__main__":
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Transformer().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-4)
    tokens = torch.randint(0, VOCABULARY, (BATCH, LENGTH + 1), device=device)
    logits = model(tokens[:, :-1])
    loss = F.cross_entropy(logits.view(-1, VOCABULARY), tokens[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, loss {loss.item():.2f}")
