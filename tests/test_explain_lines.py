"""What the user's own line says beside the message: programs are run, explained with the line that raised, and mended as advised.

A row holds what stands before the line, the line, the first cause, a word of the advice, a word that must not be said, and the line as
the advice makes it, which must run.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from shapewright.messages import Explanation, Unknown, explain

_HEADS = "x = torch.randn(2, 10, 256); B, T = x.shape[:2]; q = nn.Linear(256, 256)"
_GRU = "x = torch.randn(32, 10, 8); gru = nn.GRU(8, 16, 2); first = nn.GRU(8, 16, 2, batch_first=True)"
_PACK = "pack = nn.utils.rnn.pack_padded_sequence; x = torch.randn(4, 7, 8); lengths = torch.tensor([7, 6, 5], device='cpu')"
_ROWS = "src = torch.randn(10, 16); index = torch.randint(0, 5, (10,)); out = torch.zeros(5, 16)"
_TOKENS = "x = torch.randn(2, 3, 32, 32); maps = nn.Conv2d(3, 32, 3, stride=4)(x)"

LINES = (
    (_HEADS, "q(x).view(B, T, 8, 64)", "width-and-heads", "x.size(-1) // 8", "last batch", "q(x).view(B, T, 8, x.size(-1) // 8)"),
    (_HEADS, "x.view(2, 10, 8, 64)", "width-and-heads", "8·64 = 512", "-1 in", "nn.Linear(256, 512)(x).view(2, 10, 8, 64)"),
    (_HEADS, "x.view(x.size(0), 10, 200)", "wrong-constant", "", "last batch", "x.view(x.size(0), 10, 256)"),
    ("fc, z = nn.Linear(20, 256), torch.randn(8, 20)", "fc(z).view(-1, 64, 7, 7)", "layer-before", "nn.Linear(..., 3136)", "flatten(",
     "nn.Linear(20, 3136)(z).view(-1, 64, 7, 7)"),
    (_GRU, "gru(x, torch.zeros(2, x.size(0), 16))", "steps-read-as-batch", "batch_first=True", "last batch",
     "first(x, torch.zeros(2, x.size(0), 16))"),
    (_GRU, "gru(x, torch.zeros(1, 10, 16))", "directions-not-counted", "torch.zeros(2, batch, hidden)", "",
     "gru(x, torch.zeros(2, 10, 16))"),
    (_PACK, "pack(x, lengths, batch_first=True)", "lengths-of-another-batch", "same batch", "without `batch_first",
     "pack(x[:3], lengths, batch_first=True)"),
    ("x = torch.randn(16, 30, 5); lstm = nn.LSTM(1, 8)", "lstm(x)", "several-features", "x[..., :1]", "", "lstm(x[..., :1])"),
    (_TOKENS, "nn.LSTM(32, 64)(maps.flatten(1).unsqueeze(1))", "flattened-maps", "mean((-2, -1))", "",
     "nn.LSTM(32, 64)(maps.mean((-2, -1)).unsqueeze(1))"),
    (_ROWS, "out.scatter_add_(0, index, src)", "index-without-dim", "index_add_(0, index, src)", "gather",
     "out.index_add_(0, index, src), out.scatter_add_(0, index.unsqueeze(1).expand_as(src), src)"),
    (_ROWS, "torch.zeros(10, 5).scatter_(1, index, 1.0)", "index-without-dim", "unsqueeze(1)", "gather(",
     "torch.zeros(10, 5).scatter_(1, index.unsqueeze(1), 1.0)"),
    ("fc, bn = nn.Linear(16, 64), nn.BatchNorm1d(64); x = torch.randn(8, 20, 16)", "bn(fc(x))", "features-last", "transpose(1, 2)",
     "BatchNorm2d", "bn(fc(x).transpose(1, 2)).transpose(1, 2)"),
    ("bn, x = nn.BatchNorm1d(20), torch.randn(1, 20)", "bn(x)", "last-batch-of-one", "nn.GroupNorm(4, 20)", "GroupNorm(32",
     "nn.GroupNorm(4, 20)(x), nn.LayerNorm(20)(x)"),
    ("adj, x = torch.eye(6), torch.randn(5, 8)", "adj @ x", "adjacency-of-another-graph", "same graph", "", "torch.eye(x.size(0)) @ x"),
    ("x, w = torch.randn(1, 28, 28), torch.randn(784, 10)", "x @ w", "missing-flatten", "x.reshape(-1, 784)", "", "x.reshape(-1, 784) @ w"),
    ("pos = nn.Embedding(512, 16)", "pos(torch.arange(600))", "sequence-longer-than-positions", "x[:, :n]", "tokenizer-larger",
     "pos(torch.arange(600)[:512])"),
    ("emb = nn.Embedding(100, 8)", "emb(torch.tensor([[3, 4, -1]]))", "negative-id", "pad with", "", "emb(torch.tensor([[3, 4, 0]]))"),
    ("x = nn.Embedding(1000, 50)(torch.randint(0, 1000, (8, 20))); fc = nn.Linear(50, 2)", "fc(x.flatten(1))", "flattened-steps",
     "x.mean(1)", "", "fc(x.mean(1))"),
)  # fmt: skip


def run(code: str, names: dict[str, Any]) -> Exception | None:
    try:
        exec(code, names)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize(("before", "line", "first", "word", "unsaid", "mended"), LINES, ids=[row[1] for row in LINES])
def test_the_line_is_read_and_the_advice_runs(before: str, line: str, first: str, word: str, unsaid: str, mended: str) -> None:
    torch.manual_seed(0)
    names: dict[str, Any] = {"torch": torch, "nn": nn}
    exec(before, names)
    error = run(line, names)
    assert error is not None
    text = f'Traceback (most recent call last):\n  File "m.py", line 3, in forward\n    {line}\n{type(error).__name__}: {error}\n'
    answer = explain(text)
    assert isinstance(answer, Explanation)
    assert answer.causes[0].name == first, [cause.name for cause in answer.causes]
    assert word in " ".join(answer.tries)
    if unsaid:
        assert unsaid not in " ".join([*answer.tries, *(f"{cause.name} {cause.why}" for cause in answer.causes)])
    assert run(mended, names) is None


@pytest.mark.parametrize(
    "text",
    [
        "IndexError: index 10 is out of bounds for axis 0 with size 10",
        '  File "m.py", line 3, in <module>\n    name = parts[2]\nIndexError: tuple index out of range\n',
    ],
)
def test_what_numpy_and_python_say_of_their_own_is_refused(text: str) -> None:
    assert isinstance(explain(text), Unknown)


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ('  File "m.py", line 3, in f\n    n = x.shape[3]\nIndexError: tuple index out of range', "Python"),
        ("ValueError: operands could not be broadcast together with shapes (3,4) (5,)", "NumPy"),
        ("TypeError: Cannot handle this data type: (1, 1, 3), <f4", "PIL"),
        ("RuntimeError: shape '[2, 3]' is invalid for input of size 5", "PyTorch"),
    ],
)
def test_whose_words_they_are(text: str, speaker: str) -> None:
    answer = explain(text)
    assert isinstance(answer, Explanation)
    assert answer.speaker == speaker
