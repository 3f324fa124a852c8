"""Messages of element-wise operations, of `expand`, and of masks: two sizes that do not go together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isqrt

from shapewright.messages import fingerprints
from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_LIKELY = 0.5
_IMAGES = (224, 384, 256, 336, 448, 512, 518, 32, 28, 64, 96, 128, 160, 192, 240, 288, 320, 480, 560, 640, 768, 1024)
_EXTRAS = {
    0: "no class token",
    1: "a class token",
    2: "a class and a distillation token",
    5: "a class token and 4 registers",
}
_TABLES = (512, 514, 77, 128, 256, 1024, 1026, 2048, 4096, 5000, 8192)

_LOSSES = re.compile(r"\b(mse_loss|l1_loss|smooth_l1_loss|huber_loss|kl_div|poisson_nll_loss|soft_margin_loss|hinge_embedding_loss|gaussian_nll_loss|\w*criterion|\w*loss_fn)\b")
_POSITION = re.compile(r"pos(?:ition)?(?:al)?_?(?:em|enc|id|table)|\bpe\b|\.pe\[|position|wpe|token_type", re.IGNORECASE)
_MASK = re.compile(r"mask|attn|attention|scores", re.IGNORECASE)
_NORMALIZE = re.compile(r"[Nn]ormalize|\bmean\b.{0,40}\bstd\b")
_PRODUCT = re.compile(r"(?<=[\w)\]]) ?@ ?(?=[\w(])|\b(?:matmul|bmm)\(")
_SIGNS = (("added", re.compile(r" \+=? ")), ("subtracted", re.compile(r" -=? ")), ("multiplied", re.compile(r" \*=? ")), ("divided", re.compile(r" /=? ")))

Scored = tuple[float, Cause]


@dataclass(frozen=True, slots=True)
class Sides:
    """Two sizes that met: in which dim (from the left of the longer shape), the whole shapes where the message has them, and what stands around."""

    left: int
    right: int
    dim: int
    left_shape: Sequence[int] = ()
    right_shape: Sequence[int] = ()
    line: str = ""
    frames: str = field(default="", repr=False)

    @property
    def small(self) -> int:
        return min(self.left, self.right)

    @property
    def large(self) -> int:
        return max(self.left, self.right)

    @property
    def rank(self) -> int | None:
        """The number of dims, where the shapes are known."""
        return max(len(self.left_shape), len(self.right_shape)) or None

    @property
    def last(self) -> bool | None:
        """Whether it is the last dim, where the shapes are known."""
        return None if self.rank is None else self.dim == self.rank - 1


def count(number: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def squares(size: int) -> list[tuple[int, int]]:
    """The readings of a number of tokens as k·k patches and extra tokens: 197 is (14, 1)."""
    found = []
    for extra in _EXTRAS:
        side = isqrt(max(size - extra, 0))
        if side >= 2 and side * side + extra == size:
            found.append((side, extra))
    return found


def patches(size: int) -> Iterator[Scored]:
    """What one number of tokens says by itself: 197 = 14·14 patches and a class token, 224 px at patch 16."""
    for side, extra in squares(size):
        if extra or side >= 7:
            yield (0.5 if extra == 1 and side >= 7 else 0.3), Cause("patches", f"{_square(side, extra)}: {_pixels(side)}", facts={"side": side, "extra": extra})


def _square(side: int, extra: int) -> str:
    return f"{side * side + extra} = {side}·{side} patches and {_EXTRAS[extra]}" if extra else f"{side * side} = {side}·{side} patches"


def _pixels(side: int) -> str:
    told_as = [f"{side * patch} px at patch {patch}" for patch in (16, 14, 32, 8, 4) if side * patch in _IMAGES]
    return " or ".join(told_as[:2]) or f"{side * 16} px at patch 16"


def token_pairs(left: int, right: int) -> Iterator[Scored]:
    """Two numbers of tokens of a vision transformer: another image size, or the same one with other extra tokens."""
    mine, theirs = squares(left), squares(right)
    for side, extra in mine:
        for other, more in theirs:
            if extra == more and side != other:
                large, small = max(side, other), min(side, other)
                if extra == 0:
                    powers = all(n & (n - 1) == 0 for n in (left, right))
                    score = 0.3 if powers else 0.72 if small >= 7 else 0.35
                else:
                    score = {1: 0.86}.get(extra, 0.6) if large >= 7 else 0.3
                patch = next((p for p in (16, 14, 32, 8, 4) if side * p in _IMAGES and other * p in _IMAGES), None)
                sizes = f": {side * patch} px against {other * patch} px at patch {patch}" if patch else ": the images have another size than the other tensor is made for"
                yield score, Cause(
                    "image-size-changed",
                    f"{_square(side, extra)}, {_square(other, extra)}{sizes}",
                    facts={"sides": [side, other], "extra": extra, **({"patch": patch} if patch else {})},
                    tries=(
                        "bring the images to the size that the position table was made for, or build the model with `img_size=` as the images are",
                        "or interpolate the position table: its patch part as a map [1, D, k, k] with `F.interpolate(…, mode='bicubic')`, the class token kept apart",
                    ),
                )
            elif side == other and extra != more:
                score = (0.84 if side >= 7 else 0.6) if abs(extra - more) == 1 else 0.62
                yield score, Cause(
                    "class-token",
                    f"both are {side}·{side} = {side * side} patches: one with {_EXTRAS[max(extra, more)]}, the other with {_EXTRAS[min(extra, more)]}",
                    facts={"side": side, "extra": [extra, more]},
                    tries=(
                        "join the class token before the positions are added: `torch.cat([self.cls_token.expand(x.size(0), -1, -1), x], 1)`, and give the table a row for it",
                        "or, if the class token is not wanted, drop its row: `[:, 1:]`",
                    ),
                )


def known_tokens(left: int, right: int) -> Iterator[Scored]:
    """What a table knows of both, or of one, of two numbers of tokens."""
    one, other = fingerprints.tokens(left), fingerprints.tokens(right)
    said = [f"{size} is the number of tokens of {known}" for size, known in ((left, one), (right, other)) if known and size >= 16]
    if said:
        known = one or other
        assert known is not None
        yield (0.54 if len(said) == 2 else 0.4), Cause(
            "token-count",
            "; ".join(said),
            tries=("use the image size, prompt length or position table that belong to the same model",),
            guess=f"{known.confidence} confidence, from the numbers alone",
        )


def known_widths(left: int, right: int, joined: str) -> Iterator[Scored]:
    """Both sizes are the widths of well-known models: parts of two families were put together."""
    one, other = (fingerprints.width(size) if size >= 320 else None for size in (left, right))
    if one is None or other is None or "flat" in (one.role, other.role):
        return
    yield 0.66, Cause(
        "model-family",
        f"{left} is the width of {one}; {right} that of {other}: {joined}",
        facts={"widths": [left, right]},
        tries=("take the adapter, embedding or text encoder that was made for this base model, and remove the other one",),
        guess=f"{min(one.confidence, other.confidence, key=('low', 'medium', 'high').index)} confidence, from the two widths alone",
    )


def halved(small: int, large: int) -> str | None:
    """How a size loses or gains a little when it is halved and doubled again; None when that is not what the two sizes say."""
    if small < 2 or large - small > 32 or large >= 2 * small:
        return None
    for times in range(1, 6):
        step = 2**times
        if large // step * step == small:
            halves = " → ".join(str(large // 2**i) for i in range(times + 1))
            return f"{large} is no multiple of {step}: halved {count(times, 'time')} {halves}, doubled again {small}"
        if -(-small // step) * step == large:
            halves = " → ".join(str(-(-small // 2**i)) for i in range(times + 1))
            return f"{small} is no multiple of {step}: halved {count(times, 'time')}, rounded up, {halves}, doubled again {large}"
    return None


def _tokens(s: Sides) -> Iterator[Scored]:
    if s.dim == 0 and (s.rank is None or s.rank > 1):
        return
    hint = 0.1 if _POSITION.search(s.line) else 0.0
    for score, cause in token_pairs(s.left, s.right):
        yield score * (0.5 if s.last and s.rank != 1 else 1.0) + hint, cause
    yield from known_tokens(s.left, s.right)


def _position(s: Sides) -> Iterator[Scored]:
    hinted = bool(_POSITION.search(s.line))
    table = next((size for size in (s.small, s.large) if size in _TABLES), None)
    if s.dim == 0 and not hinted:
        return
    if not hinted and (table is None or table != s.small or s.dim != 1 or s.large % s.small == 0):
        return
    score = 0.8 if hinted and not any(score > 0.7 for score, _ in token_pairs(s.left, s.right)) else 0.66 if hinted or table in _TABLES[:3] else 0.4
    yield score, Cause(
        "sequence-too-long",
        f"a table of positions (or a mask) for {s.small} steps meets a sequence of {s.large}: it ends before the sequence does",
        facts={"table": s.small, "steps": s.large},
        tries=(
            f"cut the sequence: `x[:, :{s.small}]`, or for a tokenizer `truncation=True, max_length={s.small}`",
            f"or build the table for at least {s.large} positions and take as many as there are: `pos[:, :x.size(1)]`",
        ),
    )
    if hinted:
        yield 0.52, Cause(
            "whole-position-table",
            f"the whole position table is added instead of its first {s.small} rows",
            tries=("take as many rows as there are steps: `x + self.pos[:, :x.size(1)]`",),
        )


def _channels(s: Sides) -> Iterator[Scored]:
    """A vector for the channels, or images with other channels than the mean and std are for."""
    pair = {s.left, s.right}
    normalised = _NORMALIZE.search(s.frames) or _NORMALIZE.search(s.line)
    if s.dim == 0 and pair in ({3, 4}, {2, 3}):
        kind = "an RGBA image: the fourth channel is alpha" if 4 in pair else "a grey image with alpha"
        yield 0.86 if normalised else 0.62, Cause(
            "alpha-channel",
            f"{4 if 4 in pair else 2} channels against 3: {kind}; mean and std are for RGB",
            facts={"channels": 4 if 4 in pair else 2},
            tries=("open the images as RGB: `Image.open(path).convert('RGB')`", "or drop the channel: `x = x[:3]`") if 4 in pair else ("open the images as RGB: `Image.open(path).convert('RGB')`",),
        )
    if s.small in (3, 4) and s.large >= 16 and s.dim > 0:
        yield 0.6 if s.last is not False else 0.3, Cause(
            "channel-vector-last",
            f"a vector of {s.small} numbers, one for each channel, meets the last dim of {s.large}: it stands for dim 1, and shapes are lined up at the last dim",
            tries=(f"give it two dims more: `.view(1, {s.small}, 1, 1)` for images [N, {s.small}, H, W], `.view({s.small}, 1, 1)` for one image",),
        )
    if s.large == s.small * 3 and s.small >= 32 and s.dim >= 1:
        yield 0.32, Cause("three-parts", f"{s.large} = 3·{s.small}: queries, keys and values, or three channels, are still in one dim", tries=("take it apart first: `q, k, v = x.chunk(3, dim=-1)`",))


def _near(s: Sides) -> Iterator[Scored]:
    """Two sizes that differ by a little."""
    difference = s.large - s.small
    if difference > 32 or s.small < 4 or difference * 3 > s.large:
        return
    place = 1.0 if s.dim >= 2 else 0.6 if s.dim == 1 else 0.4
    again = halved(s.small, s.large)
    if again:
        yield (0.78 if difference == 1 else 0.62 if difference == 2 else 0.7) * place, Cause(
            "odd-size",
            f"{again}: an upsampling or a stride does not come back to the size that the other path kept",
            facts={"difference": difference},
            tries=(
                f"bring the one to the other's size before they meet: `y = F.interpolate(y, size=x.shape[2:])`, or crop `x[..., :{s.small}]`",
                "or feed sizes that can be halved that often (multiples of 32)",
            ),
        )
    if difference % 2 == 0:
        kernel = difference + 1
        yield (0.72 if difference == 2 else 0.66 if difference <= 6 else 0.4) * place, Cause(
            "unpadded-convolution",
            f"{s.large} - {s.small} = {difference}: a convolution of kernel {kernel} without padding takes {difference} away" + (f" (or {difference // 2} of kernel 3)" if difference > 2 else ""),
            facts={"difference": difference},
            tries=(f"pad the convolution on the one path: `padding={difference // 2}` for kernel {kernel}, or `padding='same'` where the stride is 1", f"or crop the other path by {difference // 2} on either side"),
        )
    elif difference == 1:
        yield 0.5 * place, Cause(
            "even-kernel",
            f"{s.large} - {s.small} = 1: an even kernel (2, 4) gives one more with `padding=kernel // 2` and one less with `padding=kernel // 2 - 1`",
            tries=("take an odd kernel with `padding=kernel // 2`, or cut the last one off: `y[..., :-1]`",),
        )
    if s.dim <= 1 and difference <= 2:
        yield 0.5 if s.dim == 1 else 0.42, Cause(
            "shifted-by-one",
            f"one has {count(difference, 'entry' if difference == 1 else 'entrie')} more: a start, end or class token, a target that was shifted, or a bootstrapped last value",
            tries=("cut both alike: `x[:, :-1]` goes with `y[:, 1:]`",),
        )


def _batch(s: Sides) -> Iterator[Scored]:
    """Dim 0 is mostly the batch."""
    if s.dim != 0 or s.small < 1:
        return
    usual = s.large & (s.large - 1) == 0 or s.large % 10 == 0
    ratio, rest = divmod(s.large, s.small)
    if s.large - s.small > 0 and s.large >= 4:
        yield 0.68 if usual and rest and s.large >= 8 else 0.5 if usual and s.large >= 8 else 0.42, Cause(
            "last-batch",
            f"a batch of {s.small} meets something made for {s.large}: the last batch of a loader is smaller, and a tensor of the full batch size was kept (labels, noise, a hidden state)",
            facts={"batch": s.small, "made_for": s.large},
            tries=("make it as long as the batch: `torch.zeros(x.size(0), …)`, `torch.randn(x.size(0), …)`", "or `DataLoader(…, drop_last=True)`"),
        )
    if not rest and ratio > 1:
        yield 0.56 if ratio in (2, 3, 4, 8, 12, 16) else 0.5, Cause(
            "repeated-batch",
            f"{s.large} = {ratio}·{s.small}: one side holds {ratio} entries for each of the other's (heads, copies, steps, prompts with and without guidance)"
            ", or a `view(-1, …)` made more samples of the batch",
            facts={"factor": ratio},
            tries=(f"bring the other along: `x.repeat_interleave({ratio}, 0)` where entries of one sample stand together, `x.repeat({ratio}, …)` where whole batches follow one another",),
        )


def _ratio(s: Sides) -> Iterator[Scored]:
    """One is a multiple of the other."""
    ratio, rest = divmod(s.large, max(s.small, 1))
    if rest or ratio not in (2, 3, 4, 8) or s.dim == 0:
        return
    if ratio == 2 and s.dim >= 2 and s.last is not False:
        yield 0.7, Cause(
            "stride-on-one-path",
            f"{s.large} = 2·{s.small}: one path halves the size (stride or pooling of 2), the other does not; or an upsampling is missing or there once too often",
            facts={"factor": 2},
            tries=("give the shortcut the same stride: `nn.Conv2d(c_in, c_out, 1, stride=2)`", "or bring one to the other's size: `F.interpolate(y, size=x.shape[2:])`"),
        )
    if s.dim in (1, 2) and s.small >= 4:
        if ratio == 2:
            why = f"{s.large} = 2·{s.small}: twice the channels or features: a block doubles its channels and the shortcut keeps them, an LSTM or GRU is bidirectional, or a gate was not split in two"
            tries: tuple[str, ...] = (
                "bring the shortcut to the same channels with a 1×1 convolution: `nn.Conv2d(c_in, c_out, 1)`",
                "for a bidirectional LSTM: build the other side for `2 * hidden_size`, or add both directions",
            )
        else:
            why = f"{s.large} = {ratio}·{s.small}: a block widens its channels {ratio} times (the expansion of a bottleneck) and the shortcut keeps them"
            tries = ("bring the shortcut to the same channels with a 1×1 convolution: `nn.Conv2d(c_in, c_out, 1)`",)
        yield (0.62 if s.dim == 1 and ratio in (2, 4) else 0.54) if s.large >= 8 else 0.4, Cause("channels-on-one-path", why, facts={"factor": ratio}, tries=tries)


def _vector(s: Sides) -> Iterator[Scored]:
    """A vector that belongs to another dim than the last; or a whole tensor that stands transposed."""
    left, right = _stripped(s.left_shape), _stripped(s.right_shape)
    for short, long, size in ((left, right, s.left), (right, left, s.right)):
        if len(short) == 1 and len(long) > 1 and size in long:
            dim = long.index(size)
            dots = ", ".join([":", *["None"] * (len(long) - 1 - dim)])
            yield 0.9, Cause(
                "vector-at-wrong-dim",
                f"shapes are lined up at the last dim: the vector of {size} stands against {long[-1]}, but is as long as dim {dim} of {told(list(long))}",
                facts={"dim": dim},
                tries=(f"give it dims of size 1 at the end: `v[{dots}]`", "if they are predictions [N, C] and class numbers [N], the loss is `cross_entropy`"),
            )
    if len(left) == len(right) > 1 and sorted(left) == sorted(right):
        yield 0.9, Cause(
            "missing-transpose",
            f"{told(list(left))} and {told(list(right))} have the same sizes in another order",
            tries=("bring one into the other's order: `x.transpose(1, 2)` or `x.permute(…)` (not `view`, which mixes the values)",),
        )
    loss = _LOSSES.search(s.line) or _LOSSES.search(s.frames)
    reduced = re.search(r"\.(?:sum|mean|norm|std|var|amax|logsumexp|min|max)\(", s.line) and "keepdim" not in s.line
    if not s.rank and s.dim >= 1 and reduced:
        yield 0.7, Cause(
            "missing-keepdim",
            "a sum or mean takes its dim away; what is left is lined up at the last dim instead of where it was",
            tries=("keep the dim as one of size 1: `x.sum(1, keepdim=True)`",),
        )
    if not s.rank and s.dim == 1:
        yield 0.72 if loss else 0.36, Cause(
            "vector-at-wrong-dim",
            f"shapes are lined up at the last dim: a vector [{s.right}] that has an entry for each row stands against the {s.left} columns (or the other way round)",
            tries=("give it a dim of size 1 at the end: `v.unsqueeze(1)`", "if they are predictions [N, C] and class numbers [N], the loss is `cross_entropy`"),
        )


def _stripped(shape: Sequence[int]) -> list[int]:
    sizes = list(shape)
    while len(sizes) > 1 and sizes[0] == 1:
        sizes = sizes[1:]
    return sizes


def _where(s: Sides) -> Iterator[Scored]:
    """What the line and the frames say: a mask, a state of an optimizer, a padding."""
    if "pad_sequence" in s.frames:
        yield 0.9, Cause(
            "features-differ",
            f"`pad_sequence` pads the first dim of each sequence only; the others must be equal, and here are {s.left} and {s.right}",
            tries=("the length must come first: `pad_sequence([x.T for x in xs])` for sequences [D, L]",),
        )
    if re.search(r"[/\\]optim[/\\]\w+\.py", s.frames):
        yield 0.9, Cause(
            "optimizer-state",
            "it fails inside the optimizer: its state (or a gradient) belongs to parameters of another shape, as after loading the state of another model or replacing a parameter",
            tries=("create the optimizer after the model is final, and do not load the state of another model into it",),
        )
    if _MASK.search(s.line):
        yield 0.66, Cause(
            "mask-length",
            f"a mask for {s.small if s.dim else s.left} meets scores for {s.large if s.dim else s.right}: it was made for another length (before padding, without the cache, without the class token), or lacks the dim of the heads",
            tries=("make the mask from what it masks: its last dim is the length of the keys; [B, K] becomes `mask[:, None, None, :]` for scores [B, heads, Q, K]",),
        )


_HYPOTHESES = (_vector, _where, _tokens, _position, _channels, _near, _batch, _ratio)


def ranked(scored: Sequence[Scored]) -> tuple[Cause, ...]:
    """The causes in order, each name once; those with a fair score, or the first, are likely."""
    best: dict[str, Scored] = {}
    for score, cause in sorted(scored, key=lambda one: -one[0]):
        best.setdefault(cause.name, (score, cause))
    return tuple(replace(cause, likely=score >= _LIKELY) for score, cause in best.values())


def _causes(s: Sides) -> tuple[Cause, ...]:
    scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(s)]
    scored += known_widths(s.left, s.right, "weights or embeddings (a LoRA, a textual inversion) of one family meet a model of the other")
    best = max((score for score, _ in scored), default=0.0)
    scored = [(score, cause) for score, cause in scored if score >= 0.4 or best < 0.7]
    if best < _LIKELY:
        what = ("batch", "channels, features or steps")[s.dim] if s.dim < 2 else "height, width, or the features of a sequence"
        scored.append(
            (
                0.5,
                Cause(
                    "sizes-differ",
                    f"two results that should have one size in dim {s.dim} ({what}) were computed to {s.left} and {s.right}",
                    tries=("follow the one that is wrong back to the layer that gives it its size",),
                ),
            )
        )
    return ranked(scored)


def _read(found: Found) -> Reading:
    """`left` against `right` in `dim`; the meta device gives the two shapes instead."""
    facts: dict[str, object] = dict(found.values)
    shapes = found.known("left_shape", "right_shape")
    if shapes and found.known("dim", "right"):
        facts["dim"] = dim = found.number("dim") + max(len(found.shape("left_shape")), len(found.shape("right_shape")))
        if 0 <= dim < len(found.shape("left_shape")):
            facts["left"] = found.shape("left_shape")[dim]
    left, right, dim_ = facts.get("left"), facts.get("right"), facts.get("dim")
    if not (isinstance(left, int) and isinstance(right, int) and isinstance(dim_, int) and dim_ >= 0):
        return _symbolic(facts)
    line, frames = found.context.line, found.context.frames
    sides = Sides(left, right, dim_, found.shape("left_shape") if shapes else (), found.shape("right_shape") if shapes else (), line, frames)
    loss = _LOSSES.search(line) or _LOSSES.search(frames)
    product = _PRODUCT.search(line) and not loss
    slug = "broadcast-mismatch"
    if loss:
        slug = "loss-batch-mismatch" if dim_ == 0 else "loss-target-shape"
        headline = f"the loss compares two tensors that disagree in dim {dim_}: {left} and {right}"
    elif product:
        headline = f"the batches of two matrices disagree in dim {dim_}: {left} and {right}"
    else:
        done = [word for word, sign in _SIGNS if sign.search(line)]
        verb = f" cannot be {done[0]}:" if len(done) == 1 and "(" not in line.partition("=")[0] else " disagree:"
        headline = f"two tensors{verb} dim {dim_} is {left} in one and {right} in the other"
    certain = "shapes are lined up at the last dim; two sizes must be equal, or one of them 1" + ("" if product or not dim_ and shapes else "; all dims after this one fit")
    if shapes:
        certain = f"{told(found.shape('left_shape'))} meets {told(found.shape('right_shape'))}; " + certain
    return Reading(
        slug,
        headline,
        certain,
        facts,
        _causes(sides),
        ("print both shapes in the line before: `print(a.shape, b.shape)`",),
    )


def _symbolic(facts: dict[str, object]) -> Reading:
    return Reading(
        "broadcast-mismatch",
        "two tensors disagree in one dim, and neither size is 1",
        "" if {"left", "right", "left_shape"} & facts.keys() else "this wording names no sizes",
        facts,
        (Cause("sizes-differ", "two results that should have one shape were computed to different ones", likely=True),),
        ("print both shapes in the line before; lined up at the last dim, every two sizes must be equal, or one of them 1",),
    )


def _expand(found: Found) -> Reading:
    """A size `got` is to be stretched, or copied, to `want`; only 1 can be stretched."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want", "dim"):
        return Reading("broadcast-mismatch", "only a dim of size 1 can be stretched to another size", "", facts, (Cause("sizes-differ", "the tensor has another size in this dim", likely=True),))
    got, want, dim = found.number("got"), found.number("want"), found.number("dim")
    shapes = found.known("shape", "want_shape")
    target, own = (found.shape("want_shape"), found.shape("shape")) if shapes else ([], [])
    line = found.context.line
    assigned = re.search(r"\]\s*=[^=]", line) or "copy_(" in line
    last = bool(target) and dim == len(target) - 1
    scored: list[Scored] = []
    if want in (768, 1024, 1280, 2048, 4096) or got in (768, 1024, 1280, 2048, 4096):
        scored += known_widths(got, want, "an embedding of one model family is put into a prompt or table of the other")
    if got in (512, 514, 77, 1024, 2048) and want > got and (last or not target) and (len(target) == 2 or _POSITION.search(line)):
        scored.append(
            (
                0.85,
                Cause(
                    "sequence-too-long",
                    f"a buffer of {got} positions or token types is to serve a sequence of {want}: the text is longer than the model's {got} positions",
                    facts={"table": got, "steps": want},
                    tries=(f"cut the text: `tokenizer(…, truncation=True, max_length={min(got, 512) if got == 514 else got})`", "or split it into pieces that are short enough"),
                ),
            )
        )
    if _MASK.search(line) or (len(target) == 4 and last):
        scored.append(
            (
                0.62 if _MASK.search(line) or (len(target) == 4 and got != want and target[-2] != target[-1]) else 0.5,
                Cause(
                    "mask-length",
                    f"a mask for {got} keys is stretched to scores of {want}: it was made for another length",
                    tries=("make the mask for as many keys as there are (with a cache: past and new ones together); [B, K] becomes `mask[:, None, None, :]`",),
                ),
            )
        )
    if assigned or (not dim and not (own and len(own) == len(target) > 1 and not assigned and "expand" in line)):
        batch = dim == 0
        scored.append(
            (
                0.7 if assigned else 0.5,
                Cause(
                    "slice-length",
                    f"a place of {want} is filled with {got}: " + ("the last batch or the last window is shorter than the others" if batch and got < want else "what is written has another length than where it goes"),
                    tries=("write as many as there are: `out[i : i + len(y)] = y`", "or `DataLoader(…, drop_last=True)` where it is the last batch") if batch else ("make the place from what is written: `out = y.new_zeros(y.shape)`",),
                ),
            )
        )
    if len(own) == 1 and last and len(target) == 2:
        scored.append(
            (
                0.6 if got not in (512, 514) else 0.3,
                Cause(
                    "bias-length",
                    f"a bias or a vector of {got} is added to rows of {want}: it belongs to a layer of {got} outputs",
                    tries=(f"build the bias for {want} outputs, or leave it to the layer: `nn.Linear(n, {want})`",),
                ),
            )
        )
    if own and len(own) == len(target) and sorted(own) == sorted(target):
        scored.append((0.8, Cause("missing-transpose", f"{told(own)} and {told(target)} have the same sizes in another order", tries=("bring it into that order first: `x.transpose(0, 1)` or `x.permute(…)`",))))
    if len(own) == 1 and got in target and not last:
        scored.append((0.4, Cause("vector-at-wrong-dim", f"shapes are lined up at the last dim; the vector of {got} is as long as dim {target.index(got)}")))
    if own and got in target and target.index(got) != dim and len(own) < len(target):
        dots = ", ".join([":"] + ["None"] * (len(target) - 1 - target.index(got)))
        scored.append((0.72, Cause("vector-at-wrong-dim", f"the {got} is as long as dim {target.index(got)} of {told(target)}, but stands at dim {dim}: shapes are lined up at the last dim", tries=(f"give it dims of size 1 at the end: `v[{dots}]`",))))  # fmt: skip
    scored.append((0.3 if scored else 0.5, Cause("not-of-size-one", f"only a dim of size 1 is repeated by `expand`; {got} entries cannot become {want}", tries=("to repeat the entries: `x.repeat_interleave(k, dim)` or `x.repeat(…)`",))))
    shown = f"{told(own)} was to become {told(target)}" if shapes else ""
    return Reading("broadcast-mismatch", f"a dim of {got} cannot be stretched to {want} (dim {dim})", shown, facts, ranked(scored), ("print both shapes in the line before",))


