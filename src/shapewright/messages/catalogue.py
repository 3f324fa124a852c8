"""All messages that are known, family by family."""

from __future__ import annotations

from shapewright.messages.families import linear
from shapewright.messages.template import Template

TEMPLATES: tuple[Template, ...] = (*linear.TEMPLATES,)
