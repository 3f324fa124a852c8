"""How two dims are followed over several calls: what an index, a join or a sum leaves of them."""

from __future__ import annotations

import pytest

from shapewright.model import Event, Number, TensorInfo, Trace, Value
from shapewright.reason.silent import carry
from shapewright.reason.silent.carry import Pair

STEPS, BATCH = 7, 4
OUT = TensorInfo((STEPS, BATCH, 16), source=0)
LSTM = Event(0, "lstm", (TensorInfo((STEPS, BATCH, 6)),), output=(OUT,))
ALL = "slice(None, None, None)"


def vector(size: int) -> TensorInfo:
    return TensorInfo((size,), "int64")


@pytest.mark.parametrize(
    ("index", "shape", "left"),
    [
        (Number(-1), (BATCH, 16), Pair(None, 0)),
        ((ALL, Number(-1)), (STEPS, 16), Pair(0, None)),
        ((ALL, "slice(0, 2, None)"), (STEPS, 2, 16), Pair(0, 1)),
        (("Ellipsis", Number(0)), (STEPS, BATCH), Pair(0, 1)),
        ((ALL, None, ALL), (STEPS, 1, BATCH, 16), Pair(0, 2)),
        ((vector(BATCH), vector(BATCH)), (BATCH, 16), Pair(None, 0)),
        ((vector(STEPS), vector(STEPS)), (STEPS, 16), Pair(0, None)),
    ],
)
def test_an_index_takes_a_dim_away_or_leaves_it(index: Value, shape: tuple[int, ...], left: Pair) -> None:
    taken = Event(1, "getitem", (OUT, index), output=(TensorInfo(shape, source=1),))
    assert carry.forward([taken], LSTM, OUT, Pair(0, 1)) == {1: left}


def test_a_sum_over_a_dim_ends_it_and_a_later_layer_keeps_the_other() -> None:
    summed = Event(1, "sum", (OUT, Number(1)), output=(TensorInfo((STEPS, 16), source=1),))
    layer = Event(2, "linear", (summed.output[0],), output=(TensorInfo((STEPS, 3), source=2),))
    assert carry.forward([summed, layer], LSTM, OUT, Pair(0, 1)) == {1: Pair(0, None), 2: Pair(0, None)}


def test_all_parts_of_a_join_are_looked_at() -> None:
    samples = Event(0, "stack", ((TensorInfo((9, 8)), TensorInfo((9, 8))), Number(0)), output=(TensorInfo((2, 9, 8), source=0),))
    token = Event(1, "expand", (TensorInfo((1, 1, 8)), Number(2), Number(-1), Number(-1)), output=(TensorInfo((2, 1, 8), source=1),))
    parts = (token.output[0], samples.output[0])
    joined = Event(2, "cat", (parts, Number(1)), output=(TensorInfo((2, 10, 8), source=2),))
    trace = Trace(events=(samples, token, joined))
    reached = [(carry.maker(trace, tensor), dim) for tensor, dim in carry.sources(trace, joined.output[0], 0)]
    assert (samples, 0) in reached
    assert carry.collated(samples) == 0
    assert all(made is not samples for made, _ in [(carry.maker(trace, t), d) for t, d in carry.sources(trace, joined.output[0], 1)])


@pytest.mark.parametrize(("batch_first", "dim"), [(True, 0), (False, 1)])
def test_padding_lays_the_samples_along_the_dim_that_it_is_told(batch_first: bool, dim: int) -> None:
    padded = Event(0, "pad_sequence", ((vector(3), vector(5)), batch_first, 0.0), output=(TensorInfo((5, 2)),))
    assert carry.collated(padded) == dim
