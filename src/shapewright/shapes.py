"""The language of shapes: `"B 3 H W"`, `"B 2*C H//2"`, `"B T:int64"`, `"B ... 10"`. Texts in, agreement or disagreement out; pure.

A dim is a number, a name that stands for one size wherever it is written, arithmetic on names, `_` or `*` for any size, or `...` for
any number of dims. Every mistake in a text is a `ValueError` of one sentence that says which text and where it stood.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import prod
from typing import Any, Literal

from shapewright.model import SHORT_DTYPES

ANY = ("_", "*")
REST = ("...", "…")
UNNAMED = (
    "_ "  # begins the name of a `_` or `*` of an input, so that it is chosen a size like any letter; nobody can write a space in a name
)
MOST_ELEMENTS = 1 << 60  # no tensor has more
LONGEST = 500  # characters: far above any shape, far below what troubles the parser
_OTHER_DTYPES = {
    "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "short": "int16", "cfloat": "complex64",
    "cdouble": "complex128", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64",
}  # fmt: skip
DTYPES = {name: name for name in SHORT_DTYPES} | {short: name for name, short in SHORT_DTYPES.items()} | _OTHER_DTYPES
_OPERATORS: dict[type[ast.operator], tuple[Callable[[int, int], int], str]] = {
    ast.Add: (operator.add, "+"), ast.Sub: (operator.sub, "-"), ast.Mult: (operator.mul, "*"),
    ast.FloorDiv: (operator.floordiv, "//"), ast.Mod: (operator.mod, "%"), ast.Div: (operator.floordiv, "/"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dim:
    """One dim as it was written. `names` are those in it, in order; `tree` is what is to be reckoned."""

    text: str
    kind: Literal["any", "rest", "size"]
    names: tuple[str, ...] = ()
    tree: ast.expr | None = None

    @property
    def name(self) -> str:
        """The name, when the dim is nothing but one."""
        return self.tree.id if isinstance(self.tree, ast.Name) else ""


@dataclass(frozen=True, slots=True)
class Spec:
    """The shape of one tensor. `place` says whose: `input`, `output[1]`, `output["logits"]`; `dtype` is "" for any."""

    text: str
    place: str
    dims: tuple[Dim, ...]
    dtype: str = ""

    @property
    def letters(self) -> set[str]:
        return {dim.name for dim in self.dims if dim.name}


@dataclass(frozen=True, slots=True)
class Misfit:
    """What came is not what was promised. `dims` are the places of the clash in the shape that came, `wanted` the sizes promised
    (None: any); both are empty where the number of dims, the dtype or the kind of thing is wrong. `why` is said to the user."""

    place: str
    why: str
    spec: Spec | None = None
    came: tuple[int, ...] | None = None
    dtype: str = ""
    dims: tuple[int, ...] = ()
    wanted: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One output dim of one run: which dim of which promise it is, where it stands in the tensor, and its size."""

    place: str
    dim: int
    at: int
    size: int


# ── reading texts ──


def parse(text: str, place: str) -> Spec:
    """A text as a `Spec`. Raises ValueError."""
    if len(text) > LONGEST:
        raise ValueError(f"the shape for {place} has {len(text)} characters; no shape needs more than {LONGEST}")
    shape, colon, word = text.partition(":")
    dtype = DTYPES.get(word.strip().removeprefix("torch."), "")
    if colon and not dtype:
        raise ValueError(f"{text!r} for {place}: {word.strip()!r} is no dtype; write one like float32, int64 or bool after the colon")
    dims = tuple(_dim(word, text, place) for word in _words(_bare(shape.strip())))
    if sum(dim.kind == "rest" for dim in dims) > 1:
        raise ValueError(f"{text!r} for {place}: `...` may stand once only")
    return Spec(text, place, dims, dtype)


def _bare(shape: str) -> str:
    """Without the brackets around the whole, as shapes are often printed."""
    if re.fullmatch(r"\[[^\[\]]*\]|\((|[^()]*,[^()]*)\)", shape):
        return shape[1:-1]
    return shape


