"""A trace of shapewright against what a real forward did: the same calls in the same modules, with results of the same shapes.

In: the trace of a script that calls a model, and the calls that hooks and a mode of the bench's own noted in plain PyTorch. Calls are told
apart by module, number of the module's call, and name; the k-th of a kind is compared with the k-th. A recurrent or attention module is one
call in a trace, and is compared with what the module gave. What the trace itself marks as resting on an assumption is counted and not
compared: a size that values decide, all that is made of it, and calls whose number hangs on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from shapewright.model import Event, TensorInfo, Trace

Shapes: TypeAlias = "tuple[tuple[int, ...], ...]"
Key: TypeAlias = tuple[str, int, str]  # path of the module, number of its call, name of the call

_MOST = 64  # results of one call that a trace holds (`for label in labels` has as many as there are labels)


@dataclass(frozen=True, slots=True)
class Compared:
    """How many results were compared, and those that differ."""

    calls: int = 0
    equal: int = 0
    assumed: int = 0  # not compared: their sizes, or their number, rest on an assumption that the trace names
    different: tuple[str, ...] = ()  # with both shapes
    missed: tuple[str, ...] = ()  # calls of the real run that the trace does not have, and the other way round
    output: bool = True  # what the model gave in the end is of the same shapes


def compared(trace: Trace, real: Sequence[Sequence[Any]]) -> Compared:
    """The trace's events inside of the script's last call of its model against the calls of a real one."""
    call = trace.calls[-1] if trace.calls else None
    if call is None:
        return Compared(missed=("the trace has no call of a model",), output=False)
    events = [one for one in trace.events[call.first : call.end] if one.module is not None and one.output]
    resting = _resting(trace)
    ours = _ours(trace, events, resting)
    theirs = _theirs(real, ours)
    equal, assumed, different, missed = 0, 0, [], []
    for key in dict.fromkeys([*theirs, *ours]):
        mine, real_ones = ours.get(key, []), theirs.get(key, [])
        if len(mine) != len(real_ones):
            if resting:  # values decide how often: which of the one side belongs to which of the other nobody can say
                assumed += len(mine)
            else:
                missed.append(f"{_named(key)}: {len(mine)} in the trace, {len(real_ones)} for real")
            continue
        for number, (one, other) in enumerate(zip(mine, real_ones, strict=True), 1):
            if one is None:
                assumed += 1
            elif one == (other[:_MOST] if len(one) == _MOST else other):
                equal += 1
            else:
                different.append(f"{_named(key, number)}: {_told(one)} in the trace, {_told(other)} for real")
    given = tuple(tensor.shape for tensor in call.outputs)
    output = any(_rests(tensor, resting) for tensor in call.outputs) or given == _output(real)
    return Compared(equal + len(different), equal, assumed, tuple(different), tuple(missed), output)


def _resting(trace: Trace) -> set[int]:
    """The events whose results, or what they are made of, have a size that the trace says it assumed."""
    found: set[int] = set()
    for event in trace.events:
        if any(_rests(tensor, found) for tensor in (*event.output, *event.tensors())):
            found.add(event.index)
    return found


def _rests(tensor: TensorInfo, resting: set[int]) -> bool:
    return tensor.assumed or tensor.source in resting


def _ours(trace: Trace, events: Iterable[Event], resting: set[int]) -> dict[Key, list[Shapes | None]]:
    """The trace's results by module, call and name; None where a size rests on an assumption."""
    found: dict[Key, list[Shapes | None]] = defaultdict(list)
    first: dict[str, int] = {}
    for event in events:
        assert event.module is not None
        path = trace.modules[event.module].path
        number = event.call_number - first.setdefault(path, event.call_number) + 1  # calls before this one are not the real run's
        name = f"module {event.op}" if event.call == "module" else event.op
        found[path, number, name].append(None if event.index in resting else _shapes(event.output))
    return found


def _theirs(real: Sequence[Sequence[Any]], ours: dict[Key, list[Shapes | None]]) -> dict[Key, list[Shapes]]:
    """The real results in the same form; of modules only those that are one call in the trace, whose own calls are then left out."""
    whole = {(path, number) for path, number, name in ours if name.startswith("module ")}
    below = tuple(f"{path}." for path, _ in whole)
    found: dict[Key, list[Shapes]] = defaultdict(list)
    for path, number, name, results in real:
        is_module = name.startswith("module ")
        if is_module != ((path, number) in whole) or not results or path.startswith(below or ("\0",)):
            continue
        found[path, number, name.lower()].append(tuple(tuple(shape) for shape in results))
    return found


def _output(real: Sequence[Sequence[Any]]) -> Shapes:
    """What the outermost module gave."""
    path, _, name, results = real[-1]
    assert path == "" and name.startswith("module ")
    return tuple(tuple(shape) for shape in results)


def _shapes(tensors: Iterable[TensorInfo]) -> Shapes:
    return tuple(tensor.shape for tensor in tensors)


def _named(key: Key, number: int = 0) -> str:
    path, call, name = key
    return f"{path or 'the model'} (call {call}), {name}{f' {number}' if number > 1 else ''}"


def _told(shapes: Shapes) -> str:
    return " ".join(str(list(shape)) for shape in shapes)
