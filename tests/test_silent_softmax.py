"""How weights are followed behind a softmax: which of their dims a product sums over."""

from __future__ import annotations

import pytest

from shapewright.model import Event, Number, Span, TensorInfo, Trace, Value
from shapewright.reason.silent import softmax_dim, weights

COLON = "slice(None, None, None)"


def made(index: int, op: str, args: tuple[Value, ...], *shape: int, **words: Value) -> Event:
    return Event(index, op, args, words, (TensorInfo(shape, source=index),), Span("m.py", index + 1, 1, index + 1, 30))


def behind(shape: tuple[int, ...], *steps: tuple[str, tuple[Value, ...], tuple[int, ...]]) -> weights.Uses:
    """What is found behind a softmax, each step working on the one before; `...` stands for its operand."""
    events = [made(0, "softmax", (TensorInfo(shape),), *shape, dim=Number(1))]
    for index, (op, args, out) in enumerate(steps, 1):
        given = tuple(events[-1].output[0] if arg == "before" else arg for arg in args)
        events.append(made(index, op, given, *out))
    trace = Trace(events=tuple(events))
    return weights.uses(trace, weights.users(trace), events[0])


def values(*shape: int) -> TensorInfo:
    return TensorInfo(shape)


@pytest.mark.parametrize(
    "shape, steps, summed",
    [
        ((2, 5, 5), [("bmm", ("before", values(2, 5, 7)), (2, 5, 7))], [2]),
        ((2, 5, 5), [("bmm", (values(2, 7, 5), "before"), (2, 7, 5))], [1]),
        ((2, 5, 5), [("transpose", ("before", Number(1), Number(2)), (2, 5, 5)), ("bmm", ("before", values(2, 5, 7)), (2, 5, 7))], [1]),
        ((2, 4, 5, 5), [("view", ("before", Number(8), Number(5), Number(5)), (8, 5, 5)),
                        ("bmm", ("before", values(8, 5, 3)), (8, 5, 3))], [3]),
        ((2, 1, 1), [("view", ("before", Number(2), Number(1), Number(1)), (2, 1, 1)),
                     ("bmm", ("before", values(2, 1, 3)), (2, 1, 3))], [2]),
        ((2, 4, 5, 6), [("einsum", ("...qk,...kd->...qd", "before", values(2, 4, 6, 3)), (2, 4, 5, 3))], [3]),
        ((2, 5, 6), [("einsum", ("bij,bjd->bid", "before", values(2, 6, 3)), (2, 5, 3))], [2]),
        ((2, 5), [("getitem", ("before", ("Ellipsis", None)), (2, 5, 1)), ("mul", ("before", values(2, 5, 3)), (2, 5, 3)),
                  ("sum", ("before", Number(1)), (2, 3))], [1]),
        # behind a product, a mean over the queries says nothing of the weights; neither does one over all
        ((2, 5, 5), [("bmm", ("before", values(2, 5, 7)), (2, 5, 7)), ("mean", ("before", Number(1)), (2, 7))], [2]),
        ((2, 5), [("mul", ("before", values(2, 5)), (2, 5)), ("mean", ("before",), ())], []),
        # stretched over the values, the dim of size 1 is no longer that of the weights
        ((2, 5, 1), [("mul", ("before", values(2, 5, 3)), (2, 5, 3)), ("sum", ("before", Number(2)), (2, 5))], []),
        ((2, 5), [("sum", ("before", Number(1)), (2,))], []),
        ((2, 5, 5), [("getitem", ("before", (COLON, Number(0))), (2, 5)), ("mv", ("before", values(5)), (2,))], [2]),
    ],
)  # fmt: skip
def test_a_product_sums_over_one_dim_of_the_weights(
    shape: tuple[int, ...], steps: list[tuple[str, tuple[Value, ...], tuple[int, ...]]], summed: list[int]
) -> None:
    assert behind(shape, *steps).summed() == summed


def test_weights_that_are_divided_by_their_own_sum_are_their_own_affair() -> None:
    softmax = made(0, "softmax", (values(2, 4, 9),), 2, 4, 9, dim=Number(1))
    total = made(1, "sum", (softmax.output[0], Number(2)), 2, 4, 1, keepdim=True)
    divided = made(2, "div", (softmax.output[0], total.output[0]), 2, 4, 9)
    used = made(3, "bmm", (divided.output[0], values(2, 9, 3)), 2, 4, 3)
    trace = Trace(events=(softmax, total, divided, used))
    found = weights.uses(trace, weights.users(trace), softmax)
    assert found.own and found.summed() == []


@pytest.mark.parametrize("text, found", [("F.softmax(x, 1)", True), ("encoder(x)     ", False)])
def test_only_what_the_user_wrote_is_judged(text: str, found: bool) -> None:
    event = Event(0, "softmax", (values(4, 3), Number(1)), {}, (values(4, 3),), Span("m.py", 1, 1, 1, len(text) + 1))
    asked = softmax_dim.asked_of(Trace(events=(event,), sources={"m.py": text}), event)
    assert (asked is not None) == found
    assert asked is None or (asked.dim, asked.size) == (1, 3)


@pytest.mark.parametrize("shape, dim", [((4, 3), 1), ((4, 3, 2), 0), ((4, 3, 2, 2), 1)])
def test_a_softmax_without_a_dim_takes_the_first_of_three(shape: tuple[int, ...], dim: int) -> None:
    event = Event(0, "softmax", (values(*shape),), {"dim": None}, (values(*shape),), Span("m.py", 1, 1, 1, 11))
    asked = softmax_dim.asked_of(Trace(events=(event,), sources={"m.py": "softmax(x)"}), event)
    assert asked is not None and asked.dim == dim
