"""The pages of the slugs: what a rule's docstring says, taken apart, for `explain SLUG` and for `docs/errors/`.

A docstring is a headline, and paragraphs that begin with what they are about: "What happened.", "Why.", "How to tell which fix is right.",
"Example.".
A slug that several rules share has one part for each of them; a rule of several slugs has a headline for each in `SLUGS`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from shapewright.slugs import Page, Part

_HEADINGS = re.compile(r"(What happened|Why|How to tell[^.\n]{0,40}|Example)\.\s+")
_OTHER = "other-shape-error"
# The files of the rules are read: to import them all takes several times as long as the answer.
_FOLDERS = (("rules", "FAMILIES", False), ("silent", "RULES", True))


def pages() -> dict[str, Page]:
    """All pages by slug: those of errors first, then those of programs that run and are wrong."""
    parts: dict[str, list[Part]] = {}
    for slug, part in _parts():
        parts.setdefault(slug, []).append(part)
    # The general words of the last resort stand before those of the special calls that share its slug.
    other = parts.pop(_OTHER)
    parts[_OTHER] = [other[-1], *(part for part in other if part != other[-1])]
    return {slug: Page(slug, tuple(said)) for slug, said in sorted(parts.items(), key=lambda item: (item[1][0].runs, item[0] == _OTHER))}


def page(slug: str) -> Page | None:
    """One page, None when there is no such slug."""
    if slug == _OTHER:  # that of all rules that name none
        return pages()[slug]
    found = tuple(part for own, part in _parts(f'"{slug}"') if own == slug)
    return Page(slug, found) if found else None


def _parts(text: str = "") -> Iterator[tuple[str, Part]]:
    """What each rule says of each of its slugs, in the order in which the rules are asked; of those whose files hold this text."""
    for folder, order, runs in _FOLDERS:
        here = Path(__file__).parent / folder
        for name in _in_order(here / "__init__.py", order):
            source = (here / f"{name}.py").read_text(encoding="utf-8")
            if text in source:
                tree = ast.parse(source)
                part = _part(ast.get_docstring(tree) or "", runs)
                slugs: Sequence[str] | dict[str, str] = ast.literal_eval(_assigned(tree, "SLUGS") or ast.Tuple([])) or (_OTHER,)
                for slug in slugs:
                    yield slug, Part(slugs[slug], part.paragraphs, runs) if isinstance(slugs, dict) else part


def _in_order(file: Path, name: str) -> list[str]:
    """The modules whose functions are listed under this name."""
    listed = _assigned(ast.parse(file.read_text(encoding="utf-8")), name)
    assert isinstance(listed, ast.Tuple)
    return [one.value.id for one in listed.elts if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name)]


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                return node.value
    return None


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
