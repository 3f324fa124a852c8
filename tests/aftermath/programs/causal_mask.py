import math

import torch
import torch.nn as nn

BPTT = 20


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=100):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div)
        pe[:, 0, 1::2] = torch.cos(position * div)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[: x.size(0)]


class TransformerLM(nn.Module):
    def __init__(self, vocab, d_model=16):
        super().__init__()
        self.emb = nn.Embedding(vocab, d_model)
        self.pos = PositionalEncoding(d_model)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(d_model, 2, 32), 2)
        self.out = nn.Linear(d_model, vocab)

    def forward(self, src, mask):
        return self.out(self.encoder(self.pos(self.emb(src)), mask))


def get_batch(source, i):
    length = min(BPTT, len(source) - 1 - i)
    return source[i : i + length], source[i + 1 : i + 1 + length].reshape(-1)


def train(model, source, optimizer):
    model.train()
    mask = nn.Transformer.generate_square_subsequent_mask(BPTT)
    for i in range(0, source.size(0) - 1, BPTT):
        data, targets = get_batch(source, i)
        output = model(data, mask)
        loss = nn.functional.cross_entropy(output.view(-1, 25), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    source = torch.randint(0, 25, (171, 4))
    model = TransformerLM(25)
    print(train(model, source, torch.optim.SGD(model.parameters(), lr=0.5)))
