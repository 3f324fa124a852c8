"""What becomes of a table of all with all: whether it is worked on element by element and counted as a whole. Pure.

Who wants all pairs asks something of a row or a column, or lays a mask of pairs over the table; who takes the mean of it all has not
seen it.
"""

from __future__ import annotations

import ast
from collections.abc import Set

from shapewright.model import Event, Trace
from shapewright.reason.places import parsed, span_of
from shapewright.reason.silent import flow
from shapewright.source import contains

# Losses that take two shapes as they are and stretch them. Others, such as `binary_cross_entropy`, refuse.
LOSSES = (
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "kl_div", "hinge_embedding_loss", "gaussian_nll_loss",
    "dist",
)  # fmt: skip
BY_HAND = (
    "sub", "add", "mul", "div", "pow", "eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum", "max", "min", "isclose", "xlogy",
    "bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor",
)  # fmt: skip

# What works on each element for itself. Anything else (an index, a product of matrices, a softmax) knows of the table's rows and columns.
ELEMENTWISE = {
    *BY_HAND, "abs", "square", "sqrt", "rsqrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "neg", "sign", "sigmoid", "tanh",
    "relu", "leaky_relu", "elu", "gelu", "softplus", "logsigmoid", "log_sigmoid", "clamp", "clip", "clamp_min", "clamp_max", "reciprocal",
    "round", "floor", "ceil", "cosh", "sinh", "sin", "cos", "erf", "where", "masked_fill", "nan_to_num", "bitwise_not", "logical_not",
    "detach", "clone", "contiguous", "to", "float", "double", "half", "bfloat16", "long", "int", "bool", "type", "type_as", "cpu", "cuda",
    "data", "view_as", "expand_as", "reshape_as", "isnan", "isfinite", "isinf", "logaddexp", "lerp", "addcmul", "dropout", "hardtanh",
}  # fmt: skip
_LIKE = ("zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "empty_like")  # ask for the shape, take no values
_FLAT = ("flatten", "view", "reshape", "ravel", "squeeze")
_COUNTS = ("mean", "sum", "item", "all", "any", "norm", "vector_norm", "linalg_norm", "nanmean", "nansum", "count_nonzero", *LOSSES)
_SIDEWAYS = ("std", "var", "max", "min", "amax", "amin", "median", "prod", "nanmedian", "std_mean", "var_mean")


def users_of(trace: Trace, step: Event) -> list[Event]:
    """The calls that work on a call's result; several of one kind may stand at one place in a library, and are told apart by the shape."""
    shape = step.output[0].shape
    users = (user for user in flow.consumers(trace, step) if not user.training)
    return [user for user in users if any(tensor.shape == shape for tensor in user.tensors())]


def ends_in_one_number(trace: Trace, event: Event, suspects: Set[int]) -> bool:
    """Whether the table is worked on element by element, and then counted as a whole; a row or column of it is of no interest."""
    todo, seen = [event], {event.index}
    ends = False
    while todo:
        step = todo.pop()
        users = users_of(trace, step)
        if not users and step.output[0].rank and _counted_in_numpy(trace, step):
            ends = True
        for user in users:
            if user.index in seen or user.op in _LIKE:
                continue
            seen.add(user.index)
            single = not user.output or user.output[0].rank == 0
            if single and (user.op in _COUNTS or user.op in _SIDEWAYS):
                ends = ends or user.op in _COUNTS
            elif not user.output or user.output[0].numel != step.output[0].numel:
                return False
            elif _each_for_itself(user) and not _meets_a_table(trace, user, suspects):
                todo.append(user)
            else:
                return False
    return ends


def _each_for_itself(user: Event) -> bool:
    if user.op in _FLAT:
        return user.output[0].rank == 1 or user.output[0].shape == next(user.tensors()).shape
    return user.op in ELEMENTWISE or user.op in LOSSES


def _meets_a_table(trace: Trace, user: Event, suspects: Set[int]) -> bool:
    """Whether another operand is a table in its own right, with a row and a column for each: a product of matrices, a mask of pairs."""
    return any(
        tensor.shape == user.output[0].shape and tensor.rank > 1 and not flow.ancestors(trace, [tensor]) & suspects
        for tensor in user.tensors()
    )


def _counted_in_numpy(trace: Trace, event: Event) -> bool:
    """`(pred - y).numpy()`, and around it, or of the variable it is given to, a mean or sum without an axis."""
    if event.span is None:
        return False
    text = trace.sources.get(event.span.file, "")
    lines = text.split("\n")
    tree = parsed(text)
    around = [node for node in ast.walk(tree) if isinstance(node, ast.expr | ast.stmt) and _holds(node, event, lines)]
    leaves = [node for node in around if isinstance(node, ast.Call) and _called(node) == "numpy"]
    if not leaves:
        return False
    if any(_counts(node) for node in around if isinstance(node, ast.Call)):
        return True
    given = [node for node in around if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)]
    names = {node.targets[0].id for node in given if isinstance(node.targets[0], ast.Name)}
    return any(
        isinstance(node, ast.Call) and _counts(node) and names & {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        for node in ast.walk(tree)
    )


def _holds(node: ast.expr | ast.stmt, event: Event, lines: list[str]) -> bool:
    span = event.span
    if span is None or not node.lineno <= span.line <= (node.end_lineno or node.lineno):
        return False
    return isinstance(node, ast.Assign | ast.Call) and contains(span_of(node, span.file, lines), span)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def _counts(call: ast.Call) -> bool:
    of_numpy = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id in ("np", "numpy")
    whole_of_it = len(call.args) == of_numpy and not call.keywords
    return _called(call) in ("mean", "sum", "average", "median") and whole_of_it
