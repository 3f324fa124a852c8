"""A model called with inputs of chosen sizes: on fake tensors, without memory and arithmetic; for real where fakes cannot do it."""

from __future__ import annotations

import copy
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn.parameter import is_lazy

from shapewright.observe import surroundings
from shapewright.observe.as_found import as_found
from shapewright.observe.fakes import _one_mode_for_copies, _quiet_logger
from shapewright.observe.live import uncompiled, unwrapped
from shapewright.shapes import UNNAMED, Spec, described, shape_of
from shapewright.source import Sources


@dataclass(frozen=True, slots=True)
class Ran:
    """One call: what came, or the exception that ended it."""

    sizes: Mapping[str, int]
    output: Any = None
    error: BaseException | None = None
    real: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """Where an exception left the model: the user's line, and the innermost module that was being called ("" when unknown)."""

    file: str = ""
    line: int = 0
    function: str = ""
    text: str = ""
    module: str = ""


class Caller:
    """Calls one model with inputs as they are written, in as many sizes as wanted. The model stays bit for bit as it was found."""

    def __init__(self, model: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> None:
        """Raises TypeError when `model` is no model, or cannot be called with such arguments."""
        if isinstance(model, type):
            raise TypeError(f"assert_shapes needs a model, not the class `{model.__name__}`: make one, like `{model.__name__}(…)`")
        if not callable(model):
            raise TypeError(f"assert_shapes needs a model or a function, not {type(model).__name__}")
        model, _ = unwrapped(model)
        named = isinstance(model, nn.Module) or not hasattr(model, "__qualname__")
        self.name = type(model).__name__ if named else str(model.__qualname__)
        self.model, self.args, self.kwargs = model, args, kwargs
        self._check_arguments()
        self.modules = _modules_of(model)
        tensors = [tensor for module in self.modules for tensor in _tensors(module)]
        self.dtype, self.device = _likes(tensors)
        self.fake_mode = next((tensor.fake_mode for tensor in tensors if isinstance(tensor, FakeTensor)), None)
        self.has_values = self.fake_mode is None and not any(tensor.is_meta for tensor in tensors)
        self.integers = False

    def _check_arguments(self) -> None:
        """A hook before the call may change the arguments, and is left to do so."""
        if isinstance(self.model, nn.Module) and self.model._forward_pre_hooks:
            return
        called = self.model.forward if isinstance(self.model, nn.Module) else self.model
        try:
            signature = inspect.signature(called)
        except (TypeError, ValueError):  # written in C, or scripted
            return
        try:
            signature.bind(*self.args, **self.kwargs)
        except TypeError as error:
            names = ", ".join(map(str, signature.parameters.values()))
            what = f"{self.name}.forward" if isinstance(self.model, nn.Module) else self.name
            raise TypeError(f"`{what}({names})` cannot be called with this `input`: {error}") from None

    def with_dtype(self, spec: Spec, dtype: str) -> Caller:
        """The same caller with another dtype for one input."""

        def other(part: Any) -> Any:
            if part is spec:
                return replace(spec, dtype=dtype)
            return type(part)(other(one) for one in part) if type(part) in (tuple, list) else part

        made = copy.copy(self)
        made.args, made.kwargs = other(self.args), {name: other(part) for name, part in self.kwargs.items()}
        return made

    @property
    def lazy(self) -> bool:
        return any(is_lazy(tensor) for module in self.modules for tensor in _tensors(module))

    @property
    def fakeable(self) -> bool:
        return not self.lazy and not any(isinstance(module, torch.jit.ScriptModule) for module in self.modules)

    @property
    def training(self) -> bool:
        return any(module.training for module in self.modules)

    @contextmanager
    def built(self, sizes: Mapping[str, int]) -> Iterator[None]:
        """While open, lazy layers have the sizes that inputs of these sizes give them; afterwards they are lazy again."""
        if not self.lazy:
            yield
            return
        with as_found(self.model):
            with surroundings.as_found():
                self._attempt(sizes, 1)  # what it raises, the next call raises as well, and there it is told
            yield

    # runs

    def run(self, sizes: Mapping[str, int], *, real: bool = False) -> Ran:
        """One call with these sizes. An exception on fakes is only believed when the real call raises as well."""
        if self.fakeable and not real:
            ran = self._fake(sizes)
            if ran.error is None or not self.has_values:
                return ran
        first = self._real(sizes, 1)
        if first.error is not None and self.integers:  # 1 is beyond the end of some tables, and 0 is no length
            second = self._real(sizes, 0)
            return second if second.error is None else first
        return first

    def _fake(self, sizes: Mapping[str, int]) -> Ran:
        with ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())  # the first fakes of a process import sympy, which adds a filter
            mode = self.fake_mode or FakeTensorMode(allow_non_fake_inputs=True)
            # First the fakes: `as_found` copies values, and fakes have none.
            stack.enter_context(self._made_fake(mode))
            stack.enter_context(as_found(self.model))
            stack.enter_context(_quiet_logger())
            stack.enter_context(_one_mode_for_copies())
            stack.enter_context(uncompiled())
            try:
                with mode:
                    args, kwargs = self._filled(sizes, lambda shape, dtype: torch.empty(shape, dtype=dtype, device=self.device))
                    return Ran(sizes, self.model(*args, **kwargs))
            except (Exception, SystemExit) as error:
                return Ran(sizes, error=error)

    @contextmanager
    def _made_fake(self, mode: FakeTensorMode) -> Iterator[None]:
        """Fakes in the place of parameters and buffers; one for each, however many share it."""
        made: dict[int, torch.Tensor] = {}
        before: list[tuple[dict[str, Any], str, torch.Tensor]] = []
        try:
            for module in self.modules:
                tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
                for table in tables:
                    for name, tensor in table.items():
                        if tensor is None or isinstance(tensor, FakeTensor):
                            continue
                        if id(tensor) not in made:
                            made[id(tensor)] = _fake_of(tensor, mode)
                        before.append((table, name, tensor))
                        table[name] = made[id(tensor)]
            yield
        finally:
            for table, name, tensor in before:
                table[name] = tensor

    def _real(self, sizes: Mapping[str, int], integer: int) -> Ran:
        with as_found(self.model), uncompiled():
            return self._attempt(sizes, integer)

    def _attempt(self, sizes: Mapping[str, int], integer: int) -> Ran:
        generator = torch.Generator().manual_seed(0)

        def make(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
            if dtype.is_floating_point or dtype.is_complex:
                # Between 0 and 1: a probability, a pixel, a duration; values below 0 are fewer models' business.
                return torch.rand(shape, generator=generator).to(self.device, dtype)
            self.integers = True
            return torch.full(shape, integer if dtype != torch.bool else 1, dtype=dtype, device=self.device)

        try:
            args, kwargs = self._filled(sizes, make)
        except (RuntimeError, MemoryError):
            asked = ", ".join(f"{name} = {size}" for name, size in sizes.items() if not name.startswith(UNNAMED))
            raise ValueError(f"there is not the memory for an input{' of ' + asked if asked else ' of these sizes'}") from None
        try:
            return Ran(sizes, self.model(*args, **kwargs), real=True)
        except (Exception, SystemExit) as error:
            return Ran(sizes, error=error, real=True)

    def _filled(self, sizes: Mapping[str, int], make: Callable[[tuple[int, ...], torch.dtype], torch.Tensor]) -> tuple[Any, Any]:
        def fill(part: Any) -> Any:
            if isinstance(part, Spec):
                dtype = getattr(torch, part.dtype) if part.dtype else self.dtype
                return make(shape_of(part, sizes), dtype)
            if isinstance(part, torch.Tensor):
                return part.detach().clone()  # a tensor of the user's own: the model may write into its input
            if type(part) in (tuple, list):
                return type(part)(fill(one) for one in part)
            return part

        return [fill(part) for part in self.args], {name: fill(part) for name, part in self.kwargs.items()}

    def shape(self, spec: Spec, sizes: Mapping[str, int]) -> str:
        """The input as it was: `f32[2, 3, 64, 96]`."""
        return described(shape_of(spec, sizes), spec.dtype or str(self.dtype).removeprefix("torch."))

    # exceptions

    def where(self, error: BaseException) -> Where:
        """The innermost of the user's lines that the exception went through, and of the modules."""
        sources = Sources(_roots(self.modules))
        names = {id(part): name for name, part in self.model.named_modules()} if isinstance(self.model, nn.Module) else {}
        found = Where()
        module = ""
        trace = error.__traceback__
        while trace is not None:
            frame, code = trace.tb_frame, trace.tb_frame.f_code
            own = frame.f_locals.get("self")
            if isinstance(own, nn.Module):
                name = names.get(id(own), "")
                module = f"{name} ({type(own).__name__})" if name else type(own).__name__
            if sources.is_user(code.co_filename):
                lines = sources.lines(code.co_filename)
                text = lines[trace.tb_lineno - 1].strip() if 0 < trace.tb_lineno <= len(lines) else ""
                found = Where(code.co_filename, trace.tb_lineno, code.co_qualname, text)
            trace = trace.tb_next
        return Where(found.file, found.line, found.function, found.text, module)


def _tensors(module: nn.Module) -> Iterator[torch.Tensor]:
    if isinstance(module, torch.jit.ScriptModule):
        yield from module.parameters(recurse=False)
        yield from module.buffers(recurse=False)
        return
    for held in (module._parameters, module._buffers):
        yield from (tensor for tensor in held.values() if tensor is not None)


def _likes(tensors: Iterable[torch.Tensor]) -> tuple[torch.dtype, torch.device]:
    """The dtype and device that inputs should have: those of the first weights."""
    for tensor in tensors:
        if tensor.is_floating_point():
            return tensor.dtype, torch.device("cpu") if tensor.is_meta else tensor.device
    return torch.get_default_dtype(), torch.get_default_device()


def _fake_of(tensor: torch.Tensor, mode: FakeTensorMode) -> torch.Tensor:
    if not tensor.is_meta:
        return mode.from_tensor(tensor)
    with mode:  # a model on meta is judged as it would be on the CPU
        made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
        return nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made


def _modules_of(model: Callable[..., Any]) -> list[nn.Module]:
    """The modules that a call may reach: for a function or a method those that it is bound to, closes over or names."""
    if isinstance(model, nn.Module):
        return list(model.modules())
    with as_found(model) as kept:
        return [one for one in kept.seen.values() if isinstance(one, nn.Module)]


def _roots(modules: Iterable[nn.Module]) -> list[str]:
    """The working directory, and the folders of the files that define the modules' classes."""
    files = {getattr(sys.modules.get(type(module).__module__), "__file__", None) for module in modules}
    return [os.getcwd(), *(str(Path(file).parent) for file in files if file)]
