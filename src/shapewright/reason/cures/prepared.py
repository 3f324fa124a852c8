"""Data that went without what the program's other data goes through: `model(test_x)` where training has `prepare(train_x)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.reason.places import parsed
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

_HOLDERS = ("TensorDataset", "DataLoader")
_MOST = 3  # functions of one file that are tried


def propose(problem: Problem) -> Iterator[Candidate]:
    """The argument of each call that led to the failure, handed through a function of the program that other values are handed through."""
    for span in problem.event.stack or (problem.event.span,):
        code = problem.code(span)
        given = code.arguments(span) if code is not None and span is not None else ()
        if code is None or span is None or not given or code.callee(span) is None:
            continue
        text, called = code.text_at(given[0][1]), code.text_at(code.callee(span) or span)
        functions = _functions(problem.trace.sources.get(span.file, ""), called)
        if called in functions:
            continue  # the program's own function, and no model
        name = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the input"
        for function in list(functions)[:_MOST]:
            if function not in text:
                yield Candidate("prepared", f"hand {name} through `{function}`, as other data", code.wrap(given[0][1], f"{function}(", ")"))


def _functions(text: str, called: str) -> dict[str, None]:
    """The file's functions of one value that give other data, which goes into the same call, into a data set, or takes its own place."""
    tree = parsed(text)
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {one.name: None for one in defined if _takes_one(one.args) and _gives(one) and _prepares(tree, one.name, called)}


def _prepares(tree: ast.Module, function: str, called: str) -> bool:
    """`x = prepare(x)`, `model(prepare(x))`, `a = prepare(b)` with `a` in a `TensorDataset`."""
    wanted = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) in (called, *_HOLDERS)]
    given = [one for call in wanted for one in (*call.args, *(word.value for word in call.keywords))]
    names = {one.id for one in given if isinstance(one, ast.Name)}
    if any(isinstance(one, ast.Call) and _name(one) == function for one in given):
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _name(node.value) == function and node.value.args:
            targets = {ast.unparse(target) for target in node.targets}
            if targets & names or ast.unparse(node.value.args[0]) in targets:
                return True
    return False


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _takes_one(args: ast.arguments) -> bool:
    needed = len(args.posonlyargs) + len(args.args) - len(args.defaults)
    return needed == 1 and None not in args.kw_defaults


def _gives(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))
