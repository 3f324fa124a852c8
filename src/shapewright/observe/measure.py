"""What only the live operands of a failed call can tell: memory order, the values of indexes, and whether dtypes alone stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass(slots=True)
class Measured:
    """By position among the tensor operands, in order."""

    dtype_only: bool = False
    contiguous: dict[int, bool] = field(default_factory=dict)
    bounds: dict[int, tuple[int, int]] = field(default_factory=dict)  # lowest and highest value


def measure(func: Any, args: Any, kwargs: Any) -> Measured:
    """Measure a call that has just failed; calls it again with other dtypes."""
    found = Measured()
    operands = list(tensors_in((args, kwargs)))
    for position, tensor in enumerate(operands):
        try:
            found.contiguous[position] = tensor.is_contiguous()
            if not tensor.is_floating_point() and not tensor.is_complex() and 0 < tensor.numel() <= 10_000_000 and not _is_fake(tensor):
                found.bounds[position] = (int(tensor.min()), int(tensor.max()))
        except Exception:
            continue
    found.dtype_only = len(operands) > 0 and any(_runs(func, args, kwargs, cast) for cast in _casts(operands))
    return found


def _is_fake(tensor: torch.Tensor) -> bool:
    return type(tensor).__name__ == "FakeTensor" or tensor.is_meta


def _casts(operands: list[torch.Tensor]) -> list[Callable[[torch.Tensor], torch.Tensor]]:
    """Ways to make the operands' dtypes agree that are worth a try; none when they agree already."""
    if len({tensor.dtype for tensor in operands}) == 1 and operands[0].dtype == torch.float32:
        return []
    last = operands[-1]
    return [
        lambda t: t.float(),
        lambda t: t.float() if t.is_floating_point() else t.long(),
        lambda t: t.long() if t is last else t.float() if t.is_floating_point() else t,
        lambda t: t.float() if t is operands[0] else t,
    ]


def _runs(func: Any, args: Any, kwargs: Any, cast: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    def convert(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return cast(value.detach())
        if isinstance(value, tuple | list):
            return type(value)(convert(item) for item in value) if type(value) in (tuple, list) else value
        return value

    try:
        with torch.no_grad():
            func(*[convert(arg) for arg in args], **{name: convert(arg) for name, arg in kwargs.items()})
    except Exception:
        return False
    return True


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors of an argument, also those in containers."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
