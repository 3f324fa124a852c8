"""Convolutions in one and three dims: signals, texts, videos, dilated and gated stacks."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, module, window
from bench.generated.scripts import Feed, Goal, Task, finish


def signal(d: Draw) -> str:
    """A classifier of signals with `Conv1d`."""
    channels, length, classes = d.one(1, 2, 6), d.one(40, 50, 64, 100), d.one(3, 5)
    width, kernel, stride = d.one(4, 8), d.one(3, 5, 7), d.one(1, 2)
    one = window(length, kernel, stride) // 2
    two = window(one, 3) // 2
    init = [
        f"self.conv1 = nn.Conv1d({d.width('conv1', channels)}, {width}, kernel_size={d.slip('kernel', kernel, kernel + 4, 2 * length)}, stride={stride})",
        f"self.conv2 = nn.Conv1d({d.width('conv2', width)}, {width * 2}, kernel_size=3)",
        f"self.bn = nn.BatchNorm1d({d.width('norm', width * 2)})",
        "self.pool = nn.MaxPool1d(2)",
        f"self.fc = nn.Linear({d.slip('in_features', width * 2 * two, width * 2, width * 2 * length, width * 2 * two + 8)}, {classes})",
    ]
    swap = d.slip("swap", [], ["x = x.permute(0, 2, 1)"], ["x = x.unsqueeze(1)"])
    forward = [
        *swap,
        f"x = self.pool({d.relu('self.conv1(x)')})",
        f"x = self.pool({d.relu('self.bn(self.conv2(x))')})",
        f"x = {d.flat('x', width * 2 * two)}",
        "return self.fc(x)",
    ]
    return finish(
        d, Task(module(d, "SignalNet", init, forward), "SignalNet()", (Feed("signal", (channels, length)),), Goal("classes", (), classes))
    )


def text(d: Draw) -> str:
    """Kim's text CNN: an embedding, several kernels, the maximum over time."""
    words, width, length, filters = d.one(30, 50), d.one(8, 12), d.one(10, 14), d.one(4, 6)
    kernels = d.one((2, 3), (3, 4, 5), (2, 3, 4))
    init = [
        f"self.embedding = nn.Embedding({d.slip('vocabulary', words, words // 2)}, {width})",
        f"self.convs = nn.ModuleList([nn.Conv1d({d.width('convs', width)}, {filters}, k) for k in {kernels}])",
        f"self.dropout = nn.Dropout({d.one(0.2, 0.5)})",
        f"self.fc = nn.Linear({d.slip('fc', f'len({kernels}) * {filters}', str(filters), f'{width}')}, 4)",
    ]
    turn = d.slip(
        "permute",
        d.one("x = self.embedding(x).permute(0, 2, 1)", "x = self.embedding(x).transpose(1, 2)"),
        "x = self.embedding(x)",
        "x = self.embedding(x).permute(1, 2, 0)",
    )
    pool = d.slip("pool", "F.max_pool1d(h, h.size(2)).squeeze(2)", "F.max_pool1d(h, h.size(2))", "F.max_pool1d(h, 2)", "h.max(dim=1)[0]")
    forward = [
        turn,
        "hs = [F.relu(conv(x)) for conv in self.convs]",
        f"pooled = [{pool} for h in hs]",
        f"x = self.dropout(torch.cat(pooled, dim={d.slip('cat dim', 1, 0)}))",
        "return self.fc(x)",
    ]
    return finish(d, Task(module(d, "TextCNN", init, forward), "TextCNN()", (Feed("tokens", (length,), words),), Goal("classes", (), 4)))


def video(d: Draw) -> str:
    """`Conv3d` over frames."""
    frames, size, width = d.one(4, 6, 8), d.one(12, 16), d.one(4, 6)
    order = (3, frames, size, size)
    init = [
        f"self.conv1 = nn.Conv3d({d.width('conv1', 3)}, {width}, kernel_size=3, padding=1)",
        f"self.pool1 = nn.MaxPool3d({d.slip('pool', '(1, 2, 2)', '2', '(2, 2, 2)')})",
        f"self.conv2 = nn.Conv3d({d.width('conv2', width)}, {width * 2}, kernel_size=(3, 3, 3), padding={d.slip('padding', '(1, 1, 1)', '0', '(0, 1, 1)')})",
        "self.pool2 = nn.MaxPool3d(2)",
        f"self.fc = nn.Linear({d.slip('fc', f'{width * 2} * {frames // 2} * {size // 4} * {size // 4}', f'{width * 2} * {size // 4} * {size // 4}', f'{width * 2} * {frames} * {size // 4} * {size // 4}')}, 3)",
    ]
    forward = [
        "x = self.pool1(F.relu(self.conv1(x)))",
        "x = self.pool2(F.relu(self.conv2(x)))",
        f"x = {d.flat('x', width * 2 * (frames // 2) * (size // 4) ** 2)}",
        "return self.fc(x)",
    ]
    clip = d.slip("frames first", Feed("clip", order), Feed("clip", (frames, 3, size, size)), Feed("clip", (3, frames + 2, size, size)))
    return finish(d, Task(module(d, "VideoNet", init, forward), "VideoNet()", (clip,), Goal("classes", (), 3)))


