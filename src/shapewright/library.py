"""shapewright as a library: `check` and `trace`, for targets by name and for live models."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, overload

from shapewright import session
from shapewright.model import Trace
from shapewright.observe.request import InputSpec, Request, Target, check_init, check_shape, parse_input, parse_target
from shapewright.report import Report

Named: TypeAlias = "str | os.PathLike[str]"
How: TypeAlias = Literal["auto", "eager", "fake"]


@overload
def check(
    target: Named,
    /,
    *inputs: Any,
    init: str = "",
    argv: Sequence[str] = (),
    time_limit: float = 60.0,
    how: How = "auto",
    fixes: bool = True,
) -> Report: ...


@overload
def check(target: Callable[..., Any], /, *inputs: Any, **keyword_inputs: Any) -> Report: ...


def check(target: Named | Callable[..., Any], /, *inputs: Any, **options: Any) -> Report:
    """Check a target, and give the report.

    A text or path is what the command takes: `"train.py"`, `"model.py:Net"`, `"package.models:make_net"`. It is run dry in a process of its
    own. Inputs are shapes: `"1,3,64,64"`, `"x=2,16:int64"`, `(1, 3, 64, 64)`; of a tensor only shape and dtype are taken. Options: `init`
    (constructor arguments, `"width=64"`), `argv` (the script's words), `time_limit` (seconds), `how` (`"auto"`, `"eager"`, `"fake"`),
    `fixes` (whether to look for fixes).

    Anything else is a live model, function or bound method: it is called once in this process, and left exactly as it was found. Inputs are
    whatever it takes, or shapes, which become tensors on its device. All keywords are inputs. When the call
    fails, fixes are looked for in a process of its own, where the class can be built anew from its file; that takes some seconds.

    Raises `ValueError` for words that cannot be understood and `TypeError` for what cannot be called so. What the program itself raises
    is told in the report.
    """
    if isinstance(target, str | os.PathLike):
        return _named(target, inputs, options)
    return _live_report(_seen(target, inputs, options), target, inputs, options)


@overload
def trace(
    model: Named, /, *inputs: Any, init: str = "", argv: Sequence[str] = (), time_limit: float = 60.0, how: How = "auto"
) -> Trace: ...


@overload
def trace(model: Callable[..., Any], /, *inputs: Any, **keyword_inputs: Any) -> Trace: ...


def trace(model: Named | Callable[..., Any], /, *inputs: Any, **options: Any) -> Trace:
    """The shape table of a model as data: every torch call of one run, in order. Takes and raises what `check` does."""
    if not isinstance(model, str | os.PathLike):
        return _seen(model, inputs, options)
    if "fixes" in options:
        raise ValueError("`trace` looks for no fixes; there is no option 'fixes'")
    seen = _named(model, inputs, {**options, "fixes": False}, table=True).targets[0].trace
    assert seen is not None
    return replace(seen, target=os.fspath(model))


def _named(target: Named, inputs: Sequence[Any], options: dict[str, Any], *, table: bool = False) -> Report:
    """Of a table only what fails is told, and all calls are kept."""
    request = replace(_request(os.fspath(target), inputs, options), all_events=table)
    from shapewright.observe.client import Worker

    with Worker() as worker:
        return session.report([request], worker.observe, mend=options.get("fixes", True), judge=not table)


def _request(target: str, inputs: Sequence[Any], options: dict[str, Any]) -> Request:
    known = ("init", "argv", "time_limit", "how", "fixes")
    for name in options:
        if name not in known:
            raise ValueError(
                f'there is no option {name!r} for a named target; there are {", ".join(known)}, and inputs are texts: "x=1,3,64,64"'
            )
    how, limit = options.get("how", "auto"), options.get("time_limit", 60.0)
    argv = options.get("argv", ())
    if how not in ("auto", "eager", "fake"):
        raise ValueError(f"how={how!r} is none of 'auto', 'eager' and 'fake'")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < 1e9:
        raise ValueError(f"time_limit={limit!r} is no number of seconds above 0")
    if isinstance(argv, str) or not all(isinstance(word, str) for word in argv):
        raise TypeError(f"argv={argv!r} is no list of words, such as ['--epochs', '3']")
    if not isinstance(options.get("init", ""), str):
        raise TypeError('init is a text of constructor arguments, such as "width=64, depth=2"')
    cwd = str(Path.cwd())
    return Request(
        target=parse_target(target, cwd),
        cwd=cwd,
        argv=tuple(argv),
        inputs=tuple(map(_spec, inputs)),
        init=check_init(options.get("init", "")),
        time_limit=float(limit),
        how=how,
    )


def _spec(given: Any) -> InputSpec:
    """The shape of one input of a named target."""
    if isinstance(given, InputSpec):
        return given
    if isinstance(given, str):
        return parse_input(given)
    if isinstance(given, tuple | list) and all(type(size) is int for size in given):
        return InputSpec(check_shape(given, repr(given)))
    shape, dtype = getattr(given, "shape", None), str(getattr(given, "dtype", "")).removeprefix("torch.")
    if isinstance(shape, tuple) and dtype:
        return InputSpec(tuple(int(size) for size in shape), dtype)
    raise TypeError(f'an input of a named target is a shape, such as "1,3,64,64" or (1, 3, 64, 64), and no {type(given).__name__}')


def _seen(model: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> Trace:
    """The trace of a live model. Raises TypeError for what is none."""
    if not callable(model):
        raise TypeError(f'a {type(model).__name__} cannot be checked; give a model, a function, or a text such as "train.py"')
    if isinstance(model, type):
        raise TypeError(f'{model.__name__} is a class; give an instance of it, or "FILE.py:{model.__name__}"')
    from shapewright.observe.live import observe_live

    return replace(observe_live(model, inputs, keywords), target=_name(model))


def _live_report(seen: Trace, model: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> Report:
    """What is to be said of a live model's call. When it failed, fixes are looked for, if its class can be built from its file."""
    told = session.judge(seen, Target(seen.target, name=seen.target), keep_trace=True)
    if told.verdict == "error":
        from shapewright import postmortem
        from shapewright.observe.client import Worker
        from shapewright.observe.rebuilt import built_again

        weights, ways = built_again(model, inputs, keywords)
        if ways:
            with Worker() as worker:
                mended = postmortem.of_model(seen, ways, weights, worker.observe)
            told = replace(mended, trace=seen, events=seen.total_events, inputs=seen.inputs) if mended is not None else told
    return Report((told,), seen.torch_version)


def _name(model: Any) -> str:
    """`Net` for a model, `Net.encode` for its method, `loss` for a function."""
    if isinstance(model, functools.partial):
        return _name(model.func)
    if hasattr(model, "_orig_mod"):  # what torch.compile has made
        return _name(model._orig_mod)
    name = getattr(model, "__name__", "")
    if not isinstance(name, str) or not name:
        return type(model).__name__
    return f"{_name(model.__self__)}.{name}" if inspect.ismethod(model) else name
