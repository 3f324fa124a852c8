"""Live objects left as found: what a model holds is kept before a call and put back after it, also when the call fails.

Kept are, for each module: its class, its attributes (parameters, buffers, hooks, modes and counters are among them), the containers and
plain objects in these, and all tensors with their gradients. Nothing is written where nothing has changed.
"""

from __future__ import annotations

import functools
import random
import sys
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes

from shapewright.observe import surroundings
from shapewright.observe.kept_tensors import has_values, put_back_later

_DEEPEST = 4  # containers and plain objects within one another, below a module
_LONG = 1000  # of a container with more entries only the tensors and modules in it are looked into
_PLAIN = (int, float, complex, str, bytes, bool, type(None), type, ModuleType, BuiltinFunctionType, torch.dtype, torch.device, torch.Size)
_LIBRARIES = frozenset(sys.stdlib_module_names) | {"builtins", "numpy"}
_INSIDES = ("torch._C", "torch.fx", "torch.jit", "torch._dynamo", "torch._subclasses")


class Kept:
    """What must be put back; `undo` does it, each part also when another one fails."""

    def __init__(self) -> None:
        self.undo = ExitStack()
        self.seen: dict[int, Any] = {}  # by id, kept alive so that an id stays its own

    def keep(self, value: Any, depth: int = 0) -> None:
        """Keep the state of the value, and of what it holds."""
        if isinstance(value, _PLAIN) or id(value) in self.seen:
            return
        if isinstance(value, torch.Tensor):
            self.seen[id(value)] = value
            self._tensor(value)
        elif isinstance(value, nn.Module):
            self.seen[id(value)] = value
            self._module(value)
        elif depth > _DEEPEST:
            return
        else:
            self.seen[id(value)] = value
            self._other(value, depth)

    # kinds of values

    def _tensor(self, tensor: torch.Tensor) -> None:
        grad = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
        if grad is not None:
            self.keep(grad)

        def grad_back() -> None:
            if (tensor.is_leaf or tensor.retains_grad) and tensor.grad is not grad:
                with torch._C.DisableTorchFunction():
                    tensor.grad = grad

        self.undo.callback(grad_back)  # undone after the tensor itself, whose shape and dtype the gradient must have
        self.undo.callback(put_back_later(tensor))
        if vars(tensor) and has_values(tensor):  # those of a fake tensor are its own insides
            self._mapping(vars(tensor), 1)

    def _module(self, module: nn.Module) -> None:
        kind = type(module)

        def class_back() -> None:
            if type(module) is not kind:
                module.__class__ = kind

        self.undo.callback(class_back)
        self._mapping(module.__dict__, 0)
        if isinstance(module, torch.jit.ScriptModule):  # its tensors are not in its attributes
            self._items([*module.parameters(), *module.buffers()], 0)
        for base in kind.__mro__:
            if id(base) not in self.seen and not _is_library(base):
                self.seen[id(base)] = base
                self._class(base)

    def _class(self, kind: type) -> None:
        before = dict(vars(kind))

        def put_back() -> None:
            now = dict(vars(kind))
            for name in now.keys() - before.keys():
                delattr(kind, name)
            for name, value in before.items():
                if now.get(name, kind) is not value:
                    setattr(kind, name, value)

        self.undo.callback(put_back)
        for name, value in before.items():
            if not name.startswith("__") and isinstance(value, dict | list | set | deque | torch.Tensor):
                self.keep(value, 1)

    def _other(self, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            self._mapping(value, depth)
        elif isinstance(value, list | deque | bytearray):
            self._sequence(value)
            self._items(value, depth)
        elif isinstance(value, set):
            self._set(value)
        elif isinstance(value, tuple | frozenset):
            self._items(value, depth)
        elif isinstance(value, functools.partial):
            self._items((value.func, value.args, value.keywords), depth)
        elif isinstance(value, MethodType):
            self._items((value.__self__, value.__func__), depth)
        elif isinstance(value, FunctionType):
            self._function(value, depth)
        elif isinstance(value, torch.Generator):
            self.undo.callback(value.set_state, value.get_state())
        elif isinstance(value, random.Random):
            self.undo.callback(value.setstate, value.getstate())
        elif type(value).__module__.partition(".")[0] == "numpy":
            self._numpy(value)
        elif not _is_library(type(value)):
            if isinstance(getattr(value, "__dict__", None), dict):
                self._mapping(vars(value), depth)
            self._slots(value, depth)

    def _items(self, values: Any, depth: int) -> None:
        for item in list(values):
            if len(values) <= _LONG or isinstance(item, torch.Tensor | nn.Module):
                self.keep(item, depth + 1)

    def _mapping(self, mapping: dict[Any, Any], depth: int) -> None:
        kind: Any = OrderedDict if isinstance(mapping, OrderedDict) else dict  # a subclass may do other things besides
        before = list(kind.items(mapping))

        def put_back() -> None:
            now = list(kind.items(mapping))
            if len(now) != len(before) or any(a is not c or b is not d for (a, b), (c, d) in zip(now, before, strict=True)):
                kind.clear(mapping)
                for name, value in before:
                    kind.__setitem__(mapping, name, value)

        self.undo.callback(put_back)
        self._items([item for _, item in before], depth)

    def _sequence(self, sequence: Any) -> None:
        before = list(sequence)

        def put_back() -> None:
            if len(sequence) != len(before) or any(a is not b for a, b in zip(sequence, before, strict=True)):
                sequence.clear()
                sequence.extend(before)

        self.undo.callback(put_back)

    def _set(self, values: set[Any]) -> None:
        before = set(values)

        def put_back() -> None:
            if values != before:
                values.clear()
                values.update(before)

        self.undo.callback(put_back)

    def _slots(self, value: Any, depth: int) -> None:
        for base in type(value).__mro__:
            slots = vars(base).get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                with suppress(AttributeError):
                    before = getattr(value, name)
                    self.undo.callback(_slot_back, value, name, before)
                    self.keep(before, depth + 1)

    def _numpy(self, value: Any) -> None:
        import numpy

        if isinstance(value, numpy.ndarray):
            before = value.copy()

            def put_back() -> None:
                if value.shape != before.shape or value.tobytes() != before.tobytes():
                    numpy.copyto(value, before)

            if value.flags.writeable and not value.dtype.hasobject:
                self.undo.callback(put_back)
        elif isinstance(value, numpy.random.Generator):
            self.undo.callback(setattr, value.bit_generator, "state", value.bit_generator.state)
        elif isinstance(value, numpy.random.RandomState):
            self.undo.callback(value.set_state, value.get_state())

    def _function(self, function: FunctionType, depth: int) -> None:
        """A function's own attributes, the variables around it, and the objects that its global names stand for."""
        if _is_library(function):
            return
        if vars(function):
            self._mapping(vars(function), depth)
        for cell in function.__closure__ or ():
            with suppress(ValueError):  # an empty cell
                self.undo.callback(_cell_back, cell, cell.cell_contents)
                self.keep(cell.cell_contents, depth + 1)
        scope = function.__globals__
        for name in _names(function):
            if name in scope:
                self.undo.callback(_global_back, scope, name, scope[name])
                self.keep(scope[name], depth + 1)


def _names(function: FunctionType) -> Iterator[str]:
    """The global names that a function may use, those of the functions and lambdas within it included."""
    todo = [function.__code__]
    while todo:
        code = todo.pop()
        yield from code.co_names
        todo.extend(constant for constant in code.co_consts if isinstance(constant, type(code)))


def _slot_back(value: Any, name: str, before: Any) -> None:
    if getattr(value, name, None) is not before:
        object.__setattr__(value, name, before)


def _cell_back(cell: CellType, before: Any) -> None:
    if cell.cell_contents is not before:
        cell.cell_contents = before


def _global_back(scope: dict[str, Any], name: str, before: Any) -> None:
    if scope.get(name) is not before:
        scope[name] = before


def _is_library(thing: Any) -> bool:
    """Whether a class or function is of Python, or of torch's insides: nothing of a model's state is in such."""
    module = str(getattr(thing, "__module__", "") or "")
    return (
        module.partition(".")[0] in _LIBRARIES
        or module.startswith(_INSIDES)
        or (module.partition(".")[0] == "torch" and isinstance(thing, FunctionType | type))
    )


@contextmanager
def as_found(*values: Any) -> Iterator[Kept]:
    """Whatever happens inside, the values (models, functions, whatever holds some) and the state of torch are afterwards as before.

    A module that is first called inside is kept from then on.
    """
    kept = Kept()
    with surroundings.as_found(), _optimizer_steps_as_found(), kept.undo:
        for value in (*values, *surroundings.containers()):
            kept.keep(value)
        with _met(kept):
            yield kept


@contextmanager
def _met(kept: Kept) -> Iterator[None]:
    original = nn.Module.__dict__["__call__"]

    def __call__(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if id(self) not in kept.seen:
            # What is kept are its own values: not the fakes that a mode would make of their copies.
            with _disable_current_modes() if torch._C._len_torch_dispatch_stack() else nullcontext():
                kept.keep(self)
        return original(self, *args, **kwargs)

    nn.Module.__call__ = __call__  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = original  # type: ignore[method-assign]


@contextmanager
def _optimizer_steps_as_found() -> Iterator[None]:
    """The first optimizer of a class wraps the `step` of the class for good, with whatever listens just then."""
    owner = torch.optim.Optimizer
    hook = owner.__dict__["profile_hook_step"]
    before = {kind: vars(kind).get("step") for kind in kinds_below(owner)}
    try:
        yield
    finally:
        if owner.__dict__["profile_hook_step"] is not hook:
            owner.profile_hook_step = hook  # type: ignore[method-assign]
        for kind, step in before.items():
            if step is not None and vars(kind).get("step") is not step:
                kind.step = step


def kinds_below(kind: Any) -> Iterator[Any]:
    """The class, and all that are derived from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from kinds_below(child)
