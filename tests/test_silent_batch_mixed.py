"""Which pieces a reshape takes for which dims, on sizes alone; and what the run decides where sizes do not."""

from __future__ import annotations

from typing import Any

import pytest

from shapewright import session
from shapewright.reason.layouts import Piece, deals, regrouped

HEAD = "import torch\nfrom torch import nn\n"


def pieces(*sizes: int) -> list[Piece]:
    return [Piece((place,), size) for place, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("before", "after", "blocks"),
    [
        ((2, 6, 4, 8), (2, 6, 32), []),  # heads merged behind the steps
        ((2, 6, 32), (2, 6, 4, 8), []),  # and split
        ((2, 4, 6, 8), (2, 6, 32), [((4, 6, 8), (6, 32))]),  # heads merged before the steps
        ((2, 8, 8, 3), (2, 3, 8, 8), [((8, 8, 3), (3, 8, 8))]),
        ((4, 32, 8, 8), (16, 512), [((4, 32, 8, 8), (16, 512))]),
        ((2, 1, 10, 1), (10, 1, 2), [((2, 10), (10, 2))]),  # sizes of 1 stand nowhere
        ((2, 8, 4, 6), (2, 4, 8, 6), [((8, 4), (4, 8))]),  # the last dim stays what it is
    ],
)
def test_blocks(before: tuple[int, ...], after: tuple[int, ...], blocks: list[Any]) -> None:
    _, found = regrouped([piece for piece in pieces(*before) if piece.size > 1], after)
    assert [(tuple(piece.size for piece in block.pieces), block.sizes) for block in found] == blocks


def test_pieces_are_cut_where_the_sizes_divide() -> None:
    dims, (block,) = regrouped(pieces(8, 4), (4, 8))
    assert [[piece.size for piece in row] for row in dims] == [[4], [2, 4]]
    assert block.one_sided, "the first dim is a part of the 8 alone: frames are stacked so"
    _, (block,) = regrouped(pieces(8, 16, 4), (16, 32))
    assert not block.one_sided, "both dims take a part of the 16 and something else"
    _, (block,) = regrouped(pieces(6, 10), (10, 6))
    assert block.cut is None


def test_whole_pieces_for_each_dim() -> None:
    assert deals(pieces(4, 6, 8), (6, 32)) == [((1,), (0, 2))]
    assert deals(pieces(4, 6), (2, 12)) == []
    assert deals(pieces(2, 3, 6), (6, 6))[0] == ((0, 1), (2,)), "neighbours stay together where they can"


def told(check: Any, forward: str, call: str, built: str = "self.f = nn.Linear(6, 6)") -> list[tuple[str, str]]:
    """Slugs and headlines of a program with one model."""
    body = [
        "class Net(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        f"        {built}",
        "    def forward(self, x):",
    ]
    body += [f"        {line}" for line in forward.splitlines()] + [f"Net()({call})", ""]
    (check.folder / "program.py").write_text(HEAD + "\n".join(body))
    report = session.check(check.request("program.py"), check.worker.observe, mend=False)
    return [(finding.slug, finding.headline) for finding in report.findings if finding.slug == "batch-mixed"]


def test_the_run_decides_where_sizes_do_not(check: Any) -> None:
    """Rows of 4 steps cut through the samples, and no size is that of another dim."""
    found = told(check, "y = self.f(x).permute(1, 0, 2)\nreturn y.reshape(x.size(0), 2, -1).mean(1)", "torch.rand(4, 5, 6)")
    assert found == [("batch-mixed", "`reshape` of [5, 4, 6] to [4, 2, 15] mixes the samples: it moves no values")]


@pytest.mark.parametrize(
    ("forward", "call"),
    [
        ("z = self.f(x)\nw = (z @ z.t()).softmax(1)\nreturn (w @ z).view(-1, 2, 3).flatten(1)", "torch.rand(4, 6)"),
        ("b, t, f = x.shape\nreturn self.f(x).view(-1, 4, f).mean(1).view(b, -1)", "torch.rand(4, 16, 6)"),
        ("n, f = x.shape\nreturn self.f(x).view(f, -1).sum(0, keepdim=True) * 0 + x.mean(1, keepdim=True)", "torch.rand(1, 6)"),
        ("return self.f(torch.arange(x.size(0) * 6.0).view(6, -1).reshape(-1, 6) * 0 + 1) + x", "torch.rand(4, 6)"),
    ],
)
def test_silent(check: Any, forward: str, call: str) -> None:
    assert told(check, forward, call) == []
