"""Targets of another meaning than the loss takes: class numbers where it compares row with row, one row a class where it takes numbers."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Span, TensorInfo
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain

_ROWS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
_NUMBERS = ("cross_entropy", "nll_loss")
_CASTS = ("float", "to", "type", "double", "half", "long", "int")


def propose(problem: Problem) -> Iterator[Candidate]:
    """`one_hot` of class numbers, and the class numbers of one-hot rows."""
    operands = list(problem.operands())
    if len(operands) < 2:
        return
    (scores, _), (target, span) = operands[:2]
    if problem.event.op in _ROWS and scores.rank >= 2 and target.shape == (scores.shape[0], *scores.shape[2:]):
        yield from _rows(problem, scores, target, span)
    elif problem.event.op in _NUMBERS and scores.rank >= 2 and target.shape == scores.shape and span is not None:
        code = problem.code(span)
        if code is not None and _is_one_hot(problem, target):
            yield Candidate("one-hot", f"take the class numbers of {_called(problem, span)}", code.append(span, ".argmax(1)"))


def _rows(problem: Problem, scores: TensorInfo, target: TensorInfo, span: Span | None) -> Iterator[Candidate]:
    """One row a class, as the scores have it; and the loss that takes class numbers as they are."""
    whole = _whole_numbers(problem, target, span)
    code = problem.code(span)
    if whole is None or code is None or span is None or scores.shape[1] < 2:
        return
    text = code.text_at(whole)
    functional, imports = code.name_of("torch.nn.functional")
    back = ".movedim(-1, 1)" if scores.rank > 2 else ""
    rows = code.replace(span, f"{functional}.one_hot({text}, {scores.shape[1]}){back}.float()")
    if not rows:
        return
    title = f"give `{problem.event.op}` one row a class: one-hot {_called(problem, whole)}"
    yield Candidate("one-hot", title, (*imports, *rows))
    callee = code.callee(problem.event.span) if problem.event.span is not None else None
    if callee is not None and code.text_at(callee) == problem.event.op and problem.event.op.endswith("e_loss"):
        edits = (*code.replace(callee, "cross_entropy"), *(code.replace(span, text) if whole != span else ()))
        yield Candidate("target-values", f"take `cross_entropy`, which compares scores with {_called(problem, whole)}", edits)


def _whole_numbers(problem: Problem, target: TensorInfo, span: Span | None) -> Span | None:
    """Where the source writes the whole numbers of a target: the target itself, or what is made floats of in its place."""
    if span is None or target.dtype == "int64":
        return span
    steps = chain(problem.trace, target)
    made_by = steps[-1] if steps else None
    if made_by is None or made_by.op not in _CASTS or made_by.span != span:
        return None
    before = next(made_by.tensors(), None)
    return operand_spans(problem.trace, made_by)[0] if before is not None and before.dtype == "int64" else None


def _is_one_hot(problem: Problem, target: TensorInfo) -> bool:
    """Whether every row surely holds a single 1."""
    return any(step.op == "one_hot" for step in chain(problem.trace, target)[-3:])


def _called(problem: Problem, span: Span) -> str:
    text = problem.text(span)
    return f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the targets"
