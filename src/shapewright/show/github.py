"""GitHub workflow commands, which become annotations in a pull request: `::error file=…,line=…::message`."""

from __future__ import annotations

from shapewright.model import Span
from shapewright.report import Finding, Report, TargetReport
from shapewright.show import concise
from shapewright.show.paths import relative

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def render(report: Report) -> str:
    """One command a finding and one for what was not analysed; clean targets are plain lines of the log."""
    lines: list[str] = []
    for target in report.targets:
        lines += [_finding(finding, target) for finding in target.findings]
        if target.verdict == "not-analysed":
            lines.append(_not_analysed(target))
        elif target.verdict == "clean" or not target.findings:
            lines.append(concise.verdict(target))
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding, target: TargetReport) -> str:
    message = [finding.headline]
    message += [label.text for label in finding.labels if label.primary and label.text]
    message += [f"help: {fix.title}" for fix in finding.fixes[:1]]
    return _command(_LEVELS[finding.severity], finding.where, target.target, finding.slug, "\n".join(message))


def _not_analysed(target: TargetReport) -> str:
    message = target.reason or "the reason is not known"
    if target.advice:
        message += f"\nhelp: {target.advice}"
    return _command("warning", target.reason_at, target.target, "not analysed", message)


def _command(level: str, span: Span | None, target: str, title: str, message: str) -> str:
    properties: dict[str, str | int] = {}
    if span is not None:
        properties |= {"file": relative(span.file), "line": span.line, "endLine": span.end_line}
        if span.line == span.end_line:  # GitHub takes columns only within one line
            properties |= {"col": span.column, "endColumn": span.end_column}
    elif ".py" in target:
        properties["file"] = relative(target.rpartition(".py")[0] + ".py")
    properties["title"] = title
    joined = ",".join(f"{key}={_escape(str(value), property=True)}" for key, value in properties.items())
    return f"::{level} {joined}::{_escape(message)}"


def _escape(text: str, *, property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property else text
