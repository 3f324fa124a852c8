"""Losses of all kinds on a small model or on plain tensors, the library's and ones written by hand."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, block
from bench.generated.scripts import guarded


def _run(d: Draw, setup: list[str], loss: list[str], functions: str = "") -> str:
    lines = [*setup, *guarded(d, [*loss, d.one("loss.backward()", "print(loss.item())", "loss.backward()\nprint(loss.item())")], 0.2)]
    if d.chance(0.3):
        return d.head() + "\n\n" + functions + "def main():\n" + block(lines) + "\n\n\nmain()\n"
    return d.head() + "\n\n" + functions + "\n".join(lines) + "\n"


def elementwise(d: Draw) -> str:
    """Losses that compare element by element, or should."""
    batch, width, out = d.number(3, 6), d.one(4, 6), d.one(1, 1, 2, 3)
    name = d.one("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCEWithLogitsLoss", "BCELoss", "PoissonNLLLoss", "SoftMarginLoss")
    right = f"{batch}, {out}"
    shape = d.slip("target", right, f"{batch}", f"{batch}, {out + 1}", f"{batch + 1}, {out}", f"{batch}, {out}, 1", f"{out}, {batch}", "1")
    made = f"torch.rand({shape})" if "BCE" in name else f"torch.randn({shape})"
    wanted = d.slip("kind", made, f"torch.ones({right}, dtype=torch.long)", f"torch.zeros({right}).bool()")
    guess = "torch.sigmoid(model(x))" if name == "BCELoss" else "model(x)"
    weight = (
        f"pos_weight=torch.ones({d.slip('pos_weight', out, out + 1, batch + 2)})" if name == "BCEWithLogitsLoss" and d.chance(0.5) else ""
    )
    reduction = "reduction='none'" if not weight and d.chance(0.2) else ""
    call = "loss = criterion(pred, y)" + (f"{d.slip('reduced', '.mean()', '')}" if reduction else "")
    given = d.slip("squeeze", "pred", "pred.squeeze()", "pred.unsqueeze(1)", "pred[0]") if d.chance(0.5) else "pred"
    return _run(
        d,
        [
            f"model = nn.Linear({width}, {out})",
            f"x = torch.randn({batch}, {d.width('width', width)})",
            f"y = {wanted}",
            f"criterion = nn.{name}({weight}{reduction})",
        ],
        [f"pred = {guess}", call.replace("pred", given, 1)],
    )


def classes(d: Draw) -> str:
    """Cross entropy and NLL with weights, smoothing, ignored labels and probabilities."""
    batch, count, width = d.number(3, 6), d.one(3, 4, 7), d.one(5, 8)
    kind = d.one("plain", "weight", "ignore", "smooth", "probabilities", "nll", "functional", "map", "none")
    labels = f"torch.randint(0, {count}, ({batch},))"
    wrong = (
        f"torch.randint(0, {count}, ({batch}, 1))",
        f"torch.randint(0, {count}, ({batch + 1},))",
        f"F.one_hot({labels}, {count})",
        f"{labels}.float()",
        f"torch.randint({count - 1}, {count + 2}, ({batch},))",
        "torch.tensor(1)",
        f"{labels}.int()",
    )
    setup = [f"model = nn.Linear({width}, {count})", f"x = torch.randn({batch}, {width})", f"y = {d.slip('labels', labels, *wrong)}"]
    logits = d.slip("logits", "model(x)", "model(x).T", "model(x).unsqueeze(1)", "model(x)[:, 0]", "model(x).argmax(1)", "model(x)[0]")
    arguments = {
        "weight": f"weight=torch.ones({d.slip('weights', count, count + 1, 2)})",
        "ignore": "ignore_index=0",
        "smooth": "label_smoothing=0.1",
        "none": "reduction='none'",
    }.get(kind, "")
    if kind == "probabilities":
        setup[-1] = (
            f"y = {d.slip('probabilities', f'torch.softmax(torch.randn({batch}, {count}), dim=1)', f'torch.softmax(torch.randn({batch}, {count + 1}), dim=1)', f'torch.softmax(torch.randn({count}, {batch}), dim=1)')}"
        )
    if kind == "map":
        side = d.one(4, 6)
        shapes = (f"{batch}, 1, {side}, {side}", f"{batch}, {side}, {side + 1}", f"{batch}, {count}, {side}, {side}", f"{side}, {side}")
        setup = [
            f"model = nn.Conv2d(3, {count}, 3, padding={d.slip('padding', 1, 0)})",
            f"x = torch.randn({batch}, 3, {side}, {side})",
            f"y = torch.randint(0, {count}, ({d.slip('label map', f'{batch}, {side}, {side}', *shapes)}))",
        ]
        return _run(
            d,
            setup,
            [
                f"loss = nn.CrossEntropyLoss()({d.slip('scores', 'model(x)', 'model(x).permute(0, 2, 3, 1)', 'model(x).flatten(2)', 'model(x).mean((2, 3))')}, y)"
            ],
        )
    if kind == "nll":
        return _run(d, setup, [f"log_probs = F.log_softmax({logits}, dim={d.slip('dim', 1, 2)})", "loss = F.nll_loss(log_probs, y)"])
    if kind == "functional":
        return _run(d, setup, [f"loss = F.cross_entropy({d.slip('arguments', f'{logits}, y', 'y, model(x)')})"])
    return _run(
        d,
        [*setup, f"criterion = nn.CrossEntropyLoss({arguments})"],
        [f"loss = criterion({logits}, y)" + (d.slip("mean", ".mean()", "") if kind == "none" else "")],
    )


def divergences(d: Draw) -> str:
    """KL between students and teachers, Gaussian NLL."""
    batch, count, width = d.number(3, 5), d.one(4, 6), d.one(5, 8)
    setup = [
        f"student = nn.Linear({width}, {d.width('student', count)})",
        f"teacher = nn.Linear({width}, {count})",
        f"x = torch.randn({batch}, {width})",
        f"T = {d.one('2.0', '4.0')}",
    ]
    if d.chance(0.6):
        loss = [
            f"with torch.no_grad():\n    soft = F.softmax(teacher({d.slip('teacher input', 'x', 'x[:-1]', 'x[0]', 'x.T')}) / T, dim=-1)",
            "loss = F.kl_div(F.log_softmax(student(x) / T, dim=-1), soft, reduction='batchmean') * T ** 2",
        ]
        return _run(d, setup, loss)
    var = d.slip(
        "variance",
        f"torch.ones({batch}, {count})",
        f"torch.ones({batch})",
        f"torch.ones({batch}, {count + 1})",
        f"torch.ones({batch}, 1)",
        f"torch.ones({count})",
    )
    return _run(d, setup, [f"loss = nn.GaussianNLLLoss()(student(x), teacher(x).detach(), {var})"])


def distances(d: Draw) -> str:
    """Triplets, pairs, rankings, margins."""
    batch, width, out = d.number(3, 6), d.one(5, 8), d.one(4, 6)
    kind = d.one("triplet", "cosine", "ranking", "multimargin", "hinge", "contrastive")
    setup = [
        f"net = nn.Sequential(nn.Linear({d.width('net', width)}, {out}), nn.ReLU(), nn.Linear({d.width('second', out)}, {out}))",
        f"a = net(torch.randn({batch}, {width}))",
        f"b = net(torch.randn({d.slip('second batch', batch, batch + 1, batch - 1)}, {width}))",
    ]
    if kind == "triplet":
        return _run(
            d,
            [*setup, f"c = net(torch.randn({batch}, {width}))"],
            [f"loss = nn.TripletMarginLoss(margin={d.one(0.5, 1.0)})(a, b, {d.slip('negative', 'c', 'c[:2]', 'c[:, :-1]', 'c.T')})"],
        )
    if kind == "cosine":
        return _run(d, setup, [f"loss = nn.CosineEmbeddingLoss()(a, b, torch.ones({d.slip('sign', batch, batch + 1, f'{batch}, 1', 1)}))"])
    if kind == "ranking":
        return _run(
            d,
            setup,
            [f"loss = nn.MarginRankingLoss()(a.mean(1), b.mean(1), torch.ones({d.slip('sign', batch, batch + 2, f'{batch}, 1')}))"],
        )
    if kind == "multimargin":
        return _run(
            d,
            setup[:2],
            [
                f"loss = nn.MultiMarginLoss()(a, torch.randint(0, {out}, ({d.slip('labels', batch, batch + 1, f'{batch}, 1')},)))".replace(
                    "1,)", "1)"
                )
            ],
        )
    if kind == "hinge":
        return _run(
            d,
            setup,
            [f"loss = F.hinge_embedding_loss((a - b).pow(2).sum({d.slip('sum', 1, 2)}), torch.ones({d.slip('sign', batch, batch + 1)}))"],
        )
    pair = [
        "def contrastive(a, b, same, margin=1.0):",
        f"    dist = F.pairwise_distance({d.slip('pair', 'a, b', 'a, b.T', 'a, b[:, :2]')})",
        f"    return (same * dist.pow(2) + (1 - same) * F.relu(margin - dist).pow(2)).{d.slip('mean', 'mean()', 'mean(1)')}",
        "",
        "",
        "",
    ]
    return _run(
        d, setup, [f"loss = contrastive(a, b, torch.randint(0, 2, ({d.slip('labels', batch, batch + 1)},)).float())"], "\n".join(pair)
    )


def by_hand(d: Draw) -> str:
    """Dice, focal, NT-Xent, smoothed labels, IoU of boxes."""
    kind, batch = d.one("dice", "focal", "ntxent", "smooth", "boxes"), d.number(3, 5)
    if kind == "dice":
        side = d.one(6, 8)
        functions = [
            "def dice_loss(pred, target, eps=1.0):",
            f"    pred = torch.sigmoid(pred).{d.slip('flatten', 'view(pred.size(0), -1)', 'view(-1, 7)', 'view(pred.size(1), -1)')}",
            f"    target = target.{d.slip('target flatten', 'view(target.size(0), -1)', 'view(-1)')}",
            f"    inter = (pred * target).sum({d.slip('sum', 1, 2)})",
            "    return 1 - ((2 * inter + eps) / (pred.sum(1) + target.sum(1) + eps)).mean()",
            "",
            "",
            "",
        ]
        return _run(
            d,
            [
                "model = nn.Conv2d(3, 1, 3, padding=1)",
                f"x = torch.randn({batch}, 3, {side}, {side})",
                f"y = (torch.rand({d.slip('mask', f'{batch}, 1, {side}, {side}', f'{batch}, 1, {side}, {side + 1}', f'{batch}, 2, {side}, {side}')}) > 0.5).float()",
            ],
            ["loss = dice_loss(model(x), y)"],
            "\n".join(functions),
        )
    count = d.one(3, 5)
    if kind == "focal":
        functions = [
            "def focal_loss(logits, target, gamma=2.0):",
            "    log_p = F.log_softmax(logits, dim=-1)",
            f"    log_pt = log_p.gather(1, {d.slip('index', 'target.unsqueeze(1)', 'target', 'target.unsqueeze(0)', 'target.unsqueeze(1).float()')}).squeeze(1)",
            "    return -((1 - log_pt.exp()) ** gamma * log_pt).mean()",
            "",
            "",
            "",
        ]
        return _run(
            d,
            [
                f"model = nn.Linear(6, {count})",
                f"x = torch.randn({batch}, 6)",
                f"y = torch.randint(0, {d.slip('classes', count, count + 20)}, ({d.slip('labels', batch, batch + 1)},))",
            ],
            ["loss = focal_loss(model(x), y)"],
            "\n".join(functions),
        )
    if kind == "ntxent":
        functions = [
            "def nt_xent(a, b, t=0.5):",
            f"    z = F.normalize(torch.cat([a, b], dim={d.slip('cat dim', 0, 1)}), dim=1)",
            f"    sim = {d.slip('similarity', 'z @ z.t()', 'z @ z', 'torch.bmm(z, z.t())')} / t",
            "    n = a.size(0)",
            "    mask = torch.eye(2 * n, dtype=torch.bool)",
            "    sim = sim.masked_fill(mask, -1e9)",
            f"    target = torch.cat([torch.arange(n, 2 * n), torch.arange({d.slip('second half', 'n', 'n + 1')})])",
            "    return F.cross_entropy(sim, target)",
            "",
            "",
            "",
        ]
        return _run(
            d,
            [
                "model = nn.Linear(6, 4)",
                f"a, b = model(torch.randn({batch}, 6)), model(torch.randn({d.slip('views', batch, batch + 1)}, 6))",
            ],
            ["loss = nt_xent(a, b)"],
            "\n".join(functions),
        )
    if kind == "smooth":
        functions = [
            "def smooth_ce(logits, target, eps=0.1):",
            "    n = logits.size(-1)",
            "    soft = torch.full_like(logits, eps / (n - 1))",
            f"    soft.scatter_(1, {d.slip('scatter', 'target.unsqueeze(1)', 'target', 'target[:, None, None]')}, 1 - eps)",
            f"    return -(soft * F.log_softmax(logits, dim=1)).sum({d.slip('sum', 'dim=1', 'dim=2')}).mean()",
            "",
            "",
            "",
        ]
        return _run(
            d,
            [
                f"model = nn.Linear(6, {count})",
                f"x = torch.randn({batch}, 6)",
                f"y = torch.randint(0, {count}, ({d.slip('labels', batch, batch * 2)},))",
            ],
            ["loss = smooth_ce(model(x), y)"],
            "\n".join(functions),
        )
    boxes = d.number(3, 5)
    functions = [
        "def iou(a, b):",
        f"    top = torch.max({d.slip('top', 'a[:, None, :2], b[None, :, :2]', 'a[:, :2], b[:, :2]', 'a[:, None, :2], b[:, :, :2]')})",
        f"    low = torch.min(a[:, None, 2:], b[None, :, {d.slip('low', '2:', '1:')}])",
        "    inter = (low - top).clamp(min=0).prod(2)",
        "    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(1), (b[:, 2:] - b[:, :2]).prod(1)",
        f"    return inter / ({d.slip('area', 'area_a[:, None] + area_b', 'area_a + area_b')} - inter)",
        "",
        "",
        "",
    ]
    return _run(
        d,
        [
            "head = nn.Linear(8, 4)",
            f"a = head(torch.randn({boxes}, 8)).abs()",
            f"b = torch.rand({boxes + 2}, {d.slip('coordinates', 4, 5)})",
        ],
        ["loss = 1 - iou(a, b).max(dim=1).values.mean()"],
        "\n".join(functions),
    )


FAMILY = (elementwise, elementwise, classes, classes, divergences, distances, by_hand)
