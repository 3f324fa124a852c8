"""What all JSON documents share: who made them, and how they are written."""

from __future__ import annotations

import json
import sys
from typing import Any

from shapewright import __version__


def dumps(data: dict[str, Any]) -> str:
    """A document as text, indented, with a newline at its end; ASCII, so that it passes through any pipe."""
    return json.dumps(data, indent=2) + "\n"


def tool(torch_version: str = "") -> dict[str, Any]:
    """Who made a document."""
    return {"name": "shapewright", "version": __version__, "python": sys.version.split()[0], "torch": torch_version or None}
