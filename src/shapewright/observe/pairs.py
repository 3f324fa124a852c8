"""A generator and a discriminator that the program built and never brought together: does the one take what the other makes?

Which of the models they are is said by their classes and by the names that they are called by. The discriminator is given a tensor of the
shape of the generator's first result, which counts as made by that call. If it cannot take it, its failed call is recorded as if the
program had made it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import torch

from shapewright.observe import select
from shapewright.observe.calls import ModelCalls, Note
from shapewright.observe.raw import RawTensor
from shapewright.observe.record import Recorder
from shapewright.roles import role
from shapewright.source import text_in

_CALLEE = re.compile(r"[\w.]*?(\w+)\(")
_JOINED = ("cat", "concat", "stack", "hstack")
# Where these are spoken of, the discriminator may well get something else beside the sample, joined to it.
_BESIDE = re.compile(r"cond|label|one_?hot|class_?emb|n_classes|num_classes|pix2pix|\bpac|torch\.cat\(", re.IGNORECASE)


def feed(calls: ModelCalls, recorder: Recorder) -> tuple[int, ...]:
    """The failed calls, as numbers of recorded events: none when the pair fits, or when there is nothing to try."""
    if recorder.guessed_sizes or recorder.total > len(recorder.events):
        return ()
    notes = [note for note in calls.notes() if any(True for _ in note.model.parameters())]
    roles = [role((type(note.model).__name__, _callee(recorder, note))) for note in notes]
    makers = [note for note, is_ in zip(notes, roles, strict=True) if is_ == "generator"]
    judges = [note for note, is_ in zip(notes, roles, strict=True) if is_ == "discriminator"]
    if any(_made_by(recorder, judge, makers) for judge in judges):
        return ()
    for maker, judge in product(_first(makers), _first(judges)):
        made = _sample(maker, judge)
        if made is None or not _may_be_fed(recorder, [note for note in notes if note.model is not judge.model], maker, judge, made):
            continue
        shape, dtype, source, _ = made
        with recorder.pause():
            samples = [torch.zeros(batch, *shape[1:], dtype=dtype) for batch in (shape[0], judge.inputs[0][0][0])]
        if any(_takes(recorder, judge, sample) for sample in samples):
            recorder.assume_at(f"fed {_name(recorder, judge)} with what {_name(recorder, maker)} makes: {list(shape)}", None)
            continue
        return tuple(_failures(recorder, judge, samples[0], source))
    return ()


def _first(notes: list[Note]) -> list[Note]:
    """Of each model the first call."""
    return list({id(note.model): note for note in reversed(notes)}.values())


def _callee(recorder: Recorder, note: Note) -> str:
    """What the program calls the model by: `netD` of `self.netD(images)`."""
    if note.code is None:
        return ""
    span = recorder.sources.code_span(note.code, note.lasti)
    found = _CALLEE.match(text_in(recorder.sources.lines(span.file), span))
    return found[1] if found is not None else ""


def _name(recorder: Recorder, note: Note) -> str:
    kind = type(note.model)
    own = recorder.sources.is_user(getattr(sys.modules.get(kind.__module__), "__file__", None) or "")
    return f"`{kind.__name__ if own else _callee(recorder, note)}`"


def _made_by(recorder: Recorder, judge: Note, others: list[Note]) -> bool:
    """Whether what the discriminator was given comes from a call of one of the models."""
    sources = select.made_from(recorder.events, [source for _, _, source, _ in judge.inputs if source is not None])
    return any(other.first <= position < other.end for other in others for position in sources)


def _sample(maker: Note, judge: Note) -> RawTensor | None:
    """What the generator makes of the rank that the discriminator is called with; None where that takes more than one input."""
    if len(judge.inputs) != 1 or not judge.inputs[0][1].is_floating_point:
        return None
    rank = len(judge.inputs[0][0])
    return next((made for made in maker.outputs if made[1].is_floating_point and len(made[0]) == rank >= 2), None)


def _may_be_fed(recorder: Recorder, others: list[Note], maker: Note, judge: Note, made: RawTensor) -> bool:
    """Whether the discriminator judges such samples, and not codes, features, or samples that something was joined to."""
    given, sample = tuple(judge.inputs[0][0][1:]), tuple(made[0][1:])
    if given == sample:
        return True
    source = judge.inputs[0][2]
    joined = source is not None and source < len(recorder.events) and recorder.events[source].op.name in _JOINED
    if joined or _made_by(recorder, judge, others) or any(tuple(into[0][1:]) == given for into in maker.inputs):
        return False
    if given[0] <= sample[0]:
        return True
    several = given[0] % sample[0] == 0 and (sample[0], given[0]) != (1, 3)
    return not several and not _speaks_of_more(recorder, maker, judge)


def _speaks_of_more(recorder: Recorder, maker: Note, judge: Note) -> bool:
    """Whether the generator is given more than one thing, or the program speaks of what a sample may come with."""
    files = {note.code.co_filename for note in (maker, judge) if note.code is not None}
    return len(maker.inputs) > 1 or any(_BESIDE.search(recorder.sources.text(file)) for file in files)


def _takes(recorder: Recorder, judge: Note, sample: torch.Tensor) -> bool:
    """Whether the discriminator takes a sample; what fails for another reason than its shape speaks for nothing."""
    with recorder.aside(), torch.no_grad():
        try:
            judge.model(sample)
        except (RuntimeError, ValueError, IndexError):
            return False
        except Exception:
            return True
    return True


def _failures(recorder: Recorder, judge: Note, sample: torch.Tensor, source: int | None) -> Iterator[int]:
    """The failed calls of the discriminator that is given a sample which counts as made by an event."""
    before = recorder.total
    if source is not None:
        recorder.mark(sample, source)
    with torch.no_grad(), suppress(RuntimeError, ValueError, IndexError):
        judge.model(sample)
    for position in range(before, len(recorder.events)):
        event = recorder.events[position]
        if event.code is None:  # a bare Sequential: it fails where the program calls it
            event.code, event.lasti = judge.code, judge.lasti
        if event.failure is not None:
            yield position
