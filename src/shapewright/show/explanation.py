"""What `explain` answers, for people and as a document for programs.

In goes an `Explanation`; the words are there already, here they are put in order: what it is, what is certain, what probably led
to it, what to try.
"""

from __future__ import annotations

from typing import Any

from shapewright.messages.explanation import Explanation, Unknown
from shapewright.messages.template import Cause
from shapewright.show.text import Line, Look

_SENTENCE = 3  # lines of what PyTorch says
_NOTHING = "no shape error of PyTorch is in this text"


def document(answer: Explanation | Unknown, offer: str, tool: dict[str, Any]) -> dict[str, Any]:
    """The answer as plain dicts and lists; every key is always there."""
    if isinstance(answer, Unknown):
        empty: dict[str, Any] = {"slug": None, "headline": unknown(answer), "facts": {}, "causes": [], "try": [], "layer": None, "at": None}
        return {"schema": 1, "tool": tool, "recognised": False, **empty}
    return {
        "schema": 1,
        "tool": tool,
        "recognised": True,
        "slug": answer.slug,
        "headline": answer.headline,
        "facts": dict(answer.facts),
        "causes": [_cause(cause) for cause in answer.causes],
        "try": [*answer.tries, *([offer] if offer else [])],
        "layer": answer.layer,
        "at": {"file": answer.at.file, "line": answer.at.line} if answer.at else None,
        "message": answer.message,
        "notes": [*answer.wrapped, *_more(answer)],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    data = {
        "cause": cause.name,
        "likelihood": "likely" if cause.likely else "possible",
        "why": cause.why,
        "facts": dict(cause.facts),
    }
    return {**data, "guess": cause.guess} if cause.guess else data


def unknown(answer: Unknown) -> str:
    """The one honest sentence."""
    if answer.error:
        error = answer.error if len(answer.error) <= 200 else answer.error[:199] + "…"
        return f"{_NOTHING}; its last error is `{error}`"
    return f"{_NOTHING}, nor any error at all; give the message, the whole traceback, or a log that holds one"


def terminal(answer: Explanation, offer: str, look: Look) -> list[Line]:
    """The answer as lines for a terminal."""
    head = f"error[{answer.slug}]: "
    lines = _lead(head, "error", look.text(answer.headline), 2, look, "headline")
    gutter = len(str(answer.at.line)) if answer.at and answer.at.source else 0
    margin = " " * gutter
    if answer.at:
        inside = [f"in {answer.at.function}"] if answer.at.function and answer.at.function != "<module>" else []
        inside += [f"layer {answer.layer}"] if answer.layer else []
        place = look.text(f"{answer.at.file}:{answer.at.line}") + ("   " + look.text(", ".join(inside)) if inside else "")
        lines += _lead(f"{margin}--> ", "gutter", place, gutter + 4, look)
        if answer.at.source:
            bar: Line = ((f"{margin} |", "gutter"),)
            source = look.cut(look.printable(answer.at.source), max(look.width - gutter - 3, 16))
            lines += [bar, ((f"{answer.at.line} | ", "gutter"), (source, "source")), bar]
    message = look.text(answer.message)
    notes = [f"certain: {look.text(answer.certain)}"] if answer.certain else []
    notes += [f"note: {look.text(words)}" for words in (*answer.wrapped, *_more(answer))]
    notes.append(f"note: {answer.speaker} says: {message if look.verbose else look.cut(message, _SENTENCE * look.width)}")
    lead = f"{margin} = " if gutter else " = "
    for note in notes:
        lines += _lead(lead, "gutter", note, len(lead), look)
    for cause in answer.causes:
        lines += [(), *_told(cause, look)]
    steps = [*answer.tries, *([offer] if offer else [])]
    if steps:
        lines += [(), (("what to try", "help"),)]
        for number, step in enumerate(steps, 1):
            lines += _lead(f"{number:>3}. ", "gutter", look.text(step), 5, look)
    lines += [(), *_lead("", "", f"more: shapewright explain {answer.slug}", 0, look)]
    return lines


def _told(cause: Cause, look: Look) -> list[Line]:
    head = f"{'likely' if cause.likely else 'possible'}: "
    guess = f" [a guess: {cause.guess}]" if cause.guess else ""
    name = f"{look.text(cause.name)}"
    first: Line = ((head, "warning" if cause.likely else "note"), (name, "headline"))
    return [first, *(((line, ""),) for line in look.hang(look.text(cause.why + guess), 2, first=2))]


def _more(answer: Explanation) -> tuple[str, ...]:
    if not answer.others:
        return ()
    others = "another shape error" if answer.others == 1 else f"{answer.others} other shape errors"
    return (f"the text holds {others}; this is the one that the rest follows from, or the last",)


def _lead(lead: str, role: str, text: str, indent: int, look: Look, rest: str = "") -> list[Line]:
    """Wrapped text whose first words have a role of their own."""
    first, *more = look.hang(lead + text, indent)
    return [((first[: len(lead)], role), (first[len(lead) :], rest)), *(((line, rest),) for line in more)]
