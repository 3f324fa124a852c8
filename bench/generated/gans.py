"""Pairs of a generator and a discriminator with the losses of both."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, block, module
from bench.generated.scripts import guarded


def _training(d: Draw, real: str, z: str, batch: int, judged: str = "discriminator({})", label: tuple[int, ...] = (1,)) -> str:
    """The two steps of a training, with labels of ones and zeros."""
    shape = ", ".join(map(str, label))
    ones = d.slip(
        "labels",
        f"torch.ones({batch}{', ' + shape if shape else ''})",
        f"torch.ones({batch})" if label else f"torch.ones({batch}, 1)",
        f"torch.ones({batch + 1}{', ' + shape if shape else ''})",
        f"torch.ones({batch}, 2)",
    )
    fake = "generator(z)"
    lines = [
        f"real = {real}",
        f"z = {z}",
        f"valid = {ones}",
        "invalid = torch.zeros_like(valid)",
        "opt_d.zero_grad()",
        f"d_loss = criterion({judged.format('real')}, valid) + criterion({judged.format(f'{fake}.detach()')}, invalid)",
        "d_loss.backward()",
        "opt_d.step()",
        "opt_g.zero_grad()",
        f"g_loss = criterion({judged.format(fake)}, {d.slip('generator target', 'valid', 'valid[:-1]', 'valid.unsqueeze(0)')})",
        "g_loss.backward()",
        "opt_g.step()",
    ]
    start = [
        "generator, discriminator = Generator(), Discriminator()",
        "opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))",
        "opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4)",
        "criterion = nn.BCELoss()",
    ]
    return "\n".join([*start, f"for epoch in range({d.number(1, 2)}):", block(guarded(d, lines, 0.2)), '    print(epoch, "done")'])


def dense(d: Draw) -> str:
    """Linear layers on both sides; the image is viewed in between."""
    side, z, hidden, batch = d.one(8, 12), d.one(6, 10), d.one(16, 24), d.number(2, 6)
    width = side * side
    generator = module(
        d,
        "Generator",
        [
            "self.net = nn.Sequential(",
            f"    nn.Linear({d.width('z', z)}, {hidden}),",
            "    nn.LeakyReLU(0.2),",
            f"    nn.Linear({d.width('generator', hidden)}, {d.slip('image width', width, width + side, width - 1)}),",
            "    nn.Tanh(),",
            ")",
        ],
        [f"return self.net(z).view(-1, 1, {side}, {side})"],
        takes="z",
    )
    flat = d.flat("img", width)
    discriminator = module(
        d,
        "Discriminator",
        [
            "self.net = nn.Sequential(",
            f"    nn.Linear({d.slip('flat width', width, side, width * 3)}, {hidden}),",
            "    nn.LeakyReLU(0.2),",
            f"    nn.Linear({d.width('discriminator', hidden)}, {d.slip('verdict', 1, 2)}),",
            "    nn.Sigmoid(),",
            ")",
        ],
        [f"return self.net({flat})"],
        takes="img",
    )
    real = f"torch.randn({batch}, {d.slip('real images', f'1, {side}, {side}', f'3, {side}, {side}', f'1, {side + 2}, {side + 2}', f'{width}')})"
    return d.head() + "\n\n" + generator + "\n\n" + discriminator + "\n\n" + _training(d, real, f"torch.randn({batch}, {z})", batch) + "\n"


def convolutional(d: Draw) -> str:
    """A DCGAN of 16 or 32 pixels."""
    z, width, channels, batch = d.one(8, 16), d.one(4, 8), d.one(1, 3), d.number(2, 4)
    stages = d.one(2, 3)
    size = 4 * 2**stages
    up = [
        f"nn.ConvTranspose2d({d.width('z', z)}, {width * 2 ** (stages - 1)}, 4, 1, 0, bias=False),",
        f"nn.BatchNorm2d({width * 2 ** (stages - 1)}),",
        "nn.ReLU(True),",
    ]
    for n in reversed(range(1, stages)):
        up += [
            f"nn.ConvTranspose2d({d.width(f'up {n}', width * 2**n)}, {width * 2 ** (n - 1)}, 4, 2, 1, bias=False),",
            f"nn.BatchNorm2d({width * 2 ** (n - 1)}),",
            "nn.ReLU(True),",
        ]
    up += [
        f"nn.ConvTranspose2d({width}, {d.slip('channels out', channels, 4 - channels)}, {d.slip('last kernel', '4, 2, 1', '4, 1, 0', '3, 2, 1')}, bias=False),",
        "nn.Tanh(),",
    ]
    down, before = [], channels
    for n in range(stages):
        down += [
            f"nn.Conv2d({d.width(f'down {n}', before)}, {width * 2**n}, 4, {d.slip(f'stride {n}', 2, 1)}, 1, bias=False),",
            "nn.LeakyReLU(0.2, inplace=True),",
        ]
        before = width * 2**n
    down += [f"nn.Conv2d({before}, 1, {d.slip('last conv', 4, 2, 5)}, 1, 0, bias=False),", "nn.Sigmoid(),"]
    generator = module(d, "Generator", ["self.main = nn.Sequential(", block(up), ")"], ["return self.main(input)"], takes="input")
    flat = d.one(".view(-1)", ".view(-1, 1)", ".flatten()")
    discriminator = module(
        d, "Discriminator", ["self.main = nn.Sequential(", block(down), ")"], [f"return self.main(input){flat}"], takes="input"
    )
    noise = d.slip(
        "noise",
        f"torch.randn({batch}, {z}, 1, 1)",
        f"torch.randn({batch}, {z})",
        f"torch.randn({batch}, {z}, 2, 2)",
        f"torch.randn({z}, {batch}, 1, 1)",
    )
    label = (1,) if "-1, 1" in flat else ()
    return (
        d.head()
        + "\n\n"
        + generator
        + "\n\n"
        + discriminator
        + "\n\n"
        + _training(d, f"torch.randn({batch}, {channels}, {size}, {size})", noise, batch, label=label)
        + "\n"
    )


def conditional(d: Draw) -> str:
    """Labels are embedded and joined with the noise and with the image."""
    classes, z, side, hidden, batch = d.one(4, 10), d.one(6, 8), 8, d.one(16, 24), d.number(3, 5)
    width = side * side
    generator = module(
        d,
        "Generator",
        [
            f"self.label_emb = nn.Embedding({classes}, {classes})",
            f"self.fc1 = nn.Linear({d.slip('joined noise', f'{z} + {classes}', f'{z}', f'{z} * {classes}')}, {hidden})",
            f"self.fc2 = nn.Linear({hidden}, {width})",
        ],
        [
            f"x = torch.cat([{d.slip('embedded', 'self.label_emb(labels)', 'labels')}, z], dim={d.slip('cat dim', 1, 0)})",
            "x = F.leaky_relu(self.fc1(x), 0.2)",
            f"return torch.tanh(self.fc2(x)).view(x.size(0), 1, {side}, {d.slip('image view', side, side + 1)})",
        ],
        takes="z, labels",
    )
    discriminator = module(
        d,
        "Discriminator",
        [
            f"self.label_emb = nn.Embedding({classes}, {d.slip('embedding', classes, classes + 2)})",
            f"self.fc1 = nn.Linear({d.slip('joined image', f'{width} + {classes}', f'{width}')}, {hidden})",
            f"self.fc2 = nn.Linear({d.width('fc2', hidden)}, 1)",
        ],
        [
            f"x = torch.cat([{d.flat('img', width)}, self.label_emb(labels)], 1)",
            "return torch.sigmoid(self.fc2(F.leaky_relu(self.fc1(x), 0.2)))",
        ],
        takes="img, labels",
    )
    labels = d.slip(
        "label batch",
        f"torch.randint(0, {classes}, ({batch},))",
        f"torch.randint(0, {classes}, ({batch + 1},))",
        f"torch.randint(0, {classes}, ({batch}, 1))",
        f"torch.randint(0, {classes + 9}, ({batch},))",
    )
    code = [
        "generator, discriminator = Generator(), Discriminator()",
        f"labels = {labels}",
        f"z = torch.randn({batch}, {z})",
        f"real = torch.randn({batch}, 1, {side}, {side})",
        "fake = generator(z, labels)",
        f"valid, invalid = torch.ones({batch}, 1), torch.zeros({d.slip('zeros', f'{batch}, 1', f'{batch}')})",
        "adversarial = nn.BCELoss()",
        "g_loss = adversarial(discriminator(fake, labels), valid)",
        "g_loss.backward()",
        "d_loss = (adversarial(discriminator(real, labels), valid) + adversarial(discriminator(fake.detach(), labels), invalid)) / 2",
        "d_loss.backward()",
        "print(g_loss.item(), d_loss.item())",
    ]
    return d.head() + "\n\n" + generator + "\n\n" + discriminator + "\n\n" + "\n".join(code) + "\n"


def wasserstein(d: Draw) -> str:
    """A critic with a gradient penalty."""
    width, z, hidden, batch = d.one(12, 20), d.one(4, 6), d.one(10, 16), d.number(3, 6)
    generator = module(
        d,
        "Generator",
        [
            f"self.net = nn.Sequential(nn.Linear({z}, {hidden}), nn.ReLU(), nn.Linear({d.width('generator', hidden)}, {d.slip('made width', width, width + 1)}))"
        ],
        ["return self.net(z)"],
        takes="z",
    )
    critic = module(
        d,
        "Critic",
        [f"self.net = nn.Sequential(nn.Linear({d.width('critic', width)}, {hidden}), nn.LeakyReLU(0.2), nn.Linear({hidden}, 1))"],
        ["return self.net(x)"],
    )
    alpha = d.slip(
        "alpha", "torch.rand(real.size(0), 1)", "torch.rand(real.size(0))", "torch.rand(real.size(0), 1, 1)", "torch.rand(real.size(1), 1)"
    )
    outputs = d.slip("grad_outputs", "torch.ones_like(scores)", "torch.ones(scores.size(0))", f"torch.ones({batch + 1}, 1)")
    code = [
        "def gradient_penalty(critic, real, fake):",
        f"    alpha = {alpha}",
        "    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)",
        "    scores = critic(mixed)",
        f"    grads = torch.autograd.grad(scores, mixed, grad_outputs={outputs}, create_graph=True)[0]",
        f"    return ((grads.{d.slip('norm dim', 'view(grads.size(0), -1).norm(2, dim=1)', 'norm(2, dim=2)', 'view(grads.size(0), -1, 3).norm(2, dim=1)')} - 1) ** 2).mean()",
        "",
        "",
        "G, D = Generator(), Critic()",
        "opt = torch.optim.RMSprop(D.parameters(), lr=5e-5)",
        f"for step in range({d.number(1, 3)}):",
        f"    real = torch.randn({batch}, {d.slip('real', width, width * 2)})",
        f"    fake = G(torch.randn({d.slip('fake batch', batch, batch + 1)}, {z})).detach()",
        "    loss = D(fake).mean() - D(real).mean() + 10 * gradient_penalty(D, real, fake)",
        "    opt.zero_grad()",
        "    loss.backward()",
        "    opt.step()",
    ]
    return d.head() + "\n\n" + generator + "\n\n" + critic + "\n\n" + "\n".join(code) + "\n"


FAMILY = (dense, dense, convolutional, convolutional, conditional, wasserstein)
