"""One failed call with what surrounds it: all that a rule may look at.

The analysis makes a `Scene` from a trace; the rules read it and give a `Clash`. Plain data: no torch, no files.
"""

from __future__ import annotations

from dataclasses import dataclass

from shapewright.model import Event, ModuleInfo


@dataclass(frozen=True, slots=True)
class Scene:
    """A call, the module whose forward made it, and what the source calls the tensors it works on."""

    event: Event
    module: ModuleInfo | None
    names: tuple[str, ...] = ()  # as the source writes them ("x", "self.pos"), "" where unknown, in the order of event.tensors()
