"""Tables, graphs and decisions: MLPs with argparse or configs, embeddings, own datasets, DQN, matrix factorisation, graphs by hand."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, module
from bench.generated.scripts import Feed, Goal, Task, finish, guarded


def options(d: Draw) -> str:
    """An MLP whose sizes come from argparse; a loop builds the layers."""
    features, hidden, classes = d.one(6, 10, 13), [d.one(16, 24), d.one(8, 12)], d.one(2, 4)
    code = [
        "parser = argparse.ArgumentParser()",
        f"parser.add_argument('--features', type=int, default={d.width('features', features)})",
        f"parser.add_argument('--hidden', type=int, nargs='+', default={hidden})",
        f"parser.add_argument('--classes', type=int, default={d.slip('classes', classes, 1)})",
        "parser.add_argument('--batch-size', type=int, default=8)",
        "args = parser.parse_args()",
        "",
        "",
    ]
    init = [
        "layers = []",
        "width = args.features",
        "for size in args.hidden:",
        f"    layers += [nn.Linear(width, size), {d.one('nn.ReLU()', 'nn.Tanh()')}, nn.{d.slip('norm', 'BatchNorm1d(size)', 'BatchNorm1d(width)', 'BatchNorm2d(size)')}]",
        d.slip("loop", "    width = size", "    pass"),
        "self.net = nn.Sequential(*layers)",
        f"self.out = nn.Linear({d.slip('out', 'width', 'args.features', 'args.hidden[0]')}, args.classes)",
    ]
    net = module(d, "MLP", init, ["return self.out(self.net(x))"])
    text = finish(d, Task("\n".join(code) + "\n" + net, "MLP()", (Feed("x", (features,)),), Goal("classes", (), classes), norm1d=True))
    return "import argparse\n" + text


def configs(d: Draw) -> str:
    """The sizes stand in a dict or a dataclass."""
    features, hidden, out = d.one(5, 9), d.one(16, 20), d.one(1, 3)
    pairs = {"input_dim": d.width("input_dim", features), "hidden_dim": hidden, "output_dim": out, "num_layers": d.number(1, 3)}
    if d.chance(0.5):
        config = "config = {\n" + "".join(f"    '{name}': {value},\n" for name, value in pairs.items()) + "}\n\n\n"
        get = "cfg['{}']"
    else:
        config = (
            "from dataclasses import dataclass\n\n\n@dataclass\nclass Config:\n"
            + "".join(f"    {name}: int = {value}\n" for name, value in pairs.items())
            + "\n\nconfig = Config()\n\n\n"
        )
        get = "cfg.{}"
    hidden_layer = d.slip(
        "hidden layer",
        f"nn.Linear({get.format('hidden_dim')}, {get.format('hidden_dim')})",
        f"nn.Linear({get.format('input_dim')}, {get.format('hidden_dim')})",
        f"nn.Linear({get.format('hidden_dim')}, {get.format('hidden_dim')} * 2)",
    )
    init = [
        f"self.inp = nn.Linear({get.format('input_dim')}, {get.format('hidden_dim')})",
        f"self.hidden = nn.ModuleList([{hidden_layer} for _ in range({get.format('num_layers')})])",
        f"self.norms = nn.ModuleList([nn.LayerNorm({d.slip('norm', get.format('hidden_dim'), get.format('input_dim'))}) for _ in range({get.format('num_layers')})])",
        f"self.out = nn.Linear({get.format('hidden_dim')}, {get.format('output_dim')})",
    ]
    forward = [
        "x = torch.relu(self.inp(x))",
        "for layer, norm in zip(self.hidden, self.norms):",
        "    x = x + torch.relu(norm(layer(x)))",
        "return self.out(x)",
    ]
    return finish(
        d,
        Task(
            config + module(d, "Regressor", init, forward, args="cfg"),
            "Regressor(config)",
            (Feed("x", (features,)),),
            Goal("values", (out,)),
        ),
    )


def categories(d: Draw) -> str:
    """Embedded categories beside numbers."""
    sizes, numbers = [d.number(4, 9) for _ in range(d.number(2, 3))], d.one(3, 5)
    dims = [min(50, (size + 1) // 2) for size in sizes]
    init = [
        f"self.embs = nn.ModuleList([nn.Embedding(n, m) for n, m in {list(zip(sizes, dims, strict=True))}])",
        f"self.bn = nn.BatchNorm1d({d.width('numbers', numbers)})",
        f"self.fc1 = nn.Linear({d.slip('joined', f'{sum(dims)} + {numbers}', f'{sum(dims)}', f'{sum(sizes)} + {numbers}')}, 16)",
        "self.fc2 = nn.Linear(16, 1)",
    ]
    pick = d.slip("column", "cats[:, i]", "cats[i]", "cats")
    forward = [
        f"e = [emb({pick}) for i, emb in enumerate(self.embs)]",
        f"x = torch.cat(e + [self.bn(nums)], {d.slip('cat dim', '1', '0')})",
        f"return {d.one('torch.sigmoid(self.fc2(F.relu(self.fc1(x))))', 'self.fc2(F.relu(self.fc1(x))).sigmoid()')}",
    ]
    feeds = (Feed("cats", (len(sizes),), min(sizes)), Feed("nums", (numbers,)))
    return finish(
        d, Task(module(d, "TabularModel", init, forward, takes="cats, nums"), "TabularModel()", feeds, Goal("chance", (1,)), norm1d=True)
    )


def own_dataset(d: Draw) -> str:
    """A `Dataset` of one's own, samples of different lengths, a `collate_fn`, a split."""
    number, features, size = d.one(14, 18, 21), d.one(3, 4), d.one(4, 5)
    ragged = d.chance(0.5)
    length = "torch.randint(3, 8, (1,)).item()" if ragged else "6"
    collate = (
        [
            "def collate(batch):",
            "    xs, ys = zip(*batch)",
            f"    return pad_sequence(xs, batch_first={d.slip('padding', True, False)}), torch.{d.slip('labels', 'tensor(ys)', 'tensor(ys).unsqueeze(1)', 'tensor(ys).float()')}",
            "",
            "",
            "",
        ]
        if ragged
        else []
    )
    dataset = [
        "class Sequences(Dataset):",
        "    def __init__(self, n):",
        f"        self.xs = [torch.randn({length}, {features}) for _ in range(n)]",
        "        self.ys = [int(torch.randint(0, 3, (1,))) for _ in range(n)]",
        "",
        "    def __len__(self):",
        f"        return {d.slip('length', 'len(self.xs)', 'len(self.xs) + 1')}",
        "",
        "    def __getitem__(self, i):",
        f"        return {d.slip('item', 'self.xs[i], self.ys[i]', 'self.xs[i].T, self.ys[i]', 'self.xs[i][0], self.ys[i]')}",
        "",
        "",
    ]
    net = module(
        d,
        "GRUNet",
        [f"self.gru = nn.GRU({d.width('gru', features)}, 8, batch_first=True)", "self.fc = nn.Linear(8, 3)"],
        ["_, h = self.gru(x)", f"return self.fc({d.slip('state', 'h[-1]', 'h', 'h.squeeze()', 'h[:, -1]')})"],
    )
    given = d.slip("collate_fn", ", collate_fn=collate", "") if ragged else ""
    train = int(number * 0.7)
    code = [
        f"data = Sequences({number})",
        f"train_set, val_set = random_split(data, [{train}, {d.slip('split', number - train, number - train - 1)}])",
        f"train_loader = DataLoader(train_set, batch_size={size}, shuffle=True{given}{d.one('', ', drop_last=True')})",
        f"val_loader = DataLoader(val_set, batch_size={size}{given})",
        "model = GRUNet()",
        "optimizer = torch.optim.Adam(model.parameters())",
        "for epoch in range(2):",
        "    model.train()",
        "    for x, y in train_loader:",
        "        optimizer.zero_grad()",
        "        loss = F.cross_entropy(model(x), y)",
        "        loss.backward()",
        "        optimizer.step()",
        "    model.eval()",
        "    with torch.no_grad():",
        f"        hits = sum((model(x).argmax({d.slip('argmax', 1, 2)}) == y).sum().item() for x, y in val_loader)",
        "    print(epoch, hits / len(val_set))",
    ]
    head = d.head().replace(
        "\ntorch.manual",
        "from torch.nn.utils.rnn import pad_sequence\nfrom torch.utils.data import DataLoader, Dataset, random_split\n\ntorch.manual",
        1,
    )
    return head + "\n\n" + "\n".join(collate) + "\n".join(dataset) + "\n" + net + "\n\n" + "\n".join(code) + "\n"


