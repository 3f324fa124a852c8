"""Classifiers of images: plain CNNs, configured ones, residual and separable blocks, branches, several heads."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, block, module, window
from bench.generated.scripts import Feed, Goal, Task, finish


def plain(d: Draw) -> str:
    """Two or three convolutions with pools, then linear layers."""
    channels, size = d.one(1, 3), d.one(12, 16, 20, 27, 28, 32)
    classes, name = d.one(2, 5, 10), d.one("Net", "CNN", "SimpleCNN", "ConvNet")
    init, forward = [], []
    before, side = channels, size
    for n in range(1, d.number(2, 3) + 1):
        width, kernel = d.one(4, 6, 8, 16), d.one(3, 3, 5)
        padding = d.one(0, kernel // 2, kernel // 2)
        if side - kernel + 1 < 4:
            padding = kernel // 2
        given = d.width(f"channels of conv {n}", before)
        init.append(
            f"self.conv{n} = nn.Conv2d({given}, {width}, {d.one('kernel_size=', '')}{d.slip('kernel', kernel, 2 * side + 1, kernel + 2)}, padding={padding})"
        )
        norm = d.chance(0.3)
        if norm:
            init.append(f"self.bn{n} = nn.BatchNorm2d({d.width('norm', width)})")
        call = f"self.bn{n}(self.conv{n}(x))" if norm else f"self.conv{n}(x)"
        side = window(side, kernel, 1, padding) // 2
        forward.append(f"x = {d.one('self.pool({})', 'F.max_pool2d({}, 2)').format(d.relu(call))}")
        before = width
    init.append("self.pool = nn.MaxPool2d(2, 2)")
    features, hidden = before * side * side, d.one(12, 16, 32)
    width_of_map = d.slip(
        "in_features",
        f"{before} * {side} * {side}",
        f"{before} * {side + 1} * {side + 1}",
        f"{before} * {size} * {size}",
        f"{before * 2}",
        f"{features + 2}",
    )
    init += [f"self.fc1 = nn.Linear({width_of_map}, {hidden})", f"self.fc2 = nn.Linear({d.width('second linear', hidden)}, {classes})"]
    forward += [f"x = {d.flat('x', features)}", f"x = {d.relu('self.fc1(x)')}"]
    if d.chance(0.3):
        init.append("self.dropout = nn.Dropout(0.5)")
        forward.append("x = self.dropout(x)")
    log = d.chance(0.15)
    forward += ["x = self.fc2(x)\nreturn F.log_softmax(x, dim=1)" if log else "return self.fc2(x)"]
    goal = Goal("logprob" if log else "classes", (), classes)
    return finish(
        d, Task(module(d, name, init, forward), f"{name}()", (Feed(d.one("x", "images", "inputs"), (channels, size, size)),), goal)
    )


def sequential(d: Draw) -> str:
    """`features` and `classifier`, each an `nn.Sequential`."""
    channels, size, classes = d.one(1, 3), d.one(16, 24, 28, 32), d.one(3, 10)
    layers, before, side = [], channels, size
    for n in range(d.number(2, 3)):
        width, stride = d.one(8, 12, 16), d.one(1, 2)
        layers.append(f"nn.Conv2d({d.width(f'channels {n}', before)}, {width}, kernel_size=3, stride={stride}, padding=1),")
        layers.append(f"{d.activation()},")
        side = window(side, 3, stride, 1)
        if d.chance(0.4):
            layers.insert(-1, f"nn.BatchNorm2d({d.width(f'norm {n}', width)}),")
        if stride == 1:
            layers.append(d.one("nn.MaxPool2d(2),", "nn.AvgPool2d(2),"))
            side //= 2
        before = width
    adaptive = d.one(0, 0, 1, 2)
    if adaptive:
        layers.append(
            f"nn.AdaptiveAvgPool2d({d.slip('adaptive', f'({adaptive}, {adaptive})', f'({adaptive + 1}, {adaptive})', '(3, 3)')}),"
        )
        side = adaptive
    features, hidden = before * side * side, d.one(16, 24)
    head = [
        *([f"nn.Flatten({d.slip('Flatten', '', 'start_dim=2', '0')}),"] if d.chance(0.6) else []),
        f"nn.Linear({d.slip('in_features', f'{before} * {side} * {side}', f'{before} * {side}', f'{before} * {side * 2} * {side * 2}', str(features + 1))}, {hidden}),",
        f"{d.activation()},",
        f"nn.Linear({d.width('last linear', hidden)}, num_classes),",
    ]
    init = ["self.features = nn.Sequential(", block(layers), ")", "self.classifier = nn.Sequential(", block(head), ")"]
    if "Flatten" in head[0]:
        forward = d.one(["x = self.features(x)", "return self.classifier(x)"], ["return self.classifier(self.features(x))"])
    else:
        forward = ["x = self.features(x)", f"x = {d.flat('x', features)}", "x = self.classifier(x)", "return x"]
    code = module(d, "Classifier", init, forward, args=f"num_classes={classes}")
    return finish(
        d,
        Task(
            code,
            f"Classifier({d.one('', f'num_classes={classes}')})",
            (Feed("images", (channels, size, size)),),
            Goal("classes", (), classes),
        ),
    )


def configured(d: Draw) -> str:
    """A list of widths, a loop that builds the layers, as VGG has it."""
    channels, size, classes = 3, d.one(16, 32, 24), d.one(4, 10)
    config: list[int | str] = []
    width = 8
    for _ in range(d.number(2, 3)):
        width = d.one(8, 12, 16)
        config += [width] * d.number(1, 2) + ["M"]
    pools = config.count("M")
    side = size // 2**pools
    make = [
        f"cfg = {config!r}",
        "",
        "",
        f"def make_layers(cfg, in_channels={d.width('in_channels', channels)}, batch_norm={d.one(True, False)}):",
        "    layers = []",
        "    for v in cfg:",
        "        if v == 'M':",
        f"            layers += [nn.MaxPool2d(kernel_size=2, stride={d.slip('pool stride', 2, 1, 3)})]",
        "        else:",
        "            layers.append(nn.Conv2d(in_channels, v, kernel_size=3, padding=1))",
        "            if batch_norm:",
        "                layers.append(nn.BatchNorm2d(v))",
        "            layers.append(nn.ReLU(inplace=True))",
        d.slip("loop", "            in_channels = v", "            pass"),
        "    return nn.Sequential(*layers)",
        "",
        "",
    ]
    features = width * side * side
    init = [
        "self.features = make_layers(cfg)",
        f"self.classifier = nn.Linear({d.slip('in_features', f'{width} * {side} ** 2', f'{width}', f'{width} * {size} ** 2', '512')}, num_classes)",
    ]
    forward = ["out = self.features(x)", f"out = {d.flat('out', features)}", "return self.classifier(out)"]
    code = "\n".join(make) + module(d, "VGG", init, forward, args=f"num_classes={classes}")
    return finish(d, Task(code, "VGG()", (Feed("x", (channels, size, size)),), Goal("classes", (), classes)))


def residual(d: Draw) -> str:
    """Residual blocks with a shortcut that must fit."""
    channels, size, classes = d.one(1, 3), d.one(16, 20, 32), d.one(2, 10)
    first = d.one(4, 8)
    shortcut = d.slip(
        "shortcut",
        "if stride != 1 or cin != cout:\n    self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride=stride, bias=False), nn.BatchNorm2d(cout))",
        "if cin != cout:\n    self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout))",
        "if stride != 1 or cin != cout:\n    self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 3, stride=stride, bias=False), nn.BatchNorm2d(cout))",
        "if stride != 1:\n    self.shortcut = nn.Sequential(nn.Conv2d(cin, cin, 1, stride=stride, bias=False), nn.BatchNorm2d(cin))",
        "pass",
    )
    init = [
        "self.conv1 = nn.Conv2d(cin, cout, 3, stride=stride, padding=1, bias=False)",
        "self.bn1 = nn.BatchNorm2d(cout)",
        f"self.conv2 = nn.Conv2d({d.slip('block', 'cout', 'cin')}, cout, 3, {d.slip('padding', 'padding=1', 'padding=0')}, bias=False)",
        "self.bn2 = nn.BatchNorm2d(cout)",
        "self.shortcut = nn.Sequential()",
        shortcut,
    ]
    forward = [
        "out = F.relu(self.bn1(self.conv1(x)))",
        "out = self.bn2(self.conv2(out))",
        d.one("out += self.shortcut(x)", "out = out + self.shortcut(x)"),
        "return F.relu(out)",
    ]
    code = module(d, "BasicBlock", init, forward, args="cin, cout, stride=1") + "\n\n"
    pool = d.one("self.pool(x)", "F.adaptive_avg_pool2d(x, 1)", "x.mean(dim=(2, 3))")
    widths = [first, first * 2, first * 4]
    net = [
        f"self.stem = nn.Conv2d({d.width('stem', channels)}, {first}, 3, padding=1, bias=False)",
        f"self.layer1 = self._make({first}, {first}, {d.number(1, 2)}, 1)",
        f"self.layer2 = self._make({first}, {widths[1]}, 1, 2)",
        f"self.layer3 = self._make({d.width('third stage', widths[1])}, {widths[2]}, 1, 2)",
        "self.pool = nn.AdaptiveAvgPool2d(1)",
        f"self.fc = nn.Linear({d.width('fc', widths[2])}, {classes})",
    ]
    run = [
        "x = F.relu(self.stem(x))",
        "x = self.layer3(self.layer2(self.layer1(x)))",
        f"x = {pool}",
        *([] if "mean" in pool else [f"x = {d.flat('x', widths[2])}"]),
        "return self.fc(x)",
    ]
    make = [
        "",
        "    def _make(self, cin, cout, blocks, stride):",
        "        layers = [BasicBlock(cin, cout, stride)]",
        "        for _ in range(blocks - 1):",
        "            layers.append(BasicBlock(cout, cout))",
        "        return nn.Sequential(*layers)",
        "",
    ]
    code += module(d, "ResNet", net, run) + "\n".join(make)
    return finish(d, Task(code, "ResNet()", (Feed("images", (channels, size, size)),), Goal("classes", (), classes)))


def separable(d: Draw) -> str:
    """Depthwise and pointwise convolutions, squeeze-and-excitation by hand."""
    width, wide, size = d.one(4, 8), d.one(8, 16), d.one(12, 16)
    init = [
        f"self.depthwise = nn.Conv2d(cin, cin, 3, stride=stride, padding=1, groups={d.slip('groups', 'cin', 'cout', '3', 'cin * 2')})",
        f"self.pointwise = nn.Conv2d({d.slip('pointwise', 'cin', 'cout')}, cout, {d.slip('pointwise kernel', '1', '3')})",
        "self.bn = nn.BatchNorm2d(cout)",
    ]
    code = (
        module(d, "SeparableConv", init, ["return F.relu6(self.bn(self.pointwise(self.depthwise(x))))"], args="cin, cout, stride=1")
        + "\n\n"
    )
    ratio = d.one(2, 4)
    se = [
        f"self.fc1 = nn.Linear(channels, channels // {ratio})",
        f"self.fc2 = nn.Linear(channels // {d.slip('reduction', ratio, ratio * 2)}, channels)",
    ]
    scale = d.slip("scale", "return x * s.view(b, c, 1, 1)", "return x * s", "return x * s.view(b, 1, c, 1)", "return x * s[:, :, None]")
    squeeze = d.slip("squeeze", "s = x.mean(dim=(2, 3))", "s = x.mean(dim=(1, 2))", "s = F.adaptive_avg_pool2d(x, 1)")
    code += (
        module(
            d, "SEBlock", se, ["b, c, _, _ = x.size()", squeeze, "s = torch.sigmoid(self.fc2(F.relu(self.fc1(s))))", scale], args="channels"
        )
        + "\n\n"
    )
    net = [
        f"self.stem = nn.Conv2d(3, {width}, 3, padding=1)",
        f"self.block1 = SeparableConv({width}, {wide}, stride={d.one(1, 2)})",
        f"self.se = SEBlock({d.width('se', wide)})",
        f"self.block2 = SeparableConv({wide}, {wide * 2}, stride=2)",
        f"self.head = nn.Linear({d.width('head', wide * 2)}, 6)",
    ]
    run = ["x = self.se(self.block1(self.stem(x)))", "x = self.block2(x)", "x = x.mean([2, 3])", "return self.head(x)"]
    return finish(d, Task(code + module(d, "MobileNet", net, run), "MobileNet()", (Feed("x", (3, size, size)),), Goal("classes", (), 6)))


def branches(d: Draw) -> str:
    """Parallel branches that are joined along the channels, built by a loop or one by one."""
    channels, size, each = d.one(1, 3), d.one(12, 14, 16), d.one(4, 6)
    kernels = d.one((1, 3, 5), (1, 3), (3, 5, 7))
    padding = d.slip("branch padding", "k // 2", "0", "1", "k - 1")
    init = [
        "self.branches = nn.ModuleList([",
        f"    nn.Conv2d({channels}, {each}, k, padding={padding}) for k in {kernels}",
        "])",
        f"self.reduce = nn.Conv2d({d.width('joined', each * len(kernels))}, 8, 1)",
        f"self.fc = nn.Linear(8 * {size // 2} * {size // 2}, 5)",
    ]
    dim = d.slip("cat dim", d.one("dim=1", "1"), "dim=0", "dim=2", "dim=-1")
    join = d.slip("join", f"torch.cat(outs, {dim})", "torch.stack(outs, dim=1)", "sum(outs)")
    forward = [
        "outs = [F.relu(branch(x)) for branch in self.branches]",
        f"x = {join}",
        "x = F.max_pool2d(self.reduce(x), 2)",
        f"x = {d.flat('x', 8 * (size // 2) ** 2)}",
        "return self.fc(x)",
    ]
    return finish(
        d, Task(module(d, "InceptionLike", init, forward), "InceptionLike()", (Feed("x", (channels, size, size)),), Goal("classes", (), 5))
    )


def two_inputs(d: Draw) -> str:
    """An image and a vector about it, joined before the head."""
    size, extra, hidden = d.one(12, 16), d.one(3, 5, 7), d.one(8, 16)
    init = [
        "self.cnn = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.ReLU())",
        f"self.meta = nn.Linear({d.width('meta', extra)}, {hidden})",
        f"self.head = nn.Linear({d.slip('joined width', f'8 * {size // 4} * {size // 4} + {hidden}', f'8 * {size // 4} * {size // 4}', f'8 + {hidden}', f'8 * {size // 4} * {size // 4} + {extra}')}, 1)",
    ]
    dim = d.slip("cat dim", "dim=1", "dim=0")
    joined = d.slip("image part", d.flat("self.cnn(image)", 8 * (size // 4) ** 2).replace("self.cnn(image)", "a"), "a")
    forward = ["a = self.cnn(image)", f"a = {joined}", "b = F.relu(self.meta(meta))", f"return self.head(torch.cat([a, b], {dim}))"]
    goal = d.one(Goal("values", (1,)), Goal("logit", (1,)))
    feeds = (Feed("image", (1, size, size)), Feed("meta", (extra,)))
    return finish(d, Task(module(d, "TwoInputs", init, forward, takes="image, meta"), "TwoInputs()", feeds, goal))


FAMILY = (plain, plain, sequential, sequential, configured, residual, separable, branches, two_inputs)
