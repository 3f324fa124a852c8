"""The failed call itself: the dim along which it works, a sibling that takes what it is given, a loader that adds a batch dim."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, Number, Span, TensorInfo
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import chain
from shapewright.source import contains

# Calls that take a dim, and where it stands when it has no keyword.
_PLACES = {
    "cat": 1, "stack": 1, "softmax": 1, "log_softmax": 1, "sum": 1, "mean": 1, "argmax": 1, "max": 1, "min": 1, "squeeze": 1,
    "unsqueeze": 1, "norm": 2, "chunk": 2, "split": 2, "gather": 1, "cumsum": 1, "amax": 1, "std": 1, "var": 1, "flatten": 1,
}  # fmt: skip


def propose(problem: Problem) -> Iterator[Candidate]:
    """Other dims along which the call would run, and other calls in its place."""
    yield from _along(problem)
    yield from _joined(problem)
    yield from _product(problem)
    yield from _padded(problem)
    yield from _ready_batches(problem)


def _along(problem: Problem) -> Iterator[Candidate]:
    event = problem.event
    place = _PLACES.get(event.op)
    code = problem.code(event.span)
    first = next(event.tensors(), None)
    if place is None or code is None or event.span is None or first is None:
        return
    name = "dim" if event.op != "flatten" else "start_dim"
    given = event.argument(place, name)
    if isinstance(given, TensorInfo):
        return  # `max(a, b)`: two tensors, and no dim
    old = given.value if isinstance(given, Number) else 0
    rank = max(first.rank, 1)
    for dim in (*range(1, rank), 0, -1) if rank > 1 or event.op != "cat" else (-1, 0):  # of a batch, too
        if dim % rank == old % rank and -rank <= old < rank:
            continue
        args = tuple(Number(dim) if number == place else arg for number, arg in enumerate(event.args))
        kwargs = dict(event.kwargs) if len(event.args) > place else {**event.kwargs, name: Number(dim)}
        if not problem.would_fit(replace(event, args=args, kwargs=kwargs)):
            continue
        at = place - (1 if event.call == "method" else 0)
        edits = code.set_argument(event.span, name, str(dim), at)
        if edits:
            yield Candidate("dim", f"work along dim {dim} in `{event.op}`", edits)


def _joined(problem: Problem) -> Iterator[Candidate]:
    """An operand that was put together along another dim than the call needs: two feature vectors joined along the batch."""
    for tensor, _ in problem.operands():
        made_by = next((step for step in reversed(chain(problem.trace, tensor)) if step.op in ("cat", "concat")), None)
        code = problem.code(made_by.span) if made_by is not None else None
        if made_by is None or made_by.span is None or code is None or not made_by.output or made_by.output[0].shape != tensor.shape:
            continue
        parts = list(made_by.tensors())
        given = made_by.argument(1, "dim", Number(0))
        old = given.value % max(tensor.rank, 1) if isinstance(given, Number) else 0
        for dim in range(1, tensor.rank):  # along dim 0 the samples would become others
            others = {part.shape[:dim] + part.shape[dim + 1 :] for part in parts}
            if dim == old or len(others) != 1:
                continue
            shape = (*parts[0].shape[:dim], sum(part.shape[dim] for part in parts), *parts[0].shape[dim + 1 :])
            if problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=shape))):
                yield Candidate("dim", f"join along dim {dim} in `{made_by.op}`", code.set_argument(made_by.span, "dim", str(dim), 1), 1)


def _product(problem: Problem) -> Iterator[Candidate]:
    """`bmm` never repeats a batch of 1 or a matrix for all samples; `matmul` does."""
    event = problem.event
    operands = list(event.tensors())
    code = problem.code(event.span)
    callee = code.callee(event.span) if code is not None and event.span is not None else None
    if event.op not in ("bmm", "mm") or len(operands) != 2 or code is None or callee is None or code.text_at(callee) != event.op:
        return
    left, right = operands
    ranks = {left.rank, right.rank}
    if ranks in ({2, 3}, {3} if event.op == "mm" else {2, 3}) and left.shape[-1] == right.shape[-2]:
        title = (
            "use `matmul`, which takes one matrix for all samples" if ranks == {2, 3} else "use `matmul`, which takes batches of matrices"
        )
        yield Candidate("expand", title, code.replace(callee, "matmul"), 1)
    if left.rank == right.rank == 3 and left.shape[0] != right.shape[0] and 1 in (left.shape[0], right.shape[0]):
        yield Candidate("expand", "use `matmul`, which repeats the batch of 1", code.replace(callee, "matmul"), 1)


def _padded(problem: Problem) -> Iterator[Candidate]:
    """Sequences of unequal length are padded to the longest before they are stacked."""
    event = problem.event
    parts = event.args[0] if event.args and isinstance(event.args[0], tuple) else ()
    tensors = [part for part in parts if isinstance(part, TensorInfo)]
    dim = event.argument(1, "dim", Number(0))
    code = problem.code(event.span)
    callee = code.callee(event.span) if code is not None and event.span is not None else None
    given = code.arguments(event.span) if code is not None and event.span is not None else ()
    if event.op != "stack" or code is None or event.span is None or callee is None or code.text_at(callee) != "stack":
        return
    if len(tensors) < 2 or len(tensors) != len(parts) or not given or not isinstance(dim, Number) or dim.value not in (0, 1):
        return
    if any(tensor.rank < 1 or tensor.shape[1:] != tensors[0].shape[1:] for tensor in tensors) or tensors[0].numel < 1:
        return
    if len({tensor.shape[0] for tensor in tensors}) < 2 or any(keyword not in (None, "dim") for keyword, _ in given[1:]):
        return
    if isinstance(_expression(code.text_at(given[0][1])), ast.List | ast.Tuple):
        return  # tensors named one by one are no list of sequences
    pad, imports = code.name_of("torch.nn.utils.rnn.pad_sequence")
    first = ", batch_first=True" if dim.value == 0 else ""
    edits = code.replace(event.span, f"{pad}({code.text_at(given[0][1])}{first})")
    if edits:
        yield Candidate("match", "pad the sequences to the longest", (*imports, *edits))


def _expression(text: str) -> ast.expr | None:
    first = next(iter(parsed(f"({text})").body), None)
    return first.value if isinstance(first, ast.Expr) else None


def _ready_batches(problem: Problem) -> Iterator[Candidate]:
    """A loader that makes batches of one of what are batches already."""
    for tensor, _ in problem.operands():
        step = next((step for step in chain(problem.trace, tensor) if _of_loader(problem, step)), None)
        if step is None or step.span is None:
            continue
        ready = tensor.rank > 1 and tensor.shape[0] == 1 and _fits_without(problem, tensor)
        if not ready and not _all_batches(problem):
            continue
        for span in _loaders(problem, step.span):
            code = problem.code(span)
            edits = code.set_argument(span, "batch_size", "None", 1) if code is not None else ()
            yield Candidate("batch-dim", "let the loader pass on the ready batches", edits, 1)
        return


def _fits_without(problem: Problem, tensor: TensorInfo) -> bool:
    dropped = replace(tensor, shape=tensor.shape[1:])
    return not problem.would_fit(problem.event) and problem.would_fit(problem.with_operand(tensor, dropped))


def _of_loader(problem: Problem, step: Event) -> bool:
    """Whether a loader's own collation made a batch of one of something that has dims: the user wrote no such call."""
    operand = next(step.tensors(), None)
    if step.op != "stack" or operand is None or operand.rank < 1 or not step.output or step.output[0].shape != (1, *operand.shape):
        return False
    return step.span is not None and "stack" not in problem.text(step.span)


