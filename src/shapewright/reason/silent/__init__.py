"""What is wrong in a program that runs to its end: a `Trace` goes in, pairs of a call and what is wrong with it come out.

Every file is one slug (or a few that belong together): a page for users, and a pure function that looks at the calls of a run, at how
the models answered when they were called with other batches (`Trace.probes`), and at what the source says. A warning must be right
almost always; what is right only mostly is a note.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from shapewright import __version__
from shapewright.model import Clash, Event, Trace
from shapewright.reason.silent import (
    batch_dim_missing,
    batch_mixed,
    generator_discriminator,
    last_batch,
    loss_broadcast,
    reconstruction_shape,
    recurrent_layout,
    softmax_dim,
    squeeze_lost_batch,
    unused,
    unused_output,
)

Suspicion = tuple[Event, Clash]

# What is decided by running the models comes before what is decided by the looks of the program: of two at one place the first is told.
RULES: tuple[Callable[[Trace], Iterator[Suspicion]], ...] = (
    loss_broadcast.faults,
    batch_mixed.faults,
    reconstruction_shape.faults,
    softmax_dim.faults,
    squeeze_lost_batch.faults,
    last_batch.faults,
    batch_dim_missing.faults,
    recurrent_layout.faults,
    unused.faults,
    unused_output.faults,
    generator_discriminator.faults,
)


def faults(trace: Trace) -> list[Suspicion]:
    """All that is suspicious in a run that went well, each place once a slug: warnings in the order of the run, then notes.

    Where a warning stands, a note on the same call would only say it again.
    """
    found: list[Suspicion] = []
    seen: set[object] = set()
    for rule in RULES:
        for event, clash in _asked(rule, trace):
            key = (clash.slug, clash.at or event.span)
            if key not in seen:
                seen.add(key)
                found.append((event, clash))
    warned = {clash.at or event.span for event, clash in found if clash.severity == "warning"}
    found = [one for one in found if one[1].severity == "warning" or (one[1].at or one[0].span) not in warned]
    return sorted(found, key=lambda one: (one[1].severity == "note", one[0].index))


def _asked(rule: Callable[[Trace], Iterator[Suspicion]], trace: Trace) -> list[Suspicion]:
    """What a rule finds. A mistake in a rule must not take the report of a program that runs away from its user: it becomes a note."""
    try:
        return list(rule(trace))
    except Exception as error:
        if os.environ.get("SHAPEWRIGHT_DEBUG"):
            raise
        name = rule.__module__.rpartition(".")[2]
        headline = f"shapewright's own rule {name} failed: {type(error).__name__}: {error}; this is a bug of shapewright {__version__}"
        return [(trace.events[0], Clash("internal-error", headline, "", severity="note"))] if trace.events else []
