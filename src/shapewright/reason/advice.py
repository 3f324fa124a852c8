"""What to do next when a target could not be analysed: name a Module that is in the file, with an input that fits its first layer. Pure."""

from __future__ import annotations

import ast

from shapewright.model import Stop, Trace
from shapewright.observe.request import Target
from shapewright.reason.places import parsed
from shapewright.source import read_source

_IMAGES = {"Conv1d": "1,{},128", "Conv2d": "1,{},224,224", "Conv3d": "1,{},16,64,64", "ConvTranspose2d": "1,{},8,8", "Linear": "1,{}"}
_SEQUENCES = {"LSTM": "1,16,{}", "GRU": "1,16,{}", "RNN": "1,16,{}"}


def what_next(target: Target, trace: Trace, stop: Stop) -> str:
    """One command to try; "" when the file has no Module."""
    if target.name or not target.file:
        return ""
    try:
        text = read_source(target.file)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ""
    models = modules_in(text)
    if not models:
        return "name a model: shapewright check FILE.py:Name --input 1,3,224,224" if stop.kind == "nothing" else ""
    name, shape, arguments = models[-1]
    init = f' --init "{arguments}"' if arguments else ""
    return f"check a Module of it: shapewright check {target.text}:{name}{init} --input {shape}"


def modules_in(text: str) -> list[tuple[str, str, str]]:
    """(name, input that fits its first layer, constructor arguments it needs) of each Module class in a source."""
    found = []
    for node in parsed(text).body:
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Module") for base in node.bases):
            found.append((node.name, _first_input(node), _needed(node)))
    return found


def _first_input(node: ast.ClassDef) -> str:
    for call in sorted((n for n in ast.walk(node) if isinstance(n, ast.Call)), key=lambda call: (call.lineno, call.col_offset)):
        kind = ast.unparse(call.func).rpartition(".")[2]
        first = call.args[0] if call.args else None
        size = first.value if isinstance(first, ast.Constant) and isinstance(first.value, int) else None
        if kind in _IMAGES and size:
            return _IMAGES[kind].format(size)
        if kind in _SEQUENCES and size:
            return _SEQUENCES[kind].format(size)
        if kind == "Embedding":
            return "1,16:int64"
    return "1,3,224,224"


def _needed(node: ast.ClassDef) -> str:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            arguments = statement.args
            positional = [argument.arg for argument in arguments.args[1:]]
            required = positional[: len(positional) - len(arguments.defaults)]
            return ", ".join(f"{name}=…" for name in required)
    return ""
