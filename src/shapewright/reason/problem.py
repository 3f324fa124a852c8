"""What a cure is given and what it gives: a `Problem` goes in, `Candidate`s come out. Plain data, no torch, no files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from shapewright.model import Clash, Event, ModuleInfo, Size, Span, TensorInfo, Trace, Value
from shapewright.reason import rules
from shapewright.reason.edits import Code
from shapewright.reason.names import operand_names, operand_spans
from shapewright.reason.replay import Step, steps_to
from shapewright.reason.scene import Scene
from shapewright.report import Edit, Finding


@dataclass(frozen=True, slots=True)
class Candidate:
    """An edit that may mend a fault. Nothing is known of it until it has been run."""

    kind: str  # a key of ranking.KINDS
    title: str  # what it does, as an order: "build `fc1` for 8192 input features"
    edits: tuple[Edit, ...]
    evidence: int = 0  # what else in the program speaks for it (+) or against it (-)
    trap: str = ""  # why nobody should make it although it may run; such an edit is tried only to be refused


@dataclass(frozen=True, slots=True)
class Problem:
    """One failed call, seen from all sides."""

    trace: Trace
    event: Event
    clash: Clash
    finding: Finding
    _steps: list[tuple[Step, ...]] = field(default_factory=list, init=False, compare=False, repr=False)

    @property
    def module(self) -> ModuleInfo | None:
        """The module whose forward made the failed call."""
        return self.trace.modules[self.event.module] if self.event.module is not None else None

    def steps(self) -> tuple[Step, ...]:
        """The calls that made the failed call's operands, and the call itself; in a deep model looked up once for all cures."""
        if not self._steps:
            self._steps.append(steps_to(self.trace, self.event))
        return self._steps[0]

    def code(self, span: Span | None) -> Code | None:
        """The source file that a span stands in, ready for edits."""
        if span is None or span.file not in self.trace.sources:
            return None
        return Code.of(span.file, self.trace.sources[span.file])

    def text(self, span: Span) -> str:
        """The text at a span, "" where it has none."""
        code = self.code(span)
        return code.text_at(span) if code is not None else ""

    def operands(self) -> Iterator[tuple[TensorInfo, Span | None]]:
        """The tensors that the call works on, each with the expression that gave it; None where the source does not write it."""
        yield from zip(self.event.tensors(), operand_spans(self.trace, self.event), strict=True)

    def would_fit(self, changed: Event, module: ModuleInfo | None = None) -> bool:
        """Whether the rules have nothing against the call once it is changed so. They may not know all calls: a run decides."""
        scene = Scene(replace(changed, failure=None), module or self.module, operand_names(self.trace, self.event))
        return rules.demand(scene) is None

    def with_operand(self, old: TensorInfo, new: TensorInfo) -> Event:
        """The call with another tensor in the place of one of its operands."""
        return replace(
            self.event,
            args=tuple(_swapped(value, old, new) for value in self.event.args),
            kwargs={name: _swapped(value, old, new) for name, value in self.event.kwargs.items()},
        )


def _swapped(value: Value, old: TensorInfo, new: TensorInfo) -> Value:
    if value is old:
        return new
    if isinstance(value, tuple):
        return tuple(_swapped(item, old, new) for item in value)
    return value


def other_side(clash: Clash, size: Size) -> Size | None:
    """The other of the two sizes of a clash."""
    return clash.want if size is clash.got else clash.got
