"""Python's own syntax tree of a text, whatever the text is. Pure."""

from __future__ import annotations

import ast
import warnings


def parsed(text: str, mode: str = "exec") -> ast.AST | None:
    """Python's own tree of a text, None when it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user's `"\\d"` is not ours to remark on
        try:
            tree: ast.AST = ast.parse(text, mode=mode)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return tree
