"""A size that the source hands on to what builds a layer: `block(latent_dim, 128)` where the layer gets `latent_dim + n_classes` features.

The literal is right where it stands, and used in other places, too; the layer's own argument is a parameter with a value a call. What is
to change stands between the two: the argument of the call that builds the layer, or one term of a sum.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from shapewright.model import Event, ModuleInfo, Span
from shapewright.reason import levers
from shapewright.reason.cures import parts
from shapewright.reason.edits import Code
from shapewright.reason.places import POSITIONS, parsed
from shapewright.reason.problem import Candidate, Problem, other_side
from shapewright.reason.rules import say
from shapewright.reason.ways import setter

_SETTINGS = ("in_features", "out_features", "in_channels", "out_channels", "num_features", "input_size", "hidden_size", "embedding_dim")
_MOST = 4  # times that a size is taken; more are a coincidence

Site = tuple[Code, Span, int]  # where a size is handed on, and how many calls outside of the layer's own


def propose(problem: Problem) -> Iterator[Candidate]:
    """The size written anew where it is handed on, for either side of the clash."""
    clash = problem.clash
    if clash.slug == "reshape-numel":
        yield from _for_the_view(problem)
    if clash.slug in ("missing-flatten", "reshape-numel", "batch-dim-missing", "checkpoint-shape"):
        return
    seen: set[tuple[int, str, int]] = set()
    own, want, got = problem.module, clash.want, clash.got
    if own is not None and want is not None and want.setting in _SETTINGS and got is not None and got.value:
        seen.add((own.index, want.setting, got.value))
        yield from _handed(problem, own, want.setting, got.value, own=True)
    for size in (clash.want, clash.got):
        other = other_side(clash, size) if size is not None else None
        if size is None or other is None or size.value is None or other.value is None or size.value == other.value:
            continue
        for lever in levers.of_size(problem.trace, problem.event, size, other.value):
            module = lever.module
            if module is None or lever.merged or lever.setting not in _SETTINGS or (module.index, lever.setting, lever.value) in seen:
                continue
            seen.add((module.index, lever.setting, lever.value))
            yield from _handed(problem, module, lever.setting, lever.value, own=size is clash.want)


def _for_the_view(problem: Problem) -> Iterator[Candidate]:
    """`view(-1, n_actions, n_atoms)` of what a layer built for `n_actions` gives: each of them has its atoms."""
    event = problem.event
    x = next(event.tensors(), None)
    asked = [number.value for number in levers.numbers_in(event.args[1:])]
    if x is None or x.rank < 2 or event.op not in ("view", "reshape") or len(asked) < 3 or asked[0] != -1 or min(asked[1:]) < 2:
        return
    found = setter(problem.trace, x, x.rank - 1)
    module = problem.trace.modules[found[0].module] if found is not None and found[0].module is not None else None
    number = module.number("out_features") if module is not None else None
    if module is None or number is None or number.value not in asked[1:] or prod(asked[1:]) % number.value:
        return
    for code, span, level in _sites(problem, module, "out_features", number.value):
        times = prod(asked[1:]) // number.value
        names = [name for name, size in _known(problem, module, level).items() if size == times]
        formula = f"{code.text_at(span)} * {names[0] if len(names) == 1 else times}"
        title = f"let `{say.module_name(module)}` give {prod(asked[1:])} features: `{formula}`"
        yield Candidate("producer", title, code.replace(span, formula), 2 - level)


def _handed(problem: Problem, module: ModuleInfo, setting: str, value: int, *, own: bool) -> Iterator[Candidate]:
    number = module.number(setting)
    old = number.value if number is not None else 0
    if not old or old == value:
        return
    joined = _joined(problem) if own else None
    for code, span, level in _sites(problem, module, setting, old):
        text = code.text_at(span)
        within = {name for names in parts.names_at(problem, module, level).values() for name in names}
        found = False
        for formula, speaks in _formulas(problem, module, text, level, (old, value), joined):
            side = "for" if setting in ("in_features", "in_channels", "input_size", "num_features") else "to give"
            title = f"build `{say.module_name(module)}` {side} {value} features: `{formula}`"
            # the layer's own argument before the one that it comes from, which others may get, too
            yield Candidate("expression" if own else "producer", title, code.replace(span, formula), speaks - max(level - 1, 0))
            found = found or (" + " in formula and set(formula.split(" + ")) <= within)
        if found:
            return  # the function has all that it takes to say how many there are


def _sites(problem: Problem, module: ModuleInfo, setting: str, old: int) -> Iterator[Site]:
    """The arguments that hand the size on, from the layer's own outwards, as long as each is a name that its function was given."""
    frames = (module.built, *module.built_stack)
    name: str | None = setting
    for level, call in enumerate(frames):
        code = problem.code(call)
        if code is None or call is None or name is None:
            return
        span = code.argument(call, name, POSITIONS.get(setting) if level == 0 else _position(problem, frames[level - 1], name))
        if level and span is None:
            span = _of_that_size(problem, module, code, call, level, old)
        if span is None:
            return
        text = code.text_at(span)
        if any(letter.isalpha() for letter in text):
            yield code, span, level
        name = text if text.isidentifier() else None


