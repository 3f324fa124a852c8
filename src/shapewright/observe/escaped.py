"""An exception that escaped from a real run → plain facts: where the user's program stood, and what the failing call was given.

Everything is read from the frames that the traceback keeps alive. Nothing is called but `getattr` on modules, and nothing is changed.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import nn

from shapewright.model import Span, TensorInfo
from shapewright.observe.calls import tensors_of
from shapewright.observe.finish import weighed
from shapewright.observe.given import pack
from shapewright.observe.rebuilt import Construction, Scope, constructions
from shapewright.observe.request import CallAgain, Turn
from shapewright.source import Sources, text_in

_TORCH = os.path.dirname(os.path.realpath(torch.__file__)) + os.sep
_MODULE_CALL = os.path.join("torch", "nn", "modules", "module.py")
# Both hand on an exception of another process or thread, as text: where it arose no frame tells.
_CARRIERS = (os.path.join("torch", "_utils.py"), os.path.join("torch", "multiprocessing", "spawn.py"))
# The user's code is compiled, and not in the frames.
_COMPILER = os.path.join("torch", "_dynamo", "")
_TYPES = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
# What torch raises for other reasons than sizes, by type.
_OTHER_REASONS = ("OutOfMemoryError", "AcceleratorError", "NotImplementedError", "DistBackendError")
_DEEPEST = 2000


@dataclass(frozen=True, slots=True)
class Escaped:
    """What is known of a failure without running anything."""

    error: BaseException
    place: Span  # the user's innermost expression
    stack: tuple[Span, ...]  # the user's further ones, from the inner to the outer
    operands: tuple[TensorInfo, ...]  # what the failing call was given, as far as the frames tell
    carried: bool  # it arose elsewhere, in a loader's worker say, and was handed on
    turns: tuple[Turn, ...]
    call: CallAgain | None
    built: tuple[Construction, ...]  # how the outermost model may be built again
    live: tuple[nn.Module, tuple[Any, ...], Mapping[str, Any]] | None  # the outermost model that the user wrote, with its arguments
    frame: FrameType  # the user's innermost


def escaped(error: BaseException, sources: Sources) -> Escaped | None:
    """The facts of the exception, or of the one behind it that torch raised; None when no call of torch failed."""
    for link in _chain(error):
        frames = list(frames_of(link.__traceback__))
        own = [number for number, (frame, _, _) in enumerate(frames) if sources.is_user(frame.f_code.co_filename)]
        for number in own:
            sources.learn_loop_heads(frames[number][0].f_code.co_filename)
        if own and _of_torch(link, frames, own[-1], sources):
            return _facts(link, frames, own, sources)
    return None


def without_source(error: BaseException) -> bool:
    """Whether it comes from a call of torch in code that stands in no file: standard input, `python -c`, `exec`."""
    frames = [frame for frame in frames_of(error.__traceback__) if not os.path.realpath(frame[0].f_code.co_filename).startswith(_TORCH)]
    return bool(frames) and frames[-1][0].f_code.co_filename.startswith("<") and not _raises(*frames[-1][:2])


_Frame = tuple[FrameType, int, int]  # with the instruction and the line


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def frames_of(traceback: TracebackType | None) -> Iterator[_Frame]:
    """From the outer to the inner."""
    count = 0
    while traceback is not None and count < _DEEPEST:
        yield traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno
        traceback, count = traceback.tb_next, count + 1


def _of_torch(error: BaseException, frames: Sequence[_Frame], own: int, sources: Sources) -> bool:
    """Whether a call of torch raised it: below the user's last frame stands torch, or that frame itself called it with a tensor."""
    known = isinstance(error, _TYPES) or type(error).__module__.startswith("torch.")
    if not known or type(error).__name__ in _OTHER_REASONS:
        return False
    if any(os.path.realpath(frame.f_code.co_filename).startswith(_TORCH) for frame, _, _ in frames[own + 1 :]):
        return True
    if own != len(frames) - 1:
        return False
    frame, lasti, _ = frames[own]
    if _raises(frame, lasti):
        return False
    return any(isinstance(value, torch.Tensor | nn.Module) or value is torch for value in _named(frame, lasti, sources))


