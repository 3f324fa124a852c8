"""Warnings and notes as a whole: when they are looked for, how they are mended, what they do to verdicts and exit codes."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

import casefile
from shapewright.model import Clash, Event, Span, Trace
from shapewright.reason import silent
from shapewright.reason.patches import applied
from shapewright.report import Report
from shapewright.show import concise, terminal

PAGES = [importlib.import_module(f"shapewright.reason.silent.{module.name}") for module in pkgutil.iter_modules(silent.__path__)]
RULES = [page for page in PAGES if hasattr(page, "SLUGS")]

SPREAD = """\
import torch
from torch import nn

x = torch.randn(12, 3)
y = x.sum(1)
model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
loss = nn.functional.mse_loss(model(x), y)
loss.backward()
"""


@pytest.mark.parametrize("page", RULES, ids=lambda page: page.__name__.rpartition(".")[2])
def test_every_rule_has_its_page(page: Any) -> None:
    text = page.__doc__
    for heading in ("What happened.", "Why.", "How to tell which fix is right.", "Example."):
        assert heading in text, heading
    assert set(page.SLUGS) <= casefile.SLUGS
    assert page.faults in silent.RULES


@pytest.mark.parametrize("slug", sorted({slug for page in RULES for slug in page.SLUGS}))
def test_every_slug_has_cases_on_both_sides(slug: str) -> None:
    """At least three programs in which it is found, and four that look alike and are right."""
    found = [case for case in casefile.cases() if case.slug == slug and case.verdict != "error"]
    alike = [case for case in casefile.cases() if case.slug == "clean" and case.name.startswith((slug, slug.partition("-")[0]))]
    assert len(found) >= 3, [case.name for case in found]
    assert len(alike) >= 4, [case.name for case in alike]


def test_an_error_comes_first_and_the_warning_behind_it_is_mended_too(check: Any) -> None:
    report = check.source(SPREAD.replace("nn.Linear(8, 1)", "nn.Linear(9, 1)"))
    assert [(finding.slug, finding.severity) for finding in report.findings] == [
        ("linear-in-features", "error"),
        ("loss-broadcast", "warning"),
    ]
    assert report.verdict == "error"
    edits = [edit for finding in report.findings for edit in finding.fixes[0].edits]
    after = applied(SPREAD.replace("nn.Linear(8, 1)", "nn.Linear(9, 1)"), edits)
    assert check.source(after).verdict == "clean", after


def test_a_fix_is_one_after_which_the_fault_is_gone(check: Any) -> None:
    report = check.source(SPREAD)
    assert report.verdict == "warning"
    assert report.findings[0].fixes
    for fix in report.findings[0].fixes:
        assert check.source(applied(SPREAD, fix.edits)).verdict == "clean", fix.title


def test_exit_codes(check: Any) -> None:
    report = Report((check.source(SPREAD, mend=False),))
    assert report.exit_code() == 0
    assert report.exit_code(strict=True) == 1


def test_a_program_that_stopped_is_not_judged(check: Any) -> None:
    report = check.source(SPREAD + "\nopen('figures.csv')\n")
    assert (report.verdict, report.findings) == ("not-analysed", ())


def test_one_place_is_told_once_and_notes_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(trace: Trace) -> Any:
        here, there = Span("a.py", 1, 1, 1, 9), Span("a.py", 2, 1, 2, 9)
        yield Event(0, "view", span=here), Clash("batch-mixed", "a note", "", severity="note")
        yield Event(1, "view", span=there), Clash("batch-mixed", "the first turn", "", severity="warning")
        yield Event(2, "view", span=there), Clash("batch-mixed", "the second turn", "", severity="warning")

    monkeypatch.setattr(silent, "RULES", (rule,))
    assert [clash.headline for _, clash in silent.faults(Trace())] == ["the first turn", "a note"]


def test_notes_are_shown_when_asked_for(check: Any) -> None:
    case = next((case for case in casefile.cases() if case.findings and case.findings[0].severity == "note"), None)
    if case is None:
        pytest.skip("no case has a note")
    report = Report((check.source(case.program),))
    slug = case.findings[0].slug
    assert report.targets[0].verdict == "clean"
    assert f"note[{slug}]" in terminal.render(report, width=100, colour=False, verbose=True)
    assert f"note[{slug}]" not in terminal.render(report, width=100, colour=False, verbose=False)
    assert concise.render(report).splitlines()[-1].endswith("clean")


def test_a_mistake_in_a_rule_is_a_note(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(trace: Trace) -> Any:
        yield from ()
        raise StopAsyncIteration("no dim left")

    monkeypatch.setattr(silent, "RULES", (*silent.RULES, rule))
    monkeypatch.delenv("SHAPEWRIGHT_DEBUG", raising=False)
    report = check.source(SPREAD.replace("(x), y)", "(x).squeeze(1), y)"))
    assert (report.verdict, [finding.slug for finding in report.findings]) == ("clean", ["internal-error"])
    assert "no dim left" in report.findings[0].headline
    monkeypatch.setenv("SHAPEWRIGHT_DEBUG", "1")
    with pytest.raises(StopAsyncIteration):
        check.source(SPREAD.replace("(x), y)", "(x).squeeze(1), y)"))
