"""A pasted text → lines that can be read: without colours, boxes, prefixes of ranks and clocks, and in one alphabet.

What is taken away is what programs put around PyTorch's words; the words themselves stay. Every step takes time in proportion to
the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from shapewright.messages.later import pattern

LIMIT = 2_500_000  # characters; of a longer text the beginning and the end are read
_LONG = 20_000  # characters of one line; a longer one is read in pieces

_ANSI = pattern(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)|[@-Z\\^_])|\[[0-9;]{1,12}m")
_CONTROLS = (
    range(9),
    range(0x0B, 0x0D),
    range(0x0E, 0x1B),
    range(0x1C, 0x20),
    (0x7F, 0xFEFF),
    range(0x200B, 0x2010),
    range(0x202A, 0x202F),
)
_DROPPED = dict.fromkeys(code for codes in _CONTROLS for code in codes)
# NFKC makes the full-width forms ASCII; these have no such form.
_ASCII = str.maketrans("‘’‚‛´“”„«»【〔「】〕」、。−–—‐", "'''''\"\"\"\"\"[[[]]],.----")
_TIMES = pattern(r"(?<=\d)(\s?)[×✕✖⨯X](\s?)(?=\d)")
_BLANK = pattern(r"[\r\n]{3,}")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&#39;": "'", "&#x27;": "'", "&quot;": '"', "&amp;": "&"}

# What stands before a line: the process that wrote it, the clock, the level, a box or a quotation.
_RANKS = (
    r"\[(?:rank|default|R) ?(\d{1,6})\]:?",
    r"\((\w{0,30}(?:Worker|Engine|Server|Actor|Trainer|Replica|train)\w{0,30}(?: [^()\n]{0,80})?)\)",
    r"\[\d{1,4},(\d{1,6})\]<\w{1,8}>:",
    r"(?<![^\n])(\d{1,4}):(?= )",
)
_MARKS = (
    r"\[?\(?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\)?\]?\s*[|:-]?\s?",
    r"std(?:err|out) [FP] ",
    r"(?:E|>|\*{3})(?=\s)\s?",
    r"(?:[\w-]{1,40} *)?\|(?=\s|$)",
    r"\+[-+ ]{2,60}",
    r"(?:\[?(?:ERROR|WARNING|INFO|CRITICAL|DEBUG|STDERR|stderr)\]?:?(?=\s))",
    r"\[[\w./-]{1,60}:\d{1,6}\]",
)
_PREFIX = pattern(rf"\s*(?:(?:{'|'.join(_RANKS)}) ?|{'|'.join(_MARKS)})")
_BOX = str.maketrans(dict.fromkeys("│┃║╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝╠╣", " "))
# A record of a container's log; where the program logged from, at the right margin.
_RECORD = pattern(r'^\{"(?:log|line|message|msg)": ?"|\\n", ?"(?:stream|time)"[^\n]*$', re.MULTILINE)
_MARGIN = pattern(r"(?<=\S)\s{1,80}[\w.]{1,60}\.py:\d{1,6}\s*$")
_CODE = pattern(r"\\u([0-9a-fA-F]{4})")
_BACKSLASH = "\ue000"  # stands for an escaped one while the other escapes are read
_RULE = pattern(r"[─━═_—-]{8,}")


class Line(NamedTuple):
    """A line of the cleaned text. `stream` tells the processes of one log apart: "rank 0", or "" for the one that has no name."""

    text: str
    stream: str = ""
    pointed: bool = False  # it had a `>` before it, as the failing line in a report of pytest


def decode(data: bytes) -> str:
    """The bytes of a log as text, whatever wrote them (a redirect in PowerShell gives UTF-16)."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if data[:200].count(b"\0") > len(data[:200]) // 3:
        return data.decode("utf-16-le", "replace")
    return data.decode("utf-8-sig", "replace")


def lines(text: str) -> list[Line]:
    """The lines of the text, cleaned; lines of one process stand together, in the order in which the processes first speak."""
    if len(text) > LIMIT:
        text = text[: LIMIT // 2] + "\n" + text[-LIMIT // 2 :]
    for _ in range(2):  # a log of JSON lines, or the repr of a string; one may hold the other
        if 2 * text.count("\\n") <= text.count("\n") and "\\u001b[" not in text:
            break
        text = _unescaped(_RECORD.sub("", text))
    text = _ANSI.sub("", text).translate(_DROPPED)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_ASCII)
    if "&" in text:
        for entity, character in _ENTITIES.items():
            text = text.replace(entity, character)
    text = _BLANK.sub("\n\n", text)
    text = _TIMES.sub(r"\1x\2", text)
    streams: dict[str, list[Line]] = {}
    before = ""
    for raw in text.splitlines():
        if raw and raw == before:  # the same again says nothing new, and there may be a hundred thousand of it
            continue
        before = raw
        for piece in (raw,) if len(raw) <= _LONG else _pieces(raw):
            line = _line(piece)
            streams.setdefault(line.stream, []).append(line)
    return [line for stream in streams.values() for line in stream]


def _unescaped(text: str) -> str:
    text = text.replace("\\\\", _BACKSLASH)
    for escape, character in (("\\n", "\n"), ("\\r", "\n"), ("\\t", " "), ('\\"', '"'), ("\\/", "/")):
        text = text.replace(escape, character)
    return _CODE.sub(lambda match: chr(int(match[1], 16)), text).replace(_BACKSLASH, "\\")


def _pieces(raw: str) -> list[str]:
    """A line, in pieces that are not too long."""
    return [raw[start : start + _LONG] for start in range(0, len(raw), _LONG)]


def _line(raw: str) -> Line:
    stream, pointed = "", False
    start = 0
    for _ in range(6):
        match = _PREFIX.match(raw, start)
        if match is None or match.end() == start:
            break
        rank = match[1] or match[3] or match[4]
        stream = stream or (f"rank {rank}" if rank else match[2] or "")
        pointed = pointed or match[0].strip() == ">"
        start = match.end()
    rest = raw[start:]
    if not rest.isascii():
        rest = rest.translate(_BOX)
    if "---" in rest or "──" in rest or "━━" in rest or "══" in rest:
        rest = _RULE.sub(" ", rest)
    if ".py:" in rest:
        rest = _MARGIN.sub("", rest)
    return Line(rest.rstrip(), stream, pointed)
