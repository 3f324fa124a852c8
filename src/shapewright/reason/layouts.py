"""What the dims of every tensor of a run consist of: the sizes that calls have set, in the order in which the values lie. Pure.

A *piece* is a size that somebody set: channels, steps, heads. A dim is a row of pieces; a flatten makes one row of several, a view cuts
pieces apart, a permute moves rows. So it can be told what a later `view` really takes for what: a *block* is a stretch in which the sizes
before and after the call have no boundary in common, although there are several on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

from shapewright.model import Event, Number, Origin, TensorInfo, Trace, Value
from shapewright.reason.ways import way

RESHAPES = ("view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "ravel")
MOST_PIECES = 9  # in one block; more are not looked through

_GIVES = ("out_channels", "out_features", "embedding_dim", "hidden_size", "embed_dim", "d_model")
_UNKNOWN = ("movedim", "rot90", "tensor_split", "T")


@dataclass(frozen=True, slots=True)
class Piece:
    """A size that was set somewhere. Of a piece that was cut the parts begin with its name."""

    name: tuple[Hashable, ...]
    size: int
    key: Hashable = field(default=None, compare=False)  # the literals that it was set by
    filled: bool = field(default=False, compare=False)  # set by a `cat` or a `pad`
    fresh: bool = field(default=False, compare=False)  # features that a layer made

    def is_in(self, other: Piece) -> bool:
        """Whether it is the other one or a part of it."""
        return self.name[: len(other.name)] == other.name


Row = tuple[Piece, ...]
Dims = tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a reshape without a common boundary inside: these pieces became those dims."""

    pieces: Row
    dims: tuple[int, ...]  # of the result, sizes of 1 left out
    sizes: tuple[int, ...]
    cut: Dims | None  # what the dims consist of; None when a boundary goes through the middle of a piece

    @property
    def one_sided(self) -> bool:
        """Whether each piece that is cut keeps a part for itself: frames that are stacked, channels in groups."""
        if self.cut is None:
            return False
        whole = set(self.pieces)
        for row, following in pairwise(self.cut):
            cut = row[-1] not in whole and following[0] not in whole
            if cut and len(row) > 1 and len(following) > 1:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Layouts:
    """The dims of all results of a run."""

    found: dict[int, tuple[tuple[tuple[int, ...], Dims], ...]]

    def of(self, tensor: TensorInfo) -> Dims:
        """What the dims of a tensor consist of; of one from outside each dim is a piece of its own."""
        for shape, dims in self.found.get(tensor.source if tensor.source is not None else -1, ()):
            if shape == tensor.shape:
                return dims
        name: tuple[Hashable, ...] = ("outside", tensor.source, tensor.name, tensor.shape)
        return tuple(_row(Piece((*name, dim), size)) for dim, size in enumerate(tensor.shape))

    def pieces(self, tensor: TensorInfo) -> Row:
        """All pieces of a tensor, in the order in which its values lie."""
        return tuple(piece for row in self.of(tensor) for piece in row)


Judge = Callable[["Layouts", Event, tuple[Block, ...]], Mapping[int, Row]]


def layouts(trace: Trace, judge: Judge | None = None) -> Layouts:
    """Followed through all calls, in their order. `judge` sees each reshape with blocks, and may say what its dims are meant to be."""
    made = Layouts({})
    for event in trace.events:
        if event.output and event.op != "not-recorded":
            outputs = tuple(
                (output.shape, _output(trace, made, event, output, number, judge)) for number, output in enumerate(event.output[:8])
            )
            made.found[event.index] = outputs
    return made


