"""The layer itself: its sibling for another number of dims, a size that must divide, a table that is too small."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shapewright.model import Edit, ModuleInfo, Number
from shapewright.reason import solve
from shapewright.reason.cures.numbers import evidence
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_DIVISORS = ("num_heads", "nhead", "groups", "num_groups")


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that change which layer is built, or how."""
    module = problem.module
    if module is None or module.built is None:
        return
    yield from _sibling(problem, module)
    yield from _dividing(problem, module)
    yield from _table(problem, module)


def _sibling(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """`nn.BatchNorm2d` behind a linear layer: `nn.BatchNorm1d` was meant."""
    match = re.fullmatch(r"((?:Batch|Instance)Norm|Dropout|MaxPool|AvgPool)([123])d", module.type)
    tensor = next(problem.event.tensors(), None)
    code = problem.code(module.built)
    if match is None or tensor is None or code is None or module.built is None:
        return
    dims = max(tensor.rank - 2, 1)
    callee = code.callee(module.built)
    if dims > 3 or str(dims) == match[2] or callee is None or code.text_at(callee) != module.type:
        return
    name = f"{match[1]}{dims}d"
    yield Candidate("class", f"build `{say.module_name(module)}` as {name}", code.replace(callee, name) or (Edit(callee, name),))


def _dividing(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """A number of heads or groups that does not divide the features."""
    for setting in _DIVISORS:
        number = module.number(setting)
        total = next((n.value for name in ("embed_dim", "num_channels", "in_channels") if (n := module.number(name)) is not None), None)
        if number is None or number.origin is None or not total or not total % number.value:
            continue
        fitting = [value for value in range(1, total + 1) if total % value == 0]
        for value in sorted(fitting, key=lambda one: abs(one - number.value))[:3]:
            for settings in solve.solutions(number.origin, value):
                title = f"split {total} features into {value} for `{say.module_name(module)}`"
                yield Candidate("constant", title, solve.edits(settings))


def _table(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """An embedding with fewer rows than the indices need."""
    number = module.number("num_embeddings")
    highest = max((tensor.highest for tensor in problem.event.tensors() if tensor.highest is not None), default=None)
    if number is None or highest is None or highest < number.value:
        return
    title = f"give `{say.module_name(module)}` {highest + 1} rows"
    if isinstance(number, Number) and number.origin is not None:
        for settings in solve.solutions(number.origin, highest + 1):
            edits = solve.edits(settings)
            yield Candidate("constant", title, edits, evidence(problem, edits))
    code = problem.code(module.built)
    span = code.argument(module.built, "num_embeddings", 0) if code is not None and module.built is not None else None
    if code is not None and span is not None and any(letter.isalpha() for letter in code.text_at(span)):
        yield Candidate("expression", title, code.append(span, f" + {highest + 1 - number.value}"))
