"""Functions on tensors outside of any class: windows, gathers, stacks, masks, outer products, interpolation, statistics."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, block
from bench.generated.scripts import guarded


def _program(d: Draw, functions: list[str], lines: list[str]) -> str:
    body = guarded(d, lines, 0.25)
    if d.chance(0.3):
        body = ["def run():", block(body), "", "", "run()"]
    return d.head() + "\n\n" + "\n".join([*functions, "", "", *body]) + "\n"


def windows(d: Draw) -> str:
    """Windows of a map and back, as in Swin."""
    side, count, channels, batch = d.one(2, 4), d.number(2, 3), d.one(3, 5), d.number(1, 3)
    size = side * count
    view = d.slip(
        "view",
        "x.view(b, h // ws, ws, w // ws, ws, c)",
        "x.view(b, h // ws, w // ws, ws, c)",
        "x.view(b, h, ws, w, ws, c)",
        "x.view(b, c, h // ws, ws, w // ws, ws)",
    )
    turn = d.slip(
        "permute", "permute(0, 1, 3, 2, 4, 5)", "permute(0, 1, 3, 2, 4)", "permute(0, 1, 3, 2, 5, 5)", "permute(0, 2, 4, 1, 3, 5)"
    )
    join = d.slip("join", "contiguous().view(-1, ws, ws, c)", "view(-1, ws, ws, c)", "contiguous().view(-1, ws * ws, c, 2)")
    functions = [
        "def partition(x, ws):",
        "    b, h, w, c = x.shape",
        f"    x = {view}",
        f"    return x.{turn}.{join}",
        "",
        "",
        "def reverse(windows, ws, h, w):",
        f"    b = windows.shape[0] // ({d.slip('batch', 'h * w // ws // ws', 'h * w // ws')})",
        f"    x = windows.view(b, {d.slip('grid', 'h // ws, w // ws', 'h, w')}, ws, ws, -1)",
        "    return x.permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, -1)",
    ]
    shape = d.slip(
        "image",
        f"{batch}, {size}, {size}, {channels}",
        f"{batch}, {size + 1}, {size}, {channels}",
        f"{batch}, {channels}, {size}, {size}",
        f"{size}, {size}, {channels}",
    )
    return _program(
        d,
        functions,
        [
            f"x = torch.randn({shape})",
            f"w = partition(x, {side})",
            "print(w.shape)",
            f"y = reverse(w, {side}, {size}, {size})",
            "print((x - y).abs().max())",
        ],
    )


def unfolded(d: Draw) -> str:
    """A convolution by hand through unfold, compared with torch's own."""
    channels, out, kernel, size, batch = d.one(2, 3), d.one(4, 5), d.one(2, 3), d.one(6, 8), d.number(1, 3)
    after = size - kernel + 1
    functions = [
        "def conv_by_hand(x, weight):",
        "    b, c, h, w = x.shape",
        "    o, _, k, _ = weight.shape",
        f"    cols = F.unfold(x, {d.slip('kernel', 'k', 'k + 1', 'h + 1')})",
        f"    out = {d.slip('product', 'weight.view(o, -1) @ cols', 'cols @ weight.view(o, -1)', 'weight.view(-1, o) @ cols')}",
        f"    return out.view({d.slip('view', 'b, o, h - k + 1, w - k + 1', 'b, o, h, w', 'b, h - k + 1, w - k + 1')})",
    ]
    lines = [
        f"x = torch.randn({batch}, {d.slip('channels', channels, channels + 1)}, {size}, {size})",
        f"weight = torch.randn({out}, {channels}, {kernel}, {kernel})",
        "mine = conv_by_hand(x, weight)",
        f"theirs = F.conv2d(x, weight, padding={d.slip('padding', 0, 1)})",
        f"assert mine.shape[1] == {out}",
        "print((mine - theirs).abs().max())",
        f"print(mine.view({batch}, -1, {after * after}).shape)",
    ]
    return _program(d, functions, lines)


