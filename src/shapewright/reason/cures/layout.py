"""An operand is rearranged where it goes into the call: a dim added, dropped or moved, or another dtype.

Which rearrangements could help is asked of the rules: the call is imagined with the changed shape, and only what they have nothing against
becomes a candidate.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from shapewright.model import Span, TensorInfo
from shapewright.reason.cures import picks, ranks
from shapewright.reason.lengths import function_at
from shapewright.reason.places import span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import loss, say
from shapewright.reason.ways import chain

Change = tuple[str, str, str, tuple[int, ...]]  # kind, what is appended, in words, the shape it gives

_IMAGES = {"conv2d": 4, "conv_transpose2d": 4, "conv1d": 3, "conv3d": 5, "batch_norm": 4, "max_pool2d": 4}
_PRODUCTS = ("matmul", "bmm", "baddbmm", "scaled_dot_product_attention")  # there the last two dims are counted from the end
_ELEMENTWISE = (*loss.EQUAL, *loss.PLACES)  # losses that compare element with element

_RECURRENT = ("lstm", "gru", "rnn")
_INDEXED = ("getitem", "setitem")  # nothing is indexed by fractions


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that rearrange one operand of the failed call."""
    if problem.clash.slug in ("missing-flatten", "checkpoint-shape", "reshape-numel") or problem.event.op in ranks.ASKS:
        return
    if problem.would_fit(problem.event):  # the rules do not know what the call demands: any change would seem to help
        yield from _dtypes(problem)
        yield from _out_of_order(problem)
        return
    of_loss = problem.clash.slug.startswith("loss-")
    for number, (tensor, span) in enumerate(operands(problem)):
        own = tensor.kind in ("parameter", "buffer")
        if span is None or (own and problem.event.op not in ("matmul", "mm")) or number > 3:
            continue
        for kind, suffix, words, shape in _changes(tensor, problem):
            if own and kind != "swap":
                continue  # a weight in a product may well be stored the other way round
            if _stretches(problem, tensor, shape):
                continue
            if problem.would_fit(problem.with_operand(tensor, replace(tensor, shape=shape))):
                # targets rather than predictions; of a product's two sides the second, whose rows are no samples
                second = number == 1 and (of_loss or (kind == "swap" and problem.event.op in _PRODUCTS) or tensor.dtype == "bool")
                yield _candidate(problem, span, kind, suffix, words, prefer=1 if second else 0)
                if kind == "swap" and problem.clash.slug == "broadcast-mismatch":
                    yield from _where_made(problem, tensor, span, suffix, words)
                if kind == "swap" and problem.event.op == "linear" and number == 0:
                    yield from _and_back(problem, span, suffix, words)
    yield from _dtypes(problem)
    yield from _out_of_order(problem)


def operands(problem: Problem) -> Iterator[tuple[TensorInfo, Span | None]]:
    """The operands with their places; also those of a layer out of a `ModuleList`, whose calls the user writes one by one."""
    module, code = problem.module, problem.code(problem.event.span)
    parent = problem.trace.modules[module.parent] if module is not None and module.parent is not None else None
    of_list = parent is not None and parent.type in ("ModuleList", "ModuleDict")
    given = (
        code.arguments(problem.event.span)
        if (of_list or _is_first(problem)) and code is not None and problem.event.span is not None
        else ()
    )
    for number, (tensor, span) in enumerate(problem.operands()):
        yield tensor, given[0][1] if span is None and given and number == 0 else span


def _is_first(problem: Problem) -> bool:
    """Whether the layer is the first that a `Sequential` calls, so that what the user gave that is what the layer gets."""
    module, tensor = problem.module, next(problem.event.tensors(), None)
    parent = problem.trace.modules[module.parent] if module is not None and module.parent is not None else None
    if parent is None or parent.type != "Sequential" or tensor is None or problem.event.span is None:
        return False
    made_by = problem.trace.events[tensor.source] if tensor.source is not None else None
    return made_by is None or made_by.span != problem.event.span


def _stretches(problem: Problem, tensor: TensorInfo, shape: tuple[int, ...]) -> bool:
    """Whether the changed operand meets the others only because a dim is stretched: it runs, and compares all with all."""
    if not (problem.clash.slug.startswith("loss-") or (problem.clash.slug == "broadcast-mismatch" and tensor.rank >= 2)):
        return False
    own = () if problem.clash.slug == "broadcast-mismatch" else ("parameter", "buffer")  # a loss may have weights, too
    others = [other for other, _ in problem.operands() if other is not tensor and other.kind not in own]
    for other in others[:1]:
        if problem.event.op in _ELEMENTWISE:
            return shape != other.shape
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


def _and_back(problem: Problem, span: Span, suffix: str, words: str) -> Iterator[Candidate]:
    """A linear layer along another dim: its features are moved to the end, and back again behind it."""
    there = _candidate(problem, span, "swap", suffix, words, prefer=-1)
    code, call = problem.code(problem.event.span), problem.event.span
    if code is not None and call is not None and there.edits and call != span:
        yield replace(there, title=f"{there.title}, and back behind the layer", edits=(*there.edits, *code.append(call, suffix)))


