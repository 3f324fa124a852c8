"""`assert_shapes`: which promises are kept, what is said of those that are not, and that the model stays as it was."""

from __future__ import annotations

import copy
import os
import random
import re
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from shapewright import assert_shapes, shapes, sizes
from shapewright.observe import letters

PAGE = Path(__file__).parent.parent / "docs" / "assert_shapes.md"
Pair = namedtuple("Pair", "mean spread")


class Stateful(nn.Module):
    """Changes all that a forward can change."""

    def __init__(self, real: bool) -> None:
        super().__init__()
        self.real = real
        self.norm = nn.BatchNorm1d(5)
        self.lstm = nn.LSTM(5, 5, batch_first=True)
        self.spectral = nn.utils.spectral_norm(nn.Linear(5, 5))
        self.dropout = nn.Dropout(0.5)
        self.table, self.counter, self.calls = torch.zeros(100, 5), torch.zeros(()), 0
        self.seen: list[Any] = []
        self.array = np.zeros(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.counter += 1
        self.calls += 1
        self.table[:1] += 1
        self.seen.append(x)
        self.array += 1
        self.last = x
        random.random()
        np.random.rand()
        if self.real and float(x.sum()) < 0:
            return x
        x, _ = self.lstm(self.dropout(x) + self.table[: x.shape[1]])
        return self.norm(self.spectral(x).transpose(1, 2))


class Lines(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        return self.fc(x) * scale


def broken(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_shapes(*args, **kwargs)
    return str(caught.value)


KEPT: dict[str, Callable[[], Any]] = {
    "convolution": lambda: (nn.Conv2d(3, 8, 3, 2, 1), "B 3 H W", "B 8 H//2 W/2"),
    "valid": lambda: (nn.Conv1d(3, 8, 3), "N, 3, T", "N, 8, T-2"),
    "any": lambda: (nn.Linear(4, 3), "_ _ 4", "_ * 3"),
    "rest": lambda: (nn.Linear(4, 3), "B T S ... 4", "B ... 3"),
    "brackets": lambda: (nn.Linear(4, 3), "(B, 4)", "[B, 3]"),
    "scalar": lambda: (lambda x: x.sum(), "B T", ""),
    "dtype": lambda: (nn.Embedding(9, 4), "B T:int64", "B T 4:f32"),
    "double": lambda: (nn.Linear(4, 3).double(), "B 4", "B 3:float64"),
    "bound by the output": lambda: (nn.LSTM(4, 7), "T B 4", ("T B K", ("1 B K", "1 B K"))),
    "attention": lambda: (nn.MultiheadAttention(8, 2, batch_first=True), ("B T 8", "B S 8", "B S 8"), ("B T 8", "B T S")),
    "transformer": lambda: (nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 2), "T B 8", "T B 8"),
    "state": lambda: (nn.LSTM(4, 7), ("T B 4", ("1 B 7", "1 B 7")), ("T B 7", None)),
    "list": lambda: (lambda parts: torch.cat(parts, 1), (["B 3", "B 4"],), "B 7"),
    "keywords": lambda: (lambda x, flip: x.T if flip else x, {"x": "B 3", "flip": True}, "3 B"),
    "namedtuple": lambda: (lambda x: Pair(x.mean(1), x), "B 4", ("B", "B 4")),
    "entries of a namedtuple": lambda: (lambda x: Pair(x.mean(1), x), "B 4", {"spread": "B 4"}),
    "attributes": lambda: (lambda x: SimpleNamespace(logits=x), "B 4", {"logits": "B 4"}),
    "nested": lambda: (lambda x: {"a": [x, {"b": x.T}]}, "B 4", {"a": ("B 4", {"b": "4 B"})}),
    "nothing": lambda: (lambda x: None, "B 4", None),
    "product": lambda: (lambda x: x.reshape(-1, x.shape[-1]), "B T 4", "B*T 4"),
    "training": lambda: (nn.BatchNorm1d(4), "B 4", "B 4"),
    "branch": lambda: (lambda x: x if x.sum() > 0 else x.T, "B 4", "B 4"),
    "numpy": lambda: (lambda x: torch.from_numpy(x.numpy() * 2), "B 4", "B 4"),
    "item": lambda: (lambda x: x[:, : int(x.sum() * 0) + 2], "B 4", "B 2"),
    "mask": lambda: (lambda x: (x[x > 0.5], x[x > 0.5] * 2), "B 40", ("K", "K")),
    "packed": lambda: (
        lambda x, n: nn.utils.rnn.pack_padded_sequence(x, n, batch_first=True).data,
        ("B T 4", "B:int64"),
        "B 4",
    ),
    "lazy": lambda: (nn.Sequential(nn.LazyConv2d(5, 3), nn.LazyBatchNorm2d()), "B 3 H W", "B 5 H-2 W-2"),
    "built late": lambda: (nn.LazyLinear(5), "B H 13", "B H 5"),
    "scripted": lambda: (torch.jit.script(nn.Linear(4, 3)), "B 4", "B 3"),
    "compiled": lambda: (torch.compile(nn.Linear(4, 3)), "B 4", "B 3"),
    "parallel": lambda: (nn.DataParallel(nn.Linear(4, 3)), "B 4", "B 3"),
    "meta": lambda: (nn.Linear(4, 3, device="meta"), "B 4", "B 3"),
    "method": lambda: (Lines().forward, "B 8", "B 2"),
    "zero": lambda: (nn.Linear(4, 3), "B 4", "B 3", {"B": (0, 2)}),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_promises_that_are_kept(name: str) -> None:
    model, given, wanted, *chosen = KEPT[name]()
    assert_shapes(model, given, wanted, sizes=chosen[0] if chosen else None)


@pytest.mark.parametrize("name", [name for name in KEPT if KEPT[name]()[2] is not None])
def test_the_same_promises_with_a_dim_more_are_broken(name: str) -> None:
    model, given, wanted, *chosen = KEPT[name]()

    def longer(part: Any) -> Any:
        if isinstance(part, str):
            shape, colon, dtype = part.partition(":")
            return (shape.strip("()[]") + " 1 1 1 1 1").strip() + colon + dtype
        if isinstance(part, dict):
            return {key: longer(one) for key, one in part.items()}
        return tuple(map(longer, part)) if isinstance(part, tuple) else part

    assert "promised" in broken(model, given, longer(wanted), sizes=chosen[0] if chosen else None)


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_the_model_stays_as_it_was(real: bool, kept: bool) -> None:
    model = Stateful(real)
    weights, names = copy.deepcopy(model.state_dict()), set(vars(model))
    versions = [parameter._version for parameter in model.parameters()]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    if kept:
        assert_shapes(model, "B T 5", "B 5 T")
    else:
        broken(model, "B T 5", "B T 5")
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in weights.items())
    assert set(vars(model)) == names and model.calls == 0 and model.seen == [] and model.training
    assert not model.table.any() and not model.counter.any() and not model.array.any()
    assert versions == [parameter._version for parameter in model.parameters()]
    assert torch.equal(states[0], torch.get_rng_state()) and states[1] == random.getstate()
    assert states[2] == np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    assert {type(weight) for weight in model.lstm._flat_weights} == {nn.Parameter}
    assert model(torch.zeros(2, 3, 5)).shape == (2, 5, 3)


def test_lazy_layers_are_lazy_again() -> None:
    model = nn.Sequential(nn.LazyLinear(5), nn.LazyBatchNorm1d())
    assert_shapes(model, "B 7", "B 5")
    assert type(model[0]) is nn.LazyLinear and model(torch.zeros(2, 9)).shape == (2, 5)


def test_small_models_need_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters.Caller, "_real", lambda *args: pytest.fail("it was run for real"))
    assert_shapes(Lines(), "B 8", "B 2")
    with pytest.raises(pytest.fail.Exception):
        assert_shapes(lambda x: x[x > 0], "B", "_")


def test_a_batch_of_one_is_tried_in_eval_mode_only() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    assert_shapes(model, "B 4", "B 3")
    squeezing = nn.Sequential(nn.Linear(4, 1), SqueezeAll())
    assert_shapes(squeezing, "B 4", "B")
    text = broken(squeezing.eval(), "B 4", "B")
    assert "1 dim was promised, but 0 came" in text
    assert "`B` alone breaks it: it holds for B = 2, not for 1" in text


class SqueezeAll(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.squeeze()


def test_a_wrong_shape() -> None:
    text = broken(nn.Sequential(nn.AdaptiveAvgPool2d(4)), "B C H W", "B C H//8 4")
    assert text.splitlines() == [
        '`Sequential` does not keep its promise "B C H W" → "B C H//8 4"',
        "  for       B = 2, C = 5, H = 64, W = 96",
        "  input     f32[2, 5, 64, 96]",
        "  promised  [2, 5, →8←, 4]",
        "  came      f32[2, 5, →4←, 4]",
        "  = dim 2 should be H//8 = 8, but is 4",
        "  = `H` does not matter: dim 2 was 4 in all 6 runs",
    ]


@pytest.mark.parametrize(
    ("model", "given", "wanted", "words"),
    [
        (lambda x: x.view(-1, 2), "B T", "B 2", "dim 0 was B*T/2 in all 5 runs"),
        (lambda x: x.transpose(0, 1), "B T", "B T", "dim 0 was T in all 5 runs"),
        (nn.Conv1d(3, 3, 3), "B 3 T", "B 3 T", "dim 2 was T-2 in all 4 runs"),
        (lambda x: (x, x), "B T", ("B T", "B 2*T"), "output[1]: dim 1 should be 2*T = 16, but is 8"),
        (lambda x: (x, x), "B T", "B T", "a tensor was promised, but a tuple of 2 came"),
        (lambda x: x, "B T", ("B T", "B T"), "2 outputs were promised, but one tensor, f32[2, 8], came"),
        (lambda x: (x, x, x), "B T", ("B T", "B T"), "2 outputs were promised, but 3 came"),
        (lambda x: {"a": x}, "B T", {"b": "B T"}, "there is no 'b' in output: a dict with 'a' came"),
        (lambda x: x.long(), "B T", "B T:float32", "the dtype should be float32, but is int64"),
        (lambda x: (x[:, :3], x[:, :4]), "B T", ("B K", "B K"), "output[1]: dim 1 should be K = 3, but is 4"),
        (lambda x: x[:, : 12 if x.shape[1] == 12 else 3], "3 T", "3 T", "it holds for one of the 2 sizes tried only: T = 12"),
    ],
)  # fmt: skip
def test_what_is_said(model: Any, given: Any, wanted: Any, words: str) -> None:
    assert words in broken(model, given, wanted)


def test_an_exception_on_the_way() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_shapes(Lines(), "B T 9", "B T 2")
    assert isinstance(caught.value.__cause__, RuntimeError)
    line = next(i for i, text in enumerate(Path(__file__).read_text(encoding="utf-8").splitlines(), 1) if "self.fc(x) * scale" in text)
    lines = str(caught.value).splitlines()
    assert lines[0] == '`Lines` raises before it can give "B T 9" → "B T 2"'
    assert lines[1:3] == ["  for     B = 2, T = 8", "  input   f32[2, 8, 9]"]
    assert lines[3].startswith("  raised  RuntimeError: mat1 and mat2 shapes cannot be multiplied")
    assert lines[4].endswith(f"test_assert_shapes.py:{line} in Lines.forward: return self.fc(x) * scale")
    assert lines[5:] == [
        "  module  fc (Linear)",
        "  = it raises for all 4 sizes tried",
        "  = where the model takes one size only, write that number in the place of the letter, or try others with `sizes`",
    ]


def test_token_ids_without_a_dtype() -> None:
    assert 'it runs when input is int64: write "B T:int64"' in broken(nn.Embedding(9, 4), "B T", "B T 4")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("B 3H", "'3H' is no dim; write a number, a name, `_`, `...` or arithmetic without spaces"),
        ("B -1", "no dim has the size -1; write `_` for any size"),
        ("B 2-3", "no dim has the size -1"),
        ("B H // 2", "'//' is no dim"),
        ("B H/0", "'H/0' divides by 0"),
        ("B f(H)", "'f(H)' may hold whole numbers, names and + - * / // % only"),
        ("B 2**9", "may hold whole numbers"),
        ("B H.a", "may hold whole numbers"),
        ("B 1.5", "may hold whole numbers"),
        ("B (H", "'(H' is no dim"),
        ("... B ...", "`...` may stand once only"),
        ("B:integer", "'integer' is no dtype"),
        ("B H/7", "`H/7` is no whole number for H = 64; choose others with `sizes`"),
        ("B H-100", "`H-100` is -36 for H = 64"),
        ("B " * 400, "has 800 characters"),
        ("(" * 200 + "B" + ")" * 200, ""),
    ],
)  # fmt: skip
def test_texts_that_are_no_shapes(text: str, words: str) -> None:
    if words:
        with pytest.raises(ValueError, match=re.escape(words)) as caught:
            assert_shapes(nn.Identity(), text, None)
        assert "input" in str(caught.value)
        with pytest.raises(ValueError, match=re.escape(words).replace("64", "9").replace("\\-36", "\\-91")):
            assert_shapes(lambda x: (x, x), "9 H", ("_ _", text), sizes={"H": 9})


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="nothing says what `K` is"):
        assert_shapes(nn.Identity(), "B T", "B 2*K")
    with pytest.raises(ValueError, match=r"names 'K', which is not in the input: there are B, T"):
        assert_shapes(nn.Identity(), "B T", "B T", sizes={"K": 3})
    with pytest.raises(ValueError, match="gives -3 for 'T'"):
        assert_shapes(nn.Identity(), "B T", "B T", sizes={"T": -3})
    for wrong in (3, [64], "H=64"):
        with pytest.raises(TypeError, match=r"`sizes` is a dict of what to try for a name, like \{'H'"):
            assert_shapes(nn.Identity(), "B T", "B T", sizes=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'B T' for input has 1e\+60 elements for B = .*, T = .*: no tensor is so large"):
        assert_shapes(nn.Identity(), "B T", "B T", sizes={"B": 10**30, "T": 10**30})
    with pytest.raises(ValueError, match="there is not the memory for an input of B = 1125899906842624"):
        assert_shapes(nn.LazyLinear(2), "B 8", "B 2", sizes={"B": 2**50})
    with pytest.raises(ValueError, match="`input` must be a text"):
        assert_shapes(nn.Identity(), 3, "B")
    with pytest.raises(ValueError, match="the promise for output\\[0\\] must be a text"):
        assert_shapes(nn.Identity(), "B", (3,))
    with pytest.raises(TypeError, match="not the class `Lines`: make one"):
        assert_shapes(Lines, "B 8", "B 2")
    with pytest.raises(TypeError, match="needs a model or a function, not int"):
        assert_shapes(3, "B 8", "B 2")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"missing a required argument: 'x'"):
        assert_shapes(Lines(), {"scale": 2.0}, "B 2")


