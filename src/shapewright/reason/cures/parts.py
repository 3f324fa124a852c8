"""A layer whose input is put together by `cat`: the constructor's argument as the sum of the parts' own names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from shapewright.model import Event, ModuleInfo, Span
from shapewright.reason.places import POSITIONS, parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import setter

Names = dict[int, list[str]]  # value → the names that have it


def propose(problem: Problem) -> Iterator[Candidate]:
    """`hidden + n_out` for a layer that gets both; `embed_dim * n_layers` for one that gets as many equal parts."""
    clash, module = problem.clash, problem.module
    want, got = clash.want, clash.got
    if module is None or module.built is None or want is None or not want.setting or got is None or got.tensor is None or got.dim is None:
        return
    found = setter(problem.trace, got.tensor, got.dim % got.tensor.rank)
    code = problem.code(module.built)
    span = code.argument(module.built, want.setting, POSITIONS.get(want.setting)) if code is not None else None
    if found is None or found[0].op not in ("cat", "concat") or code is None or span is None:
        return
    text = code.text_at(span)
    sizes = [part.shape[found[1]] for part in found[0].tensors() if found[1] < part.rank]
    if not any(letter.isalpha() for letter in text) or sum(sizes) != got.value or len(sizes) < 2:
        return
    if len(set(sizes)) == 1 and text.isidentifier() and _one_by_one(problem, found[0]):
        return  # two that are written out are two, whatever else happens to be 2
    for formula in _formulas(sizes, names_at(problem, module), text):
        parts = f"{len(sizes)}·{sizes[0]}" if len(set(sizes)) == 1 else " + ".join(map(str, sizes))
        title = f"build `{say.module_name(module)}` for {parts} features, as they are put together"
        yield Candidate("expression", title, code.replace(span, formula), 1)
        if len(set(sizes)) == 1 and text.isidentifier():
            number = f"{text} * {len(sizes)}"
            trap = f"right for {len(sizes)} parts and no other number of them"
            yield Candidate("expression", f"write `{number}`", code.replace(span, number), 1, trap=trap)


def _one_by_one(problem: Problem, join: Event) -> bool:
    """Whether the source names each of the tensors that are joined: `cat((hidden[-2], hidden[-1]), 1)`."""
    code = problem.code(join.span)
    given = code.arguments(join.span) if code is not None and join.span is not None else ()
    first = next(iter(parsed(f"({code.text_at(given[0][1])})").body), None) if code is not None and given else None
    listed = first.value if isinstance(first, ast.Expr) else None
    return isinstance(listed, ast.List | ast.Tuple) and not any(isinstance(one, ast.Starred) for one in listed.elts)


def _formulas(sizes: list[int], names: Names, text: str) -> Iterator[str]:
    """Sums and products of names, only where each name is the one that its number must have."""
    own = [_only(names.get(size, []), text) for size in sizes]
    if len(set(sizes)) == 1 and own[0]:
        count = _only(names.get(len(sizes), []), "")
        if count and count != own[0]:
            yield f"{own[0]} * {count}"
    elif len(sizes) <= 4 and all(own):
        yield " + ".join(own)


def _only(names: list[str], text: str) -> str:
    """The name that stands in the argument already, or the only one; "" where there are several."""
    written = [name for name in names if name == text]
    return written[0] if written else names[0] if len(names) == 1 else ""


def names_at(problem: Problem, module: ModuleInfo, level: int = 0) -> Names:
    """Names that are known to have a value in the function that builds the layer, or in the one that many calls further out: what other
    layers there were built with, and parameters with their defaults or with what the call of the class gives them."""
    found: Names = {}
    frames = (module.built, *module.built_stack)
    place = frames[level] if level < len(frames) else None
    code = problem.code(place)
    around = code.enclosing_function(place) if code is not None and place is not None else None
    if code is None or around is None or place is None:
        return found

    def note(name: str, value: int) -> None:
        if re.fullmatch(r"[A-Za-z_][\w.]*|len\(\w+\)", name) and name not in found.setdefault(value, []):
            found[value].append(name)

    for other in problem.trace.modules:
        if other.built is None or other.built.file != place.file or code.enclosing_function(other.built) != around:
            continue
        if other.built_stack[:1] != frames[level + 1 : level + 2]:
            continue  # built by another call of the same function, with other values
        for position, (keyword, span) in enumerate(code.arguments(other.built)):
            settings = [keyword] if keyword else [name for name, at in POSITIONS.items() if at == position]
            for setting in settings:
                number = other.number(setting)
                if number is not None:
                    note(code.text_at(span), number.value)
    for name, value in _parameters(problem, frames[level:]):
        note(name, value)
    return found


def _parameters(problem: Problem, frames: Sequence[Span | None]) -> Iterator[tuple[str, int]]:
    """Parameters of the function around the first of the calls with whole numbers for values, and `len(name)` for those that are tuples."""
    place, called = (*frames, None)[:2]
    code = problem.code(place)
    around = code.enclosing_function(place) if code is not None and place is not None else None
    if around is None:
        return
    text = problem.trace.sources.get(around.file, "")
    function = node_at(text, around, ast.FunctionDef)
    call = node_at(problem.trace.sources.get(called.file, ""), called, ast.Call) if called is not None else None
    if not isinstance(function, ast.FunctionDef) or not isinstance(call, ast.Call):
        return
    if ast.unparse(call.func).rpartition(".")[2] != _owner(text, function):
        return  # handed on by `super().__init__` or the like: its arguments are another's
    if any(isinstance(one, ast.Starred) for one in call.args) or any(word.arg is None for word in call.keywords):
        return
    changed = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    parameters = [*function.args.posonlyargs, *function.args.args]
    shift = 1 if parameters and parameters[0].arg in ("self", "cls") else 0
    defaults = dict(zip([one.arg for one in parameters][::-1], function.args.defaults[::-1], strict=False))
    given = dict(zip([one.arg for one in parameters[shift:]], call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg is not None}
    for name, value in {**defaults, **given}.items():
        if name in changed:
            continue
        plain = constant(problem.trace.sources.get(called.file, "") if called is not None else "", value)
        if plain is None and isinstance(value, ast.Name) and name in given:
            plain = dict(_parameters(problem, frames[1:])).get(value.id)  # handed on from one function to the next
        value = _listed(problem.trace.sources.get(called.file, "") if called is not None else "", value)
        if plain is not None:
            yield name, plain
        elif isinstance(value, ast.Tuple | ast.List) and not any(isinstance(item, ast.Starred) for item in value.elts):
            yield f"len({name})", len(value.elts)


def constant(text: str, value: ast.expr) -> int | None:
    """The whole number that stands there, or that the file gives once to the name that stands there."""
    if isinstance(value, ast.Constant):
        return value.value if type(value.value) is int else None
    found: list[ast.expr] = []
    assignments = [node for node in parsed(text).body if isinstance(node, ast.Assign)] if isinstance(value, ast.Name) else []
    for node in assignments:
        for target in node.targets:
            pairs: list[tuple[ast.expr, ast.expr]] = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and len(target.elts) == len(node.value.elts):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            found += [given for name, given in pairs if ast.unparse(name) == ast.unparse(value)]
    return constant("", found[0]) if len(found) == 1 and isinstance(found[0], ast.Constant) else None


def _listed(text: str, value: ast.expr) -> ast.expr:
    """The list that the file gives once to the name that stands there; else what stands there."""
    found = [
        node.value
        for node in (parsed(text).body if isinstance(value, ast.Name) else [])
        if isinstance(node, ast.Assign) and ast.unparse(value) in [ast.unparse(target) for target in node.targets]
    ]
    return found[0] if len(found) == 1 and isinstance(found[0], ast.List | ast.Tuple) else value


def _owner(text: str, function: ast.FunctionDef) -> str:
    """What is called to run the function: its own name, or that of the class which it builds."""
    if function.name != "__init__":
        return function.name
    classes = [node for node in ast.walk(parsed(text)) if isinstance(node, ast.ClassDef) and function in node.body]
    return classes[0].name if classes else ""


def node_at(text: str, span: Span, kind: type[ast.AST]) -> ast.AST | None:
    """The node of that kind whose text is just what stands at a span."""
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if isinstance(node, kind) and isinstance(node, ast.expr | ast.stmt) and span_of(node, span.file, lines) == span:
            return node
    return None
