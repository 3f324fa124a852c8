"""Word-level language model: LSTM, GRU or plain RNN over a text file (or over a small built-in text)."""
import argparse
import math
import os
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

BUILT_IN = """
the old harbour slept under a grey sky and the boats moved a little on the tide .
a keeper climbed the tower every evening and lit the lamp before the fog came in .
nobody in the village knew how long he had lived there or who had kept the lamp before him .
when the storm broke the windows he carried the lamp down to the boats and waited for the morning .
""" * 12

parser = argparse.ArgumentParser()
parser.add_argument('--corpus', default='', help='a text file, one sentence a line')
parser.add_argument('--cell', default='LSTM', choices=['LSTM', 'GRU', 'RNN'])
parser.add_argument('--emsize', type=int, default=96)
parser.add_argument('--nhid', type=int, default=128)
parser.add_argument('--nlayers', type=int, default=2)
parser.add_argument('--dropout', type=float, default=0.2)
parser.add_argument('--lr', type=float, default=5.0)
parser.add_argument('--clip', type=float, default=0.25)
parser.add_argument('--epochs', type=int, default=30)
parser.add_argument('--batch_size', type=int, default=20)
parser.add_argument('--bptt', type=int, default=25)
parser.add_argument('--log-interval', type=int, default=10)
parser.add_argument('--save', default='lm.pt')
parser.add_argument('--seed', type=int, default=42)
args = parser.parse_args()

torch.manual_seed(args.seed)
use_cuda = torch.cuda.is_available()
device = torch.device('cuda' if use_cuda else 'cpu')

# ---------------------------------------------------------------- data
if args.corpus and os.path.exists(args.corpus):
    with open(args.corpus, encoding='utf-8') as f:
        text = f.read()
else:
    text = BUILT_IN
words = text.replace('\n', ' <eos> ').split()
vocab = sorted(set(words))
stoi = {w: i for i, w in enumerate(vocab)}
ids = torch.LongTensor([stoi[w] for w in words])
cut = int(0.9 * len(ids))


def batchify(seq, bsz):
    """Cut the text into `bsz` columns of equal length: (length, bsz)."""
    length = len(seq) // bsz
    return seq[:length * bsz].view(bsz, length).t().contiguous().to(device)


def get_batch(source, start):
    n = min(args.bptt, len(source) - 1 - start)
    return source[start:start + n], source[start + 1:start + 1 + n].reshape(-1)


def repackage_hidden(h):
    if torch.is_tensor(h):
        return h.detach()
    return tuple(map(repackage_hidden, h))


eval_bsz = 4
train_data = batchify(ids[:cut], args.batch_size)
valid_data = batchify(ids[cut:], eval_bsz)


# ---------------------------------------------------------------- model
class LanguageModel(nn.Module):
    def __init__(self, ntoken, cell, ninp, nhid, nlayers, dropout):
        super().__init__()
        self.cell, self.nhid, self.nlayers, self.ntoken = cell, nhid, nlayers, ntoken
        self.embed = nn.Embedding(ntoken, ninp)
        self.drop = nn.Dropout(dropout)
        self.rnn = getattr(nn, cell)(ninp, nhid, nlayers, dropout=dropout)
        self.proj = nn.Linear(nhid, ntoken)
        for p in (self.embed.weight, self.proj.weight):
            p.data.uniform_(-0.1, 0.1)

    def forward(self, tokens, hidden):
        out, hidden = self.rnn(self.drop(self.embed(tokens)), hidden)
        logits = self.proj(self.drop(out))
        return logits.view(-1, self.ntoken), hidden

    def init_hidden(self, bsz):
        shape = (self.nlayers, bsz, self.nhid)
        weight = next(self.parameters()).data
        if self.cell == 'LSTM':
            return weight.new(*shape).zero_(), weight.new(*shape).zero_()
        return weight.new(*shape).zero_()


model = LanguageModel(len(vocab), args.cell, args.emsize, args.nhid, args.nlayers, args.dropout).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.25, patience=0)
print('%d words, %d different, %d parameters' % (len(ids), len(vocab), sum(p.numel() for p in model.parameters())))


def train_one(epoch):
    model.train()
    hidden = model.init_hidden(args.batch_size)
    running, tic = 0., time.time()
    for step, start in enumerate(range(0, len(train_data) - 1, args.bptt), 1):
        x, y = get_batch(train_data, start)
        hidden = repackage_hidden(hidden)
        optimizer.zero_grad()
        logits, hidden = model(x, hidden)
        loss = criterion(logits, y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        running += loss.item()
        if step % args.log_interval == 0:
            avg = running / args.log_interval
            print('epoch %3d step %4d  lr %.3f  %.1f ms/step  loss %.3f  ppl %.1f' % (
                epoch, step, optimizer.param_groups[0]['lr'], (time.time() - tic) * 1e3 / args.log_interval, avg, math.exp(avg)))
            running, tic = 0., time.time()


@torch.no_grad()
def evaluate(source):
    model.eval()
    hidden = model.init_hidden(eval_bsz)
    total, count = 0., 0
    for start in range(0, len(source) - 1, args.bptt):
        x, y = get_batch(source, start)
        logits, hidden = model(x, hidden)
        total += criterion(logits, y).item() * y.numel()
        count += y.numel()
    return total / count


@torch.no_grad()
def generate(first, n, temperature=1.0):
    model.eval()
    hidden = model.init_hidden(1)
    token = torch.tensor([[stoi[first]]], device=device)
    said = [first]
    for _ in range(n):
        logits, hidden = model(token, hidden)
        p = F.softmax(logits.squeeze() / temperature, dim=-1)
        k = torch.multinomial(p, 1).item()
        said.append(vocab[k])
        token.fill_(k)
    return ' '.join(said)


best = None
try:
    for epoch in range(1, args.epochs + 1):
        train_one(epoch)
        val = evaluate(valid_data)
        scheduler.step(val)
        print('=' * 20, 'epoch %d: valid loss %.3f, ppl %.1f' % (epoch, val, math.exp(val)))
        if best is None or val < best:
            best = val
            with open(args.save, 'wb') as f:
                torch.save(model.state_dict(), f)
except KeyboardInterrupt:
    print('stopped early')

with open(args.save, 'rb') as f:
    model.load_state_dict(torch.load(f))
print('best valid loss %.3f' % evaluate(valid_data))
print(generate('the', 40))
