"""Loops in which sizes change or something only happens sometimes: schedules, growing nets, several scales, checks every few steps."""
# ruff: noqa: E501 (a line of a program stays one line)

from __future__ import annotations

from bench.generated.draw import Draw, block, module

_SWALLOW = (
    ["try:", "{}", "except RuntimeError as e:", "    print('step failed:', e)"],
    ["try:", "{}", "except Exception:", "    traceback.print_exc()"],
    ["with contextlib.suppress(RuntimeError):", "{}"],
    ["try:", "{}", "except RuntimeError as e:", "    logging.warning('skipped: %s', e)", "    continue"],
    ["try:", "{}", "except Exception as e:", "    print(type(e).__name__, e)", "    break"],
)


def _hidden(d: Draw, lines: list[str], share: float = 0.25) -> tuple[list[str], str]:
    """The lines of a loop's body, perhaps where a failure is swallowed, and what must be imported for it."""
    if not d.chance(share):
        return lines, ""
    form = d.one(*_SWALLOW)
    words = {"traceback.": "import traceback\n", "contextlib.": "import contextlib\n", "logging.": "import logging\n"}
    needed = "".join(text for word, text in words.items() if any(word in line for line in form))
    return [block(lines) if line == "{}" else line for line in form], needed


def _program(d: Draw, code: str, before: list[str], loop: str, body: list[str], after: list[str], share: float = 0.25) -> str:
    body, needed = _hidden(d, body, share)
    lines = [*before, loop, block(body), *after]
    if d.chance(0.25):
        lines = ["def train():", block(lines), "", "", "train()"]
    return needed + d.head() + "\n\n" + code + "\n\n" + "\n".join(lines) + "\n"


def curriculum(d: Draw) -> str:
    """The sequences grow from epoch to epoch."""
    features, hidden, start, longest, batch = d.one(3, 5), d.one(8, 10), d.one(4, 6), d.one(12, 16), d.number(2, 4)
    step = d.one(2, 3)
    epochs = (longest - start) // step + 1
    size = d.slip("table", longest, longest - step, start)
    code = module(
        d,
        "Net",
        [
            f"self.pos = nn.Parameter(torch.zeros({size}, {features}))",
            f"self.gru = nn.GRU({features}, {hidden}, batch_first=True)",
            f"self.fc = nn.Linear({d.width('fc', hidden)}, 1)",
        ],
        [f"x = x + self.pos[:x.size({d.slip('dim', 1, 0)})]", "out, _ = self.gru(x)", "return self.fc(out[:, -1])"],
    )
    body = [
        f"length = {start} + {step} * epoch",
        f"x = torch.randn({batch}, length, {features})",
        "y = x.sum(dim=(1, 2)).unsqueeze(1)",
        "loss = F.mse_loss(model(x), y)",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
    ]
    return _program(
        d,
        code,
        ["model = Net()", "optimizer = torch.optim.Adam(model.parameters())"],
        f"for epoch in range({epochs}):",
        body,
        ["print('trained')"],
    )


