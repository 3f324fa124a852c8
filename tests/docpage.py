"""Pages whose blocks are run: each is compared with what really comes out.

A `python` block is run, all of a page in one namespace, and the `text` block that follows is what it prints. One that begins with a comment
such as `# net.py` is that file; with the path of a file of this repository (`# examples/net.py`) it is that very file. A `console` block is
a command with what it writes to both streams.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"```(python|text|console)\n(.*?)```\n", re.DOTALL)
_FILE = re.compile(r"# ((?:\w+/)*\w+\.py)\n")
_FRAME = re.compile(r'  File "(.*?)", line \d+, in .*')
_MARKS = re.compile(r"\s+[~^]+\n?")  # below a line of a traceback; they differ with the version of Python
_ELSEWHERE = "  …\n"

_LATE = "shapewright: looking for the cause of this failure\n"  # written by slow machines only


def as_run(text: str, folder: Path) -> str:
    """The text with what its blocks really print. Files are written to `folder`, commands are run in it."""
    scope: dict[str, object] = {"__name__": "page"}
    printed = io.StringIO()

    def block(match: re.Match[str]) -> str:
        kind, body = match.groups()
        if kind == "text":
            found = printed.getvalue()
            printed.seek(0)
            printed.truncate()
            return f"```text\n{found}```\n"
        assert not printed.getvalue(), f"nothing says what is printed before {body!r}"
        if kind == "console":
            command = body.partition("\n")[0]
            return f"```console\n{command}\n{written(command.removeprefix('$ '), folder).replace(_LATE, '')}```\n"
        named = _FILE.match(body)
        if named:
            return f"```python\n{named[0]}{_put(named[1], body.partition(chr(10))[2], folder)}```\n"
        with contextlib.redirect_stdout(printed):
            script = folder / "script.py"  # as a reader would have it: code that stands in a file
            script.write_text(body, encoding="utf-8")
            exec(compile(body, str(script), "exec"), scope)
        return match.group()

    result = _BLOCK.sub(block, text)
    assert not printed.getvalue()
    return result


def _put(name: str, source: str, folder: Path) -> str:
    """Write the file; what it holds."""
    original = ROOT / name
    if "/" in name:
        source = original.read_text(encoding="utf-8")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source, encoding="utf-8")
    return source


def written(command: str, folder: Path) -> str:
    """What `shapewright …` or `python …` writes to both streams, without the folder's name and without frames of files elsewhere."""
    first, *words = shlex.split(command)
    start = {"python": (), "shapewright": ("-m", "shapewright")}[first]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COLUMNS", "FORCE_COLOR", "SHAPEWRIGHT"))}
    done = subprocess.run(
        [sys.executable, *start, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        env={**kept, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    text = done.stdout.decode()
    for name in {str(folder), str(folder.resolve())}:
        text = text.replace(name + os.sep, "")
    return shortened(text)


def shortened(text: str) -> str:
    """The text with tracebacks that show the frames of files with relative names only."""
    lines: list[str] = []
    elsewhere = False
    for line in text.splitlines(keepends=True):
        frame = _FRAME.match(line)
        if frame:
            elsewhere = Path(frame[1]).is_absolute() or frame[1].startswith("<")
        elif not line.startswith("    "):
            elsewhere = False
        if not elsewhere and not _MARKS.fullmatch(line):
            lines.append(line)
        elif elsewhere and lines[-1] != _ELSEWHERE:
            lines.append(_ELSEWHERE)
    return "".join(lines)