def decisions(d: Draw) -> str:
    """A DQN step: gathered values of actions and their targets."""
    state, actions, batch, hidden = d.one(4, 6), d.one(2, 3), d.one(4, 8), d.one(12, 16)
    net = module(
        d,
        "QNetwork",
        [f"self.fc1 = nn.Linear({d.width('state', state)}, {hidden})", f"self.fc2 = nn.Linear({hidden}, {actions})"],
        ["return self.fc2(F.relu(self.fc1(s)))"],
        takes="s",
    )
    act = d.slip("action", "a.unsqueeze(1)", "a", "a.unsqueeze(0)", "a.unsqueeze(1).float()")
    chosen = d.slip("squeeze", ".squeeze(1)", "")
    code = [
        "policy, frozen = QNetwork(), QNetwork()",
        "frozen.load_state_dict(policy.state_dict())",
        "optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)",
        "memory = []",
        f"for _ in range({batch * 2}):",
        f"    memory.append((torch.randn({state}), torch.randint(0, {d.slip('actions', actions, actions + 8)}, ()), torch.randn(()), torch.randn({d.slip('next state', state, state + 1)}), torch.rand(()).round()))",
        f"batch = random.sample(memory, {batch})",
        f"s, a, r, s2, done = [torch.{d.slip('stack', 'stack', 'cat')}(part) for part in zip(*batch)]",
        f"q = policy(s).gather(1, {act}){chosen}",
        "with torch.no_grad():",
        f"    best = frozen(s2).max({d.slip('max dim', 1, 0)})[0]",
        "    target = r + 0.99 * best * (1 - done)",
        f"loss = {d.one('F.smooth_l1_loss', 'F.mse_loss')}(q, target)",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
        "with torch.no_grad():",
        f"    action = policy({d.slip('one state', f'torch.randn({state}).unsqueeze(0)', f'torch.randn({state})', f'torch.randn({state}).unsqueeze(1)')}).argmax({d.slip('argmax', 1, 0)}).item()",
        "print(action)",
    ]
    return "import random\n\n" + d.head() + "random.seed(0)\n\n\n" + net + "\n\n" + "\n".join(code) + "\n"


