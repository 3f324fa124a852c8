"""What a torch function is called, and what the recorder has to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class Op:
    """A torch function by its plain name: `add` for `torch.add`, `Tensor.add_`, `a + b` and `a += b`."""

    name: str
    call: Literal["function", "method", "operator", "module"] = "function"
    inplace: bool = False
    skip: bool = False  # asks something of a tensor and makes none
    training: bool = False
    moves: bool = False  # may name a device
    factory: bool = False  # makes a tensor from sizes alone


GAP = Op("not-recorded", skip=True)
STEP = Op("step", "method", training=True)

# Questions about a tensor; they never fail because of a shape, and there are many of them.
_QUESTIONS = {
    "size", "dim", "numel", "nelement", "ndimension", "stride", "storage_offset", "is_floating_point", "is_complex", "is_contiguous",
    "get_device", "element_size", "data_ptr", "storage", "untyped_storage", "is_same_size", "is_signed", "is_shared", "has_names",
    "register_hook", "retain_grad", "requires_grad_", "__len__", "__repr__", "__format__", "__hash__", "__str__", "__get__", "__set__",
    "__delete__", "is_inference", "is_conj", "is_neg", "is_tensor", "get_default_dtype", "set_default_dtype", "result_type",
    "can_cast", "is_nonzero_static", "_is_view", "is_storage", "_has_compatible_shallow_copy_type", "__array__", "__array_wrap__",
    "__dir__", "__deepcopy__", "__reduce_ex__", "__setstate__", "__cuda_array_interface__", "__dlpack__", "__dlpack_device__",
    "_typed_storage", "numpy", "tolist", "share_memory_", "is_pinned", "__contains__", "_backward_hooks", "is_set_to",
}  # fmt: skip
# Attributes that give another tensor.
_ATTRIBUTES = {"T": "t", "mT": "mT", "H": "t", "mH": "mT", "data": "data", "real": "real", "imag": "imag"}
_FACTORIES = {"empty", "zeros", "ones", "full", "rand", "randn", "randint", "tensor", "arange", "empty_like", "zeros_like", "ones_like"}
_TRAINING = {"backward"}
_MOVES = {"to", "cuda", "xpu", "mps", "hpu", "type", "pin_memory", "ipu", "_to"}

_SAME = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add", "__sub__": "sub", "__rsub__": "sub", "__isub__": "sub", "rsub": "sub",
    "subtract": "sub", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul", "multiply": "mul", "__truediv__": "div", "divide": "div",
    "__rtruediv__": "div", "__itruediv__": "div", "__div__": "div", "__rdiv__": "div", "__idiv__": "div", "true_divide": "div",
    "__pow__": "pow", "__rpow__": "pow", "__ipow__": "pow", "__matmul__": "matmul", "__rmatmul__": "matmul", "__imatmul__": "matmul",
    "__getitem__": "getitem", "__setitem__": "setitem", "concat": "cat", "concatenate": "cat", "__floordiv__": "floor_divide",
    "__rfloordiv__": "floor_divide", "__ifloordiv__": "floor_divide", "__mod__": "remainder", "__and__": "bitwise_and",
    "__or__": "bitwise_or", "__xor__": "bitwise_xor", "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt",
    "__ge__": "ge", "__neg__": "neg", "__invert__": "bitwise_not", "__bool__": "bool", "__float__": "item", "__int__": "item",
    "__index__": "item", "greater": "gt", "less": "lt", "greater_equal": "ge", "less_equal": "le", "not_equal": "ne",
    "nll_loss_nd": "nll_loss", "nll_loss2d": "nll_loss", "cross_entropy_loss": "cross_entropy", "swapaxes": "transpose",
    "swapdims": "transpose", "moveaxis": "movedim", "row_stack": "vstack", "moves": "movedim", "absolute": "abs",
}  # fmt: skip

known: dict[Any, Op] = {}


def describe(func: Any) -> Op:
    """The op of a torch function; remembered."""
    op = known[func] = _describe(func)
    return op


def _describe(func: Any) -> Op:
    name = getattr(func, "__name__", "") or type(func).__name__
    owner = getattr(func, "__objclass__", None) or getattr(func, "__self__", None)
    attribute = getattr(getattr(func, "__self__", None), "__name__", "")
    if name == "__get__" and attribute in _ATTRIBUTES:
        return Op(_ATTRIBUTES[attribute], "method")
    if name == "__get__" and attribute == "shape":
        return Op("shape", skip=True)
    if name in _QUESTIONS or getattr(func, "__module__", "") == "torch.nn.init":
        return Op(name, skip=True)
    operator = name.startswith("__") and name.endswith("__")
    call: Literal["function", "method", "operator"] = "operator" if operator else "function"
    if isinstance(owner, type) and issubclass(owner, torch._C.TensorBase) and not operator:
        call = "method"
    # operators arrive under the method's name: `a += b` as iadd, `a + b` as add
    inplace = (name.endswith("_") and not operator) or name in ("__setitem__",) or name.startswith("__i")
    plain = _SAME.get(name) or _plain(name)
    return Op(plain, call, inplace, False, plain in _TRAINING, plain in _MOVES, plain in _FACTORIES)


def _plain(name: str) -> str:
    plain = name.strip("_").removesuffix("_with_indices")
    return _SAME.get(plain, plain)


_modules: dict[type, Op] = {}


def of_module(module: nn.Module) -> Op:
    """The op of a library module whose call is the event."""
    kind = type(module)
    if kind not in _modules:
        base = next((base for base in kind.__mro__ if base.__module__.startswith("torch.nn")), kind)
        _modules[kind] = Op(base.__name__.lower(), "module")
    return _modules[kind]


def named(name: str) -> Op:
    """An op that is no torch function, such as `load_state_dict`."""
    return Op(name, "module")


def is_torch_module(module: nn.Module) -> bool:
    """Whether the class itself is torch's, not a user's subclass."""
    return type(module).__module__.startswith("torch.")
