"""What a part of a tensor takes that is written to: the rule objects just when torch does, over many indexes and values."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from shapewright.model import Event, Number, TensorInfo, Value
from shapewright.reason.rules import slots
from shapewright.reason.scene import Scene

SIZES = (1, 2, 3, 5)


def info(tensor: torch.Tensor) -> TensorInfo:
    return TensorInfo(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))


def noted(part: object) -> Value:
    """A part of an index as the recorder notes it."""
    if isinstance(part, torch.Tensor):
        return info(part)
    if isinstance(part, slice):
        return str(part)
    if part is Ellipsis:
        return "Ellipsis"
    return Number(part) if isinstance(part, int) else None


def index_for(chance: random.Random, shape: tuple[int, ...]) -> tuple[Any, ...]:
    parts: list[object] = []
    for size in shape[: chance.randint(1, len(shape))]:
        kind = chance.randint(0, 5)
        if kind == 0:
            parts.append(chance.randrange(size))
        elif kind == 1:
            parts.append(torch.randint(0, size, chance.choice([(), (2,), (3,), (2, 1)])))
        elif kind == 2:
            parts.append(slice(chance.choice([None, 0, 1]), chance.choice([None, size, -1]), chance.choice([None, 2])))
        else:
            parts.append(slice(None))
        if chance.random() < 0.1:
            parts.append(None)
    if len([part for part in parts if part is not None]) < len(shape) and chance.random() < 0.2:
        parts.insert(chance.randint(0, len(parts)), Ellipsis)
    return tuple(parts)


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_torch(seed: int) -> None:
    chance = random.Random(seed)
    torch.manual_seed(seed)
    told = 0
    for _ in range(250):
        shape = tuple(chance.choice(SIZES) for _ in range(chance.randint(1, 4)))
        x, index = torch.zeros(shape), index_for(chance, shape)
        try:
            part = x[index]
        except (IndexError, RuntimeError):
            continue
        sizes = list(part.shape)
        if sizes and chance.random() < 0.6:
            sizes[chance.randrange(len(sizes))] = chance.choice(SIZES)
        if chance.random() < 0.2:
            sizes = sizes[1:] if chance.random() < 0.5 else [chance.choice((1, 2)), *sizes]
        value = torch.ones(sizes)
        event = Event(0, "setitem", (info(x), tuple(map(noted, index)), info(value)), inplace=True)
        clash = slots.demand(Scene(event, None))
        try:
            x[index] = value
            fits = True
        except (IndexError, RuntimeError):
            fits = False
        assert (clash is None) == fits, (shape, index, sizes, part.shape)
        told += clash is not None
    assert told > 10


def test_a_mask_takes_one_value_for_each_true() -> None:
    x, mask = TensorInfo((6, 4)), TensorInfo((6,), "bool")
    found = slots.part(x, mask)
    assert found is not None
    assert [slot.size for slot in found] == [None, 4]
    assert slots.differing((5, 4), found) == []
    assert slots.differing((5, 4), found, masked=True) == [-2]
    assert slots.differing((5, 3), found) == [-1]