def scales(d: Draw) -> str:
    """Images of several sizes in turn, or by chance."""
    sizes = d.one([16, 20, 24], [16, 32], [24, 16, 28])
    pooled = d.slip("pool", f"F.adaptive_avg_pool2d(x, {d.one(1, 2)})", "F.max_pool2d(x, 4)")
    side = 1 if "(x, 1)" in pooled else 2
    features = 8 * (side if "adaptive" in pooled else sizes[0] // 4 // 2) ** 2
    code = module(
        d,
        "Net",
        ["self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)", f"self.fc = nn.Linear({features}, 4)"],
        ["x = F.relu(self.conv(x))", f"x = {pooled}", f"return self.fc({d.flat('x', features)})"],
    )
    turn = d.one("sizes[step % len(sizes)]", "sizes[step // 2 % len(sizes)]", "random.choice(sizes)")
    body = [
        f"size = {turn}",
        f"x = torch.randn({d.number(2, 4)}, 3, size, size)",
        f"loss = F.cross_entropy(model(x), torch.randint(0, 4, ({d.slip('labels', 'len(x)', 'size')},)))",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
    ]
    text = _program(
        d,
        code,
        [f"sizes = {sizes}", "model = Net()", "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)"],
        f"for step in range({d.one(6, 9)}):",
        body,
        [],
    )
    return ("import random\n\nrandom.seed(3)\n" + text) if "random." in turn else text


def growing(d: Draw) -> str:
    """A net that gets another layer while it learns."""
    width, wide, when = d.one(6, 8), d.one(12, 16), d.one(1, 2, 4)
    new = d.slip("new layer", f"nn.Linear({width}, {width})", f"nn.Linear({wide}, {width})", f"nn.Linear({width}, {wide})")
    code = module(
        d,
        "Net",
        [f"self.layers = nn.ModuleList([nn.Linear({width}, {width})])", f"self.out = nn.Linear({d.width('out', width)}, 3)"],
        ["for layer in self.layers:", "    x = torch.relu(layer(x))", "return self.out(x)"],
    )
    grow = ["", "    def grow(self):", f"        self.layers.append({new})", ""]
    body = [
        f"if epoch == {when}:",
        "    model.grow()",
        "    optimizer = torch.optim.Adam(model.parameters())",
        f"x = torch.randn({d.number(3, 5)}, {width})",
        "loss = F.cross_entropy(model(x), torch.randint(0, 3, (len(x),)))",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
    ]
    return _program(
        d,
        code + "\n".join(grow),
        ["model = Net()", "optimizer = torch.optim.Adam(model.parameters())"],
        f"for epoch in range({when + d.one(1, 3)}):",
        body,
        [],
        0.2,
    )


def validation(d: Draw) -> str:
    """Other data is looked at every few epochs, with loaders of its own."""
    size, every, features = d.one(10, 12), d.one(2, 3, 5), 4
    code = module(
        d,
        "Net",
        ["self.conv = nn.Conv2d(1, 4, 3, padding=1)", f"self.fc = nn.Linear(4 * {size} * {size}, 3)"],
        ["x = F.relu(self.conv(x))", f"return self.fc({d.flat('x', features * size * size)})"],
    )
    other = d.slip("validation images", f"1, {size}, {size}", f"1, {size + 2}, {size + 2}", f"3, {size}, {size}", f"{size}, {size}")
    before = [
        f"train = DataLoader(TensorDataset(torch.randn(9, 1, {size}, {size}), torch.randint(0, 3, (9,))), batch_size=4, shuffle=True)",
        f"valid = DataLoader(TensorDataset(torch.randn(7, {other}), torch.randint(0, 3, (7,))), batch_size={d.one(3, 7)})",
        "model = Net()",
        "optimizer = torch.optim.Adam(model.parameters())",
        f"best, confusion = 0.0, torch.zeros({d.slip('confusion', '3, 3', '2, 2')})",
    ]
    body = [
        "model.train()",
        "for x, y in train:",
        "    loss = F.cross_entropy(model(x), y)",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
        f"if (epoch + 1) % {every} == 0:",
        "    model.eval()",
        "    outputs = []",
        "    with torch.no_grad():",
        "        for x, y in valid:",
        "            out = model(x)",
        "            outputs.append(out)",
        "            for t, p in zip(y, out.argmax(1)):",
        "                confusion[t, p] += 1",
        f"    everything = torch.{d.slip('join', 'cat', 'stack')}(outputs)",
        f"    accuracy = (everything.argmax(1) == {d.slip('labels', 'valid.dataset.tensors[1]', 'y')}).float().mean().item()",
        "    best = max(best, accuracy)",
    ]
    text = _program(d, code, before, f"for epoch in range({every * d.one(1, 2)}):", body, ["print(best)"], 0.1)
    return "from torch.utils.data import DataLoader, TensorDataset\n" + text


def iterated(d: Draw) -> str:
    """Loaders by `iter` and `next`, cycled, zipped, or left early."""
    batch, features, number = d.one(4, 5), d.one(6, 8), d.one(13, 17)
    style = d.one("next", "cycle", "zip", "break", "islice")
    code = module(
        d,
        "Net",
        [
            f"self.fc1 = nn.Linear({d.width('fc1', features)}, 12)",
            f"self.bn = nn.BatchNorm1d({d.width('norm', 12)})",
            "self.fc2 = nn.Linear(12, 2)",
        ],
        ["return self.fc2(torch.relu(self.bn(self.fc1(x))))"],
    )
    drop = ", drop_last=True" if style == "zip" else d.one("", ", drop_last=True")
    before = [
        f"data = TensorDataset(torch.randn({number + 1}, {features}), torch.randint(0, 2, ({number + 1},)))",
        f"loader = DataLoader(data, batch_size={batch}, shuffle=True{drop})",
        f"unlabeled = DataLoader(TensorDataset(torch.randn({2 * number}, {features})), batch_size={d.slip('second batch', batch, batch + 1)}, drop_last=True)",
        "model = Net()",
        "optimizer = torch.optim.Adam(model.parameters())",
    ]
    y = d.slip("kept batch", "y", f"torch.zeros({batch}, dtype=torch.long)")
    learn = [f"loss = F.cross_entropy(model(x), {y})", "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"]
    if style == "next":
        before += ["it = iter(loader)"]
        loop, body = (
            f"for step in range({d.one(3, 7)}):",
            ["try:  # a new round", "    x, y = next(it)", "except StopIteration:", "    it = iter(loader)", "    x, y = next(it)", *learn],
        )
    elif style == "cycle":
        loop, body = f"for step, (x, y) in zip(range({d.one(2, 6)}), itertools.cycle(loader)):", learn
    elif style == "zip":
        loop, body = (
            "for (x, y), (u,) in zip(loader, unlabeled):",
            [
                "consistency = (model(x).softmax(1) - model(u).softmax(1)).pow(2).mean()",
                f"loss = F.cross_entropy(model(x), {y}) + 0.1 * consistency",
                *learn[1:],
            ],
        )
    elif style == "break":
        loop, body = "for i, (x, y) in enumerate(loader):", [f"if i >= {d.one(1, 2, 10)}:", "    break", *learn]
    else:
        loop, body = f"for x, y in itertools.islice(loader, {d.one(1, 2, 3)}):", learn
    head = "import itertools\n" if "itertools" in loop else ""
    share = 0.0 if style == "next" else 0.2
    return (
        head
        + "from torch.utils.data import DataLoader, TensorDataset\n"
        + _program(d, code, before, loop, body, ["print(loss.item())"], share)
    )


def rollout(d: Draw) -> str:
    """A `while` loop that ends by a condition; what it collects is stacked behind it."""
    state, actions, steps = d.one(3, 4), 2, d.number(5, 9)
    code = module(
        d, "Policy", [f"self.fc = nn.Linear({d.width('fc', state)}, {actions})"], ["return torch.softmax(self.fc(s), dim=-1)"], takes="s"
    )
    before = ["policy = Policy()", "optimizer = torch.optim.Adam(policy.parameters())", "episode = 0"]
    body = [
        "episode += 1",
        f"s, t, log_probs, states = torch.zeros({state}), 0, [], []",
        "while True:",
        "    probs = policy(s)",
        "    a = torch.multinomial(probs, 1).item()",
        "    log_probs.append(torch.log(probs[a]))",
        "    states.append(s)",
        f"    s = torch.randn({d.slip('new state', state, state + 1)})",
        "    t += 1",
        f"    if t >= {steps}:",
        "        break",
        f"returns = torch.tensor([0.9 ** i for i in range({d.slip('returns', steps, steps + 1)})]).flip(0)",
        f"values = torch.stack(states).{d.slip('values', 'sum(1)', 'sum(2)', 'sum(0)')}",
        "loss = -(torch.stack(log_probs) * (returns - values)).sum()",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
    ]
    return _program(d, code, before, f"while episode < {d.one(2, 4)}:", body, [], 0.1)


def sweep(d: Draw) -> str:
    """Several configurations in turn; one of them may not work."""
    widths = d.one([8, 16, 32], [4, 12, 20])
    heads = d.slip("heads", [2, 4, 4], [3, 4, 4], [2, 4, 5], [2, 3, 4])
    classes, batch = d.one(2, 3), d.number(2, 4)
    code = module(
        d,
        "Net",
        [
            "self.inp = nn.Linear(6, width)",
            f"self.att = nn.MultiheadAttention(width, heads, batch_first={d.slip('batch_first', True, False)})",
            f"self.out = nn.Linear({d.slip('out', 'width', '16', 'width * 2')}, {classes})",
        ],
        ["x = self.inp(x)", "x = x + self.att(x, x, x)[0]", "return self.out(x.mean(1))"],
        args="width, heads",
    )
    body = [
        "model = Net(width, heads)",
        f"x = torch.randn({batch}, 5, 6)",
        f"loss = F.cross_entropy(model(x), torch.randint(0, {classes}, ({d.slip('labels', batch, batch + 1)},)))",
        "loss.backward()",
        "results[width] = loss.item()",
    ]
    return _program(
        d, code, ["results = {}"], f"for width, heads in zip({widths}, {heads}):", body, ["print(min(results.values(), default=None))"], 0.4
    )


FAMILY = (curriculum, scales, growing, validation, iterated, rollout, sweep)
