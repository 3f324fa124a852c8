"""Ways of writing: factories, partials, hooks, named outputs, inheritance, layers by name, buffers, compiled helpers, mixins."""
# ruff: noqa: E501 (a line of a program stays one line)

from __future__ import annotations

from bench.generated.draw import Draw, module
from bench.generated.scripts import Feed, Goal, Task, finish


def named_layers(d: Draw) -> str:
    """Layers are set and found by their names; an OrderedDict."""
    features, count = d.one(6, 9), d.number(2, 3)
    widths = [d.one(8, 10, 12) for _ in range(count)]
    init = [
        f"widths = [{d.width('first', features)}] + {widths}",
        f"for i in range({count}):",
        f"    setattr(self, f'fc{{i}}', nn.Linear(widths[i], widths[{d.slip('index', 'i + 1', 'i')}]))",
        "self.head = nn.Sequential(OrderedDict([",
        f"    ('norm', nn.LayerNorm({d.width('norm', widths[-1])})),",
        f"    ('out', nn.Linear({d.width('out', widths[-1])}, 3)),",
        "]))",
    ]
    forward = [
        f"for i in range({count}):",
        f"    x = {d.relu('getattr(self, ' + chr(102) + repr('fc{i}') + ')(x)')}",
        "return self.head(x)",
    ]
    code = "from collections import OrderedDict\n\n\n" + module(d, "Named", init, forward)
    return finish(d, Task(code, "Named()", (Feed("x", (features,)),), Goal("classes", (), 3)))


def factories(d: Draw) -> str:
    """Blocks from a function with `partial` and keyword arguments; a registry."""
    channels, size = d.one(1, 3), d.one(12, 16)
    code = [
        "def conv_block(cin, cout, *, kernel=3, norm=nn.BatchNorm2d, act=nn.ReLU):",
        "    return nn.Sequential(",
        f"        nn.Conv2d(cin, cout, kernel, padding={d.slip('padding', 'kernel // 2', '0', 'kernel')}),",
        f"        norm({d.slip('norm', 'cout', 'cin + 1')}),",
        "        act(),",
        "    )",
        "",
        "",
        f"BLOCKS = {{'small': partial(conv_block, kernel=3), 'large': partial(conv_block, kernel={d.slip('kernel', 5, 4)}, act=nn.GELU)}}",
        "",
        "",
        "def make(kind, widths):",
        "    pairs = zip(widths, widths[1:])",
        f"    return nn.Sequential(*[BLOCKS[kind]({d.slip('pairs', 'a, b', 'b, a')}) for a, b in pairs])",
        "",
        "",
    ]
    widths = [channels, d.one(4, 6), d.one(8, 10)]
    init = [
        f"self.left = make('small', {widths})",
        f"self.right = make('large', {d.slip('widths', widths, [*widths[:-1], widths[-1] + 2], [widths[0] + 1, *widths[1:]])})",
        f"self.fc = nn.LazyLinear({d.one(4, 5)})" if d.chance(0.3) else f"self.fc = nn.Linear({widths[-1]} * {size // 2} ** 2, 5)",
    ]
    forward = [
        f"h = self.left(x) {d.one('+', '*')} self.right(x)",
        "h = F.avg_pool2d(h, 2)",
        f"return self.fc({d.flat('h', widths[-1] * (size // 2) ** 2)})",
    ]
    classes = 4 if "LazyLinear(4)" in init[-1] else 5
    text = finish(
        d,
        Task(
            "\n".join(code) + module(d, "TwoWays", init, forward),
            "TwoWays()",
            (Feed("x", (channels, size, size)),),
            Goal("classes", (), classes),
        ),
    )
    return "from functools import partial\n" + text


def inherited(d: Draw) -> str:
    """A base class with an abstract part; a subclass widens the head."""
    features, hidden = d.one(5, 8), d.one(10, 12)
    base = module(
        d,
        "Base",
        ["self.hidden = hidden", "self.body = self.make_body(features)", "self.head = nn.Linear(hidden, classes)"],
        ["return self.head(self.body(x))"],
        args="features, hidden, classes=2",
    )
    more = ["", "    def make_body(self, features):", "        raise NotImplementedError", ""]
    child = [
        "",
        "class Wide(Base):",
        "    def __init__(self, *args, **kwargs):",
        "        super().__init__(*args, **kwargs)",
        f"        self.head = nn.Sequential(nn.Linear({d.slip('head', 'self.hidden * 2', 'self.hidden')}, 8), nn.ReLU(), nn.Linear({d.width('last', 8)}, 2))",
        "",
        "    def make_body(self, features):",
        f"        return nn.Sequential(nn.Linear({d.slip('body', 'features', 'self.hidden')}, self.hidden), nn.Tanh(), nn.Linear(self.hidden, self.hidden * 2))",
        "",
    ]
    given = d.slip("arguments", f"Wide({features}, {hidden})", f"Wide({hidden}, {features})", f"Wide({features + 1}, hidden={hidden})")
    return finish(d, Task(base + "\n".join(more) + "\n" + "\n".join(child), given, (Feed("x", (features,)),), Goal("classes", (), 2)))


