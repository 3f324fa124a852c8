"""Which messages of the catalogue are in a text, and which of them is the root of the trouble."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from shapewright.messages import blame, traceback
from shapewright.messages.clean import Line
from shapewright.messages.later import pattern
from shapewright.messages.template import Template
from shapewright.messages.traceback import Frame

_BEFORE, _AFTER = 300, 1600  # characters around an anchor in which the pattern is looked for
_REST = 20_000  # characters that a reading may look at
_FRAME_LINES = 1500  # lines of a traceback that are read, from either end
_CHAIN = 6  # exceptions of one chain that are looked at
_PLACES = 12  # places of one anchor that are tried, from either end of the text

_HEAD = pattern(r"Traceback \(most recent call last\)|Traceback of TorchScript")
_ERROR = pattern(r"(?:^|[\s:(\[])((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)|[a-z]\w*\.error)\b:?\s?([^\n]{0,300})")


class Hit(NamedTuple):
    """A template that a text meets: where, the groups, and the number of the line on which it begins."""

    template: Template
    groups: dict[str, str | None]
    message: str
    start: int
    line: int
    rest: str


class Stretch(NamedTuple):
    """A traceback with its message: the lines from `first` up to `end`, and the chain of exceptions to which it belongs.

    `user_code` are the frames that `torch.compile` prints behind its message: they are those of the program.
    """

    first: int
    end: int
    chain: int
    user_code: bool = False


def hits(lines: Sequence[Line], catalogue: Callable[[str], Iterable[Template]]) -> list[Hit]:
    """All that is recognised, in the order of the text; messages that a terminal broke inside a word are put together again.

    `catalogue` gives the templates that may be in a text.
    """
    for glue in (" ", ""):
        flat, starts = _flat(lines, glue)
        lower = flat.lower()
        near = [(template, places) for template in catalogue(lower) if (places := _places(lower, template.anchors))]
        for cut in (False, True):
            found = [hit for template, places in near for hit in _matches(template, places, flat, starts, cut)]
            if found:
                return sorted(_longest(found), key=lambda hit: hit.start)
    return []


def _flat(lines: Sequence[Line], glue: str) -> tuple[str, list[int]]:
    """The lines as one, with all white space collapsed, and where in it each line begins."""
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for line in lines:
        starts.append(length)
        text = " ".join(line.text.split())
        if text:
            parts.append(text)
            length += len(text) + len(glue)
    return glue.join(parts), starts


def _places(lower: str, anchors: Sequence[str]) -> list[int]:
    places: set[int] = set()
    for anchor in anchors:
        at = lower.find(anchor)
        first: list[int] = []
        while at >= 0 and len(first) < _PLACES:
            first.append(at)
            at = lower.find(anchor, at + len(anchor))
        if at >= 0:
            last = len(lower)
            for _ in range(_PLACES):
                last = lower.rfind(anchor, 0, last)
                first.append(last)
        places.update(first)
    return sorted(places)


def _matches(template: Template, places: Sequence[int], flat: str, starts: list[int], cut: bool) -> list[Hit]:
    source = template.cut if cut else template.pattern
    if not source:
        return []
    pattern = re.compile(source, re.IGNORECASE)
    found: dict[int, Hit] = {}
    for place in places:
        low = max(place - _BEFORE, 0)
        window = flat[low : place + _AFTER]
        for match in pattern.finditer(window):
            if match.start() <= place - low < max(match.end(), match.start() + 1):
                start = low + match.start()
                line = max(bisect_right(starts, start) - 1, 0)
                rest = flat[start : start + _REST]
                found[start] = Hit(template, dict(match.groupdict()), match[0].strip(), start, line, rest)
                break
    return list(found.values())


def _longest(found: Sequence[Hit]) -> list[Hit]:
    """Of messages that lie one inside the other the longer one: a wording within another one's is a part of it."""
    kept: list[Hit] = []
    for hit in sorted(found, key=lambda hit: -len(hit.message)):
        end = hit.start + len(hit.message)
        if not any(other.start <= hit.start and end <= other.start + len(other.message) for other in kept):
            kept.append(hit)
    return kept