def _where_made(problem: Problem, tensor: TensorInfo, span: Span, suffix: str, words: str) -> Iterator[Candidate]:
    """The same where the variable gets its value, for all places that use it."""
    name, lines = problem.text(span), problem.trace.sources.get(span.file, "").split("\n")
    assigned = [node for node in ast.walk(function_at(problem.trace, span)) if isinstance(node, ast.Assign) and len(node.targets) == 1]
    values = [node.value for node in assigned if isinstance(node.targets[0], ast.Name) and node.targets[0].id == name]
    if len(values) == 1 and values[0].lineno < span.line:
        place = span_of(values[0], span.file, lines)
        made = [event for event in problem.trace.events[: problem.event.index] if event.span == place and event.output]
        if made and made[-1].output[0].shape == tensor.shape:
            there = _candidate(problem, place, "swap", suffix, words, prefer=1)
            yield replace(there, title=f"{words} `{name}` where it is made")


def _changes(tensor: TensorInfo, problem: Problem) -> Iterator[Change]:
    shape = tensor.shape
    missing = problem.clash.slug == "batch-dim-missing"
    for dim in range(tensor.rank):
        if shape[dim] == 1 and tensor.rank > 1:
            yield "target-shape", f".squeeze({dim})", f"drop dim {dim} of", (*shape[:dim], *shape[dim + 1 :])
    dims = () if picks.lacks_dims(problem) or problem.event.op == "ctc_loss" else (0,) if missing else (*range(tensor.rank, 0, -1), 0)
    for dim in dims:
        if dim == tensor.rank == 2 and problem.event.op in (*_PRODUCTS, "mm"):
            continue  # a column for every number of a matrix
        words = "add the batch dim to" if missing else f"add a dim of size 1 at {dim} to"
        yield "batch-dim" if missing else "target-shape", f".unsqueeze({dim})", words, (*shape[:dim], 1, *shape[dim:])
    if tensor.rank == 2:
        yield "swap", ".T", "transpose", shape[::-1]
    elif tensor.rank >= 3:
        for one, other in combinations(range(tensor.rank), 2):
            if tensor.rank == 4 and _IMAGES.get(problem.event.op) == 4:
                continue
            if tensor.rank == 4 and (one, other) == (1, 3) and problem.clash.slug != "attention-dim" and _turns(shape):
                continue
            moved = list(shape)
            moved[one], moved[other] = moved[other], moved[one]
            if (
                one
                or problem.event.op == "ctc_loss"
                or problem.clash.slug in ("attention-dim", "recurrent-input-size", "matmul-inner-dim", "broadcast-mismatch")
            ):
                from_end = other == tensor.rank - 1 == one + 1 and (tensor.rank > 3 or problem.event.op in _PRODUCTS)
                call = ".transpose(-2, -1)" if from_end else f".transpose({one}, {other})"
                words = "swap the last two dims of" if from_end else f"swap dims {one} and {other} of"
                yield "swap", call, words, tuple(moved)
    if problem.clash.slug in ("broadcast-mismatch", "concat-mismatch", "loss-target-shape") and tensor.rank in (4, 5):
        rest = ", ".join(str(dim) for dim in range(1, tensor.rank - 1))
        yield (
            "swap",
            f".permute(0, {tensor.rank - 1}, {rest})",
            "move the last dim behind the batch in",
            (shape[0], shape[-1], *shape[1:-1]),
        )
    square = shape.count(shape[-1]) > 1 if shape else True  # a map as wide as it is high is no row of channels
    if problem.event.op in _IMAGES and tensor.rank in (3, 4) and _IMAGES[problem.event.op] == 4 and not square:
        order = (0, 3, 1, 2) if tensor.rank == 4 else (2, 0, 1)
        yield "swap", f".permute{order}", "move the channels before height and width of", tuple(shape[dim] for dim in order)


def _turns(shape: tuple[int, ...]) -> bool:
    """Whether to swap dims 1 and 3 of maps would turn the pictures over their diagonal, and nobody would see it in the shape."""
    return len({shape[1], shape[2], shape[3]}) == 2 and shape[1] != shape[3]


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
        if floats and not tensor.is_floating and problem.event.op not in _INDEXED:
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
    """`batch_first=True` for the recurrent or attention layer that the operand came from or goes into; one direction for both of a pair."""
    yield from _one_direction(problem)
    yield from _padded(problem)
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


def _padded(problem: Problem) -> Iterator[Candidate]:
    """Sequences of unequal length that were padded with the time first, as `pad_sequence` does unless told otherwise."""
    for tensor, _ in problem.operands():
        for event in chain(problem.trace, tensor):
            given = event.argument(1, "batch_first", event.kwargs.get("batch_first"))
            code = problem.code(event.span)
            if event.op in ("pad_sequence", "pad_packed_sequence") and given is not True and code is not None and event.span is not None:
                title = f"let `{event.op}` put the batch first"
                yield Candidate("layer-flag", title, code.set_argument(event.span, "batch_first", "True", 1))


def _one_direction(problem: Problem) -> Iterator[Candidate]:
    """The state or the output of an encoder in two directions does not fit what was built for one: a decoder, a product of both."""
    sizes = [size.value for size in (problem.clash.got, problem.clash.want) if size is not None and size.value is not None]
    if len(sizes) != 2 or max(sizes) != 2 * min(sizes):
        return
    for tensor, _ in problem.operands():
        steps = chain(problem.trace, tensor)
        layers = [problem.trace.modules[step.module] for step in steps if step.op in _RECURRENT and step.module is not None]
        for layer in layers[-1:]:
            code = problem.code(layer.built)
            if layer.built is not None and code is not None and layer.settings.get("bidirectional") is True:
                own = problem.module
                like = f", as `{say.module_name(own)}` does" if own is not None and own.settings.get("bidirectional") is False else ""
                title = f"let `{say.module_name(layer)}` run in one direction{like}"
                yield Candidate("layer-flag", title, code.drop_argument(layer.built, "bidirectional"))
