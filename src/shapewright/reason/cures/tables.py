"""Tables that a model brings along (positions, masks, class tokens, image statistics) against the sizes that come in.

A table is a parameter or buffer, or something made from one. It was made once, for one length or one sample, and has to be cut or repeated
where it is used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shapewright.model import Number, Span, TensorInfo
from shapewright.reason import levers, likely, solve
from shapewright.reason.lengths import spelled
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.rules.broadcast import OPS
from shapewright.reason.rules.concat import JOINS
from shapewright.reason.ways import setter
from shapewright.report import Edit
from shapewright.source import contains

_MASKED = ("multiheadattention", "scaled_dot_product_attention")
_REPEATABLE = {*JOINS, "stack", "bmm", "baddbmm", "multiheadattention", "lstm", "gru", "rnn"}


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor and where the source writes it."""

    tensor: TensorInfo
    span: Span | None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A dim of a table and the dim of another operand that it has to be as long as."""

    dim: int
    other: Operand
    at: int


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that cut, lengthen, repeat or drop what the model brings along."""
    if problem.event.span is None or problem.clash.slug == "checkpoint-shape":
        return
    yield from _sliced(problem)
    yield from _repeated(problem)
    yield from _unneeded_expand(problem)
    yield from _foreign_mask(problem)


# ------------------------------------------------------------------------------------------------------- longer or shorter tables


def _sliced(problem: Problem) -> Iterator[Candidate]:
    """`self.pe[:, : x.size(1)]` for a table that is longer; one that is too short is lengthened, too."""
    for table, meetings in _tables(problem):
        longer = [one for one in meetings if table.tensor.shape[one.dim] > one.other.tensor.shape[one.at]]
        shorter = [one for one in meetings if table.tensor.shape[one.dim] < one.other.tensor.shape[one.at]]
        differing = [*longer, *shorter]
        if not differing or not _are_lengths(problem, table.tensor, differing):
            continue
        turned = _steps_first(problem, table, differing)
        if turned is not None:
            yield turned
            continue
        edits = _cut(problem, table, differing)
        name = _called(problem, table)
        cut_already = _made_by(problem, table.tensor, "getitem")
        if edits and not shorter:
            yield Candidate("slice", f"take as much of {name} as is needed", edits)
        elif edits and len(shorter) == 1 and not longer:
            need = shorter[0].other.tensor.shape[shorter[0].at]
            room = table.tensor.shape[shorter[0].dim]
            while room < need:
                room *= 2
            for lever in levers.of_dim(problem.trace, _uncut(problem, table.tensor), shorter[0].dim, room):
                title = f"give {name} {room} rows" + ("" if cut_already else ", and take as many as are needed")
                more_rows = (*solve.edits(lever.settings), *(() if cut_already else edits))
                yield Candidate("table", title, more_rows, likely.MOST)  # the length of this one sequence would be too short for the next


def _steps_first(problem: Problem, table: Operand, differing: list[Meeting]) -> Candidate | None:
    """`self.pe[:, : x.size(1)]` of a table [steps, 1, features]: its author takes the steps to be in dim 1, and there they come to be."""
    event = (
        problem.trace.events[table.tensor.source]
        if _made_by(problem, table.tensor, "getitem") and table.tensor.source is not None
        else None
    )
    index = event.argument(1, "index") if event is not None else None
    code, place = problem.code(table.span), operand_spans(problem.trace, event)[0] if event is not None else None
    if event is None or event.span is None or place is None or code is None or not isinstance(index, tuple) or len(index) != 2:
        return None
    if (
        table.tensor.rank != 3
        or table.tensor.shape[1] != 1
        or [one.dim for one in differing] != [0]
        or index[0] != "slice(None, None, None)"
    ):
        return None
    text, name = code.text_at(event.span), code.text_at(place)
    rest = text.removeprefix(name)
    title = f"put the steps of `{name}` in dim 1"
    return Candidate("slice", title, code.replace(event.span, f"{name}.transpose(0, 1){rest}"), 1)