def _words(shape: str) -> Iterator[str]:
    """The dims: what spaces and commas outside parentheses keep apart."""
    depth, word = 0, ""
    for char in shape:
        depth += (char == "(") - (char == ")")
        if depth <= 0 and (char.isspace() or char == ","):
            if word:
                yield word
            word = ""
        else:
            word += char
    if word:
        yield word


def _dim(word: str, text: str, place: str) -> Dim:
    if word in ANY:
        return Dim(word, "any")
    if word in REST:
        return Dim("...", "rest")
    try:
        tree = ast.parse(word, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            f"{text!r} for {place}: {word!r} is no dim; write a number, a name, `_`, `...` or arithmetic without spaces like `H//2`"
        ) from None
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) and isinstance(tree.operand, ast.Constant):
        raise ValueError(f"{text!r} for {place}: no dim has the size {word}; write `_` for any size")
    names = tuple(dict.fromkeys(_names(tree, text, place, word)))
    if not names and (size := _reckon(tree, {})) < 0:
        raise ValueError(f"{text!r} for {place}: no dim has the size {size}")
    return Dim(word, "size", names, tree)


def _names(tree: ast.expr, text: str, place: str, word: str) -> Iterator[str]:
    """The names in an expression, left to right. Raises ValueError when there is more in it than numbers, names and + - * / // %."""
    if isinstance(tree, ast.Name):
        yield tree.id
    elif isinstance(tree, ast.BinOp) and type(tree.op) in _OPERATORS:
        yield from _names(tree.left, text, place, word)
        yield from _names(tree.right, text, place, word)
        if isinstance(tree.right, ast.Constant) and tree.right.value == 0 and isinstance(tree.op, ast.Div | ast.FloorDiv | ast.Mod):
            raise ValueError(f"{text!r} for {place}: {word!r} divides by 0")
    elif not (isinstance(tree, ast.Constant) and type(tree.value) is int):
        raise ValueError(f"{text!r} for {place}: {word!r} may hold whole numbers, names and + - * / // % only")


# ── whole inputs and outputs ──


def specs(tree: Any) -> Iterator[Spec]:
    """All specs in what `inputs` and `promised` give."""
    if isinstance(tree, Spec):
        yield tree
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from specs(part)
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from specs(part)


