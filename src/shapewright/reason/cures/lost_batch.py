"""The loss is the first to see that a call on the way has changed the number of rows: it is mended where that happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from shapewright.model import Event, Number, Size, Span, TensorInfo
from shapewright.reason import levers, solve
from shapewright.reason.edits import Code
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain
from shapewright.report import Edit
from shapewright.source import contains

_RESHAPES = ("view", "reshape", "flatten")
_SURE = 3  # the number of rows proves the fault, where another number in the source would only hide it


@dataclass(frozen=True, slots=True)
class _Lost:
    """The call behind which a tensor no longer has the program's batch in dim 0."""

    step: Event
    before: TensorInfo
    after: TensorInfo
    behind: tuple[Event, ...]  # the calls between it and the loss


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates at the call that lost the batch of the predictions or of the targets."""
    if not problem.clash.slug.startswith("loss-") and problem.clash.slug != "broadcast-mismatch":
        return
    tensors = list(problem.event.tensors())[:2]
    if len(tensors) < 2 or any(not tensor.rank for tensor in tensors) or tensors[0].shape[0] == tensors[1].shape[0]:
        return
    for tensor, other in (tensors, tensors[::-1]):
        lost = _lost(problem, tensor, other.shape[0])
        code = problem.code(lost.step.span) if lost is not None else None
        if lost is None or code is None or lost.step.span is None:
            continue
        found = [*_along(problem, lost, code, lost.step.span), *_reshaped(problem, lost, code, lost.step.span, other)]
        found += _indexed(problem, lost, code, lost.step.span)
        found += _too_many(problem, lost, other.shape[0])
        yield from found
        if found and problem.clash.slug == "loss-batch-mismatch" and tensor is tensors[0]:
            yield from _trap(problem, lost, other)


def _lost(problem: Problem, tensor: TensorInfo, batch: int) -> _Lost | None:
    """The last call that took `batch` rows and gave out another number of them."""
    steps = chain(problem.trace, tensor)
    for number in range(len(steps) - 1, -1, -1):
        step = steps[number]
        before = next((one for one in step.tensors() if one.kind not in ("parameter", "buffer")), None)
        if before is None or not before.rank or not step.output or not step.output[0].rank or batch < 2:
            return None
        after = step.output[0]
        if after.shape[0] == batch:
            return None  # it was right here and is not now: no call of the chain did that
        if before.shape[0] == batch:
            return _Lost(step, before, after, tuple(steps[number + 1 :]))
    return None


def _along(problem: Problem, lost: _Lost, code: Code, span: Span) -> Iterator[Candidate]:
    """`cat` along the batch: side by side instead of one below the other."""
    step, before, after = lost.step, lost.before, lost.after
    parts = list(step.tensors())
    rest = [part.shape[2:] for part in parts]
    if step.op not in ("cat", "concat") or before.rank < 2 or any(part.rank != before.rank for part in parts):
        return
    if any(part.shape[0] != before.shape[0] for part in parts) or any(one != rest[0] for one in rest):
        return
    if len({_layer_of(problem, part) for part in parts}) < len(parts):
        return  # several views through one layer stand below each other on purpose: it is the targets that are missing
    edits = code.set_argument(span, "dim", "1", 1)
    given = code.argument(span, "dim", 1)
    if given is None and edits:  # as most write it
        last = code.arguments(span)[-1][1]
        edits = code.insert_element(last, "1", after=True) or edits
    width = sum(part.shape[1] for part in parts)
    joined = TensorInfo((before.shape[0], width, *after.shape[2:]), after.dtype)
    yield from _with_layer(problem, lost, "dim", f"put the parts side by side in `{step.op}`, along dim 1", edits, joined)


def _layer_of(problem: Problem, tensor: TensorInfo) -> int | None:
    """The layer that a tensor came out of."""
    return next((step.module for step in reversed(chain(problem.trace, tensor)) if _has_weights(problem, step)), None)


def _has_weights(problem: Problem, step: Event) -> bool:
    module = problem.trace.modules[step.module] if step.module is not None else None
    return module is not None and module.library and bool(module.parameters)


def _reshaped(problem: Problem, lost: _Lost, code: Code, span: Span, other: TensorInfo) -> Iterator[Candidate]:
    """`view(-1, 320)` of maps that count otherwise; a map of scores flattened together with the batch."""
    step, before, after = lost.step, lost.before, lost.after
    if step.op not in _RESHAPES or before.rank < 2:
        return
    batch, features = before.shape[0], prod(before.shape[1:])
    callee = code.callee(span)
    module = problem.trace.modules[step.module] if step.module is not None else None
    if module is not None and module.type == "Flatten" and module.built is not None and lost.step.op == "flatten":
        built = problem.code(module.built)
        edits = built.set_argument(module.built, "start_dim", "1", 0) if built is not None else ()
        yield from _with_layer(problem, lost, "start-dim", _KEEP, edits, TensorInfo((batch, features), after.dtype))
        return
    operand = operand_spans(problem.trace, step)[0]
    if callee is None or operand is None or code.text_at(callee) != step.op:
        return
    text = code.text_at(operand)
    if before.rank in (3, 4) and before.shape[1] == 1 and other.shape in ((batch,), (batch, 1)) and after.shape[1:] in ((), (1,)):
        dims = tuple(range(1 if after.rank == 1 else 2, before.rank))
        mean = f"{text}.mean({dims if len(dims) > 1 else dims[0]})"
        title = "take the mean of each sample's scores in the place of all of them"
        yield Candidate("dim", title, code.replace(span, mean), 1)  # a smaller kernel may have left too many scores
        return
    if after.rank == 2 and after.shape[1] not in (1, before.shape[-1]):  # rows of its last dim lie apart on purpose
        flat = TensorInfo((batch, features), after.dtype)
        yield from _with_layer(problem, lost, "batch-size", _KEEP, code.replace(span, f"{text}.flatten(1)"), flat)


def _too_many(problem: Problem, lost: _Lost, batch: int) -> Iterator[Candidate]:
    """`view(-1, 32, 7, 7)` of rows twice as long gives twice the rows: the layer before gives too many features."""
    before, after = lost.before, lost.after
    if lost.step.op not in _RESHAPES or before.rank != 2 or after.rank < 3 or before.shape[1] * batch % after.shape[0]:
        return
    need = before.shape[1] * batch // after.shape[0]
    for lever in levers.of_dim(problem.trace, before, 1, need):
        yield Candidate("producer", f"let the layer before give {need} features", solve.edits(lever.settings), 2)


_KEEP = "keep the batch, and flatten all the rest"


def _indexed(problem: Problem, lost: _Lost, code: Code, span: Span) -> Iterator[Candidate]:
    """`out[-1]` of a tensor with the batch in front: the last step of every sample is `out[:, -1]`."""
    step, before = lost.step, lost.before
    index = step.argument(1, "index")
    operand = operand_spans(problem.trace, step)[0] if step.op == "getitem" else None
    if not isinstance(index, Number) or operand is None or before.rank < 3 or not -before.shape[1] <= index.value < before.shape[1]:
        return
    text = code.text_at(operand)
    edits = code.replace(span, f"{text}[:, {index.value}]")
    title = f"take step {index.value} of every sample: dim 0 of `{text}` is the batch"
    for made_by in chain(problem.trace, before):  # a recurrent layer that took the batch for the steps has to learn of it, too
        module = problem.trace.modules[made_by.module] if made_by.module is not None else None
        built = problem.code(module.built) if module is not None else None
        if module is not None and module.settings.get("batch_first") is False and module.built is not None and built is not None:
            edits = (*edits, *built.set_argument(module.built, "batch_first", "True"))
            title += f", and `{say.module_name(module)}` takes it first"
    yield Candidate("dim", title, edits, _SURE)


def _with_layer(problem: Problem, lost: _Lost, kind: str, title: str, edits: tuple[Edit, ...], now: TensorInfo) -> Iterator[Candidate]:
    """The edit, along with the number of the linear layer behind it. Without one, nobody knows what the rows were meant to be."""
    if not edits:
        return
    for step in lost.behind:
        module = problem.trace.modules[step.module] if step.module is not None else None
        number = module.number("in_features") if module is not None and step.op == "linear" else None
        if module is None or number is None:
            continue
        for lever in levers.of_size(problem.trace, step, Size(number.value, setting="in_features"), now.shape[-1]):
            more = solve.edits(lever.settings)
            if not any(contains(edit.span, other.span) for edit in edits for other in more):
                words = f", and build `{say.module_name(module)}` for {now.shape[-1]} input features"
                yield Candidate(kind, title + words, (*edits, *more), _SURE)
        yield Candidate(kind, title, edits, _SURE)
        return


def _trap(problem: Problem, lost: _Lost, other: TensorInfo) -> Iterator[Candidate]:
    """What makes both sides equally long without giving each sample its own prediction."""
    operands = list(problem.operands())
    (scores, first), (target, second) = operands[0], operands[1]
    code = problem.code(first)
    if code is None or first is None or second is None:
        return
    if lost.step.op in ("cat", "concat") and scores.shape[0] % target.shape[0] == 0:
        times = ", ".join(map(str, (scores.shape[0] // target.shape[0], *[1] * (target.rank - 1))))
        title = f"repeat {say.ticked(problem.text(second), 'the targets')}"
        yield Candidate("dim", title, code.append(second, f".repeat({times})"), trap="trains the parts apart instead of together")
    elif scores.shape[0] > target.shape[0]:
        title = f"take the first {target.shape[0]} predictions"
        trap = "the rows are still pieces of several samples"
        yield Candidate("dim", title, code.append(first, f"[:{target.shape[0]}]"), trap=trap)
