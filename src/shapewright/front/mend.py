"""`check --fix` and `--diff`: the proven fixes of a report, written to disk after a question, or printed as a patch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import click

from shapewright.apply import CannotApply, apply
from shapewright.front import output
from shapewright.observe.request import Request, UsageError
from shapewright.reason.repair import diff_of
from shapewright.report import Edit, Fix, Report, TargetReport
from shapewright.show.paths import relative


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    mode: Literal["fix", "diff"]
    pick: int = 1
    yes: bool = False
    format: str = "terminal"
    verbose: bool = False


def run(requests: Sequence[Request], wish: Wish) -> int:
    """Check, mend, check again. The exit code is that of the last check; of `--diff` that of the only one."""
    report = output.report(list(requests), mend=True)
    chosen = [(target, fixes(target, wish.pick)) for target in report.targets]
    if wish.mode == "diff":
        for target, found in chosen:
            output.write(patch(target, found))
        _say_unmended(report, chosen)
        return report.exit_code()
    if wish.format == "terminal":
        output.write(output.rendered(report, "terminal", wish.verbose))
    changed = False
    for target, found in chosen:
        if found and _agreed(target, found, wish):
            try:
                files = apply(_edits(found), target.sources)
            except CannotApply as error:
                raise UsageError(str(error)) from None
            changed = True
            click.echo(f"\nmended {', '.join(relative(file) for file in files)}:", err=wish.format != "terminal")
            click.echo(patch(target, found), nl=False, err=wish.format != "terminal")
    _say_unmended(report, chosen)
    if not changed:
        if wish.format != "terminal":
            output.write(output.rendered(report, wish.format, wish.verbose))
        return report.exit_code()
    after = output.report([replace(request, overlay={}) for request in requests], mend=False)
    if wish.format == "terminal":
        click.echo("\nchecked again:")
    output.write(output.rendered(after, wish.format, wish.verbose))
    return after.exit_code()


def fixes(target: TargetReport, pick: int) -> tuple[Fix, ...]:
    """The fix to make of each finding: the first one, of the first error the one that was picked. Raises UsageError."""
    found: list[Fix] = []
    for number, finding in enumerate(one for one in target.findings if one.fixes):
        if number == 0 and pick > len(finding.fixes):
            raise UsageError(f"{target.target} has {len(finding.fixes)} fixes for its first error; there is no number {pick}")
        fix = finding.fixes[pick - 1 if number == 0 else 0]
        if fix.applicability != "idea" or pick > 1:
            found.append(fix)
        if pick > 1:
            break  # those behind it were proven together with the first one, not with this
    return tuple(found)


def patch(target: TargetReport, found: Sequence[Fix]) -> str:
    """All edits of some fixes as one patch, with the files as seen from here."""
    return diff_of(target.sources, _edits(found), relative) if found else ""


def _edits(found: Sequence[Fix]) -> tuple[Edit, ...]:
    return tuple(edit for fix in found for edit in fix.edits)


def _agreed(target: TargetReport, found: Sequence[Fix], wish: Wish) -> bool:
    if wish.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on; add --yes to write the fixes, or --diff to see them")
    click.echo(patch(target, found), nl=False)
    titles = "; ".join(fix.title for fix in found)
    return click.confirm(f"{titles}: write this to {relative(target.target)}?", default=False)


def _say_unmended(report: Report, chosen: Sequence[tuple[TargetReport, tuple[Fix, ...]]]) -> None:
    for target, found in chosen:
        open_ = [finding for finding in target.findings if not finding.fixes]
        if target.verdict == "error" and (open_ or not found):
            click.echo(f"{target.target}: no proven fix for {len(open_) or 'its'} error{'s' if len(open_) > 1 else ''}", err=True)