def inputs(given: Any) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments with a `Spec` in the place of each text. Anything else in a tuple or dict stays what it is: an
    argument as the model wants it. `_` becomes a letter of its own, `...` no dims at all. Raises ValueError for a bad text."""
    spare = count(1)
    if isinstance(given, str):
        return [_input(given, "input", spare)], {}
    if isinstance(given, Mapping):
        return [], {str(name): _input(part, f"input[{name!r}]", spare) for name, part in given.items()}
    if isinstance(given, tuple | list):
        return [_input(part, f"input[{i}]", spare) for i, part in enumerate(given)], {}
    raise ValueError(f"`input` must be a text like 'B 3 H W', or a tuple or dict of such texts, not {type(given).__name__}")


def _input(part: Any, place: str, spare: Iterator[int]) -> Any:
    if type(part) in (tuple, list):
        return type(part)(_input(one, f"{place}[{i}]", spare) for i, one in enumerate(part))
    if not isinstance(part, str):
        return part
    spec = parse(part, place)
    dims = (_letter(f"{UNNAMED}{next(spare)}") if dim.kind == "any" else dim for dim in spec.dims if dim.kind != "rest")
    return replace(spec, dims=tuple(dims))


def _letter(name: str) -> Dim:
    return Dim(name, "size", (name,), ast.Name(name))


def promised(given: Any, place: str = "output") -> Any:
    """The same tree with a `Spec` in the place of each text; None promises nothing. Raises ValueError for a bad text."""
    if given is None:
        return None
    if isinstance(given, str):
        return parse(given, place)
    if isinstance(given, Mapping):
        return {name: promised(part, f"{place}[{name!r}]") for name, part in given.items()}
    if isinstance(given, tuple | list):
        return tuple(promised(part, f"{place}[{i}]") for i, part in enumerate(given))
    raise ValueError(
        f"the promise for {place} must be a text like 'B 10', a tuple or dict of such texts, or None, not {type(given).__name__}"
    )


def unbound(outputs: Any, known: set[str]) -> None:
    """Raises ValueError when a name of the outputs is only reckoned with: nothing would say what size it has."""
    known = known | {letter for spec in specs(outputs) for letter in spec.letters}
    for spec in specs(outputs):
        for dim in spec.dims:
            for name in dim.names:
                if name not in known:
                    raise ValueError(f"{spec.text!r} for {spec.place}: nothing says what `{name}` is; it must stand alone somewhere")


# ── sizes ──


def size_of(dim: Dim, sizes: Mapping[str, int], spec: Spec) -> int:
    """The size of a dim when its names have these sizes. Raises ValueError when that is no size: not whole, or below 0."""
    assert dim.tree is not None
    used = ", ".join(f"{name} = {sizes[name]}" for name in dim.names)
    try:
        size = _reckon(dim.tree, sizes)
    except ArithmeticError:
        raise ValueError(
            f"{spec.text!r} for {spec.place}: `{dim.text}` is no whole number for {used}; choose others with `sizes`"
        ) from None
    if size < 0:
        raise ValueError(f"{spec.text!r} for {spec.place}: `{dim.text}` is {size} for {used}; choose others with `sizes`")
    return size


def shape_of(spec: Spec, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of an input when its names have these sizes. Raises ValueError when no tensor can have it."""
    shape = tuple(size_of(dim, sizes, spec) for dim in spec.dims)
    if (elements := prod(max(size, 1) for size in shape)) > MOST_ELEMENTS:
        used = ", ".join(f"{name} = {sizes[name]}" for name in dict.fromkeys(name for dim in spec.dims for name in dim.names))
        raise ValueError(
            f"{spec.text!r} for {spec.place} has {elements:.3g} elements{' for ' + used if used else ''}: no tensor is so large"
        )
    return shape


def _reckon(tree: ast.expr, sizes: Mapping[str, int]) -> int:
    if isinstance(tree, ast.Constant):
        return int(tree.value)  # type: ignore[arg-type]
    if isinstance(tree, ast.Name):
        return sizes[tree.id]
    assert isinstance(tree, ast.BinOp)
    left, right = _reckon(tree.left, sizes), _reckon(tree.right, sizes)
    if isinstance(tree.op, ast.Div) and left % right:
        raise ArithmeticError
    return _OPERATORS[type(tree.op)][0](left, right)


def described(shape: Sequence[object], dtype: str) -> str:
    """`f32[2, 10]`"""
    return f"{SHORT_DTYPES.get(dtype, dtype)}[{', '.join(map(str, shape))}]"


# ── promise against what came ──


def pairs(tree: Any, value: Any, place: str = "output") -> Iterator[tuple[Spec, Any] | Misfit]:
    """Each promise with the tensor that came for it; a `Misfit` where what came is built otherwise. Entries that nobody promised are
    left out: a model may give more than the test looks at, in dicts and objects, but a tuple has just as many entries."""
    if tree is None:
        return
    if isinstance(tree, Spec):
        if is_tensor(value):
            yield tree, value
        else:
            yield Misfit(place, f"a tensor was promised, but {_kind(value)} came", tree)
    elif isinstance(tree, dict):
        for name, part in tree.items():
            found, inside = _entry(value, name)
            if found:
                yield from pairs(part, inside, f"{place}[{name!r}]")
            elif part is not None:
                yield Misfit(f"{place}[{name!r}]", f"there is no {name!r} in {place}: {_kind(value)} came")
    else:
        entries = value.to_tuple() if hasattr(value, "to_tuple") else value
        if not isinstance(entries, tuple | list):
            yield Misfit(place, f"{len(tree)} outputs were promised, but {_kind(value)} came")
        elif len(entries) != len(tree):
            yield Misfit(place, f"{len(tree)} outputs were promised, but {len(entries)} came")
        else:
            for i, (part, inside) in enumerate(zip(tree, entries, strict=True)):
                yield from pairs(part, inside, f"{place}[{i}]")


