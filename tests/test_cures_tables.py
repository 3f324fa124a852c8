"""Tables against what comes in: cut, lengthened, repeated, aligned, indexed by the right dim, built with the name at hand."""

from __future__ import annotations

import pytest

from conftest import Checker
from shapewright.reason.patches import applied
from shapewright.report import Fix, TargetReport

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


def _fixes(report: TargetReport) -> tuple[Fix, ...]:
    assert [finding.severity for finding in report.findings].count("error") == 1, report.findings
    return report.findings[0].fixes


def _first(check: Checker, program: str) -> str:
    """The program after the first fix, which must make it run."""
    fix = _fixes(check.source(HEAD + program))[0]
    assert fix.verdict == "fixed"
    return applied(HEAD + program, fix.edits)


def _silent(check: Checker, program: str, *words: str) -> None:
    """None of the fixes writes any of the words."""
    for fix in check.source(HEAD + program).findings[0].fixes:
        for edit in fix.edits:
            assert not any(word in edit.new for word in words), fix.title


CAUSAL = """class Attention(nn.Module):
    def __init__(self, width=32, heads=4, block=64):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.register_buffer("bias", torch.tril(torch.ones(block, block)).view(1, 1, block, block))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        scores = q @ k.transpose(-2, -1)
        scores = scores.masked_fill(self.bias == 0, float("-inf"))
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, C)


print(Attention()(torch.randn(3, 10, 32)).shape)
"""

MASKED = """class Block(nn.Module):
    def __init__(self, width=32, context=50):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 4)
        self.register_buffer("later", torch.triu(torch.ones(context, context, dtype=torch.bool), 1))

    def forward(self, x):
        h, _ = self.attention(x, x, x, attn_mask=self.later)
        return x + h


print(Block()(torch.randn(12, 2, 32)).shape)
"""

ENCODER = """class Reader(nn.Module):
    def __init__(self, width=32, context=64):
        super().__init__()
        self.words = nn.Embedding(50, width)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, 4, 64, batch_first=True), 1)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(context))

    def forward(self, ids):
        return self.encoder(self.words(ids), mask=self.mask)


print(Reader()(torch.randint(0, 50, (2, 20))).shape)
"""

POSITIONS = """class Patches(nn.Module):
    def __init__(self, side=32, patch=8, width=24):
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.positions = nn.Parameter(torch.randn(1, (side // patch) ** 2, width))

    def forward(self, image):
        x = self.embed(image).flatten(2).transpose(1, 2)
        x += self.positions
        return x.mean(1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = Patches()

    def forward(self, image):
        return self.patches(image)


print(Model()(torch.randn(4, 3, 24, 24)).shape)
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (CAUSAL, "self.bias[:, :, :T, :T] == 0"),
        (MASKED, "attn_mask=self.later[: x.size(0), : x.size(0)])"),
        (ENCODER, "mask=self.mask[: ids.size(1), : ids.size(1)])"),
        (ENCODER.replace("mask=self.mask", "self.mask"), ", self.mask[: ids.size(1), : ids.size(1)])"),
        (POSITIONS, "x += self.positions[:, : x.size(1)]"),
    ],
)
def test_a_longer_table_is_cut_where_it_is_used(check: Checker, program: str, expected: str) -> None:
    assert expected in _first(check, program)


SHORT = """class Positions(nn.Module):
    def __init__(self, width, longest=50):
        super().__init__()
        table = torch.zeros(longest, width)
        table[:, 0::2] = torch.sin(torch.arange(longest).unsqueeze(1) / 10)
        self.register_buffer("table", table)

    def forward(self, x):
        return x + self.table[: x.size(1)]


positions = Positions(16)
for length in (40, 70):
    print(positions(torch.randn(3, length, 16)).shape)
