"""The less common layers and functions: norms, folds, bilinear layers, bags, weight norms, in-place writes, own autograd functions."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, module
from bench.generated.scripts import Feed, Goal, Task, finish, guarded


def norms(d: Draw) -> str:
    """Group, instance, layer, batch and local response norms in one stack."""
    channels, groups, size = d.one(6, 8, 12), 2, d.one(8, 10)
    init = [
        f"self.conv = nn.Conv2d(3, {channels}, 3, padding=1)",
        f"self.gn = nn.GroupNorm({d.slip('groups', groups, 5, 7)}, {d.width('group norm', channels)})",
        f"self.inorm = nn.InstanceNorm2d({d.width('instance norm', channels)}, affine=True)",
        f"self.ln = nn.LayerNorm({d.slip('layer norm', f'[{channels}, {size}, {size}]', f'{channels}', f'[{size}, {channels}, {size}]', f'[{channels}, {size}]')})",
        "self.lrn = nn.LocalResponseNorm(2)",
        f"self.prelu = nn.PReLU({d.width('prelu', channels)})",
        f"self.head = nn.Linear({channels}, 3)",
    ]
    forward = [
        "x = self.prelu(self.gn(self.conv(x)))",
        "x = self.lrn(self.ln(self.inorm(x)))",
        f"x = {d.slip('pool', 'F.adaptive_max_pool2d(x, 1).flatten(1)', 'F.adaptive_max_pool2d(x, 1)', 'F.adaptive_max_pool1d(x, 1).flatten(1)')}",
        "return self.head(x)",
    ]
    return finish(d, Task(module(d, "NormNet", init, forward), "NormNet()", (Feed("x", (3, size, size)),), Goal("classes", (), 3)))


def bilinear(d: Draw) -> str:
    """Bilinear layers, bags of embeddings, cosine similarity."""
    words, width, other, batch = d.one(20, 30), d.one(4, 6), d.one(5, 7), d.number(3, 5)
    net = module(
        d,
        "Matcher",
        [
            f"self.bag = nn.EmbeddingBag({words}, {width}, mode='mean')",
            f"self.proj = nn.Linear({d.width('proj', other)}, {other})",
            f"self.bil = nn.Bilinear({d.width('left', width)}, {d.width('right', other)}, 8)",
            f"self.same = nn.Linear({width}, {d.slip('same', other, other + 1)})",
        ],
        [
            "a = self.bag(text, offsets)",
            "b = self.proj(image)",
            "score = self.bil(a, b).sum(1)",
            f"return score + F.cosine_similarity(self.same(a), b, dim={d.slip('similarity', 1, 0, 2)})",
        ],
        takes="text, offsets, image",
    )
    lines = [
        f"text = torch.randint(0, {words}, ({batch * 4},))",
        f"offsets = torch.arange({d.slip('offsets', f'0, {batch * 4}, 4', f'0, {batch * 4}, 2', f'0, {batch * 4}, 3')})",
        f"image = torch.randn({d.slip('images', batch, batch + 2)}, {other})",
        "model = Matcher()",
        "out = model(text, offsets, image)",
        f"loss = F.binary_cross_entropy_with_logits(out, torch.ones({d.slip('target', f'{batch}', f'{batch}, 1', f'{batch + 1}')}))",
        "loss.backward()",
    ]
    return d.head() + "\n\n" + net + "\n\n" + "\n".join(guarded(d, lines)) + "\n"


def folded(d: Draw) -> str:
    """unfold and fold, upsampling, max unpooling, pixel unshuffle."""
    size, channels = d.one(8, 12), d.one(2, 3)
    init = [
        f"self.conv = nn.Conv2d({d.width('conv', channels)}, 8, 3, padding=1)",
        "self.pool = nn.MaxPool2d(2, return_indices=True)",
        f"self.unpool = nn.MaxUnpool2d({d.slip('unpool', 2, 4, 3)})",
        f"self.up = nn.Upsample({d.slip('upsample', 'scale_factor=2', 'scale_factor=4', f'size=({size + 1}, {size + 1})')}, mode='nearest')",
        f"self.down = nn.PixelUnshuffle({d.slip('unshuffle', 2, 3 if size % 3 else 5)})",
        f"self.mix = nn.Conv2d({d.slip('mix', 8 + 8, 8)}, {channels}, 1)",
    ]
    forward = [
        "h = F.relu(self.conv(x))",
        "small, idx = self.pool(h)",
        f"back = self.unpool({d.slip('indices', 'small, idx', 'small, idx[:, :4]', 'h, idx')})",
        "wide = self.up(small)",
        f"y = self.mix(torch.cat([back, wide], {d.slip('cat', 1, 0, 3)}))",
        f"cols = F.unfold(y, {d.slip('unfold', '2, stride=2', '3, stride=2')})",
        f"y = F.fold(cols, ({size}, {d.slip('fold', size, size + 2)}), 2, stride=2)",
        "return self.down(y)",
    ]
    goal = Goal("values", (channels * 4, size // 2, size // 2))
    return finish(d, Task(module(d, "Folding", init, forward), "Folding()", (Feed("x", (channels, size, size)),), goal))


def written(d: Draw) -> str:
    """Results that are written into tensors made before."""
    batch, steps, width = d.number(2, 4), d.one(4, 6), d.one(3, 5)
    lines = [
        f"cell = nn.GRUCell({width}, {width + 1})",
        f"x = torch.randn({batch}, {steps}, {width})",
        f"h = torch.zeros({batch}, {width + 1})",
        f"out = torch.zeros({d.slip('out', f'{batch}, {steps}, {width + 1}', f'{steps}, {batch}, {width + 1}', f'{batch}, {steps}, {width}', f'{batch}, {steps - 1}, {width + 1}')})",
        f"for t in range({steps}):",
        "    h = cell(x[:, t], h)",
        f"    out[:, t] = {d.slip('write', 'h.detach()', 'h.detach().unsqueeze(1)', 'h.detach().T')}",
        f"mask = {d.slip('mask', 'out > 0', 'out[..., :-1] > 0', 'out.sum(-1) > 0')}",
        "out[mask] = 0.0",
        f"out += {d.slip('bias', f'torch.ones({width + 1})', f'torch.ones({steps})' if steps != width + 1 else 'torch.ones(99)', f'torch.ones({width + 1}, 1)')}",
        f"flags = torch.where(mask{d.slip('where', '', '[..., 0]')}, out, torch.zeros_like(out))",
        f"out[torch.arange({batch}), {d.slip('last steps', f'torch.full(({batch},), {steps - 1})', f'torch.full(({batch + 1},), {steps - 1})', f'torch.full(({batch},), {steps})')}] = 1.0",
        f"acc = torch.zeros({steps}, {width + 1}).index_add(0, torch.arange({steps}), {d.slip('added', 'out[0]', 'out[:, 0]', 'out')})",
        f"rolled = torch.roll(acc, 1, dims={d.slip('roll', 0, 2)}).{d.slip('tile', 'repeat(2, 1)', 'repeat(2)', 'expand(2, -1)')}",
        "print(flags.shape, rolled.shape)",
    ]
    return d.head() + "\n\n" + "\n".join(guarded(d, lines)) + "\n"


def own_gradient(d: Draw) -> str:
    """An own `autograd.Function`."""
    batch, width, out = d.number(3, 5), d.one(4, 6), d.one(2, 3)
    grads = d.slip(
        "gradient",
        "return grad @ w, grad.t() @ x",
        "return grad @ w.t(), grad.t() @ x",
        "return grad @ w, x.t() @ grad",
        "return grad, grad.t() @ x",
    )
    code = [
        "class MyLinear(torch.autograd.Function):",
        "    @staticmethod",
        "    def forward(ctx, x, w):",
        "        ctx.save_for_backward(x, w)",
        f"        return {d.slip('forward', 'x @ w.t()', 'x @ w', 'x.t() @ w')}",
        "",
        "    @staticmethod",
        "    def backward(ctx, grad):",
        "        x, w = ctx.saved_tensors",
        f"        {grads}",
        "",
        "",
        f"w = torch.randn({out}, {width}, requires_grad=True)",
        f"x = torch.randn({batch}, {d.width('width', width)}, requires_grad=True)",
        "y = MyLinear.apply(x, w)",
        f"loss = {d.slip('loss', 'y.pow(2).mean()', 'y.pow(2).mean(1)', 'y')}",
        "loss.backward()",
        "print(w.grad.shape)",
    ]
    return d.head() + "\n\n" + "\n".join(code) + "\n"


def normed_weights(d: Draw) -> str:
    """Spectral and weight norms, parameter lists and dicts, shared weights."""
    width, words, length = d.one(6, 8), d.one(12, 20), d.one(4, 6)
    init = [
        f"self.embed = nn.Embedding({words}, {width})",
        f"self.conv = spectral_norm(nn.Conv1d({d.width('conv', width)}, {width}, 3, padding=1))",
        f"self.scales = nn.ParameterList([nn.Parameter(torch.ones({d.width('scale', width)})) for _ in range(2)])",
        f"self.layers = nn.ModuleDict({{'a': weight_norm(nn.Linear({width}, {width})), 'b': nn.Linear({width}, {d.slip('b', width, width + 2)})}})",
        f"self.out = nn.Linear({width}, {words}, bias=False)",
        f"self.out.weight = {d.slip('tied', 'self.embed.weight', 'nn.Parameter(self.embed.weight.t().contiguous())')}",
    ]
    forward = [
        f"x = self.conv(self.embed(x){d.slip('transpose', '.transpose(1, 2)', '')}).transpose(1, 2)",
        "for scale, name in zip(self.scales, ('a', 'b')):",
        "    x = x + torch.relu(self.layers[name](x * scale))",
        f"return self.out(x){d.slip('class dim', '.transpose(1, 2)', '')}",
    ]
    code = "from torch.nn.utils.parametrizations import spectral_norm, weight_norm\n\n\n" + module(d, "Tied", init, forward)
    return finish(d, Task(code, "Tied()", (Feed("tokens", (length,), words),), Goal("classes", (length,), words)))


def capsules(d: Draw) -> str:
    """Capsules with routing: many dims, broadcasts that are wanted."""
    inner, outer, din, dout = d.one(6, 8), d.one(3, 4), d.one(4, 5), d.one(2, 6)
    init = [
        f"self.W = nn.Parameter(torch.randn(1, {d.slip('capsules', inner, inner + 1)}, {outer}, {dout}, {d.width('in dim', din)}) * 0.1)"
    ]
    forward = [
        f"x = {d.slip('unsqueeze', 'x[:, :, None, :, None]', 'x[:, :, None, :]', 'x[:, None, :, :, None]')}",
        f"u = (self.W @ x).squeeze({d.slip('squeeze', -1, 1)})",
        f"b = torch.zeros(x.size(0), {inner}, {outer}, 1)",
        "for _ in range(2):",
        "    c = b.softmax(dim=2)",
        f"    s = (c * u).sum(dim={d.slip('sum', 1, 2)}, keepdim={d.slip('keepdim', True, False)})",
        "    n = (s ** 2).sum(-1, keepdim=True)",
        "    v = n / (1 + n) * s / (n + 1e-8).sqrt()",
        "    b = b + (u * v).sum(-1, keepdim=True)",
        f"return v.squeeze(1).norm(dim={d.slip('norm', -1, 3)})",
    ]
    return finish(d, Task(module(d, "Capsules", init, forward), "Capsules()", (Feed("x", (inner, din)),), Goal("values", (outer,))))


def mixture(d: Draw) -> str:
    """Experts, a gate and sparse choices."""
    width, experts, top = d.one(6, 8), d.one(3, 4), 2
    init = [
        f"self.gate = nn.Linear({d.width('gate', width)}, {experts})",
        f"self.experts = nn.ModuleList([nn.Linear({width}, {d.slip('expert', width, width * 2)}) for _ in range({d.slip('experts', experts, experts - 1, experts + 1)})])",
    ]
    if d.chance(0.5):
        forward = [
            "w = self.gate(x).softmax(-1)",
            f"outs = torch.stack([e(x) for e in self.experts], dim={d.slip('stack', 1, 0, -1)})",
            f"return (w.unsqueeze({d.slip('weights', -1, 1)}) * outs).sum(1) + x",
        ]
    else:
        forward = [
            f"w, idx = self.gate(x).softmax(-1).topk({top}, dim=-1)",
            "out = torch.zeros_like(x)",
            "for k in range(len(self.experts)):",
            "    rows, slot = torch.where(idx == k)",
            f"    out[rows] += {d.slip('weights', 'w[rows, slot, None]', 'w[rows, slot]', 'w[rows]')} * self.experts[k]({d.slip('rows', 'x[rows]', 'x')})",
            "return out + x",
        ]
    return finish(d, Task(module(d, "MoE", init, forward), "MoE()", (Feed("x", (width,)),), Goal("values", (width,))))


FAMILY = (norms, bilinear, folded, written, own_gradient, normed_weights, capsules, mixture)