def _grow(found: Found) -> Reading:
    """A tensor is changed in place and would have to grow."""
    facts: dict[str, object] = dict(found.values)
    line, frames = found.context.line, found.context.frames
    if not found.known("shape", "want_shape"):
        return Reading("broadcast-mismatch", "a tensor is changed in place and cannot grow", "", facts, (Cause("in-place", "an in-place operation keeps the shape of what it writes to", likely=True),))
    own, wanted = found.shape("shape"), found.shape("want_shape")
    scored: list[Scored] = []
    if own[:1] == [1] and wanted[:1] == [3] and own[1:] == wanted[1:] and len(own) == 3:
        scored.append(
            (
                0.92,
                Cause(
                    "grey-image",
                    f"an image of 1 channel {told(own)} is normalised with mean and std of 3 channels",
                    facts={"channels": 1},
                    tries=("make it RGB first: `transforms.Grayscale(3)`, or `Image.open(path).convert('RGB')`", "or normalise one channel: `Normalize((0.5,), (0.5,))`"),
                ),
            )
        )
    if "binary_cross_entropy" in frames or "BCELoss" in frames:
        scored.append((0.9, Cause("loss-weight", f"the loss has weights that do not fit predictions {told(own)}", tries=("give `weight` the shape of the predictions, or one that stretches to it",))))
    if len(wanted) == len(own) + 1 and wanted[1:] == own:
        scored.append((0.7, Cause("batch-into-one", f"{wanted[0]} tensors of {told(own)} are added into one: the batch is missing on the left, or the sum over it on the right", tries=("sum first: `x += y.sum(0)`",))))
    if [size for size in wanted if size != 1] != [size for size in own if size != 1] and [i for i, j in zip(own, wanted[-len(own) :] if own else [], strict=False) if i == 1 != j]:
        scored.append((0.6, Cause("keeps-size-one", f"a dim of size 1 of {told(own)} would have to grow; in place it cannot, `x = x + y` can")))
    if len(own) == 1 and len(wanted) == 2 and wanted[0] == wanted[1] == own[0]:
        scored.append((0.85, Cause("column-meets-row", f"a column [{own[0]}, 1] meets the row {told(own)}: both are spread to a square", tries=("drop the dim of size 1: `y.squeeze(1)`",))))
    scored.append((0.5 if not scored else 0.3, Cause("in-place", "an in-place operation (`+=`, `mul_`, `out=`) keeps the shape of what it writes to")))
    return Reading(
        "broadcast-mismatch" if "binary_cross_entropy" not in frames else "loss-target-shape",
        f"a tensor of {told(own)} is changed in place and cannot grow to {told(wanted)}",
        "the result of the operation is larger than the tensor it is written to",
        facts,
        ranked(scored),
        ("if the larger shape is what you want: `x = x + y` instead of `x += y`",) if "+=" in line or not line else ("if the larger shape is what you want, write it without changing in place: `x = x + y`",),
    )


