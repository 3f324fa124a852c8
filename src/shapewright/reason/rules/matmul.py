"""Matrices are multiplied whose inner dims differ.

What happened. In `a @ b` (and `mm`, `bmm`, `einsum`) every row of `a` meets every column of `b`: the last dim of `a`
must equal the second to last of `b` (`matmul-inner-dim`). Dims before those are batches and go together as in an
addition.

Why. A transpose is missing (scores of attention are `q @ k.transpose(-2, -1)`) or stands on the wrong side; heads
were not split off in one of the two; a weight of your own was made for another width.

How to tell which fix is right. Write the shapes with names, `[B, T, D] @ [B, D, T]`: the two names in the middle must
be the same thing, not merely the same number. If transposing makes them the same thing, transpose (not `reshape`,
which scrambles); else one of the widths is wrong.

Example. Attention scores without a transpose:

    `q @ k` needs equal inner dims but has 64 and 196
"""

from __future__ import annotations

from shapewright.model import Clash, Size, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, broadcast, clashing, not_filling, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("matmul-inner-dim",)

RANKS = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1), "vdot": (1, 1)}
ADDED = {"addmm": (2, 2), "addmv": (2, 1), "baddbmm": (3, 3), "addbmm": (3, 3)}


def demand(scene: Scene) -> Clash | None:
    """The inner dims are equal and the batches go together."""
    event = scene.event
    if event.op == "einsum":
        return _einsum(scene)
    if event.op == "inner":
        return _inner(scene)
    if event.op == "matmul" or event.op in RANKS:
        a, b = tensor(event, 0, "input"), tensor(event, 1, "mat2" if event.op != "matmul" else "other")
    elif event.op in ADDED:
        a, b = tensor(event, 1, "mat1"), tensor(event, 2, "mat2")
    else:
        return None
    if a is None or b is None:
        return None
    clash = _ranks(scene, a, b) or _product(scene, a, b)
    return clash or (_added(scene, a, b) if event.op in ADDED else None)


def _ranks(scene: Scene, a: TensorInfo, b: TensorInfo) -> Clash | None:
    op = scene.event.op
    first, second = say.pair(scene, a, b)
    label = f"{first} is {a}, {second} is {b}"
    wanted = (RANKS | ADDED).get(op)
    if wanted is None:
        if a.rank and b.rank:
            return None
        return Clash(
            "other-shape-error", "`matmul` multiplies matrices or vectors, not single numbers", label, got=whole(a if not a.rank else b)
        )
    if (a.rank, b.rank) == wanted:
        return None
    guilty = a if a.rank != wanted[0] else b
    headline = f"`{op}` expects {wanted[0]} and {say.count(wanted[1], 'dim')} but receives {a.rank} and {b.rank}"
    return Clash("other-shape-error", headline, label, got=whole(guilty, guilty.rank))


def _product(scene: Scene, a: TensorInfo, b: TensorInfo) -> Clash | None:
    first, second = say.pair(scene, a, b)
    row, column = -1, -2 if b.rank > 1 else -1
    if a.shape[row] != b.shape[column]:
        headline = f"{_written(scene, first, second)} needs equal inner dims but has {a.shape[row]} and {b.shape[column]}"
        label = f"{first} is {say.marked(a, row)}, {second} is {say.marked(b, column)}"
        got, want = at(a, row), at(b, column)
        if a.kind in ("parameter", "buffer") and b.kind not in ("parameter", "buffer"):
            got, want = want, got
        return Clash("matmul-inner-dim", headline, label, got, want, _notes(first, a, second, b))
    batches = a.shape[:-2], b.shape[:-2]
    if scene.event.op in ("bmm", "baddbmm", "addbmm"):
        hits = [-1] if batches[0] != batches[1] else []
    else:
        hits = clashing(*batches)
    if hits:
        dim = hits[0] - 2
        headline = f"{_written(scene, first, second)} multiplies batches of {a.shape[dim]} and {b.shape[dim]} matrices"
        label = f"{first} is {say.marked(a, dim)}, {second} is {say.marked(b, dim)}"
        return Clash("broadcast-mismatch", headline, label, at(a, dim), at(b, dim))
    return None


def _written(scene: Scene, first: str, second: str) -> str:
    op = scene.event.op
    if {first, second} & {"left", "right", "first", "second"}:
        return "`@`" if scene.event.call == "operator" else f"`{op}`"
    return f"`{first} @ {second}`" if op == "matmul" else f"`{op}({first}, {second})`" if op in RANKS else f"`{op}`"


def _notes(first: str, a: TensorInfo, second: str, b: TensorInfo) -> tuple[str, ...]:
    if b.rank > 1 and a.shape[-1] == b.shape[-1]:
        return (f"with the last two dims of {second} swapped the inner dims would both be {a.shape[-1]}",)
    if a.rank > 1 and a.shape[-2] == b.shape[-2 if b.rank > 1 else -1]:
        return (f"with the last two dims of {first} swapped the inner dims would both be {a.shape[-2]}",)
    if b.rank > 1 and a.rank == b.rank == 2 and a.shape[0] == b.shape[1]:
        return (f"in the other order, {second} before {first}, the inner dims would both be {a.shape[0]}",)
    return ()


