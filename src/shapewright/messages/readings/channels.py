"""Why a convolution receives another number of channels than it was built for: hypotheses over the two shapes, ranked.

The message prints the weight `[out, in/groups, …kernel]` (transposed: `[in, out/groups, …kernel]`) and the input with a batch dim,
which torch has put in front when there was none: a printed batch of 1 may be no batch at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shapewright.messages import fingerprints
from shapewright.messages.numbers import channels_score
from shapewright.messages.readings.images import COLOURS, certain, count, layout, side, told
from shapewright.messages.readings.words import cause
from shapewright.messages.template import Cause

_LIKELY = 0.5
Scored = tuple[float, Cause]

WITHOUT_DIM = "missing-channel-dim"  # the cause that makes it a fault of dims, not of channels
_DIMS = (WITHOUT_DIM, "channels-last", "frames-before-channels", "empty-slice")  # another layer would not help


@dataclass(frozen=True, slots=True)
class Channels:
    """The numbers of the message. `groups` is None where it is not printed: for transposed convolutions."""

    got: int
    want: int
    weight: list[int]
    shape: list[int]
    groups: int | None = None
    transposed: bool = False
    line: str = ""  # the user's own line
    layer: bool = False  # whether that line calls a layer of the model

    @property
    def n(self) -> int:
        """Over how many dims the kernel slides."""
        return len(self.weight) - 2

    @property
    def out(self) -> int:
        """What the layer gives out; for a transposed one with groups the share of one group."""
        return self.weight[1] if self.transposed else self.weight[0]

    @property
    def sides(self) -> list[int]:
        return self.shape[2:]

    @property
    def kernel(self) -> list[int]:
        return self.weight[2:]

    @property
    def one(self) -> bool:
        """Whether a batch of 1 is printed: then the batch dim may be torch's own."""
        return self.shape[:1] == [1]

    def built(self, channels: int) -> str:
        """The layer built for other channels."""
        kernel = str(self.kernel[0]) if len(set(self.kernel)) == 1 else str(tuple(self.kernel))
        return f"nn.Conv{'Transpose' if self.transposed else ''}{self.n}d({channels}, {self.out}, {kernel}, …)"


def causes(c: Channels) -> tuple[Cause, ...]:
    """What the shapes allow, best first, and that the layer is simply built for another number, unless the dims stand wrongly."""
    scored: list[Scored] = []
    if c.n in (1, 2, 3) and len(c.shape) == c.n + 2:
        scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(c)]
    if any(score >= 0.9 and one.name == "other-model-family" for score, one in scored):
        scored = [(score, one) for score, one in scored if not one.name.startswith("cat-")]
    if not any(score >= 0.85 and one.name in _DIMS for score, one in scored):
        scored.append(_constant(c, max((score for score, _ in scored), default=0.0)))
    best: dict[str, Scored] = {}
    for score, one in sorted(scored, key=lambda each: -each[0]):
        best.setdefault(one.name, (score, one))
    return certain(one._replace(likely=score >= _LIKELY) for score, one in best.values())


def _nothing(c: Channels) -> Iterator[Scored]:
    """A slice along the channels that left none."""
    if c.got == 0:
        step = "print `x.shape` around the slice: `x[:, a:b]` needs a below b, and below the number of channels"
        yield 0.95, cause("empty-slice", "the input has no channel at all: a slice or a mask along dim 1 left nothing", step)


