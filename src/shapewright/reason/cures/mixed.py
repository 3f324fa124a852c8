"""A reshape that only counts values off anew: the dims are moved as well, or the batch is kept and the layer behind built for its width."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import islice, product
from math import prod

from shapewright.model import Event, Number, Span
from shapewright.reason import solve
from shapewright.reason.asked import arguments, call_at, shape_of
from shapewright.reason.edits import Code
from shapewright.reason.layouts import Piece, Row, asked, regrouped
from shapewright.reason.names import operand_spans
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.silent import flow
from shapewright.reason.silent.batch_mixed import Swap, layers_behind, meant, swap_of
from shapewright.reason.syntax import parsed
from shapewright.report import Edit


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates for one reshape."""
    event = problem.event
    code, span = problem.code(event.span), event.span
    if code is None or span is None or not event.output:
        return
    swap = swap_of(problem.trace, event.index)
    if swap is not None:
        yield from _moved(problem, swap, code, span)
    elif problem.clash.want is not None:
        yield from _kept(problem, event, code, span)


# Dims are moved


def _moved(problem: Problem, swap: Swap, code: Code, span: Span) -> Iterator[Candidate]:
    event = swap.event
    operand = operand_spans(problem.trace, event)[0]
    text = code.text_at(operand) if operand is not None else ""
    if not text:
        return
    bare = _one(text.removesuffix(".contiguous()"))
    name = f"`{bare}`" if len(bare) <= say.LONGEST_NAME and "\n" not in bare else "the tensor"
    sizes = _written(problem, event, code)
    if swap.splits is not None:
        yield from _both(
            problem, swap, code, span, _split(swap, bare, sizes), f"split {name} in the order of its values, then move the dims"
        )
        return
    order = _order(swap)
    shape = next(event.tensors()).shape
    if order is not None and tuple(shape[dim] for dim in order) == event.output[0].shape:
        yield from _both(problem, swap, code, span, bare + _move(order), f"move the dims of {name} in the place of `{event.op}`")
        return
    move = _move(order) if order is not None else ""
    if move.startswith(".transpose") and bare.endswith(move):  # the second one would undo the first
        behind, title = bare.removesuffix(move), f"merge the dims without `{move}` before"
    elif move:
        behind, title = bare + move, f"move the dims of {name} before they are merged"
    else:
        parts = _parts(swap, bare, sizes)
        behind, title = bare + parts, f"take the dims of {name} apart, and move them before they are merged"
        if not parts:
            return
    given = _given(problem, event, code)
    if given is not None:
        call = f".contiguous().{event.op}({given})" if text.endswith(".contiguous()") else f".reshape({given})"
        yield Candidate("swap", title, code.replace(span, behind + call), 1)


def _both(problem: Problem, swap: Swap, code: Code, span: Span, new: str, title: str) -> Iterator[Candidate]:
    """The call in another form; with a copy where a `view` follows, which takes no moved dims."""
    if new:
        copy = ".contiguous()" if _is_viewed(problem, swap.event) else ""
        yield Candidate("swap", title, code.replace(span, new + copy), 1)


def _is_viewed(problem: Problem, event: Event) -> bool:
    todo, seen = [event], {event.index}
    while todo:
        for user in flow.consumers(problem.trace, todo.pop()):
            if user.op == "view":
                return True
            alike = user.output and user.output[0].shape == event.output[0].shape and user.module == event.module
            if alike and user.index not in seen and user.op not in ("contiguous", "matmul", "bmm", "linear"):
                seen.add(user.index)
                todo.append(user)
    return False


def _split(swap: Swap, text: str, sizes: Sequence[str]) -> str:
    """`view(B, T, heads, d).transpose(1, 2)`: the sizes in the order in which the values lie, then moved."""
    assert swap.splits is not None
    block = swap.block
    lies = iter([block.dims[number] for dims in swap.splits for number in sorted(dims)])
    order = [next(lies) if dim in block.dims else dim for dim in range(len(sizes))]
    back = [order.index(dim) for dim in range(len(sizes))]
    return f"{text}.{swap.event.op}({', '.join(sizes[dim] for dim in order)}){_move(back)}" if sizes else ""


def _pieces(swap: Swap) -> tuple[list[Piece], list[Piece]]:
    """All pieces of the operand as they lie, and as the result means them."""
    lie = [piece for row in swap.rows for piece in row]
    first = next(place for place in range(len(lie)) if tuple(lie[place : place + len(swap.block.pieces)]) == swap.block.pieces)
    read = [swap.block.pieces[place] for group in swap.groups for place in group]
    return lie, [*lie[:first], *read, *lie[first + len(read) :]]


