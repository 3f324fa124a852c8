"""Other slips than a changed number: a line or a layer left out, two arguments swapped, a dim off by one; the same ones each time.

Each is one place on one line of the source and what stands there instead, as for numbers; `slip` names the kind.
"""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Collection, Iterator

from bench.mutation import Mutant, Place, layer_parameters

LINE, LAYER, SWAPPED, DIM = "line left out", "layer left out", "arguments swapped", "dim off by one"
KINDS = (LINE, LAYER, SWAPPED, DIM)
# Calls that bring a tensor into another form; without one the next layer gets the wrong one.
_FORMS = {
    "flatten", "view", "reshape", "permute", "transpose", "unsqueeze", "squeeze", "swapaxes", "movedim", "unflatten", "mean",
    "interpolate", "pad", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "rearrange",
}  # fmt: skip
_PAIRS = {"in_channels out_channels", "in_features out_features", "input_size hidden_size", "num_embeddings embedding_dim"}
# Function → where its dim stands among the arguments that follow the tensor; a method has the tensor before the dot.
_DIMS = {
    "cat": (0,), "concat": (0,), "stack": (0,), "softmax": (0,), "log_softmax": (0,), "flatten": (0, 1), "unsqueeze": (0,), "squeeze": (0,),
    "sum": (0,), "mean": (0,), "chunk": (1,), "split": (1,), "unbind": (0,), "transpose": (0, 1), "argmax": (0,), "size": (0,),
}  # fmt: skip
_DIM_WORDS = {"dim", "start_dim", "end_dim", "axis"}


def other_slips(source: str, number: int, *, seed: str, last_line: int, ran: Collection[int]) -> list[Mutant]:
    """Up to `number` of them on lines that ran, evenly over the kinds; at most one at a place."""
    tree, text = ast.parse(source), source.splitlines()
    every = [
        Mutant(place, kind, new)
        for kind, node, new in _found(tree, source)
        if node.lineno in ran and node.lineno <= last_line and (place := _place(node, text, kind)) is not None
    ]
    random.Random(seed).shuffle(every)
    used: Counter[object] = Counter()
    chosen: list[Mutant] = []
    while every and len(chosen) < number:
        best = min(every, key=lambda one: (used[one.slip], used[one.place.line]))
        used.update((best.slip, best.place.line))
        every = [one for one in every if (one.place.line, one.place.column) != (best.place.line, best.place.column)]
        chosen.append(best)
    return sorted(chosen, key=lambda one: (one.place.line, one.place.column, one.new))


def _place(node: ast.expr | ast.stmt, text: list[str], kind: str) -> Place | None:
    if node.end_lineno != node.lineno:
        return None
    line = text[node.lineno - 1].encode()
    start, end = len(line[: node.col_offset].decode()), len(line[: node.end_col_offset].decode())
    if kind == LAYER and isinstance(node, ast.expr):  # with the comma behind it
        end += len(re.match(r"(,\s*)?", line.decode()[end:])[0])  # type: ignore[index]
    return Place(node.lineno, start + 1, end + 1, line.decode()[start:end], kind, (node.lineno, node.lineno))


def _found(tree: ast.Module, source: str) -> Iterator[tuple[str, ast.expr | ast.stmt, str]]:
    """The kind, what is replaced, and by what."""
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list) and len(body) > 1:
                for statement in body:
                    if kind := _left_out(statement):
                        yield kind, statement, ""
        if isinstance(node, ast.Call):
            yield from _in_call(node, source)


def _left_out(statement: ast.stmt) -> str:
    """`x = x.flatten(1)`, `x = torch.flatten(x, 1)` and `x = self.pool(x)` can be forgotten: a name is made from itself."""
    if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.value, ast.Call)):
        return ""
    target, call = statement.targets[0], statement.value
    if not (isinstance(target, ast.Name) and isinstance(call.func, ast.Attribute)):
        return ""
    receiver = call.func.value
    given = call.args[0] if call.args else None
    method = isinstance(receiver, ast.Name) and receiver.id == target.id
    function = isinstance(given, ast.Name) and given.id == target.id
    if call.func.attr in _FORMS and (method or function):
        return LINE
    alone = function and len(call.args) == 1 and not call.keywords
    return LAYER if alone and isinstance(receiver, ast.Name) and receiver.id == "self" else ""


def _in_call(call: ast.Call, source: str) -> Iterator[tuple[str, ast.expr | ast.stmt, str]]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    module = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("torch", "F", "nn.functional")
    if isinstance(call.func, ast.Attribute) and not module and name in _FORMS:
        own = ast.unparse(call.func.value) == "self"  # `self.flatten(x)`: what is left is `x`
        if not own or call.args:
            yield LINE, call, ast.get_source_segment(source, call.args[0] if own else call.func.value) or ""
    parameters = layer_parameters(name) or []
    if " ".join(parameters[:2]) in _PAIRS and len(call.args) >= 2:
        first, second = (ast.get_source_segment(source, argument) or "" for argument in call.args[:2])
        whole = ast.get_source_segment(source, call) or ""
        if first != second and "*" not in whole[:1] and whole.count("\n") == 0:
            head, _, tail = whole.partition("(")
            between = tail[len(first) : tail.index(second, len(first))]
            yield SWAPPED, call, f"{head}({second}{between}{first}{tail[len(first) + len(between) + len(second) :]}"
    if name == "Sequential" and len(call.args) > 2:
        yield from ((LAYER, part, "") for part in call.args if isinstance(part, ast.Call))
    if name in _DIMS:
        skip = 1 if module else 0
        places = [call.args[at + skip] for at in _DIMS[name] if at + skip < len(call.args)]
        places += [keyword.value for keyword in call.keywords if keyword.arg in _DIM_WORDS]
        for value in places:
            yield from ((DIM, value, str(dim)) for dim in _near(value))


def _near(value: ast.expr) -> Iterator[int]:
    try:
        dim = ast.literal_eval(value)
    except ValueError:
        return
    if type(dim) is int:
        yield from (other for other in (dim - 1, dim + 1) if (other < 0) == (dim < 0))