def _colours(c: Channels) -> Iterator[Scored]:
    """Images of one kind for a model of another kind."""
    if c.n != 2 or c.transposed:
        return
    if (c.got, c.want) == (1, 3):
        step = "make them RGB where they are loaded: `image.convert('RGB')`, or `transforms.Grayscale(num_output_channels=3)`"
        other = "or repeat the channel in front of the model: `x = x.repeat(1, 3, 1, 1)`"
        yield 0.95, cause("grey-image", "grey images (1 channel) meet a layer for RGB images (3 channels)", step, other, channels=[1, 3])
    elif (c.got, c.want) == (3, 1):
        step = "make them grey where they are loaded: `image.convert('L')`, or `transforms.Grayscale()`"
        yield 0.9, cause("colour-image", "RGB images (3 channels) meet a layer for grey images (1 channel)", step, channels=[3, 1])
    elif c.got == 4 and c.want in (1, 3):
        mode = "RGB" if c.want == 3 else "L"
        slices = "; a tensor that is there already: `x = x[:, :3]`" if c.want == 3 else ""
        why = f"RGBA images (4 channels, as PNG files have) meet a layer for {COLOURS[c.want]} images ({count(c.want, 'channel')})"
        step = f"drop the alpha channel where they are loaded: `image.convert('{mode}')`{slices}"
        yield 0.93, cause("alpha-channel", why, step, channels=[4, c.want])
    elif c.got == 2 and c.want in (1, 3):
        step = f"drop the alpha channel where they are loaded: `image.convert('{'RGB' if c.want == 3 else 'L'}')`"
        yield 0.6, cause("alpha-channel", "2 channels may be grey and alpha, as some PNG files have", step, channels=[2, c.want])
    elif c.want == 4 and c.got in (1, 3):
        stack = "4 grey frames stacked" if c.got == 1 else "RGBA, RGB with a mask or a depth map, or 4 grey frames stacked"
        why = f"the layer takes 4 channels ({stack}), and {COLOURS[c.got]} images with {count(c.got, 'channel')} come"
        yield 0.6, cause("channels-to-be-joined", why, "join what is missing: `x = torch.cat((x, extra), 1)`", channels=[c.got, 4])


def _order(c: Channels) -> Iterator[Scored]:
    """The channels stand in another dim."""
    shape, want, got = c.shape, c.want, c.got
    last = shape[-1]
    if c.n == 1 and last == want:
        alone = " (or a single [length, features])" if c.one else ""
        why = f"the last dim is {want}: [batch, length, features]{alone}, where the layer takes the features before the length"
        step = "swap them: `x = x.permute(0, 2, 1)`, and the same again behind the layer if the features shall stand last"
        yield 0.95, cause("channels-last", why, step, length=got, features=want)
    elif c.n == 2 and last == want and side(got):
        score = 0.96 if want in COLOURS else 0.9 if got == shape[2] != last else 0.6 if last != shape[2] else 0.3
        yield score, _permuted(c, f"the last dim is {want}: [N, H, W, C], as numpy, PIL and OpenCV keep images", "0, 3, 1, 2", "2, 0, 1")
    elif c.n == 2 and last in COLOURS and side(got) and side(shape[2]):
        score = 0.92 if want in COLOURS else 0.55
        moved = f"moved, they have {count(last, 'channel')}, and the layer takes {want}"
        why = f"the last dim is {last}: [N, H, W, C] with {COLOURS[last]} images; {moved}"
        yield score, _permuted(c, why, "0, 3, 1, 2", "2, 0, 1")
    elif c.n == 2 and shape[2] == want and side(got) and (want in COLOURS or got == last):
        yield 0.75, _permuted(c, f"dim 2 is {want}: the channels stand between the height and the width", "0, 2, 1, 3", "1, 0, 2")
    elif c.n == 3 and shape[2] == want:
        alone = " (or a single clip [frames, channels, H, W])" if c.one else ""
        why = f"dim 2 is {want}: {count(got, 'frame')} stand before the channels{alone}, where the layer takes {layout(3)}"
        step = "swap them: `x = x.transpose(1, 2)`" + (", for a clip without a batch dim `x.transpose(0, 1)`" if c.one else "")
        yield 0.95, cause("frames-before-channels", why, step, frames=got, channels=want)
    elif c.n == 3 and last == want:
        yield 0.93, _permuted(c, f"the last dim is {want}: [N, D, H, W, C], the channels last", "0, 4, 1, 2, 3", "3, 0, 1, 2")
    if shape[0] == want and want > 1 and not c.one and last != want:
        why = f"dim 0 is {want}: the channels may stand where the batch belongs"
        step = "if so: `x = x.transpose(0, 1)`"
        yield (0.6 if want in COLOURS else 0.3), cause("batch-and-channels-swapped", why, step, batch=got, channels=want)


