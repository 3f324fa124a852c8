"""Autoencoders, variational ones, U-Nets with odd sizes, segmentation, super-resolution."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, back, block, module, window
from bench.generated.scripts import Feed, Goal, Task, finish


def dense(d: Draw) -> str:
    """Linear layers down and up again."""
    width, middle, latent = d.one(64, 100, 196), d.one(24, 32), d.one(3, 8)
    last = d.one("nn.Sigmoid(),", "nn.Tanh(),", "")
    encoder = [f"nn.Linear({d.width('first', width)}, {middle}),", f"{d.activation()},", f"nn.Linear({middle}, {latent}),"]
    decoder = [
        f"nn.Linear({d.width('latent', latent)}, {middle}),",
        f"{d.activation()},",
        f"nn.Linear({d.width('decoder', middle)}, {d.slip('last', width, width - 4, width * 2, 1)}),",
        last,
    ]
    init = [
        "self.encoder = nn.Sequential(",
        block(encoder),
        ")",
        "self.decoder = nn.Sequential(",
        block([line for line in decoder if line]),
        ")",
    ]
    forward = d.one(["z = self.encoder(x)", "return self.decoder(z)"], ["return self.decoder(self.encoder(x))"])
    return finish(d, Task(module(d, "Autoencoder", init, forward), "Autoencoder()", (Feed("x", (width,)),), Goal("same")))


def convolutional(d: Draw) -> str:
    """Strided convolutions, and transposed ones back to the same size."""
    channels, size, first = d.one(1, 3), d.one(16, 20, 28), d.one(4, 8)
    kernel = d.one(3, 4)
    first_side = window(size, kernel, 2, 1)
    second = window(first_side, kernel, 2, 1)
    more = [first_side - back(second, kernel, 2, 1), size - back(first_side, kernel, 2, 1)]
    encoder = [
        f"nn.Conv2d({channels}, {first}, {kernel}, stride=2, padding=1),",
        "nn.ReLU(),",
        f"nn.Conv2d({d.width('second conv', first)}, {first * 2}, {kernel}, stride=2, padding=1),",
        "nn.ReLU(),",
    ]
    out = d.slip("output_padding", more[1], 1 - more[1], 2)
    decoder = [
        f"nn.ConvTranspose2d({d.width('decoder', first * 2)}, {first}, {kernel}, stride=2, padding=1{f', output_padding={more[0]}' if more[0] else ''}),",
        "nn.ReLU(),",
        f"nn.ConvTranspose2d({first}, {d.slip('channels out', channels, channels + 1, 4 - channels)}, {d.slip('kernel', kernel, kernel + 1)}, stride=2, padding=1{f', output_padding={out}' if out else ''}),",
        "nn.Sigmoid(),",
    ]
    init = ["self.encoder = nn.Sequential(", block(encoder), ")", "self.decoder = nn.Sequential(", block(decoder), ")"]
    return finish(
        d,
        Task(
            module(d, "ConvAutoencoder", init, ["return self.decoder(self.encoder(x))"]),
            "ConvAutoencoder()",
            (Feed("images", (channels, size, size)),),
            Goal("same"),
        ),
    )


def variational(d: Draw) -> str:
    """A VAE whose loss is written by hand."""
    side = d.one(8, 14)
    width, hidden, latent = side * side, d.one(20, 32), d.one(2, 4, 6)
    init = [
        f"self.fc1 = nn.Linear({d.width('fc1', width)}, {hidden})",
        f"self.fc_mu = nn.Linear({hidden}, {latent})",
        f"self.fc_logvar = nn.Linear({hidden}, {d.slip('logvar', latent, latent + 1, 1)})",
        f"self.fc3 = nn.Linear({d.width('fc3', latent)}, {hidden})",
        f"self.fc4 = nn.Linear({hidden}, {width})",
    ]
    reparam = [
        "",
        "    def reparameterize(self, mu, logvar):",
        "        std = torch.exp(0.5 * logvar)",
        f"        eps = {d.slip('noise', 'torch.randn_like(std)', 'torch.randn(std.size(1), std.size(0))', f'torch.randn({latent + 1})')}",
        "        return mu + eps * std",
        "",
    ]
    forward = [
        f"h = F.relu(self.fc1({d.slip('view', f'x.view(-1, {width})', 'x', f'x.view(-1, {width // 2})')}))",
        "mu, logvar = self.fc_mu(h), self.fc_logvar(h)",
        "z = self.reparameterize(mu, logvar)",
        "return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar",
    ]
    given = d.slip("target", f"x.view(-1, {width})", "x", f"x.view(-1, 1, {width})")
    loss = [
        "",
        "",
        "def loss_function(recon, x, mu, logvar):",
        f"    bce = F.binary_cross_entropy(recon, {given}, reduction='sum')",
        "    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())",
        "    return bce + kld",
        "",
    ]
    batch = d.number(2, 6)
    run = [
        "",
        "model = VAE()",
        "optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)",
        f"for step in range({d.number(1, 3)}):",
        f"    x = torch.rand({batch}, 1, {side}, {d.slip('image', side, side + 1)})",
        "    recon, mu, logvar = model(x)",
        "    loss = loss_function(recon, x, mu, logvar)",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
    ]
    if d.chance(0.5):
        run += [
            "with torch.no_grad():",
            f"    sample = torch.randn(4, {latent})",
            f"    image = {d.slip('sampling', 'torch.sigmoid(model.fc4(F.relu(model.fc3(sample))))', 'torch.sigmoid(model.fc4(model.fc1(sample)))')}.view({d.slip('sample view', f'4, 1, {side}, {side}', f'4, 1, {side}, {side + 2}')})",
        ]
    return d.head() + "\n\n" + module(d, "VAE", init, forward) + "\n".join([*reparam, *loss, *run]) + "\n"


def unet(d: Draw) -> str:
    """A U-Net with `ConvTranspose2d`, skips and padding of odd sizes."""
    channels, classes, base, size = d.one(1, 3), d.one(2, 3), d.one(4, 6), d.one(16, 20, 18, 25)
    conv = module(
        d,
        "DoubleConv",
        [
            "self.net = nn.Sequential(",
            f"    nn.Conv2d(cin, cout, 3, padding={d.slip('double conv', 1, 0)}),",
            "    nn.BatchNorm2d(cout),",
            "    nn.ReLU(inplace=True),",
            f"    nn.Conv2d({d.slip('inner', 'cout', 'cin')}, cout, 3, padding=1),",
            "    nn.ReLU(inplace=True),",
            ")",
        ],
        ["return self.net(x)"],
        args="cin, cout",
    )
    pads = d.slip("pad", "x = F.pad(x, [dw // 2, dw - dw // 2, dh // 2, dh - dh // 2])", "pass", "x = F.pad(x, [dh // 2, dw // 2])")
    up = module(
        d,
        "Up",
        [
            "self.up = nn.ConvTranspose2d(cin, cin // 2, 2, stride=2)",
            f"self.conv = DoubleConv({d.slip('up', 'cin', 'cin // 2', 'cin * 2')}, cout)",
        ],
        [
            "x = self.up(x)",
            "dh, dw = skip.size(2) - x.size(2), skip.size(3) - x.size(3)",
            pads,
            f"x = torch.cat([skip, x], dim={d.slip('cat dim', 1, 0, 2)})",
            "return self.conv(x)",
        ],
        args="cin, cout",
        takes="x, skip",
    )
    init = [
        f"self.inc = DoubleConv({d.width('inc', channels)}, {base})",
        f"self.down1 = DoubleConv({base}, {base * 2})",
        f"self.down2 = DoubleConv({d.width('down2', base * 2)}, {base * 4})",
        f"self.up1 = Up({base * 4}, {base * 2})",
        f"self.up2 = Up({d.width('up2', base * 2)}, {base})",
        f"self.outc = nn.Conv2d({d.width('outc', base)}, {classes}, 1)",
    ]
    forward = [
        "x1 = self.inc(x)",
        "x2 = self.down1(F.max_pool2d(x1, 2))",
        "x3 = self.down2(F.max_pool2d(x2, 2))",
        f"x = self.up1(x3, {d.slip('skip', 'x2', 'x1', 'x3')})",
        "x = self.up2(x, x1)",
        "return self.outc(x)",
    ]
    code = "\n\n".join([conv, up, module(d, "UNet", init, forward)])
    return finish(d, Task(code, "UNet()", (Feed("images", (channels, size, size)),), Goal("classes", (size, size), classes)))


def upsampled(d: Draw) -> str:
    """A U-Net built by loops over a list of widths, with upsampling."""
    widths = d.one([4, 8, 16], [6, 12], [4, 8, 12])
    depth = len(widths)
    odd = d.slip("odd size", 0, 1, 2)
    size = 2**depth * d.one(2, 3) * 2 + odd
    init = [
        f"features = {widths}",
        "self.downs = nn.ModuleList()",
        "self.ups = nn.ModuleList()",
        "cin = in_channels",
        "for f in features:",
        "    self.downs.append(nn.Sequential(nn.Conv2d(cin, f, 3, padding=1), nn.ReLU()))",
        d.slip("loop", "    cin = f", "    pass"),
        f"self.bottleneck = nn.Conv2d(features[-1], features[-1] * 2, 3, {d.slip('bottleneck', 'padding=1', 'padding=0')})",
        "cin = features[-1] * 2",
        "for f in reversed(features):",
        f"    self.ups.append(nn.Sequential(nn.Conv2d({d.slip('joined', 'cin + f', 'cin', 'f * 2')}, f, 3, padding=1), nn.ReLU()))",
        "    cin = f",
        "self.final = nn.Conv2d(features[0], out_channels, 1)",
    ]
    skip = d.slip("order", "reversed(skips)", "skips", "skips[::-1][1:]")
    forward = [
        "skips = []",
        "for down in self.downs:",
        "    x = down(x)",
        "    skips.append(x)",
        f"    x = {d.one('F.max_pool2d(x, 2)', 'F.avg_pool2d(x, 2)')}",
        "x = F.relu(self.bottleneck(x))",
        f"for up, skip in zip(self.ups, {skip}):",
        f"    x = F.interpolate(x, scale_factor=2, mode={d.one(repr('nearest'), repr('bilinear'))})",
        "    x = up(torch.cat((x, skip), dim=1))",
        "return self.final(x)",
    ]
    goal = d.one(Goal("logit", (1, size, size)), Goal("values", (1, size, size)))
    return finish(
        d, Task(module(d, "UNet", init, forward, args="in_channels=3, out_channels=1"), "UNet()", (Feed("images", (3, size, size)),), goal)
    )


def pixelshuffle(d: Draw) -> str:
    """Super-resolution: channels become pixels."""
    factor, width, size = d.one(2, 3), d.one(8, 12), d.one(8, 12)
    init = [
        f"self.conv1 = nn.Conv2d(1, {width}, 5, padding=2)",
        f"self.conv2 = nn.Conv2d({d.width('second', width)}, {d.slip('shuffled', f'{factor} ** 2', f'{factor} ** 2 + 1', f'{factor}', f'{factor * 2} ** 2')}, 3, padding=1)",
        f"self.shuffle = nn.PixelShuffle({d.slip('factor', factor, 5 - factor)})",
    ]
    forward = [f"x = {d.relu('self.conv1(x)')}", "return self.shuffle(self.conv2(x))"]
    return finish(
        d,
        Task(
            module(d, "ESPCN", init, forward), "ESPCN()", (Feed("low", (1, size, size)),), Goal("values", (1, size * factor, size * factor))
        ),
    )


def latent(d: Draw) -> str:
    """A decoder from a vector: linear, view, transposed convolutions."""
    z, width, side = d.one(8, 16), d.one(8, 12), d.one(3, 4)
    init = [
        f"self.fc = nn.Linear({d.width('fc', z)}, {width} * {side} * {side})",
        f"self.deconv1 = nn.ConvTranspose2d({width}, {width // 2}, 4, stride=2, padding=1)",
        f"self.deconv2 = nn.ConvTranspose2d({d.width('second', width // 2)}, 1, 4, stride=2, padding=1)",
    ]
    view = d.slip(
        "view",
        f"x.view(-1, {width}, {side}, {side})",
        f"x.view(-1, {width}, {side + 1}, {side + 1})",
        f"x.view(-1, {side}, {side}, {width})",
        f"x.view({width}, {side}, {side})",
        "x",
    )
    forward = ["x = F.relu(self.fc(x))", f"x = {view}", "x = F.relu(self.deconv1(x))", "return torch.tanh(self.deconv2(x))"]
    return finish(d, Task(module(d, "Decoder", init, forward), "Decoder()", (Feed("z", (z,)),), Goal("values", (1, side * 4, side * 4))))


FAMILY = (dense, convolutional, convolutional, variational, unet, unet, upsampled, pixelshuffle, latent)