"""


def test_a_table_that_is_too_short_gets_more_rows(check: Checker) -> None:
    fixed = _first(check, SHORT)
    assert "longest=100" in fixed
    assert "+ self.table[: x.size(1)]\n" in fixed  # which is cut already
    whole = _first(check, SHORT.replace("self.table[: x.size(1)]", "self.table").replace("(40, 70)", "(50, 70)"))
    assert "longest=100" in whole
    assert "x + self.table[: x.size(1)]" in whole


def test_features_are_not_cut_to_fit(check: Checker) -> None:
    table = "self.positions = nn.Parameter(torch.zeros(1, 20, 48))"
    program = f"""class Words(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.words = nn.Embedding(50, width)
        {table}

    def forward(self, ids):
        return self.words(ids) + self.positions


print(Words()(torch.randint(0, 50, (2, 20))).shape)
"""
    _silent(check, program, ".size(", ":]")
    bias = program.replace(table, "self.positions = nn.Parameter(torch.zeros(48))")
    _silent(check, bias, ".size(", ":]")
    assert "torch.zeros(1, 20, width)" in _first(check, program)


@pytest.mark.parametrize(
    ("table", "layer", "data"),
    [
        ("torch.zeros(1, 16, 14, 14)", "nn.Conv2d(3, 8, 3, padding=1)", "2, 3, 14, 14"),  # channels
        ("torch.zeros(1, 10, 48)", "nn.Identity()", "2, 10, 32"),  # a last dim that stands alone
        ("torch.zeros(1, 48, 10, 1)", "nn.Linear(8, 32)", "2, 1, 10, 8"),  # what a layer gives, in another place
    ],
)
def test_channels_and_a_lone_last_dim_are_not_lengths(check: Checker, table: str, layer: str, data: str) -> None:
    program = f"""class Shift(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = {layer}
        self.shift = nn.Parameter({table})

    def forward(self, x):
        x = self.layer(x)
        x = x.transpose(1, 3) if x.size(1) == 1 else x
        return x + self.shift


print(Shift()(torch.randn({data})).shape)
"""
    assert _fixes(check.source(HEAD + program))
    _silent(check, program, ".size(", ":]")


INDEX = """class Words(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.words = nn.Embedding(50, width)
        self.places = nn.Embedding(128, width)

    def forward(self, ids):
        places = torch.arange(ids.size(0))
        return self.words(ids) + self.places(places)


print(Words()(torch.randint(0, 50, (4, 20))).shape)
"""

STATE = """class Reader(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.width = width
        self.gru = nn.GRU(10, width, batch_first=True)

    def forward(self, x):
        batch = x.shape[1]
        state = torch.zeros(1, batch, self.width)
        return self.gru(x, state)[0][:, -1]


print(Reader()(torch.randn(4, 20, 10)).shape)
"""


def test_the_size_is_taken_of_another_dim(check: Checker) -> None:
    assert "torch.arange(ids.size(1))" in _first(check, INDEX)
    assert "batch = x.shape[0]" in _first(check, STATE)


QUERIES = """class Pool(nn.Module):
    def __init__(self, width=32, n=6):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(n, width))
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)

    def forward(self, tokens):
        return self.attention(self.queries, tokens, tokens)[0]


print(Pool()(torch.randn(3, 11, 32)).shape)
"""

START = """class Model(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.start = nn.Parameter(torch.zeros(1, 1, width))
        self.read = nn.Linear(8, width)

    def forward(self, x):
        return torch.cat([self.start, self.read(x)], dim=1)


print(Model()(torch.randn(6, 9, 8)).shape)
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (QUERIES, "self.attention(self.queries.expand(tokens.size(0), -1, -1), tokens"),
        (
            QUERIES.replace(", batch_first=True", "").replace("(3, 11, 32)", "(11, 3, 32)"),
            "self.queries.unsqueeze(1).expand(-1, tokens.size(1), -1)",
        ),
        (START, "[self.start.expand(x.size(0), -1, -1), self.read(x)]"),
        (START.replace("zeros(1, 1, width)", "zeros(width)"), "[self.start.expand(x.size(0), 1, -1), self.read(x)]"),
    ],
)
def test_one_row_is_repeated_for_every_sample(check: Checker, program: str, expected: str) -> None:
    assert expected in _first(check, program)


def test_a_row_is_not_repeated_where_the_sequences_differ(check: Checker) -> None:
    """Batches of 2 and 3 differ: nothing of size 1 is there to be repeated."""
    program = START.replace("zeros(1, 1, width)", "zeros(2, 1, width)")
    _silent(check, program, ".expand(")


SQUEEZE = """class Squeeze(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gate = nn.Linear(channels, channels)

    def forward(self, x):
        scale = self.gate(x.mean((2, 3))).sigmoid()
        return x * scale


net = nn.Sequential(nn.Conv2d(3, 16, 3), Squeeze(16))
print(net(torch.randn(4, 3, 20, 20)).shape)
"""

DIFFUSION = """class Noise(nn.Module):
    def __init__(self, steps=100):
        super().__init__()
        kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, steps), 0)
        self.register_buffer("signal", kept.sqrt())
        self.register_buffer("rest", (1 - kept).sqrt())
        self.net = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        t = torch.randint(0, 100, (x.size(0),))
        noise = torch.randn_like(x)
        return self.net(self.signal[t] * x + self.rest[t] * noise)


print(Noise()(torch.randn(6, 1, 28, 28)).shape)
"""

CONDITION = """class Condition(nn.Module):
    def __init__(self, size, channels):
        super().__init__()
        self.gamma = nn.Linear(size, channels)
        self.beta = nn.Linear(size, channels)

    def forward(self, x, z):
        g = self.gamma(z)
        b = self.beta(z)
        x = x * g
        x = x + b
        return x


print(Condition(10, 8)(torch.randn(4, 8, 16, 16), torch.randn(4, 10)).shape)
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (SQUEEZE, ["x * scale[:, :, None, None]"]),
        (DIFFUSION, ["self.signal[t][:, None, None, None] * x + self.rest[t][:, None, None, None] * noise"]),
        (CONDITION, ["x * g[:, :, None, None]", "x + b[:, :, None, None]"]),
    ],
)
def test_a_vector_is_aligned_with_the_dim_it_belongs_to(check: Checker, program: str, expected: list[str]) -> None:
    fixed = _first(check, program)
    assert all(text in fixed for text in expected)


def test_a_vector_of_no_dims_size_is_left_alone(check: Checker) -> None:
    program = """class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(7))

    def forward(self, x):
        return x * self.scale


