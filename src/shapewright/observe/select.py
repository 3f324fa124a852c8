"""Which of a run's calls are worth telling: those that matter to a failure, or of a healthy run each one that differs from the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shapewright.observe.raw import RawEvent, StandsIn

# Calls whose result people forget to assign; kept when they work on what a failed call works on.
REARRANGING = {"view", "reshape", "flatten", "permute", "transpose", "unsqueeze", "squeeze", "contiguous", "to", "float", "long"}
MOST_DISTINCT = 4000


def reachable(raw: Sequence[RawEvent], failures: Sequence[int]) -> list[int]:
    """The failures, all that their operands were made from, and what went on around."""
    seen = made_from(raw, failures)
    made = {source for position in failures for source in sources(raw[position].args)}
    seen.update(position for position, event in enumerate(raw) if event.op.name in REARRANGING and made & set(sources(event.args)))
    return sorted(seen)


def distinct(raw: Sequence[RawEvent]) -> list[int]:
    """Of the calls at one place of one module with operands and results of the same sizes the first, and all that these were made from."""
    first: dict[Any, int] = {}
    for position, event in enumerate(raw):
        if event.op.skip:
            continue
        key = (
            event.op.name,
            id(event.code),
            event.lasti,
            id(event.module),
            _sizes(event.args, event.op.name != "getitem"),
            tuple(note[0] for note in event.output),
        )
        first.setdefault(key, position)
        if len(first) >= MOST_DISTINCT:
            break
    return sorted(made_from(raw, first.values()))


def _sizes(value: Any, numbers: bool) -> Any:
    """Sizes of the tensors in an argument, and the numbers in it (but which sample of a dataset was taken says nothing)."""
    if isinstance(value, StandsIn):
        return value.note[0]
    if isinstance(value, tuple):
        return tuple([_sizes(item, numbers) for item in value])
    return int(value) if numbers and isinstance(value, int) else None


def made_from(raw: Sequence[RawEvent], positions: Iterable[int]) -> set[int]:
    """These calls, those that gave them their operands, and so on."""
    seen: set[int] = set()
    todo = list(positions)
    while todo:
        position = todo.pop()
        if position in seen or not 0 <= position < len(raw):
            continue
        seen.add(position)
        todo.extend(sources(raw[position].args))
        todo.extend(sources(tuple((raw[position].kwargs or {}).values())))
    return seen


def sources(value: Any) -> Iterable[int]:
    """The events that made the tensors in an argument."""
    if isinstance(value, StandsIn):
        if value.note[2] is not None:
            yield value.note[2]
    elif isinstance(value, tuple):
        for item in value:
            yield from sources(item)