def is_tensor(value: Any) -> bool:
    return isinstance(getattr(value, "shape", None), tuple) and hasattr(value, "dtype")


def _entry(value: Any, name: Any) -> tuple[bool, Any]:
    if isinstance(value, Mapping):
        return name in value, value.get(name)
    if isinstance(name, str) and hasattr(value, name) and not is_tensor(value):
        return True, getattr(value, name)
    return False, None


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if is_tensor(value):
        return f"one tensor, {described(value.shape, dtype_of(value))},"
    if isinstance(value, Mapping):
        return f"a {type(value).__name__} with {', '.join(map(repr, value)) or 'nothing in it'}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def dtype_of(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.")


def compare(found: Sequence[tuple[Spec, Any] | Misfit], sizes: Mapping[str, int]) -> tuple[list[Misfit], list[Reading]]:
    """What does not fit in one run, and the size of each dim that was promised.

    A name that is not among the `sizes` gets the size that comes where it stands alone first. Raises ValueError for arithmetic that
    gives no size.
    """
    misfits = [one for one in found if isinstance(one, Misfit)]
    readings: list[Reading] = []
    fitting: list[tuple[Spec, tuple[int, ...], str]] = []
    bound = dict(sizes)
    for one in found:
        if isinstance(one, Misfit):
            continue
        spec, value = one
        came, dtype = tuple(int(size) for size in value.shape), dtype_of(value)
        places = _aligned(spec.dims, len(came))
        if places is None:
            misfits.append(Misfit(spec.place, _ranks(spec, len(came)), spec, came, dtype))
            continue
        fitting.append((spec, came, dtype))
        for dim, at in places:
            readings.append(Reading(spec.place, dim, at, came[at]))
            if spec.dims[dim].name:
                bound.setdefault(spec.dims[dim].name, came[at])
    for spec, came, dtype in fitting:
        wanted: list[int | None] = [None] * len(came)
        why = []
        for dim, at in _aligned(spec.dims, len(came)) or ():
            # A name that only stands in a promise of another number of dims is bound by nothing.
            if spec.dims[dim].kind == "size" and all(name in bound for name in spec.dims[dim].names):
                size = wanted[at] = size_of(spec.dims[dim], bound, spec)
                if size != came[at]:
                    why.append(f"dim {at} should be {spec.dims[dim].text + ' = ' if spec.dims[dim].names else ''}{size}, but is {came[at]}")
        if spec.dtype and spec.dtype != dtype:
            why.append(f"the dtype should be {spec.dtype}, but is {dtype}")
        if why:
            clashes = tuple(at for at, size in enumerate(wanted) if size not in (None, came[at]))
            misfits.append(Misfit(spec.place, "; ".join(why), spec, came, dtype, clashes, tuple(wanted)))
    return misfits, readings


def _aligned(dims: Sequence[Dim], rank: int) -> list[tuple[int, int]] | None:
    """(dim of the promise, dim of the tensor) for each that is not `...`; None when their numbers differ."""
    rest = next((i for i, dim in enumerate(dims) if dim.kind == "rest"), None)
    if rest is None:
        return [(i, i) for i in range(rank)] if len(dims) == rank else None
    if rank < len(dims) - 1:
        return None
    return [(i, i) for i in range(rest)] + [(i, i + rank - len(dims)) for i in range(rest + 1, len(dims))]


def _ranks(spec: Spec, rank: int) -> str:
    least = sum(dim.kind != "rest" for dim in spec.dims)
    more = " or more" if least < len(spec.dims) else ""
    return f"{least}{more} dim{'' if least == 1 and not more else 's'} {'was' if least == 1 else 'were'} promised, but {rank} came"
