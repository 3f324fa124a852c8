"""Which image sizes would have given the width that a layer was built for. Pure."""

from __future__ import annotations

from shapewright.model import Clash, Event, TensorInfo, Trace
from shapewright.reason.replay import Change, Step, replayed, steps_to
from shapewright.reason.ways import chain

SMALLEST = 4
LARGEST = 1024  # pixels; beyond, a note would not help anybody
MOST_CALLS = 100_000  # to reckon through, all sizes together; it takes some seconds
FEWEST = 8  # sizes that are asked for in any case


def fitting_note(trace: Trace, clash: Clash, layer: str) -> str:
    """A sentence such as "with 32×32 images `fc1` would fit (32 to 35 pixels do); this run used 64×64", or ""."""
    image, fits = _fitting(trace, clash)
    if image is None or not fits:
        return ""
    some = f" ({fits[0]} to {fits[-1]} pixels do)" if len(fits) > 1 else ""
    likely = fitting_sizes(trace, clash)[0]
    if likely < SMALLEST:
        return ""
    return f"with {likely}×{likely} images {layer} would fit{some}; this run used {image.shape[2]}×{image.shape[3]}"


def fitting_sizes(trace: Trace, clash: Clash) -> tuple[int, ...]:
    """The sides of square images with which the layer would have met its width; first a power of two."""
    return tuple(sorted(_fitting(trace, clash)[1], key=lambda side: (side & (side - 1) != 0, side)))


def _fitting(trace: Trace, clash: Clash) -> tuple[TensorInfo | None, list[int]]:
    tensor = clash.got.tensor if clash.got is not None else None
    features = clash.want.value if clash.want is not None else None
    if tensor is None or features is None:
        return None, []
    flatten = next((event for event in reversed(chain(trace, tensor)) if event.op in ("flatten", "view", "reshape")), None)
    maps = next(flatten.tensors(), None) if flatten is not None else None
    image = start(trace, maps) if maps is not None else None
    if flatten is None or maps is None or image is None or image.rank != 4 or maps.rank != 4:
        return None, []
    if image.shape[2] != image.shape[3] or maps.shape[2] != maps.shape[3]:
        return None, []
    steps = steps_to(trace, flatten)
    if _width(steps, image, 2 * image.shape[3]) == maps.numel // max(maps.shape[0], 1):
        return None, []  # all images come out alike
    # A map shrinks with its image, but for the edges that kernels without padding eat away.
    shrinks = -(-image.shape[3] // maps.shape[3])
    about = round((features / maps.shape[1]) ** 0.5 * image.shape[3] / maps.shape[3])
    near = range(max(about - 2 * shrinks - 32, 1), min(about + 2 * shrinks + 32, LARGEST) + 1)
    # A model of thousands of calls is asked for the likelier sizes only.
    likely = sorted(near, key=lambda side: (side & (side - 1) != 0, side % 8 != 0, side))[: max(MOST_CALLS // len(steps), FEWEST)]
    return image, [side for side in sorted(likely) if _width(steps, image, side) == features]


def start(trace: Trace, tensor: TensorInfo) -> TensorInfo | None:
    """The image that went in: the first call's operand, or what it made of nothing."""
    steps = chain(trace, tensor)
    if not steps:
        return None
    first = next((operand for operand in steps[0].tensors() if operand.kind not in ("parameter", "buffer")), None)
    return first or next(iter(steps[0].output), None)


def _width(steps: tuple[Step, ...], image: TensorInfo, side: int) -> int | None:
    """How many numbers a sample has before the flatten when the image has this size."""
    event: Event | None = replayed(steps, Change(shapes={(image.source, image.shape): (*image.shape[:-2], side, side)}))
    maps = next(event.tensors(), None) if event is not None else None
    return maps.numel // max(maps.shape[0], 1) if maps is not None else None
