"""What two sizes say that should be one: hypotheses over the numbers, ranked. For `+`, `cat` and losses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isqrt

from shapewright.messages import fingerprints
from shapewright.messages.template import Cause, told

_LIKELY = 0.5
_IMAGES = (224, 384, 256, 336, 448, 512, 518, 32, 28, 64, 96, 128, 160, 192, 240, 288, 320, 480, 560, 640, 768, 1024)
_PATCHES = (16, 14, 32, 8, 4)
_EXTRAS = {0: "no class token", 1: "a class token", 2: "a class and a distillation token", 5: "a class token and 4 registers"}
_TABLES = (512, 514, 77, 128, 256, 1024, 1026, 2048, 4096, 5000, 8192)

LOSSES = re.compile(
    r"\b(mse_loss|l1_loss|smooth_l1_loss|huber_loss|kl_div|poisson_nll_loss|soft_margin_loss|hinge_embedding_loss|gaussian_nll_loss|\w*criterion|\w*loss_fn)\b"
)
POSITION = re.compile(r"pos(?:ition)?(?:al)?_?(?:em|enc|id|table)|\bpe\b|\.pe\[|position|wpe|token_type", re.IGNORECASE)
MASK = re.compile(r"mask|attn|attention|scores", re.IGNORECASE)
_NORMALIZE = re.compile(r"[Nn]ormalize|\bmean\b.{0,40}\bstd\b")

Scored = tuple[float, Cause]


@dataclass(frozen=True, slots=True)
class Sides:
    """Two sizes that met: in which dim (from the left of the longer shape), the whole shapes where the message
    has them, and what stands around."""

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


def weigh(
    score: float, name: str, why: str, facts: Mapping[str, object] | None = None, tries: Sequence[str] = (), guess: str = ""
) -> Scored:
    """A cause with the score that orders it among the others."""
    return score, Cause(name, why, facts=facts or {}, tries=tuple(tries), guess=guess)


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


def _square(side: int, extra: int) -> str:
    return f"{side * side + extra} = {side}·{side} patches and {_EXTRAS[extra]}" if extra else f"{side * side} = {side}·{side} patches"


def _patch(side: int, other: int) -> int | None:
    """The patch with which both sides are those of usual images."""
    usual = [patch for patch in _PATCHES if side * patch in _IMAGES and other * patch in _IMAGES]
    return min(usual, key=lambda patch: _IMAGES.index(side * patch) + _IMAGES.index(other * patch), default=None)


def _two_images(side: int, other: int) -> str:
    patch = _patch(side, other)
    said = [f"{side * patch} px against {other * patch} px at patch {patch}"] if patch else []
    same = next(((p, q) for p in _PATCHES for q in _PATCHES if p != q and side * p == other * q == 224), None)
    if same:
        said.append(f"224 px at patch {same[0]} against patch {same[1]}")
    return ": " + ", or ".join(said) if said else ": the images have another size than the other tensor is made for"


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
                sizes = _two_images(side, other)
                patch = _patch(side, other)
                yield weigh(
                    score,
                    "image-size-changed",
                    f"{_square(side, extra)}, {_square(other, extra)}{sizes}",
                    facts={"sides": [side, other], "extra": extra, **({"patch": patch} if patch else {})},
                    tries=(
                        "bring the images to the size that the position table was made for, or build the model with "
                        "`img_size=` as the images are",
                        "or interpolate the position table: its patch part as a map [1, D, k, k] with "
                        "`F.interpolate(…, mode='bicubic')`, the class token kept apart",
                    ),
                )
            elif side == other and extra != more:
                score = (0.84 if side >= 7 else 0.6) if abs(extra - more) == 1 else 0.62
                yield weigh(
                    score,
                    "class-token",
                    f"both are {side}·{side} = {side * side} patches: one with {_EXTRAS[max(extra, more)]}, the other "
                    f"with {_EXTRAS[min(extra, more)]}",
                    facts={"side": side, "extra": [extra, more]},
                    tries=(
                        "join the class token before the positions are added: "
                        "`torch.cat([self.cls_token.expand(x.size(0), -1, -1), x], 1)`, and give the table a row for it",
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
        yield weigh(
            0.54 if len(said) == 2 else 0.4,
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
    yield weigh(
        0.66,
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
        if times > 1 and small // step < 4:
            break
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
    hint = 0.1 if POSITION.search(s.line) else 0.0
    for score, cause in token_pairs(s.left, s.right):
        yield score * (0.5 if s.last and s.rank != 1 else 1.0) + hint, cause
    yield from known_tokens(s.left, s.right)


def _position(s: Sides) -> Iterator[Scored]:
    hinted = bool(POSITION.search(s.line))
    table = next((size for size in (s.small, s.large) if size in _TABLES), None)
    if s.dim == 0 and not hinted:
        return
    if not hinted and (table is None or table != s.small or s.dim != 1 or s.large % s.small == 0):
        return
    score = (
        0.8
        if hinted and not any(score > 0.7 for score, _ in token_pairs(s.left, s.right))
        else 0.66
        if hinted or table in _TABLES[:3]
        else 0.4
    )
    yield weigh(
        score,
        "sequence-too-long",
        f"a table of positions (or a mask) for {s.small} steps meets a sequence of {s.large}: it ends before the sequence does",
        facts={"table": s.small, "steps": s.large},
        tries=(
            f"cut the sequence: `x[:, :{s.small}]`, or for a tokenizer `truncation=True, max_length={s.small}`",
            f"or build the table for at least {s.large} positions and take as many as there are: `pos[:, :x.size(1)]`",
        ),
    )
    if hinted:
        yield weigh(
            0.52,
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
        yield weigh(
            0.86 if normalised else 0.58 if 4 in pair else 0.3,
            "alpha-channel",
            f"{4 if 4 in pair else 2} channels against 3: {kind}; mean and std are for RGB",
            facts={"channels": 4 if 4 in pair else 2},
            tries=("open the images as RGB: `Image.open(path).convert('RGB')`", "or drop the channel: `x = x[:3]`")
            if 4 in pair
            else ("open the images as RGB: `Image.open(path).convert('RGB')`",),
        )
    if s.small in (3, 4) and s.large >= 16 and s.dim > 0 and s.last is not False:
        yield weigh(
            0.6 if s.small == 3 and (s.dim >= 2 or s.last) else 0.4,
            "channel-vector-last",
            f"a vector of {s.small} numbers, one for each channel, meets dim {s.dim} of {s.large}: shapes are lined up at the last dim, "
            f"the channels are dim 1 of a batch",
            tries=(
                f"give it two dims more: `.view(1, {s.small}, 1, 1)` for images [N, {s.small}, H, W], "
                f"`.view({s.small}, 1, 1)` for one image",
            ),
        )
    if s.large == s.small * 3 and s.small >= 32 and s.dim >= 1:
        yield weigh(
            0.32,
            "three-parts",
            f"{s.large} = 3·{s.small}: queries, keys and values, or three channels, are still in one dim",
            tries=("take it apart first: `q, k, v = x.chunk(3, dim=-1)`",),
        )


def _near(s: Sides) -> Iterator[Scored]:
    """Two sizes that differ by a little."""
    difference = s.large - s.small
    if difference > 32 or s.small < 4 or difference * 3 > s.large:
        return
    place = 1.0 if s.dim >= 2 else 0.6 if s.dim == 1 else 0.4
    again = halved(s.small, s.large)
    if again:
        yield weigh(
            (0.78 if difference == 1 else 0.62 if difference == 2 else 0.7) * place,
            "odd-size",
            f"{again}: an upsampling or a stride does not come back to the size that the other path kept",
            facts={"difference": difference},
            tries=(
                f"bring the one to the other's size before they meet: `y = F.interpolate(y, size=x.shape[2:])`, or "
                f"crop `x[..., :{s.small}]`",
                "or feed sizes that can be halved that often (multiples of 32)",
            ),
        )
    if difference % 2 == 0:
        kernel = difference + 1
        yield weigh(
            (0.72 if difference == 2 else 0.66 if difference <= 6 else 0.4) * place,
            "unpadded-convolution",
            f"{s.large} - {s.small} = {difference}: a convolution of kernel {kernel} without padding takes {difference} away"
            + (f" (or {difference // 2} of kernel 3)" if difference > 2 else ""),
            facts={"difference": difference},
            tries=(
                f"pad the convolution on the one path: `padding={difference // 2}` for kernel {kernel}, or "
                f"`padding='same'` where the stride is 1",
                f"or crop the other path by {difference // 2} on either side",
            ),
        )
    elif difference == 1:
        yield weigh(
            0.5 * place,
            "even-kernel",
            f"{s.large} - {s.small} = 1: an even kernel (2, 4) gives one more with `padding=kernel // 2` and one less "
            f"with `padding=kernel // 2 - 1`",
            tries=("take an odd kernel with `padding=kernel // 2`, or cut the last one off: `y[..., :-1]`",),
        )
    if s.dim <= 1 and difference <= 2:
        yield weigh(
            0.5 if s.dim == 1 else 0.42,
            "shifted-by-one",
            f"one has {count(difference, 'entry' if difference == 1 else 'entrie')} more: a start, end or class token, "
            f"a target that was shifted, or a bootstrapped last value",
            tries=("cut both alike: `x[:, :-1]` goes with `y[:, 1:]`",),
        )


def _batch(s: Sides) -> Iterator[Scored]:
    """Dim 0 is mostly the batch."""
    if s.dim != 0 or s.small < 1:
        return
    usual = s.large & (s.large - 1) == 0 or s.large % 10 == 0
    ratio, rest = divmod(s.large, s.small)
    if s.large - s.small > 0 and s.large >= 4:
        yield weigh(
            0.68 if usual and rest and s.large >= 8 else 0.5 if usual and s.large >= 8 else 0.42,
            "last-batch",
            f"a batch of {s.small} meets something made for {s.large}: the last batch of a loader is smaller, and a "
            f"tensor of the full batch size was kept (labels, noise, a hidden state)",
            facts={"batch": s.small, "made_for": s.large},
            tries=(
                "make it as long as the batch: `torch.zeros(x.size(0), …)`, `torch.randn(x.size(0), …)`",
                "or `DataLoader(…, drop_last=True)`",
            ),
        )
    if not rest and ratio > 1:
        yield weigh(
            0.56 if ratio in (2, 3, 4, 8, 12, 16) else 0.5,
            "repeated-batch",
            f"{s.large} = {ratio}·{s.small}: one side holds {ratio} entries for each of the other's (heads, copies, "
            f"steps, prompts with and without guidance)"
            ", or a `view(-1, …)` made more samples of the batch",
            facts={"factor": ratio},
            tries=(
                f"bring the other along: `x.repeat_interleave({ratio}, 0)` where entries of one sample stand together, "
                f"`x.repeat({ratio}, …)` where whole batches follow one another",
            ),
        )


def _ratio(s: Sides) -> Iterator[Scored]:
    """One is a multiple of the other."""
    ratio, rest = divmod(s.large, max(s.small, 1))
    if rest or ratio not in (2, 3, 4, 8) or s.dim == 0:
        return
    if ratio == 2 and s.dim >= 2 and s.last is not False:
        yield weigh(
            0.7,
            "stride-on-one-path",
            f"{s.large} = 2·{s.small}: one path halves the size (stride or pooling of 2), the other does not; or an "
            f"upsampling is missing or there once too often",
            facts={"factor": 2},
            tries=(
                "give the shortcut the same stride: `nn.Conv2d(c_in, c_out, 1, stride=2)`",
                "or bring one to the other's size: `F.interpolate(y, size=x.shape[2:])`",
            ),
        )
    if s.dim in (1, 2) and s.small >= 4:
        if ratio == 2:
            why = (
                f"{s.large} = 2·{s.small}: twice the channels or features: a block doubles its channels and the "
                f"shortcut keeps them, an LSTM or GRU is bidirectional, or a gate was not split in two"
            )
            tries: tuple[str, ...] = (
                "bring the shortcut to the same channels with a 1×1 convolution: `nn.Conv2d(c_in, c_out, 1)`",
                "for a bidirectional LSTM: build the other side for `2 * hidden_size`, or add both directions",
            )
        else:
            why = (
                f"{s.large} = {ratio}·{s.small}: a block widens its channels {ratio} times (the expansion of a "
                f"bottleneck) and the shortcut keeps them"
            )
            tries = ("bring the shortcut to the same channels with a 1×1 convolution: `nn.Conv2d(c_in, c_out, 1)`",)
        yield weigh(
            (0.62 if s.dim == 1 and ratio in (2, 4) else 0.54) if s.large >= 8 else 0.4,
            "channels-on-one-path",
            why,
            facts={"factor": ratio},
            tries=tries,
        )


def _vector(s: Sides) -> Iterator[Scored]:
    """A vector that belongs to another dim than the last; or a whole tensor that stands transposed."""
    left, right = _stripped(s.left_shape), _stripped(s.right_shape)
    for short, long, size in ((left, right, s.left), (right, left, s.right)):
        if len(short) == 1 and len(long) > 1 and size in long:
            dim = long.index(size)
            dots = ", ".join([":", *["None"] * (len(long) - 1 - dim)])
            yield weigh(
                0.9,
                "vector-at-wrong-dim",
                f"shapes are lined up at the last dim: the vector of {size} stands against {long[-1]}, but is as long "
                f"as dim {dim} of {told(list(long))}",
                facts={"dim": dim},
                tries=(
                    f"give it dims of size 1 at the end: `v[{dots}]`",
                    "if they are predictions [N, C] and class numbers [N], the loss is `cross_entropy`",
                ),
            )
    if len(left) == len(right) > 1 and sorted(left) == sorted(right):
        yield weigh(
            0.9,
            "missing-transpose",
            f"{told(list(left))} and {told(list(right))} have the same sizes in another order",
            tries=("bring one into the other's order: `x.transpose(1, 2)` or `x.permute(…)` (not `view`, which mixes the values)",),
        )
    loss = LOSSES.search(s.line) or LOSSES.search(s.frames)
    reduced = re.search(r"\.(?:sum|mean|norm|std|var|amax|logsumexp|min|max)\(", s.line) and "keepdim" not in s.line
    if not s.rank and s.dim >= 1 and reduced:
        yield weigh(
            0.7,
            "missing-keepdim",
            "a sum or mean takes its dim away; what is left is lined up at the last dim instead of where it was",
            tries=("keep the dim as one of size 1: `x.sum(1, keepdim=True)`",),
        )
    if not s.rank and s.dim == 1:
        yield weigh(
            0.72 if loss else 0.36,
            "vector-at-wrong-dim",
            f"shapes are lined up at the last dim: a vector [{s.right}] that has an entry for each row stands against "
            f"the {s.left} columns (or the other way round)",
            tries=(
                "give it a dim of size 1 at the end: `v.unsqueeze(1)`",
                "if they are predictions [N, C] and class numbers [N], the loss is `cross_entropy`",
            ),
        )


def _stripped(shape: Sequence[int]) -> list[int]:
    sizes = list(shape)
    while len(sizes) > 1 and sizes[0] == 1:
        sizes = sizes[1:]
    return sizes


def _where(s: Sides) -> Iterator[Scored]:
    """What the line and the frames say: a mask, a state of an optimizer, a padding."""
    if "pad_sequence" in s.frames:
        yield weigh(
            0.9,
            "features-differ",
            f"`pad_sequence` pads the first dim of each sequence only; the others must be equal, and here are {s.left} and {s.right}",
            tries=("the length must come first: `pad_sequence([x.T for x in xs])` for sequences [D, L]",),
        )
    if re.search(r"[/\\]optim[/\\]\w+\.py", s.frames):
        yield weigh(
            0.9,
            "optimizer-state",
            "it fails inside the optimizer: its state (or a gradient) belongs to parameters of another shape, as after "
            "loading the state of another model or replacing a parameter",
            tries=("create the optimizer after the model is final, and do not load the state of another model into it",),
        )
    if MASK.search(s.line):
        yield weigh(
            0.8,
            "mask-length",
            f"a mask for {s.small if s.dim else s.left} meets scores for {s.large if s.dim else s.right}: it was made "
            f"for another length (before padding, without the cache, without the class token), or lacks the dim of the heads",
            tries=(
                "make the mask from what it masks: its last dim is the length of the keys; [B, K] becomes `mask[:, "
                "None, None, :]` for scores [B, heads, Q, K]",
            ),
        )


_HYPOTHESES = (_vector, _where, _tokens, _position, _channels, _near, _batch, _ratio)


def ranked(scored: Sequence[Scored]) -> tuple[Cause, ...]:
    """The causes in order, each name once; those with a fair score that are not far behind the first are likely."""
    best: dict[str, Scored] = {}
    for score, cause in sorted(scored, key=lambda one: -one[0]):
        best.setdefault(cause.name, (score, cause))
    limit = max(_LIKELY, max((score for score, _ in best.values()), default=0.0) - 0.25)
    return tuple(replace(cause, likely=score >= limit) for score, cause in best.values())


def causes(s: Sides) -> tuple[Cause, ...]:
    scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(s)]
    scored += known_widths(s.left, s.right, "weights or embeddings (a LoRA, a textual inversion) of one family meet a model of the other")
    best = max((score for score, _ in scored), default=0.0)
    scored = [(score, cause) for score, cause in scored if score >= 0.4 or best < 0.7]
    if best < _LIKELY:
        what = ("batch", "channels, features or steps")[s.dim] if s.dim < 2 else "height, width, or the features of a sequence"
        scored.append(
            weigh(
                0.5,
                "sizes-differ",
                f"two results that should have one size in dim {s.dim} ({what}) were computed to {s.left} and {s.right}",
                tries=("follow the one that is wrong back to the layer that gives it its size",),
            )
        )
    return ranked(scored)
