"""What a call was given, as text that crosses to another process: tensors by their sizes, everything else as it is.

Integers and booleans keep their values where they are few, since lengths, masks and tokens decide about sizes; floating-point values
never do, and are made anew. The text is a pickle that this program writes and reads itself; it is never taken from anywhere else.
"""

from __future__ import annotations

import base64
import io
import pickle
from typing import Any

import torch
from torch import nn

MOST_VALUES = 1 << 16
MOST_BYTES = 4 << 20


class _Packer(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return _described(value)
        if isinstance(value, nn.Module | torch.Generator):
            raise pickle.PicklingError("a module is no plain value")
        if isinstance(value, torch.device):
            return ("device",)
        return None


class _Unpacker(pickle.Unpickler):
    def persistent_load(self, described: Any) -> Any:
        return torch.device("cpu") if described == ("device",) else _made(*described)


def pack(value: Any) -> str | None:
    """The value as text, None when something in it cannot be taken along."""
    target = io.BytesIO()
    try:
        _Packer(target, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    except Exception:
        return None
    return base64.b64encode(target.getvalue()).decode() if target.tell() <= MOST_BYTES else None


def unpack(text: str) -> Any:
    """The value again, with tensors of the same sizes and dtypes. Raises what unpickling raises when a class is not here."""
    return _Unpacker(io.BytesIO(base64.b64decode(text))).load()


def _described(tensor: torch.Tensor) -> tuple[Any, ...]:
    shape = tuple(int(size) for size in tensor.shape)
    values, lowest, highest = None, None, None
    if not tensor.is_floating_point() and not tensor.is_complex() and tensor.numel():
        try:
            here = tensor.detach().cpu()
            if here.numel() <= MOST_VALUES:
                values = here.reshape(-1).tolist()
            elif here.dtype != torch.bool:
                lowest, highest = int(here.min()), int(here.max())
        except RuntimeError:  # the device has gone, or the tensor has no values
            pass
    return shape, str(tensor.dtype).removeprefix("torch."), bool(tensor.requires_grad), values, lowest, highest


def _made(
    shape: tuple[int, ...], dtype: str, requires_grad: bool, values: list[int] | None, lowest: int | None, highest: int | None
) -> torch.Tensor:
    kind: torch.dtype = getattr(torch, dtype)
    if kind.is_floating_point or kind.is_complex:
        made = torch.randn(shape).to(kind) if shape or kind.is_complex else torch.ones(shape, dtype=kind)
        return made.requires_grad_(requires_grad)
    if values is not None:
        return torch.tensor(values, dtype=kind).reshape(shape)
    made = torch.full(shape, lowest or 0, dtype=kind)
    if highest is not None and made.numel():
        made.view(-1)[0] = highest
    return made
