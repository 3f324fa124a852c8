"""One number of one layer, changed as a person slips: source → places of layers' numbers → mutants, the same ones each time.

Only whole numbers count that are written down: arguments of layers' constructors (directly or inside an expression), arguments of the
file's own modules and of the functions that build them, defaults of those, and the sizes and lists of sizes for such code.
"""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

_CONV = "in_channels out_channels kernel_size stride padding dilation groups"
_RECURRENT = "input_size hidden_size num_layers"
# Class, without the `2d` at its end → its parameters in order; those that are no number of the layer are dashes.
LAYERS = {
    "Linear": "in_features out_features", "Bilinear": "in1_features in2_features out_features",
    "Conv": _CONV, "Conv2dNormActivation": "in_channels out_channels kernel_size stride padding groups",
    "ConvTranspose": "in_channels out_channels kernel_size stride padding output_padding groups",
    "MaxPool": "kernel_size stride padding dilation", "AvgPool": "kernel_size stride padding",
    "AdaptiveAvgPool": "output_size", "AdaptiveMaxPool": "output_size",
    "BatchNorm": "num_features", "InstanceNorm": "num_features", "GroupNorm": "num_groups num_channels", "LayerNorm": "normalized_shape",
    "Embedding": "num_embeddings embedding_dim", "EmbeddingBag": "num_embeddings embedding_dim",
    "LSTM": _RECURRENT, "GRU": _RECURRENT, "RNN": _RECURRENT,
    "LSTMCell": "input_size hidden_size", "GRUCell": "input_size hidden_size", "RNNCell": "input_size hidden_size",
    "MultiheadAttention": "embed_dim num_heads", "TransformerEncoderLayer": "d_model nhead dim_feedforward",
    "TransformerDecoderLayer": "d_model nhead dim_feedforward", "Unflatten": "- unflattened_size", "PixelShuffle": "upscale_factor",
    "Upsample": "size scale_factor", "ReflectionPad": "padding", "ReplicationPad": "padding", "ZeroPad": "padding",
}  # fmt: skip
# Names of the user's own that hold sizes, and parameters that never do.
_SIZE = re.compile(
    r"chann|width|plane|filter|hidden|hid$|dim|feature|setting|stages|layers|depth|cfg|units|code|latent|embed|emsize|expansion|head|growth",
    re.I,
)
_NO_SIZE = re.compile(r"^(seed|epochs?|p|eps|dim|axis|version|progress|momentum|lr|-)$|drop|init|batch.?size|print", re.I)
# A class or function that arrives in a variable (`conv_block(64, 192, kernel_size=3)`) takes channels first.
_BLOCK = re.compile(r"(block|conv)$")
_BLOCK_PARAMETERS = ["in_channels", "out_channels", *["channels"] * 6]
_MAY_BE_ZERO = re.compile(r"pad", re.I)
_OF_ONE_PLACE = 2
_LARGEST = 200_000  # more than this is not written by a slip, and would only fill the memory


@dataclass(frozen=True, slots=True)
class Place:
    """A whole number in the source. Lines and columns count from 1, columns in code points, the end is exclusive."""

    line: int
    column: int
    end_column: int
    text: str
    parameter: str  # which of a layer's numbers it is: `out_channels`, `stride`; for a number of one's own its name
    runs: tuple[int, int]  # the number matters only if one of these lines ran, first and last


@dataclass(frozen=True, slots=True)
class Mutant:
    """A place and what stands there now. `slip` says how the number came about."""

    place: Place
    slip: str
    new: str

    def apply(self, source: str) -> str:
        """The source with the number changed."""
        lines = source.splitlines(keepends=True)
        line, place = lines[self.place.line - 1], self.place
        if line[place.column - 1 : place.end_column - 1] != place.text:
            raise ValueError(f"line {place.line} does not have {place.text} in column {place.column}")
        lines[place.line - 1] = line[: place.column - 1] + self.new + line[place.end_column - 1 :]
        return "".join(lines)


# --- where the numbers are -----------------------------------------------------------------------------------------------------