def actors(d: Draw) -> str:
    """An actor and a critic with distributions."""
    state, actions, steps = d.one(4, 5), d.one(2, 3), d.number(4, 7)
    net = module(
        d,
        "ActorCritic",
        [
            f"self.body = nn.Linear({d.width('state', state)}, 16)",
            f"self.actor = nn.Linear({d.width('actor', 16)}, {actions})",
            "self.critic = nn.Linear(16, 1)",
        ],
        ["h = torch.tanh(self.body(s))", f"return F.softmax(self.actor(h), dim={d.slip('softmax', -1, 0, 2)}), self.critic(h)"],
        takes="s",
    )
    values = d.slip(
        "values", d.one("torch.stack(values).squeeze(-1)", "torch.cat(values)"), "torch.stack(values)", "torch.stack(values).squeeze(0)"
    )
    code = [
        "model = ActorCritic()",
        "optimizer = torch.optim.Adam(model.parameters())",
        "log_probs, values, rewards = [], [], []",
        f"s = torch.randn({d.slip('start', state, state + 1)})",
        f"for t in range({steps}):",
        "    probs, value = model(s)",
        "    dist = torch.distributions.Categorical(probs)",
        "    action = dist.sample()",
        "    log_probs.append(dist.log_prob(action))",
        "    values.append(value)",
        "    rewards.append(1.0)",
        f"    s = torch.randn({d.slip('later state', str(state), f'1, {state}', f'{state + 2}')})",
        "returns, total = [], 0.0",
        "for r in reversed(rewards):",
        "    total = r + 0.9 * total",
        "    returns.insert(0, total)",
        f"returns = torch.tensor(returns){d.slip('returns', '', '[:-1]')}",
        f"values = {values}",
        "advantage = returns - values.detach()",
        "loss = -(torch.stack(log_probs) * advantage).mean() + F.mse_loss(values, returns)",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
    ]
    return d.head() + "\n\n" + net + "\n\n" + "\n".join(code) + "\n"


