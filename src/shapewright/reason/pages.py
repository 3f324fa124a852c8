"""The pages of the slugs: what a rule's docstring says, taken apart, for `explain SLUG` and for `docs/errors/`.

A docstring is a headline, and paragraphs that begin with what they are about: "What happened.", "Why.", "How to tell which fix is right.",
"Example.".
A slug that several rules share has one part for each of them; a rule of several slugs has a headline for each in `SLUGS`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

from shapewright.reason import rules, silent
from shapewright.report import Page, Part

_HEADINGS = re.compile(r"(What happened|Why|How to tell[^.\n]{0,40}|Example)\.\s+")
_OTHER = "other-shape-error"


def pages() -> dict[str, Page]:
    """All pages by slug: those of errors first, then those of programs that run and are wrong."""
    parts: dict[str, list[Part]] = {}
    for module, runs in _modules():
        part = _part(inspect.getdoc(module) or "", runs)
        slugs = getattr(module, "SLUGS", ()) or (_OTHER,)
        for slug in slugs:
            own = replace(part, headline=slugs[slug]) if isinstance(slugs, dict) else part
            parts.setdefault(slug, []).append(own)
    # The general words of the last resort stand before those of the special calls that share its slug.
    other = parts.pop(_OTHER)
    general = _part(inspect.getdoc(rules.other) or "", runs=False)
    parts[_OTHER] = [general, *(part for part in other if part != general)]
    return {slug: Page(slug, tuple(said)) for slug, said in sorted(parts.items(), key=lambda item: (item[1][0].runs, item[0] == _OTHER))}


def _modules() -> Iterator[tuple[ModuleType, bool]]:
    families: tuple[Callable[..., object], ...] = rules.FAMILIES
    for rule in families:
        yield sys.modules[rule.__module__], False
    for fault in silent.RULES:
        yield sys.modules[fault.__module__], True


def _part(text: str, runs: bool) -> Part:
    headline, *rest = text.split("\n\n")
    paragraphs: list[tuple[str, str]] = []
    for paragraph in rest:
        match = _HEADINGS.match(paragraph)
        if match:
            paragraphs.append((match[1], paragraph[match.end() :]))
        elif paragraphs:
            heading, before = paragraphs[-1]
            paragraphs[-1] = (heading, f"{before}\n\n{paragraph}")
        else:
            paragraphs.append(("", paragraph))
    return Part(" ".join(headline.split()), tuple(paragraphs), runs)
