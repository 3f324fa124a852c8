"""A row of features that goes into a convolution: the maps that it holds were to be given their height and width.

Features that are as many as the layer's channels are maps of one place each: the noise of a generator, the pooled channels of a gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isqrt

from shapewright.model import Event, Span, TensorInfo
from shapewright.reason.cures import layout
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import FACTORIES

_CONVOLUTIONS = ("conv2d", "conv_transpose2d")


def propose(problem: Problem) -> Iterator[Candidate]:
    """`x.unflatten(1, (channels, side, side))`, where the features make square maps for the layer's channels."""
    event, module = problem.event, problem.module
    channels = module.number("in_channels") if module is not None else None
    tensor, span = next(layout.operands(problem), (None, None))
    if event.op not in _CONVOLUTIONS or module is None or channels is None or tensor is None or span is None or tensor.rank != 2:
        return
    if tensor.shape[1] == channels.value:
        yield from _of_one_place(problem, tensor, span)
        return
    side = isqrt(tensor.shape[1] // channels.value) if channels.value else 0
    changed = replace(tensor, shape=(tensor.shape[0], channels.value, side, side))
    code = problem.code(span)
    if code is None or side < 2 or changed.numel != tensor.numel or not problem.would_fit(problem.with_operand(tensor, changed)):
        return
    title = f"make {channels.value} maps of {side}×{side} of the {tensor.shape[1]} features before `{say.module_name(module)}`"
    yield Candidate("maps", title, code.append(span, f".unflatten(1, ({channels.value}, {side}, {side}))"))


def _of_one_place(problem: Problem, tensor: TensorInfo, span: Span) -> Iterator[Candidate]:
    """`torch.randn(n, latent, 1, 1)`, and `z[:, :, None, None]` where the layer gets it."""
    module = problem.module
    if module is None or not problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=(*tensor.shape, 1, 1)))):
        return
    name = say.module_name(module)
    made_by: Event | None = problem.trace.events[tensor.source] if tensor.source is not None else None
    made = problem.code(made_by.span) if made_by is not None else None
    if made_by is not None and made_by.span is not None and made is not None and made_by.op in FACTORIES:
        sizes = made.arguments(made_by.span)
        if len(sizes) >= 2 and [keyword for keyword, _ in sizes[:2]] == [None, None] and not isinstance(made_by.args[0], tuple):
            edits = made.insert_element(sizes[1][1], "1, 1", after=True)
            yield Candidate("maps", f"make maps of 1×1 for `{name}` from the start", edits, 1)
    code = problem.code(span)
    if code is not None:
        yield Candidate("maps", f"make a map of 1×1 of each feature before `{name}`", code.append(span, "[:, :, None, None]"))
