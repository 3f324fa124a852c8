"""What the replay says of sizes is what torch does."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from shapewright.model import Span, Trace
from shapewright.reason import maps
from shapewright.reason.replay import Change, replayed, steps_to

SETTINGS = 250  # random ones for each layer


def size_by_torch(layer: nn.Module, length: int) -> int:
    """The length that comes out; 0 when torch refuses it."""
    try:
        return layer(torch.zeros(1, 1, length, length)).shape[-1]
    except RuntimeError:
        return 0


@pytest.mark.parametrize("seed", range(SETTINGS))
def test_the_formulas_are_those_of_torch(seed: int) -> None:
    pick = random.Random(seed)
    length, kernel, stride, padding = pick.randint(1, 40), pick.randint(1, 9), pick.randint(1, 4), pick.randint(0, 5)
    dilation, more, up = pick.randint(1, 3), pick.randint(0, 4), pick.random() < 0.5
    conv = nn.Conv2d(1, 1, kernel, stride, padding, dilation)
    assert maps.conv_size(length, kernel, stride, padding, dilation) == size_by_torch(conv, length)
    back = nn.ConvTranspose2d(1, 1, kernel, stride, padding, more, dilation=dilation)
    assert maps.transposed_size(length, kernel, stride, padding, dilation, more) == size_by_torch(back, length)
    largest = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=up)
    assert maps.pool_size(length, kernel, stride, padding, dilation, up=up) == size_by_torch(largest, length)
    mean = nn.AvgPool2d(kernel, stride, padding, ceil_mode=up)
    assert maps.pool_size(length, kernel, stride, padding, up=up) == size_by_torch(mean, length)


# One number of each program is other in the second run; the replay of the first must say what the second shows. The last call fails.
PROGRAMS = {
    "two dims of their own": """
        x = nn.Conv2d(1, 4, (3, 5), stride=(1, 2), padding=(@0, 2))(torch.zeros(2, 1, 20, 31))
        x = F.pad(x, (1, 0, 2, @1))
        x = nn.MaxPool2d(2, ceil_mode=True)(x)
    """,
    "one and three dims": """
        x = nn.Conv1d(4, 8, @1, 2, padding=3, dilation=2)(torch.zeros(2, 4, 50))
        x = nn.AvgPool1d(@2, 1)(nn.ConvTranspose1d(8, 2, 4, 2, output_padding=@0)(x))
        x = nn.MaxPool3d((1, 2, @2))(nn.Conv3d(1, 2, @2)(torch.zeros(1, 1, 5, 6, 7))).flatten(@2) + x.sum()
    """,
    "a u-net with a skip": """
        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.down = nn.Conv2d(3, 8, 3, padding=@1)
                self.pool = nn.MaxPool2d(2)
                self.up = nn.ConvTranspose2d(8, 8, @2, stride=2, padding=@0)
            def forward(self, x):
                skip = torch.relu(self.down(x))
                up = F.interpolate(self.up(self.pool(skip)), size=skip.shape[2:])
                return torch.cat([skip, up], 1) + skip.mean(1, keepdim=True)
        x = UNet()(torch.zeros(1, 3, 33, 47))
    """,
    "sizes that the program computes": """
        size = 8 * @4
        x = torch.zeros(2, 3, size, size + 1)
        x = nn.Sequential(nn.ReflectionPad2d(@1), nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(4), nn.ReLU())(x)
        x = F.interpolate(x, scale_factor=@2)
        x = F.adaptive_avg_pool2d(x, (None, @5))
        h, w = x.shape[-2:]
        x = x.view(x.size(0), -1).view(2, 4, h, w)[:, :, 1:]
        x = nn.PixelShuffle(2)(x).permute(0, 2, 3, 1)
    """,
    "a flatten and back": """
        x = nn.Flatten()(F.avg_pool2d(torch.zeros(2, 3, 24, 24), @2, padding=0))
        x = nn.Unflatten(1, (3, -1))(x)
        a, b = torch.stack([x, x]).unbind(0)
        x = (a * b).unsqueeze(1).squeeze()
    """,
    "functions, and in place": """
        weight = torch.ones(4, 2, 3, 3)
        x = F.conv2d(torch.zeros(1, 2, 21, 21), weight, stride=@1, padding=@1).relu_()
        x += 1
        x = F.conv_transpose2d(F.max_pool2d(x, 3, stride=@2), weight, stride=2, output_padding=@0)
        x = F.lp_pool2d(F.dropout(x), 2, 2)
    """,
}
MORE = (-2, -1, 1, 2, 3)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_changed_number_gives_the_sizes_that_torch_gives(check, name: str) -> None:  # type: ignore[no-untyped-def]
    text = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n" + "\n".join(
        line[8:] for line in PROGRAMS[name].strip("\n").split("\n")
    )
    text = text.rstrip() + "\nx.view(-7)\n"
    trace, places = observed(check, text.replace("@", "")), marks(text, str(check.folder / "program.py"))
    compared = 0
    for number, (span, old) in enumerate(places):
        for value in [old + more for more in MORE if old + more >= 0]:
            changed = text
            for at in reversed(range(len(places))):
                changed = str(places[at][1] if at != number else value).join(split_at_mark(changed, at))
            again = observed(check, changed)
            replay = replayed(steps_to(trace, trace.events[trace.failures[0]]), Change(literals={span: value}))
            assert replay is None or isinstance(next(replay.tensors()).shape, tuple)
            seen = again.events[again.failures[0]]
            if seen.op == "view" and len(again.events) == len(trace.events):
                assert replay is not None, (span.line, value)
                assert next(replay.tensors()).shape == next(seen.tensors()).shape, (span.line, value)
                compared += 1
            else:
                assert replay is None, (span.line, value)
    assert compared >= 2


def observed(check, text: str) -> Trace:  # type: ignore[no-untyped-def]
    (check.folder / "program.py").write_text(text, encoding="utf-8")
    trace: Trace = check.worker.observe(check.request("program.py"))
    return trace


def marks(text: str, file: str) -> list[tuple[Span, int]]:
    """The numbers behind an @, where they stand once the marks are gone."""
    found = []
    for line, row in enumerate(text.split("\n"), 1):
        for before, part in enumerate(row.split("@")[1:]):
            column = len("@".join(row.split("@")[: before + 1])) - before + 1
            found.append((Span(file, line, column, line, column + 1), int(part[0])))
    return found


def split_at_mark(text: str, number: int) -> tuple[str, str]:
    """The text before a mark and the text behind its number."""
    parts = text.split("@")
    return "@".join(parts[: number + 1]), "@".join(parts[number + 1 :])[1:]
