"""One line a finding, for editors' lists, logs and pytest's summary: `file:line:column severity[slug] headline`."""

from __future__ import annotations

from shapewright.report import Finding, Report, TargetReport
from shapewright.show.paths import relative


def render(report: Report) -> str:
    """The lines of all targets; every target has at least one, so that silence is never taken for "clean"."""
    return "".join(f"{line}\n" for target in report.targets for line in _lines(target))


def line(finding: Finding, target: str = "") -> str:
    """The finding in one line; a finding that is nowhere in the source is said of the target."""
    where = finding.where
    place = f"{relative(where.file)}:{where.line}:{where.column}" if where else f"{target}:"
    headline = " ".join(finding.headline.replace("`", "").split())
    number = len(finding.fixes)
    fixes = f" ({number} verified fix{'es' if number > 1 else ''})" if number else ""
    return f"{place} {finding.severity}[{finding.slug}] {headline}{fixes}"


def verdict(target: TargetReport) -> str:
    """The target's own line: clean, or why it was not analysed."""
    if target.verdict != "not-analysed":
        return f"{target.target}: {target.verdict}"
    reason = " ".join((target.reason or "the reason is not known").split())
    place = f"{relative(target.reason_at.file)}:{target.reason_at.line}" if target.reason_at else ""
    if place.rpartition(":")[0] == relative(target.target):
        return f"{place}: not analysed: {reason}"
    return f"{target.target}: not analysed: {reason}" + (f" ({place})" if place else "")


def _lines(target: TargetReport) -> list[str]:
    lines = [line(finding, target.target) for finding in target.findings]
    if not lines or target.verdict in ("clean", "not-analysed"):
        lines.append(verdict(target))
    return lines