def _position(problem: Problem, inner: Span | None, name: str) -> int | None:
    """At which place the function around a call takes a parameter, when it is called by that."""
    code = problem.code(inner)
    around = code.enclosing_function(inner) if code is not None and inner is not None else None
    function = parts.node_at(problem.trace.sources[around.file], around, ast.FunctionDef) if around is not None else None
    if not isinstance(function, ast.FunctionDef):
        return None
    parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    shift = 1 if parameters and parameters[0] in ("self", "cls") else 0
    return parameters.index(name) - shift if name in parameters[shift:] else None


def _of_that_size(problem: Problem, module: ModuleInfo, code: Code, call: Span, level: int, old: int) -> Span | None:
    """The only argument of a call that has a value: `mlp(n_in, 64, 64, n_out)` gives its widths all in one list."""
    known = _known(problem, module, level)
    fitting: list[Span] = []
    for _, span in code.arguments(call):
        text = code.text_at(span)
        if text == str(old) or known.get(text) == old:
            fitting.append(span)
    return fitting[0] if len(fitting) == 1 else None


def _formulas(
    problem: Problem, module: ModuleInfo, text: str, level: int, sizes: tuple[int, int], joined: list[int] | None
) -> Iterator[tuple[str, int]]:
    """(the size's new expression, what speaks for it)."""
    old, value = sizes
    known = _known(problem, module, level)
    if level and text.isidentifier() and value % old == 0 and value // old <= _MOST:
        yield f"{text} * {value // old}", 1 if value == 2 * old else 0
    more = value - old
    if joined is not None and sum(joined) != value:
        joined = None
    if joined is not None and more > 0 and value % old and (more in joined or old in joined):
        names = [name for name, size in known.items() if size == more and name != text]
        if len(names) == 1:
            # in the order in which they are joined
            yield f"{names[0]} + {text}" if joined[0] == more != old else f"{text} + {names[0]}", 1
        elif not level and more in joined:
            yield f"{text} + {more}", 1
    yield from ((formula, 1) for formula in _of_sum(text, more, known))
    if joined is not None and len(joined) == 2:
        yield from ((formula, 1) for formula in _other_term(text, old, joined, known))


def _of_sum(text: str, more: int, known: dict[str, int]) -> Iterator[str]:
    """`a + b` with one of its terms taken several times."""
    whole = next(iter(parsed(f"({text})").body), None)
    terms = _terms(whole.value) if isinstance(whole, ast.Expr) else []
    names = [term.id if isinstance(term, ast.Name) else "" for term in terms]
    for number, name in enumerate(names if len(terms) > 1 else []):
        size = known.get(name, 0)
        if size > 0 and more > 0 and more % size == 0 and more // size < _MOST and names.count(name) == 1:
            changed = [ast.unparse(term) for term in terms]
            times = more // size + 1
            counted = [one for one, value in known.items() if value == times and one.startswith("len(")]
            changed[number] = f"{name} * {counted[0] if len(counted) == 1 else times}"
            yield " + ".join(changed)


def _other_term(text: str, old: int, joined: list[int], known: dict[str, int]) -> Iterator[str]:
    """`a + b` where one term is what is joined, and the other one is not."""
    whole = next(iter(parsed(f"({text})").body), None)
    terms = _terms(whole.value) if isinstance(whole, ast.Expr) else []
    names = [term.id if isinstance(term, ast.Name) else "" for term in terms]
    for wrong in range(2) if len(terms) == 2 else ():
        right = old - known.get(names[wrong], 0)
        if known.get(names[wrong], 0) in joined or right not in joined:
            continue
        size = sum(joined) - right
        called = [name for name, value in known.items() if value == size]
        new = called[0] if len(called) == 1 else str(size)
        yield " + ".join(new if number == wrong else ast.unparse(term) for number, term in enumerate(terms))


def _terms(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left), *_terms(node.right)]
    return [node]


def _known(problem: Problem, module: ModuleInfo, level: int) -> dict[str, int]:
    """Names with their values in the function that is so many calls outside of the layer: its own, and those of the file."""
    frames = (module.built, *module.built_stack)
    place = frames[level] if level < len(frames) else None
    if place is None:
        return {}
    text = problem.trace.sources.get(place.file, "")
    of_file = [target for node in parsed(text).body if isinstance(node, ast.Assign) for target in node.targets]
    found: dict[str, int] = {}
    for node in [one for target in of_file for one in ast.walk(target) if isinstance(one, ast.Name)]:
        value = parts.constant(text, ast.Name(node.id, ast.Load()))
        if value is not None:
            found[node.id] = value
    return found | {name: value for value, names in parts.names_at(problem, module, level).items() for name in names}


def _joined(problem: Problem) -> list[int] | None:
    """The sizes of what was joined to the dim that does not fit, if it was."""
    got = problem.clash.got
    if got is None or got.tensor is None or got.dim is None or not got.tensor.rank:
        return None
    found: tuple[Event, int] | None = setter(problem.trace, got.tensor, got.dim % got.tensor.rank)
    if found is None or found[0].op not in ("cat", "concat"):
        return None
    return [part.shape[found[1]] for part in found[0].tensors() if found[1] < part.rank]
