"""Saving and loading with torch and with libraries that open their files below Python.

`torch.save` pickles nothing: it keeps the object and writes a short mark in its place, so that a file that was copied, renamed or
read into memory still leads `torch.load` to the object. Other libraries are handed the path in the virtual tree.
"""

from __future__ import annotations

import copy
import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Any

from .guard_base import Answers
from .guard_files import Overlay

_MARK = b"shapewright keeps object %08d here\n"
_KEPT = re.compile(rb"shapewright keeps object (\d{8}) here\n")
_LENGTH = len(_MARK % 0)
_DBM_FILES = ("", ".db", ".dat", ".dir", ".bak", ".pag")

# module, attribute, position and name of the path
_WRITERS = (
    ("torch.jit", "save", 1, "f"), ("torch.jit._script", "RecursiveScriptModule.save", 1, "f"),
    ("torch.jit._script", "ScriptModule.save", 1, "f"), ("torch.export", "save", 1, "f"),
    ("torch.autograd.profiler", "profile.export_chrome_trace", 1, "path"),
    ("safetensors.torch", "save_file", 1, "filename"), ("safetensors.numpy", "save_file", 1, "filename"),
    ("cv2", "imwrite", 0, "filename"), ("cv2", "VideoWriter", 0, "filename"), ("h5py", "File.__init__", 1, "name"),
    ("soundfile", "write", 0, "file"), ("pyarrow.parquet", "write_table", 1, "where"),
)  # fmt: skip
_READERS = (
    ("torch.jit", "load", 0, "f"), ("torch.export", "load", 0, "f"),
    ("safetensors", "safe_open", 0, "filename"), ("safetensors.torch", "load_file", 0, "filename"),
    ("cv2", "imread", 0, "filename"), ("soundfile", "read", 0, "file"),
)  # fmt: skip


def install(answers: Answers, tree: Overlay) -> None:
    """Put the answers in place, for what is loaded now and for what the script loads later."""
    wanted: dict[str, list[Callable[[Any], None]]] = {}
    for module, path, position, name in _WRITERS:
        wanted.setdefault(module, []).append(
            functools.partial(_redirect, answers, path, position, name, functools.partial(_target, answers, tree))
        )
    for module, path, position, name in _READERS:
        wanted.setdefault(module, []).append(functools.partial(_redirect, answers, path, position, name, functools.partial(_source, tree)))
    wanted["torch"] = [functools.partial(_torch, answers, tree)]
    wanted["torch.onnx"] = [functools.partial(_onnx, answers, tree)]
    wanted["sqlite3"] = [functools.partial(_sqlite, answers, tree)]
    wanted["dbm"] = [functools.partial(_dbm, answers, tree)]
    for module, installs in wanted.items():
        answers.when_imported(module, functools.partial(_all, installs))


def _all(installs: list[Callable[[Any], None]], module: Any) -> None:
    for install in installs:
        install(module)


def _is_path(value: object) -> bool:
    return isinstance(value, str | bytes | os.PathLike)


def _target(answers: Answers, tree: Overlay, path: Any) -> str:
    place = tree.file(path)
    answers.say("save", f"saving {os.fsdecode(path)} was answered without touching the disk")
    return place


def _source(tree: Overlay, path: Any) -> Any:
    return tree.find(path) if tree.used else path


def _redirect(answers: Answers, path: str, position: int, keyword: str, place: Callable[[Any], Any], module: Any) -> None:
    """Let the function at `path` in the module work on the place in the tree."""
    *owners, name = path.split(".")
    owner = functools.reduce(lambda found, part: getattr(found, part, None), owners, module)
    call = getattr(owner, name, None)
    if call is None:
        return

    def answer(*args: Any, **options: Any) -> Any:
        if keyword in options and _is_path(options[keyword]):
            options[keyword] = place(options[keyword])
        elif len(args) > position and _is_path(args[position]):
            args = (*args[:position], place(args[position]), *args[position + 1 :])
        return call(*args, **options)

    answers.put(owner, name, functools.wraps(call)(answer))


