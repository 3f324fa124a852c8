"""A kernel or pooling window is larger than what it slides over.

What happened. A convolution or a pooling needs at least one place for its window. The (padded) height, width or
length that arrives is smaller than the kernel, so that nothing would come out (`conv-kernel-too-large`).

Why. Every strided layer and every pooling makes the map smaller; the network has more of them than the image has
pixels for. Or the dims are in another order than the layer takes them, and a small number of channels is read as a
height.

How to tell which fix is right. If the network was made for larger images, feed larger ones (or resize them). If small
images are what you have, take out a pooling, use a smaller kernel or stride, or pad. An adaptive pooling takes any
size.

Example. The fifth 2×2 pooling on a 28×28 image meets a 1×1 map:

    the 2×2 window of `pool5` does not fit its 1×1 input
"""

from __future__ import annotations

import re

from shapewright.model import Clash, Number, Size, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, integers, setting, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("conv-kernel-too-large",)

LAYOUTS = {1: ("C", "L"), 2: ("C", "H", "W"), 3: ("C", "D", "H", "W")}


def demand(scene: Scene) -> Clash | None:
    """A pooled input has its channels and the sliding dims, and each of those holds at least one window."""
    match = re.fullmatch(r"(adaptive_)?(max|avg)_pool([123])d(_with_indices)?", scene.event.op)
    x = tensor(scene.event, 0, "input")
    if match is None or x is None:
        return None
    n = int(match[3])
    if match[1]:
        return _adaptive(scene, x, n, kind=match[2])
    return wrong_rank(scene, x, n, say.layer(scene, "kernel_size")) or _window(scene, x, n, kind=match[2])


def wrong_rank(scene: Scene, x: TensorInfo, n: int, layer: str) -> Clash | None:
    """Layers over `n` dims take n+1 dims (one sample) or n+2 (a batch)."""
    if x.rank in (n + 1, n + 2):
        return None
    called = say.name(scene, x, "the input")
    form = say.sizes(("N", *LAYOUTS[n]))
    headline = f"`{layer}` expects {n + 2} dims {form} but receives {x.rank}: {say.sizes(x.shape)}"
    notes: tuple[str, ...] = ()
    if x.rank == 2 and n > 1:
        notes = ("two dims are what is left after a flatten",)
    elif x.rank == n + 3 and 1 in x.shape:
        notes = (f"dim {x.shape.index(1)} has size 1",)
    return Clash("other-shape-error", headline, f"{called} is {x}, {layer} takes {form}", got=whole(x), notes=notes)


def _window(scene: Scene, x: TensorInfo, n: int, *, kind: str) -> Clash | None:
    event = scene.event
    kernel = integers(event.argument(1, "kernel_size"), n)
    if kernel is None:
        return None
    stride = integers(event.argument(2, "stride"), n) or kernel
    padding = integers(event.argument(3, "padding"), n) or (0,) * n
    dilation, ceil = (1,) * n, event.argument(4, "ceil_mode")
    if kind == "max":
        dilation, ceil = integers(event.argument(4, "dilation"), n) or dilation, event.argument(5, "ceil_mode")
    for i in range(n):
        if padding[i] > kernel[i] // 2:
            return _padding(scene, x, kernel[i], padding[i], i)
    out = [windows(x.shape[i - n], kernel[i], stride[i], padding[i], dilation[i], ceil=ceil is True) for i in range(n)]
    if kind == "avg" and n == 3:  # this one does not count the padding
        out = [0 if x.shape[i - n] < kernel[i] else out[i] for i in range(n)]
    small = [i for i in range(n) if out[i] < 1 and stride[i] > 0]
    return too_large(scene, x, kernel, small[0], "window") if small else None


def windows(size: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil: bool = False) -> int:
    """How many windows fit along a dim."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if stride <= 0:
        return 0
    out = (room + (stride - 1 if ceil else 0)) // stride + 1
    if ceil and (out - 1) * stride >= size + padding:
        out -= 1
    return out


def too_large(scene: Scene, x: TensorInfo, kernel: tuple[int, ...], i: int, noun: str, weight: TensorInfo | None = None) -> Clash:
    """The clash of a kernel that does not fit its input in the `i`-th sliding dim."""
    n = len(kernel)
    layer, called = say.layer(scene, "kernel_size"), say.name(scene, x, "the input")
    headline = f"the {say.by(kernel)} {noun} of `{layer}` does not fit its {say.by(x.shape[-n:])} input"
    if n == 1:
        headline = f"the {noun} of `{layer}` spans {kernel[0]} but its input is only {x.shape[-1]} long"
    fallback = at(weight, 2 + i) if weight is not None else _written(scene, kernel[i], i)
    want = setting(scene, "kernel_size", kernel[i], i) or fallback
    slides = ", ".join(f"→{size}←" if j == i else str(size) for j, size in enumerate(kernel))
    notes = [f"a {say.by(kernel)} {noun} needs at least {say.count(kernel[i], 'pixel')}"] if noun == "window" and n > 1 else []
    return Clash(
        "conv-kernel-too-large",
        headline,
        f"{called} is {say.marked(x, i - n)}, the {noun} is [{slides}]",
        got=at(x, i - n),
        want=want,
        notes=tuple(notes),
    )


def _written(scene: Scene, value: int, i: int) -> Size | None:
    given = scene.event.argument(1, "kernel_size")
    if isinstance(given, tuple) and given:
        given = given[min(i, len(given) - 1)]
    return Size(value, number=given) if isinstance(given, Number) and given.value == value else None


def _padding(scene: Scene, x: TensorInfo, kernel: int, padding: int, i: int) -> Clash:
    layer, called = say.layer(scene, "kernel_size"), say.name(scene, x, "the input")
    headline = f"`{layer}` pads by {padding}, more than half of its window of {kernel}"
    label = f"{called} is {x}, padding →{padding}←, window →{kernel}←"
    return Clash(
        "other-shape-error", headline, label, got=setting(scene, "padding", padding, i), want=setting(scene, "kernel_size", kernel, i)
    )


def _adaptive(scene: Scene, x: TensorInfo, n: int, *, kind: str) -> Clash | None:
    size = scene.event.argument(1, "output_size")
    wanted = integers(size, n)
    # torch takes the plain mean of the last dims for an output of 1 and then does not ask for the rank
    if kind == "avg" and n > 1 and wanted == (1,) * n and x.rank >= n:
        return None
    return wrong_rank(scene, x, n, say.layer(scene, "output_size"))
