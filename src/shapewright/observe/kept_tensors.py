"""A tensor before and after a call: what it was is kept, and put back bit for bit where the call has changed it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch.nn.parameter import is_lazy

_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


def has_values(tensor: torch.Tensor) -> bool:
    """Whether there are values that a copy could hold: not those of meta and fake tensors, nor of lazy parameters."""
    return not (is_lazy(tensor) or tensor.is_meta or type(tensor).__name__ == "FakeTensor")


def put_back_later(tensor: torch.Tensor) -> Callable[[], None]:
    """Keep the tensor's memory, values, flags and hooks; gives what puts them back. Its gradient is the caller's affair.

    Nothing is written to a tensor that did not change, so that a graph that was made from it before can still be run backward.
    """
    with torch._C.DisableTorchFunction(), torch.no_grad():
        memory = tensor.data  # another tensor on the same memory: what is written through it does not count as a change of `tensor`
        values = None
        if has_values(tensor):
            with suppress(RuntimeError, NotImplementedError):  # a kind of tensor that cannot be copied
                values = memory.clone()
        was_leaf, needed_grad = tensor.is_leaf, tensor.requires_grad
        kind = type(tensor)
        version = None if tensor.is_inference() else tensor._version
        hooks = {name: _copied(getattr(tensor, name, None)) for name in _HOOKS}

    def put_back() -> None:
        with torch._C.DisableTorchFunction(), torch.no_grad(), torch.inference_mode(tensor.is_inference()):
            if was_leaf and not tensor.is_leaf:  # an in-place operation has made it part of a graph
                tensor.detach_()
            if _moved(tensor, memory):
                tensor.data = memory
            if type(tensor) is not kind:  # a lazy parameter that was given its shape
                tensor.__class__ = kind
            if values is not None and not _same_bits(memory, values):
                with suppress(RuntimeError, NotImplementedError):  # of the sparse and quantized kinds not all can be written to
                    memory.copy_(values)
            if tensor.is_leaf and tensor.requires_grad != needed_grad:
                tensor.requires_grad_(needed_grad)
            if version is not None and tensor._version != version:
                with suppress(AttributeError, TypeError):  # torch has no public way to say that a change was undone
                    torch._C._autograd._unsafe_set_version_counter((tensor,), (version,))
            for name, kept in hooks.items():
                _put_hooks_back(tensor, name, kept)

    return put_back


def _moved(tensor: torch.Tensor, memory: torch.Tensor) -> bool:
    """Whether the tensor now lies elsewhere, or is seen in another way, than before."""
    same = (
        tensor.size() == memory.size()
        and tensor.dtype == memory.dtype
        and tensor.device == memory.device
        and tensor.layout == memory.layout
    )
    if not same or tensor.layout != torch.strided:
        return not same
    if tensor.stride() != memory.stride() or tensor.storage_offset() != memory.storage_offset():
        return True
    try:
        return has_values(tensor) and tensor.data_ptr() != memory.data_ptr()
    except RuntimeError:  # a wrapper around other tensors has no memory of its own
        return False


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """NaN equals NaN here, and 0.0 is not -0.0; kinds of tensors that cannot be read so count as changed."""
    if a.layout != torch.strided or a.is_quantized:
        return False
    if not a.numel():
        return True
    try:
        return torch.equal(a.contiguous().reshape(-1).view(torch.uint8), b.contiguous().reshape(-1).view(torch.uint8))
    except (RuntimeError, NotImplementedError):
        return False


def _copied(hooks: Any) -> Any:
    return (hooks, dict(hooks)) if isinstance(hooks, dict) else hooks


def _put_hooks_back(tensor: torch.Tensor, name: str, kept: Any) -> None:
    now = getattr(tensor, name, None)
    if not isinstance(kept, tuple):
        if now is not kept:
            setattr(tensor, name, kept)
        return
    hooks, before = kept
    if now is not hooks:
        setattr(tensor, name, hooks)
    if list(hooks.items()) != list(before.items()):
        hooks.clear()
        hooks.update(before)
