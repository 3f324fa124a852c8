"""A convolution is given another number of channels than it was built for, or no channel dim at all.

What happened. `nn.Conv2d(in_channels, …)` takes `[N, C, H, W]`, or `[C, H, W]` for one image; C must be `in_channels`
(`conv-in-channels`). An input that lacks a dim is read wrongly: `[64, 28, 28]` is 64 grey images to you and one image
of 64 channels to the layer (`batch-dim-missing`).

Why. The layer before gives out another number of channels; the images are grey and the network is made for colour, or
the other way round; images from numpy or PIL keep the channels in the last dim and were not permuted; a grey image
has no channel dim.

How to tell which fix is right. Count the channels on the way: what one convolution gives out the next one takes in.
If the first convolution fails, look at the data. With trained weights, bring the data to the weights (grey to three
channels); otherwise build the layer for the data. Moving channels from last to first is `permute`, never `reshape`:
that runs and scrambles the pixels.

Example. A colour image for a network that was built for grey ones:

    `conv1` expects 1 input channel but receives 3
"""

from __future__ import annotations

import re

from shapewright.model import Clash, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.pool import LAYOUTS, too_large, wrong_rank
from shapewright.reason.rules.sizes import at, integer, integers, setting, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = {
    "conv-in-channels": "A convolution is given another number of channels than it was built for.",
    "batch-dim-missing": "One sample without its batch dim, or without its channel dim, goes into a layer or a model.",
}

COLOURS = {1: "grey images", 3: "colour images", 4: "images with an alpha channel"}


def demand(scene: Scene) -> Clash | None:
    """The input has n+1 or n+2 dims, as many channels as the weight, and room for the kernel."""
    event = scene.event
    if re.fullmatch(r"convtranspose[123]d", event.op):
        return _output_size(scene)
    match = re.fullmatch(r"conv(_transpose)?([123])d", event.op)
    x, weight = tensor(event, 0, "input"), tensor(event, 1, "weight")
    if match is None or x is None or weight is None or weight.rank != int(match[2]) + 2:
        return None
    n, transposed = int(match[2]), match[1] is not None
    groups = integer(event.argument(6, "groups")) or 1
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    layer = say.layer(scene, "in_channels")
    if x.rank == n and channels == 1:
        return _no_channel_dim(scene, x, n, layer)
    return (
        wrong_rank(scene, x, n, layer)
        or _channels(scene, x, weight, n, channels, transposed=transposed)
        or _groups(scene, weight, groups)
        or _bias(scene, weight, weight.shape[1] * groups if transposed else weight.shape[0], transposed=transposed)
        or _room(scene, x, weight, n, transposed=transposed)
    )


def _no_channel_dim(scene: Scene, x: TensorInfo, n: int, layer: str) -> Clash:
    called, form = say.name(scene, x, "the input"), say.sizes(("N", *LAYOUTS[n]))
    headline = f"`{layer}` expects a channel dim {form} but receives {say.sizes(x.shape)}"
    notes = (f"`{layer}` was built for 1 channel: one sample is {say.sizes((1, *x.shape))}",)
    return Clash("batch-dim-missing", headline, f"{called} is {x}, {layer} takes {form}", got=whole(x), notes=notes)


def _channels(scene: Scene, x: TensorInfo, weight: TensorInfo, n: int, channels: int, *, transposed: bool) -> Clash | None:
    dim = x.rank - n - 1
    if x.shape[dim] == channels:
        return None
    layer, called = say.layer(scene, "in_channels"), say.name(scene, x, "the input")
    got = x.shape[dim]
    want = setting(scene, "in_channels", channels) or at(weight, 0 if transposed else 1)
    takes = ["*"] * x.rank
    takes[dim] = f"→{channels}←"
    label = f"{called} is {say.marked(x, dim)}, {layer} takes {say.sizes(takes)}"
    unbatched = x.rank == n + 1
    if unbatched and channels == 1:
        headline = f"`{layer}` reads {say.sizes(x.shape)} as one sample of {got} channels but expects 1"
        notes = (f"{x.rank} dims are read as one sample without batch; a batch of {got} is {say.sizes((got, 1, *x.shape[1:]))}",)
        return Clash("batch-dim-missing", headline, label, at(x, dim), want, notes)
    headline = f"`{layer}` expects {say.count(channels, 'input channel')} but receives {got}"
    return Clash("conv-in-channels", headline, label, at(x, dim), want, _notes(scene, x, n, channels, unbatched=unbatched))


def _notes(scene: Scene, x: TensorInfo, n: int, channels: int, *, unbatched: bool) -> tuple[str, ...]:
    layer, called = say.layer(scene, "in_channels"), say.name(scene, x, "the input")
    got = x.shape[x.rank - n - 1]
    notes: list[str] = []
    # in square maps of many channels a last dim of that size is mere chance
    if x.shape[-1] == channels and (channels in COLOURS or n == 1 or x.shape[-1] != x.shape[-2]):
        order = ("", "N, ")[not unbatched] + ", ".join((*LAYOUTS[n][1:], "C"))
        notes.append(f"the last dim of {called} is {channels}: [{order}]; `{layer}` takes the channels before {LAYOUTS[n][1]}")
    elif n == 2 and channels in COLOURS and got in COLOURS:
        notes.append(f"`{layer}` was built for {say.count(channels, 'channel')}: {COLOURS[channels]}; this input has {got}")
    if unbatched and len(notes) < 2:
        notes.append(f"{x.rank} dims are read as one sample without a batch dim: dim 0 is the channels")
    return tuple(notes)


