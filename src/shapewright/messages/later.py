"""Regular expressions that are compiled when they are first used.

A call explains one message; the expressions for the other families, and for tracebacks where there is none, would cost more than all
the rest.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Later:
    __slots__ = ("_compiled", "_flags", "_source")

    def __init__(self, source: str, flags: int) -> None:
        self._source, self._flags = source, flags
        self._compiled: re.Pattern[str] | None = None

    def __getattr__(self, name: str) -> Any:
        if self._compiled is None:
            self._compiled = re.compile(self._source, self._flags)
        return getattr(self._compiled, name)


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, but it costs nothing until it is used. A wrong expression raises `re.error` at its first use."""
    return cast("re.Pattern[str]", _Later(source, flags))
