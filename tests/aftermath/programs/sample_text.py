import torch
import torch.nn as nn

text = "shapes are what a tensor has before it has values. " * 40
chars = sorted(set(text))
index = {c: i for i, c in enumerate(chars)}
data = torch.tensor([index[c] for c in text])


class CharRNN(nn.Module):
    def __init__(self, vocab, dim=16, hidden=32):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, vocab)

    def forward(self, x, state=None):
        out, state = self.lstm(self.emb(x), state)
        return self.fc(out), state


def chunks(batch, length):
    usable = data[: len(data) // batch * batch].view(batch, -1)
    for i in range(0, usable.size(1) - length - 1, length):
        yield usable[:, i : i + length], usable[:, i + 1 : i + length + 1]


def sample(model, state, start="s", length=40):
    model.eval()
    out = [start]
    for _ in range(length):
        logits, state = model(torch.tensor([[index[out[-1]]]]), state)
        out.append(chars[int(torch.multinomial(logits[0, -1].softmax(-1), 1))])
    return "".join(out)


torch.manual_seed(0)
model = CharRNN(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
state = None
for step, (x, y) in enumerate(chunks(8, 20)):
    logits, state = model(x, state)
    state = tuple(s.detach() for s in state)
    loss = nn.functional.cross_entropy(logits.reshape(-1, len(chars)), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("loss", loss.item())
print(sample(model, state))
