"""`shapewright explain`: a text from wherever the user has it, and the answer to it.

Neither torch nor, without colours, rich is imported.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from shapewright.front import output
from shapewright.messages import Unknown, explain
from shapewright.show.paint import paint
from shapewright.show.text import Line, Look

if TYPE_CHECKING:
    from shapewright.messages import Explanation

_SLUG = re.compile(r"[a-z]{2,20}(?:-[a-z]{2,20}){1,4}")
_CLIPBOARDS = (
    ("pbpaste",), ("wl-paste", "--no-newline"), ("xclip", "-selection", "clipboard", "-o"), ("xsel", "--clipboard", "--output"),
    ("powershell.exe", "-NoProfile", "-Command", "Get-Clipboard -Raw"), ("termux-clipboard-get",),
)  # fmt: skip


def run(
    words: tuple[str, ...],
    *,
    file: str | None = None,
    clipboard: bool = False,
    listing: bool = False,
    format_: str = "terminal",
    verbose: bool = False,
) -> int:
    """Answer, and give the exit code: 0, or 2 when no known message is in the text."""
    if listing:
        return _list(format_)
    if len(words) == 1 and not file and not clipboard and _SLUG.fullmatch(words[0]):
        return _page(words[0], format_)
    answer = explain(_text(words, file, clipboard), source=_line)
    answer = answer if isinstance(answer, Unknown) else from_here(answer)
    offer = "" if isinstance(answer, Unknown) else _offer(answer)
    if format_ == "json":
        from shapewright.show import document, explanation

        output.write(document.dumps(explanation.document(answer, offer, document.tool())))
    else:
        from shapewright.show import explanation

        if isinstance(answer, Unknown):
            sys.stderr.write(f"shapewright: {explanation.unknown(answer)}\n")
        else:
            _write(explanation.terminal(answer, offer, _look(verbose)))
    return 2 if isinstance(answer, Unknown) else 0


def _look(verbose: bool = False) -> Look:
    cells: Callable[[str], int] = len
    if output.colour():
        from rich.cells import cell_len

        cells = cell_len
    return Look(width=max(output.width(), 20), cells=cells, unicode=output.unicode(), verbose=verbose)


def _write(lines: list[Line]) -> None:
    output.write(paint(lines, colour=output.colour()))


# ------------------------------------------------------------------------------------------------------------------- pages


def _list(format_: str) -> int:
    from shapewright.reason.pages import pages
    from shapewright.show import page

    if format_ == "json":
        from shapewright.show import document

        slugs = [{"slug": one.slug, "kind": one.kind, "headline": one.headline} for one in pages().values()]
        output.write(document.dumps({"schema": 1, "tool": document.tool(), "slugs": slugs}))
    else:
        _write(page.listed(pages(), _look()))
    return 0


def _page(slug: str, format_: str) -> int:
    from shapewright.reason import pages
    from shapewright.show import page

    one = pages.page(slug)
    if one is None:
        from difflib import get_close_matches

        near = get_close_matches(slug, pages.pages(), n=1)
        hint = f"did you mean '{near[0]}'?" if near else "`shapewright explain --list` lists them"
        raise _usage(f"no rule is called '{slug}'; {hint}")
    if format_ == "json":
        from shapewright.show import document

        data = {"slug": slug, "kind": one.kind, "headline": one.headline, "page": page.markdown(one)}
        output.write(document.dumps({"schema": 1, "tool": document.tool(), **data}))
    else:
        _write(page.terminal(one, _look()))
    return 0


# ---------------------------------------------------------------------------------------------------------------- the text


def _text(words: tuple[str, ...], file: str | None, clipboard: bool) -> str:
    """The text to explain; one source only."""
    if (bool(words) + bool(file) + clipboard) > 1:
        raise _usage("give one text: a message, - for standard input, --file LOG, or --clipboard")
    if file:
        return _file(file)
    if clipboard:
        return _clipboard()
    if words == ("-",) or (not words and not sys.stdin.isatty()):
        from shapewright.messages.clean import decode

        return decode(sys.stdin.buffer.read())
    if not words:
        raise _usage(
            'give the error in quotes, or a text on standard input: shapewright explain "mat1 and mat2 shapes cannot be multiplied …"'
        )
    if len(words) == 1 and len(words[0]) < 1000 and os.path.isfile(words[0]):
        return _file(words[0])
    return " ".join(words)


def _file(name: str) -> str:
    from shapewright.messages.clean import decode

    try:
        with open(name, "rb") as file:
            return decode(file.read())
    except OSError as error:
        raise _usage(f"'{name}' cannot be read: {error.strerror or error}") from None


def _clipboard() -> str:
    import shutil
    import subprocess

    from shapewright.messages.clean import decode

    for command in _CLIPBOARDS:
        if shutil.which(command[0]):
            try:
                done = subprocess.run(command, capture_output=True, timeout=10, check=False)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if done.returncode == 0 and done.stdout.strip():
                return decode(done.stdout)
    programs = ", ".join(command[0] for command in _CLIPBOARDS)
    raise _usage(f"the clipboard cannot be read, or is empty ({programs} are tried); paste the text into `shapewright explain -`")


def _usage(sentence: str) -> Exception:
    from shapewright.observe.request import UsageError

    return UsageError(sentence)


# --------------------------------------------------------------------------------------------------- the user's own files


def _line(file: str, line: int) -> str:
    """A line of a file that is here, or ""."""
    try:
        if not file.endswith(".py") or os.path.getsize(file) > 4_000_000:
            return ""
        with open(file, encoding="utf-8", errors="replace") as lines:
            return next((text.rstrip() for number, text in enumerate(lines, 1) if number == line), "")
    except (OSError, ValueError):
        return ""


def from_here(answer: Explanation) -> Explanation:
    """The answer with its file as it is seen from the working directory."""
    return answer._replace(at=answer.at._replace(file=_here(answer.at.file))) if answer.at else answer


def _here(file: str) -> str:
    """The path from the working directory for a file below it; any other one as the text has it."""
    if os.path.isabs(file) and os.path.isfile(file):
        from shapewright.show.paths import relative

        near = relative(file)
        return file if near.startswith("..") else near
    return file


def _offer(answer: Explanation) -> str:
    """What shapewright can do with the program itself, when it is here."""
    for file in (answer.script, answer.at.file if answer.at else ""):
        if file.endswith(".py") and os.path.isfile(file):
            return f"`shapewright check {_here(file)}` runs the program dry and shows fixes that were proven by running them"
    return ""
