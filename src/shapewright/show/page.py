"""The page of a slug, as Markdown for `docs/errors/` and as text for a terminal; and the list of all slugs."""

from __future__ import annotations

from collections.abc import Mapping

from shapewright.show.text import Line, Look
from shapewright.slugs import Page, Part

_RUNS = "Nothing fails: the program runs and is wrong."


def markdown(page: Page) -> str:
    """The page as a Markdown file."""
    blocks = [f"# `{page.slug}`"]
    for number, part in enumerate(page.parts):
        blocks.append(f"{'## ' if number else ''}{part.headline}")
        if part.runs and number:
            blocks.append(_RUNS)
        for heading, text in part.paragraphs:
            first, *more = text.split("\n\n")
            blocks.append((f"**{heading}.** " if heading else "") + first)
            blocks += more
    return "\n\n".join(blocks) + "\n"


def index(pages: Mapping[str, Page]) -> str:
    """The list of all pages as a Markdown file."""
    head = (
        "# What shapewright finds\n\n"
        "`shapewright explain SLUG` prints these pages. An *error* is a call that PyTorch refuses; a *warning* is a program that runs and "
        "is wrong.\n\n"
        "| slug | kind | what it is |\n|---|---|---|\n"
    )
    return head + "".join(f"| [`{page.slug}`]({page.slug}.md) | {page.kind} | {page.headline} |\n" for page in pages.values())


def terminal(page: Page, look: Look) -> list[Line]:
    """The page as lines for a terminal."""
    lines: list[Line] = []
    for number, part in enumerate(page.parts):
        if number:
            lines.append(())
        head = f"{'warning' if part.runs else 'error'}[{page.slug}]: "
        first, *rest = look.hang(head + look.text(part.headline), 2)
        lines.append(((head, "warning" if part.runs else "error"), (first[len(head) :], "headline")))
        lines += [((line, "headline"),) for line in rest]
        lines += _paragraphs(part, look)
    return lines


def _paragraphs(part: Part, look: Look) -> list[Line]:
    lines: list[Line] = []
    for heading, text in part.paragraphs:
        lines.append(())
        if heading:
            lines.append(((heading, "help"),))
        for number, block in enumerate(text.split("\n\n")):
            if number:
                lines.append(())
            if block.startswith("    "):
                lines += [(("  " + look.printable(line), "source"),) for line in block.splitlines()]
            else:
                lines += [((line, ""),) for line in look.hang(look.text(block), 2, first=2)]
    return lines


def listed(pages: Mapping[str, Page], look: Look) -> list[Line]:
    """One line a slug."""
    room = max(len(slug) for slug in pages)
    lines: list[Line] = []
    for page in pages.values():
        head = f"{page.slug:{room}}  "
        first, *rest = look.hang(f"{head}{look.text(page.headline)}", room + 2)
        lines.append(((head, "headline"), (first[len(head) :], "")))
        lines += [((line, ""),) for line in rest]
    return lines
