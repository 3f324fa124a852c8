"""Torch calls → raw events, while the user's program runs.

The recorder is a `TorchFunctionMode`: it sees each call as the user (or a module that the user called) wrote it, before torch takes
it apart. What a call costs here is paid for every call of a healthy program, so it only takes notes; `finish.py` makes a `Trace` of them.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from shapewright.model import Assumption, Span, TensorInfo
from shapewright.observe import ops
from shapewright.observe.asked import Asked
from shapewright.observe.measure import measure, tensors_in
from shapewright.observe.raw import RawEvent, RawFailure, RawTensor, StandsIn
from shapewright.source import Sources

if TYPE_CHECKING:
    from shapewright.observe.calls import ModelCalls

# Beyond this many events only failures are kept; a program that makes more is a long healthy loop.
MOST_EVENTS = 100_000

_TRANSFORMS = os.path.join("torchvision", "transforms")
_LAYERS = os.path.join("torch", "nn", "")

# One call of these is one event: what they do inside is torch's own business.
COMPOSITE: tuple[type[nn.Module], ...] = (nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention)


class TooLarge(BaseException):
    """The program is too large to be run with real tensors; it must be run again on fake ones."""


class TimeUp(BaseException):
    """The time limit has passed."""


class _InThread(threading.local):
    def __init__(self) -> None:
        self.module_stack: list[tuple[nn.Module, int]] = []


class Recorder(TorchFunctionMode):
    """Takes notes of every torch call below it."""

    def __init__(self, sources: Sources) -> None:
        super().__init__()
        self.sources = sources
        self.asked = Asked(sources)
        self.events: list[RawEvent] = []
        self.total = 0
        self.seconds = 0.0  # spent in torch's calls
        self.signature: list[int] = []  # one hash an event: what was called where, and which shapes came out
        self.last_training = -1  # number of the last event that was a backward or an optimizer step
        self._in_thread = _InThread()
        self.thread_errors: list[BaseException] = []  # what ended threads of the program
        self.calls: dict[int, int] = {}
        self.called: dict[int, nn.Module] = {}  # by id, kept alive so that an id stays its own
        self.root_calls: list[nn.Module] = []
        self.models: dict[int, nn.Module] = {}  # by id: those that the program itself called, or loads a checkpoint into
        self.model_calls: ModelCalls | None = None  # keeps what the models were called with
        self.watch: Callable[[int, Any], None] | None = None  # is shown every result with its event's number
        self.first_inputs: tuple[str, ...] = ()  # of the first model that the program called
        self.given: tuple[RawTensor, ...] | None = None  # what came from the call that was asked for; None when a program was
        self.parameters: dict[int, nn.Parameter] = {}
        self.assumed: list[Assumption] = []
        self.assumed_tensors: set[int] = set()  # events whose output sizes were assumed
        self.guessed_sizes = False  # an integer that may well become a size was assumed
        self.guessed_values = False  # a number of a tensor was assumed, perhaps one that decided a branch
        self.paused = 0
        self.base: CodeType | None = None  # a function of ours: whoever called it called no torch
        self.answer: Callable[[Any, Any, Any], Any] | None = None  # answers for values that fake tensors do not have
        self.before: Callable[[Any, Any, Any], tuple[Any, Any]] | None = None  # moves calls for other devices to this one
        self.after: Callable[[Any, Any], None] | None = None  # watches sizes; may raise TooLarge
        self.on_failure: Callable[[Any, Any, Any, BaseException], None] | None = None
        self._made: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._last_error: BaseException | None = None

    @property
    def module_stack(self) -> list[tuple[nn.Module, int]]:
        """The modules whose calls are open in this thread."""
        return self._in_thread.module_stack

    # the mode

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        op = ops.known.get(func) or ops.describe(func)
        if self.before is not None and (op.moves or "device" in kwargs):
            args, kwargs = self.before(func, args, kwargs)
        if op.skip or self.paused:
            try:
                result = func(*args, **kwargs) if self.answer is None else self.answer(func, args, kwargs)
            except IndexError as error:  # `x.size(1)` of one dim
                if not self.paused and op.name in ("size", "stride"):
                    self._failed(op, self.note(args), {name: self.note(value) for name, value in kwargs.items()}, error, func, args, kwargs)
                raise
            if not self.paused and op.name in ("shape", "size") and len(args) == 1 and not kwargs:
                self._put_to_use(args[0], result, sys._getframe(1))
            return result
        if _TRANSFORMS in sys._getframe(1).f_code.co_filename:
            # A thousand pictures pass through these for one batch; only a failure is worth a note.
            try:
                return func(*args, **kwargs) if self.answer is None else self.answer(func, args, kwargs)
            except Exception as error:
                self._failed(op, self.note(args), {name: self.note(value) for name, value in kwargs.items()}, error, func, args, kwargs)
                raise
        noted_args, noted_kwargs = self.note(args), {name: self.note(value) for name, value in kwargs.items()} if kwargs else None
        began = perf_counter()
        try:
            result = func(*args, **kwargs) if self.answer is None else self.answer(func, args, kwargs)
        except Exception as error:
            if self.on_failure is not None:
                self.on_failure(func, args, kwargs, error)
            self._failed(op, noted_args, noted_kwargs, error, func, args, kwargs)
            raise
        self.seconds += perf_counter() - began
        self._add(op, noted_args, noted_kwargs, result)
        if self.after is not None and op.name != "data":  # that of a lazy parameter has no size, and no data is new
            self.after(op, result)
        return result

    def _add(self, op: ops.Op, args: Any, kwargs: Any, result: Any) -> None:
        if (op.factory or op.name == "data") and _LAYERS in sys._getframe(2).f_code.co_filename:
            return  # a layer making its own parameters
        index = self.total
        self.total = index + 1
        output = self._outputs(result, index) if not op.training else ()
        code, lasti = self.user_place(sys._getframe(2))
        self.signature.append(hash((op.name, lasti, id(code), tuple(note[0] for note in output))))
        if self.watch is not None:
            self.watch(index, result)
        if op.training:
            self.last_training = index
            if self.model_calls is not None:
                self.model_calls.learned()
        if index < MOST_EVENTS:
            module, number = self.module_stack[-1] if self.module_stack else (None, 1)
            self.events.append(RawEvent(op, args, kwargs, output, code, lasti, module, number, op.training))

    def _failed(self, op: ops.Op, args: Any, kwargs: Any, error: BaseException, func: Any, real_args: Any, real_kwargs: Any) -> None:
        self._last_error = error
        failure = RawFailure(error, self.user_frames(sys._getframe(2)))
        if func is not None:
            with torch._C.DisableTorchFunctionSubclass():
                failure.measured = measure(func, real_args, real_kwargs)
        code, lasti = failure.frames[0] if failure.frames else (None, 0)
        module, number = self.module_stack[-1] if self.module_stack else (None, 1)
        self.total += 1
        self.signature.append(hash((op.name, lasti, id(code), "failed")))
        while len(self.events) < min(self.total - 1, MOST_EVENTS):
            self.events.append(RawEvent(ops.GAP, (), None, (), None, 0, None, 1, False))
        self.events.append(RawEvent(op, args, kwargs, (), code, lasti, module, number, False, failure))

    def _put_to_use(self, tensor: torch.Tensor, shape: Any, frame: FrameType) -> None:
        """Raise what Python is about to raise for `b, c, h, w = x.shape` and `x.shape[3]`, as a failed call."""
        refused = self.asked.refused(frame.f_code, frame.f_lasti, shape) if self.sources.is_user(frame.f_code.co_filename) else None
        if refused is not None:
            kind, number, starred, error = refused
            noted = self.note((tensor, number, *(("*",) if starred else ())))
            self._failed(ops.Op(kind, "operator", skip=True), noted, None, error, None, (), {})
            raise error

    def _outputs(self, result: Any, index: int) -> tuple[RawTensor, ...]:
        if isinstance(result, torch.Tensor):
            self.mark(result, index)
            return (self.note_tensor(result, index),)
        if isinstance(result, tuple | list):
            found: list[RawTensor] = []
            for item in result[:64]:
                found.extend(self._outputs(item, index))
            return tuple(found)
        return ()

    def mark(self, tensor: torch.Tensor, index: int) -> None:
        """Remember which event made the tensor."""
        self._made[id(tensor)] = (weakref.ref(tensor), index)

    def described(self, tensor: torch.Tensor) -> str:
        """`f32[1, 3, 64, 64]`."""
        return str(TensorInfo(tuple(int(size) for size in tensor.shape), str(tensor.dtype).removeprefix("torch.")))

    def unmark(self, tensor: torch.Tensor) -> int | None:
        """Forget the tensor's maker, and give it: torch cannot swap a tensor that somebody holds a weak reference to."""
        index = self.maker(tensor)
        self._made.pop(id(tensor), None)
        return index

    def maker(self, tensor: torch.Tensor) -> int | None:
        """The event that made the tensor, None when it was not recorded."""
        entry = self._made.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def maker_op(self, tensor: torch.Tensor) -> str:
        """The op that made the tensor, "" when it is not known."""
        index = self.maker(tensor)
        return self.events[index].op.name if index is not None and index < len(self.events) else ""

    def note_tensor(self, tensor: torch.Tensor, source: int | None = None) -> RawTensor:
        """Shape, dtype and maker of a tensor as it is now."""
        ident = 0
        if isinstance(tensor, nn.Parameter):
            ident = id(tensor)
            self.parameters.setdefault(ident, tensor)
        try:
            shape = tuple(tensor.shape)
        except RuntimeError:  # a lazy parameter has no shape yet
            shape = ()
        return shape, tensor.dtype, self.maker(tensor) if source is None else source, ident

    def gave(self, result: Any) -> None:
        """Note the tensors in what the model that was asked for has given: in containers, or in an object's attributes."""
        with self.pause():
            self.given = tuple(map(self.note_tensor, list(tensors_in(result)) or tensors_in(getattr(result, "__dict__", None))))

    def note(self, value: Any) -> Any:
        """An argument as it is now: tensors become notes, containers tuples, anything odd its type's name."""
        kind = type(value)
        if kind is tuple or kind is list:
            return tuple([self.note(item) for item in value[:256]])
        if isinstance(value, torch.Tensor):
            return StandsIn(self.note_tensor(value))
        if isinstance(value, int | float | str) or value is None:
            return value
        if isinstance(value, tuple | list):
            return tuple([self.note(item) for item in value[:256]])
        if isinstance(value, dict):
            return tuple([self.note(item) for item in list(value.values())[:256]])
        return str(value) if isinstance(value, torch.dtype | torch.device | slice) or value is Ellipsis else kind.__name__

    # places

    def user_place(self, frame: FrameType | None) -> tuple[CodeType | None, int]:
        """The innermost frame of the user's: its code and instruction."""
        is_user = self.sources.is_user
        while frame is not None and frame.f_code is not self.base:
            if is_user(frame.f_code.co_filename):
                return frame.f_code, frame.f_lasti
            frame = frame.f_back
        return None, 0

    def user_frames(self, frame: FrameType | None) -> tuple[tuple[CodeType, int], ...]:
        """All frames of the user's, inner first."""
        found: list[tuple[CodeType, int]] = []
        while frame is not None and len(found) < 50 and frame.f_code is not self.base:
            if self.sources.is_user(frame.f_code.co_filename):
                found.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back
        return tuple(found)

    def assume(self, what: str) -> None:
        """Note something that the run takes as given, with the user's line."""
        code, lasti = self.user_place(sys._getframe(1))
        self.assume_at(what, self.sources.code_span(code, lasti) if code is not None else None)

    def assume_at(self, what: str, span: Span | None) -> None:
        """Note it with a place that is known already."""
        note = Assumption(what, span.line if span else None, span.file if span else None)
        if note not in self.assumed and len(self.assumed) < 200:
            self.assumed.append(note)

    def assume_sizes(self, tensor: torch.Tensor) -> None:
        """The tensor's sizes rest on an assumption; so do those of everything made from it."""
        self.assumed_tensors.add(self.total)
        self.mark(tensor, self.total)

    # modules

    def module_call(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """The call of a module: keeps the stack, and takes the call itself for the event where the module hides what it does."""
        key = id(module)
        number = self.calls.get(key, 0) + 1
        self.calls[key] = number
        self.called[key] = module
        first = None
        if not self.module_stack:
            self.root_calls.append(module)
            self.models[key] = module
            if self.model_calls is not None and not self.paused:
                first = self.model_calls.begin(module, args, kwargs, sys._getframe(2))
            if not self.first_inputs and not self.paused:
                self.first_inputs = tuple(self.described(tensor) for tensor in tensors_in((args, kwargs)))
        composite = isinstance(module, COMPOSITE)
        noted = (self.note(args), {name: self.note(value) for name, value in kwargs.items()}) if composite and not self.paused else None
        self.module_stack.append((module, number))
        try:
            if noted is None:
                result = original(module, *args, **kwargs)
            else:
                began = perf_counter()
                with self.pause():
                    result = original(module, *args, **kwargs)
                self.seconds += perf_counter() - began
                self._add(ops.of_module(module), noted[0], noted[1], result)
            if first is not None:
                first(result)
            return result
        except Exception as error:
            if error is not self._last_error and not self.paused and ops.is_torch_module(module):
                self._failed(
                    ops.of_module(module), *(noted or (self.note(args), {k: self.note(v) for k, v in kwargs.items()})), error, None, (), {}
                )
            raise
        finally:
            self.module_stack.pop()

    def stepped(self) -> None:
        """An optimizer has stepped."""
        self._add(ops.STEP, (), None, None)

    def failed_call(self, name: str, args: tuple[Any, ...], error: BaseException, module: nn.Module | None = None) -> None:
        """Take down a failure that no torch function made: a constructor, `load_state_dict`."""
        if error is self._last_error:
            return
        if module is not None:
            self.called.setdefault(id(module), module)
            self.models.setdefault(id(module), module)
            self.module_stack.append((module, 1))
        try:
            self._failed(ops.named(name), args, None, error, None, (), {})
        finally:
            if module is not None:
                self.module_stack.pop()

    def failed_constructor(
        self, module: nn.Module, arguments: dict[str, Any], error: BaseException, frames: tuple[tuple[CodeType, int], ...] = ()
    ) -> None:
        """A library module refused its own arguments (`embed_dim` that `num_heads` does not divide)."""
        with self.pause():
            frames = frames or self.user_frames_of(error)
            if error is self._last_error or not frames:
                return
            self.total += 1
            self._last_error = error
            noted = {name: self.note(value) for name, value in arguments.items()}
            code, lasti = frames[0]
            self.signature.append(hash((type(module).__name__, lasti, id(code), "failed")))
            self.events.append(RawEvent(ops.of_module(module), (), noted, (), code, lasti, None, 1, False, RawFailure(error, frames)))

    def user_frames_of(self, error: BaseException) -> tuple[tuple[CodeType, int], ...]:
        """The user's frames that an exception has passed, inner first."""
        found: list[tuple[CodeType, int]] = []
        traceback = error.__traceback__
        while traceback is not None:
            if self.sources.is_user(traceback.tb_frame.f_code.co_filename):
                found.insert(0, (traceback.tb_frame.f_code, traceback.tb_lasti))
            traceback = traceback.tb_next
        return tuple(found)

    def span_of(self, error: BaseException) -> Span | None:
        """The user's innermost expression that an exception has passed."""
        frames = self.user_frames_of(error)
        return self.sources.code_span(*frames[0]) if frames else None

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Let calls through without notes."""
        self.paused += 1
        try:
            yield
        finally:
            self.paused -= 1

    @contextmanager
    def watched(self, watch: Callable[[int, Any], None]) -> Iterator[None]:
        """Take notes also within a pause, and show every result to `watch`."""
        paused, self.paused, self.watch = self.paused, 0, watch
        try:
            yield
        finally:
            self.paused, self.watch = paused, None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let calls through, and leave afterwards no sign of them: no event, no module, no assumption."""
        counts = len(self.events), len(self.signature), len(self.root_calls), len(self.assumed)
        plain = self.total, self.last_training, self.guessed_sizes, self.first_inputs
        kept = dict(self.calls), dict(self.called), dict(self.models), set(self.assumed_tensors)
        try:
            with self.pause():
                yield
        finally:
            for notes, count in zip((self.events, self.signature, self.root_calls, self.assumed), counts, strict=True):
                del notes[count:]  # type: ignore[attr-defined]
            self.total, self.last_training, self.guessed_sizes, self.first_inputs = plain
            self.calls, self.called, self.models, self.assumed_tensors = kept