def places(source: str, last_line: int | None = None) -> list[Place]:
    """The numbers of layers in the source, in its order, down to `last_line`."""
    tree = ast.parse(source)
    text = source.splitlines()
    own = _own(tree)
    found: dict[tuple[int, int], Place] = {}
    for scope, statement in _statements(tree, own):
        runs = scope or (statement.lineno, statement.end_lineno or statement.lineno)
        for parameter, node in _numbers(statement, own):
            line = text[node.lineno - 1].encode()
            start, end = len(line[: node.col_offset].decode()), len(line[: node.end_col_offset].decode())
            place = Place(node.lineno, start + 1, end + 1, line.decode()[start:end], parameter, runs)
            if place.text.isdecimal() and (last_line is None or place.line <= last_line):
                found.setdefault((place.line, place.column), place)
    return [found[key] for key in sorted(found)]


def _own(tree: ast.Module) -> dict[str, list[str]]:
    """The file's own modules and the functions that build layers, with their parameters' names (without `self`)."""
    own: dict[str, list[str]] = {}
    size = -1
    while len(own) != size:  # what builds a builder is one, too
        size = len(own)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in own:
                bases = {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases}
                if bases & {"Module", "Sequential", *own}:
                    made = next((part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"), None)
                    own[node.name] = _parameters(made)[1:] if made else []
            elif isinstance(node, ast.FunctionDef) and node.name not in own and node.name not in ("forward", "__init__", "main"):
                built = {_called(part) for part in ast.walk(node) if isinstance(part, ast.Call)}
                if any(layer_parameters(name) or name in own for name in built):
                    own[node.name] = _parameters(node)[1 if _parameters(node)[:1] == ["self"] else 0 :]
    return own


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


def _statements(tree: ast.Module, own: Collection[str]) -> Iterator[tuple[tuple[int, int] | None, ast.stmt]]:
    """Every statement with, for those that run while the file is read, the lines of the class or function that they belong to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            if node.name in own:
                yield (node.body[0].lineno, node.end_lineno or node.lineno), node
            yield from ((None, part) for part in ast.walk(node) if isinstance(part, ast.stmt) and part is not node)
        elif isinstance(node, ast.ClassDef) and node.name in own:
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            inside = (methods[0].body[0].lineno, node.end_lineno or node.lineno) if methods else (node.lineno, node.lineno)
            yield from ((inside, part) for part in node.body if isinstance(part, (ast.Assign, ast.AnnAssign)))
            yield from (((part.body[0].lineno, part.end_lineno or part.lineno), part) for part in methods if part.name == "__init__")
    yield from ((None, part) for part in _outside(tree.body))


def _outside(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that belong to no function or class."""
    for part in body:
        if not isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            yield part
            for inner in ("body", "orelse", "finalbody"):
                yield from _outside(getattr(part, inner, []))


def _numbers(statement: ast.stmt, own: Mapping[str, list[str]]) -> Iterator[tuple[str, ast.Constant]]:
    """What this statement itself says (not the statements inside it): the parameter's name and the number."""
    if isinstance(statement, ast.FunctionDef):
        arguments = statement.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        defaults = list(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True))
        defaults += [(argument.arg, value) for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value]
        yield from (found for name, value in defaults for found in _within(name, value))
        return
    if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        name = ast.unparse(target).rsplit(".", 1)[-1].rsplit("[", 1)[0]
        if isinstance(statement.value, (ast.Constant, ast.List, ast.Tuple, ast.Dict)) and _SIZE.search(name):
            yield from _within(name, statement.value)
    for call in _calls(statement):
        name = _called(call)
        parameters = layer_parameters(name) or own.get(name) or (_BLOCK_PARAMETERS if _BLOCK.search(name) else None)
        if name == "add_argument":
            option = next((part.value for part in call.args if isinstance(part, ast.Constant) and str(part.value)[:2] == "--"), "")
            default = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
            if default and _SIZE.search(str(option)):
                yield from _within(str(option), default[0])
        if parameters is None:
            continue
        for position, value in enumerate(call.args):
            if not isinstance(value, ast.Starred) and position < len(parameters):
                yield from _within(parameters[position], value)
        for keyword in call.keywords:
            if keyword.arg in parameters or (keyword.arg and _SIZE.search(keyword.arg)):
                yield from _within(str(keyword.arg), keyword.value)


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    inner = {id(part) for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt) for part in ast.walk(child)}
    yield from (part for part in ast.walk(statement) if isinstance(part, ast.Call) and id(part) not in inner)


