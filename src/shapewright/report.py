"""What the user is told: a `Clash` with both its sides traced to the source is a `Finding`. The renderers read a `Report` only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shapewright.model import Assumption, Span, Trace


@dataclass(frozen=True, slots=True)
class Label:
    """A stretch of source with a remark under it."""

    span: Span
    text: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a conflict in the source: what stands there and which number it gives."""

    span: Span
    text: str
    value: int
    formula: str = ""


@dataclass(frozen=True, slots=True)
class StoryRow:
    """One step on the way of the shapes."""

    line: int | None
    op: str
    module: str
    inputs: tuple[str, ...]
    output: str
    remark: str = ""
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `span` by `new`."""

    span: Span
    new: str


@dataclass(frozen=True, slots=True, repr=False)
class Fix:
    """A proven edit. (The search that makes these fills in what it verified.)"""

    title: str
    edits: tuple[Edit, ...]
    diff: str = ""
    applicability: Literal["safe", "suggested", "idea"] = "suggested"
    verdict: Literal["fixed", "advances"] = "fixed"
    consequence: str = ""  # what the bracket behind the title says
    how: Literal["eager", "fake"] = "eager"
    batches: tuple[int, ...] = ()
    outputs: tuple[str, ...] = ()
    parameters: tuple[int, int] | None = None
    keeps_checkpoint: bool | None = None
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)  # the files that it edits, as they were checked

    def apply(self) -> tuple[str, ...]:
        """Write this fix to disk; gives the files that changed.

        Of a program with several faults the fix of a later one may need those of the earlier ones: `Report.apply` writes them together.
        Raises `shapewright.apply.CannotApply` when a file is no longer what was checked, or cannot be written; then nothing is changed.
        """
        from shapewright.apply import apply

        return apply(self.edits, self.sources)

    def __repr__(self) -> str:
        return f"<Fix ({self.applicability}): {self.title}>"


@dataclass(frozen=True, slots=True)
class Refused:
    """An edit that runs and must not be made."""

    title: str
    why: str


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """A conflict or a silent fault, explained, with its fixes."""

    slug: str
    severity: Literal["error", "warning", "note"]
    headline: str
    where: Span | None
    function: str = ""
    module: str = ""
    module_type: str = ""
    torch_message: str | None = None
    swallowed: bool = False
    labels: tuple[Label, ...] = ()  # in source order, exactly one of them primary
    demand: Place | None = None
    supply: Place | None = None
    story: tuple[StoryRow, ...] = ()
    notes: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    refused: tuple[Refused, ...] = ()
    more_fixes: int = 0

    def __repr__(self) -> str:
        place = f", line {self.where.line}" if self.where is not None else ""
        return f"<Finding {self.severity}[{self.slug}]{place}: {self.headline}>"


_GRAVEST_FIRST: tuple[Literal["error", "not-analysed", "warning", "clean"], ...] = ("error", "not-analysed", "warning", "clean")


@dataclass(frozen=True, slots=True, repr=False)
class TargetReport:
    """What was found for one target."""

    target: str
    verdict: Literal["clean", "warning", "error", "not-analysed"]
    reason: str | None = None  # why not analysed
    advice: str = ""  # …and what to do next
    reason_at: Span | None = None
    how: Literal["eager", "fake"] = "eager"
    inputs: tuple[str, ...] = ()
    events: int = 0
    assumed: tuple[Assumption, ...] = ()
    findings: tuple[Finding, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    trace: Trace | None = None  # with --trace

    def best_fixes(self) -> tuple[Fix, ...]:
        """The first fix of each finding, which were proven together; mere ideas are left out."""
        return tuple(finding.fixes[0] for finding in self.findings if finding.fixes and finding.fixes[0].applicability != "idea")

    def __repr__(self) -> str:
        return f"<TargetReport of {self.target}: {self.verdict}, findings: {len(self.findings)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Everything the renderers show. Prints as `shapewright check` does; a notebook shows it in colours."""

    targets: tuple[TargetReport, ...]
    torch_version: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all targets, in order."""
        return tuple(finding for target in self.targets for finding in target.findings)

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """The fixes of all findings: those of the first finding first, the best of each first."""
        return tuple(fix for finding in self.findings for fix in finding.fixes)

    @property
    def verdict(self) -> Literal["clean", "warning", "error", "not-analysed"]:
        """The gravest of the targets' verdicts. An error is graver than "not analysed", and that than a warning."""
        verdicts = {target.verdict for target in self.targets}
        if not verdicts:
            return "not-analysed"
        return next(one for one in _GRAVEST_FIRST if one in verdicts)

    def exit_code(self, *, strict: bool = False) -> int:
        """0: all analysed, no error. 1: an error (with `strict` also a warning). 2: something was not analysed.

        An error wins over "not analysed": it is the more useful thing to know.
        """
        verdicts = {target.verdict for target in self.targets}
        if "error" in verdicts or (strict and "warning" in verdicts):
            return 1
        return 2 if "not-analysed" in verdicts or not verdicts else 0

    def apply(self) -> tuple[str, ...]:
        """Write the best fix of each finding to disk, all or none, as `shapewright check --fix --yes` does; gives the files that changed.

        Together they are what was proven. Raises `shapewright.apply.CannotApply` when a file is no longer what was checked, or cannot
        be written; then nothing is changed.
        """
        from shapewright.apply import apply

        edits: list[Edit] = []
        sources: dict[str, str] = {}
        for target in self.targets:
            known = set(edits)  # two targets may use one file, and have one fault in it
            for fix in target.best_fixes():
                edits += [edit for edit in fix.edits if edit not in known]
                sources.update(fix.sources)
        return apply(edits, sources)

    def to_dict(self) -> dict[str, Any]:
        """The document of `shapewright check --format json` as plain dicts and lists."""
        from shapewright.show import json

        return json.document(self)

    def to_json(self) -> str:
        """The document of `shapewright check --format json`."""
        from shapewright.show import json

        return json.render(self)

    def __str__(self) -> str:
        from shapewright.show import printed

        return printed.report(self)

    def __repr__(self) -> str:
        names = ", ".join(target.target for target in self.targets) or "no target"
        return f"<Report of {names}: {self.verdict}, findings: {len(self.findings)}, fixes: {len(self.fixes)}>"

    def _repr_html_(self) -> str:
        from shapewright.show import printed

        return printed.report_html(self)
