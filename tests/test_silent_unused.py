"""What a run knows of idle parameters, and where the sources read an attribute: what cases cannot show one by one."""

from __future__ import annotations

from typing import Any

import pytest

from shapewright.model import Trace
from shapewright.reason.silent import reads, unused

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.idle = nn.Linear(8, 8)
        self.second = nn.Linear(8, 2)
        self.free = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.second(self.first(x).relu())

net = Net()
x = torch.randn(5, 4)
"""


def run(check: Any, program: str, **options: Any) -> Trace:
    (check.folder / "program.py").write_text(program)
    return check.worker.observe(check.request("program.py", probe=True, **options))


def idle(trace: Trace) -> list[str]:
    return [one.name for one in unused.idles(trace)]


def ungraded(trace: Trace) -> set[str]:
    return {f"{module.path}.{name}".lstrip(".") for module in trace.modules for name in module.ungraded}


@pytest.mark.parametrize("how", ["eager", "fake"])
@pytest.mark.parametrize(
    "touched",
    [
        "",
        "[nn.init.normal_(p) for p in net.parameters()]",
        "[p.data.uniform_(-1, 1) for p in net.parameters()]",
        "torch.save(net.state_dict(), 'net.pt')",
        "print(sum(p.numel() for p in net.parameters()), sum(p.norm().item() for p in net.parameters()))",
    ],
)
def test_what_a_script_does_to_all_parameters_is_no_use_of_them(check: Any, touched: str, how: str) -> None:
    trace = run(check, f"{HEAD}{NET}{touched}\nnet(x)\n", how=how)
    assert sorted(idle(trace)) == ["free", "idle"]


@pytest.mark.parametrize(
    "call",
    ["torch.func.functional_call(net, {k: p.clone() for k, p in net.named_parameters()}, x)", "net.second(net.idle(net.first(x)))"],
)
def test_nothing_is_idle_where_it_is_not_known(check: Any, call: str) -> None:
    assert idle(run(check, f"{HEAD}{NET}{call}\n")) == []


@pytest.mark.parametrize("how", ["eager", "fake"])
def test_gradients_of_a_later_stage_count(check: Any, how: str) -> None:
    """Also behind hundreds of steps, and when they are put into place by hand."""
    trace = run(
        check,
        f"""{HEAD}{NET}
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(450):
    optimizer.zero_grad()
    net.second(torch.ones(1, 8)).sum().backward() if step else net(x).sum().backward()
loss = net.idle(torch.ones(1, 8)).sum()
optimizer.zero_grad()
loss.backward()
optimizer.zero_grad()
net.free.grad = torch.autograd.grad(net.free.sum(), net.free)[0]
optimizer.step()
optimizer.zero_grad()
""",
        how=how,
        whole_loops=True,
    )
    assert ungraded(trace) == set()


CLASSES = """
class Block(nn.Module):
    def __init__(self):
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return self.norm(x)

class Net(Base, nn.Module):
    def __init__(self):
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 8)
"""


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("norm", "", False),  # another class reads its own
        ("norm", "class Deep(Net):\n    def forward(self, x):\n        return self.norm(x)", True),
        ("norm", "class Deep(Mixed, Net): pass\nclass Mixed:\n    def forward(self, x):\n        return self.norm(x)", True),
        ("norm", "class Base:\n    def forward(this, x):\n        return this.norm(x)", True),
        ("norm", "net.norm(x)", True),
        ("norm", "helper = net.norm", True),
        ("fc", "", False),
        ("fc", "nn.init.zeros_(net.fc.bias)\nnet.fc.weight.data.normal_()\nnet.fc.bias.data = b\nnet.fc.apply(init)", False),
        ("fc", "y = nn.init.zeros_(net.fc.bias)", True),
        ("fc", "weights = [net.fc.weight]", True),
        ("fc", "getattr(net, 'fc')", True),
        ("fc", "names = ['net.fc']", True),
        ("fc", "'''fc is a layer'''\nprint('the fc layer')", False),
        ("fc", "getattr(net, f'f{x}')", True),
        ("fc", "getattr(torch.optim, name)(net.parameters())", False),
        ("fc", "for child in net.children(): x = child(x)", True),
        ("fc", "eval(text)", True),
        ("fc", "net.eval()", False),
    ],
)
def test_where_an_attribute_is_read(name: str, more: str, expected: bool) -> None:
    trace = Trace(sources={"a.py": CLASSES, "b.py": more})
    assert reads.is_read(trace, "Net", name) is expected


def test_a_gate_that_picks_is_used_without_a_gradient(check: Any) -> None:
    """Its scores are given out and in no loss, but the other output hangs on them: a note at most."""
    report = check.source(
        f"""{HEAD}