def factors(d: Draw) -> str:
    """Matrix factorisation: users, items, biases."""
    users, items, width, batch = d.one(12, 20), d.one(15, 25), d.one(4, 6), d.number(4, 7)
    init = [
        f"self.users = nn.Embedding({users}, {width})",
        f"self.items = nn.Embedding({items}, {d.width('items', width)})",
        f"self.user_bias = nn.Embedding({users}, 1)",
        f"self.item_bias = nn.Embedding({items}, 1)",
    ]
    dot = d.slip(
        "dot",
        "(self.users(u) * self.items(i)).sum(1)",
        "(self.users(u) * self.items(i)).sum(2)",
        "self.users(u) @ self.items(i)",
        "(self.users(u) @ self.items(i).t()).sum(1)",
    )
    bias = d.slip(
        "bias",
        "self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1)",
        "self.user_bias(u) + self.item_bias(i)",
        "self.user_bias(u).squeeze(2)",
    )
    code = [
        f"data = torch.stack([torch.randint(0, {d.slip('user ids', users, users + 60)}, ({batch * 3},)), torch.randint(0, {items}, ({batch * 3},))], dim={d.slip('pairs', 1, 0)})",
        f"ratings = torch.rand({batch * 3}) * 5",
        "model = MF()",
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)",
        f"for start in range(0, len(ratings), {batch}):",
        f"    rows = data[start:start + {batch}]",
        "    optimizer.zero_grad()",
        f"    loss = F.mse_loss(model(rows[:, 0], rows[:, 1]), ratings[start:start + {d.slip('slice', batch, batch - 1)}])",
        "    loss.backward()",
        "    optimizer.step()",
    ]
    return (
        d.head() + "\n\n" + module(d, "MF", init, [f"dot = {dot}", f"return dot + {bias}"], takes="u, i") + "\n\n" + "\n".join(code) + "\n"
    )


def graphs(d: Draw) -> str:
    """Graph convolutions with a dense adjacency, or messages along edges."""
    nodes, features, hidden, classes = d.one(7, 10), d.one(4, 6), d.one(8, 10), d.one(2, 3)
    dense = d.chance(0.5)
    if dense:
        layer = module(
            d,
            "GraphConv",
            ["self.weight = nn.Parameter(torch.randn(cin, cout) * 0.1)"],
            [
                f"return {d.slip('product', 'adj @ (x @ self.weight)', '(x @ self.weight) @ adj', 'adj @ (self.weight @ x)', 'torch.bmm(adj, x @ self.weight)')}"
            ],
            args="cin, cout",
            takes="x, adj",
        )
        graph = [
            f"adj = (torch.rand({d.slip('nodes', f'{nodes}, {nodes}', f'{nodes + 1}, {nodes + 1}')}) > 0.6).float()",
            f"adj = adj / {d.slip('degree', 'adj.sum(1, keepdim=True).clamp(min=1)', 'adj.sum(1).clamp(min=1)', 'adj.sum(1).view(1, 1, -1).clamp(min=1)')}",
        ]
    else:
        layer = module(
            d,
            "GraphConv",
            ["self.lin = nn.Linear(cin, cout)"],
            [
                "src, dst = adj",
                "h = self.lin(x)",
                "out = torch.zeros_like(h)",
                f"out.{d.slip('scatter', 'index_add_(0, dst, h[src])', 'index_add_(1, dst, h[src])', 'index_add_(0, dst, h)', 'scatter_add_(0, dst, h[src])', 'scatter_add_(0, dst.unsqueeze(1).expand(-1, h.size(1)), h[src])')}",
                "return out",
            ],
            args="cin, cout",
            takes="x, adj",
        )
        graph = [f"adj = torch.randint(0, {d.slip('node ids', nodes, nodes + 30)}, ({d.slip('edges', 2, 3)}, {nodes * 2}))"]
    init = [f"self.g1 = GraphConv({d.width('first', features)}, {hidden})", f"self.g2 = GraphConv({d.width('second', hidden)}, {classes})"]
    net = module(d, "GCN", init, ["return self.g2(F.relu(self.g1(x, adj)), adj)"], takes="x, adj")
    mask = d.slip("mask", f"mask = torch.arange({nodes}) < {nodes // 2}", f"mask = torch.arange({nodes + 1}) < {nodes // 2}")
    code = [
        *graph,
        f"x = torch.randn({nodes}, {features})",
        f"y = torch.randint(0, {classes}, ({nodes},))",
        mask,
        "model = GCN()",
        "out = model(x, adj)",
        f"loss = F.cross_entropy(out[mask], {d.slip('labels', 'y[mask]', 'y')})",
        "loss.backward()",
    ]
    return d.head() + "\n\n" + layer + "\n\n" + net + "\n\n" + "\n".join(guarded(d, code, 0.1)) + "\n"


