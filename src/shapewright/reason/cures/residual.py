"""A residual `out + x` whose widths differ: `x` needs a projection to the width of `out`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from shapewright.model import ModuleInfo, Span, TensorInfo
from shapewright.reason.edits import Code
from shapewright.reason.places import parsed
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.ways import setter

_NAMES = ("shortcut", "projection", "residual_projection")


def propose(problem: Problem) -> Iterator[Candidate]:
    """A 1×1 convolution (a Linear) built with the block's own widths, on the block's plain input."""
    event, block = problem.event, problem.module
    operands = list(problem.operands())
    if event.op != "add" or block is None or block.library or len(operands) != 2 or event.function.rpartition(".")[2] != "forward":
        return
    for (x, span), (out, _) in (operands, operands[::-1]):
        if span is not None and x.rank == out.rank and problem.text(span).isidentifier():
            yield from _projection(problem, block, x, span, out)


def _projection(problem: Problem, block: ModuleInfo, x: TensorInfo, span: Span, out: TensorInfo) -> Iterator[Candidate]:
    last = _layer_of(problem, block, out)
    if last is None:
        return
    linear = last.type == "Linear"
    dim = x.rank - 1 if linear else 1
    widths = ("in_features", "out_features") if linear else ("in_channels", "out_channels")
    first = _first_layer(problem, block, x, widths[0])
    others = [at for at in range(x.rank) if at != dim and x.shape[at] != out.shape[at]]
    if first is None or x.shape[dim] == out.shape[dim] or any(linear or at < 2 for at in others) or not _is_input(problem, span):
        return
    code = problem.code(last.built)
    if code is None or last.built is None or first.built is None:
        return
    init = code.enclosing_function(last.built)
    end = code.last_statement(init) if init is not None else None
    if end is None or first.built.file != last.built.file or code.enclosing_function(first.built) != init:
        return
    given, gives = _argument(code, first.built, widths[0], 0), _argument(code, last.built, widths[1], 1)
    stride = _stride(problem, block, code, init, x, out) if others else ""
    name = next((name for name in _NAMES if not re.search(rf"\bself\.{name}\b", code.text)), None)
    if not given or not gives or stride is None or name is None:
        return
    nn, imports = code.name_of("torch.nn")
    layer = f"{nn}.Linear({given}, {gives})" if linear else f"{nn}.{last.type}({given}, {gives}, 1{stride})"
    edits = (*code.insert_after(end, f"self.{name} = {layer}"), *code.replace(span, f"self.{name}({code.text_at(span)})"))
    if len(edits) == 2:
        what = "features" if linear else "channels"
        title = f"project `{code.text_at(span)}` to {out.shape[dim]} {what} before it is added"
        yield Candidate("projection", title, (*imports, *edits))


def _layer_of(problem: Problem, block: ModuleInfo, out: TensorInfo) -> ModuleInfo | None:
    """The layer of the block that gave a tensor its width."""
    for dim in (1, out.rank - 1):
        found = setter(problem.trace, out, dim)
        module = problem.trace.modules[found[0].module] if found is not None and found[0].module is not None else None
        fits = module is not None and (module.type == "Linear" if dim == out.rank - 1 else re.fullmatch(r"Conv[123]d", module.type))
        if module is not None and fits and _within(problem, module, block):
            return module
    return None


def _first_layer(problem: Problem, block: ModuleInfo, x: TensorInfo, width: str) -> ModuleInfo | None:
    """The layer of the block that takes the input."""
    for event in problem.trace.events[: problem.event.index]:
        module = problem.trace.modules[event.module] if event.module is not None else None
        if module is None or x.source is None or not _within(problem, module, block) or module.number(width) is None:
            continue
        if next(event.tensors()).source == x.source:
            return module
    return None


def _within(problem: Problem, module: ModuleInfo, block: ModuleInfo) -> bool:
    at: int | None = module.index
    while at is not None and at != block.index:
        at = problem.trace.modules[at].parent
    return at is not None


def _is_input(problem: Problem, span: Span) -> bool:
    """Whether a name is a parameter of its forward that nothing before has assigned anew."""
    code = problem.code(span)
    name = problem.text(span)
    for node in ast.walk(parsed(code.text if code is not None else "")):
        if isinstance(node, ast.FunctionDef) and node.name == "forward" and node.lineno <= span.line <= (node.end_lineno or 0):
            if name not in [argument.arg for argument in node.args.args[1:]]:
                return False
            stored = [below for below in ast.walk(node) if isinstance(below, ast.Name) and isinstance(below.ctx, ast.Store)]
            return not any(below.id == name and below.lineno < span.line for below in stored)
    return False


def _argument(code: Code, call: Span, name: str, position: int) -> str:
    span = code.argument(call, name, position)
    return code.text_at(span) if span is not None else ""


def _stride(problem: Problem, block: ModuleInfo, code: Code, init: Span | None, x: TensorInfo, out: TensorInfo) -> str | None:
    """The stride that makes the maps of the input as small as those of the output, as the block writes it; None when there is none."""
    times = {-(-was // now) for was, now in zip(x.shape[2:], out.shape[2:], strict=True)}
    stride = times.pop() if len(times) == 1 else 0
    if stride < 2 or any(-(-was // stride) != now for was, now in zip(x.shape[2:], out.shape[2:], strict=True)):
        return None
    for module in problem.trace.modules:
        number = module.number("stride")
        if number is None or number.value != stride or module.built is None or not _within(problem, module, block):
            continue
        if code.enclosing_function(module.built) == init and (text := _argument(code, module.built, "stride", 3)):
            return f", stride={text}"
    return f", stride={stride}"
