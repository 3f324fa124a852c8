"""A layer whose two widths stand in each other's place: `nn.Linear(128, 8192)` that is given 8192 features."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_PAIRS = {"in_features": "out_features", "in_channels": "out_channels", "input_size": "hidden_size", "num_embeddings": "embedding_dim"}
_EVIDENCE = 4  # that the layer gives just what it gets is no chance: where the rest runs as well, nothing else is as likely


def propose(problem: Problem) -> Iterator[Candidate]:
    """The two arguments the other way round, where the layer is given what it was to give."""
    clash, module = problem.clash, problem.module
    first = clash.want.setting if clash.want is not None else ""
    second = _PAIRS.get(first)
    if module is None or module.built is None or second is None or clash.got is None:
        return
    takes, gives = module.number(first), module.number(second)
    code = problem.code(module.built)
    if takes is None or gives is None or code is None or takes.value == gives.value or not _fits(clash.got.value, gives.value, first):
        return
    spans = [code.argument(module.built, name, position) for position, name in enumerate((first, second))]
    if spans[0] is None or spans[1] is None:
        return
    texts = code.text_at(spans[0]), code.text_at(spans[1])
    if texts[0] != texts[1]:
        edits = (*code.replace(spans[0], texts[1]), *code.replace(spans[1], texts[0]))
        yield Candidate("crossed", f"exchange the two sizes of `{say.module_name(module)}`", edits, _EVIDENCE)


def _fits(got: int | None, gives: int, setting: str) -> bool:
    """A table of words needs more rows than the highest index; all other layers take as much as they get."""
    return got is not None and (got < gives if setting == "num_embeddings" else got == gives)