def _torch(answers: Answers, tree: Overlay, torch: Any) -> None:
    kept: list[Any] = []
    load = torch.load

    def save(obj: Any, f: Any, *_: Any, **__: Any) -> None:
        kept.append(_copy(obj))
        mark = _MARK % (len(kept) - 1)
        if not _is_path(f):
            f.write(mark)
            return
        with open(tree.room(f), "wb") as file:
            file.write(mark)
        answers.say("save", f"torch.save to {os.fsdecode(f)} was answered without touching the disk")

    def answered_load(f: Any, *args: Any, **options: Any) -> Any:
        number = _kept_object(f)
        return load(f, *args, **options) if number is None else _copy(kept[number])

    for module in (torch, torch.serialization):
        answers.put(module, "save", save)
        answers.put(module, "load", functools.wraps(load)(answered_load))
    # There is no other process to share memory with.
    answers.put(torch.Tensor, "share_memory_", lambda self: self)


def _kept_object(f: Any) -> int | None:
    """The number of the object that this file stands for."""
    try:
        if _is_path(f):
            with open(f, "rb") as file:
                head = file.read(_LENGTH)
        else:
            at = f.tell()
            head = f.read(_LENGTH)
            f.seek(at)
        found = _KEPT.fullmatch(head)
    except (OSError, AttributeError, ValueError, TypeError):
        return None  # torch.load says itself what is wrong with it
    return int(found[1]) if found else None


def _copy(value: Any) -> Any:
    """The containers and modules anew, with the same tensors in them: later changes of one do not show in the other."""
    nn = sys.modules.get("torch.nn")
    try:
        if isinstance(value, dict):
            new = copy.copy(value)
            for key, item in value.items():
                new[key] = _copy(item)
            return new
        if type(value) in (list, tuple):
            return type(value)(_copy(item) for item in value)
        if nn is not None and isinstance(value, nn.Module):
            new = copy.copy(value)
            vars(new).update({name: _copy(part) for name, part in vars(value).items() if isinstance(part, dict)})
            return new
    except Exception:
        return value  # an object of the script's own that cannot be copied
    return value


def _onnx(answers: Answers, tree: Overlay, onnx: Any) -> None:
    """Exporting runs the model on the given input, which is all of it that has to do with shapes."""

    def export(model: Any, args: Any = (), f: Any = None, *_: Any, **options: Any) -> None:
        import torch

        given = args if isinstance(args, tuple) else (args,)
        named = dict(options.get("kwargs") or {})
        if given and isinstance(given[-1], dict):
            *rest, last = given
            given, named = tuple(rest), {**last, **named}
        training = model.training
        model.eval()
        try:
            with torch.no_grad():
                model(*given, **named)
        finally:
            model.train(training)
        if f is not None and _is_path(f):
            open(tree.room(f), "wb").close()
        answers.say("export", "torch.onnx.export was answered by running the model on the given input")

    answers.put(onnx, "export", export)


def _sqlite(answers: Answers, tree: Overlay, module: Any) -> None:
    connect = module.connect

    def answer(database: Any, *args: Any, **options: Any) -> Any:
        text = os.fsdecode(database) if _is_path(database) else database
        if not isinstance(text, str) or text in ("", ":memory:") or (options.get("uri") and ":memory:" in text):
            return connect(database, *args, **options)
        head, tail = "", ""
        if options.get("uri") and text.startswith("file:"):
            head, (text, mark, tail) = "file:", text.removeprefix("file:").partition("?")
            tail = mark + tail
        try:
            place = tree.file(text)
        except OSError:
            return connect(database, *args, **options)  # sqlite says itself that the folder is not there
        answers.say("database", f"the database {text} was opened as a copy")
        return connect(head + place + tail, *args, **options)

    answers.put(module, "connect", answer)
    answers.put(module.dbapi2, "connect", answer)


def _dbm(answers: Answers, tree: Overlay, module: Any) -> None:
    opening = module.open

    def answer(file: Any, *args: Any, **options: Any) -> Any:
        path = os.fsdecode(file)
        for ending in _DBM_FILES:
            if os.path.exists(path + ending):
                tree.file(path + ending)
        return opening(tree.file(path), *args, **options)

    answers.put(module, "open", answer)
