"""A report for people: in goes a `Report`, out comes the text for a terminal of a given width.

Every finding is a block: headline, position, source with remarks, the way of the shapes, notes, help. Every target ends in a line that says
what was done with it. Colours only repeat what the characters say already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len

from shapewright.report import Finding, Fix, Label, Report, TargetReport
from shapewright.show.paint import paint
from shapewright.show.patch import patch
from shapewright.show.paths import relative
from shapewright.show.snippet import gutter_width, position, snippet
from shapewright.show.story import story
from shapewright.show.text import Line, Look, counted

_LINES = 25  # what a usual finding may take; the story of the shapes gives way first
_STORY = (4, 8)
_SENTENCE = 3  # lines of what PyTorch says
_FIXES = 3
_CHANGED = 6  # changed lines shown of one fix


def render(report: Report, *, width: int, colour: bool, verbose: bool, unicode: bool = True) -> str:
    """The whole report, ready to be written; without `colour` it holds no escape codes."""
    look = Look(width=max(width, 20), cells=cell_len, unicode=unicode, verbose=verbose)
    lines: list[Line] = []
    for target in report.targets:
        shown = [finding for finding in target.findings if verbose or finding.severity != "note"]
        for finding in shown:
            lines += [*_blank(lines), *_finding(finding, target, look)]
        if shown:
            lines.append(())
        lines += _status(target, look)
    if len(report.targets) > 1:
        lines += [(), *_plain(_summary(report.targets), 2, look)]
    return paint(lines, colour=colour)


def _blank(lines: Sequence[Line]) -> list[Line]:
    return [()] if lines and lines[-1] else []


def _plain(text: str, indent: int, look: Look, first: int = 0, role: str = "") -> list[Line]:
    return [((line, role),) for line in look.hang(look.text(text), indent, first)]


def _lead(lead: str, role: str, text: str, indent: int, look: Look, rest: str = "") -> list[Line]:
    """Wrapped text (fit to be printed already) whose first words have a role of their own."""
    first, *more = look.hang(lead + text, indent)
    return [((first[: len(lead)], role), (first[len(lead) :], rest)), *(((line, rest),) for line in more)]


# ---------------------------------------------------------------------------------------------------------------- a finding


def _finding(finding: Finding, target: TargetReport, look: Look) -> list[Line]:
    labels = finding.labels
    if not labels and finding.where is not None:
        labels = (Label(finding.where, "", primary=True),)
    gutter = gutter_width(labels)
    lines = _lead(f"{finding.severity}[{finding.slug}]: ", finding.severity, look.text(finding.headline), 2, look, "headline")
    lines += _position(finding, target, gutter, look)
    lines += snippet(labels, target.sources, gutter, finding.severity, look)
    notes = _notes(finding, gutter, look)
    helps = _helps(finding, gutter, look)
    limit = 0 if look.verbose else min(max(_LINES - len(lines) - len(notes) - len(helps), _STORY[0]), _STORY[1])
    home = finding.where.file if finding.where else ""
    return [*lines, *story(finding.story, home, limit, gutter + 1, look), *notes, *helps]


def _position(finding: Finding, target: TargetReport, gutter: int, look: Look) -> list[Line]:
    place = position(finding.where) if finding.where else target.target
    inside = [f"in {finding.function}"] if finding.function else []
    if finding.module:
        inside.append(f"module {finding.module}" + (f" ({finding.module_type})" if finding.module_type else ""))
    text = look.text(place) + ("   " + look.text(", ".join(inside)) if inside else "")
    return _lead(" " * gutter + "--> ", "gutter", text, gutter + 4, look)


def _notes(finding: Finding, gutter: int, look: Look) -> list[Line]:
    notes = list(finding.notes)
    if finding.torch_message:
        message = look.text(finding.torch_message)  # of a checkpoint that does not fit it names every key
        notes.append(f"PyTorch says: {message if look.verbose else look.cut(message, _SENTENCE * look.width)}")
    if finding.swallowed:
        notes.append("the program catches this exception itself and goes on")
    lead = " " * (gutter + 1) + "= note: "
    return [line for note in notes for line in _lead(lead, "gutter", look.text(note), len(lead), look)]


def _helps(finding: Finding, gutter: int, look: Look) -> list[Line]:
    """The fixes with their changed lines, and what is to be said of the edits that are not shown."""
    shown = finding.fixes if look.verbose else finding.fixes[:_FIXES]
    home = relative(finding.where.file) if finding.where else ""
    lines: list[Line] = []
    for number, fix in enumerate(shown):
        lines += _help(fix, "or " if number else "", gutter, look)
        lines += patch(fix.diff, home, 0 if look.verbose else _CHANGED, gutter + 1, look)
    for sentence in _closing(finding, len(shown), look):
        lines += _plain(sentence, gutter + 1, look, first=gutter + 1)
    return [(), *lines] if lines else []


def _help(fix: Fix, alternative: str, gutter: int, look: Look) -> list[Line]:
    lead, title = "help: ", alternative + look.text(fix.title)
    effect = f"[{look.text(fix.consequence)}]" if fix.consequence else ""
    if effect and look.cells(lead + title + effect) + 3 <= look.width:
        return [((lead, "help"), (title, "headline"), ("   " + effect, "consequence"))]
    lines = _lead(lead, "help", title, len(lead), look, "headline")
    return lines + (_plain(effect, gutter + 2, look, first=gutter + 1, role="consequence") if effect else [])


def _closing(finding: Finding, shown: int, look: Look) -> list[str]:
    """What else was tried: edits that run too, and edits that run and must not be made."""
    more = finding.more_fixes + len(finding.fixes) - shown
    refused = finding.refused
    parts: list[str] = []
    if more:
        parts.append("1 more edit runs too" if more == 1 else f"{more} more edits run too")
    if refused:
        edits = "" if more else ("edit " if len(refused) == 1 else "edits ")
        parts.append(f"{len(refused)} {edits}{'was' if len(refused) == 1 else 'were'} refused")
    sentences = ["; ".join(parts)] if parts else []
    reasons = [f"{_code(edit.title)} runs, but {edit.why}" for edit in refused]
    if len(reasons) == 1 or (reasons and not look.verbose):
        sentences[0] += (": " if len(reasons) == 1 else ", the first of them: ") + reasons[0]
    else:
        sentences += [f"refused: {reason}" for reason in reasons]
    return sentences


def _code(text: str) -> str:
    return text if "`" in text else f"`{text}`"


# ----------------------------------------------------------------------------------------------------------------- a target


def _status(target: TargetReport, look: Look) -> list[Line]:
    """What was done with the target, in one line, and what it rests on."""
    if target.verdict == "not-analysed":
        lines = _lead("not analysed  ", "not-analysed", look.text(_why_not(target)), 2, look)
        if target.events:
            lines += _plain(f"seen until then: {_ran(target)}", 4, look, first=2)
        if target.advice:
            lines += _lead("  help: ", "help", look.text(target.advice), 8, look)
    else:
        text = f"{look.text(target.target)}   {look.text(_ran(target, ' checked'))}"
        lines = _lead(f"{target.verdict}  ", target.verdict, text, 2, look)
    return [*lines, *_assumed(target, look), *_hidden_notes(target, look)]


def _why_not(target: TargetReport) -> str:
    reason = target.reason or "the reason is not known"
    if target.reason_at is None:
        return f"{target.target}: {reason}"
    place = f"{relative(target.reason_at.file)}:{target.reason_at.line}"
    if place.rpartition(":")[0] == relative(target.target):
        return f"{place}: {reason}"
    return f"{target.target}: {reason} ({place})"


def _ran(target: TargetReport, done: str = "") -> str:
    how = "run for real" if target.how == "eager" else "run on fake tensors"
    inputs = f" ({', '.join(target.inputs)})" if target.inputs else ""
    return f"{counted(target.events, 'torch call')}{done}, {how}{inputs}"


def _assumed(target: TargetReport, look: Look) -> list[Line]:
    if not target.assumed:
        return []
    if not look.verbose:
        return _plain(f"assumed: {counted(len(target.assumed), 'thing')} (shown with --verbose)", 4, look, first=2)
    lines: list[Line] = []
    for assumption in target.assumed:
        file = relative(assumption.file) if assumption.file else ""
        places = [file] if file else []
        if assumption.line is not None:
            places.append(str(assumption.line) if file else f"line {assumption.line}")
        place = f" ({':'.join(places)})" if places else ""
        lines += _plain(f"assumed: {assumption.what}{place}", 4, look, first=2)
    return lines


def _hidden_notes(target: TargetReport, look: Look) -> list[Line]:
    number = sum(finding.severity == "note" for finding in target.findings)
    return [] if look.verbose or not number else _plain(f"{counted(number, 'note')} (shown with --verbose)", 4, look, first=2)


def _summary(targets: Sequence[TargetReport]) -> str:
    number = Counter(target.verdict for target in targets)
    parts = [f"{number['clean']} clean"] if number["clean"] else []
    parts += [counted(number[verdict], verdict) for verdict in ("warning", "error") if number[verdict]]
    parts += [f"{number['not-analysed']} not analysed"] if number["not-analysed"] else []
    return f"{len(targets)} checked: {', '.join(parts)}"
