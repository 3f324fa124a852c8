"""Which models the program called, and with what: the first call of each is kept as it was, of the others there are notes."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from shapewright.observe.raw import RawTensor
from shapewright.observe.record import Recorder

MOST_MODELS = 4
MOST_KEPT = 64
MOST_NOTED = 400


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call that went well, to be made again."""

    model: Callable[..., Any]
    args: Any
    kwargs: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    first: int  # its events are those from `first` up to `end`
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """What is remembered of every way in which a model was called."""

    model: nn.Module
    inputs: tuple[RawTensor, ...]
    outputs: tuple[RawTensor, ...]
    first: int
    end: int
    code: CodeType | None
    lasti: int
    training: bool


class ModelCalls:
    """The calls that the program itself makes of its models."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._calls: dict[int, Call] = {}
        self._notes: dict[Any, Note] = {}
        self.ungraded: dict[int, nn.Parameter] = {}  # parameters of the models that have had no gradient yet
        self.graded: set[int] = set()  # by id: those that it has
        self.learns = False

    def begin(self, model: Callable[..., Any], args: Any, kwargs: Any, frame: FrameType | None) -> Callable[[Any], None] | None:
        """What wants to be told of the call's result; None when this call is of no interest."""
        recorder = self._recorder
        given = given_tensors((args, kwargs))
        code, lasti = recorder.user_place(frame)
        key = (id(model), code, lasti, tuple(tensor.shape for tensor in given))
        new = id(model) not in self._calls and len(self._calls) < MOST_KEPT
        if not new and (key in self._notes or len(self._notes) >= MOST_NOTED):
            return None
        kept_args, kept_kwargs = mapped((args, kwargs), lambda tensor: tensor) if new else (None, None)
        inputs, first = tuple(recorder.note_tensor(tensor) for tensor in given), recorder.total
        words = tuple(map(recorder.described, given)) if new else ()

        def done(result: Any) -> None:
            found = list(tensors_of(result))
            if new:
                outputs = tuple(map(recorder.described, found))
                self._calls.setdefault(id(model), Call(model, kept_args, kept_kwargs, words, outputs, first, recorder.total))
            if isinstance(model, nn.Module):
                made = tuple(recorder.note_tensor(tensor) for tensor in found)
                self._notes[key] = Note(model, inputs, made, first, recorder.total, code, lasti, model.training)

        return done

    def forget(self) -> None:
        """Begin anew."""
        self._calls.clear()
        self._notes.clear()

    def notes(self) -> list[Note]:
        """Every way of calling, once."""
        return list(self._notes.values())

    def learned(self) -> None:
        """A backward or an optimizer step has run: note which parameters of the models have a gradient now."""
        if not self.learns:
            self.learns = True
            for note in self._notes.values():
                self.ungraded.update({id(one): one for one in note.model.parameters()})
        left = {key: one for key, one in self.ungraded.items() if one.grad is None}
        self.graded |= self.ungraded.keys() - left.keys()
        self.ungraded = left

    def models(self) -> list[Call]:
        """At most four calls, those of models with parameters first; losses and other layers of a library without any are left out."""
        weighty = [
            call for call in self._calls.values() if isinstance(call.model, nn.Module) and any(True for _ in call.model.parameters())
        ]
        light = [call for call in self._calls.values() if call not in weighty and not self._is_plain(call.model)]
        return (weighty + light)[:MOST_MODELS]

    def _is_plain(self, model: Callable[..., Any]) -> bool:
        own = self._recorder.sources.is_user(getattr(sys.modules.get(type(model).__module__), "__file__", None) or "")
        return isinstance(model, nn.Module) and not own and not any(True for _ in model.children())


def mapped(value: Any, change: Callable[[torch.Tensor], Any]) -> Any:
    """The same arguments with other tensors; containers are new ones, all else is kept."""
    if isinstance(value, torch.Tensor):
        return change(value)
    kind = type(value)
    if kind in (tuple, list):
        return kind(mapped(item, change) for item in value)
    if isinstance(value, tuple) and hasattr(value, "_fields") and not isinstance(value, PackedSequence):
        return kind(*(mapped(item, change) for item in value))
    if isinstance(value, dict):
        made = copy.copy(value)
        made.update({name: mapped(item, change) for name, item in value.items()})
        return made
    return value


def given_tensors(arguments: Any) -> list[torch.Tensor]:
    """The tensors of the arguments, in the order of `mapped`."""
    found: list[torch.Tensor] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        found.append(tensor)
        return tensor

    mapped(arguments, note)
    return found


def tensors_of(value: Any, depth: int = 6) -> Iterator[torch.Tensor]:
    """All tensors of a result, also those in containers and in the attributes of plain objects."""
    if isinstance(value, torch.Tensor):
        yield value
    elif depth and not isinstance(value, nn.Module | type | str):
        items: Sequence[Any] = list(value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ())
        if is_dataclass(value) and not items:
            items = [getattr(value, field.name, None) for field in fields(value)]
        elif not items and hasattr(value, "__dict__") and not callable(value):
            items = list(vars(value).values())
        for item in items[:64]:
            yield from tensors_of(item, depth - 1)
