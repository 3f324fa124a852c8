"""Flattening: where it is missing, where its result was lost, and where it took the batch along."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from math import prod

from shapewright.model import Event, ModuleInfo, Number, Span, TensorInfo
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain

REARRANGING = ("view", "reshape", "flatten", "permute", "transpose", "unsqueeze", "squeeze", "float", "long")


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that change where and how the operands are flattened."""
    yield from _assign(problem)
    yield from _start(problem)
    yield from _insert(problem)
    yield from _trap(problem)


def _assign(problem: Problem) -> Iterator[Candidate]:
    """`x.view(…)` on a line of its own: its result belongs back into `x`."""
    trace, event = problem.trace, problem.event
    sources = {tensor.source for tensor in event.tensors() if tensor.source is not None}
    used = {tensor.source for other in trace.events for tensor in other.tensors()}
    for other in trace.events[: event.index]:
        operand = next(other.tensors(), None)
        if other.op not in REARRANGING or operand is None or operand.source not in sources or other.index in used or other.span is None:
            continue
        code = problem.code(other.span)
        text = problem.text(other.span)
        name = text.partition(".")[0] if other.call == "method" else text.partition("(")[2].partition(",")[0].strip(" )")
        if code is not None and name.isidentifier() and code.is_statement(other.span):
            yield Candidate("assign-result", f"assign the result of `{other.op}`", code.assign(other.span, name))


def _start(problem: Problem) -> Iterator[Candidate]:
    """`torch.flatten(x)` flattens the batch, too; `start_dim=1` leaves it."""
    tensor = next(problem.event.tensors(), None)
    if tensor is None:
        return
    for event in reversed(chain(problem.trace, tensor)):
        operand = next(event.tensors(), None)
        code = problem.code(event.span)
        if event.op != "flatten" or operand is None or code is None or event.span is None or operand.rank < 2:
            continue
        start = event.argument(1, "start_dim")
        if start is None or (isinstance(start, Number) and start.value == 0):
            position = 1 if event.call == "function" else 0
            given = code.argument(event.span, "start_dim", position)
            name = "start_dim" if given is not None or code.arguments(event.span)[position:] else None
            arguments = code.arguments(event.span)
            edits = code.set_argument(event.span, "start_dim", "1", position) if name else ()
            if not edits:
                edits = code.set_argument(event.span, "start_dim", "1", None if not arguments else position)
            yield Candidate("start-dim", "flatten from dim 1 on, and leave the batch alone", edits)
        return


def _insert(problem: Problem) -> Iterator[Candidate]:
    """A flatten in front of the layer, or of what is concatenated."""
    clash = problem.clash
    if clash.slug not in ("missing-flatten", "linear-in-features", "concat-mismatch"):
        return
    for tensor, span in problem.operands():
        if tensor.rank < 3 or tensor.kind in ("parameter", "buffer"):
            continue
        batched = replace(tensor, shape=(tensor.shape[0], prod(tensor.shape[1:])))
        if not problem.would_fit(problem.with_operand(tensor, batched)):
            continue
        if span is None:
            yield from _in_sequential(problem)
            continue
        code = problem.code(span)
        if code is None:
            continue
        torch_name, imports = code.name_of("torch")
        name = problem.text(span)
        if name.isidentifier() and name in code.assigned_names(span):
            line = f"{name} = {torch_name}.flatten({name}, 1)"
            yield Candidate("flatten", _title(problem), (*imports, *code.insert_before(span, line)))
        else:
            yield Candidate("flatten", _title(problem), (*imports, *code.wrap(span, f"{torch_name}.flatten(", ", 1)")))


def _title(problem: Problem) -> str:
    module = problem.module
    return (
        f"flatten before `{say.module_name(module)}`" if module is not None and module.library else f"flatten before `{problem.event.op}`"
    )


def _in_sequential(problem: Problem) -> Iterator[Candidate]:
    """An `nn.Flatten()` in the container that holds the layer."""
    module: ModuleInfo | None = problem.module
    if module is None or module.built is None:
        return
    code = problem.code(module.built)
    if code is None:
        return
    nn, imports = code.name_of("torch.nn")
    edits = code.insert_element(module.built, f"{nn}.Flatten()")
    for span in () if edits else _standing_for(problem, module):
        edits = edits or code.insert_element(span, f"{nn}.Flatten()")
    yield Candidate("flatten", _title(problem), (*imports, *edits) if edits else ())


def _standing_for(problem: Problem, module: ModuleInfo) -> Iterator[Span]:
    """The places where the variable that holds a layer, or the container around it, stands in an `nn.Sequential(…)`."""
    inner: ModuleInfo | None = module
    while inner is not None:
        built = inner.built
        code = problem.code(built)
        names = code.assigned_names(built) if code is not None and built is not None else ()
        text = problem.trace.sources.get(built.file, "") if built is not None else ""
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Sequential") and built is not None:
                for argument in node.args:
                    if isinstance(argument, ast.Name) and argument.id in names:
                        yield span_of(argument, built.file, text.split("\n"))
        inner = problem.trace.modules[inner.parent] if inner.parent is not None else None


def _trap(problem: Problem) -> Iterator[Candidate]:
    """`x.view(-1, N)`: the answer that forums give, and that lets pixels into the batch."""
    clash = problem.clash
    want = clash.want.value if clash.want is not None else None
    if clash.slug not in ("linear-in-features", "missing-flatten") or not want or problem.event.op != "linear":
        return
    tensor = next(problem.event.tensors(), None)
    if tensor is None or tensor.numel % want:
        return
    flatten = _last_flatten(problem, tensor)
    trap = "lets features into the batch"
    if flatten is not None and flatten.span is not None:
        code = problem.code(flatten.span)
        written = problem.text(flatten.span)
        operand = written.partition(".")[0] if flatten.call == "method" else written.partition("(")[2].partition(",")[0].strip(" )")
        if code is not None and operand.isidentifier():
            new = f"{operand}.view(-1, {want})"
            yield Candidate("flatten", new, code.replace(flatten.span, new), trap=trap)


def _last_flatten(problem: Problem, tensor: TensorInfo) -> Event | None:
    steps = chain(problem.trace, tensor)
    return next((step for step in reversed(steps) if step.op in ("flatten", "view", "reshape")), None)