def _shape(name: str) -> str:
    return rf"(?:torch\.Size\()?[\[(](?P<{name}>[^\])]{{0,200}})[\])]\)?"


_N = r"-?\w{1,24}"
TEMPLATES = (
    Template(
        "broadcast",
        ("the size of tensor a",),
        rf"The size of tensor a \((?P<left>{_N})\) must match the size of tensor b \((?P<right>{_N})\) at non-singleton dimension (?P<dim>\d{{1,3}})",
        _read,
        cut=rf"The size of tensor a \((?P<left>{_N})\) must match the size of tensor b(?: \((?P<right>{_N})\))?",
    ),
    Template(
        "broadcast-meta",
        ("attempting to broadcast a dimension",),
        rf"Attempting to broadcast a dimension of length (?P<right>{_N}) at (?P<dim>-?\d{{1,3}})! Mismatching argument at index (?P<argument>\d{{1,3}}) had "
        rf"{_shape('right_shape')}; but expected shape should be broadcastable to {_shape('left_shape')}",
        _read,
        cut=rf"Attempting to broadcast a dimension of length (?P<right>{_N}) at (?P<dim>-?\d{{1,3}})! Mismatching argument at index",
    ),
    Template(
        "broadcast-shapes",
        ("cannot be broadcast to a single shape",),
        r"Shape mismatch: objects cannot be broadcast to a single shape",
        _read,
    ),
    Template(
        "broadcast-in-place",
        ("doesn't match the broadcast shape",),
        rf"output with shape {_shape('shape')} doesn't match the broadcast shape {_shape('want_shape')}",
        _grow,
        cut=rf"output with shape {_shape('shape')} doesn't match the broadcast shape",
    ),
    Template(
        "expand-size",
        ("the expanded size of the tensor",),
        rf"The expanded size of the tensor \((?P<want>{_N})\) must match the existing size \((?P<got>{_N})\) at non-singleton dimension (?P<dim>\d{{1,3}})"
        rf"(?:\. ?Target sizes: {_shape('want_shape')}\. ?Tensor sizes: {_shape('shape')})?",
        _expand,
        cut=rf"The expanded size of the tensor \((?P<want>{_N})\) must match the existing size",
    ),
    Template(
        "expand-new-dim",
        ("isn't allowed in a leading, non-existing dimension",),
        rf"The expanded size of the tensor \((?P<want>{_N})\) isn't allowed in a leading, non-existing dimension (?P<dim>\d{{1,3}})",
        plain(
            "broadcast-mismatch",
            "`expand` has no size to keep for the new dim {dim} ({want})",
            ("minus-one-in-new-dim", "-1 in `expand` keeps the size that is there; a dim that `expand` adds in front has none yet"),
            tries=("give its size: `x.expand(batch, -1, -1)` instead of `x.expand(-1, …)`", "or add the dim first: `x.unsqueeze(0).expand(…)`"),
        ),
    ),
    Template(
        "expand-rank",
        ("the number of sizes provided",),
        rf"expand\([\w.]{{1,60}}\{{{_shape('shape')}\}}, size=\[(?P<want_shape>[^\]]{{0,200}})\]\): the number of sizes provided \((?P<want_rank>\d{{1,3}})\) "
        r"must be greater or equal to the number of dimensions in the tensor \((?P<rank>\d{1,3})\)",
        plain(
            "broadcast-mismatch",
            "`expand` cannot bring {rank} dims {shape} to {want_rank}: {want_shape}",
            ("extra-dim", "the tensor has a dim more than asked for: {shape}; `expand` adds dims in front, it takes none away"),
            ("sizes-left-out", "not all dims were named: `expand` wants a size for each, -1 for those that stay"),
            tries=("take a dim of size 1 out first: `x.squeeze(1)`", "or name all dims: `x.expand(n, -1)`"),
        ),
    ),
    Template(
        "mask-not-bool",
        ("only supports boolean masks", "expected predicate to be bool", "expected condition to be a boolean tensor"),
        r"masked_fill_? only supports boolean masks, but got (?:mask with )?dtype (?P<dtype>[\w.]{1,30})|expected predicate to be bool, got (?P<dtype_>[\w.]{1,30})"
        r"|where expected condition to be a boolean tensor(?:, but got a tensor with dtype (?P<dtype__>\w{1,30}))?",
        lambda found: Reading(
            "other-shape-error",
            f"this is about dtypes, not sizes: the mask must be boolean{' but is ' + _dtype(found) if _dtype(found) else ''}",
            "",
            {"dtype": _dtype(found)} if _dtype(found) else {},
            (Cause("mask-of-numbers", "the mask holds numbers (0 and 1), as tokenizers and data sets give it", likely=True, tries=("make it boolean: `mask.bool()`, or `mask == 0` where 0 is to be filled",)),),
        ),
    ),
    Template(
        "masked-scatter",
        ("number of elements of source < number of ones in mask",),
        r"Number of elements of source < number of ones in mask",
        plain(
            "other-shape-error",
            "`masked_scatter` has fewer numbers to write than the mask has places",
            ("placeholders-and-features", "in a model for images and text: the prompt holds more image placeholders than there are image features (another image size, or a processor of another version)"),
            ("mask-too-wide", "the mask is stretched over dims that the source does not have"),
            tries=("compare `mask.sum()` with `source.numel()` in the line before; the source needs at least as many",),
        ),
    ),
    Template(
        "assigned-gradient",
        ("attempting to assign a gradient of size",),
        rf"attempting to assign a gradient of size '?{_shape('got_shape')}'? to a tensor of size '?{_shape('want_shape')}'?",
        plain(
            "other-shape-error",
            "a gradient of {got_shape} is given to a tensor of {want_shape}",
            ("other-parameter", "it is the gradient of another parameter: two lists of parameters and gradients are not in one order, or belong to two models"),
            ("not-summed", "a gradient for each sample was not summed over the batch"),
            tries=("a gradient has the shape of its tensor; go through parameters and gradients by name",),
        ),
    ),
    Template(
        "assert-close-shape",
        ("the values for attribute 'shape' do not match",),
        rf"The values for attribute 'shape' do not match: {_shape('got_shape')} != {_shape('want_shape')}",
        plain(
            "other-shape-error",
            "a test compares a tensor of {got_shape} with one of {want_shape}",
            ("compared-shapes-differ", "`torch.testing.assert_close` compares shapes before values; nothing is stretched"),
            tries=("bring both to one shape before the comparison, or `check_stride=False` and `expected.expand_as(actual)` where stretching is meant",),
        ),
    ),
)


def _dtype(found: Found) -> str:
    return next((str(value) for name, value in found.values.items() if name.startswith("dtype")), "")
