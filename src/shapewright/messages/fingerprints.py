"""What is known of model families: which widths, token counts and channels are whose. Read from `tables/*.json` when it is first asked.

A table entry is a guess from numbers: it holds a confidence and its source, and is always shown as a guess.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any, NamedTuple

_FOLDER = os.path.join(os.path.dirname(__file__), "tables")


class Pair(NamedTuple):
    """Two widths that meet when parts of two model families are put together."""

    cause: str
    reading: str
    tries: str
    confidence: str
    source: str
    narrow: bool  # known for some outputs only: then the rows are tokens of such a model, too

    @property
    def guess(self) -> str:
        return f"{self.confidence} confidence, {self.source}"


class Known(NamedTuple):
    """What a width, a number of tokens or of channels is known for."""

    models: tuple[str, ...]
    role: str
    confidence: str
    source: str

    def __str__(self) -> str:
        return ", ".join(self.models[:3])


@cache
def _table(name: str) -> list[dict[str, Any]]:
    with open(os.path.join(_FOLDER, f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def pairs(got: int, want: int, out: int | None) -> list[Pair]:
    """The families for which a layer from `want` to `out` features receives `got`. Without `out` those that any layer has."""
    return [
        Pair(entry["cause"], entry["reading"], entry["try"], entry["confidence"], entry["source"], bool(entry["out"]))
        for entry in _table("pairs")
        if entry["got"] == got and entry["want"] == want and (not entry["out"] or out in entry["out"])
    ]


def width(size: int) -> Known | None:
    """What a number of features is known for."""
    return _known("widths", "width", size)


def tokens(size: int) -> Known | None:
    """What a number of tokens is known for: 197 = 14·14 patches and a class token."""
    return _known("tokens", "tokens", size)


def channels(size: int) -> Known | None:
    """What a number of channels of an image or a latent is known for."""
    return _known("channels", "channels", size)


def _known(table: str, key: str, size: int) -> Known | None:
    entries = [entry for entry in _table(table) if entry[key] == size]
    if not entries:
        return None
    models = tuple(model for entry in entries for model in entry["models"])
    return Known(models, entries[0].get("role", ""), entries[0]["confidence"], entries[0]["source"])