def _groups(scene: Scene, weight: TensorInfo, groups: int) -> Clash | None:
    if groups > 0 and weight.shape[0] % groups == 0:
        return None
    layer = say.layer(scene, "in_channels")
    headline = f"`{layer}` cannot split {weight.shape[0]} channels into {groups} equal groups"
    return Clash("other-shape-error", headline, f"the weight is {say.marked(weight, 0)}, groups = →{groups}←", got=at(weight, 0))


def _bias(scene: Scene, weight: TensorInfo, out: int, *, transposed: bool) -> Clash | None:
    bias = tensor(scene.event, 2, "bias")
    if bias is None or bias.shape == (out,):
        return None
    headline = f"`{say.layer(scene, 'in_channels')}` gives out {out} channels but its bias is {say.sizes(bias.shape)}"
    label = f"the weight is {weight}, the bias {bias}"
    return Clash("other-shape-error", headline, label, got=whole(bias), want=at(weight, 1 if transposed else 0))


def _room(scene: Scene, x: TensorInfo, weight: TensorInfo, n: int, *, transposed: bool) -> Clash | None:
    event = scene.event
    kernel = weight.shape[2:]
    given = event.argument(4, "padding")
    if given == "same":
        return None
    stride = integers(event.argument(3, "stride"), n) or (1,) * n
    padding = (0,) * n if given == "valid" else integers(given, n) or (0,) * n
    dilation = integers(event.argument(7 if transposed else 5, "dilation"), n) or (1,) * n
    for i in range(n):
        reach = dilation[i] * (kernel[i] - 1) + 1
        size = x.shape[i - n]
        if transposed:
            extra = (integers(event.argument(5, "output_padding"), n) or (0,) * n)[i]
            if extra >= max(stride[i], dilation[i]):
                return _extra_rows(scene, x, extra, max(stride[i], dilation[i]), i)
            out = (size - 1) * stride[i] - 2 * padding[i] + reach + extra
            if out < 0 or (out == 0 and event.failure is not None):
                return _nothing_left(scene, x, out, i - n)
        elif size + 2 * padding[i] < reach:
            clash = too_large(scene, x, kernel, i, "kernel", weight)
            return Clash(clash.slug, clash.headline, clash.label, clash.got, clash.want, _needs(kernel, i, padding[i], reach))
    return None


def _needs(kernel: tuple[int, ...], i: int, padding: int, reach: int) -> tuple[str, ...]:
    size = f"{say.by(kernel)} kernel" if len(kernel) > 1 else f"kernel of {kernel[0]}"
    spread = "" if reach == kernel[i] else f" (spread over {reach} by its dilation)"
    padded = "" if padding == 0 else f" with padding {padding}"
    noun = "pixel" if len(kernel) > 1 else "step"
    return (f"a {size}{spread} needs at least {say.count(reach - 2 * padding, noun)}{padded}",)


def _extra_rows(scene: Scene, x: TensorInfo, extra: int, limit: int, i: int) -> Clash:
    layer = say.layer(scene, "in_channels")
    headline = f"`{layer}` has output_padding {extra}, which must be less than its stride or dilation, {limit}"
    got = setting(scene, "output_padding", extra, i)
    label = f"{say.name(scene, x, 'the input')} is {x}, output_padding →{extra}←"
    return Clash("other-shape-error", headline, label, got=got, want=setting(scene, "stride", limit, i))


def _nothing_left(scene: Scene, x: TensorInfo, out: int, dim: int) -> Clash:
    headline = f"`{say.layer(scene, 'in_channels')}` would give out a size of {out} from {x.shape[dim]}"
    return Clash("other-shape-error", headline, f"{say.name(scene, x, 'the input')} is {say.marked(x, dim)}", got=at(x, dim))


def _output_size(scene: Scene) -> Clash | None:
    """`nn.ConvTranspose2d` asked for an `output_size` that its stride and kernel cannot give."""
    event, module = scene.event, scene.module
    n = int(event.op[-2])
    x = tensor(event, 0, "input")
    asked = event.argument(1, "output_size")
    if x is None or module is None or not isinstance(asked, tuple):
        return None
    size = integers(asked[-n:], n)
    kernel, stride = integers(module.settings.get("kernel_size"), n), integers(module.settings.get("stride"), n)
    padding, dilation = integers(module.settings.get("padding"), n), integers(module.settings.get("dilation"), n)
    if size is None or kernel is None or stride is None or padding is None or dilation is None or x.rank not in (n + 1, n + 2):
        return None
    for i in range(n):
        least = (x.shape[i - n] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + 1
        most = least + stride[i] - 1
        if not least <= size[i] <= most:
            layer = say.module_name(module)
            possible = f"{least}" if least == most else f"{least} to {most}"
            headline = f"`{layer}` cannot make {size[i]} from {x.shape[i - n]}: possible is {possible}"
            label = f"{say.name(scene, x, 'the input')} is {say.marked(x, i - n)}, output_size is {say.sizes(size)}"
            return Clash("other-shape-error", headline, label, got=at(x, i - n))
    return None