def _order(swap: Swap) -> list[int] | None:
    """The operand's dims in the order that the result means; None when one of them has to be taken apart first."""
    order: list[int] = []
    _, read = _pieces(swap)
    while read:
        dim = next(dim for dim, row in enumerate(swap.rows) if read[0] in row)
        if tuple(read[: len(swap.rows[dim])]) != swap.rows[dim]:
            return None
        order.append(dim)
        read = read[len(swap.rows[dim]) :]
    filled = iter(order)
    return [next(filled) if row else dim for dim, row in enumerate(swap.rows)]  # dims of size 1 stay


def _parts(swap: Swap, text: str, sizes: Sequence[str]) -> str:
    """`.view(B, -1, T, d).transpose(1, 2)` for `(B * heads, T, d)`: the operand's dims taken apart, and moved."""
    lie, read = _pieces(swap)
    alone = {row[0]: dim for dim, row in (meant(swap) | _others(swap)).items() if len(row) == 1}
    written: list[str] = []
    for dim, row in enumerate(swap.rows):
        if len(row) == 1:
            written.append(f"{text}.size({dim})" if text.isidentifier() else "-1")
        written.extend(sizes[alone[piece]] if piece in alone and sizes else "-1" for piece in row if len(row) > 1)
    if written.count("-1") > 1:
        return ""
    order = [lie.index(piece) for piece in read]
    return f".reshape({', '.join(written)}){_move(order)}"


def _others(swap: Swap) -> dict[int, Row]:
    """What the dims outside of the block consist of."""
    dims, _ = regrouped([piece for row in swap.rows for piece in row], swap.event.output[0].shape)
    return {dim: row for dim, row in enumerate(dims) if dim not in swap.block.dims}


def _one(text: str) -> str:
    """The expression so that a method can be called on it."""
    node = ast.parse(text, mode="eval").body if parsed(text) is not None else None
    return text if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else f"({text})"


def _move(order: Sequence[int]) -> str:
    moved = [dim for dim, other in enumerate(order) if dim != other]
    if len(moved) == 2:
        return f".transpose({moved[0]}, {moved[1]})"
    return f".permute({', '.join(map(str, order))})"


def _written(problem: Problem, event: Event, code: Code) -> list[str]:
    """The sizes as the source writes them, one a dim; [] where it does not."""
    node = call_at(problem.trace, event)
    given = arguments(node) if node is not None else []
    if node is None or event.span is None or event.op not in ("view", "reshape"):
        return []
    rank = event.output[0].rank
    if len(given) == 1 and rank > 1:
        tensor = shape_of(given[0])
        return [f"{ast.unparse(tensor)}.size({dim})" for dim in range(rank)] if tensor is not None else []
    lines = code.text.split("\n")
    return [code.text_at(span_of(one, event.span.file, lines)) for one in given] if len(given) == rank else []


def _given(problem: Problem, event: Event, code: Code) -> str | None:
    """What a reshape was asked for, to be asked for again; a flatten is written out."""
    sizes = _written(problem, event, code)
    if sizes:
        return ", ".join(sizes)
    if event.op == "flatten":
        return ", ".join([*("-1" if dim == 0 else str(size) for dim, size in enumerate(event.output[0].shape))])
    return None


# The batch is kept


def _kept(problem: Problem, event: Event, code: Code, span: Span) -> Iterator[Candidate]:
    """The numbers of the view and of the layer behind it for what a sample really has; or a flatten that cannot be wrong."""
    operand = next(event.tensors())
    features = prod(operand.shape[1:])
    modules = [problem.trace.modules[layer.module] for layer in layers_behind(problem.trace, event) if layer.module is not None]
    wrong = [module for module in modules if (width := module.number("in_features")) is not None and width.value != features]
    numbers = [size for size in asked(event)[1:] if isinstance(size, Number) and size.value > 1]
    built = [_anew(module.number("in_features"), features, operand.shape[1:]) for module in wrong]
    names = say.listed([f"`{say.module_name(module)}`" for module in wrong])
    also = f", and build {names} for {features} input features" if built else ""
    if len(numbers) == 1 and event.output[0].rank == 2:
        for both in product(_anew(numbers[0], features, operand.shape[1:]), *built):
            edits = tuple(dict.fromkeys(edit for way in both for edit in way))
            words = f"let `{event.op}` count {features} values for a row{also}"
            yield Candidate("constant", words, edits, 1)
    place = operand_spans(problem.trace, event)[0]
    if place is not None and event.output[0].rank == 2:
        flat = code.replace(span, f"{code.text_at(place)}.flatten(1)")
        for ways in product(*built):
            edits = tuple(dict.fromkeys([*flat, *(edit for way in ways for edit in way)]))
            yield Candidate("batch-size", f"keep the batch, and flatten all the rest{also}", edits, 1)


def _anew(number: Number | None, value: int, factors: Sequence[int]) -> list[tuple[Edit, ...]]:
    if number is None or number.origin is None:
        return []
    return [solve.edits(settings) for settings in islice(solve.solutions(number.origin, value, factors), 1)]
