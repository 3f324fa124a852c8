"""Map sizes that do not meet: pooling to the size a layer was built for, another image, another stride or padding, cropping at a skip."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.model import Event, TensorInfo
from shapewright.reason import fits, levers, solve
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import FACTORIES, chain


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that change the size of the maps."""
    if problem.clash.slug == "linear-in-features":
        yield from _pool(problem)
        yield from _image(problem)
    if problem.clash.slug in ("broadcast-mismatch", "concat-mismatch"):
        yield from _match(problem)


def _pool(problem: Problem) -> Iterator[Candidate]:
    """Adaptive pooling before the flatten, to the size that the layer was built for."""
    want = problem.clash.want.value if problem.clash.want is not None else None
    tensor = next(problem.event.tensors(), None)
    flatten = _flatten(problem, tensor)
    maps = next(flatten.tensors(), None) if flatten is not None else None
    if flatten is None or maps is None or maps.rank != 4 or not want or want % maps.shape[1]:
        return
    side = round((want // maps.shape[1]) ** 0.5)
    if side * side * maps.shape[1] != want or side > maps.shape[2] or side > maps.shape[3]:
        return
    code = problem.code(flatten.span)
    if code is None or flatten.span is None:
        return
    title = f"pool to {side}×{side} before the flatten"
    functional, imports = code.name_of("torch.nn.functional")
    text = code.text_at(flatten.span)
    operand = text.partition(".")[0] if flatten.call == "method" else text.partition("(")[2].partition(",")[0].strip(" )")
    module = problem.trace.modules[flatten.module] if flatten.module is not None else None
    if module is not None and module.type == "Flatten" and module.built is not None:
        nn, imports = code.name_of("torch.nn")
        yield Candidate("pool", title, (*imports, *code.insert_element(module.built, f"{nn}.AdaptiveAvgPool2d({side})")))
    elif operand.isidentifier():
        line = f"{operand} = {functional}.adaptive_avg_pool2d({operand}, {side})"
        yield Candidate("pool", title, (*imports, *code.insert_before(flatten.span, line)))


def _flatten(problem: Problem, tensor: TensorInfo | None) -> Event | None:
    steps = chain(problem.trace, tensor) if tensor is not None else []
    return next((step for step in reversed(steps) if step.op in ("flatten", "view", "reshape")), None)


def _image(problem: Problem) -> Iterator[Candidate]:
    """The image that the script makes, in the size that the model was built for."""
    sizes = fits.fitting_sizes(problem.trace, problem.clash)
    tensor = next(problem.event.tensors(), None)
    first = next(iter(chain(problem.trace, tensor)), None) if tensor is not None else None
    if not sizes or first is None or first.op not in FACTORIES or not first.output or first.output[0].rank < 3:
        return
    side = next((size for size in sizes if size % 8 == 0), sizes[0])
    image = first.output[0]
    settings: list[solve.Setting] = []
    for dim in (image.rank - 2, image.rank - 1):
        lever = next(levers.of_dim(problem.trace, _made(image, first), dim, side), None)
        if lever is None:
            return
        settings += [setting for setting in lever.settings if setting not in settings]
    yield Candidate("input-size", f"feed {side}×{side} images", solve.edits(settings))


def _made(image: TensorInfo, event: Event) -> TensorInfo:
    return TensorInfo(image.shape, image.dtype, source=event.index)


def _match(problem: Problem) -> Iterator[Candidate]:
    """Two maps of nearly one size at a skip connection: the other one is brought to its size."""
    operands = [(tensor, span) for tensor, span in problem.operands() if span is not None and tensor.kind != "parameter"]
    if len(operands) < 2:
        return
    (one, first), (other, second) = operands[0], operands[1]
    if one.rank != 4 or other.rank != 4 or one.shape[2:] == other.shape[2:] or first is None or second is None:
        return
    for (_, span), (large, reference) in (((one, first), (other, second)), ((other, second), (one, first))):
        code = problem.code(span)
        if code is None or span is None or reference is None:
            continue
        functional, imports = code.name_of("torch.nn.functional")
        name = problem.text(reference)
        target = f"{name}.shape[2:]" if name.replace(".", "").isidentifier() else str(large.shape[2:])
        title = f"bring `{say.ticked(problem.text(span), 'one').strip('`')}` to {say.by(large.shape[2:])} where they meet"
        yield Candidate("match", title, (*imports, *code.wrap(span, f"{functional}.interpolate(", f", size={target})")))