def dilated(d: Draw) -> str:
    """A temporal convolutional network: dilation, causal padding cut off, residual sums."""
    channels, length, width = d.one(1, 3), d.one(20, 32), d.one(6, 8)
    kernel, levels = d.one(2, 3), d.number(2, 3)
    cut = d.slip("chomp", "out = out[:, :, :-self.padding]", "pass", "out = out[:, :, self.padding + 1:]")
    init = [
        f"self.padding = {d.slip('causal padding', '(kernel - 1) * dilation', '(kernel - 1)', 'kernel * dilation + 1')}",
        "self.conv = nn.Conv1d(cin, cout, kernel, padding=(kernel - 1) * dilation, dilation=dilation)",
        d.slip("residual", "self.down = nn.Conv1d(cin, cout, 1) if cin != cout else None", "self.down = None"),
    ]
    forward = ["out = self.conv(x)", cut, "res = x if self.down is None else self.down(x)", "return F.relu(out) + res"]
    code = module(d, "TemporalBlock", init, forward, args="cin, cout, kernel, dilation") + "\n\n"
    net = [
        "layers = []",
        f"for i in range({levels}):",
        f"    cin = {channels} if i == 0 else {d.width('loop', width)}",
        f"    layers.append(TemporalBlock(cin, {width}, {kernel}, dilation=2 ** i))",
        "self.network = nn.Sequential(*layers)",
        f"self.linear = nn.Linear({d.width('linear', width)}, 2)",
    ]
    last = d.slip(
        "last step", "return self.linear(y[:, :, -1])", "return self.linear(y)", "return self.linear(y[:, -1])", "return self.linear(y[-1])"
    )
    return finish(
        d,
        Task(code + module(d, "TCN", net, ["y = self.network(x)", last]), "TCN()", (Feed("x", (channels, length)),), Goal("values", (2,))),
    )


def gated(d: Draw) -> str:
    """A WaveNet-like stack whose gates are halves of one convolution."""
    width, length = d.one(4, 8), d.one(24, 32)
    init = [
        f"self.inp = nn.Conv1d(1, {width}, 1)",
        f"self.convs = nn.ModuleList(nn.Conv1d({width}, {d.slip('gates', 2 * width, width, 3 * width)}, 3, padding=2 ** i, dilation=2 ** i) for i in range(3))",
        f"self.skips = nn.ModuleList(nn.Conv1d({d.width('skips', width)}, {width}, 1) for _ in range(3))",
        f"self.out = nn.Conv1d({width}, 1, 1)",
    ]
    half = d.slip(
        "chunk",
        "a, b = conv(x).chunk(2, dim=1)",
        "a, b = conv(x).chunk(2, dim=2)",
        f"a, b = conv(x).split({width // 2 + 1}, dim=1)",
        "a, b = conv(x).chunk(2)",
    )
    total = d.slip("sum of the skips", "total = total + s", "total = torch.cat([total, s]) if torch.is_tensor(total) else s")
    forward = [
        "x = self.inp(x)",
        "total = 0",
        "for conv, skip in zip(self.convs, self.skips):",
        f"    {half}",
        "    h = torch.tanh(a) * torch.sigmoid(b)",
        "    s = skip(h)",
        f"    {total}",
        "    x = x + s",
        "return self.out(F.relu(total))",
    ]
    return finish(d, Task(module(d, "WaveNet", init, forward), "WaveNet()", (Feed("wave", (1, length)),), Goal("values", (1, length))))


def grouped(d: Draw) -> str:
    """Grouped convolutions with a channel shuffle by hand."""
    groups, each, size = d.one(2, 3), d.one(2, 4), d.one(8, 10)
    width = groups * each
    view = d.slip(
        "view", "x = x.view(b, g, c // g, h, w)", "x = x.view(b, c // g, h, w)", "x = x.view(b, g, c, h, w)", "x = x.view(b, c, g, h, w)"
    )
    turn = d.slip("transpose", "x = x.transpose(1, 2).contiguous()", "x = x.transpose(1, 2)", "x = x.transpose(0, 1).contiguous()")
    shuffle = [
        "def channel_shuffle(x, g):",
        "    b, c, h, w = x.shape",
        f"    {view}",
        f"    {turn}",
        f"    return x.{d.slip('second view', 'view(b, c, h, w)', 'view(b, -1, h)', 'view(b, g, h, w)')}",
        "",
        "",
        "",
    ]
    init = [
        f"self.g = {groups}",
        f"self.conv1 = nn.Conv2d(3, {d.slip('not divisible', width, width + 1)}, 3, padding=1, groups={d.slip('groups of conv1', 1, groups if 3 % groups else 2)})",
        f"self.conv2 = nn.Conv2d({width}, {width}, 3, padding=1, groups={d.slip('groups of conv2', groups, width + 1, 5)})",
        f"self.fc = nn.Linear({width}, 2)",
    ]
    forward = [
        "x = F.relu(self.conv1(x))",
        "x = channel_shuffle(x, self.g)",
        "x = F.relu(self.conv2(x))",
        f"return self.fc({d.slip('mean', 'x.mean((2, 3))', 'x.mean(1)', 'x.mean(-1)')})",
    ]
    return finish(
        d,
        Task(
            "\n".join(shuffle) + module(d, "ShuffleNet", init, forward),
            "ShuffleNet()",
            (Feed("x", (3, size, size)),),
            Goal("classes", (), 2),
        ),
    )


FAMILY = (signal, signal, text, video, dilated, gated, grouped)
