"""Running on fake tensors: shapes and dtypes without memory or arithmetic.

Fake tensors have no values. Where a program asks for one (`.item()`, `if loss < best`, a boolean mask), it gets an assumed one, and the
assumption is noted. A size that rests on an assumption is remembered, so that nothing is ever blamed on it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn.parameter import (  # type: ignore[attr-defined]
    UninitializedBuffer,
    UninitializedParameter,
    UninitializedTensorMixin,
)
from torch.utils import data

from shapewright.observe.measure import tensors_in
from shapewright.observe.record import Recorder

ASSUMED_VALUE = 0.5


# What depends on nothing but numbers of the program keeps its values: the widths of a RegNet, the rates of a schedule, a causal mask.
_MOST_VALUES = 10_000  # in one tensor
_OF_NUMBERS = {"arange", "linspace", "logspace", "full", "zeros", "ones", "eye"}


class _Mode(FakeTensorMode):
    """Torch reckons on with the values of fakes that have them; by itself it gives up where there is more than one."""

    def may_turn_const(self, t: torch.Tensor) -> bool:
        return t.layout is torch.strided and t.numel() <= _MOST_VALUES and not self.is_our_fake(t) and not t.is_meta

    def with_values(self, made: Any, func: Any, args: Any, kwargs: Any) -> Any:
        """The tensor that a function made of numbers, with its values unless it is a large one."""
        if not isinstance(made, FakeTensor) or made.requires_grad or made.numel() > _MOST_VALUES or made.constant is not None:
            return made
        with fake_tensor.unset_fake_temporarily():
            real = func(*args, **kwargs)
        return self.fake_tensor_converter.from_real_tensor(self, real, make_constant=True)


class FakeRun:
    """The fake mode of one run, and its answers."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.mode = _Mode(allow_non_fake_inputs=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make every tensor fake while open."""
        with ExitStack() as stack:
            stack.enter_context(_quiet_logger())
            stack.enter_context(_one_mode_for_copies())
            stack.enter_context(self._real_loaders())
            stack.enter_context(self._swapping())
            stack.enter_context(_lazy_parameters_stay_real())
            self.recorder.answer = self.answer
            stack.callback(setattr, self.recorder, "answer", None)
            stack.enter_context(self.mode)
            yield

    def answer(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Call the function; where it needs a value that fakes don't have, assume one."""
        name = getattr(func, "__name__", "")
        own = _ANSWERS.get(name)
        if own is not None and args and isinstance(args[0], FakeTensor):
            return own(self, func, args, kwargs)
        try:
            made = func(*args, **kwargs)
        except (
            fake_tensor.DataDependentOutputException,
            fake_tensor.DynamicOutputShapeException,
            fake_tensor.UnsupportedOperatorException,
        ):
            return self.on_stand_ins(func, args, kwargs)
        return self.mode.with_values(made, func, args, kwargs) if name in _OF_NUMBERS else made

    def on_stand_ins(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Call the function for real on ones of the same shapes; what comes out rests on an assumption."""
        self.recorder.assume("values decide a size here; all elements were taken as true")

        def real(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return torch.ones(tuple(value.shape), dtype=value.dtype)
            if isinstance(value, tuple | list):
                return type(value)(real(item) for item in value) if type(value) in (tuple, list) else value
            return value

        with fake_tensor.unset_fake_temporarily():
            result = func(*[real(arg) for arg in args], **{name: real(value) for name, value in kwargs.items()})
        graded = [tensor for tensor in tensors_in((args, kwargs)) if tensor.requires_grad] if torch.is_grad_enabled() else []
        return self.fake(result, assumed=True, graded=graded)

    def fake(self, value: Any, *, assumed: bool = False, graded: Sequence[torch.Tensor] = ()) -> Any:
        """The same with fake tensors in the place of real ones, made from those that are `graded`: gradients go back to them."""
        if isinstance(value, torch.Tensor) and not isinstance(value, FakeTensor):
            made: torch.Tensor = self.mode.from_tensor(value)
            if value.is_floating_point():
                for tensor in graded:
                    made = made + tensor.sum().to(made.dtype)
            maker = self.recorder.maker(value)
            if maker is not None:
                self.recorder.mark(made, maker)
            if assumed:
                self.recorder.assume_sizes(made)
            return made
        if isinstance(value, dict):
            try:
                return type(value)({name: self.fake(item, assumed=assumed, graded=graded) for name, item in value.items()})
            except TypeError:
                return {name: self.fake(item, assumed=assumed, graded=graded) for name, item in value.items()}
        if type(value) in (tuple, list):
            return type(value)(self.fake(item, assumed=assumed, graded=graded) for item in value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*(self.fake(item, assumed=assumed, graded=graded) for item in value))
        return value

    @contextmanager
    def _real_loaders(self) -> Iterator[None]:
        """Datasets, samplers and collation work on real values; the finished batch becomes fake."""
        original = data.DataLoader.__iter__
        run = self

        def iterate(loader: Any) -> Any:
            with fake_tensor.unset_fake_temporarily():
                iterator = original(loader)
            return _FakeBatches(iterator, run)

        data.DataLoader.__iter__ = iterate  # type: ignore[method-assign]
        try:
            yield
        finally:
            data.DataLoader.__iter__ = original  # type: ignore[method-assign]

    @contextmanager
    def _swapping(self) -> Iterator[None]:
        """`Module.to` swaps fake parameters for new ones, which a weak reference to either would prevent."""
        original = torch.utils.swap_tensors
        recorder = self.recorder

        def swap_tensors(first: torch.Tensor, second: torch.Tensor) -> None:
            makers = recorder.unmark(first), recorder.unmark(second)
            try:
                original(first, second)  # type: ignore[no-untyped-call]
            except RuntimeError:  # somebody else holds one, too: the new values in the old parameter are as good
                if first.dtype != second.dtype or first.shape != second.shape:
                    first.data = second.data
            for tensor, maker in zip((first, second), makers[::-1], strict=True):
                if maker is not None:
                    recorder.mark(tensor, maker)

        torch.utils.swap_tensors = swap_tensors
        try:
            yield
        finally:
            torch.utils.swap_tensors = original


class _FakeBatches:
    """A loader's iterator whose batches are made for real and handed out as fakes."""

    def __init__(self, iterator: Any, run: FakeRun) -> None:
        self._iterator = iterator
        self._run = run

    def __iter__(self) -> _FakeBatches:
        return self

    def __len__(self) -> int:
        return len(self._iterator)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterator, name)

    def __next__(self) -> Any:
        with fake_tensor.unset_fake_temporarily():
            batch = next(self._iterator)
        return self._run.fake(batch)

    def outside(self) -> Any:
        """A context without the fake mode."""
        return fake_tensor.unset_fake_temporarily()

    def fetch(self, indices: Any) -> Any:
        """The batch of these samples, for a loop that jumps to its last one."""
        with fake_tensor.unset_fake_temporarily():
            batch = self._iterator._dataset_fetcher.fetch(indices)
        return self._run.fake(batch)


# `if (std == 0).any(): raise …`, `if torch.isnan(loss): break`: what asks for these guards against the rare.
_RARELY_TRUE = {"any", "isnan", "isinf"}


# Integers that are counted or looked up, hardly ever a size: `correct += (prediction == y).sum().item()`.
_COUNTS = {"sum", "argmax", "count_nonzero", "eq"}


def _scalar(run: FakeRun, func: Any, args: Any, kwargs: Any) -> Any:
    tensor = args[0]
    if tensor.numel() == 1 and tensor.constant is not None:
        return func(*args, **kwargs)
    name = func.__name__
    if tensor.numel() != 1:  # torch refuses this for real, too
        with fake_tensor.unset_fake_temporarily():
            return func(torch.zeros(tuple(tensor.shape), dtype=tensor.dtype), *args[1:], **kwargs)
    if name == "__bool__" or tensor.dtype == torch.bool:
        answer = run.recorder.maker_op(tensor) not in _RARELY_TRUE
        run.recorder.guessed_values = True
        run.recorder.assume(f"a tensor decides a branch here; it was taken as {str(answer).lower()}")
        return answer
    run.recorder.guessed_values = True
    value: Any = ASSUMED_VALUE if tensor.is_floating_point() else 0
    if name in ("__int__", "__index__"):
        value = 0
    if value == 0 and (name in ("__int__", "__index__") or run.recorder.maker_op(tensor) not in _COUNTS):
        run.recorder.guessed_sizes = True
    run.recorder.assume(f"a tensor's value is asked for here; it was taken as {value}")
    return value


def _values(run: FakeRun, func: Any, args: Any, kwargs: Any) -> Any:
    tensor = args[0]
    if tensor.constant is not None:
        return func(*args, **kwargs)
    run.recorder.assume("a tensor's values are asked for here; they were taken as zeros")
    with fake_tensor.unset_fake_temporarily():
        return func(torch.zeros(tuple(tensor.shape), dtype=tensor.dtype), *args[1:], **kwargs)


_TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")


def _transposed(run: FakeRun, func: Any, args: Any, kwargs: Any) -> Any:
    """Fakes take any output padding. The CPU's own word on it comes from a call for one sample of one channel with the same settings."""
    given = dict(zip(_TRANSPOSED, args, strict=False)) | kwargs
    result = func(*args, **kwargs)
    if given.get("output_padding") not in (None, 0):
        settings = {name: given[name] for name in ("stride", "output_padding", "dilation") if name in given}
        count = given["weight"].dim() - 2
        with fake_tensor.unset_fake_temporarily():
            func(torch.zeros(1, 1, *[2] * count), torch.zeros(1, 1, *[1] * count), **settings)
    return result


_ANSWERS: dict[str, Callable[[FakeRun, Any, Any, Any], Any]] = {
    "item": _scalar, "__bool__": _scalar, "__float__": _scalar, "__int__": _scalar, "__index__": _scalar,
    "tolist": _values, "numpy": _values, "__array__": _values, "__repr__": lambda run, func, args, kwargs: object.__repr__(args[0]),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "__format__": lambda run, func, args, kwargs: str(ASSUMED_VALUE),
}  # fmt: skip


@contextmanager
def _quiet_logger() -> Iterator[None]:
    """A failing fake op logs a traceback at error level; users see the report instead."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def _lazy_parameters_stay_real() -> Iterator[None]:
    """A lazy parameter changes its class when it learns its shape, which a fake one cannot; calls take real tensors as well."""
    mixin = UninitializedTensorMixin
    kinds = (UninitializedParameter, UninitializedBuffer)
    made = {kind: kind.__dict__["__new__"] for kind in kinds}
    materialize = mixin.materialize

    def outside(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with fake_tensor.unset_fake_temporarily():
                return function(*args, **kwargs)

        return call

    for kind in kinds:
        kind.__new__ = staticmethod(outside(kind.__new__))  # type: ignore[method-assign]
    mixin.materialize = outside(materialize)
    try:
        yield
    finally:
        for kind in kinds:
            kind.__new__ = made[kind]  # type: ignore[method-assign]
        mixin.materialize = materialize


@contextmanager
def _one_mode_for_copies() -> Iterator[None]:
    """`copy.deepcopy` of a module (nn.TransformerEncoder does it) must not copy the mode along with the tensors."""
    FakeTensorMode.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del FakeTensorMode.__deepcopy__  # type: ignore[attr-defined]
