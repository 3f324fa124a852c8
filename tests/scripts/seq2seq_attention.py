# Date translation with an attentive encoder-decoder: "march 4, 1987" -> "1987-03-04"
import argparse
import datetime
import random
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim

SOS, EOS, PAD = 0, 1, 2
MONTHS = "january february march april may june july august september october november december".split()
MAX_LENGTH = 22

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--emb", type=int, default=32)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--iters", type=int, default=2000)
parser.add_argument("--print-every", type=int, default=100)
parser.add_argument("--teacher", type=float, default=0.5)
parser.add_argument("--lr", type=float, default=2e-3)
args = parser.parse_args()

random.seed(1)
torch.manual_seed(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Lang:
    def __init__(self, name):
        self.name = name
        self.index = {"<sos>": SOS, "<eos>": EOS, "<pad>": PAD}
        self.chars = ["<sos>", "<eos>", "<pad>"]

    def add(self, text):
        for c in text:
            if c not in self.index:
                self.index[c] = len(self.chars)
                self.chars.append(c)

    def encode(self, text, length):
        ids = [self.index[c] for c in text] + [EOS]
        return ids + [PAD] * (length - len(ids))

    def decode(self, ids):
        return "".join(self.chars[i] for i in ids if i > PAD)

    @property
    def n(self):
        return len(self.chars)


def random_pair():
    day = datetime.date(1950, 1, 1) + datetime.timedelta(days=random.randint(0, 30000))
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}", day.isoformat()


human, machine = Lang("human"), Lang("machine")
pairs = [random_pair() for _ in range(3000)]
for source, target in pairs:
    human.add(source)
    machine.add(target)


class EncoderRNN(nn.Module):
    def __init__(self, n_chars, emb_size, hidden_size):
        super(EncoderRNN, self).__init__()
        self.embedding = nn.Embedding(n_chars, emb_size, padding_idx=PAD)
        self.gru = nn.GRU(emb_size, hidden_size, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(hidden_size * 2, hidden_size)

    def forward(self, source):
        outputs, hidden = self.gru(self.embedding(source))
        both = torch.cat((hidden[0], hidden[1]), dim=1)
        return outputs, torch.tanh(self.bridge(both)).unsqueeze(0)


class Attention(nn.Module):
    def __init__(self, hidden_size):
        super(Attention, self).__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size * 2, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)

    def forward(self, query, keys, mask):
        # query (B, 1, H), keys (B, T, 2H), mask (B, T)
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2)
        scores = scores.masked_fill(mask, float("-inf"))
        weights = F.softmax(scores, dim=1).unsqueeze(1)
        return torch.bmm(weights, keys), weights


class AttnDecoderRNN(nn.Module):
    def __init__(self, n_chars, emb_size, hidden_size):
        super(AttnDecoderRNN, self).__init__()
        self.embedding = nn.Embedding(n_chars, emb_size, padding_idx=PAD)
        self.attention = Attention(hidden_size)
        self.gru = nn.GRU(emb_size + hidden_size * 2, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size * 3, n_chars)

    def forward(self, token, hidden, keys, mask):
        embedded = self.embedding(token)
        query = hidden.permute(1, 0, 2)
        context, weights = self.attention(query, keys, mask)
        output, hidden = self.gru(torch.cat((embedded, context), dim=2), hidden)
        logits = self.out(torch.cat((output, context), dim=2))
        return logits.squeeze(1), hidden, weights


def batch_of(n):
    chosen = random.sample(pairs, n)
    source = torch.tensor([human.encode(s, MAX_LENGTH) for s, _ in chosen], device=device)
    target = torch.tensor([machine.encode(t, 11) for _, t in chosen], device=device)
    return source, target


encoder = EncoderRNN(human.n, args.emb, args.hidden).to(device)
decoder = AttnDecoderRNN(machine.n, args.emb, args.hidden).to(device)
encoder_optimizer = optim.Adam(encoder.parameters(), lr=args.lr)
decoder_optimizer = optim.Adam(decoder.parameters(), lr=args.lr)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)


def train_step(source, target):
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    keys, hidden = encoder(source)
    mask = source == PAD
    token = torch.full((source.size(0), 1), SOS, dtype=torch.long, device=device)
    teacher_forcing = random.random() < args.teacher
    loss = 0
    for t in range(target.size(1)):
        logits, hidden, _ = decoder(token, hidden, keys, mask)
        loss += criterion(logits, target[:, t])
        token = target[:, t].unsqueeze(1) if teacher_forcing else logits.argmax(1, keepdim=True).detach()
    loss.backward()
    nn.utils.clip_grad_norm_(list(encoder.parameters()) + list(decoder.parameters()), 1.0)
    encoder_optimizer.step()
    decoder_optimizer.step()
    return loss.item() / target.size(1)


def translate(text):
    encoder.eval()
    decoder.eval()
    with torch.no_grad():
        source = torch.tensor([human.encode(text, MAX_LENGTH)], device=device)
        keys, hidden = encoder(source)
        token = torch.tensor([[SOS]], device=device)
        said, attended = [], []
        while len(said) < 12:
            logits, hidden, weights = decoder(token, hidden, keys, source == PAD)
            token = logits.topk(1)[1]
            if token.item() == EOS:
                break
            said.append(token.item())
            attended.append(weights.squeeze().cpu())
    encoder.train()
    decoder.train()
    return machine.decode(said), (torch.stack(attended) if attended else None)


start, running = time.time(), 0.0
for it in range(1, args.iters + 1):
    running += train_step(*batch_of(args.batch))
    if it % args.print_every == 0:
        text, truth = random.choice(pairs)
        guess, attended = translate(text)
        print("%5d %4.0fs loss %.4f   %s -> %s (%s)" % (it, time.time() - start, running / args.print_every, text, guess, truth))
        running = 0.0
torch.save([encoder.state_dict(), decoder.state_dict()], "dates.pt")