def _tables(problem: Problem) -> Iterator[tuple[Operand, list[Meeting]]]:
    """The tables among the operands, each with the dims in which it has to be as long as another operand."""
    event = problem.event
    operands = [Operand(*one) for one in problem.operands()]
    if event.op in _MASKED:
        yield from _mask(problem, operands)
    elif event.op in OPS:
        for operand in operands:
            other = next((one for one in operands if one is not operand and one.tensor.rank >= operand.tensor.rank), None)
            base = _base(problem, operand)
            if base is None and other is not None and event.op == "masked_fill" and operand.tensor is event.argument(1, "mask"):
                base = operand if _is_square(problem, operand) and other.tensor.shape[-1] == other.tensor.shape[-2] else None
            if base is None or other is None or _base(problem, other) is not None:
                continue
            shape, against = operand.tensor.shape, other.tensor.shape
            dims = [-i for i in range(1, len(shape) + 1) if shape[-i] != 1 and against[-i] != 1]
            yield base, [Meeting(dim % len(shape), other, dim % len(against)) for dim in dims]


def _mask(problem: Problem, operands: list[Operand]) -> Iterator[tuple[Operand, list[Meeting]]]:
    """A mask has a row for each query and a column for each key."""
    event, module = problem.event, problem.module
    given = event.argument(5 if event.op == "multiheadattention" else 3, "attn_mask")
    query, key = (next((one for one in operands if one.tensor is event.argument(i, name)), None) for i, name in enumerate(("query", "key")))
    mask = next((one for one in operands if one.tensor is given), None)
    base = _base(problem, mask) if mask is not None else None
    if base is None and mask is not None and query is not None and key is not None and query.tensor.shape == key.tensor.shape:
        base = mask if _is_square(problem, mask) else None
    if mask is not None and mask.span is None and query is not None:
        base, query, key = _outer(problem, mask, query)
    if base is None or query is None or key is None or base.tensor.rank < 2:
        return
    batch_first = event.op != "multiheadattention" or (module is not None and module.settings.get("batch_first") is True)
    length = -2 if batch_first or query.tensor.rank == 2 else 0
    rank = base.tensor.rank
    meetings = [Meeting(rank - 2, query, length % query.tensor.rank), Meeting(rank - 1, key, length % key.tensor.rank)]
    yield base, meetings


def _is_square(problem: Problem, mask: Operand) -> bool:
    """A mask in a variable, for each position against each other one; its first rows and columns are the mask of a shorter sequence."""
    shape = mask.tensor.shape
    return mask.span is not None and problem.text(mask.span).isidentifier() and len(shape) == 2 and shape[0] == shape[1]


def _outer(problem: Problem, mask: Operand, query: Operand) -> tuple[Operand | None, Operand, Operand]:
    """The mask, and the input, as the program gave them to the encoder that the layer belongs to."""
    span = problem.event.span
    code = problem.code(span)
    given = code.arguments(span) if code is not None and span is not None else ()
    named = [place for keyword, place in given[1:] if keyword in ("mask", "src_mask", "tgt_mask")]
    named = named or [place for keyword, place in given[1:] if keyword is None]
    masks = [place for place in named if _is_attribute(problem.text(place)) or _is_square(problem, Operand(mask.tensor, place))]
    outer = Operand(query.tensor, given[0][1] if given and given[0][0] in (None, "src", "tgt") else None)
    return Operand(mask.tensor, masks[0]) if len(masks) == 1 else None, outer, outer


def _base(problem: Problem, operand: Operand) -> Operand | None:
    """The table below an operand, as the source writes it inside of the operand: `self.tril` of `self.tril == 0`; None: it is no table."""
    while operand.span is not None:
        tensor = operand.tensor
        if tensor.kind in ("parameter", "buffer") or (_is_attribute(problem.text(operand.span)) and not _computed_here(problem, tensor)):
            return operand
        event = problem.trace.events[tensor.source] if tensor.source is not None else None
        if event is None or event.span is None or not contains(operand.span, event.span):
            return None
        inner = list(event.tensors())
        if len(inner) != 1 or inner[0].shape != tensor.shape:
            return None
        operand = Operand(inner[0], operand_spans(problem.trace, event)[0])
    return None


def _made_by(problem: Problem, tensor: TensorInfo, op: str) -> bool:
    """Whether a call in the same function made the tensor."""
    event = problem.trace.events[tensor.source] if tensor.source is not None else None
    return event is not None and event.op == op and event.function == problem.event.function


def _uncut(problem: Problem, tensor: TensorInfo) -> TensorInfo:
    """The table before the function took a piece of it."""
    event = problem.trace.events[tensor.source] if _made_by(problem, tensor, "getitem") and tensor.source is not None else None
    whole = next(event.tensors(), None) if event is not None else None
    return whole if whole is not None and whole.rank == tensor.rank else tensor


