"""One score a sample where a head gives several: a value, a probability, a logit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import TensorInfo
from shapewright.reason import levers
from shapewright.reason.cures import aligned, numbers, outer
from shapewright.reason.problem import Candidate, Problem


def propose(problem: Problem) -> Iterator[Candidate]:
    """A head with several outputs where one a sample was meant: a value, a score, a logit."""
    if not problem.clash.slug.startswith("loss-") and problem.clash.slug != "broadcast-mismatch" and problem.event.op != "item":
        return
    if aligned.is_vector_of_samples(problem) or outer.squares(problem.trace, problem.event):
        return
    for tensor in problem.event.tensors():
        others = [one for one in problem.event.tensors() if one is not tensor]
        single = all(one.rank < tensor.rank or one.shape[-1] == 1 for one in others[:1])
        if tensor.kind != "activation" or not tensor.rank or tensor.shape[-1] <= 1 or not single:
            continue
        for lever in levers.of_dim(problem.trace, tensor, tensor.rank - 1, 1):
            if lever.setting in ("out_features", "out_channels") and not lever.merged:
                candidate = numbers.of_lever(problem, lever, "producer")
                yield replace(candidate, evidence=min(candidate.evidence, 0))
                yield from _without_its_dim(problem, tensor, others, candidate)


def _without_its_dim(problem: Problem, tensor: TensorInfo, others: list[TensorInfo], single: Candidate) -> Iterator[Candidate]:
    """The single score of each sample without a dim of its own, as the yes and no of the targets have none."""
    if not problem.event.op.startswith("binary_cross_entropy"):
        return
    span = next((place for one, place in problem.operands() if one is tensor), None)
    code = problem.code(span)
    if span is not None and code is not None and others and others[0].shape == tensor.shape[:-1]:
        edits = (*single.edits, *code.append(span, f".squeeze({tensor.rank - 1})"))
        yield replace(single, title=f"{single.title}, and drop that dim", edits=edits, evidence=min(single.evidence, 0))