def outputs(d: Draw) -> str:
    """A dataclass or a named tuple comes out; features by a hook."""
    channels, size, width = 3, d.one(8, 12), d.one(6, 8)
    code = ["class Output(NamedTuple):", "    logits: torch.Tensor", "    features: torch.Tensor", "", ""]
    init = [
        f"self.conv1 = nn.Conv2d({d.width('conv1', channels)}, {width}, 3, padding=1)",
        f"self.conv2 = nn.Conv2d({d.width('conv2', width)}, {width}, 3, stride=2, padding=1)",
        f"self.fc = nn.Linear({d.width('fc', width)}, 4)",
        "self.seen = {}",
        "self.conv1.register_forward_hook(lambda m, i, o: self.seen.update(conv1=o))",
    ]
    forward = [
        "x = self.conv2(F.relu(self.conv1(x)))",
        f"skip = F.{d.slip('skip', 'avg_pool2d(self.seen[' + repr('conv1') + '], 2)', 'relu(self.seen[' + repr('conv1') + '])', 'avg_pool2d(self.seen[' + repr('conv1') + '], 3)')}",
        "x = x + skip",
        "f = x.mean(dim=(2, 3))",
        "return Output(self.fc(f), f)",
    ]
    take = d.one("{}.logits", "{}[0]")
    text = finish(
        d,
        Task(
            "\n".join(code) + module(d, "Net", init, forward),
            "Net()",
            (Feed("x", (channels, size, size)),),
            Goal("classes", (), 4),
            take=take,
        ),
    )
    return "from typing import NamedTuple\n" + text


def buffers(d: Draw) -> str:
    """Normalised inputs by buffers, a codebook with a straight-through gradient, a running mean."""
    width, codes, length = d.one(4, 6), d.one(8, 12), d.one(5, 7)
    init = [
        f"self.register_buffer('mean', torch.zeros({d.slip('mean', width, width + 1, f'{length}, 1, {width}')}))",
        f"self.codebook = nn.Embedding({codes}, {d.width('codebook', width)})",
        f"self.register_buffer('usage', torch.zeros({d.slip('usage', codes, codes - 1)}))",
        f"self.dec = nn.Linear({width}, {width})",
    ]
    forward = [
        "x = x - self.mean",
        f"flat = x.reshape(-1, {d.slip('flat', width, width + 1)})",
        f"d = {d.slip('distances', 'flat.pow(2).sum(1, keepdim=True) - 2 * flat @ self.codebook.weight.t() + self.codebook.weight.pow(2).sum(1)', 'torch.cdist(flat, self.codebook.weight.t())', 'flat.pow(2).sum(1, keepdim=True) - 2 * flat @ self.codebook.weight + self.codebook.weight.pow(2).sum(1)')}",
        "idx = d.argmin(1)",
        f"self.usage += F.one_hot(idx, {codes}).float().sum({d.slip('used', 0, 1)})",
        f"q = self.codebook(idx).{d.slip('view', 'view_as(x)', 'view(x.size(0), -1)', 'view(x.size(0), -1, 3)')}",
        "q = x + (q - x).detach()",
        "return self.dec(q)",
    ]
    return finish(d, Task(module(d, "VQ", init, forward), "VQ()", (Feed("x", (length, width)),), Goal("values", (length, width))))


