"""The project's data as JSON and back, for the pipe between the processes. (What users get is `show/json.py`.)

A record becomes `[class name, {field: value}]` with the fields that differ from their default; a tuple becomes `["", …]`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from shapewright import model, report
from shapewright.observe import request

_CLASSES: dict[str, Any] = {
    name: value
    for module in (model, report, request)
    for name, value in vars(module).items()
    if isinstance(value, type) and dataclasses.is_dataclass(value)
}


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


# Most of what is sent: a call for each would take longer than all else.
_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
_MADE = frozenset({list, dict})

_FIELDS = {kind: [(field.name, _default(field)) for field in dataclasses.fields(kind)] for kind in _CLASSES.values()}


def dumps(value: Any) -> str:
    """A record as one line of JSON."""
    return json.dumps(_plain(value), separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """The record that `dumps` was given."""
    return _record(json.loads(text))


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    fields = _FIELDS.get(kind)
    if fields is not None:
        return [
            kind.__name__,
            {
                name: item if type(item) in _AS_THEY_ARE else _plain(item)
                for name, default in fields
                if (item := getattr(value, name)) is not default and item != default
            },
        ]
    if isinstance(value, tuple):
        return ["", *[item if type(item) in _AS_THEY_ARE else _plain(item) for item in value]]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)  # JSON has no such numbers, and nothing hangs on them
    return value


def _record(value: Any) -> Any:
    if type(value) is list:
        if value[0] == "":
            return tuple([_record(item) if type(item) in _MADE else item for item in value[1:]])
        return _CLASSES[value[0]](**{name: _record(item) if type(item) in _MADE else item for name, item in value[1].items()})
    if type(value) is dict:
        return {key: _record(item) for key, item in value.items()}
    return value
