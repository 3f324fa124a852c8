"""Notes of a run → `Trace`: plain data, with every place resolved to a span and every module to its path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from shapewright.model import Event, ModelCall, ModuleInfo, Number, Origin, Probe, Span, Stop, TensorInfo, Trace, Value
from shapewright.observe import caught, numbers, select
from shapewright.observe.hooks import BUILT
from shapewright.observe.raw import RawEvent, RawFailure, RawTensor, StandsIn
from shapewright.observe.record import COMPOSITE, Recorder


class Finisher:
    """One pass over the notes of one run."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.sources = recorder.sources
        self.modules: list[ModuleInfo] = []
        self.index_of: dict[int, int] = {}
        self.parameter_names: dict[int, tuple[str, Literal["parameter", "buffer"]]] = {}
        self.ungraded: Mapping[int, nn.Parameter] = {}
        self.whole: set[int] = set()  # by id: modules inside of one whose call is one event
        self.worked: set[int] = set()  # by id: parameters that the modules worked with
        self.tried: tuple[int, ...] = ()  # failures of calls that the program did not make itself

    def trace(
        self,
        how: Literal["eager", "fake"],
        stop: Stop | None,
        uncaught: BaseException | None,
        cut: Sequence[tuple[Span, int]],
        everything: bool,
    ) -> Trace:
        """The whole run as data. With `everything` false only the events that matter to a failure are kept (others become gaps)."""
        self._name_modules()
        raw = self.recorder.events
        failures = [position for position, event in enumerate(raw) if event.failure is not None]
        told = {position: caught.told(self.recorder, raw[position].failure, position, uncaught) for position in failures}  # type: ignore[arg-type]
        told |= {position: caught.tried(raw[position].failure) for position in self.tried}  # type: ignore[arg-type]
        failures = [position for position in failures if told[position] is not None]
        keep: Sequence[int] = range(len(raw)) if everything else select.reachable(raw, failures)
        if not everything and set(failures) <= set(self.tried) and self.recorder.model_calls is not None:
            keep = sorted({*select.distinct(raw), *keep})
        events: list[Event] = [Event(position, "not-recorded") for position in range(len(raw))] if keep else []
        for position in keep:
            event = self._event(position, raw[position])
            events[position] = replace(event, failure=told[position]) if position in failures else event
        outputs = self.recorder.given
        if outputs is None:
            outputs = next((event.output for event in reversed(raw) if event.output), ())
        parameters, weights = weighed(self.recorder.models.values())
        return Trace(
            events=tuple(events),
            modules=tuple(self.modules),
            failures=tuple(failures),
            stop=stop,
            how=how,
            output=tuple(self._tensor(note) for note in outputs),
            total_events=self.recorder.total,
            assumed=tuple(self.recorder.assumed),
            cut_loops=tuple(span for span, _ in cut),
            torch_version=str(torch.__version__),
            sources=self._texts(events, [span for span, _ in cut]),
            tried=self.tried,
            parameters=parameters,
            weights=weights,
        )

    def calls(self) -> tuple[ModelCall, ...]:
        """The ways in which the program called its models."""
        notes = self.recorder.model_calls.notes() if self.recorder.model_calls is not None else []
        return tuple(
            ModelCall(
                module=self.index_of[id(note.model)],
                inputs=tuple(map(self._tensor, note.inputs)),
                outputs=tuple(map(self._tensor, note.outputs)),
                first=note.first,
                end=note.end,
                span=self.sources.code_span(note.code, note.lasti) if note.code is not None else None,
                training=note.training,
            )
            for note in notes
            if id(note.model) in self.index_of
        )

    def probes(self, found: Iterable[tuple[Any, Probe]]) -> tuple[Probe, ...]:
        """What the models answered, each with its number."""
        return tuple(replace(answer, model=self.index_of.get(id(model))) for model, answer in found)

    def went_wrong(self, uncaught: BaseException | None) -> bool:
        """Whether a call failed and the program knew no other way."""
        told = [
            caught.told(self.recorder, event.failure, place, uncaught) for place, event in enumerate(self.recorder.events) if event.failure
        ]
        return any(failure is not None and not failure.answered for failure in told)

    # modules

    def _name_modules(self) -> None:
        called = list(self.recorder.called.values())
        known = {id(module) for module in called}
        below: set[int] = set()
        for module in called:
            below.update(id(child) for child in module.modules() if child is not module)
        roots = [module for module in called if id(module) not in below]
        self.ungraded = self.recorder.model_calls.ungraded if self.recorder.model_calls is not None else {}
        composite = [module for module in called if isinstance(module, COMPOSITE)]
        self.whole = {id(below) for module in composite for below in module.modules()}
        self.worked = _worked(self.recorder) | {id(one) for module in composite for one in module.parameters()}
        if self.recorder.model_calls is not None:
            self.worked |= self.recorder.model_calls.graded  # a loss of the program's own may work with a parameter as well
        for root in roots:
            parents: dict[str, int] = {}
            for path, module in root.named_modules(remove_duplicate=True):
                if id(module) in self.index_of:
                    parents[path] = self.index_of[id(module)]
                    continue
                parent = parents.get(path.rpartition(".")[0]) if path else None
                parents[path] = self._module(module, path, parent, id(module) in known)

    def _module(self, module: nn.Module, path: str, parent: int | None, called: bool) -> int:
        index = len(self.modules)
        self.index_of[id(module)] = index
        prefix = f"{path}." if path else ""
        own = {name: tensor for name, tensor in module._parameters.items() if tensor is not None}
        for name, tensor in own.items():
            self.parameter_names.setdefault(id(tensor), (prefix + name, "parameter"))
        library = not self.sources.is_user(_file_of(type(module)))
        built = tuple(self.sources.code_span(*place) for place in module.__dict__.get(BUILT, ()))
        self.modules.append(
            ModuleInfo(
                index=index,
                path=path,
                type=type(module).__name__,
                settings=_settings(module) if library else {},
                parameters={name: _shape(tensor) for name, tensor in own.items()},
                built=built[0] if built else None,
                built_stack=built[1:],
                library=library,
                parent=parent,
                called=called or id(module) in self.whole,
                unused=tuple(name for name, tensor in own.items() if id(module) not in self.whole and id(tensor) not in self.worked),
                ungraded=tuple(name for name, tensor in own.items() if tensor.requires_grad and id(tensor) in self.ungraded),
            )
        )
        return index

    # events

    def _event(self, position: int, raw: RawEvent) -> Event:
        failure = raw.failure
        frames = failure.frames if failure is not None else ()
        counter = _Counter(failure)
        args = tuple(self._value(arg, counter) for arg in raw.args)
        kwargs = {name: self._value(value, counter) for name, value in (raw.kwargs or {}).items()}
        return Event(
            index=position,
            op=raw.op.name,
            args=args,
            kwargs=kwargs,
            output=tuple(self._tensor(note) for note in raw.output),
            span=self.sources.code_span(raw.code, raw.lasti) if raw.code is not None else None,
            function=_function(raw.code, raw.module),
            stack=tuple(self.sources.code_span(*frame) for frame in frames[1:]),
            module=self.index_of.get(id(raw.module)) if raw.module is not None else None,
            call_number=raw.call_number,
            call=raw.op.call,
            inplace=raw.op.inplace,
            training=raw.training,
        )

    def _value(self, value: Any, counter: _Counter) -> Value:
        if isinstance(value, StandsIn):
            position = counter.position
            counter.position += 1
            info = self._tensor(value.note)
            if counter.failure is None:
                return info
            lowest, highest = counter.failure.measured.bounds.get(position, (None, None))
            return replace(info, contiguous=counter.failure.measured.contiguous.get(position, True), lowest=lowest, highest=highest)
        if isinstance(value, tuple):
            return tuple(self._value(item, counter) for item in value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return numbers.number_of(value)
        return value if isinstance(value, float | str) else type(value).__name__

    def _tensor(self, note: RawTensor) -> TensorInfo:
        shape, dtype, source, ident = note
        unnamed: tuple[str, Literal["activation", "parameter", "buffer"]] = ("", "parameter" if ident else "activation")
        name, kind = self.parameter_names.get(ident, unnamed)
        if source is not None and source >= len(self.recorder.events):
            source = None
        return TensorInfo(
            shape=tuple(int(size) for size in shape),
            dtype=str(dtype).removeprefix("torch."),
            source=source,
            name=name,
            kind=kind,
            assumed=source in self.recorder.assumed_tensors,
        )

    def _texts(self, events: Iterable[Event], loops: Iterable[Span]) -> dict[str, str]:
        files = {span.file for event in events for span in (event.span, *event.stack) if span is not None}
        files |= {span.file for span in loops}
        files |= {span.file for module in self.modules for span in (module.built, *module.built_stack) if span is not None}
        files |= {literal.span.file for event in events for literal in _literals((*event.args, *event.kwargs.values())) if literal.span}
        files |= {literal.span.file for module in self.modules for literal in _literals(tuple(module.settings.values())) if literal.span}
        return {file: self.sources.text(file) for file in sorted(files)}


class _Counter:
    """Walks the tensor operands of one event in order."""

    def __init__(self, failure: RawFailure | None) -> None:
        self.failure = failure
        self.position = 0


def _worked(recorder: Recorder) -> set[int]:
    """The parameters, by id, that a forward worked with; to initialise, save or count them is no work."""
    if recorder.total > len(recorder.events):  # not all is known
        return set(recorder.parameters)
    found: set[int] = set()
    todo: list[Any] = [value for event in recorder.events if event.module is not None for value in (event.args, event.kwargs)]
    while todo:
        value = todo.pop()
        if isinstance(value, StandsIn):
            found.add(value.note[3])
        elif isinstance(value, tuple):
            todo.extend(value)
        elif isinstance(value, dict):
            todo.extend(value.values())
    return found


def _literals(value: Value) -> Iterable[Origin]:
    if isinstance(value, tuple):
        for item in value:
            yield from _literals(item)
    elif isinstance(value, Number) and value.origin is not None:
        yield from value.origin.literals()


def weighed(models: Iterable[nn.Module]) -> tuple[int | None, str]:
    """The elements of all parameters, each counted once, and a digest of what each model's checkpoint holds (none for an empty one)."""
    models = list(models)
    below = {id(child) for model in models for child in model.modules() if child is not model}
    parameters: dict[int, torch.Tensor] = {}
    digests: list[str] = []
    for model in models:
        saved: list[tuple[str, tuple[int, ...]]] = []
        for path, module in model.named_modules(remove_duplicate=False):
            own = {name: tensor for name, tensor in module._parameters.items() if tensor is not None}
            parameters.update((id(tensor), tensor) for tensor in own.values() if not is_lazy(tensor))
            kept = {name: tensor for name, tensor in module._buffers.items() if tensor is not None}
            for name in module._non_persistent_buffers_set:
                kept.pop(name, None)
            saved.extend((f"{path}.{name}", _shape(tensor)) for name, tensor in (own | kept).items())
        if saved and id(model) not in below:
            digests.append(hashlib.blake2s(repr(sorted(saved)).encode(), digest_size=6).hexdigest())
    return (sum(tensor.numel() for tensor in parameters.values()) if models else None), " ".join(digests)


def _settings(module: nn.Module) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in vars(module).items():
        if not name.startswith("_") and name != "training":
            setting = _setting(value)
            if setting is not None:
                found[name] = setting
    return found


def _setting(value: Any) -> Value:
    if isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return numbers.number_of(value)
    if isinstance(value, tuple | list) and len(value) <= 16:
        items = tuple(_setting(item) for item in value)
        return None if any(item is None for item in items) else items
    return None


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in tensor.shape)
    except RuntimeError:
        return ()


def _file_of(kind: type) -> str:
    import sys

    module = sys.modules.get(kind.__module__)
    return getattr(module, "__file__", "") or ""


def _function(code: CodeType | None, module: nn.Module | None) -> str:
    if code is None:
        return ""
    return "" if code.co_qualname == "<module>" else code.co_qualname.replace("<locals>.", "")
