"""The differential measurement: the same seed gives the same programs, and a wrong answer is seen. Nothing is run here."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
differential = pytest.importorskip("bench.differential", reason="the measurements run on Linux only")
generated = pytest.importorskip("bench.generated")
plain = pytest.importorskip("bench.plain")

MADE = list(generated.programs(330))
FAILS = differential.Truth("shapes", 7, "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x8 and 9x2)")
VALUES = differential.Truth("values", 7, "RuntimeError: expected scalar type Float but found Long")


def said(verdict: str, line: int = 0, reason_line: int = 0) -> object:
    return differential.Said(verdict, line=line, end_line=line + 1 if line else 0, reason_line=reason_line)


def compared(result: str) -> object:
    return differential.Compared("losses", "losses.classes", 3, "labels", FAILS, said("error", 7), result)


def test_the_same_seed_gives_the_same_programs_and_another_one_others() -> None:
    assert list(generated.programs(330)) == MADE
    assert [one.source for one in generated.programs(330, seed=8)] != [one.source for one in MADE]


def test_every_program_is_python_and_every_family_has_right_and_wrong_ones() -> None:
    for one in MADE:
        ast.parse(one.source)
    assert {one.family for one in MADE} == set(generated.FAMILIES)
    for family in generated.FAMILIES:
        assert {bool(one.mistake) for one in MADE if one.family == family} == {False, True}
    assert len({one.name for one in MADE}) == len(MADE)
    assert len({one.source for one in MADE}) > 0.98 * len(MADE)


def test_one_mistake_changes_a_program_little() -> None:
    writer = generated.FAMILIES["image classifiers"][0]
    right = generated.Draw(generated.Random("1"))
    lines = writer(right).splitlines()
    assert right.offered
    for name in right.offered:
        wrong = writer(generated.Draw(generated.Random("1"), active=name)).splitlines()
        assert 0 < len(set(wrong) ^ set(lines)) <= 10, name


@pytest.mark.parametrize(
    ("truth", "answer", "result"),
    [
        (FAILS, said("error", 7), "agrees"),
        (FAILS, said("error", 6), "agrees"),  # the expression begins a line before
        (FAILS, said("error", 8), "wrong line"),
        (FAILS, said("clean"), "missed"),
        (FAILS, said("warning"), "missed"),
        (FAILS, said("not-analysed", reason_line=7), "not analysed"),
        (differential.Truth("runs"), said("clean"), "agrees"),
        (differential.Truth("runs"), said("warning"), "warned"),
        (differential.Truth("runs"), said("error", 7), "false alarm"),
        (differential.Truth("runs"), said("not-analysed"), "not analysed"),
        (VALUES, said("error", 7), "agrees"),
        (VALUES, said("not-analysed", reason_line=7), "agrees"),
        (VALUES, said("not-analysed", reason_line=9), "not analysed"),
        (VALUES, said("clean"), "missed"),
        (differential.Truth("own", 7, "AssertionError"), said("not-analysed"), "agrees"),
        (differential.Truth("own", 7, "AssertionError"), said("clean"), "missed"),
        (differential.Truth("own", 7, "AssertionError", guarded=True), said("clean"), "hidden"),
        (differential.Truth("own", 7, "AssertionError"), said("error", 7), "false alarm"),
        (differential.Truth("lost"), said("clean"), "lost"),
    ],
)
def test_answers_are_compared(truth: object, answer: object, result: str) -> None:
    assert differential.compare(truth, answer) == result


def test_what_hangs_on_values_is_told_apart_on_fakes() -> None:
    blind = differential.Said("clean", how="fake")
    assert differential.compare(VALUES, blind) == "no values"
    assert differential.compare(FAILS, blind) == "missed"
    stopped = differential.Said("not-analysed", how="fake", reason="a size depends on values, which the fake tensors of a large program …")
    assert differential.compare(differential.Truth("runs"), stopped) == "no values"


@pytest.mark.parametrize("result", ["wrong line", "missed", "not analysed", "false alarm", "lost"])
def test_one_disagreement_is_listed_and_breaks_the_limit(result: str) -> None:
    assert differential.kept([compared("agrees")])
    table, kept = differential.told([compared("agrees"), compared(result)], [])
    assert not kept
    assert f"- {result}: losses.classes-3 (labels): line 7, RuntimeError: mat1" in table
    assert not differential.kept([])


SOURCE = """\
try:
    out = model(x)
except RuntimeError:  # another way
    out = model(x.flatten(1))
try:
    loss = F.cross_entropy(out, y)
except RuntimeError as error:
    print(error)
"""


def test_the_truth_is_the_first_exception_for_which_the_program_knows_no_other_way() -> None:
    first, second = "RuntimeError: mat1 and mat2 shapes cannot be multiplied", "ValueError: Expected input batch_size (4)"
    both = plain.Outcome(line=2, error=first, by="torch", later=((6, second, "torch"),))
    assert differential.truth_of(both, SOURCE) == differential.Truth("shapes", 6, second, guarded=True)
    assert differential.truth_of(plain.Outcome(line=2, error=first, by="torch"), SOURCE).kind == "runs"
    own = plain.Outcome(line=6, error="ValueError: not enough values to unpack (expected 4, got 3)", by="torch")
    assert differential.truth_of(own, SOURCE).kind == "own"
    assert differential.truth_of(plain.Outcome(), SOURCE).kind == "runs"
    assert differential.truth_of(plain.Outcome(answered=False), SOURCE).kind == "lost"
