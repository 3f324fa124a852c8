"""The inputs of a live model: shapes become tensors, and the model gets twins, so that nothing it does reaches the user's own."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from shapewright.observe.as_found import Kept
from shapewright.observe.kept_tensors import has_values
from shapewright.observe.load import make_inputs
from shapewright.observe.request import InputSpec, check_shape, parse_input

_BEGUN = re.compile(r"\d|(\w+\s*=\s*)?-\d+\s*[,x×]")
_SHAPE = re.compile(r"\s*[\[(]?\s*\d+(\s*[,x×]\s*\d+)*\s*,?\s*[\])]?\s*(:\s*\w+)?\s*")


def from_shapes(
    model: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], tensors: Sequence[torch.Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs with a tensor for each shape: `(1, 3, 64, 64)`, `[1, 3, 64, 64]`, `"1,3,64,64"`, `"x=2,16:int64"`.

    A tuple, list or text that stands for a parameter with another annotation or default (`size: tuple[int, int]`, `mode="sum"`) stays what
    it is, and so does a list beside tensors or tuples: it holds lengths, or ids.
    `tensors` are the model's own: they say the device and the floating dtype. Raises `ValueError` for what is no shape.
    """
    parameters = _parameters(model)
    values = (*args, *kwargs.values())
    lists = not any(isinstance(value, torch.Tensor | tuple) for value in values)
    like = _like([*tensors, *(value for value in values if isinstance(value, torch.Tensor))])
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for place, value in enumerate(args):
        spec = _spec(value, _at(parameters, place), keyword=False, lists=lists)
        if spec is not None and spec.name:
            named[spec.name] = _made(spec, value, like)
        else:
            positional.append(value if spec is None else _made(spec, value, like))
    for name, value in kwargs.items():
        spec = _spec(value, _named(parameters, name), keyword=True, lists=lists)
        named[name] = value if spec is None else _made(spec, value, like)
    return tuple(positional), named


def _parameters(model: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(model.forward if isinstance(model, nn.Module) else model).parameters.values())
    except (TypeError, ValueError):
        return []


def _at(parameters: Sequence[inspect.Parameter], place: int) -> inspect.Parameter | None:
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.VAR_POSITIONAL)]
    if place < len(positional):
        return positional[place]
    return positional[-1] if positional and positional[-1].kind is inspect.Parameter.VAR_POSITIONAL else None


def _named(parameters: Sequence[inspect.Parameter], name: str) -> inspect.Parameter | None:
    return next((one for one in parameters if one.name == name), None)


def _spec(value: Any, parameter: inspect.Parameter | None, *, keyword: bool, lists: bool) -> InputSpec | None:
    """The shape that the value stands for; None when it is a value of its own."""
    if isinstance(value, torch.Size):
        return InputSpec(tuple(value))
    if isinstance(value, InputSpec):
        return value
    if isinstance(value, tuple | list if lists else tuple) and value and all(type(size) is int for size in value):
        return InputSpec(check_shape(value, repr(value))) if _takes_tensor(parameter) else None
    if isinstance(value, str):
        if _SHAPE.fullmatch(value):
            return parse_input(value) if _takes_tensor(parameter) else None
        if not keyword and _SHAPE.fullmatch(value.partition("=")[2]):
            return parse_input(value)
        if not keyword and _BEGUN.match(value) and _takes_tensor(parameter):
            parse_input(value)  # says what is wrong with it
    return None


def _takes_tensor(parameter: inspect.Parameter | None) -> bool:
    if parameter is None:
        return True
    if parameter.annotation is not parameter.empty:
        kind = str(parameter.annotation)
        return "Tensor" in kind or kind.rpartition(".")[2] in ("Any", "object")
    return parameter.default in (parameter.empty, None) or isinstance(parameter.default, torch.Tensor)


def _like(tensors: Sequence[torch.Tensor]) -> tuple[torch.device, torch.dtype]:
    device = tensors[0].device if tensors else torch.get_default_device()
    return device, next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.get_default_dtype())


def _made(spec: InputSpec, value: Any, like: tuple[torch.device, torch.dtype]) -> torch.Tensor:
    try:
        tensor: torch.Tensor = make_inputs([InputSpec(spec.shape, spec.dtype)])[0][0]
    except (RuntimeError, MemoryError):
        raise ValueError(f"there is not the memory for an input of shape {spec.shape}") from None
    said = isinstance(value, InputSpec) or (isinstance(value, str) and ":" in value)
    return tensor.to(like[0]) if said else tensor.to(*like)


# ------------------------------------------------------------------------------------------------------------------- twins


def twins(args: Sequence[Any], kwargs: Mapping[str, Any], kept: Kept) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same inputs with tensors and containers of their own; what belongs to the model, and other modules, stay what they are.

    What cannot be copied (a generator, an open file) is handed over as it is.
    """
    for value in _modules((tuple(args), dict(kwargs))):
        kept.keep(value)
    memo: dict[int, Any] = dict(kept.seen)

    def twin(value: Any) -> Any:
        try:
            with _Twins(memo):
                return copy.deepcopy(value, memo)
        except Exception:
            kept.keep(value)
            return value

    return tuple(twin(value) for value in args), {name: twin(value) for name, value in kwargs.items()}


def _modules(value: Any) -> Iterator[Any]:
    if isinstance(value, nn.Module):
        yield value
    elif isinstance(value, tuple | list):
        yield from chain.from_iterable(map(_modules, value))
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(_modules, value.values()))


class _Twins(TorchFunctionMode):
    """Answers for `Tensor.__deepcopy__`, which refuses tensors that have a history."""

    def __init__(self, memo: dict[int, Any]) -> None:
        super().__init__()
        self.memo = memo

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") == "__deepcopy__":
            return twin(args[0])
        return func(*args, **(kwargs or {}))


def twin(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor with the same values, strides, flags and class, on memory of its own and without a history.

    One that is no leaf becomes none either: what may be done in place must be allowed for the twin, too.
    """
    with torch.inference_mode(tensor.is_inference()), torch.enable_grad():
        plain = tensor.detach()
        whole = plain.clone() if _is_dense(plain) else torch.as_strided(plain, (_extent(plain),), (1,), plain.storage_offset()).clone()
        if tensor.requires_grad and not tensor.is_inference():
            whole.requires_grad_()
            if not tensor.is_leaf:
                whole = whole.clone()
        made = whole if _is_dense(plain) else torch.as_strided(whole, plain.size(), plain.stride(), 0)
        if tensor.is_leaf and not _is_dense(plain):
            made = made.detach().requires_grad_(tensor.requires_grad)
    if vars(tensor):
        made.__dict__.update(vars(tensor))
    return made


def _is_dense(tensor: torch.Tensor) -> bool:
    """Whether a plain copy has the same strides."""
    if tensor.layout != torch.strided or type(tensor) is not torch.Tensor or not has_values(tensor):
        return True
    return not tensor.numel() or tensor.is_contiguous() or torch.empty_like(tensor, device="meta").stride() == tensor.stride()


def _extent(tensor: torch.Tensor) -> int:
    return 1 + sum((size - 1) * stride for size, stride in zip(tensor.size(), tensor.stride(), strict=True))
