"""Ways of mending: a `Problem` goes in, `Candidate`s come out. One file an idea; each decides from the shapes whether it applies.

Nothing here is sure of anything: what a cure proposes is run, judged and ranked by the search. Where it cannot know, it proposes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapewright.reason.cures import (
    aligned,
    along,
    batch,
    brackets,
    branches,
    calls,
    carried,
    checkpoint,
    colours,
    crop,
    crossed,
    densities,
    dropped,
    exchanged,
    fixed_batch,
    flatten,
    frames,
    from_one,
    geometry,
    handed,
    indexes,
    joined,
    labels,
    layers,
    layout,
    lost_batch,
    maps,
    masks,
    means,
    mixed,
    norms,
    numbers,
    order,
    outer,
    paired,
    parts,
    picks,
    prepared,
    ranks,
    reconstruction,
    recurrent,
    regrouped,
    reshape,
    residual,
    resized,
    restored,
    shifts,
    single,
    sizes,
    slots,
    softmax,
    spread,
    squeezed,
    steps,
    tables,
    targets,
    together,
    unbatched,
    unused,
    upsampling,
    widths,
)
from shapewright.reason.problem import Candidate, Problem

CURES: tuple[Callable[[Problem], Iterator[Candidate]], ...] = (
    flatten.propose,
    maps.propose,
    colours.propose,
    batch.propose,
    together.propose,
    carried.propose,
    calls.propose,
    ranks.propose,
    prepared.propose,
    joined.propose,
    checkpoint.propose,
    layout.propose,
    layout.flags,
    norms.propose,
    layers.propose,
    lost_batch.propose,
    shifts.propose,
    crossed.propose,
    numbers.propose,
    single.propose,
    parts.propose,
    handed.propose,
    reshape.propose,
    brackets.propose,
    geometry.propose,
    upsampling.propose,
    branches.propose,
    sizes.propose,
    crop.propose,
    residual.propose,
    targets.propose,
    from_one.propose,
    indexes.propose,
    means.propose,
    densities.propose,
    tables.propose,
    masks.propose,
    slots.propose,
    picks.propose,
    outer.propose,
    regrouped.propose,
    dropped.propose,
    restored.propose,
    resized.propose,
    steps.propose,
    exchanged.propose,
    labels.propose,
    order.propose,
    widths.propose,
    frames.propose,
    along.propose,
    aligned.propose,
    squeezed.before_failure,
)


# What mends a program that runs and is wrong; the cures above change calls that fail, and would find nothing amiss.
SILENT: dict[str, Callable[[Problem], Iterator[Candidate]]] = {
    "loss-broadcast": spread.propose,
    "batch-mixed": mixed.propose,
    "reconstruction-shape": reconstruction.propose,
    "softmax-dim": softmax.propose,
    "squeeze-lost-batch": squeezed.propose,
    "last-batch": fixed_batch.propose,
    "batch-dim-missing": unbatched.propose,
    "recurrent-layout": recurrent.propose,
    "unused-layer": unused.propose,
    "unused-output": unused.propose,
}


def propose(problem: Problem) -> Iterator[Candidate]:
    """All candidates for a problem, in no order of merit."""
    if problem.clash.severity != "error" and problem.clash.slug in SILENT:
        yield from SILENT[problem.clash.slug](problem)
        return
    for cure in CURES:
        yield from cure(problem)
    if problem.clash.shown_as == "generator-discriminator":
        yield from paired.propose(problem)
