"""A normalisation, or a convolution, that looks for its features in a dim where they are not: the dims are moved for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapewright.model import Span
from shapewright.reason.cures.layout import operands
from shapewright.reason.cures.numbers import set_size
from shapewright.reason.problem import Candidate, Problem, other_side
from shapewright.reason.rules import say

_LAST = ("layer_norm", "rms_norm")
_SECOND = ("batch_norm", "instance_norm", "group_norm", "batchnorm1d", "batchnorm2d", "instancenorm1d", "instancenorm2d")
_CHANNELS = {"conv1d": 3, "conv_transpose1d": 3, "conv2d": 4, "conv_transpose2d": 4}  # with the rank that has a batch


def propose(problem: Problem) -> Iterator[Candidate]:
    """The features moved to where the layer looks for them, and back behind a norm. The layer's own number was not the fault then."""
    found = _misplaced(problem)
    if found is None:
        return
    order, back = found
    span, given = problem.event.span, _operand(problem)
    code = problem.code(span)
    if code is not None and span is not None and given is not None and problem.event.op not in _CHANNELS:
        edits = (*code.append(given, moved(order)), *code.append(span, moved(back)))
        yield Candidate("swap", f"move the features of `{_called(problem, given)}` for the norm, and back", edits, 1)
    trap = "lets a length stand for the features: right for this length only"
    for size in (problem.clash.want, problem.clash.got):
        other = other_side(problem.clash, size) if size is not None else None
        if size is not None and other is not None and other.value is not None:
            for candidate in set_size(problem, size, other.value):
                yield replace(candidate, evidence=candidate.evidence + 1, trap=trap)


def _misplaced(problem: Problem) -> tuple[Sequence[int], Sequence[int]] | None:
    """How to order the dims for the layer, and how to undo it; None unless exactly one other dim has the layer's features."""
    event, want, got = problem.event, problem.clash.want, problem.clash.got
    tensor = next(event.tensors(), None)
    if want is None or got is None or want.value is None or got.tensor is None or tensor is None or tensor.rank not in (3, 4, 5):
        return None
    if _CHANNELS.get(event.op, tensor.rank) != tensor.rank:
        return None
    looked = tensor.rank - 1 if event.op in _LAST else 1 if event.op in (*_SECOND, *_CHANNELS) else None
    if looked is None or want.value < 2 or (want.setting == "normalized_shape" and got.dim not in (-1, tensor.rank - 1)):
        return None
    module = problem.module
    shape = module.settings.get("normalized_shape") if module is not None else None
    if isinstance(shape, tuple) and len(shape) > 1:
        return None
    places = [dim for dim in range(1, tensor.rank) if tensor.shape[dim] == want.value]
    if len(places) != 1 or places[0] not in (1, tensor.rank - 1) or places[0] == looked:
        return None
    order = [dim for dim in range(tensor.rank) if dim != places[0]]
    order.insert(looked, places[0])
    return order, [order.index(dim) for dim in range(tensor.rank)]


def moved(order: Sequence[int]) -> str:
    """The call that orders the dims so: `.transpose(1, 2)` for three of them, else `.permute(0, 2, 3, 1)`."""
    return ".transpose(1, 2)" if list(order) == [0, 2, 1] else f".permute({', '.join(map(str, order))})"


def _operand(problem: Problem) -> Span | None:
    return next((span for _, span in operands(problem)), None)


def _called(problem: Problem, span: Span) -> str:
    text = problem.text(span)
    return text if len(text) <= say.LONGEST_NAME and "\n" not in text else "the input"
