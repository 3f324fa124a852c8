import torch
import torch.nn as nn

torch.manual_seed(0)
X = torch.randn(120, 8)
Y = torch.randint(0, 3, (120,))
Y[90] = 3  # one rare label


def folds(n, k):
    order = torch.arange(n)
    size = n // k
    for i in range(k):
        held_out = order[i * size : (i + 1) * size]
        rest = torch.cat([order[: i * size], order[(i + 1) * size :]])
        yield i, rest, held_out


def make_model(n_classes):
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, n_classes))


scores = []
for fold, train_idx, test_idx in folds(len(X), 4):
    n_classes = len(Y[train_idx].unique())
    model = make_model(n_classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(5):
        for start in range(0, len(train_idx), 30):
            batch = train_idx[start : start + 30]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(X[batch]), Y[batch])
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(X[test_idx]), Y[test_idx])
    scores.append(val_loss.item())
    print(f"fold {fold}: {val_loss.item():.3f}")
print(sum(scores) / len(scores))
