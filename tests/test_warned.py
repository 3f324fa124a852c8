"""Warnings raised during a live check: the same as without it, of the same lines, under the same filters."""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import shapewright


class Warns(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []
        self.inner = nn.Softmax(dim=None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.softmax(x)
        x.reshape(2, 2, 2).T  # noqa: B018
        F.mse_loss(x, x[:1])
        warnings.warn("mine", stacklevel=1)
        for _ in range(2):
            F.softmax(x)
        return self.inner(x)


def said(call: Any) -> list[tuple[str, int, str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        torch.set_warn_always(True)
        try:
            call()
        finally:
            torch.set_warn_always(False)
    return [(one.filename, one.lineno, str(one.message)[:40]) for one in caught]


def test_they_are_those_of_a_plain_run() -> None:
    model, x = Warns(), torch.rand(2, 4)
    plain = said(lambda: model(x))
    assert len(plain) == 6
    for call in (shapewright.check, shapewright.trace):
        seen = said(lambda call=call: call(model, x))  # type: ignore[misc]
        # that of `nn.Softmax` blames a line of torch in both, a fixed number of frames away
        assert seen[:-1] == plain[:-1]
        assert "shapewright" not in seen[-1][0]


def test_filters_decide() -> None:
    model, x = Warns(), torch.rand(2, 4)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Implicit dimension", module=__name__)
        report = shapewright.check(model, x)
        assert report.targets[0].reason.startswith("UserWarning: Implicit dimension choice for softmax")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        shapewright.check(model, x)
    assert not caught


def test_a_check_does_not_use_up_what_is_said_once() -> None:
    model, x = Warns(), torch.rand(2, 4)
    for action in ("default", "once"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter(action)  # type: ignore[arg-type]
            shapewright.check(model, x)
            before = len(caught)
            model(x)
        assert before > 2
        assert len(caught) == 2 * before
