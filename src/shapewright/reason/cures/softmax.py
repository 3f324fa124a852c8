"""A softmax runs over the wrong dim: another number where the dim is written, or for a single score what takes the place of a softmax."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import ModuleInfo, Number, Span
from shapewright.reason.edits import Code, Edits
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.silent import flow, softmax_dim, weights
from shapewright.reason.silent.softmax_dim import POSITIONS, Asked

_SUMMED = 3  # the product or sum behind it says which dim is meant
_CLASSES = 2  # what a layer gives stands in it
_SIGMOIDS = {"softmax": ("sigmoid", "Sigmoid"), "log_softmax": ("logsigmoid", "LogSigmoid")}


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates for a call over one dim."""
    asked = softmax_dim.asked_of(problem.trace, problem.event)
    if asked is None or problem.event.span is None:
        return
    if asked.event.op in POSITIONS:
        yield from _dims(problem, asked)
        yield from _turned(problem, asked)
    by = weights.setter(problem.trace, asked.tensor, asked.dim)
    if asked.size == 1 and by is not None and softmax_dim.parametric(problem.trace, *by) is not None:
        yield from _one_score(problem, asked)


def _dims(problem: Problem, asked: Asked) -> Iterator[Candidate]:
    """The other dims. Dim 0 only where what follows sums over it: else it is the batch."""
    summed = weights.uses(problem.trace, weights.users(problem.trace), asked.event).summed(later=True)
    tensor = asked.tensor
    found: list[tuple[int, int]] = []
    for dim in range(tensor.rank):
        if dim == asked.dim or (tensor.shape[dim] == 1 and dim not in summed) or (dim == 0 and dim not in summed):
            continue
        by = weights.setter(problem.trace, tensor, dim)
        classes = by is not None and softmax_dim.parametric(problem.trace, *by) is not None
        found.append((_SUMMED if dim in summed else _CLASSES if classes and not summed else 0, dim))
    for evidence, dim in found:
        if not evidence and (tensor.rank > 3 or any(other for other, _ in found)):
            continue  # rows or columns alone
        words = "the last dim" if _is_last(asked, dim) else f"dim {dim}"
        for edits in _written(problem, asked, dim):
            yield Candidate("dim", f"run `{asked.event.op}` over {words}", edits, evidence)


def _is_last(asked: Asked, dim: int) -> bool:
    return dim == asked.tensor.rank - 1 and asked.tensor.rank > 2


def _written(problem: Problem, asked: Asked, dim: int) -> Iterator[Edits]:
    """The dim where it is written: in the call, where the layer is built, or as a number elsewhere."""
    event = asked.event
    module = _layer(problem)
    call = module.built if module is not None else event.span
    code = problem.code(call)
    if code is None or call is None:
        return
    position = 0 if module is not None else POSITIONS[event.op] - (event.call == "method")
    given = code.argument(call, "dim", position)
    text = code.text_at(given) if given is not None else ""
    value = event.kwargs.get("dim", event.argument(POSITIONS[event.op], "dim"))
    origin = value.origin if isinstance(value, Number) else None
    new = "-1" if _is_last(asked, dim) else str(dim)
    if text and not text.lstrip("-").isdigit() and origin is not None and origin.span is not None:
        elsewhere = problem.code(origin.span)
        if elsewhere is not None:
            yield elsewhere.replace(origin.span, new)
    if module is not None and module.type == "Softmax2d":
        return
    if module is not None or _calls(code, call, event.op):
        yield code.set_argument(call, "dim", new, position)


def _layer(problem: Problem) -> ModuleInfo | None:
    module = problem.module
    return module if module is not None and module.library else None


def _calls(code: Code, call: Span, name: str) -> bool:
    callee = code.callee(call)
    return callee is not None and code.text_at(callee) == name