def _within(parameter: str, value: ast.expr) -> Iterator[tuple[str, ast.Constant]]:
    """The whole numbers of an argument; those of calls inside it, of indices and of negative numbers are not the layer's."""
    if _NO_SIZE.search(parameter):
        return
    if isinstance(value, ast.Constant):
        if type(value.value) is int:
            yield parameter, value
    elif isinstance(value, (ast.Tuple, ast.List, ast.BinOp)):
        yield from (found for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr) for found in _within(parameter, part))
    elif isinstance(value, ast.Dict):
        yield from (found for part in value.values for found in _within(parameter, part))


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def layer_parameters(name: str) -> list[str] | None:
    words = LAYERS.get(name) or LAYERS.get(re.sub("[123]d$", "", name))
    return words.split() if words else None


# --- how they are changed ------------------------------------------------------------------------------------------------------


def slips(place: Place, neighbour: int | None) -> dict[str, int]:
    """What a person may have written instead of the number, by the kind of the slip."""
    value = int(place.text)
    new: dict[str, int | None] = {
        "double": value * 2,
        "half": value // 2 if value % 2 == 0 else None,
        "one more": value + 1,
        "one less": value - 1,
        "neighbour": neighbour,
        "digit missing": value // 10 if value >= 10 else None,
        "digit twice": int(place.text + place.text[-1]) if value < 1000 else None,
    }
    least = 0 if _MAY_BE_ZERO.search(place.parameter) else 1
    return {slip: number for slip, number in new.items() if number is not None and least <= number <= _LARGEST and number != value}


def mutants(
    source: str,
    number: int,
    *,
    seed: str,
    last_line: int | None = None,
    ran: Collection[int] | None = None,
    without: Collection[str] = (),
) -> list[Mutant]:
    """Up to `number` mutants of a program, spread over its places, their parameters and the kinds of slips; at most two of a place.

    `ran`: the lines that the program really runs; numbers that no such line uses stay as they are, and so do the parameters in `without`.
    The same words give the same mutants.
    """
    found = [place for place in places(source, last_line) if place.parameter not in without and (ran is None or _any_ran(place, ran))]
    every = [
        Mutant(place, slip, str(new)) for index, place in enumerate(found) for slip, new in slips(place, _neighbour(found, index)).items()
    ]
    random.Random(seed).shuffle(every)
    used: Counter[object] = Counter()
    chosen: list[Mutant] = []
    while every and len(chosen) < number:
        best = min(every, key=lambda one: (used[one.place], used[one.place.parameter] + used[one.slip]))
        used.update((best.place, best.place.parameter, best.slip))
        full = used[best.place] == _OF_ONE_PLACE
        every = [one for one in every if one.place != best.place or not (full or one.new == best.new)]
        chosen.append(best)
    return sorted(chosen, key=lambda one: (one.place.line, one.place.column, one.new))


def _any_ran(place: Place, ran: Collection[int]) -> bool:
    return any(line in ran for line in range(place.runs[0], place.runs[1] + 1))


def _neighbour(found: Sequence[Place], index: int) -> int | None:
    """The nearest other number in the source, of those within two lines."""
    here = found[index]
    near = [place for place in found if abs(place.line - here.line) <= 2 and int(place.text) != int(here.text)]
    key = [abs(place.line - here.line) * 1000 + abs(place.column - here.column) for place in near]
    return int(near[key.index(min(key))].text) if near else None


def shares(most: Sequence[int], total: int) -> list[int]:
    """How many each program gets, as evenly as what they have (`most`) allows; together `total`, or all there are."""
    given = [0] * len(most)
    while sum(given) < min(total, sum(most)):
        for index in sorted(range(len(most)), key=lambda index: given[index]):
            if given[index] < most[index] and sum(given) < total:
                given[index] += 1
    return given
