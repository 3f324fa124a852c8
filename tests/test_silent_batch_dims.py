"""Squeezes that lose a batch of one, and samples without batch dim: what the case files have no room for."""

from __future__ import annotations

import pytest

HEAD = "import torch\nfrom torch import nn\n"

MODEL = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 6, 3)
        self.pool = nn.AdaptiveMaxPool1d(1)
        self.fc = nn.Linear(6, {out})

    def forward(self, x):
        h = {squeezed}
        return self.fc(h)

net = Net()
"""


def net(squeezed: str, call: str, out: int = 3) -> str:
    return HEAD + MODEL.format(squeezed=squeezed, out=out) + call + "\n"


def told(check, program: str) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    report = check.source(program, name="program.py")
    return [(finding.slug, finding.severity) for finding in report.findings if finding.slug in ("squeeze-lost-batch", "batch-dim-missing")]


def first_fix(check, program: str) -> str:  # type: ignore[no-untyped-def]
    report = check.source(program, name="program.py")
    assert report.findings and report.findings[0].fixes, report
    return report.findings[0].fixes[0].diff


BARE = "self.pool(self.conv(x)).squeeze()"
WARNING, NOTE = [("squeeze-lost-batch", "warning")], [("squeeze-lost-batch", "note")]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (net(BARE, "net(torch.rand(4, 2, 9))"), WARNING),
        (net(BARE, "net(torch.rand(4, 2, 9))", out=1), WARNING),  # [1] for one sample: only the rank is lost
        (net(BARE, "print(net(torch.rand(1, 2, 9)).shape)"), WARNING),
        (net(BARE, "net(torch.rand(1, 2, 9)).argmax()"), NOTE),  # one sample is what the program works with
        (net(BARE, "net(torch.rand(4, 2, 9)); net(torch.rand(1, 2, 9)).argmax()"), WARNING),
        (net(BARE.replace(")).", ")).flatten(1)."), "net(torch.rand(4, 2, 9))"), WARNING),
        (net("self.pool(self.conv(x)).squeeze(-1)", "net(torch.rand(4, 2, 9))"), []),
        (net(f"{BARE}.view(-1, 6)", "net(torch.rand(4, 2, 9))"), []),
        (net(f"{BARE}; h = h.view(h.size(0), -1)", "net(torch.rand(4, 2, 9))"), WARNING),
    ],
)
def test_where_a_squeeze_matters(check, program: str, expected: list[tuple[str, str]]) -> None:  # type: ignore[no-untyped-def]
    assert told(check, program) == expected


@pytest.mark.parametrize(
    ("squeezed", "mended"),
    [
        (BARE, "self.pool(self.conv(x)).squeeze(-1)"),
        ("(\n            self.pool(self.conv(x))\n            .squeeze()\n        )", "            .squeeze(dim=-1)"),
        ("torch.squeeze(self.pool(self.conv(x)))", "torch.squeeze(self.pool(self.conv(x)), -1)"),
        ("torch.squeeze(self.pool(self.conv(x))[..., None])", "torch.flatten(self.pool(self.conv(x))[..., None], 1)"),
        ("self.pool(self.conv(x)).flatten(1).squeeze()", "h = self.pool(self.conv(x)).flatten(1)\n"),
    ],
)
def test_the_fix_keeps_how_it_is_written(check, squeezed: str, mended: str) -> None:  # type: ignore[no-untyped-def]
    assert mended in first_fix(check, net(squeezed, "net(torch.rand(4, 2, 9))"))


LOOP = """
from torch.utils.data import DataLoader, TensorDataset

x, y = torch.rand(20, 3), torch.rand(20)
net = nn.Linear(3, 1)
sgd = torch.optim.SGD(net.parameters(), 0.1)
for a, b in DataLoader(TensorDataset(x, y), batch_size=5{more}):
    loss = nn.functional.mse_loss(net({given}).squeeze(), {target})
    sgd.zero_grad(); loss.backward(); sgd.step()
"""


@pytest.mark.parametrize(
    ("more", "given", "target", "expected"),
    [
        ("", "a", "b", NOTE),
        (", drop_last=False", "a", "b", NOTE),
        (", drop_last=True", "a", "b", []),
        ("", "x", "y", []),  # the whole table
        ("", "torch.rand(8, 3)", "torch.rand(8)", []),  # as many as the literal says
    ],
)
def test_a_squeeze_in_a_loop_is_a_note(check, more: str, given: str, target: str, expected: list[tuple[str, str]]) -> None:  # type: ignore[no-untyped-def]
    assert told(check, HEAD + LOOP.format(more=more, given=given, target=target)) == expected


PIXELS = """
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
tables = torch.rand(9, 3, 28, 28)
"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("net(tables[0])", [("batch-dim-missing", "warning")]),
        ("net(torch.rand(3, 28, 28)).softmax(1).argmax()", [("batch-dim-missing", "warning")]),
        ("net(torch.rand(3, 28, 28))", [("batch-dim-missing", "note")]),  # three grey images, or one in colour
        ("net(torch.rand(5, 28, 28)).argmax()", []),
        ("net(tables[0].mean(0, keepdim=True))", []),
    ],
)
def test_rows_of_pixels(check, call: str, expected: list[tuple[str, str]]) -> None:  # type: ignore[no-untyped-def]
    assert told(check, HEAD + PIXELS + call + "\n") == expected


def test_the_last_batch_of_a_loader_is_no_image(check) -> None:  # type: ignore[no-untyped-def]
    """[3, 20, 20] is three grey images where [8, 20, 20] came before."""
    program = HEAD + "model = nn.Sequential(nn.Flatten(), nn.Linear(400, 5))\n"
    program += "for images in torch.rand({n}, 20, 20).split(8):\n    model(images)\n"
    assert told(check, program.format(n=19)) == []
    assert told(check, program.format(n=3)) == [("batch-dim-missing", "note")]
