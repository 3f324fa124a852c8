"""The order of the fixes, the likelier of two widths, and which calls compare all with all."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from shapewright.model import ModuleInfo, Number, Trace
from shapewright.observe.stretch import both_stretched
from shapewright.reason import likely, ranking


def of(*widths: int) -> Trace:
    settings = [{"in_features": Number(a), "out_features": Number(b)} for a, b in pairwise(widths)]
    return Trace(modules=tuple(ModuleInfo(number, str(number), "Linear", values) for number, values in enumerate(settings)))


@pytest.mark.parametrize("old, new", [(15, 16), (322, 32), (65, 64), (129, 128)])
def test_a_width_that_nobody_would_choose_is_the_slip(old: int, new: int) -> None:
    trace = of(old, new)
    assert likely.speaks(trace, old, new) > 0 > likely.speaks(trace, new, old)


def test_a_width_that_its_neighbours_have_is_likelier() -> None:
    trace = of(64, 64, 64, 32)
    assert likely.speaks(trace, 32, 64) > 0 > likely.speaks(trace, 64, 32)
    assert likely.speaks(of(64, 32), 32, 64) == 0


def test_what_speaks_for_a_number_decides_among_numbers_only() -> None:
    slug = "linear-in-features"
    assert ranking.place(slug, "producer", 2) < ranking.place(slug, "constant", 1) < ranking.place(slug, "producer", 1)
    assert ranking.place(slug, "flatten", -3) < ranking.place(slug, "constant", 3) < ranking.place(slug, "pool", 3)


@pytest.mark.parametrize("slug", [*ranking.FIRST, "any-other"])
def test_every_kind_has_a_place_and_a_reason(slug: str) -> None:
    for kind in ranking.ORDER:
        assert kind.reason
        ranking.place(slug, kind.name)
    named = {name for group in ranking.FIRST.get(slug, ()) for name in ([group] if isinstance(group, str) else group)}
    assert named <= set(ranking.KINDS)


@pytest.mark.parametrize(
    "one, other", [((17, 1), (17,)), ((3, 1, 5), (4, 1)), ((1, 4), (4, 1)), ((2, 3), (3,)), ((4, 1), (4, 5)), ((4,), ()), ((1,), (1, 1))]
)
def test_both_sides_are_stretched_just_when_the_result_is_larger_than_either(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    result = torch.broadcast_shapes(one, other).numel()
    sizes = torch.Size(one).numel(), torch.Size(other).numel()
    assert both_stretched(one, other) == (result > max(sizes))
