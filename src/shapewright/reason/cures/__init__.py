"""Ways of mending: a `Problem` goes in, `Candidate`s come out. One file an idea; each decides from the shapes whether it applies.

Nothing here is sure of anything: what a cure proposes is run, judged and ranked by the search. Where it cannot know, it proposes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapewright.reason.cures import (
    aligned,
    batch,
    branches,
    calls,
    checkpoint,
    crop,
    flatten,
    geometry,
    indexes,
    layers,
    layout,
    lost_batch,
    norms,
    numbers,
    parts,
    reshape,
    residual,
    shifts,
    sizes,
    tables,
    targets,
)
from shapewright.reason.problem import Candidate, Problem

CURES: tuple[Callable[[Problem], Iterator[Candidate]], ...] = (
    flatten.propose,
    batch.propose,
    calls.propose,
    checkpoint.propose,
    layout.propose,
    layout.flags,
    norms.propose,
    layers.propose,
    lost_batch.propose,
    shifts.propose,
    numbers.propose,
    parts.propose,
    reshape.propose,
    geometry.propose,
    branches.propose,
    sizes.propose,
    crop.propose,
    residual.propose,
    targets.propose,
    indexes.propose,
    tables.propose,
    aligned.propose,
)


def propose(problem: Problem) -> Iterator[Candidate]:
    """All candidates for a problem, in no order of merit."""
    for cure in CURES:
        yield from cure(problem)
