"""The hypotheses about widths: each is made from a scene that really happens, and must be among the first that are named."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from shapewright.messages import Explanation, explain
from shapewright.messages.numbers import divisors, maps, size_changes
from shapewright.messages.readings.widths import Widths, causes
from shapewright.messages.template import Cause

CHANNELS = st.sampled_from([8, 16, 20, 32, 48, 64, 96, 128, 256, 512])
SIDES = st.sampled_from([3, 4, 5, 6, 7, 8, 12, 13, 14, 16, 28])
BATCHES = st.integers(1, 64)
WIDTHS = st.integers(2, 5000)


def named(found: tuple[Cause, ...], name: str, first: int = 3) -> Cause:
    return next(cause for cause in found[:first] if cause.name == name)


def raised(layer: nn.Module, x: torch.Tensor) -> Explanation:
    """What is said of the error that PyTorch itself raises."""
    with pytest.raises(RuntimeError) as error:
        layer(x)
    answer = explain(str(error.value))
    assert isinstance(answer, Explanation)
    return answer


@settings(max_examples=120, deadline=None)
@given(BATCHES, CHANNELS, SIDES)
def test_maps_that_were_not_flattened(batch: int, channels: int, side: int) -> None:
    answer = raised(nn.Linear(channels * side * side, 3), torch.zeros(batch, channels, side, side))
    cause = answer.causes[0]
    assert (cause.name, cause.likely) == ("missing-flatten", True)
    assert cause.facts == {"batch": batch, "channels": channels, "map": [side, side]}
    assert answer.slug == "missing-flatten"


@settings(max_examples=120, deadline=None)
@given(BATCHES, CHANNELS, SIDES, SIDES)
def test_images_of_another_size(batch: int, channels: int, got: int, want: int) -> None:
    if got == want:
        return
    answer = raised(nn.Linear(channels * want * want, 7), torch.zeros(batch, channels, got, got).flatten(1))
    cause = named(answer.causes, "input-size-changed")
    facts = cause.facts
    assert isinstance(facts["channels"], int)
    for key, width in (("got", channels * got * got), ("want", channels * want * want)):
        sides = facts[key]
        assert isinstance(sides, list)
        assert facts["channels"] * sides[0] * sides[1] == width
    assert facts["batch"] == batch


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([2, 3, 5, 8, 12, 32, 100, 128]), st.sampled_from([10, 30, 100, 784, 300]))
def test_a_batch_that_was_flattened_along(batch: int, features: int) -> None:
    answer = raised(nn.Linear(features, 3), torch.zeros(batch, features).flatten().unsqueeze(0))
    assert named(answer.causes, "batch-merged").facts == {"batch": batch, "features": features}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 32), CHANNELS, st.sampled_from([4, 6, 7, 8]))
def test_maps_for_a_layer_behind_a_pooling(batch: int, channels: int, side: int) -> None:
    if channels == side or channels < 16:  # a layer for 8 features is a layer for anything
        return
    answer = raised(nn.Linear(channels, 10), torch.zeros(batch, channels, side, side))
    cause = next(cause for cause in answer.causes if cause.name in ("missing-pool", "missing-flatten"))
    assert cause.likely


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 64), st.integers(3, 2000), st.integers(3, 2000))
def test_a_layer_that_gets_its_own_output(rows: int, width: int, want: int) -> None:
    if width == want:
        return
    found = causes(Widths(width, want, rows, width))
    own = next(cause for cause in found if cause.name == "applied-twice-or-transposed")
    assert own.facts == {"got": width, "out": width}
    assert own.likely or found[0].name in (
        "missing-flatten",
        "missing-pool",
        "model-family-mismatch",
        "encoder-swapped",
        "input-size-changed",
    )


@pytest.mark.parametrize(("rows", "wide", "out"), [(1024, 4096, 4096), (80, 512, 1536), (42, 5120, 15360), (7, 4096, 11008)])
def test_packed_weights(rows: int, wide: int, out: int) -> None:
    for widths in (Widths(wide, 1, rows, wide * out // 2), Widths(wide, wide * out // 2, rows, 1)):
        first = causes(widths)[0]
        assert first.name == "packed-weights"
        assert first.facts == {"in": wide, "out": out, "bytes": wide * out // 2}
        assert not any(cause.name == "wrong-constant" for cause in causes(widths))


def test_grey_and_coloured_images() -> None:
    first = causes(Widths(2352, 784, 64, 128))[0]
    assert first.name == "input-size-changed"
    assert first.facts == {"channels": [3, 1], "got": [28, 28], "want": [28, 28]}


def test_what_an_expert_says_of_a_width_that_nothing_explains() -> None:
    """29040 = 2⁴·3·5·11²; the greatest common divisor with 2048 is 16."""
    answer = explain("mat1 and mat2 shapes cannot be multiplied (128x29040 and 2048x50)")
    assert isinstance(answer, Explanation)
    assert answer.facts == {"rows": 128, "got": 29040, "want": 2048, "out": 50}
    constant, size = answer.causes
    assert all(form in constant.why for form in ("240·11·11", "60·22·22", "15·44·44"))
    assert "at most 16 channels: 16·33·55 against 16·8·16" in size.why
    assert (constant.likely, size.likely) == (True, False)
    assert "in_features=29040" in answer.tries[0]


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 200_000), st.integers(1, 200_000), st.none() | st.integers(1, 5000), st.none() | st.integers(1, 5000))
def test_any_four_numbers_are_answered(got: int, want: int, rows: int | None, out: int | None) -> None:
    if got == want:
        return
    found = causes(Widths(got, want, rows, out))
    assert found
    likely = [cause.likely for cause in found]
    assert likely == sorted(likely, reverse=True)
    assert likely[0]
    assert all(cause.why and cause.tries for cause in found)


@given(st.integers(1, 10**7))
def test_divisors(number: int) -> None:
    found = divisors(number)
    assert found == sorted(set(found))
    assert all(number % d == 0 for d in found)
    assert found[-1] == number


@given(WIDTHS, WIDTHS)
def test_readings_multiply_to_the_width(got: int, want: int) -> None:
    for reading in maps(got):
        assert reading.channels * reading.sides[0] * reading.sides[1] == got
    for change in size_changes(got, want):
        assert change.got.channels * change.got.sides[0] * change.got.sides[1] == got
        assert change.want.channels * change.want.sides[0] * change.want.sides[1] == want