NAMES = st.lists(st.sampled_from(["B", "N", "T", "L", "H", "W", "D", "C", "K", "x", "batch", "seq", "height"]), unique=True, max_size=9)


@given(NAMES, st.booleans())
@settings(deadline=None)
def test_no_two_letters_have_one_size(names: list[str], single: bool) -> None:
    plans = sizes.plans(names, names[0] if names else "", {}, single=single)
    assert all(len(set(plan.values())) == len(names) == len(plan) for plan in plans)
    assert all(len({plan[name] for plan in plans}) >= 2 for name in names)
    assert all(plan[name] % 32 == 0 for plan in plans for name in names if name in ("H", "W", "D", "height"))


@given(st.text(max_size=12))
@settings(deadline=None)
def test_any_text_is_a_shape_or_a_value_error(text: str) -> None:
    try:
        spec = shapes.parse(text, "input")
    except ValueError as error:
        assert "input" in str(error) and "\n" not in str(error)
    else:
        assert all(dim.kind != "size" or dim.tree is not None for dim in spec.dims)


def test_the_page_says_what_happens() -> None:
    """The python blocks are run in order; what follows in a text block is the exception. `UPDATE_DOCS=1` writes the page."""
    page, names = PAGE.read_text(encoding="utf-8"), {"__name__": "page"}

    def said(block: re.Match[str]) -> str:
        try:
            exec(compile(block[1], "page", "exec"), names)
            message = ""
        except (AssertionError, ValueError) as error:
            message = f"{type(error).__name__}: {error}"
        assert bool(message) == (block[2] is not None), message
        return f"```python\n{block[1]}```\n" + (f"\n```text\n{message}\n```\n" if message else "")

    written = re.sub(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", said, page, flags=re.S)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(written, encoding="utf-8")
    assert written == PAGE.read_text(encoding="utf-8")
    assert written.count("```text") == 3
