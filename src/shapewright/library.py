"""shapewright as a library: `check` and `trace`, for targets by name and for live models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from shapewright import session
from shapewright.model import Trace
from shapewright.observe.request import InputSpec, Request, Target, check_init, parse_input, parse_target
from shapewright.report import Report


def check(target: str | Callable[..., Any], *inputs: Any, **options: Any) -> Report:
    """Check a target, and give the report.

    `target` is what the command takes (`"train.py"`, `"model.py:Net"`), with inputs as texts (`"1,3,64,64"`); or a live module or
    function, with tensors as inputs and keyword inputs among the options. A live model is called once, in this process, and left as found.
    Options for a named target: `init`, `argv`, `time_limit` (seconds), `how` ("auto", "eager", "fake").
    Raises `ValueError` for words that cannot be understood.
    """
    if isinstance(target, str):
        from shapewright.observe.client import Worker

        with Worker() as worker:
            return session.report([_request(target, inputs, options)], worker.observe)
    seen = _live(target, inputs, options)
    return Report((session.judge(seen, Target(_name(target), name=_name(target)), keep_trace=True),), seen.torch_version)


def trace(model: str | Callable[..., Any], *inputs: Any, **options: Any) -> Trace:
    """The shape table of a model as data: every torch call of one run, in order. Takes what `check` takes."""
    report = check(model, *inputs, **{**options, "all_events": True} if isinstance(model, str) else options)
    seen = report.targets[0].trace
    assert seen is not None
    return seen


def _request(target: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Request:
    cwd = str(Path.cwd())
    known = {"init", "argv", "time_limit", "how", "all_events", "memory_limit"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ValueError(f"unknown option {unknown[0]!r}; there are {', '.join(sorted(known))}")
    specs = tuple(text if isinstance(text, InputSpec) else parse_input(str(text)) for text in inputs)
    options = {**options, "init": check_init(options.get("init", "")), "argv": tuple(options.get("argv", ()))}
    return Request(target=parse_target(target, cwd), cwd=cwd, inputs=specs, **options)


def _live(model: Callable[..., Any], inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Trace:
    from shapewright.observe.live import observe_live

    return observe_live(model, inputs, keywords)


def _name(model: Callable[..., Any]) -> str:
    return getattr(model, "__name__", type(model).__name__)
