"""The page of a slug, as data: what is said of one kind of fault, apart from any program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule says: its headline, and its paragraphs by heading; an example's paragraph may end in an indented line."""

    headline: str
    paragraphs: tuple[tuple[str, str], ...]
    runs: bool  # the program runs and is wrong; otherwise PyTorch raises


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a slug."""

    slug: str
    parts: tuple[Part, ...]

    @property
    def headline(self) -> str:
        return self.parts[0].headline

    @property
    def kind(self) -> str:
        """`error`, `warning`, or both."""
        return ", ".join(dict.fromkeys("warning" if part.runs else "error" for part in self.parts))
