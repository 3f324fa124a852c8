"""The layer itself: its sibling for another number of dims, sizes that must divide one another, a table that is too small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import gcd

from shapewright.model import Event, ModuleInfo, Number, Span, TensorInfo
from shapewright.reason import levers, solve
from shapewright.reason.cures.numbers import evidence
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain, setter
from shapewright.report import Edit

_DIVISORS = ("num_heads", "nhead", "groups", "num_groups")
_DIVIDED = ("embed_dim", "d_model", "in_channels", "out_channels", "num_channels")
_NEAR = 2  # candidates on either side of a number


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that change which layer is built, or how."""
    module = problem.module
    if problem.event.call == "module" and module is None:
        yield from _refused(problem, problem.event)
    yield from _shuffled(problem)
    if module is None or module.built is None:
        return
    yield from _sibling(problem, module)
    yield from _dividing(problem, module)
    yield from _table(problem, module)
    yield from _lazy(problem, module)


def _sibling(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """`nn.BatchNorm2d` behind a linear layer: `nn.BatchNorm1d` was meant."""
    match = re.fullmatch(r"((?:Batch|Instance)Norm|Dropout|MaxPool|AvgPool)([123])d", module.type)
    tensor = next(problem.event.tensors(), None)
    code = problem.code(module.built)
    if match is None or tensor is None or code is None or module.built is None:
        return
    dims = max(tensor.rank - 2, 1)
    callee = code.callee(module.built)
    if dims > 3 or str(dims) == match[2] or callee is None or code.text_at(callee) != module.type:
        return
    name = f"{match[1]}{dims}d"
    yield Candidate("class", f"build `{say.module_name(module)}` as {name}", code.replace(callee, name) or (Edit(callee, name),))


def _lazy(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """`nn.LazyLinear(10)`, which finds its input features at its first call."""
    code = problem.code(module.built)
    callee = code.callee(module.built) if code is not None and module.built is not None else None
    if code is None or callee is None or module.built is None or not re.fullmatch(r"Linear|Conv[123]d", module.type):
        return
    first = code.argument(module.built, _WIDTH[module.type == "Linear"], 0)
    behind = [span for _, span in code.arguments(module.built) if first is not None and span != first]
    if first is None or not behind or code.text_at(callee) != module.type:
        return
    # one stretch from the name to the second argument: two edits of one call could not be checked apart
    gone = Span(callee.file, callee.line, callee.column, behind[0].line, behind[0].column)
    text = code.text_at(gone)
    if text.endswith(", ") and code.text_at(first) in text:
        title = f"let `{say.module_name(module)}` find its input size by itself"
        yield Candidate("lazy", title, (Edit(gone, f"Lazy{module.type}("),))


_WIDTH = ("in_channels", "in_features")


def _refused(problem: Problem, event: Event) -> Iterator[Candidate]:
    """A constructor that refused its numbers: other heads or groups, or features that they divide."""
    for setting in _DIVISORS:
        divisor = event.kwargs.get(setting)
        totals = [number for name in _DIVIDED if isinstance(number := event.kwargs.get(name), Number)]
        if not isinstance(divisor, Number) or divisor.value < 2 or all(number.value % divisor.value == 0 for number in totals):
            continue
        part = "head" if "head" in setting else "group"
        yield from _split(divisor, [number.value for number in totals], part)
        for number in {number.value: number for number in totals if number.value % divisor.value}.values():
            below = number.value // divisor.value * divisor.value
            near = sorted((value for value in (below, below + divisor.value) if value > 0), key=lambda value: abs(value - number.value))
            for value in near if number.origin is not None else ():
                for settings in solve.solutions(number.origin, value):  # type: ignore[arg-type]
                    title = f"take {value} instead of {number.value}, which {divisor.value} {part}s divide"
                    yield Candidate("constant", title, solve.edits(settings), -1)


def _split(divisor: Number, totals: list[int], part: str, layer: str = "") -> Iterator[Candidate]:
    """Other values of a divisor: the next ones that divide all totals, powers of two before others."""
    common = gcd(*totals)
    if divisor.origin is None or common < 1:
        return
    fitting = [value for value in range(1, min(common, 2 * divisor.value + 1)) if common % value == 0 and value != divisor.value]
    powers = [value for value in fitting if value > 1 and value & (value - 1) == 0]
    near = sorted(fitting, key=lambda value: (value == 1, abs(value - divisor.value)))[:_NEAR]
    for value in dict.fromkeys([*sorted(powers, key=lambda value: abs(value - divisor.value))[:1], *near]):
        for settings in solve.solutions(divisor.origin, value):
            title = f"split {' and '.join(map(str, dict.fromkeys(totals)))} features into {value} {part if value == 1 else part + 's'}"
            yield Candidate("constant", title + (f" for `{layer}`" if layer else ""), solve.edits(settings), -1 if value == 1 else 0)


def _dividing(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """A number of heads or groups that does not divide the features."""
    for setting in _DIVISORS:
        number = module.number(setting)
        total = next((n.value for name in ("embed_dim", "num_channels", "in_channels") if (n := module.number(name)) is not None), None)
        if number is not None and number.value and total and total % number.value:
            yield from _split(number, [total], "head" if "head" in setting else "group", say.module_name(module))


def _shuffled(problem: Problem) -> Iterator[Candidate]:
    """`PixelShuffle(r)` takes channels in multiples of r·r: as many as the images that went in have, or the nearest."""
    event = problem.event
    tensor, scale = event.argument(0, "input"), event.argument(1, "upscale_factor")
    if event.op != "pixel_shuffle" or not isinstance(tensor, TensorInfo) or not isinstance(scale, Number) or tensor.rank < 3:
        return
    channels, times = tensor.shape[-3], scale.value**2
    if times < 2 or channels % times == 0:
        return
    steps = chain(problem.trace, tensor)
    first = next((one for step in steps for one in (*step.tensors(), *step.output)), None)
    image = first.shape[-3] if first is not None and first.rank == tensor.rank else 1
    yield from _times_scale(problem, tensor, channels, scale.value)
    below = channels // times * times
    called = f"`{say.module_name(problem.module)}`" if problem.module is not None else "`pixel_shuffle`"
    for number, value in enumerate(dict.fromkeys((image * times, below, below + times))):
        for lever in levers.of_dim(problem.trace, tensor, tensor.rank - 3, value) if value > 0 else ():
            title = f"give {called} {value} channels: {value // times} for {scale.value}×{scale.value} pixels"
            yield Candidate("producer", title, solve.edits(lever.settings), -number)


def _times_scale(problem: Problem, tensor: TensorInfo, channels: int, scale: int) -> Iterator[Candidate]:
    """`channels * scale` where `channels * scale * scale` was meant: one factor is missing."""
    found = setter(problem.trace, tensor, tensor.rank - 3)
    module = problem.trace.modules[found[0].module] if found is not None and found[0].module is not None else None
    code = problem.code(module.built) if module is not None else None
    if channels % scale or code is None or module is None or module.built is None or module.number("out_channels") is None:
        return
    span = code.argument(module.built, "out_channels", 1)
    shuffle = problem.module.built if problem.module is not None else None
    same = shuffle is not None and shuffle.file == module.built.file
    name = next((code.text_at(one) for _, one in code.arguments(shuffle)), "") if shuffle is not None and same else ""
    if span is not None and (text := code.text_at(span)) and any(letter.isalpha() for letter in text):
        factor = name if name.isidentifier() else str(scale)
        title = f"let `{say.module_name(module)}` give {channels // scale}·{scale}·{scale} channels"
        yield Candidate("producer", title, code.replace(span, f"{text} * {factor}"), 3)


def _table(problem: Problem, module: ModuleInfo) -> Iterator[Candidate]:
    """An embedding with fewer rows than the indices need."""
    number = module.number("num_embeddings")
    highest = max((tensor.highest for tensor in problem.event.tensors() if tensor.highest is not None), default=None)
    if number is None or highest is None or highest < number.value:
        return
    title = f"give `{say.module_name(module)}` {highest + 1} rows"
    if isinstance(number, Number) and number.origin is not None:
        for settings in solve.solutions(number.origin, highest + 1):
            edits = solve.edits(settings)
            yield Candidate("constant", title, edits, evidence(problem, edits))
    code = problem.code(module.built)
    span = code.argument(module.built, "num_embeddings", 0) if code is not None and module.built is not None else None
    if code is not None and span is not None and any(letter.isalpha() for letter in code.text_at(span)):
        yield Candidate("expression", title, code.append(span, f" + {highest + 1 - number.value}"))
