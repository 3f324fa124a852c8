"""What a report says of a mutant, measured against the truth: the right line, a fix that runs, and whether it is what an expert would do.

A fix *restores* when the program is again what it was before the slip, comments and layout aside. It is *equivalent* when

- the fixed program runs to its end with plain PyTorch, and its models give tensors of the same shapes as before the slip, and
- it puts numbers in the place of numbers only, and these belong to the layer with the slip, to the layer whose call failed, or to a layer
  directly connected with one of the two: nothing but layers that keep the width (norms, activations, pools, reshapes) is between them.

So the number with the slip may get any value that fits, and `Conv2d(3, 32)` before `Conv2d(16, 8)` is mended on either side: which of the
two is the slip nobody can know. Feeding other images, putting a pooling in between, or changing what a model gives is not equivalent,
even where it runs.

A fix that does not run is *broken* when the report says that it does. Where the report itself says that the program only gets further, to
an error for which it has no fix, it is *further*: no fix, and no false promise.

Where a line was left out or a dim changed, a fix is equivalent when the fixed program's models give the same numbers as before the slip.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.mutation import Place
from bench.plain import Outcome
from shapewright.model import Event, ModuleInfo, Origin, Span, Trace, Value

Finding = Mapping[str, Any]  # as the JSON report has it; so are edits
Edit = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one mutant that fails. `fix` is restored, equivalent, other (it runs), further, broken (it does not run) or none."""

    located: bool
    fix: str = "none"

    @property
    def fixed(self) -> bool:
        """A fix was proposed that really runs."""
        return self.fix in ("restored", "equivalent", "other")


def located(findings: Sequence[Finding], file: Path, line: int) -> bool:
    """Whether the first error stands at this line of the file."""
    errors = [finding for finding in findings if finding["severity"] == "error"]
    where = errors[0]["where"] if errors else None
    return where is not None and Path(where["file"]).resolve() == file.resolve() and where["line"] == line


def first_edits(findings: Iterable[Finding]) -> list[Edit]:
    """The edits of the first fixes of all findings, each once."""
    edits: list[Edit] = []
    for finding in findings:
        for edit in finding["fixes"][0]["edits"] if finding["fixes"] else ():
            if edit not in edits:
                edits.append(edit)
    return edits


def promised(findings: Iterable[Finding]) -> bool:
    """Whether the report says that with the first fixes of all findings the program runs to its end, and not only further."""
    errors = [finding for finding in findings if finding["severity"] == "error"]
    return bool(errors) and all(finding["fixes"] for finding in errors) and errors[-1]["fixes"][0]["verdict"] == "fixed"