def _permuted(c: Channels, why: str, order: str, alone: str) -> Cause:
    single = f"; for one image without a batch dim `x.permute({alone})`" if c.one else ""
    step = f"move the channels, not the numbers: `x = x.permute({order})`{single}; a `view` or `reshape` would scramble the pixels"
    return cause("channels-last" if order.startswith(("0, 3", "0, 4")) else "channels-misplaced", why, step, layout=c.shape)


def _dims(c: Channels) -> Iterator[Scored]:
    """There is no channel dim, and the batch was taken for the channels."""
    if not c.one or c.shape[-1] == c.want or c.transposed:
        return
    bare = told(c.shape[1:])
    what = {1: "series", 2: "grey images", 3: "volumes of one channel"}[c.n]
    if c.want == 1:
        score = 0.9 if c.n != 2 or side(c.got) else 0.35
        why = f"{bare} is read as one sample of {c.got} channels: {c.got} {what} need a channel dim of 1 behind the batch"
        step = f"add it: `x = x.unsqueeze(1)`, that is {told([c.got, 1, *c.sides])}"
        other = "look for a `squeeze()` that took it away, or an `unsqueeze(0)` that should be `unsqueeze(1)`"
        yield score, cause(WITHOUT_DIM, why, step, other, batch=c.got)
    elif c.n == 2 and c.want == 3 and side(c.got) and min(c.sides) >= 8:
        why = f"{bare} may be {c.got} grey images without a channel dim, where the layer takes RGB"
        step = "if so: `x = x.unsqueeze(1).repeat(1, 3, 1, 1)`"
        yield (0.6 if len(set(c.sides)) == 1 else 0.45), cause(WITHOUT_DIM, why, step, batch=c.got)


def _added(c: Channels) -> Iterator[Scored]:
    """A cat along the channels where none belongs."""
    got, want = c.got, c.want
    more, rest = divmod(got, want) if want > 0 else (0, 1)
    extra = got - want
    if not rest and c.n == 2 and want == 3 and more > 1 and c.shape[-1] not in COLOURS:
        why = f"{got} = {more}·3: {more} RGB images stand one behind the other in the channel dim"
        step = "make a batch of them: `torch.stack(images)`, not `torch.cat`"
        other = f"or of this tensor: `x = x.reshape(-1, {want}, *x.shape[-2:])`"
        yield (0.78 if c.one else 0.6), cause("cat-for-stack", why, step, other, images=more, channels=want)
    elif not rest and want > 3 and 1 < more <= 4:
        yield 0.6, _cat(c, f"{got} = {more}·{want}: {more} tensors of {want} channels were joined, and the layer takes one", added=True)
    elif want > 4 and 0 < extra <= 3:
        why = f"{count(extra, 'channel')} more than the layer takes: a mask, a depth map or coordinates that were joined"
        yield 0.68, _cat(c, why, added=True)
    elif want > 4 and extra > 3 and channels_score(extra) >= 0.4:
        why = f"{got} = {want} + {extra}: another {count(extra, 'channel')} may have been joined to the {want}"
        yield 0.53, _cat(c, why, added=True)


def _missing(c: Channels) -> Iterator[Scored]:
    """A cat along the channels was forgotten."""
    got, want = c.got, c.want
    if got < 1 or got >= want or (got, want) in ((1, 3), (1, 4), (3, 4)):
        return
    times, rest = divmod(want, got)
    lacks = want - got
    if not rest and times <= (8 if got in (1, 3) else 4):
        why = f"{want} = {times}·{got}: the layer takes {times} tensors of {count(got, 'channel')} joined"
        yield (0.63 if times == 2 else 0.56), _cat(c, why, added=False)
    elif got > 4 and lacks <= 3:
        why = f"{count(lacks, 'channel')} fewer than the layer takes: a mask, a depth map or coordinates are to be joined"
        yield 0.68, _cat(c, why, added=False)
    elif (got > 4 and channels_score(lacks) >= 0.4) or (got in (1, 3) and lacks in (1, 2, 3, 10, 19, 20, 21, 100)):
        why = f"{want} = {got} + {lacks}: another {count(lacks, 'channel')} may have to be joined (a skip, a mask, maps of labels)"
        yield 0.53, _cat(c, why, added=False)


