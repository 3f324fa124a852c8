"""A row of features that goes into a convolution: the maps that it holds were to be given their height and width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isqrt

from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_CONVOLUTIONS = ("conv2d", "conv_transpose2d")


def propose(problem: Problem) -> Iterator[Candidate]:
    """`x.unflatten(1, (channels, side, side))`, where the features make square maps for the layer's channels."""
    event, module = problem.event, problem.module
    channels = module.number("in_channels") if module is not None else None
    tensor, span = next(problem.operands(), (None, None))
    if event.op not in _CONVOLUTIONS or module is None or channels is None or tensor is None or span is None or tensor.rank != 2:
        return
    side = isqrt(tensor.shape[1] // channels.value) if channels.value else 0
    changed = replace(tensor, shape=(tensor.shape[0], channels.value, side, side))
    code = problem.code(span)
    if code is None or side < 2 or changed.numel != tensor.numel or not problem.would_fit(problem.with_operand(tensor, changed)):
        return
    title = f"make {channels.value} maps of {side}×{side} of the {tensor.shape[1]} features before `{say.module_name(module)}`"
    yield Candidate("maps", title, code.append(span, f".unflatten(1, ({channels.value}, {side}, {side}))"))
