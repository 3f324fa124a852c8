"""The frames of a traceback, in the forms that Python, IPython, rich, pytest and TorchScript give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shapewright.messages.clean import Line
from shapewright.messages.later import pattern

_PYTHON = pattern(r'[Ff]ile "([^"]{1,500})", ?line (\d{1,7})(?:, ?in (\S[^\n]{0,200}))?')
_IPYTHON = pattern(r"File ([^\s:\"][^:\"\n]{0,400}|[A-Za-z]:[^:\"\n]{1,400}):(\d{1,7}),? (?:in|:) ?([^\n]{0,200})")
_CELL = pattern(r"((?:Cell )?In(?:put In)? ?\[\d{1,6}\])(?:, line (\d{1,7})(?:, in ([^\n]{0,200}))?|, in ([^\n]{0,200}))")
_OLD_CELL = pattern(r"(<ipython-input-\d{1,6}-[0-9a-f]{0,20}>)(?:\]\([^)\n]{0,80}\))? in ([^\n]{0,200})")
_OLD = pattern(r"((?:[A-Za-z]:)?[~/\\][^\s:]{1,400}\.py)(?:\]\([^)\n]{0,80}\))? in (\w[^\n]{0,200})")
_RICH = pattern(r"((?:[A-Za-z]:)?[^\s:]{1,400}\.py):(\d{1,7}) in (\S[^\n]{0,100})")
_PYTEST = pattern(r"((?:[A-Za-z]:)?[^\s:]{1,300}\.py):(\d{1,7}):(?: in (\w{1,80}|<\w{1,20}>)| \w{0,60}(?:Error|Exception)| ?$)")
_ARROW = pattern(r"\s*(?:-{1,6}>|❱|>)\s*(\d{1,7})\s+(\S.*)")
_CARETS = pattern(r"\s*[~^]*\^[~^]*\s*")
_HERE = pattern(r"(\s*)(~+) <--- HERE")
_ERROR = pattern(r"[A-Za-z_][\w.]*(?:Error|Exception|Warning)\b(?::|$)")
_HINTS = ("ile ", "In", ".py", "<ipython")  # one of them is in every line that begins a frame


class Frame(NamedTuple):
    """One step of a traceback; `marked` is the stretch of the source line that the interpreter underlined ("" when it did not)."""

    file: str
    line: int
    function: str = ""
    source: str = ""
    marked: str = ""


def frames(lines: Sequence[Line], first: int, end: int) -> list[Frame]:
    """The frames in the lines from `first` up to `end`, outermost first."""
    found = []
    for number in range(first, end):
        text = lines[number].text
        if len(text) <= 1200 and any(hint in text for hint in _HINTS):
            frame = _frame(text, lines, number)
            if frame is not None:
                found.append(frame)
    inner_first = len(found) > 1 and found[-1].function.startswith("<module>") and not found[0].function.startswith("<module>")
    return found[::-1] if inner_first else found  # the panel of an editor lists them the other way round


def _frame(text: str, lines: Sequence[Line], number: int) -> Frame | None:
    match = _PYTHON.search(text)
    if match:
        source, marked = _below(lines, number)
        return Frame(match[1], int(match[2]), (match[3] or "").removesuffix(" (Current frame)"), source, marked)
    match = _CELL.search(text)
    if match:
        arrow, source = _arrow(lines, number)
        line = int(match[2]) if match[2] else arrow
        return Frame(match[1], line, _name(match[3] or match[4]), source) if line else None
    match = _OLD_CELL.search(text) or _OLD.search(text)
    if match:
        arrow, source = _arrow(lines, number)
        return Frame(match[1], arrow, _name(match[2]), source) if arrow else None
    match = _IPYTHON.search(text)
    if match:
        return Frame(match[1].strip(), int(match[2]), _name(match[3]), _arrow(lines, number)[1])
    match = _RICH.search(text)
    if match:
        return Frame(_broken(lines, number) + match[1], int(match[2]), match[3].strip(), _arrow(lines, number)[1])
    match = _PYTEST.match(text.strip())
    if match:
        source, marked = _below(lines, number) if match[3] else (_above(lines, number), "")
        return Frame(match[1], int(match[2]), match[3] or "", source, marked)
    return None


def _broken(lines: Sequence[Line], number: int) -> str:
    """The beginning of a path that a box broke: it fills the line above."""
    above = lines[number - 1].text.strip() if number else ""
    whole = above.startswith(("/", "~")) or above[1:3] in (":\\", ":/")
    return above if whole and " " not in above and not above.endswith(".py") else ""


def _name(function: str | None) -> str:
    return (function or "").partition("(")[0].strip()


def _below(lines: Sequence[Line], number: int) -> tuple[str, str]:
    """The source line that stands under a frame, and what the carets under it mark. TorchScript shows several, and an arrow at one."""
    for below in range(number + 2, min(number + 9, len(lines))):
        here = _HERE.match(lines[below].text)
        if here:
            raw = lines[below - 1].text
            return raw.strip(), raw[here.start(2) : here.end(2)].strip()
        if _PYTHON.search(lines[below].text):
            break
    if number + 1 >= len(lines):
        return "", ""
    raw = lines[number + 1].text
    source = raw.strip()
    if not source or _PYTHON.search(raw) or _ERROR.match(raw) or source.startswith(("Traceback ", "During handling", "[Previous line")):
        return "", ""
    carets = lines[number + 2].text if number + 2 < len(lines) else ""
    if _CARETS.fullmatch(carets):
        start, end = len(carets) - len(carets.lstrip()), len(carets.rstrip())
        return source, raw[start:end].strip()
    return source, ""


def _arrow(lines: Sequence[Line], number: int) -> tuple[int, str]:
    """The line that an arrow points at below a frame: its number and its text."""
    for line in lines[number + 1 : number + 16]:
        match = _ARROW.match(line.text)
        if match:
            return int(match[1]), match[2].strip()
        if _PYTHON.search(line.text) or _CELL.search(line.text) or _OLD_CELL.search(line.text) or _RICH.search(line.text):
            break
    return 0, ""


def _above(lines: Sequence[Line], number: int) -> str:
    """The line that pytest marks with `>` above the place."""
    return next((line.text.strip() for line in reversed(lines[max(number - 12, 0) : number]) if line.pointed and line.text.strip()), "")
