"""Map sizes that do not meet: pooling to the size a layer was built for, another image, one stage less, resizing at a skip."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from shapewright.model import Event, Span, TensorInfo
from shapewright.reason import fits, levers, solve
from shapewright.reason.cures import aligned
from shapewright.reason.cures.geometry import goes_through
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.replay import Change, Step, numbers, replayed
from shapewright.reason.rules import say
from shapewright.reason.ways import FACTORIES, chain, setter
from shapewright.report import Edit
from shapewright.source import contains

_LARGEST = 2048
_SMALLEST = 4  # pixels of a side
_WIDEST = 11  # kernels that people write
_UP = ("conv_transpose", "interpolate", "upsample", "max_unpool", "pixel_shuffle")

Sides = Callable[[int], int]  # a side of the image → what it becomes


def propose(problem: Problem) -> Iterator[Candidate]:
    """Candidates that change the size of the maps."""
    slug = problem.clash.slug
    if slug == "linear-in-features":
        yield from _pool(problem)
        yield from _fitting_image(problem)
    elif slug == "conv-kernel-too-large":
        steps = problem.steps()
        yield from _larger_image(problem, steps)
        yield from _less_pooling(problem, steps)
        yield from _shorter_list(problem, steps)
        yield from _narrower_row(problem)
    elif slug in ("broadcast-mismatch", "concat-mismatch", "loss-target-shape") and not aligned.is_vector_of_samples(problem):
        yield from _even_image(problem, problem.steps())
        if problem.module is not None and slug != "loss-target-shape":
            # in a script, where a result is compared with its target, resizing would only hide what the model gives
            yield from _match(problem)


# -------------------------------------------------------------------------------------------------------- pooling before a flatten


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
    kind = "global-pool" if side == 1 and _is_ready_made(problem, maps) else "pool"
    evidence = 0 if maps.shape[2] % side == maps.shape[3] % side == 0 else -3  # windows of several sizes are nobody's wish
    functional, imports = code.name_of("torch.nn.functional")
    text = code.text_at(flatten.span)
    operand = text.partition(".")[0] if flatten.call == "method" else text.partition("(")[2].partition(",")[0].strip(" )")
    module = problem.trace.modules[flatten.module] if flatten.module is not None else None
    if module is not None and module.type == "Flatten" and module.built is not None:
        nn, imports = code.name_of("torch.nn")
        yield Candidate(kind, title, (*imports, *code.insert_element(module.built, f"{nn}.AdaptiveAvgPool2d({side})")), evidence)
    elif operand.isidentifier():
        line = f"{operand} = {functional}.adaptive_avg_pool2d({operand}, {side})"
        yield Candidate(kind, title, (*imports, *code.insert_before(flatten.span, line)), evidence)


def _is_ready_made(problem: Problem, maps: TensorInfo) -> bool:
    """Whether the layer that gives the maps their channels is a library's own: nobody here has forgotten what it gives."""
    found = setter(problem.trace, maps, 1)
    module = problem.trace.modules[found[0].module] if found is not None and found[0].module is not None else None
    return module is not None and (module.built is None or module.type not in problem.text(module.built).partition("(")[0])


def _flatten(problem: Problem, tensor: TensorInfo | None) -> Event | None:
    steps = chain(problem.trace, tensor) if tensor is not None else []
    return next((step for step in reversed(steps) if step.op in ("flatten", "view", "reshape")), None)


# -------------------------------------------------------------------------------------------------------------- another image size


def _fitting_image(problem: Problem) -> Iterator[Candidate]:
    """The image that the script makes, in the size that the model was built for."""
    sizes = [size for size in fits.fitting_sizes(problem.trace, problem.clash) if size >= _SMALLEST]
    if sizes:
        plain = (*(size for size in sizes if size & (size - 1) == 0), *(size for size in sizes if size % 8 == 0), *sizes)
        side = plain[0]
        # Images of 66×66 are nobody's: then rather a layer has slipped.
        yield from _images(problem, problem.steps(), [lambda old: side], 0 if side % 4 == 0 else -3)


