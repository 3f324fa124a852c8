"""Attention over tokens of another width than its own: `kdim` and `vdim` say how wide keys and values are."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import TensorInfo
from shapewright.reason.cures import parts
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_SURE = 2


def propose(problem: Problem) -> Iterator[Candidate]:
    """Both arguments, by a name that has the value where the layer is built."""
    event, module = problem.event, problem.module
    if problem.clash.slug != "attention-dim" or event.op != "multiheadattention" or module is None or module.built is None:
        return
    tokens = [event.argument(at, name) for at, name in enumerate(("query", "key", "value"))]
    query, key, value = (one if isinstance(one, TensorInfo) and one.rank >= 2 else None for one in tokens)
    width, code = module.number("embed_dim"), problem.code(module.built)
    if query is None or key is None or value is None or width is None or code is None or query.shape[-1] != width.value:
        return
    given = [keyword for keyword, _ in code.arguments(module.built)]
    if "kdim" in given or "vdim" in given or width.value in (key.shape[-1], value.shape[-1]) or code.callee(module.built) is None:
        return
    known = parts.names_at(problem, module)
    edits = code.set_argument(module.built, "kdim", _called(known, key.shape[-1]))
    both = [*edits, *code.set_argument(module.built, "vdim", _called(known, value.shape[-1]))]
    title = f"tell `{say.module_name(module)}` that keys and values have {key.shape[-1]} features"
    if edits and key.shape[-1] == value.shape[-1]:
        yield Candidate("constant", title, tuple(both), _SURE)


def _called(known: parts.Names, value: int) -> str:
    names = known.get(value, [])
    return names[0] if len(names) == 1 else str(value)