def _raises(frame: FrameType, lasti: int) -> bool:
    """Whether the frame's instruction is a `raise` of its own."""
    code = frame.f_code.co_code
    return 0 <= lasti < len(code) and dis.opname[code[lasti]] in ("RAISE_VARARGS", "RERAISE")


def _named(frame: FrameType, lasti: int, sources: Sources) -> list[Any]:
    """The values of all names and attributes in the failing expression."""
    tree = expression(frame, lasti, sources)
    if tree is None:
        return []
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
    return [value for node in nodes for value in value_of(node, frame)]


def _span(frame: FrameType, lasti: int, sources: Sources) -> Span:
    """The user's expression; for `b, c = x.shape`, which Python refuses at its names, what gives the shape."""
    span = sources.code_span(frame.f_code, lasti)
    code = frame.f_code.co_code
    if 0 <= lasti < len(code) and dis.opname[code[lasti]] in ("UNPACK_SEQUENCE", "UNPACK_EX"):
        with contextlib.suppress(SyntaxError, ValueError):
            for node in ast.walk(ast.parse("\n".join(sources.lines(span.file)))):
                if isinstance(node, ast.Assign) and span in [sources.node_span(span.file, target) for target in node.targets]:
                    return sources.node_span(span.file, node.value)
    return span


def expression(frame: FrameType, lasti: int, sources: Sources) -> ast.expr | None:
    span = _span(frame, lasti, sources)
    text = text_in(sources.lines(span.file), span)
    for candidate in (text, f"({text})"):
        try:
            return ast.parse(candidate.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            continue
    try:  # a statement: `x += y`, `x[i] = y`
        statement = ast.parse(text.strip()).body[0]
    except (SyntaxError, ValueError, IndexError):
        return None
    parts = [node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.expr)]
    return ast.Tuple(elts=parts, ctx=ast.Load())


def value_of(node: ast.expr, frame: FrameType) -> list[Any]:
    """The value of a name, or of an attribute of a module, in one list; none when it is not known."""
    if isinstance(node, ast.Name):
        for scope in (frame.f_locals, frame.f_globals):
            if node.id in scope:
                return [scope[node.id]]
        return []
    if isinstance(node, ast.Attribute):
        owner = value_of(node.value, frame) if isinstance(node.value, ast.Name | ast.Attribute) else []
        if owner and isinstance(owner[0], nn.Module):
            try:
                return [getattr(owner[0], node.attr)]
            except Exception:
                return []
        if owner and owner[0] is not None and hasattr(type(owner[0]), "__dict__"):
            found = getattr(owner[0], "__dict__", {})  # no property is run
            return [found[node.attr]] if isinstance(found, dict) and node.attr in found else []
    return []


def _facts(error: BaseException, frames: list[_Frame], own: list[int], sources: Sources) -> Escaped:
    inner = own[-1]
    calls = [(frame, module) for frame, _, _ in frames for module in called_modules(frame)]
    below = [(frame, module) for frame, _, _ in frames[inner + 1 :] for module in called_modules(frame)]
    spans = [_span(*frames[number][:2], sources) for number in reversed(own)]
    first = next((number for number, (frame, _, _) in enumerate(frames) if called_modules(frame)), len(frames))
    outermost = calls[0] if calls else None
    site = next((sources.code_span(frames[number][0].f_code, frames[number][1]) for number in reversed(own) if number < first), None)
    scopes = [Scope(frame.f_code.co_filename, {**frame.f_globals, **frame.f_locals}) for frame, _, _ in (frames[number] for number in own)]
    return Escaped(
        error=error,
        place=spans[0],
        stack=tuple(spans[1:]),
        operands=_operands(frames[inner], below, sources),
        carried=any(_hides(frame.f_code.co_filename) for frame, _, _ in frames[inner + 1 :]),
        turns=tuple(turn for number in own for turn in _turns(frames[number], sources)),
        call=_again(*outermost, site) if outermost is not None else None,
        built=constructions(outermost[1], scopes, sources) if outermost is not None else (),
        live=(outermost[1], *arguments(outermost[0])) if outermost is not None and inner > first else None,
        frame=frames[inner][0],
    )