def regrouped(pieces: Sequence[Piece], shape: Sequence[int], keys: Sequence[Hashable] = ()) -> tuple[Dims, tuple[Block, ...]]:
    """What the dims of a reshape's result consist of, and its blocks. `keys` say for each dim which literals asked for it."""
    rows: list[Row] = [()] * len(shape)
    blocks: list[Block] = []
    wanted = [dim for dim, size in enumerate(shape) if size != 1]
    taken: list[Piece] = []
    into: list[int] = []
    place = at = 0
    while place < len(pieces) or at < len(wanted) or taken:
        before, after = prod(piece.size for piece in taken), prod(shape[dim] for dim in into)
        if taken and into and before == after:
            block = _block(taken, into, shape, keys)
            for dim, row in zip(into, block.cut or ((),) * len(into), strict=True):
                rows[dim] = row or _row(Piece(("mixed", *(piece.name for piece in taken), dim, tuple(shape)), shape[dim]))
            if len(taken) > 1 and len(into) > 1:
                blocks.append(block)
            taken, into = [], []
        elif (before <= after or at >= len(wanted)) and place < len(pieces):
            taken.append(pieces[place])
            place += 1
        elif at < len(wanted):
            into.append(wanted[at])
            at += 1
        else:
            break  # the sizes do not make up each other: nothing is known
    return tuple(rows), tuple(blocks)


def _block(pieces: Sequence[Piece], dims: Sequence[int], shape: Sequence[int], keys: Sequence[Hashable]) -> Block:
    sizes = tuple(shape[dim] for dim in dims)
    return Block(tuple(pieces), tuple(dims), sizes, _cut(pieces, dims, sizes, keys))


def _cut(pieces: Sequence[Piece], dims: Sequence[int], sizes: Sequence[int], keys: Sequence[Hashable]) -> Dims | None:
    """The pieces cut at the boundaries of the dims; None when these do not divide them."""
    rows: list[list[Piece]] = [[] for _ in sizes]
    left = list(sizes)
    at = 0
    for piece in pieces:
        rest, parts = piece.size, []
        while rest > 1 and at < len(left):
            step = min(rest, left[at])
            if rest % step or left[at] % step:
                return None
            parts.append((step, at))
            rest //= step
            left[at] //= step
            at += left[at] == 1
        split = tuple(step for step, _ in parts)
        for number, (step, dim) in enumerate(parts):
            key = keys[dims[dim]] if dims[dim] < len(keys) and step == sizes[dim] else None
            rows[dim].append(piece if len(parts) == 1 else Piece((*piece.name, (number, split)), step, key))
    return tuple(map(tuple, rows))


