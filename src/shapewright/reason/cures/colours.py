"""Pictures with another number of channels than a ready-made net takes: a grey one is given three times, a fourth channel is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import ModuleInfo
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_COLOURS = 3


def propose(problem: Problem) -> Iterator[Candidate]:
    """`model(x.expand(-1, 3, -1, -1))` and `model(x[:, :3])`, where the program does not say itself how many channels the net takes."""
    event, module = problem.event, problem.module
    tensor = next(event.tensors(), None)
    channels = module.number("in_channels") if module is not None else None
    if event.op != "conv2d" or module is None or channels is None or tensor is None or event.span is None:
        return
    if channels.value != _COLOURS or tensor.rank != 4 or tensor.shape[1] not in (1, 4) or _is_written(problem, module):
        return
    code = problem.code(event.span)
    given = code.arguments(event.span) if code is not None else ()
    if (
        code is None
        or not given
        or not problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=(tensor.shape[0], _COLOURS, *tensor.shape[2:]))))
    ):
        return
    text = code.text_at(given[0][1])
    called = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the pictures"
    if tensor.shape[1] == 1:
        yield Candidate("colours", f"repeat the grey channel of {called} three times", code.append(given[0][1], ".expand(-1, 3, -1, -1)"))
    else:
        yield Candidate("colours", f"leave out the fourth channel of {called}", code.append(given[0][1], "[:, :3]"))


def _is_written(problem: Problem, module: ModuleInfo) -> bool:
    """Whether the source has the layer's own constructor call, so that its number can be changed."""
    return module.built is not None and module.type in problem.text(module.built).partition("(")[0]
