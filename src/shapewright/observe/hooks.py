"""The places inside torch where the recorder listens, besides its mode; all put back when the run ends."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.autograd.function import BackwardCFunction
from torch.utils.data import TensorDataset

from shapewright.observe import ops
from shapewright.observe.as_found import kinds_below
from shapewright.observe.record import Recorder

# Kept in a module's own namespace, so that a deep copy of the module keeps it.
BUILT = "_shapewright_built"
_DEEPEST_STACK = 4
# Layers whose constructors refuse sizes that do not divide; a program may swallow that, so it is noted where it happens.
_REFUSING = (nn.modules.conv._ConvNd, nn.GroupNorm, nn.MultiheadAttention)


@contextmanager
def listening(recorder: Recorder, *, construction: bool = True) -> Iterator[None]:
    """Let the recorder see module calls, constructions, checkpoints, optimizer steps and what fails where its mode does not look."""
    with ExitStack() as stack:
        _replace(stack, nn.Module, "__call__", lambda original: _call(recorder, original))
        _replace(stack, nn.Module, "load_state_dict", lambda original: _load_state_dict(recorder, original))
        if construction:
            _replace(stack, nn.Module, "__init__", lambda original: _init(recorder, original))
            _replace(stack, nn.Parameter, "__new__", lambda original: staticmethod(_new_parameter(recorder, original)))
            for kind in _REFUSING:
                _replace(stack, kind, "__init__", lambda original: _constructor(recorder, original))
        _replace(stack, TensorDataset, "__init__", lambda original: _tensor_dataset(recorder, original))
        _replace(stack, BackwardCFunction, "apply", lambda original: _own_backward(recorder, original))
        _listen_to_steps(stack, recorder)
        _leave_compiler_out(stack)
        yield


def _replace(stack: ExitStack, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    original = owner.__dict__[name]
    setattr(owner, name, make(getattr(owner, name)))
    stack.callback(setattr, owner, name, original)


def _call(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    def __call__(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return recorder.module_call(original, self, args, kwargs)

    return __call__


def _init(recorder: Recorder, original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.__dict__[BUILT] = _construction(recorder, self, sys._getframe(1))

    return __init__


def _constructor(recorder: Recorder, original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def __init__(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        try:
            original(self, *args, **kwargs)
        except Exception as error:
            made = library_constructor(error)
            if made is not None:
                recorder.failed_constructor(*made, error, recorder.user_frames(sys._getframe(1)))
            raise

    return __init__


def _tensor_dataset(recorder: Recorder, original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def __init__(self: Any, *tensors: Any) -> None:
        try:
            original(self, *tensors)
        except AssertionError as error:
            recorder.failed_call("TensorDataset", recorder.note(tensors), error)
            raise

    return __init__


def _own_backward(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    """The `backward` of the program's own `autograd.Function`: it runs within a recorded call; what fails in it is made to fail again."""

    def apply(self: Any, *args: Any) -> Any:
        try:
            given = original(self, *args)
        except Exception:
            if recorder.paused:
                raise
            with recorder:
                return original(self, *args)
        if (wrong := _wrong_gradient(self, given if isinstance(given, tuple) else (given,))) is not None:
            # torch would raise the same behind our back, where nobody sees the shapes.
            position, gradient, wanted = wrong
            sizes = f"got {list(gradient.shape)} but expected shape compatible with {list(wanted)}"
            error = RuntimeError(f"Function {self.name()} returned an invalid gradient at index {position} - {sizes}")
            recorder.failed_call("own_gradient", recorder.note((gradient, wanted)), error)
            raise error
        return given

    return apply


def _wrong_gradient(node: Any, given: tuple[Any, ...]) -> tuple[int, torch.Tensor, tuple[int, ...]] | None:
    """(position, gradient, shape) of the first gradient that cannot be summed to the shape of what it is the gradient of."""
    needed = [(position, gradient) for position, (gradient, need) in enumerate(zip(given, node.needs_input_grad, strict=False)) if need]
    inputs = [(function, number) for function, number in node.next_functions if function is not None]
    for (position, gradient), (function, number) in zip(needed, inputs, strict=False):
        wanted = tuple(function._input_metadata[number].shape)
        if isinstance(gradient, torch.Tensor) and not _sums_to(tuple(gradient.shape), wanted):
            return position, gradient, wanted
    return None


def _sums_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    behind = shape[len(shape) - len(wanted) :]
    return len(behind) == len(wanted) and all(want in (1, size) for size, want in zip(behind, wanted, strict=True))


def _construction(recorder: Recorder, module: nn.Module, frame: FrameType | None) -> tuple[tuple[Any, int], ...]:
    """The user's calls that stand outside the module's own constructors, the inner first."""
    found: list[tuple[Any, int]] = []
    while frame is not None and len(found) < _DEEPEST_STACK:
        code = frame.f_code
        if recorder.sources.is_user(code.co_filename):
            own = code.co_name == "__init__" and code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is module
            if not own:
                found.append((code, frame.f_lasti))
        frame = frame.f_back
    return tuple(found)


