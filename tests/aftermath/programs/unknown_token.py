from collections import Counter

import torch
import torch.nn as nn

train_text = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog", "the mat and the log"] * 20
test_text = ["the cat sat", "a bird sat on the log"]


def build_vocab(sentences):
    counts = Counter(word for s in sentences for word in s.split())
    return {word: i for i, (word, _) in enumerate(counts.most_common())}


def encode(sentence, vocab):
    unk = len(vocab)
    return torch.tensor([vocab.get(w, unk) for w in sentence.split()])


class LanguageModel(nn.Module):
    def __init__(self, vocab_size, dim=16):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, vocab_size)

    def forward(self, ids):
        x = self.embed(ids)
        x, _ = self.rnn(x)
        return self.out(x)


def run(model, sentences, vocab, optimizer=None):
    total = 0.0
    for sentence in sentences:
        ids = encode(sentence, vocab).unsqueeze(0)
        logits = model(ids[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item()
    return total / len(sentences)


vocab = build_vocab(train_text)
model = LanguageModel(len(vocab))
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(2):
    print("train", run(model, train_text, vocab, opt))
print("test", run(model, test_text, vocab))
