"""In which calls of a model the samples of a batch first meet: told by changing one of three samples and looking where the change goes.

A result is *confined* while along some dim of it only the changed sample's share (a third) differs, wherever views and permutes have
carried the batch. The calls whose operands are confined and whose result is not are those in which the samples meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from shapewright.observe.calls import Call, tensors_of
from shapewright.observe.raw import RawEvent
from shapewright.observe.record import MOST_EVENTS, Recorder
from shapewright.observe.select import sources

SAMPLES = 3
MOST_BYTES = 128 << 20  # of all results together, which are kept from one run to the next


def meetings(recorder: Recorder, call: Call, run: Callable[..., bool]) -> tuple[int, ...]:
    """The events of `call` in which the samples along dim 0 first meet; none when it cannot be told.

    `run(0, 2, 2)` calls the model with sample 2 in the place of sample 1.
    """
    if recorder.total >= MOST_EVENTS:
        return ()
    kept: dict[int, list[torch.Tensor]] = {}
    size = 0
    start = recorder.total

    def keep(index: int, result: Any) -> None:
        nonlocal size
        with recorder.pause():  # what is done with the result of a layer that is one event would be taken down as well
            if size < MOST_BYTES:
                kept[index - start] = [tensor.detach().clone() for tensor in tensors_of(result)]
                size += sum(tensor.numel() * tensor.element_size() for tensor in kept[index - start])

    with _alone(recorder), recorder.watched(keep):
        went = run(0, 1, 2)
    start = recorder.total
    states: dict[int, str] = {}

    def compare(index: int, result: Any) -> None:
        with recorder.pause():
            states[index - start] = _state(kept.get(index - start), list(tensors_of(result)))

    with _alone(recorder), recorder.watched(compare):
        went = run(0, 2, 2) and went
    if not went or size >= MOST_BYTES:
        return ()
    events = recorder.events[start : recorder.total]
    met = [offset for offset, event in enumerate(events) if states.get(offset) == "mixed" and _first(event, states, start)]
    return _of_call(recorder.events[call.first : call.end], events, met, call.first)


@contextmanager
def _alone(recorder: Recorder) -> Iterator[None]:
    """These calls are not the program's own: the notes on how it calls its models stay as they are."""
    notes, recorder.model_calls = recorder.model_calls, None
    try:
        yield
    finally:
        recorder.model_calls = notes


def _state(before: list[torch.Tensor] | None, after: list[torch.Tensor]) -> str:
    """ "same", "confined", "mixed", or "unknown" for results of other sizes than before."""
    if before is None or len(before) != len(after) or any(one.shape != other.shape for one, other in zip(before, after, strict=True)):
        return "unknown"
    worst = "same"
    for one, other in zip(before, after, strict=True):
        changed = _changed(one, other.detach())
        if not bool(changed.any()):
            continue
        if not any(_share(changed, dim) for dim in range(changed.dim())):
            return "mixed"
        worst = "confined"
    return worst


def _changed(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    if not (one.is_floating_point() or one.is_complex()):
        return one != other
    scale = float(one.abs().nan_to_num(0.0, 0.0, 0.0).max()) if one.numel() else 1.0
    return ~torch.isclose(one, other, rtol=1e-4, atol=1e-5 * scale, equal_nan=True)


def _share(changed: torch.Tensor, dim: int) -> bool:
    """Whether along this dim no more than one sample's share is changed."""
    rest = [other for other in range(changed.dim()) if other != dim]
    along = changed.any(dim=rest) if rest else changed
    return int(along.sum()) * SAMPLES <= along.numel() + along.numel() % SAMPLES


def _first(event: RawEvent, states: dict[int, str], start: int) -> bool:
    """Whether the samples were apart in all operands."""
    before = [states.get(source - start, "same") for source in sources((event.args, tuple((event.kwargs or {}).values())))]
    return "mixed" not in before and "unknown" not in before


def _of_call(recorded: list[RawEvent], events: list[RawEvent], met: list[int], first: int) -> tuple[int, ...]:
    """The same events in the call as the program made it: at the same place of the same module, counted."""
    numbers = {key: first + offset for offset, key in enumerate(_counted(recorded))}
    keys = list(_counted(events))
    return tuple(numbers[keys[offset]] for offset in met if keys[offset] in numbers)


def _counted(events: Iterable[RawEvent]) -> Iterable[Any]:
    seen: dict[Any, int] = {}
    for event in events:
        key = (event.op.name, id(event.code), event.lasti, id(event.module))
        seen[key] = seen.get(key, 0) + 1
        yield key, seen[key]