def stretches(lines: Sequence[Line]) -> list[Stretch]:
    """The text cut at its tracebacks. Exceptions that Python says belong together share a chain."""
    bounds = [(0, 0, False)]
    linked = False
    for number, line in enumerate(lines):
        text = line.text
        chain = bounds[-1][1]
        if number and line.stream != lines[number - 1].stream:
            bounds.append((number, chain + 1, False))
            linked = False
        elif "from user code:" in text:
            bounds.append((number, chain, True))
        elif "direct cause of the following" in text or "During handling of the above" in text:
            linked = True
        elif "Traceback " in text and _HEAD.search(text):
            inner = linked or "Original Traceback" in text or "of TorchScript" in text
            bounds.append((number, chain + (0 if inner else 1), False))
            linked = False
    ends = [*(first for first, _, _ in bounds[1:]), len(lines)]
    return [Stretch(first, end, chain, user_code) for (first, chain, user_code), end in zip(bounds, ends, strict=True)]


def stretch_of(line: int, cut: Sequence[Stretch]) -> Stretch:
    """The stretch in which a line lies."""
    return cut[max(bisect_right([one.first for one in cut], line) - 1, 0)]


def ranked(found: Sequence[Hit], lines: Sequence[Line], cut: Sequence[Stretch]) -> list[Hit]:
    """The messages, the one to explain first.

    Of exceptions that belong together the first: the others came of it. Of separate ones the last: it ended the run. Of several
    processes the first that says something. What only says that something failed gives way to what says what.
    """
    order = []
    clear = [hit for hit in found if not hit.template.vague]
    streams = list(dict.fromkeys(lines[hit.line].stream for hit in clear or found))
    for hit in found:
        stretch = stretch_of(hit.line, cut)
        stream = lines[hit.line].stream
        order.append((hit.template.vague, streams.index(stream) if stream in streams else len(streams), -stretch.chain, hit.start, hit))
    return [hit for *_, hit in sorted(order, key=lambda one: one[:4])]


def frames_of(hit: Hit, lines: Sequence[Line], cut: Sequence[Stretch]) -> list[Frame]:
    """The frames that led to the message, outermost first.

    Those of its own traceback; where the user has none in it, those of the chain's other tracebacks stand before it, or behind it.
    """
    here = stretch_of(hit.line, cut)
    chain = [one for one in cut if one.chain == here.chain]
    for one in chain:
        if one.user_code and one.first > hit.line:
            return _frames(one, lines)
    own = _frames(here, lines)
    if all(blame.library(frame) for frame in own):
        before = [frame for one in chain[-_CHAIN:] if one.first < here.first for frame in _frames(one, lines)]
        if any(not blame.library(frame) for frame in before):
            return [*before, *own]
        own += [frame for one in chain[:_CHAIN] if one.first > here.first for frame in _frames(one, lines)]
    return own


def _frames(one: Stretch, lines: Sequence[Line]) -> list[Frame]:
    """The frames of a stretch; of a very long one (a recursion) those at its beginning and its end."""
    if one.end - one.first <= 2 * _FRAME_LINES:
        return traceback.frames(lines, one.first, one.end)
    head = traceback.frames(lines, one.first, one.first + _FRAME_LINES)
    return head + traceback.frames(lines, one.end - _FRAME_LINES, one.end)


def last_error(lines: Sequence[Line]) -> str:
    """The last exception of a text in which nothing was recognised, as it stands there, or ""."""
    for line in reversed(lines[-4000:]):
        match = _ERROR.search(line.text[:600])
        if match:
            return f"{match[1]}: {match[2]}".rstrip(": ")
    return ""


def others(found: Sequence[Hit], one: Hit, cut: Sequence[Stretch]) -> int:
    """How many other messages there are, in tracebacks of other exceptions, that say something else."""
    chain = stretch_of(one.line, cut).chain
    elsewhere = {hit.message for hit in found if not hit.template.vague and stretch_of(hit.line, cut).chain != chain}
    return len(elsewhere - {one.message})
