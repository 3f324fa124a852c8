"""A call of torch that failed for another reason than sizes: told from its operands, before anything is run again.

Said only where the sizes of all operands are known to fit: an error of the backward pass, whose sizes follow from those of the forward
pass; operands on several devices; a layer or an operator that has several dtypes to work with, and whose sizes alone go through.
"""

from __future__ import annotations

import ast
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map_only

from shapewright.observe.calls import tensors_of
from shapewright.observe.escaped import Escaped, arguments, called_modules, expression, frames_of, value_of
from shapewright.source import Sources

_ENGINE = os.path.join("torch", "autograd", "graph.py")
_MOST_NODES = 100_000
_BY_ELEMENT = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_IN_PLACE = ("add_", "sub_", "mul_", "div_", "copy_")
# Layers that work with no whole numbers at all, neither as indices nor as classes.
_FRACTIONS = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)


def no_matter_of_sizes(found: Escaped, sources: Sources) -> bool:
    """Whether the sizes of the failed call fit. False also where that is not known."""
    try:
        frames = list(frames_of(found.error.__traceback__))
        return _in_backward(frames[-1][0]) or _in_layer(frames, found) or _in_expression(found, frames, sources)
    except Exception:
        return False


def _in_backward(frame: Any) -> bool:
    """Whether torch's own backward pass failed, on the sizes that its forward pass had."""
    code = frame.f_code
    if code.co_name != "_engine_run_backward" or not code.co_filename.endswith(_ENGINE):
        return False
    ahead = [output.grad_fn for output in frame.f_locals["t_outputs"] if output.grad_fn is not None]
    seen = set(ahead)
    while ahead:
        node: Any = ahead.pop()
        if len(seen) > _MOST_NODES or isinstance(node, torch.autograd.function.BackwardCFunction):
            return False  # the user's own function may give gradients of any size
        if hasattr(node, "variable") and list(node._input_metadata[0].shape) != list(node.variable.shape):
            return False  # a parameter has another size than it had forward
        for further, _ in node.next_functions:
            if further is not None and further not in seen:
                seen.add(further)
                ahead.append(further)
    return True


def _in_layer(frames: Sequence[Any], found: Escaped) -> bool:
    """Whether the innermost layer, one of torch's, met several devices, or dtypes without which its sizes go through."""
    layers = [(frame, module) for frame, _, _ in frames for module in called_modules(frame)]
    if not layers or not type(layers[-1][1]).__module__.startswith("torch.nn.modules") or layers[-1][1]._forward_pre_hooks:
        return False
    frame, module = layers[-1]
    if found.frame in [one for one, _, _ in frames[[one for one, _, _ in frames].index(frame) :]]:
        return False  # the user's own code stands below it
    args, kwargs = arguments(frame)
    if any(isinstance(one, nn.utils.rnn.PackedSequence) for one in args):
        return False
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    operands = [*own.values(), *tensors_of((args, kwargs))]
    if _several_devices(operands):
        return True
    whole = isinstance(module, _FRACTIONS)
    if len({one.dtype for one in operands} if whole else _float_dtypes(operands)) < 2:
        return False
    state = {name: _sized(tensor) for name, tensor in own.items()}
    given, named = tree_map_only(torch.Tensor, functools.partial(_sized, whole=whole), (tuple(args), dict(kwargs)))
    return _goes(lambda: torch.func.functional_call(module, state, given, named))


def _in_expression(found: Escaped, frames: Sequence[Any], sources: Sources) -> bool:
    """The same of an operator, or of a change in place, in the user's own line."""
    lasti = next(lasti for frame, lasti, _ in frames if frame is found.frame)
    tree = expression(found.frame, lasti, sources)
    if isinstance(tree, ast.Call):
        parts = [*tree.args, *(word.value for word in tree.keywords)]
        operands = [one for part in parts for one in value_of(part, found.frame)]
        if isinstance(tree.func, ast.Attribute):
            owner = value_of(tree.func.value, found.frame)
            if tree.func.attr in _IN_PLACE and len(tree.args) == 1 and len(operands) == 1 and len(owner) == 1:
                return _changes(owner[0], operands[0])
            operands += owner
        return found.frame is frames[-1][0] and _several_devices(operands)
    if isinstance(tree, ast.Tuple) and len(tree.elts) == 2:  # `a += b`
        left, right = ([*_known(part, found.frame)] for part in tree.elts)
        return len(left) == len(right) == 1 and isinstance(tree.elts[0], ast.Name | ast.Attribute) and _changes(left[0], right[0])
    if not isinstance(tree, ast.BinOp):
        return False
    left, right = ([*_known(part, found.frame)] for part in (tree.left, tree.right))
    if len(left) != 1 or len(right) != 1:
        return False
    a, b = left[0], right[0]
    if isinstance(tree.op, ast.MatMult) and isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return (_several_devices([a, b]) or a.dtype != b.dtype) and _goes(lambda: _sized(a) @ _sized(b))
    return isinstance(tree.op, _BY_ELEMENT) and _goes(lambda: torch.broadcast_shapes(_shape(a), _shape(b)))


def _changes(target: Any, value: Any) -> bool:
    """Whether the value has a size that can be put into the target in place."""
    return isinstance(target, torch.Tensor) and torch.broadcast_shapes(target.shape, _shape(value)) == target.shape


def _known(part: ast.expr, frame: Any) -> Iterator[Any]:
    if isinstance(part, ast.Constant):
        yield part.value
    else:
        yield from value_of(part, frame)


def _shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, int | float | complex):
        return ()
    raise TypeError


def _several_devices(values: Sequence[Any]) -> bool:
    """A number in a tensor without dims may lie elsewhere."""
    return len({value.device for value in values if isinstance(value, torch.Tensor) and value.dim()}) > 1


def _float_dtypes(tensors: Sequence[torch.Tensor]) -> set[torch.dtype]:
    return {tensor.dtype for tensor in tensors if tensor.is_floating_point()}


def _sized(tensor: torch.Tensor, *, whole: bool = False) -> torch.Tensor:
    """A tensor of the same size, without values, and of one dtype for all that are no whole numbers; with `whole` for these, too."""
    dtype = torch.float32 if tensor.is_floating_point() or whole else tensor.dtype
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=dtype, device="meta")


def _goes(call: Callable[[], Any]) -> bool:
    try:
        with torch.no_grad():
            call()
    except Exception:
        return False
    return True