class Routed(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(8, 2)
        self.experts = nn.ModuleList([nn.Linear(8, 3), nn.Linear(8, 3)])

    def forward(self, x):
        scores = self.gate(x)
        picked = scores.argmax(-1, keepdim=True) == 0
        return torch.where(picked, self.experts[0](x), self.experts[1](x)), scores

net = Routed()
for _ in range(3):
    out, scores = net(torch.randn(6, 8))
    out.sum().backward()
"""
    )
    assert report.verdict == "clean"


FORWARDS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.relu = nn.ReLU({relu})
        self.kept = []
        {more}

    def forward(self, x):
        {forward}

print(Net()(torch.randn(3, 4)).shape)
"""


@pytest.mark.parametrize(
    ("forward", "more", "relu", "expected"),
    [
        ("self.fc(x); return x + 1", "", "", "warning"),
        ("self.relu(x); return x + 1", "", "", "warning"),
        ("y = self.fc(x); self.relu(y); return y", "", "True", "clean"),
        ("self.fc(x); return x + 1", "self.fc.register_forward_hook(lambda m, x, y: print(y.shape))", "", "clean"),
        ("y = self.fc(x).relu(); y = self.relu(x); return y", "", "", "warning"),
        ("y = self.fc(x)\n        if x.dim() > 1:\n            y = self.relu(x)\n        return y", "", "", "clean"),
        ("y = self.fc(x); y = self.relu(y); return y", "", "", "clean"),
        ("y = self.fc(x); return x + 1", "", "", "warning"),
        ("_ = self.fc(x); return x + 1", "", "", "clean"),
        ("self.kept.append(self.fc(x)); return x + 1", "", "", "clean"),
        ("x.add_(self.fc(x)); return x", "", "", "clean"),
        ("print(self.fc(x).shape); return x + 1", "", "", "clean"),
        ("y = self.fc(x); return x + len(locals())", "", "", "clean"),
    ],
)
def test_which_results_are_thrown_away(check: Any, forward: str, more: str, relu: str, expected: str) -> None:
    more = more or "pass"
    report = check.source(HEAD + FORWARDS.format(forward=forward, more=more, relu=relu), mend=False)
    assert (report.verdict, {finding.slug for finding in report.findings} <= {"unused-layer"}) == (expected, True)


HEADS = """
class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(8, 8)
        self.one = nn.Linear(8, 3)
        self.two = nn.Linear(8, 2)

    def forward(self, x):
        h = self.body(x).relu()
        {forward}
        return a, b

net, other = Heads(), Heads()
for _ in range(3):
    {call}
    {loss}.backward()
"""
APART = "a, b = self.one(h), self.two(h)"


@pytest.mark.parametrize(
    ("forward", "call", "loss", "severities"),
    [
        (APART, "first, second = net(torch.randn(6, 8))", "first.sum()", ["warning"]),
        (APART, "first, _ = net(torch.randn(6, 8))", "first.sum()", ["note"]),
        (APART, "first, _second = net(torch.randn(6, 8))", "first.sum()", ["note"]),
        (APART, "first = net(torch.randn(6, 8))[0]", "first.sum()", ["note"]),
        (APART, "first, second = net(torch.randn(6, 8)); print(second)", "first.sum()", ["note"]),
        (APART, "net.body.parameters(); first, second = net(torch.randn(6, 8))", "first.sum()", ["note"]),
        (APART, "first, second = net(torch.randn(6, 8))", "torch.autograd.grad(second.sum(), h); first.sum()", []),
        (APART, "first, second = net(torch.randn(6, 8))", "(first.sum() + second.sum())", []),
        (
            "b = self.two(h); a = self.one(h * (b.amax(-1, True) > 0))",
            "first, second = net(torch.randn(6, 8))",
            "first.sum()",
            [],
        ),
        (
            "b = self.two(h); a = self.one(h); a[torch.tensor(b.argmax(-1).tolist()) == 0] += 1",
            "first, second = net(torch.randn(6, 8))",
            "first.sum()",
            ["note"],
        ),
        (
            APART,
            "first, second = net(torch.randn(6, 8))\n    with torch.no_grad(): third, fourth = other(torch.randn(6, 8))",
            "F.mse_loss(first, third) + second.sum()",
            [],
        ),
    ],
)
def test_which_outputs_are_left_alone(check: Any, forward: str, call: str, loss: str, severities: list[str]) -> None:
    loss = loss.replace("second.sum(), h)", "second.sum(), net.two.weight, retain_graph=True)")
    loss = f"({loss})" if "autograd" not in loss else loss
    report = check.source(HEAD + HEADS.format(forward=forward, call=call, loss=loss), mend=False)
    assert report.verdict in ("clean", "warning"), report.reason
    assert [finding.severity for finding in report.findings if finding.slug == "unused-output"] == severities
