"""The measurement of growth: its programs, its exponent and what counts as kept. Nothing is run here but the smallest programs' text."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import MappingProxyType

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
growth = pytest.importorskip("bench.growth", reason="the measurements run on Linux only")
programs = pytest.importorskip("bench.growth_programs")
processes = pytest.importorskip("bench.processes")

KIND = programs.KINDS[0]


def cost(seconds: float, memory: int = 200_000_000) -> object:
    return processes.Cost(0, "", seconds, seconds, memory, 0)


def grown(power: float, *, fixes: bool = True, memory: int = 200_000_000) -> object:
    """A start of two seconds, and a hundredth of a second a layer to a power."""
    names = (growth.CHECK, growth.MEND) if fixes else (growth.CHECK,)
    costs = {
        depth: {name: [cost(2 + 0.01 * (depth if depth > 1 else 0) ** power, memory)] for name in (growth.BARE, growth.PLAIN, *names)}
        for depth in (1, 100, 1000, 3000)
    }
    return growth.Grown(KIND, MappingProxyType(costs))


@pytest.mark.parametrize("kind", programs.KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("wrong", [False, True])
def test_programs_are_python_and_differ_in_the_head_alone(kind, wrong: bool) -> None:  # type: ignore[no-untyped-def]
    text = kind.source(30, wrong=wrong)
    ast.parse(text)
    other = kind.source(30, wrong=not wrong)
    assert [one for one in zip(text.splitlines(), other.splitlines(), strict=True) if one[0] != one[1]] and text.count("2 * ") == wrong


def test_the_exponent_is_that_of_what_the_layers_cost() -> None:
    for power in (1.0, 1.5, 2.0):
        assert grown(power).exponent(growth.CHECK) == pytest.approx(power, abs=0.01)
    assert grown(1.0).exponent("nobody's tool") is None
    assert growth.slope([(10, 1.0)]) is None


def test_limits_are_kept_only_by_what_grows_slowly_and_gets_through() -> None:
    assert growth.kept(grown(1.0))
    assert not growth.kept(grown(1.5))
    assert not growth.kept(grown(1.0, fixes=False))
    assert not growth.kept(grown(1.0, memory=growth.MEMORY_LIMIT + 1))


def test_the_table_names_what_did_not_get_through() -> None:
    one = grown(1.0)
    one.costs[3000][growth.MEND] = []  # type: ignore[attr-defined]
    table, good = growth.told(([one], {"torchtyc": "no such version"}))
    assert "no" in table and "torchtyc could not be installed: no such version" in table
    assert isinstance(good, bool)


def test_a_check_passes_with_its_verdict_only() -> None:
    clean = processes.Cost(0, '{"targets": [{"verdict": "clean", "findings": []}]}', 1.0, 1.0, 1, 0)
    fixed = '{"targets": [{"verdict": "error", "findings": [{"fixes": [{"verdict": "fixed"}]}]}]}'
    unfixed = fixed.replace('{"verdict": "fixed"}', "")
    assert growth._passed(growth.CHECK, clean) and not growth._passed(growth.MEND, clean)
    assert growth._passed(growth.MEND, processes.Cost(1, fixed, 1.0, 1.0, 1, 0))
    assert not growth._passed(growth.MEND, processes.Cost(1, unfixed, 1.0, 1.0, 1, 0))
    assert not growth._passed(growth.CHECK, processes.Cost(2, "", 1.0, 1.0, 1, 0))
