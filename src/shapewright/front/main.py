"""The `shapewright` command: words in, an exit code out; what goes wrong on the way is one clear sentence.

0: analysed, no error. 1: an error was found (with --strict also a warning). 2: wrong usage, or something could not be analysed.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> None:
    """The command, with the words of the command line or with others. Ends in SystemExit, but as its program does for `run`."""
    given = list(sys.argv[1:] if words is None else words)
    if given[:1] == ["run"] and given[1:2] not in ([], ["-h"], ["--help"]):
        # What the program raises is nobody's here. As under python, it has to reach the interpreter.
        from shapewright.front import run

        return run.run(given[1:])
    try:
        code = _run(given)
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except Exception as error:
        from shapewright.observe.request import UsageError

        sentence = f"shapewright: {error}" if isinstance(error, UsageError) else _internal(error, given)
        sys.stderr.write(f"{sentence}\n")
        code = 2
    sys.exit(code)


def _run(given: list[str]) -> int:
    if given[:1] == ["explain"] and not any(word.startswith("-") and word != "-" for word in given):
        # Without options nothing has to be parsed; click would cost as much as the whole answer.
        from shapewright.front import explain

        return explain.run(tuple(given[1:]))
    from shapewright.front import cli

    return cli.run(given)


def _internal(error: Exception, words: Sequence[str]) -> str:
    import platform
    import traceback

    from shapewright import __version__

    if os.environ.get("SHAPEWRIGHT_DEBUG"):
        traceback.print_exc()
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        "shapewright: this is a bug of shapewright, not of your program: "
        f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno})\n"
        f"  version {__version__}, Python {platform.python_version()}, {platform.platform()}; command: shapewright {' '.join(words)}"
    )


if __name__ == "__main__":
    main()
