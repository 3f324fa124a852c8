"""How the readings write a cause down, and what they call the thing that failed."""

from __future__ import annotations

from shapewright.messages.later import pattern
from shapewright.messages.template import Cause, Found

_FUNCTION = pattern(r"\b(?:F|functional|torch)\.(\w{2,40})\(")


def cause(name: str, why: str, *tries: str, likely: bool = False, guess: str = "", **facts: object) -> Cause:
    """A cause in one line."""
    return Cause(name, why, likely, facts, tries, guess)


def called(found: Found, name: str) -> str:
    """The layer; where none is known, the function that says such a thing."""
    return found.layer if found.context.layer else f"`{name}`"


def caller(found: Found, *kinds: str) -> str:
    """The layer; where none is known, the function of these kinds (`conv`, `pool`) that the user's line calls."""
    functions = {name for name in _FUNCTION.findall(found.context.line) if any(kind in name for kind in kinds)}
    return called(found, functions.pop()) if len(functions) == 1 else found.layer


def renamed(found: Found) -> Found:
    """The groups of the second of two wordings under the names of the first."""
    return Found({name.rstrip("_"): value for name, value in found.values.items()}, found.text, found.context)
