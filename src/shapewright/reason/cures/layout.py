"""An operand is rearranged where it goes into the call: a dim added, dropped or moved, or another dtype.

Which rearrangements could help is asked of the rules: the call is imagined with the changed shape, and only what they have nothing against
becomes a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from shapewright.model import Span, TensorInfo
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain

Change = tuple[str, str, str, tuple[int, ...]]  # kind, what is appended, in words, the shape it gives

_IMAGES = {"conv2d": 4, "conv_transpose2d": 4, "conv1d": 3, "conv3d": 5, "batch_norm": 4, "max_pool2d": 4}


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that rearrange one operand of the failed call."""
    if problem.clash.slug in ("missing-flatten", "checkpoint-shape", "reshape-numel"):
        return
    if problem.would_fit(problem.event):  # the rules do not know what the call demands: any change would seem to help
        yield from _dtypes(problem)
        yield from _out_of_order(problem)
        return
    loss = problem.clash.slug.startswith("loss-")
    for number, (tensor, span) in enumerate(problem.operands()):
        if span is None or tensor.kind in ("parameter", "buffer") or number > 3:
            continue
        for kind, suffix, words, shape in _changes(tensor, problem):
            if _stretches(problem, tensor, shape):
                continue
            if problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=shape))):
                yield _candidate(problem, span, kind, suffix, words, prefer=1 if loss and number == 1 else 0)
    yield from _dtypes(problem)
    yield from _out_of_order(problem)


def _stretches(problem: Problem, tensor: TensorInfo, shape: tuple[int, ...]) -> bool:
    """Whether the changed operand meets the others only because a dim of size 1 is stretched: it runs, and compares all with all."""
    if not (problem.clash.slug.startswith("loss-") or (problem.clash.slug == "broadcast-mismatch" and tensor.rank >= 2)):
        return False
    others = [other for other, _ in problem.operands() if other is not tensor and other.kind not in ("parameter", "buffer")]
    for other in others[:1]:
        for offset in range(1, min(len(shape), other.rank) + 1):
            one, two = shape[-offset], other.shape[-offset]
            if one != two and 1 in (one, two):
                return problem.event.op not in ("cross_entropy", "nll_loss")
    return False


def _candidate(problem: Problem, span: Span, kind: str, suffix: str, words: str, prefer: int = 0) -> Candidate:
    code = problem.code(span)
    text = problem.text(span)
    called = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the input"
    return Candidate(kind, f"{words} {called}", code.append(span, suffix) if code is not None else (), prefer)


def _changes(tensor: TensorInfo, problem: Problem) -> Iterator[Change]:
    shape = tensor.shape
    missing = problem.clash.slug == "batch-dim-missing"
    for dim in range(tensor.rank):
        if shape[dim] == 1 and tensor.rank > 1:
            yield "target-shape", f".squeeze({dim})", f"drop dim {dim} of", (*shape[:dim], *shape[dim + 1 :])
    for dim in (0,) if missing else (*range(tensor.rank, 0, -1), 0):
        words = "add the batch dim to" if missing else f"add a dim of size 1 at {dim} to"
        yield "batch-dim" if missing else "target-shape", f".unsqueeze({dim})", words, (*shape[:dim], 1, *shape[dim:])
    if tensor.rank == 2:
        yield "swap", ".T", "transpose", shape[::-1]
    elif tensor.rank >= 3:
        for one, other in combinations(range(tensor.rank), 2):
            if tensor.rank == 4 and _IMAGES.get(problem.event.op) == 4:
                continue
            moved = list(shape)
            moved[one], moved[other] = moved[other], moved[one]
            if one or problem.clash.slug in ("attention-dim", "recurrent-input-size", "matmul-inner-dim", "broadcast-mismatch"):
                yield "swap", f".transpose({one}, {other})", f"swap dims {one} and {other} of", tuple(moved)
    if problem.event.op in _IMAGES and tensor.rank in (3, 4) and _IMAGES[problem.event.op] == 4:
        order = (0, 3, 1, 2) if tensor.rank == 4 else (2, 0, 1)
        yield "swap", f".permute{order}", "move the channels before height and width of", tuple(shape[dim] for dim in order)


def _dtypes(problem: Problem) -> Iterator[Candidate]:
    """Operands whose dtypes do not go together."""
    failure = problem.event.failure
    if failure is None or not failure.dtype_only:
        return
    operands = list(problem.operands())
    floats = [tensor for tensor, _ in operands if tensor.is_floating]
    for tensor, span in operands:
        if span is None or tensor.kind in ("parameter", "buffer"):
            continue
        if floats and not tensor.is_floating:
            yield _candidate(problem, span, "dtype", ".float()", "make floats of")
        elif tensor.is_floating and floats and tensor.dtype != floats[0].dtype:
            yield _candidate(problem, span, "dtype", f".to(torch.{floats[0].dtype})", f"make {floats[0].dtype} of")
        if tensor.is_floating and tensor is not operands[0][0]:
            yield _candidate(problem, span, "dtype", ".long()", "make whole numbers of")


def _out_of_order(problem: Problem) -> Iterator[Candidate]:
    """A `view` of a tensor whose memory is in another order."""
    event = problem.event
    operand = next(problem.operands(), None)
    if event.op != "view" or operand is None or operand[0].contiguous or event.span is None:
        return
    code = problem.code(event.span)
    callee = code.callee(event.span) if code is not None else None
    if code is not None and callee is not None and code.text_at(callee) == "view":
        yield Candidate("reshape", "use `reshape`, which can copy", code.replace(callee, "reshape"))


def flags(problem: Problem) -> Iterator[Candidate]:
    """`batch_first=True` for the recurrent or attention layer that the operand came from or goes into."""
    modules = [problem.module] if problem.module is not None else []
    for tensor, _ in problem.operands():
        for event in chain(problem.trace, tensor)[-6:]:
            if event.module is not None and problem.trace.modules[event.module] not in modules:
                modules.append(problem.trace.modules[event.module])
    for module in modules:
        if module.settings.get("batch_first") is False and module.built is not None:
            code = problem.code(module.built)
            if code is not None:
                title = f"let `{say.module_name(module)}` take the batch first"
                yield Candidate("layer-flag", title, code.set_argument(module.built, "batch_first", "True"))
