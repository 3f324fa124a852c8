"""What calls cost: against numbers worked out by hand, and against torch's own counter of floating-point operations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from shapewright.model import Event, Failure, ModuleInfo, TensorInfo, Trace
from shapewright.reason.cost import costs, multiply_adds
from show_samples import tensor


def call(op: str, *args: object, output: tuple[int, ...], **more: object) -> Event:
    return Event(0, op, tuple(map(_seen, args)), output=(TensorInfo(output),), **more)


def _seen(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return tensor(*value.shape)
    return tuple(map(_seen, value)) if isinstance(value, list) else value


def z(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


# Torch counts two operations for each multiply-add.
CALLS = {
    "linear": (F.linear, z(5, 7, 12), z(30, 12), z(30)),
    "conv1d": (F.conv1d, z(2, 6, 20), z(9, 6, 3), z(9)),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1, groups=3), z(2, 6, 9, 8), z(12, 2, 3, 5), z(12)),
    "conv3d": (F.conv3d, z(2, 3, 5, 6, 7), z(4, 3, 2, 3, 1)),
    "conv_transpose1d": (F.conv_transpose1d, z(2, 6, 10), z(6, 4, 3)),
    "conv_transpose2d": (lambda x, w: F.conv_transpose2d(x, w, stride=2, groups=2), z(2, 6, 5, 4), z(6, 4, 3, 2)),
    "matmul": (torch.matmul, z(4, 1, 5, 6), z(3, 6, 7)),
    "mm": (torch.mm, z(5, 6), z(6, 7)),
    "bmm": (torch.bmm, z(3, 5, 6), z(3, 6, 7)),
    "addmm": (torch.addmm, z(7), z(5, 6), z(6, 7)),
    "baddbmm": (torch.baddbmm, z(7), z(3, 5, 6), z(3, 6, 7)),
    "scaled_dot_product_attention": (F.scaled_dot_product_attention, z(2, 3, 5, 8), z(2, 3, 9, 8), z(2, 3, 9, 4)),
}


@pytest.mark.parametrize("op", CALLS)
def test_as_many_as_torch_counts(op):
    function, *args = CALLS[op]
    with FlopCounterMode(display=False) as counter:
        output = function(*args)
    counted = multiply_adds(call(op, *args, output=tuple(output.shape)))
    assert counted > 0
    assert counter.get_total_flops() == 2 * counted


@pytest.mark.parametrize(
    "equation, shapes",
    [
        ("bij,bjk->bik", ((2, 3, 4), (2, 4, 5))),
        ("nhld, nhsd -> nhls", ((2, 3, 4, 5), (2, 3, 6, 5))),
        ("ij,jk", ((3, 4), (4, 5))),
        ("...ij,...jk->...ik", ((2, 7, 3, 4), (7, 4, 5))),
        ("...d,kd->...k", ((2, 7, 4), (5, 4))),
    ],
)
def test_einsum_of_two_operands(equation, shapes):
    args = [torch.zeros(shape) for shape in shapes]
    with FlopCounterMode(display=False) as counter:
        output = torch.einsum(equation, *args)
    for given in (args, [args]):
        assert 2 * multiply_adds(call("einsum", equation, *given, output=tuple(output.shape))) == counter.get_total_flops()


def test_einsum_sums_before_what_only_one_operand_has():
    assert multiply_adds(call("einsum", "ij,kl->kl", z(3, 4), z(5, 6), output=(5, 6))) == 30
    assert multiply_adds(call("einsum", "ij,jk,kl->il", z(3, 4), z(4, 5), z(5, 6), output=(3, 6))) == 0
    assert multiply_adds(call("einsum", "ij->ji", z(3, 4), output=(4, 3))) == 0


def module(type: str, made: torch.nn.Module, **settings: object) -> ModuleInfo:
    shapes = {name: tuple(parameter.shape) for name, parameter in made.named_parameters(recurse=False)}
    return ModuleInfo(0, "layer", type, settings=settings, parameters=shapes)


def test_recurrent_layers():
    lstm = module("LSTM", torch.nn.LSTM(10, 20, num_layers=2, bidirectional=True))
    steps = 5 * 3
    first, second = 4 * 20 * (10 + 20), 4 * 20 * (2 * 20 + 20)
    assert multiply_adds(call("lstm", z(5, 3, 10), output=(5, 3, 40)), lstm) == steps * 2 * (first + second)
    projected = module("LSTM", torch.nn.LSTM(10, 20, proj_size=6))
    assert multiply_adds(call("lstm", z(5, 10), output=(5, 6)), projected) == 5 * (4 * 20 * (10 + 6) + 6 * 20)
    gru = module("GRU", torch.nn.GRU(10, 20))
    assert multiply_adds(call("gru", z(5, 3, 10), output=(5, 3, 20)), gru) == steps * 3 * 20 * (10 + 20)
    cell = module("RNNCell", torch.nn.RNNCell(10, 20))
    assert multiply_adds(call("rnncell", z(3, 10), output=(3, 20)), cell) == 3 * 20 * (10 + 20)


@pytest.mark.parametrize("batch_first", [True, False])
def test_attention_layers(batch_first):
    layer = torch.nn.MultiheadAttention(8, 2, kdim=5, vdim=6, batch_first=batch_first)
    query, key, value = z(3, 4, 8), z(3, 7, 5), z(3, 7, 6)
    if not batch_first:
        query, key, value = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)
    with FlopCounterMode(display=False) as counter:
        layer(query, key, value, need_weights=True)  # the fused kernel for the CPU is none that torch counts
    counted = multiply_adds(
        call("multiheadattention", query, key, value, output=tuple(query.shape)), module("M", layer, batch_first=batch_first)
    )
    assert 2 * counted == counter.get_total_flops()


def test_what_costs_nothing():
    assert multiply_adds(call("relu", z(3, 4), output=(3, 4))) == 0
    assert multiply_adds(call("linear", z(3, 4), z(5, 6), output=(3, 5), failure=Failure("RuntimeError", ""))) == 0
    assert multiply_adds(call("linear", output=(3, 5))) == 0
    assert multiply_adds(call("gru", z(3, 5, 0), output=(3, 5, 4)), module("GRU", torch.nn.GRU(1, 4))) == 0
    assert costs(Trace(events=(call("mm", z(2, 3), z(3, 4), output=(2, 4)), call("relu", z(2, 4), output=(2, 4))))) == (24, 0)