print(Scale()(torch.randn(4, 5, 6, 6)).shape)
"""
    _silent(check, program, "None")


NAMED = """class Net(nn.Module):
    def __init__(self, n_features=13, hidden=64, kernel=5):
        super().__init__()
        self.inp = nn.Linear(n_features, hidden)
        self.norm = nn.BatchNorm1d(32)
        self.out = nn.Linear(hidden, 3)

    def forward(self, x):
        return self.out(self.norm(self.inp(x)))


print(Net()(torch.randn(5, 13)).shape)
"""


def test_a_name_with_the_value_comes_before_the_literal(check: Checker) -> None:
    fixes = _fixes(check.source(HEAD + NAMED))
    assert [edit.new for edit in fixes[0].edits] == ["hidden"]
    assert not any(edit.new == "64" for edit in fixes[1].edits)  # would do the same


def test_a_name_for_something_else_is_not_taken(check: Checker) -> None:
    program = """class Net(nn.Module):
    def __init__(self, kernel=3, layers=3):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, kernel)
        self.read = nn.LSTM(8, 8, layers)

    def forward(self, x):
        return self.conv(x)


print(Net()(torch.randn(5, 3, 9, 9)).shape)
"""
    fixes = _fixes(check.source(HEAD + program))
    assert [edit.new for edit in fixes[0].edits] == ["3"]
    _silent(check, program, "kernel", "layers")


def test_a_literal_is_not_proposed_where_the_size_is_given_from_outside(check: Checker) -> None:
    program = """class Block(nn.Module):
    def __init__(self, bands=3):
        super().__init__()
        self.main = nn.Conv2d(bands, 8, 1)
        self.skip = nn.Conv2d(3, 8, 1)

    def forward(self, x):
        return self.main(x) + self.skip(x)
"""
    report = check.source(HEAD + program, "2,4,8,8", target="Block", init="bands=4")
    assert [[edit.new for edit in fix.edits] for fix in _fixes(report)] == [["bands"]]


def test_the_number_of_a_table_is_found_through_arithmetic(check: Checker) -> None:
    """More patches than positions: the image size that the table was made for."""
    program = POSITIONS.replace("3, 24, 24", "3, 48, 48")
    fixes = _fixes(check.source(HEAD + program))
    assert any("side=48" in applied(HEAD + program, fix.edits) for fix in fixes), [fix.title for fix in fixes]
