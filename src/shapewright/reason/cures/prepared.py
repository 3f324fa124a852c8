"""Data that went without what the program's other data goes through: `model(test_x)` where training has `prepare(train_x)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.reason.places import parsed
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_MOST = 3  # functions of one file that are tried


def propose(problem: Problem) -> Iterator[Candidate]:
    """The argument of each call that led to the failure, handed through a function of the program that other values are handed through."""
    for span in problem.event.stack:
        code = problem.code(span)
        given = code.arguments(span) if code is not None else ()
        if code is None or not given or code.callee(span) is None:
            continue
        text, called = code.text_at(given[0][1]), code.text_at(code.callee(span) or span)
        functions = _functions(problem.trace.sources.get(span.file, ""))
        if called in functions:
            continue  # the program's own function, and no model
        name = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the input"
        for function in list(functions)[:_MOST]:
            if function not in text:
                yield Candidate("prepared", f"hand {name} through `{function}`, as other data", code.wrap(given[0][1], f"{function}(", ")"))


def _functions(text: str) -> dict[str, None]:
    """The file's functions of one value that are called with data somewhere, not with numbers or models, and give something."""
    tree = parsed(text)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    given = [(call.func.id, call.args[0]) for call in calls if call.args and isinstance(call.func, ast.Name)]
    with_data = {name for name, one in given if not isinstance(one, ast.Constant) and not (isinstance(one, ast.Name) and one.id in names)}
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {one.name: None for one in defined if one.name in with_data and _takes_one(one.args) and _gives(one)}


def _takes_one(args: ast.arguments) -> bool:
    needed = len(args.posonlyargs) + len(args.args) - len(args.defaults)
    return needed == 1 and None not in args.kw_defaults


def _gives(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))
