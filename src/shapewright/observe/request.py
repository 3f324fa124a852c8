"""What is to be run, as the worker is told: plain data that can cross a process boundary. No torch."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal

from shapewright.model import Span

DTYPES = {
    "float": "float32", "float32": "float32", "f32": "float32", "float64": "float64", "double": "float64", "f64": "float64",
    "float16": "float16", "half": "float16", "f16": "float16", "bfloat16": "bfloat16", "bf16": "bfloat16", "int": "int64",
    "int64": "int64", "long": "int64", "i64": "int64", "int32": "int32", "i32": "int32", "int16": "int16", "i16": "int16",
    "int8": "int8", "i8": "int8", "uint8": "uint8", "u8": "uint8", "bool": "bool", "b8": "bool", "complex64": "complex64",
}  # fmt: skip


MOST_ELEMENTS = 1 << 34  # of an input: 64 GB of float32, more than anybody tries a model with


class UsageError(ValueError):
    """The user's words cannot be understood; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of the model: `1,3,64,64`, `x=2,16:int64`."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A script (`name` empty), or a name in a file or in a module; a module without a name runs as `python -m` would run it."""

    text: str  # as the user wrote it
    file: str = ""  # absolute; "" for a dotted module
    module: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a `for` loop in which a real run failed; the dry run takes it once more when the loop has ended."""

    head: Span  # what the loop iterates
    value: str  # what its target held, packed (`observe/given.py`)


@dataclass(frozen=True, slots=True)
class CallAgain:
    """A model's call in which a real run failed; the dry run makes it once more when the program has ended."""

    model: str  # its class name
    weights: str  # digest of the names and shapes of its parameters: which of the program's models it is
    training: bool
    arguments: str  # (args, kwargs), packed
    site: Span | None = None  # the user's expression that made the call


@dataclass(frozen=True, slots=True)
class Request:
    """One run."""

    target: Target
    cwd: str
    argv: tuple[str, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    init: str = ""  # constructor arguments as Python source: `latent_dim=64`
    overlay: Mapping[str, str] = field(default_factory=dict)
    time_limit: float = 60.0
    memory_limit: int = 4 << 30  # bytes
    how: Literal["auto", "eager", "fake"] = "auto"
    whole_loops: bool = False
    all_events: bool = False
    probe: bool = False  # after a run that went well, ask how its models take other batches
    probe_sizes: tuple[tuple[int, ...], ...] = ()  # …and which of these sizes of an image (height, width) they take
    turns: tuple[Turn, ...] = ()
    call: CallAgain | None = None


def parse_target(text: str, cwd: str | Path) -> Target:
    """`train.py`, `model.py:Net`, `package.module:name`. Raises UsageError."""
    head, separator, name = text.rpartition(":")
    if not separator or (len(head) == 1 and head.isalpha()):  # a drive letter is no file
        head, name = text, ""
    if separator and head and not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name) and name:
        raise UsageError(f"'{name}' in '{text}' is not a name; write FILE.py:Name or package.module:name")
    path = Path(cwd, head)
    if head.endswith(".py") or path.is_file():
        if not path.is_file():
            raise UsageError(f"there is no file '{head}'")
        return Target(text, file=str(path.resolve()), name=name)
    if path.is_dir() and not name:
        raise UsageError(f"'{head}' is a folder")
    if name and re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", head):
        return Target(text, module=head, name=name)
    raise UsageError(f"there is no file or folder '{head}'" + (", and it is no dotted module name" if name else ""))


def parse_input(text: str) -> InputSpec:
    """One `--input`: sizes, with an optional dtype and an optional keyword. Raises UsageError."""
    name, separator, rest = text.partition("=")
    if not separator:
        name, rest = "", text
    sizes, _, dtype = rest.partition(":")
    name, dtype = name.strip(), dtype.strip()
    if name and not name.isidentifier():
        raise UsageError(f"'{name}' in --input '{text}' is not a name")
    if dtype and dtype not in DTYPES:
        raise UsageError(f"unknown dtype '{dtype}' in --input '{text}'; for example float32, int64, bool")
    sizes = sizes.strip().strip("[]()").strip().removesuffix(",")
    words = re.split(r"\s*[,x×]\s*", sizes) if sizes else []
    if any(not re.fullmatch(r"-?\d{1,99}", word, re.ASCII) for word in words):
        raise UsageError(f"--input '{text}' is no shape; write sizes with commas, such as 1,3,64,64 or x=2,16:int64")
    shape = check_shape([int(word) for word in words], f"--input '{text}'")
    return InputSpec(shape, DTYPES.get(dtype, "float32"), name)


def check_shape(shape: Sequence[int], said: str) -> tuple[int, ...]:
    """The shape, if a tensor may have it. `said` is how it was written. Raises UsageError."""
    if any(size < 0 for size in shape):
        raise UsageError(f"{said} is no shape: no dim has the size {min(shape)}")
    elements = prod(max(size, 1) for size in shape)
    if elements > MOST_ELEMENTS:
        raise UsageError(f"{said} is too large: it has {elements:.3g} elements, and at most {MOST_ELEMENTS:.3g} can be tried")
    return tuple(shape)


def check_init(text: str) -> str:
    """Constructor arguments must be Python call arguments. Raises UsageError."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
    except SyntaxError:
        call = None
    if not isinstance(call, ast.Call):
        raise UsageError(f"--init '{text}' is not a list of arguments; write for example \"latent_dim=64, channels=(16, 32)\"")
    return text


def scripts_below(folder: Path) -> Sequence[Path]:
    """The Python files below a folder that mention torch; hidden folders, environments and caches are left out."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part in ("site-packages", "node_modules", "__pycache__", "venv", "env") for part in parts[:-1]):
            continue
        try:
            if b"torch" in path.read_bytes():
                found.append(path)
        except OSError:
            continue
    return found