def _is_attribute(text: str) -> bool:
    """`self.pe`, also indexed."""
    try:
        node: ast.expr = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    while isinstance(node, ast.Subscript) or (isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Name)):
        node = node.value
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _computed_here(problem: Problem, tensor: TensorInfo) -> bool:
    """Whether the function itself has computed the tensor from others; an index or a view of one is still the same table."""
    while tensor.source is not None and 0 <= tensor.source < len(problem.trace.events):
        event = problem.trace.events[tensor.source]
        operands = list(event.tensors())
        if event.function != problem.event.function:
            return False
        if len(operands) != 1 or (event.module is not None and problem.trace.modules[event.module].library):
            return True
        tensor = operands[0]
    return False


def _are_lengths(problem: Problem, table: TensorInfo, meetings: list[Meeting]) -> bool:
    """Whether the dims count positions: not features, which a layer gives, nor a lone last dim."""
    dims = {one.dim for one in meetings}
    last = table.rank - 1
    if last in dims and not (last - 1 in dims and table.shape[last] == table.shape[last - 1]):
        return False
    for one in meetings:
        found = setter(problem.trace, one.other.tensor, one.at)
        module = problem.trace.modules[found[0].module] if found is not None and found[0].module is not None else None
        if found is not None and module is not None and module.library and found[0].output:
            rank = found[0].output[0].rank
            if found[1] == rank - 1 or (found[0].op.startswith("conv") and found[1] == 1):
                return False
    return True


def _cut(problem: Problem, table: Operand, meetings: list[Meeting]) -> tuple[Edit, ...]:
    """The edits that index the table with the sizes it has to have, () when these have no name."""
    assert problem.event.span is not None and table.span is not None
    parts = [":"] * (max(one.dim for one in meetings) + 1)
    for one in meetings:
        name = spelled(problem.trace, problem.event.span, one.other.tensor, one.other.span, one.at)
        if not name:
            return ()
        parts[one.dim] = f":{name}" if name.isidentifier() else f": {name}"
    code = problem.code(table.span)
    return code.append(table.span, f"[{', '.join(parts)}]") if code is not None else ()


def _called(problem: Problem, operand: Operand) -> str:
    text = problem.text(operand.span) if operand.span is not None else ""
    return f"`{text}`" if 0 < len(text) <= say.LONGEST_NAME and "\n" not in text else "the table"


# -------------------------------------------------------------------------------------------------------- one row for all samples


def _repeated(problem: Problem) -> Iterator[Candidate]:
    """`self.cls.expand(x.size(0), -1, -1)` where a dim of size 1 meets a batch in a call that does not stretch."""
    clash, event = problem.clash, problem.event
    if event.op not in _REPEATABLE or clash.got is None or clash.want is None:
        return
    operands = [Operand(*one) for one in problem.operands()]
    for size, against in ((clash.got, clash.want), (clash.want, clash.got)):
        one = next((operand for operand in operands if operand.tensor is size.tensor and operand.span is not None), None)
        other = next((operand for operand in operands if operand.tensor is against.tensor), None)
        if one is None or other is None or one.span is None:
            continue
        if size.dim is not None and against.dim is not None and size.value == 1:
            if problem.clash.slug == "matmul-inner-dim" and size.dim % one.tensor.rank:
                continue  # the inner dim of a product is no batch: repeated along it, all its terms are alike
            pairs = [(size.dim % one.tensor.rank, against.dim % other.tensor.rank)]
            if event.op in JOINS or event.op == "stack":
                pairs = _stretched(event.argument(1, "dim", event.kwargs.get("axis")), event.op, one.tensor, other.tensor)
            yield from _expand(problem, one, other, dict(pairs))
        elif size.dim is None and 0 < one.tensor.rank < other.tensor.rank == 3 and one.tensor.kind in ("parameter", "buffer"):
            yield from _expand_rank(problem, one, other)


def _stretched(given: object, op: str, one: TensorInfo, other: TensorInfo) -> list[tuple[int, int]]:
    """The dims of size 1 that must be as long as the other's: all but the one along which `cat` joins."""
    along = (given.value if isinstance(given, Number) else JOINS.get(op, 0)) % one.rank if op in JOINS else None
    if one.rank != other.rank:
        return []
    return [(dim, dim) for dim in range(one.rank) if dim != along and one.shape[dim] == 1 != other.shape[dim]]


