"""What the user is told: a `Clash` with both its sides traced to the source is a `Finding`. The renderers read a `Report` only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Refused:
    """An edit that runs and must not be made."""

    title: str
    why: str


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the renderers show."""

    targets: tuple[TargetReport, ...]
    torch_version: str = ""

    def exit_code(self, *, strict: bool = False) -> int:
        """0: all analysed, no error. 1: an error (with `strict` also a warning). 2: something was not analysed.

        An error wins over "not analysed": it is the more useful thing to know.
        """
        verdicts = {target.verdict for target in self.targets}
        if "error" in verdicts or (strict and "warning" in verdicts):
            return 1
        return 2 if "not-analysed" in verdicts or not verdicts else 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule says: its headline, and its paragraphs by heading; an example's paragraph may end in an indented line."""

    headline: str
    paragraphs: tuple[tuple[str, str], ...]
    runs: bool  # the program runs and is wrong; otherwise PyTorch raises


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a slug."""

    slug: str
    parts: tuple[Part, ...]

    @property
    def headline(self) -> str:
        return self.parts[0].headline

    @property
    def kind(self) -> str:
        """`error`, `warning`, or both."""
        return ", ".join(dict.fromkeys("warning" if part.runs else "error" for part in self.parts))
