"""A failure that the program catches: hidden behind a result that is none, or the way to find out what fits."""

from __future__ import annotations

import pytest

from conftest import Checker

VALIDATION = """
import torch
from torch import nn

net, crit = nn.Linear(9, 3), nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), 0.1)
for epoch in range(2):
    loss = crit(net(torch.randn(8, 9)), torch.randint(0, 3, (8,)))
    opt.zero_grad()
    loss.backward()
    opt.step()
    try:
        checked = crit(net(torch.randn(4, 9)), torch.randint(0, 3, (4, 1))).item()
    except (RuntimeError, ValueError):
        checked = {nothing}
    {later}
"""


@pytest.mark.parametrize("nothing", ["None", 'float("inf")', "-torch.inf"])
def test_nothing_in_the_place_of_a_result_hides_the_failure(check: Checker, nothing: str) -> None:
    report = check.source(VALIDATION.format(nothing=nothing, later="print(loss.item(), checked)"))
    assert report.verdict == "error"
    assert report.findings[0].swallowed


@pytest.mark.parametrize("later", ["if checked is None: print('none')", "print(checked or loss.item())", "assert not checked"])
def test_a_result_that_is_looked_at_decides_something(check: Checker, later: str) -> None:
    assert check.source(VALIDATION.format(nothing="None", later=later)).verdict == "clean"


def test_a_number_for_a_result_decides_something(check: Checker) -> None:
    assert check.source(VALIDATION.format(nothing="0.5", later="print(checked)")).verdict == "clean"


SEARCH = """
import torch
from torch import nn

best = None
for width in (4, 6, 8):
    try:
        score = nn.Linear(6, 2)(torch.randn(3, width)).sum().item()
    except RuntimeError:
        score = float("inf")
    best = score if best is None else min(best, score)
print(best)
"""


def test_of_several_things_that_are_tried_some_may_not_fit(check: Checker) -> None:
    assert check.source(SEARCH).verdict == "clean"