def _added(scene: Scene, a: TensorInfo, b: TensorInfo) -> Clash | None:
    op = scene.event.op
    added = tensor(scene.event, 0, "input")
    if added is None:
        return None
    product = (*a.shape[:-1], b.shape[-1]) if b.rank > 1 else a.shape[:-1]
    product = product[1:] if op == "addbmm" else product
    hits = not_filling(added.shape, product)
    if not hits and added.rank <= len(product):
        return None
    called = say.name(scene, added, "the first")
    headline = f"`{op}` adds {say.sizes(added.shape)} to a product of {say.sizes(product)}"
    label = f"{called} is {say.marked(added, *hits)}, the product is {say.sizes(product)}"
    return Clash("broadcast-mismatch", headline, label, got=at(added, hits[0]) if hits else whole(added))


def _inner(scene: Scene) -> Clash | None:
    a, b = tensor(scene.event, 0, "input"), tensor(scene.event, 1, "other")
    if a is None or b is None or not a.rank or not b.rank or a.shape[-1] == b.shape[-1]:
        return None
    first, second = say.pair(scene, a, b)
    headline = f"`inner` needs equal last dims but has {a.shape[-1]} and {b.shape[-1]}"
    label = f"{first} is {say.marked(a, -1)}, {second} is {say.marked(b, -1)}"
    return Clash("matmul-inner-dim", headline, label, at(a, -1), at(b, -1))


def _einsum(scene: Scene) -> Clash | None:
    """Every letter of the equation stands for one size."""
    equation = scene.event.argument(0, "equation")
    infos = _flat(scene.event.args[1:])
    if not isinstance(equation, str) or infos is None:
        return None
    inputs, _, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(infos):
        headline = f"`einsum('{equation}')` names {say.count(len(terms), 'tensor')} but receives {len(infos)}"
        return Clash("matmul-inner-dim", headline, ", ".join(map(str, infos)))
    seen: dict[str, Size] = {}
    spread: list[tuple[int, ...]] = []
    for term, info in zip(terms, infos, strict=True):
        before, dots, after = term.partition("...")
        letters = len(before) + len(after)
        if info.rank < letters or (not dots and info.rank != letters):
            called = say.name(scene, info, "a tensor")
            headline = f"`einsum` names {say.count(letters, 'dim')}, '{term}', of {say.ticked(called, 'a tensor')}, which has {info.rank}"
            return Clash("matmul-inner-dim", headline, f"{called} is {info}", got=whole(info, info.rank))
        dims = [*enumerate(before), *((info.rank - len(after) + i, letter) for i, letter in enumerate(after))]
        own: set[str] = set()
        for dim, letter in dims:
            known = seen.get(letter)
            strict = letter in own  # 'ii' takes a diagonal: no stretching
            size = info.shape[dim]
            if known is not None and known.value != size and (strict or 1 not in (known.value, size)):
                return _letter(scene, equation, letter, info, dim, known)
            own.add(letter)
            if known is None or known.value == 1:
                seen[letter] = at(info, dim)
        spread.append(info.shape[len(before) : info.rank - len(after)])
    unknown = next((letter for letter in output if letter.isalpha() and letter not in seen), None)
    if unknown is not None:
        return Clash("matmul-inner-dim", f"`einsum('{equation}')` gives out '{unknown}', which no input has", ", ".join(map(str, infos)))
    if broadcast(spread) is None:
        headline = f"`einsum('{equation}')`: the dims behind `...` do not go together"
        return Clash("broadcast-mismatch", headline, ", ".join(map(str, infos)), got=whole(infos[0]), want=whole(infos[1]))
    return None


def _letter(scene: Scene, equation: str, letter: str, info: TensorInfo, dim: int, known: Size) -> Clash:
    headline = f"in `einsum('{equation}')` {letter} is {known.value} in one place and {info.shape[dim]} in another"
    before = known.tensor
    label = f"{say.name(scene, info, 'one')} is {say.marked(info, dim)}"
    if before is not None and known.dim is not None and before is not info:
        label = f"{say.name(scene, before, 'one')} is {say.marked(before, known.dim)}, "
        label += f"{say.name(scene, info, 'another')} is {say.marked(info, dim)}"
    return Clash("matmul-inner-dim", headline, label, known, at(info, dim))


def _flat(values: tuple[Value, ...]) -> list[TensorInfo] | None:
    found: list[TensorInfo] = []
    for value in values:
        if isinstance(value, TensorInfo):
            found.append(value)
        elif isinstance(value, tuple):
            inner = _flat(value)
            if inner is None:
                return None
            found += inner
        else:
            return None
    return found