def scratch(d: Draw) -> str:
    """Weights and steps by hand."""
    number, features, hidden = d.one(20, 24), d.one(3, 5), d.one(6, 8)
    code = [
        f"X = torch.randn({number}, {features})",
        f"y = X.sum({d.one('1, keepdim=True', 'dim=1, keepdim=True')}) {d.one('* 2', '+ 1')}",
        f"mean, std = X.mean({d.slip('statistics', 'dim=0', 'dim=1')}), X.std(dim=0)",
        "X = (X - mean) / std",
        f"W1 = torch.randn({d.slip('W1', f'{features}, {hidden}', f'{hidden}, {features}', f'{features + 1}, {hidden}')}, requires_grad=True)",
        f"b1 = torch.zeros({d.slip('b1', hidden, hidden + 1, number + 1)}, requires_grad=True)",
        f"W2 = torch.randn({d.slip('W2', f'{hidden}, 1', f'1, {hidden}', f'{hidden}')}, requires_grad=True)",
        "b2 = torch.zeros(1, requires_grad=True)",
        "lr = 0.01",
        f"for epoch in range({d.number(2, 4)}):",
        f"    h = {d.one('torch.relu(X @ W1 + b1)', 'torch.tanh(X.mm(W1) + b1)')}",
        f"    pred = {d.one('h @ W2 + b2', 'torch.matmul(h, W2) + b2')}",
        f"    loss = {d.slip('loss', '((pred - y) ** 2).mean()', '((pred - y.squeeze()) ** 2).mean()', '((pred - y) ** 2).mean(2)', '(pred - y) ** 2')}",
        "    loss.backward()",
        "    with torch.no_grad():",
        "        for p in (W1, b1, W2, b2):",
        f"            p -= lr * {d.slip('gradient', 'p.grad', 'p.grad.unsqueeze(0).expand(2, *p.shape)')}",
        "            p.grad.zero_()",
        "print(loss.item())",
    ]
    return d.head() + "\n\n" + "\n".join(code) + "\n"


def fallback(d: Draw) -> str:
    """A program that knows what to do when a call fails."""
    features, batch = d.one(12, 18), d.number(2, 4)
    handler = d.one(
        ["except RuntimeError:  # another way", f"    x = x.reshape({batch}, -1)", "    out = model(x)"],
        ["except RuntimeError:  # another way", "    out = model(x.flatten(1))"],
    )
    code = [
        f"model = nn.Linear({features}, 3)",
        f"x = torch.randn({batch}, {features // 3}, 3)",
        "try:",
        "    out = model(x)",
        *handler,
        f"loss = F.cross_entropy(out, torch.randint(0, 3, ({d.slip('labels', batch, batch + 1)},)))",
        "loss.backward()",
        "def fits(batch_size):",
        "    try:",
        f"        model(torch.randn(batch_size, {d.one(features, features + 1)}))",
        "        return True",
        "    except RuntimeError:  # another way",
        "        return False",
        "",
        "",
        "print([fits(n) for n in (1, 2)])",
    ]
    return d.head() + "\n\n" + "\n".join(code) + "\n"


FAMILY = (options, configs, categories, own_dataset, own_dataset, decisions, actors, factors, graphs, graphs, scratch, scratch, fallback)
