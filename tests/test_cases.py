"""Every case file: the program is checked, and what is said of it is what the file says.

`UPDATE_CASES=1 pytest tests/test_cases.py` writes the rendered reports into the files.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

import casefile
from shapewright.messages import Explanation, explain
from shapewright.reason.patches import applied
from shapewright.report import Finding, Report, TargetReport
from shapewright.show import terminal

CASES = casefile.cases()
# Where the first fix is not accepted. "another": it runs, and is neither accepted nor refused; "idea": it is shown and never applied;
# "none": nothing was proven.
FIRST_FIX = {
    "concat-mismatch/collate": "none",
    "conv-in-channels/conditional-image": "idea",
    "linear-in-features/module-used-twice": "another",
    "linear-in-features/modulelist-loop": "refused",
    "linear-in-features/widths-in-a-comprehension": "another",
    "matmul-inner-dim/gnn-adjacency": "idea",
    "other-shape-error/boolean-mask": "none",
}
# What the message alone looks like, where the program shows that it is something else.
FROM_THE_MESSAGE = {
    "batch-dim-missing/single-image": "linear-in-features",
    "loss-target-shape/bce-integer-labels": "other-shape-error",
    "loss-target-shape/mse-class-numbers": "broadcast-mismatch",
    "matmul-inner-dim/gnn-adjacency": "linear-in-features",
    "matmul-inner-dim/low-rank-weights": "linear-in-features",
    "matmul-inner-dim/weights-by-hand": "linear-in-features",
    "matmul-inner-dim/plain-regression": "linear-in-features",
    "recurrent-input-size/packed-sequence": "linear-in-features",
}


def run(case: casefile.Case, check) -> TargetReport:  # type: ignore[no-untyped-def]
    inputs = [word for flag, word in zip(case.args, case.args[1:], strict=False) if flag == "--input"]
    words = case.args[case.args.index("--") + 1 :] if "--" in case.args else ()
    init = next((word for flag, word in zip(case.args, case.args[1:], strict=False) if flag == "--init"), "")
    return check.source(case.program, *inputs, name=f"{case.name.replace('-', '_')}.py", target=case.target, argv=tuple(words), init=init)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: casefile.Case, check, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    report = run(case, check)
    told = f"{report.reason} {[(f.slug, f.where and f.where.line, f.headline) for f in report.findings]}"
    assert report.verdict == case.verdict, told
    if not case.findings:
        assert all(finding.severity == "note" for finding in report.findings), told
    assert len(report.findings) >= reached(case), told
    for found, expected in zip(report.findings, case.findings, strict=False):
        agree(found, expected)
        understood(found, case.id)
    if case.findings:
        monkeypatch.chdir(check.folder)
        agree_rendered(case, Report((report,)))
        if case.edits:
            agree_edits(case, report)


def understood(found: Finding, case: str) -> None:
    """From the message alone `explain` says the same as `check`, where the message says enough."""
    if found.torch_message and found.severity == "error":
        answer = explain(found.torch_message)
        assert isinstance(answer, Explanation), found.torch_message
        assert answer.slug in (found.slug, FROM_THE_MESSAGE.get(case)), found.torch_message


def reached(case: casefile.Case) -> int:
    """How many of the faults the first run meets; those behind them are found once a fix is proven for what hides them."""
    for number, expected in enumerate(case.findings, 1):
        if not expected.swallowed:
            return number
    return len(case.findings)


def agree(found: Finding, expected: casefile.Expected) -> None:
    assert found.slug in expected.slugs, found.headline
    assert not expected.severity or found.severity == expected.severity
    assert found.where is not None
    assert found.where.line == expected.line, found.headline
    assert found.swallowed == expected.swallowed
    if expected.demand:
        assert found.demand is not None, f"no demand for {expected.demand}: {found.headline}"
        assert found.demand.span.line in expected.demand, found.demand
    if expected.supply:
        assert found.supply is not None, f"no supply for {expected.supply}: {found.headline}"
        assert found.supply.span.line in expected.supply, found.supply
    for fragment in expected.headline:
        assert fragment in found.headline


def agree_edits(case: casefile.Case, report: TargetReport) -> None:
    """The first fixes together are an edit that the file accepts, unless it is known to be another; no first fix is one that it refuses."""
    accepted = {meaning(casefile.edited(case.program, edit.steps)) for edit in case.edits if edit.accepted}
    refused = {meaning(casefile.edited(case.program, edit.steps)) for edit in case.edits if not edit.accepted}
    findings = [finding for finding in report.findings if finding.severity != "note" or len(report.findings) == 1]
    fixes = [finding.fixes[0] for finding in findings if finding.fixes]
    mended = len(fixes) == len(findings) and fixes[-1].verdict == "fixed"
    after = meaning(applied(case.program, [edit for fix in fixes for edit in fix.edits]))
    found = "refused" if after in refused else "none" if not mended else "accepted" if after in accepted else "another"
    found = "idea" if mended and any(fix.applicability == "idea" for fix in fixes) else found
    assert found == FIRST_FIX.get(case.id, "accepted"), [fix.title for fix in fixes]


def meaning(program: str) -> str:
    """The program without its layout."""
    return ast.dump(ast.parse(program))


def agree_rendered(case: casefile.Case, report: Report) -> None:
    text = terminal.render(report, width=100, colour=False, verbose=case.verdict == "clean")
    # how many calls there were depends on how quick the loops' turns are; torch's own sentence differs between versions
    text = re.sub(r"\n(error|warning|clean)  [^\n]*torch calls checked.*", "", text, flags=re.DOTALL)
    text = re.sub(r"( = note: PyTorch says:).*(\n {5,}.*)*", r"\1 …", text)
    if os.environ.get("UPDATE_CASES"):
        write_report(case.path, text)
    elif case.report is not None:
        assert text == case.report


def write_report(path: Path, text: str) -> None:
    whole = path.read_text(encoding="utf-8")
    whole = re.sub(r"\n```report\n.*?^```\n", "", whole, flags=re.DOTALL | re.MULTILINE)
    path.write_text(f"{whole.rstrip()}\n\n```report\n{text}```\n", encoding="utf-8")
