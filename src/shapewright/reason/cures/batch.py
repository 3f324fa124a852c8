"""The batch: a sample without its batch dim, a batch size written into the model, a smaller last batch."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewright.model import Event, Number, Span, TensorInfo
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import FACTORIES, chain


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that give a model its batch, or free it from a fixed one."""
    yield from _missing(problem)
    yield from _written(problem)
    yield from _last(problem)
    yield from _zero_state(problem)


def _missing(problem: Problem) -> Iterator[Candidate]:
    """A dim added where the program calls the model, rather than inside of it."""
    if problem.clash.slug not in ("batch-dim-missing", "last-batch", "norm-features"):
        return
    for span in problem.event.stack or ((problem.event.span,) if problem.event.span is not None else ()):
        code = problem.code(span)
        given = code.arguments(span) if code is not None else ()
        if code is None or not given:
            continue
        text = code.text_at(given[0][1])
        called = f"`{text}`" if len(text) <= 24 and "\n" not in text else "the input"
        dims = (0, 1) if problem.clash.slug == "batch-dim-missing" else (0,)
        for dim in dims:
            words = "the batch dim" if dim == 0 else "a channel dim"
            yield Candidate("batch-dim", f"give {called} {words}", code.append(given[0][1], f".unsqueeze({dim})"), -dim)


def _written(problem: Problem) -> Iterator[Candidate]:
    """`x.view(batch_size, -1)` and `torch.randn(batch_size, …)` with the batch that is there."""
    event = problem.event
    for tensor, _ in problem.operands():
        for step in [*chain(problem.trace, tensor)[-4:], event]:
            yield from _own_batch(problem, step, tensor)


def _own_batch(problem: Problem, step: Event, tensor: TensorInfo) -> Iterator[Candidate]:
    code = problem.code(step.span)
    if code is None or step.span is None:
        return
    given = code.arguments(step.span)
    operand = next((one for one in step.tensors() if one.kind not in ("parameter", "buffer")), None)
    if step.op in ("view", "reshape", "expand") and step.call == "method" and given and operand is not None and operand.rank:
        first = step.args[1] if len(step.args) > 1 else None
        name = code.text_at(step.span).partition(".")[0]
        if isinstance(first, Number) and first.value not in (-1, operand.shape[0]) and name.isidentifier():
            yield Candidate("batch-size", f"take the batch from `{name}`", code.replace(given[0][1], f"{name}.size(0)"))
    elif step.op in FACTORIES and given:
        sizes = step.args[0] if step.args and isinstance(step.args[0], tuple) else step.args
        others = [(one, span) for one, span in problem.operands() if one is not tensor and span is not None and one.rank]
        for other, span in others:
            name = problem.text(span) if span is not None else ""
            same_function = code.enclosing_function(step.span) is not None
            if sizes and isinstance(sizes[0], Number) and sizes[0].value != other.shape[0] and name.isidentifier() and same_function:
                yield Candidate("batch-size", f"take the batch from `{name}`", code.replace(given[0][1], f"{name}.size(0)"))


def _last(problem: Problem) -> Iterator[Candidate]:
    """`drop_last=True` for the loaders of the program, when it is a later, smaller batch that fails."""
    if (
        problem.clash.slug in ("missing-flatten", "conv-in-channels", "checkpoint-shape", "concat-mismatch")
        or problem.event.call_number < 2
    ):
        module = problem.module
        if module is None or problem.event.call_number < 2:
            return
    for file, text in problem.trace.sources.items():
        lines = text.split("\n")
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.Call) and _called(node) == "DataLoader" and not any(word.arg == "drop_last" for word in node.keywords):
                span: Span = span_of(node, file, lines)
                code = problem.code(span)
                if code is not None:
                    title = "leave out the smaller last batch"
                    yield Candidate("drop-last", title, code.set_argument(span, "drop_last", "True"))


def _zero_state(problem: Problem) -> Iterator[Candidate]:
    """A state of zeros for one batch size: without one, a recurrent layer starts from zeros of the right size by itself."""
    event = problem.event
    code = problem.code(event.span)
    given = code.arguments(event.span) if code is not None and event.span is not None else ()
    if (
        event.op not in ("lstm", "gru", "rnn")
        or code is None
        or event.span is None
        or len(given) != 2
        or len(event.args) + len(event.kwargs) != 2
    ):
        return
    state = [tensor for tensor in event.tensors() if tensor.rank in (2, 3)][1:]
    makers = [problem.trace.events[tensor.source] for tensor in state if tensor.source is not None]
    if not state or len(makers) < len(state) or any(maker.op not in ("zeros", "zeros_like", "new_zeros") for maker in makers):
        return
    if any(maker.stack == event.stack and maker.function == event.function for maker in makers):
        return  # made for each batch, with another slip in it
    module = problem.module
    layers = module.number("num_layers") if module is not None else None
    directions = 2 if module is not None and module.settings.get("bidirectional") is True else 1
    if module is None or layers is None or any(tensor.shape[0] != layers.value * directions for tensor in state if tensor.rank == 3):
        return  # it is not the batch that is wrong
    name = f"`{say.module_name(module)}`"
    trap = "forgets after every step what the program carries on in the state" if _carried_on(problem) else ""
    yield Candidate(
        "state", f"let {name} start from its own zeros, one for each sample", code.drop_argument(event.span, given[1][0], 1), trap=trap
    )


def _carried_on(problem: Problem) -> bool:
    """Whether a loop gives the model what came out of the last turn: `logits, state = model(x, state)`."""
    for span in problem.event.stack or ((problem.event.span,) if problem.event.span is not None else ()):
        text = problem.trace.sources.get(span.file, "")
        for loop in ast.walk(parsed(text)):
            if isinstance(loop, ast.For | ast.While) and loop.lineno <= span.line <= (loop.end_lineno or 0):
                assigns = [node for node in ast.walk(loop) if isinstance(node, ast.Assign)]
                if any(_kept(node) - _made_anew(assigns, node) for node in assigns if node.lineno == span.line):
                    return True
    return False


def _kept(node: ast.Assign) -> set[str]:
    """The variables that a call is handed and that its own result is assigned to."""
    given = node.value.args[1:] if isinstance(node.value, ast.Call) else []
    return _stored(node) & {arg.id for arg in given if isinstance(arg, ast.Name)}


def _made_anew(assigns: list[ast.Assign], but: ast.Assign) -> set[str]:
    return {name for node in assigns if node is not but for name in _stored(node)}


def _stored(node: ast.Assign) -> set[str]:
    return {below.id for target in node.targets for below in ast.walk(target) if isinstance(below, ast.Name)}


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
