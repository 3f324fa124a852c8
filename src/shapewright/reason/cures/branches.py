"""A residual whose shortcut keeps the size while the other branch strides: the shortcut needs the same stride."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from shapewright.model import Event, Number, Span, TensorInfo
from shapewright.reason import likely
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain, setter

_STRIDE_AT = 3  # of (in_channels, out_channels, kernel_size, stride)


def propose(problem: Problem) -> Iterator[Candidate]:
    """The stride of the one branch, written where the convolution of the other leaves it out."""
    if problem.clash.slug != "broadcast-mismatch":
        return
    maps = [tensor for tensor, _ in problem.operands() if tensor.rank >= 3 and tensor.kind not in ("parameter", "buffer")][:2]
    if len(maps) == 2 and maps[0].rank == maps[1].rank:
        for large, small in (maps, maps[::-1]):
            yield from _stride(problem, large, small)


def _stride(problem: Problem, large: TensorInfo, small: TensorInfo) -> Iterator[Candidate]:
    dim = large.rank - 1
    found = setter(problem.trace, large, dim)
    step = found[0] if found is not None else None
    module = problem.trace.modules[step.module] if step is not None and step.module is not None else None
    if step is None or module is None or module.built is None or not module.type.startswith("Conv") or large.shape[dim] <= small.shape[dim]:
        return
    code = problem.code(module.built)
    number = module.number("stride")
    if code is None or number is None or number.value != 1 or code.argument(module.built, "stride", _STRIDE_AT) is not None:
        return
    for other, span in _striding(problem, small, large.shape[dim]):
        same = other.file == module.built.file and code.enclosing_function(other) == code.enclosing_function(module.built)
        text = code.text_at(span) if same else ""
        if text:
            # stronger than any single number: the one branch has an argument for it that the other ignores
            edits = code.set_argument(module.built, "stride", text)
            yield Candidate("geometry", f"let `{say.module_name(module)}` stride as the other branch does", edits or (), likely.MOST + 1)
            return


def _striding(problem: Problem, small: TensorInfo, size: int) -> Iterator[tuple[Span, Span]]:
    """The call that built the layer which made the maps smaller, and its stride."""
    steps: list[Event] = chain(problem.trace, small)
    for before, step in pairwise(steps):
        module = problem.trace.modules[step.module] if step.module is not None else None
        stride = module.number("stride") if module is not None else None
        code = problem.code(module.built) if module is not None else None
        came = before.output[0] if before.output else None
        if (
            module is None
            or module.built is None
            or code is None
            or came is None
            or came.shape[-1] != size
            or not isinstance(stride, Number)
        ):
            continue
        span = code.argument(module.built, "stride", _STRIDE_AT)
        if stride.value > 1 and span is not None and module.type.startswith("Conv"):
            yield module.built, span
