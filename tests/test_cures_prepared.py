"""Data that went without what other data goes through: only a function that gives data for the same call is tried."""

from __future__ import annotations

import pytest

from conftest import Checker

PROGRAM = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def prepare(table):
    return torch.cat([table, table[:, :2] ** 2], dim=1)


model = nn.Linear(8, 1)
train, test = torch.randn(40, 6), torch.randn(9, 6)
{training}
print(model(test).mean())
"""


def titles(check: Checker, training: str) -> list[str]:
    report = check.source(PROGRAM.format(training=training))
    assert report.verdict == "error"
    return [fix.title for finding in report.findings for fix in finding.fixes]


@pytest.mark.parametrize(
    "training",
    [
        "model(prepare(train))",
        "train = prepare(train)\nmodel(train)",
        "ready = prepare(train)\nfor (x,) in DataLoader(TensorDataset(ready), batch_size=8):\n    model(x)",
    ],
)
def test_it_goes_where_other_data_goes(check: Checker, training: str) -> None:
    assert titles(check, training)[0] == "hand `test` through `prepare`, as other data"


def test_a_function_that_only_measures_is_not_tried(check: Checker) -> None:
    assert not any("through" in title for title in titles(check, "print(prepare(train).mean())"))
