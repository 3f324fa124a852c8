"""The table of `shapewright trace`: in go a `Trace` and the costs of its calls, out comes one row a call, with totals below.

With a depth the calls inside deeper modules are put together into one row of the module at that depth. A run that failed
gives the table up to the failure, which is when it is wanted most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rich.cells import cell_len

from shapewright.model import Event, ModuleInfo, TensorInfo, Trace
from shapewright.show import calls
from shapewright.show.paint import paint
from shapewright.show.paths import relative
from shapewright.show.text import Line, Look, counted

# The lines of a row, each with one text a column.
_Block: TypeAlias = list[tuple[str, ...]]

_TENSORS = 3  # shown of a long list of operands
_HEADS = ("line", "call", "inputs", "output", "parameters", "multiply-adds")
_RIGHT = (0, 4, 5)
_CALL = 1
_GIVE_WAY = (2, 5, 4)  # the columns that a narrow page does without, in this order


@dataclass(frozen=True, slots=True)
class _Row:
    """One or more calls that are shown as one."""

    events: tuple[Event, ...]
    module: ModuleInfo | None  # whose call the row is; None: a call of a function
    parameters: int
    again: bool  # the module's parameters were counted in a row above
    cost: int


def render(
    trace: Trace, *, costs: Sequence[int], width: int, colour: bool, depth: int | None = None, unicode: bool = True, verbose: bool = False
) -> str:
    """The table as text; `costs` are the multiply-adds of the trace's events."""
    look = Look(width=max(width, 20), cells=cell_len, unicode=unicode, verbose=verbose)
    rows = _rows(trace, costs, depth)
    lines = _table(rows, trace, look) if rows else []
    return paint([*lines, *_below(trace, costs, look)], colour=colour)


# -------------------------------------------------------------------------------------------------------------------- rows


def _rows(trace: Trace, costs: Sequence[int], depth: int | None) -> list[_Row]:
    counts = calls.per_event(trace)
    parents = {module.parent for module in trace.modules}
    groups: list[tuple[ModuleInfo | None, list[int]]] = []
    for number, event in enumerate(trace.events):
        if not calls.worth_a_row(event):
            continue
        shown = _shown_as(event, trace, parents, depth)
        if shown is not None and groups and groups[-1][0] is shown and not _called_again(event, trace.events[groups[-1][1][0]], shown):
            groups[-1][1].append(number)
        else:
            groups.append((shown, [number]))
    rows: list[_Row] = []
    seen: set[int] = set()
    for module, numbers in groups:
        events = tuple(trace.events[number] for number in numbers)
        count = sum(counts[number] for number in numbers)
        again = not count and module is not None and module.index in seen
        if count and module is not None:
            seen.add(module.index)
        rows.append(_Row(events, module, count, again, sum(costs[number] for number in numbers)))
    return rows


def _shown_as(event: Event, trace: Trace, parents: set[int | None], depth: int | None) -> ModuleInfo | None:
    """The module whose call the event is shown as: a layer of a library, or the one at `depth` that it is inside of."""
    if event.module is None:
        return None
    module = trace.modules[event.module]
    if depth is None or _depth(module) < depth:
        return module if event.call == "module" or (module.library and module.index not in parents) else None
    while _depth(module) > depth and module.parent is not None:
        module = trace.modules[module.parent]
    return module


def _depth(module: ModuleInfo) -> int:
    return len(module.path.split(".")) if module.path else 0


def _called_again(event: Event, first: Event, shown: ModuleInfo) -> bool:
    """Whether the event belongs to a further call of the module whose row began with `first`."""
    if event.module == first.module == shown.index:
        return event.call_number != first.call_number
    # Inside a module only the numbers of its layers' calls are known: it begins anew where the call that began the row is made once more.
    return (event.module, event.op, event.span) == (first.module, first.op, first.span) and event.call_number > first.call_number


# ------------------------------------------------------------------------------------------------------------------- table


def _table(rows: Sequence[_Row], trace: Trace, look: Look) -> list[Line]:
    files = {event.span.file for event in trace.events if event.span}
    cells: list[_Block] = [[_HEADS], *(list(_cells(row, trace, len(files) > 1, look)) for row in rows)]
    columns = [column for column in range(len(_HEADS)) if any(part[column] for block in cells[1:] for part in block)]
    for spare in _GIVE_WAY:
        if _total(cells, columns, look) > look.width:
            columns = [column for column in columns if column != spare]
    excess = _total(cells, columns, look) - look.width
    if excess > 0:
        room = max(_wide(cells, _CALL, look) - excess, 12)
        cells = [[(*part[:_CALL], look.cut(part[_CALL], room), *part[_CALL + 1 :]) for part in block] for block in cells]
    wide = {column: _wide(cells, column, look) for column in columns}
    lines: list[Line] = []
    for number, block in enumerate(cells):
        failed = number > 0 and any(event.failure for event in rows[number - 1].events)
        role = "headline" if number == 0 else "error words" if failed else ""
        for place, part in enumerate(block):
            if place and not any(part[column] for column in columns):
                continue  # only a column that gave way had more to say
            mark = "> " if failed and place == 0 else "  "
            lines.append(((mark + "  ".join(_padded(part[column], column, wide[column], look) for column in columns), role),))
    return lines


