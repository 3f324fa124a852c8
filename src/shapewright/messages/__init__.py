"""The diagnosis when all there is is the message: a text goes in, what PyTorch says in it and what leads to that comes out.

Nothing here imports torch, runs a program or reads a file. The text is cleaned (`clean`), searched for the messages of the
catalogue (`search`, `catalogue`, `families/`), the root of several errors is chosen, the traceback is read (`traceback`), and the
message's template reckons with the sizes in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from shapewright.messages import blame, catalogue, clean, search, wrappers
from shapewright.messages.clean import Line
from shapewright.messages.explanation import At, Explanation, Unknown
from shapewright.messages.search import Hit, Stretch
from shapewright.messages.template import Cause, Context, Found, Reading, Template, values
from shapewright.messages.traceback import Frame

__all__ = ["At", "Explanation", "Unknown", "explain"]

_CAUSES = 4
_STEPS = 7
_LOOK = "print the shapes in the line before (`print(x.shape)`): they tell which of these it is"

Source = Callable[[str, int], str]


def explain(text: str, *, source: Source | None = None) -> Explanation | Unknown:
    """What a message, a traceback or a log says. `Unknown` when no known message is in it.

    `source` gives a line of a file, or "" when the file is not here: for tracebacks that show no source.
    """
    lines = clean.lines(text)
    found = search.hits(lines, catalogue.templates)
    if not found:
        return Unknown(search.last_error(lines))
    cut = search.stretches(lines)
    for hit in search.ranked(found, lines, cut):
        frames = search.frames_of(hit, lines, cut)
        own = _own(frames, source)
        context = _context(own, frames)
        line = own.source if own else ""  # the whole of it: the interpreter may have underlined the left side of an assignment
        if not hit.template.needs or not line or re.search(hit.template.needs, line):
            return _explanation(hit, context, own, frames, found, lines, cut)
    return Unknown(search.last_error(lines))


def _context(own: Frame | None, frames: Sequence[Frame]) -> Context:
    if own is None:
        return Context(frames=_told(frames))
    layer, container = blame.layer(own, frames)
    return Context(layer, own.marked or own.source, _told(frames), container)


def _told(frames: Sequence[Frame]) -> str:
    return "\n".join(f"{frame.file} {frame.function} {frame.source}" for frame in frames[-60:])


def _explanation(
    hit: Hit,
    context: Context,
    own: Frame | None,
    frames: Sequence[Frame],
    found: Sequence[Hit],
    lines: Sequence[Line],
    cut: Sequence[Stretch],
) -> Explanation:
    reading = _read(hit.template, Found(values(hit.groups), hit.rest, context))
    causes = reading.causes[:_CAUSES]
    near = search.stretch_of(hit.line, cut)
    around = " ".join(line.text for line in lines[max(near.first - 12, 0) : min(hit.line + 30, near.end + 3)])
    return Explanation(
        template=hit.template.id,
        message=hit.message,
        slug=reading.slug,
        headline=reading.headline,
        certain=reading.certain,
        facts=reading.facts,
        causes=causes,
        tries=_steps(causes, reading.tries),
        layer=context.layer,
        at=At(own.file, own.line, own.function, own.source) if own else None,
        script=next((frame.file for frame in frames if frame.function == "<module>" and not blame.library(frame)), ""),
        wrapped=wrappers.around(around[:60_000]),
        speaker=hit.template.speaker,
        others=search.others(found, hit, cut),
    )


def _read(template: Template, found: Found) -> Reading:
    """What the template says. A mistake in a reading must not take away that the message was recognised."""
    try:
        return template.read(found)
    except Exception as error:
        if os.environ.get("SHAPEWRIGHT_DEBUG"):
            raise
        why = f"shapewright's own reading of this message failed ({type(error).__name__}: {error}); please report it with the message"
        return Reading("other-shape-error", "the sizes do not go together", "", dict(found.values), (Cause("unread", why, likely=True),))


def _steps(causes: Sequence[Cause], general: Sequence[str]) -> tuple[str, ...]:
    """What to do, in order: all steps of the first cause, one of each other one, and what helps in any case."""
    steps = [step for number, cause in enumerate(causes) for step in cause.tries[: None if number == 0 else 1]]
    return tuple(dict.fromkeys([*steps, *general]))[:_STEPS] or (_LOOK,)


def _own(frames: Sequence[Frame], source: Source | None) -> Frame | None:
    """The user's deepest frame, with its source line where the text or the file has it."""
    own = blame.own(frames)
    if own is None or own.source or source is None:
        return own
    return own._replace(source=source(own.file, own.line).strip())