def _hides(file: str) -> bool:
    return file.endswith(_CARRIERS) or _COMPILER in file


def called_modules(frame: FrameType) -> list[nn.Module]:
    """The module whose call this frame is, in one list."""
    code = frame.f_code
    if code.co_name in ("_wrapped_call_impl", "_call_impl") and code.co_filename.endswith(_MODULE_CALL):
        module = frame.f_locals.get("self")
        if isinstance(module, nn.Module):
            return [module]
    return []


def arguments(frame: FrameType) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return frame.f_locals.get("args", ()), frame.f_locals.get("kwargs", {})


def _operands(inner: _Frame, below: Sequence[tuple[FrameType, nn.Module]], sources: Sources) -> tuple[TensorInfo, ...]:
    """The tensors that the innermost call of a layer was given, else those that the user's own expression names as operands."""
    if below:
        if not type(below[-1][1]).__module__.startswith("torch.nn."):
            return ()  # a layer of another library, in which any call may have failed
        return tuple(map(_info, tensors_of(arguments(below[-1][0]))))
    frame, lasti, _ = inner
    tree = expression(frame, lasti, sources)
    if isinstance(tree, ast.Call):
        parts = [*tree.args, *(word.value for word in tree.keywords)]
        if isinstance(tree.func, ast.Attribute):
            parts.append(tree.func.value)
    elif isinstance(tree, ast.BinOp):
        parts = [tree.left, tree.right]
    elif isinstance(tree, ast.Tuple):
        parts = list(tree.elts)
    else:
        parts = []
    values = [value for part in parts for value in value_of(part, frame)]
    return tuple(_info(value) for value in values if isinstance(value, torch.Tensor))


def _info(tensor: torch.Tensor) -> TensorInfo:
    return TensorInfo(tuple(int(size) for size in tensor.shape), str(tensor.dtype).removeprefix("torch."))


def _again(frame: FrameType, module: nn.Module, site: Span | None) -> CallAgain | None:
    packed = pack(arguments(frame))
    if packed is None:
        return None
    return CallAgain(type(module).__name__, weighed([module])[1], module.training, packed, site)


# --------------------------------------------------------------------------------------------------------------------- loops


def _turns(of: _Frame, sources: Sources) -> Iterator[Turn]:
    """The `for` loops of the frame that were running, from the outer to the inner, with what their targets hold."""
    frame, _, line = of
    file = frame.f_code.co_filename
    for loop in _loops_around(sources, file, line):
        value = _target(loop.target, frame.f_locals)
        packed = pack(value[0]) if value else None
        if packed is not None:
            yield Turn(sources.node_span(file, loop.iter), packed)


def _loops_around(sources: Sources, file: str, line: int) -> list[ast.For]:
    try:
        tree = ast.parse("\n".join(sources.lines(file)))
    except (SyntaxError, ValueError):
        return []
    found: list[ast.For] = []

    def look(body: Sequence[ast.stmt]) -> None:
        for node in body:
            if not node.lineno <= line <= (node.end_lineno or node.lineno):
                continue
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.clear()  # loops around a definition are no loops of its frame
            if isinstance(node, ast.For) and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0):
                found.append(node)
            for name in ("body", "orelse", "finalbody"):
                look(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                look(handler.body)
            for case in getattr(node, "cases", []):
                look(case.body)

    look(tree.body)
    return found


def _target(node: ast.expr, scope: Mapping[str, Any]) -> list[Any]:
    """What a loop's target holds, in one list; none when it is not made of plain names that are there."""
    if isinstance(node, ast.Name):
        return [scope[node.id]] if node.id in scope else []
    if isinstance(node, ast.Tuple | ast.List):
        parts = [_target(part, scope) for part in node.elts]
        return [tuple(part[0] for part in parts)] if all(parts) else []
    return []
