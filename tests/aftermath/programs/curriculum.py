import torch
import torch.nn as nn
import torch.nn.functional as F

MAX_LEN = 32
VOCAB = 50


class CopyModel(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim)
        self.pos = nn.Parameter(torch.zeros(1, MAX_LEN, dim))
        self.layer = nn.TransformerEncoderLayer(dim, nhead=4, dim_feedforward=64, batch_first=True)
        self.lm_head = nn.Linear(dim, VOCAB)

    def forward(self, ids):
        length = ids.shape[1]
        h = self.tok(ids) + self.pos[:, :length]
        return self.lm_head(self.layer(h))


torch.manual_seed(0)
model = CopyModel()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)

length, step = 4, 0
while length <= 48:
    ids = torch.randint(0, VOCAB, (8, length))
    logits = model(ids)
    loss = F.cross_entropy(logits.transpose(1, 2), ids)
    opt.zero_grad()
    loss.backward()
    opt.step()
    step += 1
    if step % 10 == 0:
        print(f"step {step} length {length} loss {loss.item():.3f}")
        length += 4
