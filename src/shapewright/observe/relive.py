"""A failed call on live objects, made once more on fake tensors in a forked child, so that this process stays as it is."""

from __future__ import annotations

import ast
import contextlib
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from shapewright import wire
from shapewright.model import Span, Stop, Trace
from shapewright.observe import guard, hooks
from shapewright.observe.calls import given_tensors, mapped
from shapewright.observe.escaped import Escaped
from shapewright.observe.fakes import FakeRun
from shapewright.observe.finish import Finisher
from shapewright.observe.record import Recorder
from shapewright.source import Sources

LONGEST = 30.0  # seconds


def relive(found: Escaped, sources: Sources) -> Trace | None:
    """The trace of the outermost model's call, or of the failing statement outside of all models; None where it cannot be made again."""
    if not hasattr(os, "fork"):
        return None
    private = Path(tempfile.mkdtemp(prefix="shapewright-"))
    reader, writer = os.pipe()
    try:
        child = os.fork()
        if child == 0:
            os.close(reader)
            _child(found, sources, private, writer)
        os.close(writer)
        answer = _read(reader)
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    finally:
        os.close(reader)
        shutil.rmtree(private, ignore_errors=True)
    trace = wire.loads(answer) if answer else None
    return trace if isinstance(trace, Trace) else None


def _read(reader: int) -> bytes:
    deadline = time.monotonic() + LONGEST
    parts: list[bytes] = []
    while select.select([reader], [], [], max(deadline - time.monotonic(), 0))[0]:
        part = os.read(reader, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return b""


def _child(found: Escaped, sources: Sources, private: Path, writer: int) -> None:
    """Never returns."""
    try:
        signal.alarm(0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        torch.set_num_threads(1)  # the parent's threads have not come along, and a pool of them would be waited for
        guard.enforce(private)
        answer = wire.dumps(_again(found, sources, private)).encode()
        with os.fdopen(writer, "wb", closefd=False) as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _again(found: Escaped, sources: Sources, private: Path) -> Trace:
    recorder = Recorder(sources)
    run = FakeRun(recorder)
    uncaught: BaseException | None = None
    stop: Stop | None = None
    with guard.answers(private, recorder.assume), hooks.listening(recorder, construction=False), run.running():
        call, given = _call(found, sources, run)
        inputs = tuple(recorder.described(tensor) for tensor in given)
        try:
            with recorder:
                call()
        except Exception as error:
            uncaught = error
            stop = Stop(f"{type(error).__name__}: {error}"[:300], recorder.span_of(error))
    return replace(Finisher(recorder).trace("fake", stop, uncaught, (), True), inputs=inputs)


def _call(found: Escaped, sources: Sources, run: FakeRun) -> tuple[Callable[[], Any], list[torch.Tensor]]:
    """What is to be called, and the tensors that it is given."""
    if found.live is not None:
        model, args, kwargs = found.live
        given, named = mapped((args, dict(kwargs)), run.fake)
        return lambda: model(*given, **named), given_tensors((given, named))
    code = compile(_statement_at(found.place, sources), found.place.file, "exec")
    scope = {**found.frame.f_globals, **mapped(dict(found.frame.f_locals), run.fake)}
    return lambda: exec(code, scope), []


def _statement_at(place: Span, sources: Sources) -> ast.Module:
    """The statement in which the place lies, without its body; its nodes stay where they are in the file."""
    tree = ast.parse("\n".join(sources.lines(place.file)))
    around = [
        node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= place.line <= (node.end_lineno or node.lineno)
    ]
    inner = max(around, key=lambda node: (node.lineno, node.col_offset))
    if isinstance(inner, ast.Return):
        inner = ast.copy_location(ast.Expr(inner.value or ast.Constant(None)), inner)
    elif hasattr(inner, "body"):
        head = next(
            node for node in ast.iter_child_nodes(inner) if isinstance(node, ast.expr) and node.end_lineno and node.end_lineno >= place.line
        )
        inner = ast.copy_location(ast.Expr(head), head)
    return ast.fix_missing_locations(ast.Module([inner], []))