def _turned(problem: Problem, asked: Asked) -> Iterator[Candidate]:
    """Weights on the right of a product are summed over their rows: they lost a transpose."""
    for use in weights.uses(problem.trace, weights.users(problem.trace), asked.event).found[:1]:
        operands = list(zip(use.event.tensors(), operand_spans(problem.trace, use.event), strict=True))
        if use.how != "matrix" or use.event.op not in ("bmm", "matmul") or len(operands) != 2:
            return
        tensor, span = operands[1]
        code = problem.code(span)
        last = tensor.shape[-1] == tensor.shape[-2] and asked.dim == asked.tensor.rank - 1 and tensor.source != operands[0][0].source
        of_these = asked.event.index in flow.ancestors(problem.trace, [tensor])
        if last and of_these and span is not None and code is not None:
            yield Candidate("swap", "turn the weights before the product", code.append(span, ".transpose(-2, -1)"))


def _one_score(problem: Problem, asked: Asked) -> Iterator[Candidate]:
    """One score is a probability by a sigmoid, and a class by its sign."""
    event, module = asked.event, _layer(problem)
    span = module.built if module is not None else event.span
    code = problem.code(span)
    if code is None or span is None:
        return
    operands = operand_spans(problem.trace, event)
    first = operands[0] if operands else None
    alone = int(asked.tensor.rank != 3)  # of three dims the middle one may have been meant
    if event.op == "cross_entropy":
        yield from _binary(problem, asked, code, span)
    elif event.op in _SIGMOIDS and module is not None:
        yield Candidate(
            "one-score", "let one score become a probability by a sigmoid", _renamed(code, span, _SIGMOIDS[event.op][1] + "()"), alone
        )
    elif event.op in _SIGMOIDS and first is not None and _calls(code, span, event.op):
        name, more = code.name_of("torch" if event.op == "softmax" else "torch.nn.functional")
        new = f"{name}.{_SIGMOIDS[event.op][0]}({code.text_at(first)})"
        yield Candidate("one-score", "let one score become a probability by a sigmoid", (*code.replace(span, new), *more), alone)
    elif event.op == "argmax" and first is not None and _calls(code, span, "argmax") and event.output[0].rank < asked.tensor.rank:
        middle, known = _middle(problem, asked)
        edits = code.replace(span, f"({code.text_at(first)} > {middle}).long().squeeze({asked.dim})")
        yield Candidate("one-score" if known else "threshold", "tell the class of one score by a threshold", edits)


def _renamed(code: Code, call: Span, new: str) -> Edits:
    """Another class in the place of the one that is called, with other arguments."""
    callee, text = code.callee(call), code.text_at(call)
    name = code.text_at(callee) if callee is not None else ""
    before, found, _ = text.partition(f"{name}(")
    return code.replace(call, before + new) if name and found else ()


def _middle(problem: Problem, asked: Asked) -> tuple[str, bool]:
    """Where one class ends and the other begins, and whether the program says so: by a sigmoid, or by its loss for logits."""
    trace = problem.trace
    made_by = trace.events[asked.tensor.source] if asked.tensor.source is not None else None
    if made_by is not None and made_by.op == "sigmoid":
        return "0.5", True
    for event in trace.events:
        if event.op == "binary_cross_entropy_with_logits" and made_by is not None:
            behind = (trace.events[number] for number in flow.ancestors(trace, list(event.tensors())[:1]))
            if any(one.span == made_by.span and one.op == made_by.op for one in behind):
                return "0", True
    return "0", False


def _binary(problem: Problem, asked: Asked, code: Code, span: Span) -> Iterator[Candidate]:
    """The loss of one score, and a target of its shape and type."""
    module = _layer(problem)
    operands = list(problem.operands())
    if len(operands) < 2:
        return
    target, at = operands[1]
    if module is not None:
        edits = _renamed(code, span, "BCEWithLogitsLoss()") if not code.arguments(span) else ()
    else:
        callee = code.callee(span)
        plain = callee is not None and _calls(code, span, "cross_entropy") and len(code.arguments(span)) == 2
        edits = code.replace(callee, "binary_cross_entropy_with_logits") if plain and callee is not None else ()
    suffix = "" if target.is_floating else ".float()"
    suffix += f".unsqueeze({asked.dim})" if target.rank == asked.tensor.rank - 1 else ""
    where = problem.code(at)
    if suffix and where is not None and at is not None:
        edits = (*edits, *where.append(at, suffix)) if edits else ()
    yield Candidate("one-score", "take the loss of one score, as large as its target", edits)