def uneven(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether a reshape cuts dims so that parts are left over: nobody counts frames or groups off so."""
    ends = {prod(shape[:dim]) for shape in (before, after) for dim in range(len(shape) + 1)}
    return any(later % earlier for earlier, later in pairwise(sorted(ends)))


def deals(pieces: Sequence[Piece], sizes: Sequence[int]) -> list[tuple[tuple[int, ...], ...]]:
    """The ways to deal out the pieces to the sizes so that each size is a product of whole ones; first those that part neighbours least."""
    if len(pieces) > MOST_PIECES:
        return []
    found = list(_dealt([piece.size for piece in pieces], tuple(range(len(pieces))), tuple(sizes)))
    return sorted(found, key=lambda groups: sum(sum(b - a - 1 for a, b in pairwise(group)) for group in groups))


def _dealt(pieces: Sequence[int], left: tuple[int, ...], sizes: tuple[int, ...]) -> Iterable[tuple[tuple[int, ...], ...]]:
    if not sizes:
        if not left:
            yield ()
        return
    for group in _groups(pieces, left, sizes[0]):
        rest = tuple(place for place in left if place not in group)
        for others in _dealt(pieces, rest, sizes[1:]):
            yield (group, *others)


def _groups(pieces: Sequence[int], left: tuple[int, ...], size: int) -> Iterable[tuple[int, ...]]:
    for number, place in enumerate(left):
        if pieces[place] == size:
            yield (place,)
        elif size % pieces[place] == 0:
            for others in _groups(pieces, left[number + 1 :], size // pieces[place]):
                yield (place, *others)


# Sizes and the literals behind them


def asked(event: Event) -> tuple[Value, ...]:
    """The sizes that a reshape was asked for, as they were given; () for a flatten and for another tensor's shape."""
    if event.op not in ("view", "reshape"):
        return ()
    given = event.args[1:] or tuple(event.kwargs.values())
    if len(given) == 1 and isinstance(given[0], tuple):
        given = given[0]
    return given if all(isinstance(value, Number) for value in given) else ()


def key_of(value: Value) -> Hashable:
    """What two numbers have in common that come from the same literals by the same way; None when that is not known."""
    return _key(value.origin) if isinstance(value, Number) and value.origin is not None else None


def _key(origin: Origin) -> Hashable:
    if origin.parts:
        return (origin.op, *(_key(part) for part in origin.parts))
    return origin.span or origin.value


def _row(piece: Piece) -> Row:
    return (piece,) if piece.size != 1 else ()


# Through one call


def _output(trace: Trace, made: Layouts, event: Event, output: TensorInfo, number: int, judge: Judge | None) -> Dims:
    operands = list(event.tensors())
    if event.op in RESHAPES and operands and 0 not in output.shape:
        dims, blocks = regrouped(made.pieces(operands[0]), output.shape, tuple(map(key_of, asked(event))))
        meant = judge(made, event, blocks) if judge is not None and blocks else {}
        return tuple(meant.get(dim, row) for dim, row in enumerate(dims))
    rows: list[Row] = []
    for dim in range(output.rank):
        found = _from(trace, event, output, dim, number)
        dims = made.of(operands[found[0]]) if found is not None else ()
        row = dims[found[1]] if found is not None and 0 <= found[1] < len(dims) else ()
        if not row or prod(piece.size for piece in row) != output.shape[dim]:
            row = _set(trace, made, event, output, dim, number)
        rows.append(row)
    return tuple(rows)


def _from(trace: Trace, event: Event, output: TensorInfo, dim: int, number: int) -> tuple[int, int] | None:
    """Which operand's dim this one is; also for a few calls that have several results or name their dims."""
    operands = list(event.tensors())
    if not operands or event.op in _UNKNOWN:
        return None
    if event.op == "einsum":
        return _of_einsum(event, operands, dim)
    if event.op in ("lstm", "gru", "rnn") and number:
        module = trace.modules[event.module] if event.module is not None else None
        first = module is not None and module.settings.get("batch_first") is True
        return (0, 0 if first else 1) if dim == 1 and output.rank == operands[0].rank == 3 else None
    if event.op in ("unbind", "select"):
        at = event.argument(1, "dim", Number(0))
        if not isinstance(at, Number) or output.rank != operands[0].rank - 1:
            return None
        gone = at.value % operands[0].rank
        return 0, dim + (dim >= gone)
    return way(event, output, dim)


def _of_einsum(event: Event, operands: list[TensorInfo], dim: int) -> tuple[int, int] | None:
    words = event.args[0] if event.args else None
    if not isinstance(words, str) or "->" not in words or "." in words:
        return None
    left, _, right = words.replace(" ", "").partition("->")
    terms = left.split(",")
    if dim >= len(right) or len(terms) != len(operands):
        return None
    return next(((place, term.index(right[dim])) for place, term in enumerate(terms) if right[dim] in term), None)


def _set(trace: Trace, made: Layouts, event: Event, output: TensorInfo, dim: int, number: int) -> Row:
    """A size that the call itself has set."""
    operands = list(event.tensors())
    if event.op in ("repeat", "expand", "repeat_interleave") and operands:
        row = _repeated(made, event, operands[0], output, dim)
        if row is not None:
            return row
    module = trace.modules[event.module] if event.module is not None else None
    key: Hashable = None
    for setting in _GIVES if module is not None and module.library else ():
        value = module.number(setting) if module is not None else None
        if value is not None and value.value == output.shape[dim]:
            key = key_of(value)
            break
    layer = module is not None and module.library and bool(module.parameters)
    filled = event.op in ("cat", "concat", "pad", "hstack", "vstack")
    return _row(Piece(("set", event.index, number, dim), output.shape[dim], key, filled, layer))


def _repeated(made: Layouts, event: Event, operand: TensorInfo, output: TensorInfo, dim: int) -> Row | None:
    """`repeat(1, k)`: k times the old dim, one behind the other."""
    at = dim - (output.rank - operand.rank)
    if at < 0 or event.op != "repeat" or operand.shape[at] == 0 or output.shape[dim] % operand.shape[at]:
        return None
    times = output.shape[dim] // operand.shape[at]
    return (*_row(Piece(("set", event.index, 0, dim), times)), *made.of(operand)[at])