def applied(source: str, edits: Iterable[Edit]) -> str:
    """The source with all edits made at once; their places are those in `source`. Raises `ValueError` when two overlap."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def offset(place: Mapping[str, int]) -> int:
        return starts[place["line"] - 1] + place["column"] - 1

    ordered = sorted(((offset(edit["start"]), offset(edit["end"]), edit["new"]) for edit in edits), key=lambda one: one[:2])
    text, end = "", 0
    for start, stop, new in ordered:
        if start < end:
            raise ValueError(f"two edits overlap at offset {start}")
        text += source[end:start] + new
        end = stop
    return text + source[end:]


def same_program(one: str, other: str) -> bool:
    """Whether two sources say the same; comments and layout aside."""
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except SyntaxError:
        return False


def verdict(original: str, fixed: str, before: Outcome, after: Outcome, *, numbers_only: bool) -> str:
    """What kind of fix it is. `numbers_only`: it changes nothing but numbers of the layers that may be changed."""
    if not after.runs:
        return "broken"
    if same_program(original, fixed):
        return "restored"
    return "equivalent" if numbers_only and before.outputs == after.outputs else "other"


def verdict_of_form(original: str, fixed: str, before: Outcome, after: Outcome) -> str:
    """The same where the slip is no number: it is equivalent when the models give the very numbers that they gave before the slip."""
    same = before.outputs == after.outputs and before.values == after.values and "?" not in before.values
    return verdict(original, fixed, before, after, numbers_only=same)


def only_numbers(source: str, edits: Iterable[Edit], lines: Collection[int]) -> bool:
    """Whether all edits put numbers in the place of numbers, on these lines. A keyword that is added or dropped counts by its value."""
    for edit in edits:
        span = range(edit["start"]["line"], edit["end"]["line"] + 1)
        old = _between(source, edit)
        if not (set(span) <= set(lines) and _is_number(old) and _is_number(edit["new"])):
            return False
    return True


def _between(source: str, edit: Edit) -> str:
    lines = source.splitlines(keepends=True)[edit["start"]["line"] - 1 : edit["end"]["line"]]
    lines[-1] = lines[-1][: edit["end"]["column"] - 1]
    lines[0] = lines[0][edit["start"]["column"] - 1 :]
    return "".join(lines)


_NUMERIC = (ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.Tuple, ast.List, ast.operator, ast.unaryop)


def _is_number(text: str) -> bool:
    """`32 * 8`, `hidden`, `(3, 3)`, `, padding=1`, the ` * 4` that is put behind a factor, or nothing."""
    words = text.strip().strip(",")
    for whole in (f"f({words})", f"f(0 {words})", f"f({words} 0)"):
        try:
            call = ast.parse(whole, mode="eval").body
        except SyntaxError:
            continue
        if isinstance(call, ast.Call):
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            if all(isinstance(node, (*_NUMERIC, ast.expr_context)) for value in values for node in ast.walk(value)):
                return True
    return False


# --- the lines that a fix may change -------------------------------------------------------------------------------------------


def connected_lines(trace: Trace, place: Place, failing_line: int, failing_module: str | None) -> frozenset[int]:
    """The lines with numbers of the layer at `place`, of the one that failed, and of those directly connected with either.

    `trace` is the whole run of the program before the slip; `failing_module` is the path of the module whose call failed, if it was one.
    """
    slipped = set(_modules_at(trace, place))
    failed = {module.index for module in trace.modules if failing_module and module.path == failing_module}
    calls = [event for event in trace.events if event.module in slipped | failed or (not failed and _line(event) == failing_line)]
    lines = {place.line, failing_line}
    for index in slipped | failed:
        lines |= set(_lines(trace.modules[index]))
    for event in _around(trace, calls):
        layer = trace.modules[event.module] if event.module is not None else None
        lines |= set(_lines(layer)) if layer is not None and layer.library else {_line(event)}
    return frozenset(lines)


def _around(trace: Trace, calls: Sequence[Event]) -> Iterator[Event]:
    """The calls before and behind the given ones, up to and with the next that set a width of their own."""
    by_index = {event.index: event for event in trace.events}
    behind: dict[int, list[int]] = {}
    for event in trace.events:
        for tensor in event.tensors():
            if tensor.source is not None:
                behind.setdefault(tensor.source, []).append(event.index)
    for backwards in (True, False):
        seen: set[int] = set()
        waiting = list(calls)
        while waiting:
            here = waiting.pop()
            sources = [tensor.source for tensor in here.tensors() if tensor.source is not None]
            for index in sources if backwards else behind.get(here.index, []):
                if index in by_index and index not in seen:
                    seen.add(index)
                    yield by_index[index]
                    if not _sets_width(trace, by_index[index]):
                        waiting.append(by_index[index])


def _sets_width(trace: Trace, event: Event) -> bool:
    """Convolutions, linear, embedding, recurrent and attention layers have weights with two dims or more; norms have not."""
    if event.module is None or not trace.modules[event.module].library:
        return False
    return any(len(shape) > 1 for shape in trace.modules[event.module].parameters.values())


def _modules_at(trace: Trace, place: Place) -> list[int]:
    """The modules that the number at `place` belongs to: those with a setting made of it, or else built by the call that it is in."""
    ways: tuple[Callable[[ModuleInfo], bool], ...] = (
        lambda module: any(_has(literal.span, place) for literal in _literals(module)),
        lambda module: _has(module.built, place),
        lambda module: any(_has(span, place) for span in module.built_stack),
    )
    for way in ways:
        found = [module.index for module in trace.modules if way(module)]
        if found:
            return found
    return []


def _lines(module: ModuleInfo) -> Iterator[int]:
    spans = [module.built, *(literal.span for literal in _literals(module))]
    for span in spans:
        if span is not None:
            yield from range(span.line, span.end_line + 1)


def _literals(module: ModuleInfo) -> Iterator[Origin]:
    def within(value: Value) -> Iterator[Origin]:
        if isinstance(value, tuple):
            for part in value:
                yield from within(part)
        else:
            origin = getattr(value, "origin", None)
            yield from origin.literals() if origin is not None else ()

    for value in module.settings.values():
        yield from within(value)


def _has(span: Span | None, place: Place) -> bool:
    if span is None:
        return False
    return (span.line, span.column) <= (place.line, place.column) and (place.line, place.end_column) <= (span.end_line, span.end_column)


def _line(event: Event) -> int:
    return event.span.line if event.span is not None else 0
