"""Which of a program's models makes samples and which judges them: said by their classes and by the names that they are called by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

_MAKES, _JUDGES = {"generator", "gen"}, {"discriminator", "disc", "critic"}
_LETTER = re.compile(r"(?:net_?|model_?)?([GD])(?:_?net|_?model|_[A-Za-z]{1,2})?")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def role(names: Iterable[str]) -> Literal["generator", "discriminator", ""]:
    """What a model with these names is; "" for all else, and where the names contradict one another."""
    names = list(names)
    words = {word.lower() for name in names for word in _WORD.findall(name)}
    makes, judges = bool(words & _MAKES), bool(words & _JUDGES)
    if makes and judges:
        return ""
    if makes or judges:
        return "generator" if makes else "discriminator"
    letters = {found[1] for name in names if (found := _LETTER.fullmatch(name)) is not None}
    if len(letters) != 1:
        return ""
    return "generator" if letters == {"G"} else "discriminator"
