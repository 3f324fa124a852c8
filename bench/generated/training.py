"""Around the training: numpy data, own heads on old bodies, checkpoints, accumulation, several tasks, schedulers, collated samples."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, module
from bench.generated.scripts import guarded


def numpy_data(d: Draw) -> str:
    """Features from numpy, a split by hand, a scaler, batches by permutation."""
    number, features, batch = d.one(30, 40), d.one(4, 7), d.one(8, 10)
    hidden = d.one(8, 12)
    net = module(
        d,
        "Net",
        [f"self.fc1 = nn.Linear({d.width('fc1', features)}, {hidden})", f"self.fc2 = nn.Linear({hidden}, 1)"],
        [f"return self.fc2(torch.tanh(self.fc1(x))){d.slip('squeeze', '.squeeze(1)', '.squeeze(2)', '')}"],
    )
    code = [
        "rng = np.random.default_rng(0)",
        f"X = rng.normal(size=({number}, {d.slip('columns', features, features + 1)}))",
        "y = X[:, 0] * 2 - X[:, 1]",
        f"X = (X - X.mean(axis={d.slip('axis', 0, 1)})) / X.std(axis=0)",
        f"X = torch.from_numpy(X){d.slip('dtype', '.float()', '')}",
        f"y = torch.tensor(y, dtype=torch.float32){d.slip('targets', '', '.unsqueeze(1)')}",
        f"n_train = {number * 3 // 4}",
        f"X_train, X_test, y_train, y_test = X[:n_train], X[n_train:], y[:n_train], {d.slip('split', 'y[n_train:]', 'y[:n_train]')}",
        "model = Net()",
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)",
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)",
        f"for epoch in range({d.number(1, 3)}):",
        "    perm = torch.randperm(len(X_train))",
        f"    for i in range(0, len(X_train), {batch}):",
        f"        idx = perm[i:i + {batch}]",
        f"        loss = F.mse_loss(model(X_train[idx]), {d.slip('batch', 'y_train[idx]', 'y_train', f'y_train[i:i + {batch + 1}]')})",
        "        optimizer.zero_grad()",
        "        loss.backward()",
        "        optimizer.step()",
        "    scheduler.step()",
        "with torch.no_grad():",
        "    pred = model(X_test)",
        "    print((pred - y_test).abs().mean().item())",
    ]
    return "import numpy as np\n" + d.head() + "\n\n" + net + "\n\n" + "\n".join(code) + "\n"


def new_head(d: Draw) -> str:
    """A body is kept, its head replaced; weights are loaded."""
    width, old, new, size = d.one(8, 12), d.one(10, 12), d.one(2, 3), d.one(12, 16)
    net = module(
        d,
        "Backbone",
        [
            f"self.features = nn.Sequential(nn.Conv2d(3, {width}, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())",
            f"self.fc = nn.Linear({width}, classes)",
        ],
        ["return self.fc(self.features(x))"],
        args=f"classes={old}",
    )
    load = d.slip(
        "load",
        "model.load_state_dict(pretrained.state_dict())",
        f"model = Backbone({new})\nmodel.load_state_dict(pretrained.state_dict())",
        f"model = Backbone({old + 1})\nmodel.load_state_dict(pretrained.state_dict(), strict=False)",
    )
    replaced = d.slip(
        "new head",
        f"model.fc = nn.Linear(model.fc.in_features, {new})",
        f"model.fc = nn.Linear(model.fc.out_features, {new})",
        f"model.fc = nn.Linear({width * 2}, {new})",
        f"model.fc = nn.Sequential(nn.Linear({width}, 16), nn.ReLU(), nn.Linear(32, {new}))",
        "model.fc = nn.Identity()",
    )
    batch = d.number(2, 5)
    code = [
        "pretrained = Backbone()",
        "model = Backbone()",
        load,
        "for p in model.features.parameters():",
        "    p.requires_grad = False",
        replaced,
        "optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)",
        f"x = torch.randn({batch}, {d.slip('channels', 3, 1)}, {size}, {size})",
        f"y = torch.randint(0, {new}, ({d.slip('labels', f'{batch},', f'{batch}, 1', f'{batch + 1},')}))",
        "loss = F.cross_entropy(model(x), y)",
        "loss.backward()",
        "optimizer.step()",
    ]
    if d.chance(0.4):
        code += [
            "ema = {k: v.clone() for k, v in model.state_dict().items()}",
            "for k, v in model.state_dict().items():",
            f"    ema[k].mul_(0.9).add_({d.slip('average', 'v', 'v.unsqueeze(0).expand(2, *v.shape)')}, alpha=0.1)",
        ]
    return d.head() + "\n\n" + net + "\n\n" + "\n".join(guarded(d, code, 0.1)) + "\n"


def tasks(d: Draw) -> str:
    """Several heads and a sum of losses, accumulated over steps, with clipping."""
    features, hidden, classes, batch = d.one(6, 8), d.one(12, 16), d.one(3, 5), d.number(3, 6)
    net = module(
        d,
        "MultiTask",
        [
            f"self.shared = nn.Sequential(nn.Linear({d.width('shared', features)}, {hidden}), nn.ReLU())",
            f"self.heads = nn.ModuleDict({{'cls': nn.Linear({hidden}, {classes}), 'reg': nn.Linear({d.width('regression', hidden)}, 1), 'emb': nn.Linear({hidden}, 4)}})",
        ],
        ["h = self.shared(x)", "return {name: head(h) for name, head in self.heads.items()}"],
    )
    code = [
        "model = MultiTask()",
        "optimizer = torch.optim.Adam(model.parameters())",
        "optimizer.zero_grad()",
        f"for step in range({d.number(2, 4)}):",
        f"    x = torch.randn({batch}, {features})",
        "    out = model(x)",
        f"    cls = F.cross_entropy(out['cls'], torch.randint(0, {classes}, ({d.slip('labels', batch, batch + 1)},)))",
        f"    reg = F.mse_loss(out['reg']{d.slip('squeeze', '.squeeze(-1)', '')}, torch.randn({batch}))",
        f"    emb = 1 - F.cosine_similarity(out['emb'], {d.slip('embedding', 'out[' + repr('emb') + '].detach().roll(1, 0)', 'out[' + repr('cls') + '].detach()', 'out[' + repr('emb') + '].T')}).mean()",
        f"    losses = torch.stack([cls, reg, {d.slip('losses', 'emb', 'emb.unsqueeze(0)')}])",
        f"    loss = (losses * torch.tensor({d.slip('weights', '[1.0, 0.5, 0.1]', '[1.0, 0.5]')})).sum() / 2",
        "    loss.backward()",
        "    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        "    if step % 2 == 1:",
        "        optimizer.step()",
        "        optimizer.zero_grad()",
    ]
    return d.head() + "\n\n" + net + "\n\n" + "\n".join(code) + "\n"


def collated(d: Draw) -> str:
    """Samples of a dataset that must be of one size to be stacked; transforms; subsets."""
    size, number, batch = d.one(8, 10), d.one(10, 13), d.one(4, 5)
    crop = d.slip("crop", f"image[:, :{size}, :{size}]", "image", f"image[0, :{size}, :{size}]", f"image[:, :{size - 1}, :{size}]")
    dataset = [
        "class Images(Dataset):",
        "    def __init__(self, n, transform=None):",
        f"        self.images = [torch.rand(3, {size} + i % 3, {size} + i % 2) for i in range(n)]",
        "        self.labels = torch.arange(n) % 2",
        "        self.transform = transform",
        "",
        "    def __len__(self):",
        "        return len(self.images)",
        "",
        "    def __getitem__(self, index):",
        "        image = self.images[index]",
        "        if self.transform is not None:",
        "            image = self.transform(image)",
        f"        return {{'image': image, 'label': {d.slip('label', 'self.labels[index]', 'self.labels[:index + 1]', 'self.labels[index].view(1)')}}}",
        "",
        "",
        "def crop(image):",
        f"    return {crop}",
        "",
        "",
    ]
    net = module(
        d,
        "Net",
        [
            f"self.conv = nn.Conv2d({d.slip('conv', 3, 1, size)}, 4, 3)",
            f"self.fc = nn.Linear(4 * {size - 2} * {d.slip('fc', size - 2, size, size - 1)}, 2)",
        ],
        ["x = F.relu(self.conv(x))", f"return self.fc({d.flat('x', 4 * (size - 2) ** 2)})"],
    )
    code = [
        f"loader = DataLoader(Subset(Images({number}, transform=crop), range({number - 1})), batch_size={batch}, shuffle={d.one(True, False)})",
        "model = Net()",
        "optimizer = torch.optim.Adam(model.parameters())",
        "for epoch in range(2):",
        f"    for {d.one('i, ', '')}sample in {{}}:".format("loader"),
        "        out = model(sample['image'])",
        "        loss = F.cross_entropy(out, sample['label'])",
        "        optimizer.zero_grad()",
        "        loss.backward()",
        "        optimizer.step()",
    ]
    code = [line.replace("for i, sample in loader", "for i, sample in enumerate(loader)") for line in code]
    head = d.head().replace("\ntorch.manual", "from torch.utils.data import DataLoader, Dataset, Subset\n\ntorch.manual", 1)
    return head + "\n\n" + "\n".join(dataset) + net + "\n\n" + "\n".join(code) + "\n"


def fixed_batch(d: Draw) -> str:
    """A batch size that is written into the code: in a view, a state, labels, a buffer of noise."""
    size, features, hidden = d.one(4, 5), d.one(5, 6), d.one(8, 10)
    rest = d.slip("last batch", 0, 1, 2)
    where = d.one("state", "view", "noise", "labels")
    forward = {
        "state": [f"h = torch.zeros(1, {size}, {hidden})", "out, _ = self.gru(x, h)", "return self.fc(out[:, -1])"],
        "view": ["out, _ = self.gru(x)", f"return self.fc(out[:, -1].contiguous().view({size}, {hidden}))"],
        "noise": ["out, _ = self.gru(x)", f"return self.fc(out[:, -1] + torch.randn({size}, {hidden}) * 0.1)"],
        "labels": ["out, _ = self.gru(x)", "return self.fc(out[:, -1])"],
    }[where]
    net = module(
        d,
        "Net",
        [f"self.gru = nn.GRU({d.width('gru', features)}, {hidden}, batch_first=True)", f"self.fc = nn.Linear({hidden}, 2)"],
        forward,
    )
    labels = f"torch.zeros({size}, dtype=torch.long)" if where == "labels" else "y"
    number = size * 3 + rest
    code = [
        f"dataset = TensorDataset(torch.randn({number}, 7, {features}), torch.randint(0, 2, ({d.slip('labels', number, number + 2)},)))",
        f"loader = DataLoader(dataset, batch_size={size}, shuffle=True{d.one('', ', drop_last=True') if rest else ''})",
        "model = Net()",
        "optimizer = torch.optim.Adam(model.parameters())",
        f"for epoch in range({d.number(1, 3)}):",
        f"    for {d.one('step, (x, y) in enumerate(loader)', 'x, y in loader')}:",
        f"        loss = F.cross_entropy(model(x), {labels})",
        "        optimizer.zero_grad()",
        "        loss.backward()",
        "        optimizer.step()",
        *([f"        if step == {d.one(1, 2)}:", "            break"] if d.chance(0.25) else []),
        "print('trained')",
    ]
    if not any("enumerate" in line for line in code):
        code = [line for line in code if "if step ==" not in line and line.strip() != "break"]
    head = d.head().replace("\ntorch.manual", "from torch.utils.data import DataLoader, TensorDataset\n\ntorch.manual", 1)
    return head + "\n\n" + net + "\n\n" + "\n".join(code) + "\n"


def siamese(d: Draw) -> str:
    """One net for two or three images, a memory of earlier features, a nearest neighbour."""
    size, width, out, batch = d.one(8, 12), d.one(4, 6), d.one(4, 8), d.number(3, 5)
    features = width * (size // 2) ** 2
    net = module(
        d,
        "Embedder",
        [
            f"self.conv = nn.Conv2d(1, {width}, 3, padding=1)",
            f"self.fc = nn.Linear({d.slip('fc', features, width * size * size, features + width)}, {out})",
        ],
        [
            "x = F.max_pool2d(F.relu(self.conv(x)), 2)",
            f"return F.normalize(self.fc({d.flat('x', features)}), dim={d.slip('normalize', 1, 2)})",
        ],
    )
    code = [
        "model = Embedder()",
        "optimizer = torch.optim.Adam(model.parameters())",
        f"queue = torch.randn({d.slip('queue', f'{out}, 16', f'16, {out}', f'{out + 1}, 16')})",
        f"for step in range({d.number(1, 3)}):",
        f"    a, p = torch.randn({batch}, 1, {size}, {size}), torch.randn({d.slip('positives', batch, batch - 1)}, 1, {size}, {size})",
        "    q, k = model(a), model(p).detach()",
        f"    pos = {d.slip('positive', 'torch.einsum(' + repr('nc,nc->n') + ', q, k).unsqueeze(-1)', '(q * k).sum(1)', 'q @ k')}",
        "    neg = q @ queue",
        "    logits = torch.cat([pos, neg], dim=1) / 0.1",
        f"    loss = F.cross_entropy(logits, torch.zeros({d.slip('labels', 'len(logits)', 'logits.size(1)')}, dtype=torch.long))",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
        f"    queue = torch.cat([queue[:, {batch}:], {d.slip('enqueue', 'k.t()', 'k')}], dim=1)",
        "with torch.no_grad():",
        f"    nearest = torch.cdist(model(torch.randn(2, 1, {size}, {size})), {d.slip('bank', 'queue.t()', 'queue')}).argmin(1)",
        "print(nearest)",
    ]
    return d.head() + "\n\n" + net + "\n\n" + "\n".join(code) + "\n"


FAMILY = (numpy_data, new_head, tasks, collated, fixed_batch, siamese)
