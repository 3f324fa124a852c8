"""Loops end early where nothing new happens, and never so early that a fault is missed or one is made."""

from __future__ import annotations

import pytest

from shapewright.observe import numbers

HEAD = """
import itertools, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
net = nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
data = TensorDataset(torch.randn(50, 4), torch.randn(50, 2))

def step(x, y=0):
    optimizer.zero_grad()
    (net(x) - y).pow(2).mean().backward()
    optimizer.step()

"""
WAIT = "    end = time.perf_counter() + 0.15\n    while time.perf_counter() < end: pass\n    optimizer.zero"
RAGGED = "    fixed = x.view(16, 4)\n    step(fixed, y)\n"


@pytest.mark.parametrize(
    ("loop", "verdict"),
    [
        # the smaller last batch is met, however the loader stands in the loop's head
        (f"loader = DataLoader(data, 16)\nfor x, y in loader:\n{RAGGED}", "error"),
        (f"for x, y in DataLoader(data, 16):\n{RAGGED}", "error"),
        ("def make(): return DataLoader(data, 16)\nfor i, (x, y) in enumerate(make()):\n    step(x.view(16, 4), y)\n", "error"),
        (f"for x, y in DataLoader(data, 16, drop_last=True):\n{RAGGED}", "clean"),
        # …but not where the loop leaves before it
        (f"for i, (x, y) in enumerate(DataLoader(data, 16)):\n{RAGGED}    if i == 2: break\n", "clean"),
        (f"count = 0\nfor x, y in DataLoader(data, 16):\n{RAGGED}    count += 1\n    if count >= 3: break\n", "clean"),
        (f"for x, y in itertools.islice(DataLoader(data, 16), 3):\n{RAGGED}", "clean"),
        ("batches = iter(DataLoader(data, 16))\nfor i in range(3):\n    x, y = next(batches)\n    step(x.view(16, 4), y)\n", "clean"),
        # an option asked in the loop is no counting
        (f"dry_run = False\nfor x, y in DataLoader(data, 16):\n{RAGGED}    if dry_run: break\n", "error"),
        # what happens only every so many turns, or in the last one
        ("for e in range(1000):\n    step(torch.randn(3, 4))\n    if e % 5 == 4: net(torch.randn(3, 5))\n", "error"),
        ("for e in range(1000):\n    step(torch.randn(3, 4))\n    if (e + 1) % 10 == 0: net(torch.randn(3, 5))\n", "error"),
        ("for e in range(1000):\n    step(torch.randn(3, 4))\n    if e == 999: net(torch.randn(3, 5))\n", "error"),
        # items of another shape
        ("for x in [torch.randn(3, 4)] * 20 + [torch.randn(3, 5)]:\n    step(x)\n", "error"),
        # endless ones end
        ("while True:\n    step(torch.randn(3, 4))\n", "clean"),
        ("for e in itertools.count():\n    step(torch.randn(3, 4))\n", "clean"),
        # what is collected keeps its number
        ("h = []\nfor e in range(300):\n    step(torch.randn(3, 4)); h.append(1.0)\ntorch.tensor(h).view(3, 100)\n", "clean"),
        ("h = []\nfor t in range(300):\n    h.append(net(torch.randn(4)))\ntorch.stack(h).view(300, 2)\n", "clean"),
        ("n = 0\nfor e in range(300):\n    step(torch.randn(3, 4)); n += 1\nassert n == 300\n", "clean"),
    ],
)
@pytest.mark.parametrize("slow", [False, True], ids=["quick", "slow"])
def test_loop(check, loop: str, verdict: str, slow: bool) -> None:  # type: ignore[no-untyped-def]
    if slow and "% " in loop:
        pytest.skip("a slow loop is not waited for")
    program = HEAD + loop
    if slow:  # such a program gets the fewest turns
        for old, new in (
            ("import itertools", "import itertools, time"),
            ("300", "30"),
            ("(3, 100)", "(3, 10)"),
            ("    optimizer.zero", WAIT),
        ):
            program = program.replace(old, new)
    report = check.source(program)
    assert report.verdict == verdict, (report.reason, report.findings, report.assumed)


def test_numbers_count_small_moduli_only() -> None:
    numbers.largest_modulus = 0
    assert 7 % numbers.literal(5, numbers.Origin(5)) == 2
    assert numbers.literal(7, numbers.Origin(7)) % 100 == 7
    assert numbers.largest_modulus == 5
