"""Of the frames of a traceback: which line is the user's, and which layer it calls."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shapewright.messages.later import pattern
from shapewright.messages.traceback import Frame

_LIBRARY = pattern(
    r"site-packages|dist-packages|[/\\]lib(?:64)?[/\\]python\d|[/\\]Lib[/\\]|python\d\d?\.zip|<frozen |<string>|<eval_with_key>"
    r"|__torch__[/\\]"
    r"|(?:^|[/\\])torch[/\\](?:nn|_dynamo|_ops|_tensor|utils|autograd|fx|_inductor|distributed|_functorch|_subclasses|_prims|_refs|_meta)"
    r"|[/\\]multiprocessing[/\\]|runpy\.py|[/\\]bin[/\\][\w-]+$"
)
# A function of a wrapper (quantisation, LoRA, casting) that only hands its arguments on.
_HANDED_ON = pattern(r"(?:return )?(?:super\([^)]{0,60}\)\.\w+|originals?\.\w+|self\._?(?:orig\w*|base_layer|wrapped)\w*|\w+\.__call__)\(")
_CALL = pattern(r"(?<![\w.])((?:[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*|\[[^\]\[]{0,40}\])*)\(")
_MODULES = pattern(r"torch[/\\]nn[/\\](?:modules|parallel)")
_CALLED = {"_wrapped_call_impl", "_call_impl", "__call__", "forward", "Module._wrapped_call_impl", "Module._call_impl"}
_METHODS = {"forward", "_forward", "view", "size", "reshape", "permute", "dim", "log", "save_hyperparameters"}


def library(frame: Frame) -> bool:
    """Whether the file belongs to an installed package or to Python."""
    return bool(_LIBRARY.search(frame.file))


def own(frames: Sequence[Frame]) -> Frame | None:
    """The user's deepest frame that does more than hand its arguments on."""
    mine = [frame for frame in frames if not library(frame)]
    return next((frame for frame in reversed(mine) if not _HANDED_ON.match(frame.source)), mine[-1] if mine else None)


def layer(frame: Frame, frames: Sequence[Frame]) -> tuple[str | None, bool]:
    """What the line calls, where that is plain, and whether that holds layers of its own.

    `x = self.fc1(x)` calls `fc1`; `out = net(x)` calls `net` when the traceback goes on in modules. Of several layers on one line it is
    the one that the interpreter underlined, or none.
    """
    deeper = frames[len(frames) - list(reversed(frames)).index(frame) :] if frame in frames else []
    inside = any(_MODULES.search(one.file) and one.function in _CALLED for one in deeper)
    container = any(one.file.endswith("container.py") for one in deeper)
    if frame.marked:
        outermost = _outermost(frame.marked)
        return (_attribute(outermost, inside) if outermost else None), container
    called = {text: name for text in _CALL.findall(frame.source) if (name := _attribute(text, inside))}
    names = {name for text, name in called.items() if text.startswith("self.")} or set(called.values())
    return (names.pop() if len(names) == 1 else None), container


def _outermost(text: str) -> str | None:
    """The callee of a text that is one call: of `self.fc2(F.relu(self.fc1(x)))` it is `self.fc2`."""
    match = _CALL.match(text)
    if match is None:
        return text if re.fullmatch(r"[A-Za-z_][\w.]*", text) else None  # TorchScript marks the callee only
    depth = 0
    for place in range(match.end() - 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return match[1] if place == len(text) - 1 else None
    return None


def _attribute(callee: str, inside: bool) -> str | None:
    if callee.startswith("self."):
        name = callee.removeprefix("self.")
        return None if name.rpartition(".")[2] in _METHODS else name
    return callee if inside and "." not in callee and callee not in ("super", "print", "len", "range", "zip", "enumerate") else None
