"""Failures in places where the recorder's mode does not look, and failures that the program hides."""

from __future__ import annotations

from typing import Any

import pytest

HEAD = "import torch\nfrom torch import nn\nfrom torch.utils.data import TensorDataset\n\nx = torch.randn(4, 6, requires_grad=True)\n"
FUNCTION = """\
class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor, w):
        ctx.save_for_backward(x, w)
        return factor * (x @ w.t())

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        return GRADIENTS


w = torch.randn(3, 6, requires_grad=True)
loss = Product.apply(x, 1, w).sum()
loss.backward()
"""
SWALLOWED = "try:\n    {}\nexcept Exception as error:\n    print(error)\n"


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("(x * 2).backward()\n", 6, "needs one number but receives 24"),
        ("torch.autograd.grad(x * 2, x)\n", 6, "needs one number but receives 24"),
        ("n = x.size(2)\n", 6, "`size` names dim 2 but receives 2 dims"),
        (SWALLOWED.format("n = x.size(2)"), 7, "`size` names dim 2 but receives 2 dims"),
        ("TensorDataset(x, torch.zeros(5))\n", 6, "as many samples but has 4 and 5"),
        (SWALLOWED.format("TensorDataset(x, torch.zeros(5))"), 7, "as many samples but has 4 and 5"),
        (SWALLOWED.format("nn.MultiheadAttention(10, 3)"), 7, "cannot split a width of 10 over 3 heads"),
        (SWALLOWED.format("nn.Conv2d(3, 4, 3, groups=2)"), 7, "3 channels cannot be split into 2"),
        (FUNCTION.replace("GRADIENTS", "grad @ w.t(), None, grad.t() @ x"), 15, "needs equal inner dims but has 3 and 6"),
        (FUNCTION.replace("GRADIENTS", "grad @ w, None, x.t() @ grad"), 20, "a gradient of shape [6, 3] for an input of [3, 6]"),
    ],
)
def test_it_is_an_error_at_its_line(source: str, line: int, words: str, check: Any) -> None:
    found = check.source(HEAD + source, mend=False)
    assert found.verdict == "error"
    assert found.findings[0].where is not None and found.findings[0].where.line == line
    assert words in found.findings[0].headline


@pytest.mark.parametrize(
    "source",
    [
        "(x * 2).sum().backward()\n",
        "(x * 2).backward(torch.ones(4, 6))\n",
        "torch.autograd.backward([x.sum(), x.mean()])\n",
        "TensorDataset(x, torch.zeros(4, 2))\n",
        "try:\n    n = x.size(2)\nexcept IndexError:\n    n = 1\n",
        FUNCTION.replace("GRADIENTS", "grad @ w, None, grad.t() @ x"),
        FUNCTION.replace("GRADIENTS", "grad @ w, None, (grad.t() @ x)[None]"),  # torch sums over the dim that is too many
    ],
)
def test_what_is_right_is_clean(source: str, check: Any) -> None:
    assert check.source(HEAD + source, mend=False).verdict == "clean"


def test_a_hidden_failure_of_dtypes_is_not_called_clean(check: Any) -> None:
    found = check.source(HEAD + SWALLOWED.format("nn.Linear(6, 2)(x.long())"), mend=False)
    assert found.verdict == "not-analysed"
    assert found.reason is not None and found.reason.startswith("the program swallows a RuntimeError: ")
    assert found.reason_at is not None and found.reason_at.line == 7