def gathered(d: Draw) -> str:
    """gather, index_select, topk, masks, scatter, one_hot, take_along_dim."""
    batch, steps, width, top = d.number(2, 4), d.one(5, 7), d.one(4, 6), d.number(2, 3)
    pick = d.slip(
        "index",
        "idx.unsqueeze(-1).expand(-1, -1, x.size(-1))",
        "idx",
        "idx.unsqueeze(-1)",
        "idx.unsqueeze(1).expand(-1, -1, x.size(-1))",
        "idx.unsqueeze(-1).expand(-1, -1, x.size(-1) + 1)",
    )
    functions = [
        "def best_steps(x, scores, k):",
        f"    values, idx = scores.topk({d.slip('k', 'k', '50')}, dim={d.slip('topk dim', 1, 0, 2)})",
        f"    return values, torch.gather(x, 1, {pick})",
    ]
    lines = [
        f"x = torch.randn({batch}, {steps}, {width})",
        f"scores = {d.slip('scores', 'x.mean(-1)', 'x', 'x.mean(1)')}",
        f"values, chosen = best_steps(x, scores, {top})",
        f"weighted = chosen * {d.slip('weights', 'values.softmax(1).unsqueeze(-1)', 'values.softmax(1)', 'values.unsqueeze(1)')}",
        f"lengths = torch.randint(1, {steps}, ({d.slip('lengths', batch, batch + 1)},))",
        f"mask = torch.arange({steps})[None, :] < {d.slip('mask', 'lengths[:, None]', 'lengths')}",
        f"mean = (x * {d.slip('masked', 'mask.unsqueeze(-1)', 'mask', 'mask.unsqueeze(1)')}).sum(1) / {d.slip('count', 'lengths.unsqueeze(1)', 'lengths')}",
        f"table = torch.zeros({batch}, {width}).scatter_({d.slip('scatter', '1, chosen.argmax(-1)[:, :1], 1.0', '1, chosen.argmax(-1)[:, 0], 1.0')})",
        f"picked = x[{d.slip('rows', f'torch.arange({batch})', f'torch.arange({batch + 1})')}, lengths - 1]",
        "print(weighted.sum(1).shape, mean.shape, table.shape, picked.shape)",
        f"total = torch.stack([weighted.sum(1), {d.slip('stack', 'mean', 'chosen')}, picked])",
        f"print(total.{d.slip('mean', 'mean(0)', 'mean(4)')}.shape)",
    ]
    return _program(d, functions, lines)


def products(d: Draw) -> str:
    """bmm, einsum, outer products, distances, kernels, determinants."""
    batch, n, m, k = d.number(2, 3), d.one(3, 4), d.one(5, 6), d.one(2, 7)
    functions = [
        "def rbf(a, b, gamma=0.5):",
        f"    d2 = {d.slip('distance', '((a[:, None] - b[None]) ** 2).sum(-1)', '((a - b) ** 2).sum(-1)', 'torch.cdist(a, b.T) ** 2', '((a[:, None] - b) ** 2).sum(3)')}",
        "    return torch.exp(-gamma * d2)",
    ]
    lines = [
        f"a, b = torch.randn({n}, {k}), torch.randn({m}, {d.slip('second', k, k + 1)})",
        "gram = rbf(a, b)",
        f"A, B = torch.randn({batch}, {n}, {k}), torch.randn({d.slip('batched', f'{batch}, {k}, {m}', f'{batch}, {m}, {k}', f'{batch + 2}, {k}, {m}', f'{k}, {m}')})",
        "C = torch.bmm(A, B)",
        f"E = torch.einsum({d.slip('einsum', repr('bnk,bkm->bnm'), repr('bnk,bmk->bnm'), repr('nk,bkm->bnm'), repr('bnk,bkm->bnmz'))}, A, B)",
        f"mixed = C + {d.slip('sum', 'gram', 'gram.T', 'gram[0, :2]')}",
        f"outer = torch.outer({d.slip('outer', 'a[:, 0], b[:, 0]', 'a, b', 'a[:, 0], b')})",
        f"square = torch.linalg.{d.slip('square', 'det(a.T @ a)', 'det(a)', 'inv(a)' if n != k else 'det(b)')}",
        f"solved = torch.linalg.solve(a.T @ a + torch.eye({d.slip('eye', k, k + 1)}), a.T @ torch.randn({d.slip('right side', n, n + 1)}))",
        f"v = {d.slip('matrix and vector', 'a.mv(torch.randn(a.size(1)))', 'a.mv(torch.randn(a.size(0) + a.size(1)))', 'a.mv(torch.randn(a.size(1), 1))')}",
        "print(mixed.shape, E.shape, outer.shape, square.shape, solved.shape, v.shape)",
    ]
    return _program(d, functions, lines)


