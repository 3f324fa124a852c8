"""A checkpoint with other sizes than the model: the model is built as the file was made, or its last layer stays as it is built."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import ModuleInfo, Number, Size, Span, Value
from shapewright.reason import levers, solve
from shapewright.reason.edits import Code
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.report import Edit

# Which settings give a parameter its dims; a recurrent layer has several gates of its hidden size in dim 0.
_FIRST = ("out_features", "out_channels", "num_embeddings", "num_features", "num_channels", "normalized_shape", "hidden_size")
_SECOND = ("in_features", "in_channels", "embedding_dim", "input_size")

Entry = tuple[str, tuple[int, ...], tuple[int, ...]]  # a parameter's name, its shape in the file, its shape in the model


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates for a `load_state_dict` that meets other sizes."""
    if problem.event.op != "load_state_dict" or problem.event.module is None:
        return
    differing = [entry for value in _tuple(problem.event.argument(0, "sizes")) if (entry := _entry(value)) is not None]
    if not differing:
        return
    root = problem.trace.modules[problem.event.module]
    head = _head(problem, root, differing)
    if head is not None and _trains(problem):
        yield from _without(problem, head)
        trap = f"gives `{head}` the sizes of the file's task, not those of this one"
        for candidate in (*_numbers(problem, root, differing), *_as_elsewhere(problem, root)):
            yield replace(candidate, trap=trap)
        return
    yield from _numbers(problem, root, differing)
    yield from _as_elsewhere(problem, root)


def _entry(value: Value) -> Entry | None:
    name, saved, built = value if isinstance(value, tuple) and len(value) == 3 else ("", (), ())
    one, other = (tuple(number.value for number in _tuple(shape) if isinstance(number, Number)) for shape in (saved, built))
    return (name, one, other) if isinstance(name, str) and name and len(one) == len(other) > 0 else None