def _cells(row: _Row, trace: Trace, files: bool, look: Look) -> Iterator[tuple[str, ...]]:
    """The lines of one row: as many as its longer list of tensors needs."""
    first, last = row.events[0], row.events[-1]
    line = "" if first.span is None else str(first.span.line)
    if first.span is not None and files:
        line = f"{relative(first.span.file).rpartition('/')[2]}:{line}"
    inputs = _stack([tensor for tensor in _operands(row.events) if tensor.kind in ("activation", "input")], look)
    output = ["fails"] if last.failure else _stack(last.output, look)
    numbers = (f"{row.parameters:,}" if row.parameters else "(again)" if row.again else "", f"{row.cost:,}" if row.cost else "")
    for place in range(max(len(inputs), len(output), 1)):
        head = (look.text(line), look.text(_name(row, trace))) if place == 0 else ("", "")
        shapes = tuple(shapes[place] if place < len(shapes) else "" for shapes in (inputs, output))
        yield head + shapes + (numbers if place == 0 else ("", ""))


def _operands(events: Sequence[Event]) -> list[TensorInfo]:
    """The operands of the first of the calls that takes a tensor from outside the layer; the step of a counter (of batches) is none."""
    first: list[TensorInfo] = []
    for event in events:
        tensors = list(event.tensors())
        if any(tensor.kind in ("activation", "input") for tensor in tensors):
            if any(tensor.rank for tensor in tensors):
                return tensors
            first = first or tensors
    return first


def _stack(tensors: Sequence[TensorInfo], look: Look) -> list[str]:
    if len(tensors) <= _TENSORS:
        return [str(tensor) for tensor in tensors]
    return [*(str(tensor) for tensor in tensors[: _TENSORS - 1]), f"{look.ellipsis} {len(tensors) - _TENSORS + 1} more"]


def _name(row: _Row, trace: Trace) -> str:
    if row.module is not None:
        return f"{row.module.path} {row.module.type}".strip()
    event = row.events[0]
    path = trace.modules[event.module].path if event.module is not None else ""
    return f"{path}: {event.op}" if path else event.op


def _wide(cells: Sequence[_Block], column: int, look: Look) -> int:
    return max(look.cells(part[column]) for block in cells for part in block)


def _total(cells: Sequence[_Block], columns: Sequence[int], look: Look) -> int:
    return sum(_wide(cells, column, look) + 2 for column in columns)


def _padded(text: str, column: int, wide: int, look: Look) -> str:
    space = " " * (wide - look.cells(text))
    return space + text if column in _RIGHT else text + space


# ------------------------------------------------------------------------------------------------------------------- below


def _below(trace: Trace, costs: Sequence[int], look: Look) -> list[Line]:
    """What failed, the totals, and how the run was made."""
    lines: list[Line] = []
    for event in trace.events:
        if event.failure:
            lines += _failed(event, trace, look)
    if trace.stop is not None and not (trace.events and trace.events[-1].failure and not trace.events[-1].failure.swallowed):
        place = f" ({relative(trace.stop.span.file)}:{trace.stop.span.line})" if trace.stop.span else ""
        lines += [(), *_text(f"stopped: {trace.stop.reason}{place}", look)]
        lines += _text(f"help: {trace.stop.advice}", look) if trace.stop.advice else []
    total, met = calls.parameters(trace), sum(calls.per_event(trace))
    rest = f", {total - met:,} of them in layers that were not called" if total > met else ""
    size = f" ({calls.megabytes(trace):,.2f} MB{rest})" if total else ""
    lines += [(), ((f"  parameters     {total:,}{size}", ""),), ((f"  multiply-adds  {sum(costs):,}", ""),)]
    how = "run for real" if trace.how == "eager" else "run on fake tensors"
    inputs = f" ({', '.join(trace.inputs)})" if trace.inputs else ""
    number = sum(map(calls.worth_a_row, trace.events))
    of_all = f" of {trace.total_events}" if trace.total_events > len(trace.events) else ""
    lines += _text(f"{number}{of_all} torch call{'' if number == 1 and not of_all else 's'}, {how}{inputs}", look)
    if trace.cut_loops:
        places = ", ".join(f"{relative(span.file)}:{span.line}" for span in trace.cut_loops)
        lines += _text(f"stopped once it repeated itself: the loop at {places}", look)
    for assumption in trace.assumed if look.verbose else ():
        place = f" (line {assumption.line})" if assumption.line is not None else ""
        lines += _text(f"assumed: {assumption.what}{place}", look)
    if trace.assumed and not look.verbose:
        lines += _text(f"assumed: {counted(len(trace.assumed), 'thing')} (shown with --verbose)", look)
    return lines


def _failed(event: Event, trace: Trace, look: Look) -> list[Line]:
    assert event.failure is not None
    module = trace.modules[event.module] if event.module is not None else None
    who = f"{module.path} ({module.type})" if module is not None and module.library and module.path else event.op
    operands = [f"{tensor.name} {tensor}".strip() if tensor.kind in ("parameter", "buffer") else str(tensor) for tensor in event.tensors()]
    line = f"line {event.span.line}: " if event.span else ""
    lines: list[Line] = [(), *_text(f"{line}{who} fails with {', '.join(operands) or 'its arguments'}", look, "error words")]
    lines += _text(f"{'Python' if event.of_python else 'PyTorch'} says: {look.cut(look.text(event.failure.message), 3 * look.width)}", look)
    if event.failure.swallowed:
        lines += _text("the program catches this exception itself and goes on", look)
    return lines


def _text(text: str, look: Look, role: str = "") -> list[Line]:
    return [((line, role),) for line in look.hang("  " + look.text(text), 4)]
