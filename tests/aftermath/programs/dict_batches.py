from dataclasses import dataclass
from typing import Optional

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class CausalOutput:
    logits: torch.Tensor
    loss: Optional[torch.Tensor] = None


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(x).chunk(3, dim=-1))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class TinyLM(nn.Module):
    def __init__(self, vocab=30, dim=16):
        super().__init__()
        self.wte = nn.Embedding(vocab, dim)
        self.attn = Attention(dim, 2)
        self.lm_head = nn.Linear(dim, vocab)

    def forward(self, input_ids, labels=None):
        logits = self.lm_head(self.attn(self.wte(input_ids)))
        loss = None
        if labels is not None:
            shifted = logits[:, :-1].flatten(0, 1)
            loss = nn.functional.cross_entropy(shifted, labels.flatten())
        return CausalOutput(logits, loss)


class Tokens(Dataset):
    def __len__(self):
        return 32

    def __getitem__(self, i):
        ids = torch.arange(i, i + 8) % 30
        return {"input_ids": ids, "labels": ids.clone()}


def main():
    model = TinyLM()
    optimizer = torch.optim.AdamW(model.parameters())
    for epoch in range(2):
        for batch in DataLoader(Tokens(), batch_size=4):
            outputs = model(**batch)
            outputs.loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        print(epoch, outputs.loss.item())


if __name__ == "__main__":
    main()