def _larger_image(problem: Problem, steps: tuple[Step, ...]) -> Iterator[Candidate]:
    """The smallest power of two, else the smallest multiple of 8, with which the kernels have room."""
    powers: list[Sides] = [lambda old, side=1 << n: max(old, side) for n in range(3, _LARGEST.bit_length())]  # type: ignore[misc]
    eights: list[Sides] = [lambda old, more=more: (old // 8 + more) * 8 for more in range(1, 33)]  # type: ignore[misc]
    # A kernel that is larger than any is no sign of a small image.
    number = problem.module.number("kernel_size") if problem.module is not None else None
    yield from _images(problem, steps, [*powers, *eights], 2 if number is None or number.value <= _WIDEST else -3)


def _even_image(problem: Problem, steps: tuple[Step, ...]) -> Iterator[Candidate]:
    """The nearest sizes that can be halved as often as the model halves them, so that what is halved and doubled comes out the same."""
    up: list[Sides] = [lambda old, by=1 << n: -(-old // by) * by for n in range(1, 8)]  # type: ignore[misc]
    down: list[Sides] = [lambda old, by=1 << n: old // by * by for n in range(1, 8)]  # type: ignore[misc]
    yield from _images(problem, steps, up)
    yield from _images(problem, steps, down)


def _images(problem: Problem, steps: tuple[Step, ...], ways: Sequence[Sides], evidence: int = 0) -> Iterator[Candidate]:
    """For each image that the script makes in a size of its own, the first of the new sizes with which the failed call goes through."""
    if goes_through(problem, problem.event, Change()) is not False:
        return
    for image, made in _makers(problem, steps):
        for way in ways:
            shape = made(way)
            if shape is None:
                continue
            edits, change, sides = shape
            new = replayed(steps, change)
            if edits and new is not None and goes_through(problem, new, change):
                what = f"{say.by(sides)} images" if image.rank > 3 or len(sides) > 1 else f"sequences of {sides[0]}"
                yield Candidate("input-size", f"feed {what}", edits, evidence)
                break


_Made = tuple[tuple[Edit, ...], Change, tuple[int, ...]]


def _makers(problem: Problem, steps: tuple[Step, ...]) -> Iterator[tuple[TensorInfo, Callable[[Sides], _Made | None]]]:
    """The calls that make an image from nothing, or cut it out, each with what makes it of another size."""
    count = 1 if problem.event.op.endswith("1d") else 2
    for step in steps[:-1]:
        event = step.event
        image = event.output[0] if event.output else None
        if image is None or image.rank <= count or 1 in image.shape[-count:]:
            continue
        if count == 2 and image.rank == 3 and image.shape[0] not in (1, 3, 4):
            continue  # a sequence of vectors rather than an image without a batch
        if event.op in FACTORIES and image.is_floating:
            yield image, lambda way, event=event, image=image: _made_anew(problem, event, image, count, way)  # type: ignore[misc]
        elif event.op == "getitem" and (argument := _crop_argument(problem, event, image)) is not None:
            yield image, lambda way, event=event, image=image, span=argument: _cut_anew(problem, event, image, span, way)  # type: ignore[misc]


def _one_of_many(problem: Problem, settings: Sequence[solve.Setting]) -> bool:
    """Whether a number is one of a list whose others stay as they are: sizes that the script goes through on purpose."""
    spans = [leaf.span for leaf, _ in settings]
    for span in spans:
        text = problem.trace.sources.get(span.file, "") if span is not None else ""
        for node in ast.walk(parsed(text)) if span is not None else ():
            if isinstance(node, ast.List) and span is not None:
                elements = [span_of(element, span.file, text.split("\n")) for element in node.elts]
                if span in elements and any(element not in spans for element in elements):
                    return True
    return False


def _made_anew(problem: Problem, event: Event, image: TensorInfo, count: int, way: Sides) -> _Made | None:
    settings: list[solve.Setting] = []
    sides = tuple(way(old) for old in image.shape[-count:])
    for dim, side in zip(range(image.rank - count, image.rank), sides, strict=True):
        if image.shape[dim] == side:
            continue
        own = TensorInfo(image.shape, image.dtype, source=event.index)
        lever = next(levers.of_dim(problem.trace, own, dim, side), None) if side > 0 else None
        if lever is None:
            return None
        settings += [setting for setting in lever.settings if setting not in settings]
    if _one_of_many(problem, settings):
        return None
    literals = {leaf.span: new for leaf, new in settings if leaf.span is not None}
    return solve.edits(settings), Change(literals=literals), sides


def _crop_argument(problem: Problem, event: Event, image: TensorInfo) -> Span | None:
    """The number, in the only call of the function that cuts the image out, that says its size."""
    code = problem.code(event.span)
    name = next((part for part in reversed(event.function.split(".")) if not part.startswith("<")), "")
    if code is None or event.span is None or not name or image.shape[-1] != image.shape[-2]:
        return None
    names, file = code.names_in(event.span), event.span.file
    lines, nodes = code.text.split("\n"), list(ast.walk(parsed(code.text)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name]
    made = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == name]
    if len(calls) != 1 or len(made) != 1:
        return None
    parameters = [argument.arg for argument in made[0].args.args if argument.arg != "self"]
    given = [*zip(parameters, calls[0].args, strict=False), *((keyword.arg, keyword.value) for keyword in calls[0].keywords)]
    sizes = [value for name, value in given if name in names and isinstance(value, ast.Constant) and value.value == image.shape[-1]]
    return span_of(sizes[0], file, lines) if len(sizes) == 1 else None


def _cut_anew(problem: Problem, event: Event, image: TensorInfo, span: Span, way: Sides) -> _Made | None:
    side = way(image.shape[-1])
    source = next(event.tensors())
    if not 0 < side <= min(source.shape[-2:]):
        return None
    alike = [other for other in problem.trace.events if other.span == event.span and other.output and other.output[0].shape == image.shape]
    shapes: dict[tuple[int | None, tuple[int, ...]], tuple[int, ...]] = {
        (other.index, image.shape): (*image.shape[:-2], side, side) for other in alike
    }
    return (Edit(span, str(side)),), Change(shapes=shapes), (side, side)


# ------------------------------------------------------------------------------------------------------------------ one stage less


def _less_pooling(problem: Problem, steps: tuple[Step, ...]) -> Iterator[Candidate]:
    """The last pooling that stands in a Sequential or a list, away."""
    built = [module.built for module in problem.trace.modules]
    for step in reversed(steps):
        module = step.module
        if module is None or module.built is None or "pool" not in step.event.op or built.count(module.built) > 1:
            continue
        code = problem.code(module.built)
        edits = code.remove_element(module.built) if code is not None else ()
        change = Change(removed=frozenset((module.built,)))
        new = replayed(steps, change)
        if edits and (step is steps[-1] or (new is not None and goes_through(problem, new, change))):
            yield Candidate("stage", f"leave out the pooling `{say.module_name(module)}`", edits)
            return


def _shorter_list(problem: Problem, steps: tuple[Step, ...]) -> Iterator[Candidate]:
    """The last stage of a list that says how wide each stage is, away."""
    widths = [
        leaf.span
        for step in steps
        if step.module is not None
        for number in numbers(step.module.settings.get("out_channels"))
        if number.origin is not None
        for leaf in number.origin.literals()
        if leaf.span is not None
    ]
    for file in {span.file for span in widths}:
        text = problem.trace.sources.get(file, "")
        lines = text.split("\n")
        for node in ast.walk(parsed(text)):  # the outermost list comes first
            if not isinstance(node, ast.List | ast.Tuple) or any(isinstance(below, ast.Call) for below in ast.walk(node)):
                continue
            spans = [span_of(element, file, lines) for element in node.elts]
            if len([span for span in spans if any(contains(span, width) for width in widths)]) < 2:
                continue
            last = next(
                (at for at in range(len(spans) - 1, -1, -1) if isinstance(getattr(node.elts[at], "value", None), str)), len(spans) - 1
            )
            code = problem.code(spans[last])
            if code is not None:
                yield Candidate("stage", f"leave out the last stage, {code.text_at(spans[last])}", code.remove_element(spans[last]))
            return


def _narrower_row(problem: Problem) -> Iterator[Candidate]:
    """Filters of 3, 4 and 5 steps over something 4 long: all of them narrower, rather than two of one width."""
    number = problem.module.number("kernel_size") if problem.module is not None else None
    tensor = next(problem.event.tensors(), None)
    literal = number.origin.span if number is not None and number.origin is not None and not number.origin.parts else None
    if number is None or literal is None or tensor is None or not tensor.rank:
        return
    excess = number.value - min(tensor.shape[-1:] if problem.event.op.endswith("1d") else tensor.shape[-2:])
    text = problem.trace.sources.get(literal.file, "")
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.List | ast.Tuple) and literal in (
            spans := [span_of(element, literal.file, lines) for element in node.elts]
        ):
            sizes = [getattr(element, "value", None) for element in node.elts]
            if len(sizes) > 1 and sizes == list(range(number.value - len(sizes) + 1, number.value + 1)) and sizes[0] - excess > 0:
                edits = tuple(Edit(span, str(size - excess)) for span, size in zip(spans, sizes, strict=True))
                yield Candidate("geometry", f"make all filters narrower by {excess}", edits, 2)


# ------------------------------------------------------------------------------------------------------------------ where maps meet


def _match(problem: Problem) -> Iterator[Candidate]:
    """Two maps of nearly one size: the one that was upsampled is brought to the size of the other."""
    operands = [(tensor, span) for tensor, span in problem.operands() if span is not None and tensor.kind != "parameter"]
    if len(operands) < 2:
        return
    one, other = operands[0], operands[1]
    rank = one[0].rank
    if (
        rank not in (4, 5)
        or other[0].rank != rank
        or one[0].shape[2:] == other[0].shape[2:]
        or not (_is_map(problem, one[0]) or _is_map(problem, other[0]))
    ):
        return
    if sorted(one[0].shape) == sorted(other[0].shape):
        return  # the same sizes in another order
    pairs = [(one, other), (other, one)]
    up = [pair for pair in pairs if _upsampled(problem, pair[0][0])]
    for (small, span), (large, reference) in up if len(up) == 1 else pairs:
        code = problem.code(span)
        if code is None or span is None or reference is None:
            continue
        functional, imports = code.name_of("torch.nn.functional")
        own, name = problem.text(span), problem.text(reference)
        target = f"{name}.shape[2:]" if name.replace(".", "").isidentifier() else str(large.shape[2:])
        title = f"bring `{say.ticked(own, 'one').strip('`')}` to {say.by(large.shape[2:])} where they meet"
        evidence = 0 if max(small.shape[3], large.shape[3]) < 1.5 * min(small.shape[3], large.shape[3]) else -2
        before = code.insert_before(span, f"{own} = {functional}.interpolate({own}, size={target})") if own.isidentifier() else ()
        edits = before or code.wrap(span, f"{functional}.interpolate(", f", size={target})")
        yield Candidate("match", title, (*imports, *edits), evidence)


def _is_map(problem: Problem, tensor: TensorInfo) -> bool:
    """Whether the tensor came out of convolutions: the heads of an attention have no height and width."""
    for event in reversed(chain(problem.trace, tensor)):
        if event.op.startswith(("conv", *_UP)):
            return True
        if event.op in ("linear", "matmul", "bmm", "embedding", "lstm", "gru"):
            return False
    return False


def _upsampled(problem: Problem, tensor: TensorInfo) -> bool:
    """Whether the map got its size from an upsampling, or from layers behind one that keep about that size."""
    found = setter(problem.trace, tensor, tensor.rank - 1)
    for event in reversed(chain(problem.trace, tensor)):
        if event.op.startswith(_UP):
            return True
        if found is not None and event is not found[0] and event.index < found[0].index:
            break
    return False