def _expand(problem: Problem, one: Operand, other: Operand, dims: dict[int, int]) -> Iterator[Candidate]:
    sizes = ["-1"] * one.tensor.rank
    shape = list(one.tensor.shape)
    for dim, at in dims.items():
        sizes[dim] = _size(problem, other, at)
        shape[dim] = other.tensor.shape[at]
    if not dims or "" in sizes or not problem.would_fit(problem.with_operand(one.tensor, replace(one.tensor, shape=tuple(shape)))):
        return
    # cuDNN takes no state whose memory is shared between the samples
    behind = ".contiguous()" if problem.event.op in ("lstm", "gru", "rnn") else ""
    yield _appended(problem, one, f".expand({', '.join(sizes)}){behind}", dims)


def _expand_rank(problem: Problem, one: Operand, other: Operand) -> Iterator[Candidate]:
    """A row, or rows, without a batch dim beside tensors of [batch, length, features]."""
    module = problem.module
    first = problem.event.op != "multiheadattention" or (module is not None and module.settings.get("batch_first") is True)
    batch = _size(problem, other, 0 if first else 1)
    rows = one.tensor.shape if one.tensor.rank == 2 else (1, *one.tensor.shape)
    sizes = (other.tensor.shape[0], *rows) if first else (rows[0], other.tensor.shape[1], rows[1])
    if not batch or not problem.would_fit(problem.with_operand(one.tensor, replace(one.tensor, shape=sizes))):
        return
    if first:
        suffix = f".expand({batch}, {'-1' if one.tensor.rank == 2 else '1'}, -1)"
    else:
        suffix = f".unsqueeze(1).expand(-1, {batch}, -1)" if one.tensor.rank == 2 else f".expand(1, {batch}, -1)"
    yield _appended(problem, one, suffix, {0: 0})


def _size(problem: Problem, other: Operand, dim: int) -> str:
    at = problem.event.span
    return spelled(problem.trace, at, other.tensor, other.span, dim) if at is not None else ""


def _appended(problem: Problem, one: Operand, suffix: str, dims: dict[int, int]) -> Candidate:
    assert one.span is not None
    code = problem.code(one.span)
    whom = "for every sample of the batch" if len(dims) == 1 else "to the size of the other"
    return Candidate("expand", f"repeat {_called(problem, one)} {whom}", code.append(one.span, suffix) if code is not None else ())


def _unneeded_expand(problem: Problem) -> Iterator[Candidate]:
    """`x.expand(2, 16)` of a tensor that has a batch of its own: it is as it should be without."""
    event, want = problem.event, problem.clash.want
    code, operand = problem.code(event.span), next(problem.operands(), None)
    if event.op != "expand" or event.call != "method" or event.span is None or operand is None or operand[1] is None or code is None:
        return
    shape = operand[0].shape
    asked = [arg.value for arg in event.args[1:] if isinstance(arg, Number)]
    if want is None or want.number is None or len(asked) != len(shape) or shape[0] == asked[0] or asked[1:] == [] or shape[0] == 1:
        return
    if all(size in (-1, own) for size, own in zip(asked[1:], shape[1:], strict=True)):
        text = code.text_at(operand[1])
        yield Candidate("batch-size", f"leave out the expand to {asked[0]}", code.replace(event.span, text), 1)


def _foreign_mask(problem: Problem) -> Iterator[Candidate]:
    """A square mask, made for attention of the queries to themselves, at an attention to keys of another length."""
    event, span = problem.event, problem.event.span
    mask, query, key = event.kwargs.get("attn_mask"), event.argument(0, "query"), event.argument(1, "key")
    code, got = problem.code(span), problem.clash.got
    if code is None or span is None or not isinstance(mask, TensorInfo) or got is None or got.tensor is not mask:
        return
    if not isinstance(query, TensorInfo) or not isinstance(key, TensorInfo) or mask.rank < 2 or mask.shape[-1] != mask.shape[-2]:
        return
    if mask.shape[-1] in query.shape[:-1] and mask.shape[-1] not in key.shape[:-1]:
        yield Candidate("mask", "leave out a mask that was made for another attention", code.drop_argument(span, "attn_mask"))