def _new_parameter(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    def __new__(cls: Any, data: Any = None, requires_grad: bool = True) -> Any:
        parameter = original(cls, data, requires_grad)
        if isinstance(data, torch.Tensor):
            made = recorder.maker(data)
            if made is not None:
                recorder.mark(parameter, made)
        return parameter

    return __new__


def _load_state_dict(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    def load_state_dict(self: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder.pause():
            try:
                return original(self, state_dict, *args, **kwargs)
            except RuntimeError as error:
                differing = _checkpoint_difference(self, state_dict)
                own = recorder.note(_own_tensors(self, differing[0]))
                failed = error
        recorder.failed_call("load_state_dict", (*differing, own), failed, self)
        raise failed

    return load_state_dict


def _checkpoint_difference(module: nn.Module, state: Any) -> tuple[Any, ...]:
    """(differing, missing, unexpected) keys of a checkpoint against the model, differing ones with both shapes."""
    own = module.state_dict()
    theirs = {name: value for name, value in dict(state).items() if isinstance(value, torch.Tensor)}
    differing = tuple(
        (name, tuple(theirs[name].shape), tuple(own[name].shape))
        for name in own
        if name in theirs and theirs[name].shape != own[name].shape
    )
    return differing, tuple(name for name in own if name not in theirs), tuple(name for name in theirs if name not in own)


def _own_tensors(module: nn.Module, differing: tuple[Any, ...]) -> tuple[torch.Tensor | None, ...]:
    """For each differing key the model's own parameter or buffer: who made that is known, of its shape it is not."""
    tensors = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}
    return tuple(tensors.get(name) for name, _, _ in differing)


def _listen_to_steps(stack: ExitStack, recorder: Recorder) -> None:
    """An optimizer step is one event; its arithmetic is not the user's. (A step that gets a closure runs the user's model.)"""
    original = torch.optim.Optimizer.profile_hook_step

    def profile_hook_step(function: Callable[..., Any]) -> Callable[..., Any]:
        hooked = original(function)

        def step(self: Any, *args: Any, **kwargs: Any) -> Any:
            if args or kwargs:
                result = hooked(self, *args, **kwargs)
            else:
                with recorder.pause(), _compiler_stays_out():
                    result = hooked(self) if recorder.answer is None else None
                    if recorder.answer is not None:
                        _values_change(self)
            recorder.stepped()
            return result

        step.hooked = hooked.hooked = True  # type: ignore[attr-defined]
        ours[step] = hooked
        return step

    def leave() -> None:
        """The first optimizer of a class has put our step into the class: what torch itself would have put there takes its place."""
        torch.optim.Optimizer.profile_hook_step = staticmethod(original)  # type: ignore[method-assign]
        for kind in kinds_below(torch.optim.Optimizer):
            if (step := vars(kind).get("step")) in ours:
                kind.step = ours[step]

    ours: dict[Any, Callable[..., Any]] = {}
    torch.optim.Optimizer.profile_hook_step = staticmethod(profile_hook_step)  # type: ignore[method-assign,assignment]
    stack.callback(leave)


def _values_change(optimizer: torch.optim.Optimizer) -> None:
    """Fakes are not stepped; those whose values are known (`nn.Parameter(torch.ones(8))`) lose them, as a step would change them."""
    for group in optimizer.param_groups:
        for one in group["params"]:
            if getattr(one, "constant", None) is not None:
                one.constant = None


def _leave_compiler_out(stack: ExitStack) -> None:
    """The first optimizer of a process imports torch's compiler, for a second or more, only to tell it to stay away.

    torch looks for the answer in `__dynamo_disable` first (torch/_compile.py); give it the plain function. Where the compiler is
    there already torch writes the answer itself; it goes with ours, so that an observed run leaves the class as it was.
    """
    loaded = "torch._dynamo" in sys.modules
    for value in vars(torch.optim.Optimizer).values():
        function = getattr(value, "__wrapped__", None)
        if function is not None and getattr(value, "__code__", None) is not None and value.__code__.co_name == "inner":
            if "__dynamo_disable" in function.__dict__:
                continue
            if not loaded:
                function.__dict__["__dynamo_disable"] = function
            stack.callback(function.__dict__.pop, "__dynamo_disable", None)


@contextmanager
def _compiler_stays_out() -> Iterator[None]:
    """Each optimizer step imports the compiler only to call `graph_break`, which does nothing outside of it (torch/optim/optimizer.py)."""
    if "torch._dynamo" in sys.modules:
        yield
        return
    stand_in = ModuleType("torch._dynamo")
    stand_in.graph_break = lambda *args, **kwargs: None  # type: ignore[attr-defined]
    sys.modules["torch._dynamo"] = stand_in
    torch.__dict__["_dynamo"] = stand_in
    try:
        yield
    finally:
        if sys.modules.get("torch._dynamo") is stand_in:
            del sys.modules["torch._dynamo"]
        if torch.__dict__.get("_dynamo") is stand_in:
            del torch.__dict__["_dynamo"]


def library_constructor(error: BaseException) -> tuple[nn.Module, dict[str, Any]] | None:
    """The torch module whose constructor raised, with the arguments it was given; None when it was anything else."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame if traceback is not None else None
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__init__" and code.co_argcount > 0:
            module = frame.f_locals.get(code.co_varnames[0])
            if isinstance(module, nn.Module) and ops.is_torch_module(module):
                names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
                return module, {name: frame.f_locals[name] for name in names if name in frame.f_locals}
        if not code.co_filename.replace("\\", "/").split("/torch/")[-1].startswith("nn/"):
            return None
        frame = frame.f_back
    return None