def _all_batches(problem: Problem) -> bool:
    """Whether all that the loader gives has one common first size: samples and labels of one ready batch."""
    given = [next(step.tensors()) for step in problem.trace.events[: problem.event.index] if _of_loader(problem, step)]
    return len(given) > 1 and len({tensor.shape[0] for tensor in given}) == 1 and given[0].shape[0] > 1


def _loaders(problem: Problem, used: Span) -> Iterator[Span]:
    """The `DataLoader(…)` for batches of one that was looped over: by its name, or built on the spot."""
    text = problem.trace.sources.get(used.file, "")
    lines = text.split("\n")
    names = set(re.findall(r"[\w.]+", problem.text(used)))
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Assign) and {ast.unparse(target) for target in node.targets} & names and isinstance(node.value, ast.Call):
            call = node.value
        elif isinstance(node, ast.Call) and contains(used, span_of(node, used.file, lines)):
            call = node
        else:
            continue
        words = {word.arg: word.value for word in call.keywords}
        size = words.get("batch_size", call.args[1] if len(call.args) > 1 else None)
        one = size is None or (isinstance(size, ast.Constant) and size.value == 1)
        if ast.unparse(call.func).endswith("DataLoader") and one and not {"batch_sampler", "collate_fn", "drop_last"} & set(words):
            yield span_of(call, used.file, lines)
