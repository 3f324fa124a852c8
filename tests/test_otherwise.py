"""Which failures are no matter of sizes: each beside its neighbour, whose sizes are in the wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from shapewright.observe.escaped import escaped
from shapewright.observe.live import LiveSources
from shapewright.observe.otherwise import no_matter_of_sizes


def raised(program: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:
        program()
    return caught.value


def fits(program: Callable[[], Any]) -> bool:
    sources = LiveSources([__file__.rpartition("/")[0]])
    found = escaped(raised(program), sources)
    assert found is not None
    return no_matter_of_sizes(found, sources)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return torch.cat([gradient, gradient])


def double_into_a_layer(width: int) -> None:
    net = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
    net(torch.zeros(2, width, dtype=torch.float64))


def whole_numbers_into_a_layer(width: int) -> None:
    nn.Linear(8, 4)(torch.zeros(2, width, dtype=torch.int64))


def double_into_a_convolution(channels: int) -> None:
    nn.Conv2d(8, 4, 3)(torch.zeros(2, channels, 8, 8, dtype=torch.float64))


def another_device(width: int) -> None:
    x = torch.zeros(2, width, device="meta" if width == 8 else "cpu")
    nn.Linear(8, 4)(x)


def two_dtypes(width: int) -> None:
    a, b = torch.zeros(2, width), torch.zeros(8, 4, dtype=torch.float64)
    a @ b


def a_leaf_in_place(size: int) -> None:
    w, step = torch.zeros(8, requires_grad=True), torch.zeros(size)
    w += step


def a_leaf_in_place_by_name(size: int) -> None:
    w, step = torch.zeros(8, requires_grad=True), torch.zeros(size)
    w.add_(step)


def modified_in_place(size: int) -> None:
    h = torch.sigmoid(nn.Linear(8, 8)(torch.zeros(2, 8)))
    h += 1 if size == 8 else torch.zeros(size)
    h.sum().backward()


def backward_twice(size: int) -> None:
    loss = nn.Linear(8, 1)(torch.zeros(2, 8)).pow(2)
    loss = loss.sum() if size == 8 else loss
    loss.backward()
    loss.backward()


def a_parameter_of_another_size(size: int) -> None:
    net = nn.Linear(8, 8)
    loss = net(torch.zeros(2, 8, requires_grad=True)).pow(2).sum()
    net.weight.data = torch.zeros(8, size)
    loss.backward()
    loss.backward()


PROGRAMS = [
    double_into_a_layer, whole_numbers_into_a_layer, double_into_a_convolution, another_device, two_dtypes, a_leaf_in_place,
    a_leaf_in_place_by_name, modified_in_place, backward_twice, a_parameter_of_another_size,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("size", [8, 9])
def test_only_what_fits_is_no_matter_of_sizes(program: Callable[[int], None], size: int) -> None:
    assert fits(lambda: program(size)) == (size == 8)


def test_a_gradient_of_the_users_own_may_have_any_size() -> None:
    assert not fits(lambda: Doubled.apply(torch.zeros(3, requires_grad=True)).sum().backward())  # type: ignore[no-untyped-call]


def test_lengths_of_a_packed_sequence_lie_where_they_lie() -> None:
    def program() -> None:
        packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(3, 5, 2, device="meta"), torch.tensor([5, 3, 2]), batch_first=True)
        nn.LSTM(4, 4, device="meta")(packed)

    assert not fits(program)