def joined(d: Draw) -> str:
    """Features from several sources, split and joined."""
    batch, one, two, steps = d.number(2, 4), d.one(3, 4), d.one(5, 6), d.one(3, 5)
    functions = [
        "def combine(parts, dim=-1):",
        f"    parts = [p if p.dim() == 2 else {d.slip('flat part', 'p.flatten(1)', 'p')} for p in parts]",
        f"    return torch.{d.slip('cat', 'cat(parts, dim=dim)', 'stack(parts, dim=dim)', 'cat(parts, dim=0)')}",
    ]
    lines = [
        f"a = torch.randn({batch}, {one})",
        f"b = torch.randn({d.slip('second batch', batch, batch + 1)}, {two})",
        f"c = torch.randn({batch}, {steps}, 2)",
        "joined = combine([a, b, c])",
        f"head = nn.Linear({d.slip('width', one + two + 2 * steps, one + two + steps, one + two)}, {one + two})",
        "out = head(joined)",
        f"left, right = out.split([{one}, {d.slip('split', two, two + 1, two - 1)}], dim=1)",
        f"left = left + {d.slip('left', 'a', 'b', 'a[:, :-1]')}",
        f"seq = {d.slip('repeat', f'left.unsqueeze(1).repeat(1, {steps}, 1)', f'left.repeat(1, {steps}, 1)', f'left.unsqueeze(1).expand(-1, {steps})', f'left.expand({batch}, {steps}, {one})')}",
        f"seq = torch.cat([seq, {d.slip('sequence', 'c', 'c.transpose(1, 2)', 'c[:, 1:]')}], dim=2)",
        f"chunks = seq.chunk({steps}, dim=1)",
        f"swapped = seq.{d.slip('permute', 'permute(2, 0, 1)', 'permute(2, 0)', 'permute(0, 1, 3)')}",
        f"grid = seq.{d.slip('unflatten', f'flatten(1).unflatten(1, ({steps}, -1))', f'flatten(1).unflatten(1, ({steps + 9}, 2))', f'unflatten(1, ({steps}, 2))')}",
        "print(len(chunks), swapped.shape, grid.shape, right.shape)",
    ]
    return _program(d, functions, lines)


def images(d: Draw) -> str:
    """What is done with images before a network: crops, channels, grids, flows, statistics."""
    batch, size = d.number(1, 3), d.one(8, 12)
    functions = [
        "def normalize(x, mean, std):",
        f"    mean = torch.tensor(mean){d.slip('mean', '.view(1, -1, 1, 1)', '', '.view(1, -1, 1)', '.unsqueeze(0)')}",
        f"    std = torch.tensor(std){d.slip('std', '[:, None, None]', '', '[None, None]')}",
        "    return (x - mean) / std",
        "",
        "",
        "def warp(x, flow):",
        "    b, c, h, w = x.shape",
        "    ys, xs = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing='ij')",
        f"    grid = torch.stack([xs, ys], dim={d.slip('grid', -1, 0, 1)}).unsqueeze(0)",
        "    return F.grid_sample(x, grid + flow, align_corners=True)",
    ]
    lines = [
        f"x = torch.rand({batch}, {d.slip('channels', 3, 1, 4)}, {size}, {size})",
        f"x = normalize(x, [0.4, 0.4, 0.5], {d.slip('stds', '[0.2, 0.2, 0.2]', '[0.2, 0.2]')})",
        f"warped = warp(x, torch.zeros({d.slip('flow', f'{batch}, {size}, {size}, 2', f'{batch}, 2, {size}, {size}', f'{batch}, {size}, {size}, 3', f'{batch + 2}, {size}, {size}, 2')}))",
        f"small = F.interpolate(warped, size={d.slip('size', f'({size // 2}, {size // 2})', f'({size // 2},)', f'({size // 2}, {size // 2}, 3)')}, mode='bilinear', align_corners=False)",
        f"padded = F.pad(small, ({d.slip('pad', '1, 1, 1, 1', '1, 1, 1', '0, 0, 0, 0, 0, 0, 0, 0, 1, 1')}))",
        f"gray = (x * torch.tensor([0.3, 0.6, 0.1]){d.slip('gray', '.view(3, 1, 1)', '', '.view(3, 1)')}).sum(1, keepdim=True)",
        f"edges = F.conv2d(gray, torch.ones({d.slip('edge kernel', '1, 1, 3, 3', '1, 3, 3, 3', '3, 3', f'1, 1, {size + 3}, {size + 3}')}), padding={d.slip('edge padding', 1, 0)})",
        f"stacked = torch.cat([x, {d.slip('joined', 'edges', 'small', 'edges.squeeze(1)')}], dim=1)",
        f"patches = x.unfold(2, {size // 2}, {size // 2}).unfold({d.slip('unfold', 3, 4, 7)}, {size // 2}, {size // 2})",
        f"tiles = patches.{d.slip('tiles', f'reshape({batch}, 3, -1, {size // 2}, {size // 2})', f'view({batch}, 3, -1, {size // 2 + 1}, {size // 2})', f'reshape({batch}, 3, 5, {size // 2}, {size // 2})')}",
        "print(padded.shape, stacked.shape, tiles.shape)",
        f"blend = {d.slip('blend', '0.5 * x + 0.5 * warped', '0.5 * x + 0.5 * small', '0.5 * x + 0.5 * padded')}",
    ]
    return _program(d, functions, lines)


FAMILY = (windows, unfolded, gathered, products, joined, images)