def diffusion(d: Draw) -> str:
    """Noise in steps: coefficients are gathered and viewed to the images' rank, the time is embedded."""
    size, width, steps, batch = d.one(8, 12), d.one(8, 12), d.one(20, 50), d.number(2, 4)
    unet = module(
        d,
        "Denoiser",
        [
            f"self.time = nn.Sequential(nn.Linear({width}, {width}), nn.SiLU(), nn.Linear({d.width('time', width)}, {width}))",
            f"self.inp = nn.Conv2d(1, {width}, 3, padding=1)",
            f"self.mid = nn.Conv2d({d.width('mid', width)}, {width}, 3, padding=1)",
            f"self.out = nn.Conv2d({width}, {d.slip('out', 1, 2)}, 3, padding=1)",
        ],
        [
            f"half = {width} // 2",
            "freqs = torch.exp(-torch.arange(half) * (9.2 / half))",
            f"args = {d.slip('outer', 't[:, None].float() * freqs[None]', 't.float() * freqs', 't[None, :].float() * freqs[None]')}",
            f"emb = self.time(torch.cat([args.sin(), args.cos()], dim={d.slip('cat', -1, 0)}))",
            "h = F.silu(self.inp(x))",
            f"h = h + {d.slip('time dims', 'emb[:, :, None, None]', 'emb', 'emb[:, None, None]', 'emb[:, :, None]')}",
            "return self.out(F.silu(self.mid(h)))",
        ],
        takes="x, t",
    )
    code = [
        f"betas = torch.linspace(1e-4, 0.02, {steps})",
        "alphas = torch.cumprod(1 - betas, dim=0)",
        "model = Denoiser()",
        "optimizer = torch.optim.AdamW(model.parameters())",
        f"for step in range({d.number(1, 3)}):",
        f"    x0 = torch.randn({batch}, 1, {size}, {size})",
        f"    t = torch.randint(0, {d.slip('steps', steps, steps + 500)}, ({d.slip('times', batch, batch + 1)},))",
        "    noise = torch.randn_like(x0)",
        f"    a = alphas[t]{d.slip('coefficients', '.view(-1, 1, 1, 1)', '', '.view(-1, 1)', '.view(1, -1)')}",
        "    xt = a.sqrt() * x0 + (1 - a).sqrt() * noise",
        f"    loss = F.mse_loss(model(xt, t), {d.slip('target', 'noise', 'noise[:, 0]', 'noise.flatten(1)')})",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
    ]
    if d.chance(0.4):
        code += [
            "with torch.no_grad():",
            f"    x = torch.randn(1, 1, {size}, {size})",
            "    for i in reversed(range(3)):",
            f"        x = x - 0.1 * model(x, {d.slip('one time', 'torch.full((1,), i)', 'torch.tensor(i)')})",
        ]
    return d.head() + "\n\n" + unet + "\n\n" + "\n".join(code) + "\n"


def pointclouds(d: Draw) -> str:
    """Points: shared MLPs, a learned transform, the nearest neighbours."""
    points, width, k = d.one(10, 14), d.one(8, 12), d.one(3, 4)
    tnet = module(
        d,
        "TNet",
        [f"self.conv = nn.Conv1d(3, {width}, 1)", f"self.fc = nn.Linear({d.width('tnet', width)}, {d.slip('transform', 9, 3, 6)})"],
        ["h = F.relu(self.conv(x)).max(dim=2)[0]", "return self.fc(h).view(-1, 3, 3) + torch.eye(3)"],
    )
    init = [
        "self.tnet = TNet()",
        f"self.conv1 = nn.Conv1d({d.slip('edges', 6, 3)}, {width}, 1)",
        f"self.bn = nn.BatchNorm1d({d.width('norm', width)})",
        f"self.fc = nn.Linear({width}, 5)",
    ]
    forward = [
        f"x = torch.bmm({d.slip('product', 'x.transpose(1, 2), self.tnet(x)', 'x, self.tnet(x)', 'self.tnet(x), x.transpose(1, 2)')}).transpose(1, 2)",
        "pairs = torch.cdist(x.transpose(1, 2), x.transpose(1, 2))",
        f"idx = pairs.topk({d.slip('neighbours', k, points + 1)}, largest=False).indices",
        f"near = torch.gather(x.unsqueeze(2).expand(-1, -1, x.size(2), -1), 3, {d.slip('gather', 'idx.unsqueeze(1).expand(-1, 3, -1, -1)', 'idx', 'idx.unsqueeze(1)', 'idx.unsqueeze(1).expand(-1, 4, -1, -1)')})",
        f"edge = torch.cat([x, {d.slip('mean', 'near.mean(3) - x', 'near - x', 'near.mean(2) - x')}], dim=1)",
        "h = F.relu(self.bn(self.conv1(edge)))",
        f"return self.fc({d.slip('pool', 'h.max(2)[0]', 'h.max(1)[0]', 'h')})",
    ]
    cloud = d.slip("points last", Feed("cloud", (3, points)), Feed("cloud", (points, 3)), Feed("cloud", (4, points)))
    return finish(d, Task(tnet + "\n\n" + module(d, "PointNet", init, forward), "PointNet()", (cloud,), Goal("classes", (), 5)))


FAMILY = (named_layers, factories, inherited, outputs, buffers, diffusion, pointclouds)
