import random

import torch
import torch.nn as nn


class Encoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.gru = nn.GRU(hidden, hidden)

    def forward(self, src):
        return self.gru(self.embedding(src))[1]


class Decoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.gru = nn.GRU(hidden, hidden)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, token, hidden):
        y, hidden = self.gru(self.embedding(token).unsqueeze(0), hidden)
        return self.out(y.squeeze(0)), hidden


class Seq2Seq(nn.Module):
    def __init__(self, vocab=20, hidden=16):
        super().__init__()
        self.encoder = Encoder(vocab, hidden)
        self.decoder = Decoder(vocab, hidden)
        self.vocab = vocab

    def forward(self, src, trg, teacher_forcing=0.5):
        outputs = torch.zeros(*trg.shape, self.vocab)
        hidden = self.encoder(src)
        token = trg[0]
        for t in range(1, len(trg)):
            outputs[t], hidden = self.decoder(token, hidden)
            token = trg[t] if random.random() < teacher_forcing else outputs[t].argmax(1)
        return outputs


def main():
    random.seed(0)
    model = Seq2Seq()
    optimizer = torch.optim.Adam(model.parameters())
    criterion = nn.CrossEntropyLoss(ignore_index=0)
    for _ in range(10):
        src = torch.randint(1, 20, (7, 8))
        trg = torch.randint(1, 20, (6, 8))
        output = model(src, trg)
        output = output[1:].view(-1, output.shape[-1])
        target = trg.view(-1)
        loss = criterion(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(loss.item())


if __name__ == "__main__":
    main()