def _tuple(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else ()


# ------------------------------------------------------------------------------------------------------- as the file was made


def _numbers(problem: Problem, root: ModuleInfo, differing: list[Entry]) -> Iterator[Candidate]:
    """The constructor's numbers that gave the differing sizes, set to the file's: for each size that differs the first layer with it."""
    seen: set[tuple[int, int]] = set()
    for key, saved, built in differing:
        layer = _layer(problem, root, key)
        for dim in range(len(saved)):
            if layer is None or saved[dim] == built[dim] or (saved[dim], built[dim]) in seen:
                continue
            for setting in _FIRST if dim == 0 else _SECOND if dim == 1 else ():
                number = layer.number(setting)
                if number is None or number.value < 1 or built[dim] % number.value or saved[dim] * number.value % built[dim]:
                    continue
                value = saved[dim] * number.value // built[dim]
                event = replace(problem.event, args=(), kwargs={}, module=layer.index)
                for lever in levers.of_size(problem.trace, event, Size(number.value, setting=setting), value):
                    seen.add((saved[dim], built[dim]))
                    title = f"build the model as the file was made: {value} instead of {number.value} for `{say.module_name(layer)}`"
                    yield Candidate("checkpoint", title, solve.edits(lever.settings))
                break


def _layer(problem: Problem, root: ModuleInfo, key: str) -> ModuleInfo | None:
    """The module below the root that owns a parameter of this name."""
    path, _, name = key.rpartition(".")
    found = (one for one in _below(problem, root) if name in one.parameters and path and f".{one.path}".endswith(f".{path}"))
    return next(found, None)


def _below(problem: Problem, root: ModuleInfo) -> list[ModuleInfo]:
    inside = {root.index}
    found = []
    for module in problem.trace.modules:  # parents stand before their children
        if module.index in inside or module.parent in inside:
            inside.add(module.index)
            found.append(module)
    return found


def _as_elsewhere(problem: Problem, root: ModuleInfo) -> Iterator[Candidate]:
    """The class is built elsewhere in the program with other arguments: perhaps that is how the file was made."""
    if root.built is None:
        return
    file = root.built.file
    text = problem.trace.sources.get(file, "")
    lines = text.split("\n")
    code = problem.code(root.built)
    calls = [node for node in ast.walk(parsed(text)) if isinstance(node, ast.Call)]
    own = next((call for call in calls if span_of(call, file, lines) == root.built), None)
    if own is None or code is None:
        return
    names = _parameters(text, root.type)
    mine = _given(own, names)
    for call in calls:
        if call is own or ast.unparse(call.func) != ast.unparse(own.func):
            continue
        theirs = _given(call, names)
        other = [name for name, value in theirs.items() if name in mine and ast.unparse(value) != ast.unparse(mine[name])]
        if not other or set(theirs) != set(mine) or not all(isinstance(theirs[name], ast.Constant) for name in other):
            continue
        edits: tuple[Edit, ...] = ()
        for name in other:
            edits += code.replace(span_of(mine[name], file, lines), ast.unparse(theirs[name]))
        yield Candidate("checkpoint", f"build the model as in line {call.lineno}", edits)


def _parameters(text: str, name: str) -> list[str]:
    """The names of a class's own constructor arguments."""
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            made = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
            return [parameter.arg for parameter in made.args.args[1:]] if made is not None else []
    return []


def _given(call: ast.Call, names: list[str]) -> dict[str, ast.expr]:
    """Argument name → value; positional ones without a known name by their number."""
    found: dict[str, ast.expr] = {names[number] if number < len(names) else str(number): value for number, value in enumerate(call.args)}
    return found | {word.arg or "**": word.value for word in call.keywords}


# ------------------------------------------------------------------------------------------------------- all but the last layer


def _head(problem: Problem, root: ModuleInfo, differing: list[Entry]) -> str | None:
    """The path of the model's last layer, when only it differs, and only in how much it gives out."""
    paths = {key.rpartition(".")[0] for key, _, _ in differing}
    below = [module for module in _below(problem, root) if module.parameters]
    path = next(iter(paths))
    if len(paths) != 1 or not path or not below or _layer(problem, root, differing[0][0]) != below[-1]:
        return None
    return path if len(below) > 1 and all(saved[1:] == built[1:] for _, saved, built in differing) else None


def _trains(problem: Problem) -> bool:
    """Whether the program goes on to train what it has loaded: then its own number of classes is meant."""
    for span in (problem.event.span, *problem.event.stack):
        tree = parsed(problem.trace.sources.get(span.file, "") if span is not None else "")
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        trainers = {"backward"}
        for _ in range(3):  # those that call one another
            trainers |= {function.name for function in functions if any(name in trainers for name, _ in _calls(function))}
        inside = [one for one in functions if span is not None and one.lineno <= span.line <= (one.end_lineno or 0)]
        scope = max(inside, key=lambda one: one.lineno) if inside else tree
        if span is not None and any(name in trainers and line > span.end_line for name, line in _calls(scope)):
            return True
    return False


def _calls(scope: ast.AST) -> Iterator[tuple[str, int]]:
    """The last name and the line of each call."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2], node.lineno


def _without(problem: Problem, head: str) -> Iterator[Candidate]:
    span = problem.event.span
    code = problem.code(span)
    given = code.argument(span, "state_dict", 0) if code is not None and span is not None else None
    if code is None or span is None or given is None:
        return
    text = code.text_at(given)
    rest = f'{{k: v for k, v in {text}.items() if not k.startswith("{head}.")}}'
    edits = code.insert_before(span, f"{text} = {rest}") if text.isidentifier() else code.replace(given, rest)
    if edits:
        yield Candidate("checkpoint", f"load all but `{head}`, which is built anew", (*edits, *_loosely(code, span)), 1)


def _loosely(code: Code, span: Span) -> tuple[Edit, ...]:
    """`strict=False`, where it is not given yet: names may be missing then."""
    strict = code.argument(span, "strict", 1)
    return () if strict is not None and code.text_at(strict) == "False" else code.set_argument(span, "strict", "False", 1)