def _cat(c: Channels, why: str, *, added: bool) -> Cause:
    dim = "1 (0 without a batch dim)" if c.one else "1"
    step = f"join them along dim {dim}: `x = torch.cat((x, other), 1)`"
    if added:
        step = "leave the `torch.cat` before the layer out, or build the layer for both"
    return cause("cat-added" if added else "cat-missing", why, step, difference=abs(c.got - c.want))


def _again(c: Channels) -> Iterator[Scored]:
    """What comes has just the channels that the layer gives out."""
    if c.got == c.out and c.got > 4 and c.groups in (1, None):
        why = f"{c.got} is what the layer gives out: it is applied to its own output, or its in and out channels are swapped"
        step = "look whether the same layer is called twice, and in which order the layers run"
        yield 0.66, cause("applied-twice-or-swapped", why, step, got=c.got, out=c.out)


def _groups(c: Channels) -> Iterator[Scored]:
    """The weight fits with another number of groups."""
    if c.groups is None:
        return
    share, out = c.weight[1], c.weight[0]
    called = "conv" in c.line.lower() and not c.layer
    if c.groups == 1 and share == 1 and out == c.got > 1:
        score = 0.97 if called else 0.85 if c.got == 3 else 0.55
        why = f"the weight {told(c.weight)} holds one filter for each of {c.got} channels (depthwise), but is used with groups=1"
        step = f"`F.conv{c.n}d(x, weight, groups={c.got})`, or `groups={c.got}` in the layer with {c.got} in and out channels"
        yield score, cause("groups-missing", why, step, groups=c.got)
    elif c.groups == 1 and share == 1 and out == 1 and c.got > 1:
        repeats = ", ".join(["1"] * (c.n + 1))
        why = f"the weight {told(c.weight)} is one filter for one channel, and {c.got} channels come"
        step = f"the same filter on each channel: `F.conv{c.n}d(x, weight.repeat({c.got}, {repeats}), groups={c.got})`"
        yield 0.7, cause("groups-missing", why, step, groups=c.got)
    elif c.groups > 1 and c.got == share:
        why = f"{c.got} channels are what one of the {c.groups} groups takes: with groups=1 the weight would fit"
        yield 0.8, cause("groups-of-another-input", why, "use the weight with groups=1, or give the layer all channels", groups=1)
    elif c.groups > 1 and 0 < share <= c.got and c.got % share == 0 and out % (c.got // share) == 0:
        why = f"with groups={c.got // share} instead of {c.groups} the weight would take {c.got} channels ({c.got // share}·{share})"
        step = (
            f"groups must be the number of channels that come, divided by {share}: `groups=x.size(1) // {share}`"
            if share > 1
            else "take `groups=x.size(1)` and a weight of as many filters"
        )
        yield 0.72, cause("groups-of-another-input", why, step, groups=c.got // share)


def _noise(c: Channels) -> Iterator[Scored]:
    """A generator gets noise of another size, a mono model stereo sound, a speech model other mel bins."""
    if c.transposed and all(size == 1 for size in c.sides):
        ones = ", ".join(["1"] * c.n)
        why = f"the noise has {c.got} numbers for each sample, and the layer is built for {c.want}"
        step = f"one constant for both: `torch.randn(batch, {c.want}, {ones})`, or build the layer for {c.got}"
        yield 0.8, cause("noise-size", why, step, noise=c.got)
    if c.n == 1 and (c.got, c.want) in ((2, 1), (1, 2)) and not c.transposed:
        fix = "`x = x.mean(1, keepdim=True)`" if c.got == 2 else "`x = x.repeat(1, 2, 1)`"
        got, want = ("stereo", "mono") if c.got == 2 else ("mono", "stereo")
        why = f"the sound is {got} ({count(c.got, 'channel')}), the layer is built for {want}"
        yield 0.75, cause("mono-or-stereo", why, f"make it {want}: {fix}", channels=[c.got, c.want])
    if c.n == 1 and {c.got, c.want} == {80, 128} and c.kernel == [3]:
        why = f"{c.got} mel bins come, the model is built for {c.want}: Whisper models take 80, from large-v3 on 128"
        step = f"use the feature extractor of this very model, or `n_mels={c.want}` for the spectrogram"
        yield 0.85, cause("mel-bins", why, step, guess="medium confidence, from the numbers alone", bins=[c.got, c.want])


_PARTS = {
    (4, 9): "9 are those of an inpainting model (4 latents, 4 of the masked image, 1 mask), and only the 4 latents come",
    (9, 4): "9 are those of inpainting (4 latents, 4 of the masked image, 1 mask), and the model is an ordinary one for 4 latents",
    (4, 8): "8 are those of a model that takes the latents of a second image, as InstructPix2Pix does; only the 4 of one come",
    (8, 4): "8 are the latents of two images (or a mean and a deviation for each of 4), and the model takes 4",
    (16, 36): "36 are those of an image-to-video model (16 latents, 16 of the image, 4 of a mask), and only the 16 latents come",
    (36, 16): "36 are those of image-to-video (16 latents, 16 of the image, 4 of a mask), and the model is one for text-to-video with 16",
    (32, 36): "36 are those of an image-to-video model (16 latents, 16 of the image, 4 of a mask): the 4 of the mask are missing",
    (3, 4): "4 are the latents of Stable Diffusion, and an RGB image comes: it must go through the VAE's encoder first",
    (4, 3): "3 are those of an image, and 4 channels come: RGBA, or latents of Stable Diffusion that go into the wrong half of the VAE",
}  # fmt: skip


def _latents(c: Channels) -> Iterator[Scored]:
    """Latents of one family of diffusion models in a model of another. Only where the weight looks like the first layer of such a model."""
    unet = c.n == 2 and c.weight[0] == 320 and c.kernel == [3, 3]
    video = c.n == 3 and c.kernel == [1, 2, 2]
    patches = c.n == 2 and c.kernel == [2, 2] and c.weight[0] >= 1024
    first, square = c.weight[0], c.n == 2 and c.kernel == [3, 3]
    vae = square and ((first == 512 and c.want in (4, 8, 16, 32)) or (first == 128 and c.want == 3 and c.got != 1))
    if c.transposed or c.groups != 1 or not (unet or video or patches or vae):
        return
    got, want = fingerprints.channels(c.got), fingerprints.channels(c.want)
    part = _PARTS.get((c.got, c.want))
    if part is None and (got is None or want is None):
        return
    why = part or f"{c.got} channels are known from {got}, {c.want} from {want}"
    sure = part is not None and (unet or video)
    sources = dict.fromkeys(one.source for one in (got, want) if one is not None and one.source)
    why = f"the weight {told(c.weight)} looks like the first layer of a diffusion model: {why}"
    step = "take the pipeline (or the nodes) and the checkpoint of one and the same model: same family, same task"
    guess = f"{'medium' if sure else 'low'} confidence, from the channels alone{''.join(f'; {one}' for one in sources)}"
    yield (0.94 if sure else 0.6), cause("other-model-family", why, step, guess=guess, got=c.got, want=c.want)


def _constant(c: Channels, best: float) -> Scored:
    """The number in the constructor is simply another one."""
    if c.want in COLOURS and not c.transposed and c.n == 2:
        why = f"the layer is built for {COLOURS[c.want]} images ({count(c.want, 'channel')}), and what comes has {count(c.got, 'channel')}"
    else:
        why = f"what comes before gives out {count(c.got, 'channel')}, and the layer is built for {c.want}"
    lazy = f"nn.LazyConv{'Transpose' if c.transposed else ''}{c.n}d({c.out}, …)"
    lost = " (trained weights of that layer do not fit it)" if c.want in COLOURS and c.n == 2 else ""
    step = f"build the layer for what comes: `{c.built(c.got)}`, or `{lazy}`, which takes it from the first batch{lost}"
    return (0.5 if best < _LIKELY else 0.32), cause("wrong-constant", why, step, in_channels=c.got)


_HYPOTHESES = (_nothing, _colours, _order, _dims, _added, _missing, _again, _groups, _noise, _latents)
