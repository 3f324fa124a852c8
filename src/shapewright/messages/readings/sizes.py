"""What two sizes say that should be one: hypotheses over the numbers, ranked. For `+`, `cat` and losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapewright.messages.later import pattern
from shapewright.messages.readings import spoken
from shapewright.messages.readings.scored import LIKELY, Scored, clear, count, ranked, top, usual_batch, weigh
from shapewright.messages.readings.sides import MASK, POSITION, Sides
from shapewright.messages.readings.tokens import known_tokens, known_widths, token_pairs
from shapewright.messages.template import Cause, told

_NORMALIZE = pattern(r"[Nn]ormalize|\bmean\b.{0,40}\bstd\b")
_REDUCED = pattern(r"\.(?:sum|mean|norm|std|var|amax|logsumexp|min|max)\(")
_AS_MANY = pattern(r"\[[^\]]{0,20}: ?[\w.]{1,40}(?:\.size\(|\.shape\[|len\()|: ?(?:T|L|seq_len|n|steps|length)\b")
_OPTIMIZER = pattern(r"[/\\]optim[/\\]\w+\.py")
_TABLES = (512, 514, 77, 128, 256, 1024, 1026, 2048, 4096, 5000, 8192)
_CROSS_ENTROPY = "if they are predictions [N, C] and class numbers [N], the loss is `cross_entropy`"
_SHORTCUT = "bring the shortcut to the same channels with a 1×1 convolution: `nn.Conv2d(c_in, c_out, 1)`"


def causes(s: Sides) -> tuple[Cause, ...]:
    """The hypotheses that the numbers allow, best first; the last resort is that the sizes were computed to two numbers."""
    for told_by in (spoken.attended, spoken.distributed, spoken.distanced):
        if plain := list(told_by(s)):
            return ranked(plain)
    scored = clear([one for hypothesis in _HYPOTHESES for one in hypothesis(s)])
    if top(scored) < LIKELY:
        what = ("batch", "channels, features or steps")[s.dim] if 0 <= s.dim < 2 else "height, width, or the features of a sequence"
        why = f"two results that should have one size in dim {s.dim} ({what}) were computed to {s.left} and {s.right}"
        scored.append(weigh(0.5, "sizes-differ", why, "follow the one that is wrong back to the layer that gives it its size"))
    return ranked(scored)


def halved(small: int, large: int) -> tuple[int, str] | None:
    """How often, and how, a size loses or gains a little when it is halved and doubled again; None when the two sizes do not say that."""
    if small < 2 or large - small > 32 or large >= 2 * small:
        return None
    for times in range(1, 6):
        step = 2**times
        if times > 1 and small // step < 4:
            break
        if large // step * step == small:
            halves = " → ".join(str(large // 2**i) for i in range(times + 1))
            return times, f"{large} is no multiple of {step}: halved {count(times, 'time')} {halves}, doubled again {small}"
        if -(-small // step) * step == large:
            halves = " → ".join(str(-(-small // 2**i)) for i in range(times + 1))
            return times, f"{small} is no multiple of {step}: halved {count(times, 'time')}, rounded up, {halves}, doubled again {large}"
    return None


# --------------------------------------------------------------------------------------------- what the shapes and the line say


def _vector(s: Sides) -> Iterator[Scored]:
    """A vector that belongs to another dim than the last; or a whole tensor that stands transposed."""
    left, right = _stripped(s.left_shape), _stripped(s.right_shape)
    for short, long, size in ((left, right, s.left), (right, left, s.right)):
        if len(short) == 1 and len(long) > 1 and size in long:
            dim = long.index(size)
            dots = ", ".join([":", *["None"] * (len(long) - 1 - dim)])
            why = (
                f"shapes are lined up at the last dim: the vector of {size} stands against {long[-1]}, "
                f"but is as long as dim {dim} of {told(long)}"
            )
            yield weigh(0.9, "vector-at-wrong-dim", why, f"give it dims of size 1 at the end: `v[{dots}]`", _CROSS_ENTROPY, dim=dim)
    if len(left) == len(right) > 1 and sorted(left) == sorted(right):
        why = f"{told(left)} and {told(right)} have the same sizes in another order"
        step = "bring one into the other's order: `x.transpose(1, 2)` or `x.permute(…)` (not `view`, which mixes the values)"
        yield weigh(0.9, "missing-transpose", why, step)


def _reduced(s: Sides) -> Iterator[Scored]:
    """Where the message has no shapes: what a sum leaves, or a vector for the rows, stands at the last dim."""
    if not s.rank and s.dim >= 1 and _REDUCED.search(s.line) and "keepdim" not in s.line:
        why = "a sum or mean takes its dim away; what is left is lined up at the last dim instead of where it was"
        yield weigh(0.7, "missing-keepdim", why, "keep the dim as one of size 1: `x.sum(1, keepdim=True)`")
    if not s.rank and s.dim == 1:
        why = (
            f"shapes are lined up at the last dim: a vector [{s.right}] that has an entry for each row stands against "
            f"the {s.left} columns (or the other way round)"
        )
        step = "give it a dim of size 1 at the end: `v.unsqueeze(1)`"
        yield weigh(0.36, "vector-at-wrong-dim", why, step, _CROSS_ENTROPY)


def _stripped(shape: Sequence[int]) -> list[int]:
    sizes = list(shape)
    while len(sizes) > 1 and sizes[0] == 1:
        sizes = sizes[1:]
    return sizes


def _where(s: Sides) -> Iterator[Scored]:
    """What the line and the frames say: a padding, a state of an optimizer, a mask."""
    if "pad_sequence" in s.frames:
        why = f"`pad_sequence` pads the first dim of each sequence only; the others must be equal, and here are {s.left} and {s.right}"
        yield weigh(0.9, "features-differ", why, "the length must come first: `pad_sequence([x.T for x in xs])` for sequences [D, L]")
    if _OPTIMIZER.search(s.frames):
        why = (
            "it fails inside the optimizer: its state (or a gradient) belongs to parameters of another shape, "
            "as after loading the state of another model or replacing a parameter"
        )
        step = "create the optimizer after the model is final, and do not load the state of another model into it"
        yield weigh(0.9, "optimizer-state", why, step)


# ------------------------------------------------------------------------------------------------------- what the two numbers say


def _tokens(s: Sides) -> Iterator[Scored]:
    if s.dim == 0 and (s.rank is None or s.rank > 1):
        return
    hint = 0.1 if POSITION.search(s.line) else 0.0
    for score, cause in token_pairs(s.left, s.right):
        yield score * (0.5 if s.last and s.rank != 1 else 1.0) + hint, cause
    yield from known_tokens(s.left, s.right)


def _position(s: Sides) -> Iterator[Scored]:
    """A table of positions is shorter than the sequence."""
    hinted = bool(POSITION.search(s.line))
    if not hinted and (s.dim != 1 or s.small not in _TABLES or s.large % s.small == 0):
        return
    if hinted:
        score = 0.66 if top(list(token_pairs(s.left, s.right))) > 0.7 else 0.8
    else:
        score = 0.66 if s.small in _TABLES[:3] else 0.4
    yield weigh(
        score,
        "sequence-too-long",
        f"a table of positions (or a mask) for {s.small} steps meets a sequence of {s.large}: it ends before the sequence does",
        f"cut the sequence: `x[:, :{s.small}]`, or for a tokenizer `truncation=True, max_length={s.small}`",
        f"or build the table for at least {s.large} positions and take as many as there are: `pos[:, :x.size(1)]`",
        table=s.small,
        steps=s.large,
    )
    if hinted and not _AS_MANY.search(s.line):
        why = f"the whole position table is added instead of its first {s.small} rows"
        yield weigh(0.52, "whole-position-table", why, "take as many rows as there are steps: `x + self.pos[:, :x.size(1)]`")


def _channels(s: Sides) -> Iterator[Scored]:
    """A vector for the channels, or images with other channels than the mean and std are for."""
    if s.dim == 0 and {s.left, s.right} in ({3, 4}, {2, 3}):
        alpha = s.large == 4
        kind = "an RGBA image: the fourth channel is alpha" if alpha else "a grey image with alpha"
        normalised = _NORMALIZE.search(s.frames) or _NORMALIZE.search(s.line)
        steps = ("open the images as RGB: `Image.open(path).convert('RGB')`", *(("or drop the channel: `x = x[:3]`",) if alpha else ()))
        other = 4 if alpha else 2
        why = f"{other} channels against 3: {kind}; mean and std are for RGB"
        yield weigh(0.86 if normalised else 0.58 if alpha else 0.3, "alpha-channel", why, *steps, channels=other)
    if s.small in (3, 4) and s.large >= 16 and s.dim > 0 and s.last is not False and not MASK.search(s.line):
        score = 0.6 if s.small == 3 and (s.dim >= 2 or s.last) else 0.4
        why = (
            f"a vector of {s.small} numbers, one for each channel, meets dim {s.dim} of {s.large}: "
            "shapes are lined up at the last dim, the channels are dim 1 of a batch"
        )
        step = f"give it two dims more: `.view({s.small}, 1, 1)`, for images [N, {s.small}, H, W] as for one image [{s.small}, H, W]"
        yield weigh(score, "channel-vector-last", why, step)
    if s.large == s.small * 3 and s.small >= 32 and s.dim >= 1:
        why = f"{s.large} = 3·{s.small}: queries, keys and values, or three channels, are still in one dim"
        yield weigh(0.32, "three-parts", why, "take it apart first: `q, k, v = x.chunk(3, dim=-1)`")


def _near(s: Sides) -> Iterator[Scored]:
    """Two sizes that differ by a little."""
    difference = s.large - s.small
    if difference > 32 or s.small < 4 or difference * 3 > s.large:
        return
    if s.dim <= 1 and difference <= 2:
        yield _shifted(s)
    if not s.dim:
        return  # no side of maps is the first dim
    place = 1.0 if s.dim >= 2 else 0.6
    again = halved(s.small, s.large)
    if again:
        score = {1: 0.78, 2: 0.62}.get(difference, 0.7) * place
        why = f"{again[1]}: an upsampling or a stride does not come back to the size that the other path kept"
        steps = (
            "bring the one to the other's size before they meet: `y = F.interpolate(y, size=x.shape[2:])`",
            f"or feed sizes that can be halved that often (multiples of {2 ** again[0]})",
        )
        if s.dim == 1:
            steps = (f"cut the longer one: `x[:, :{s.small}]`", steps[1])
        yield weigh(score, "odd-size", why, *steps, difference=difference)
    if difference and difference % 2 == 0:
        yield _unpadded(s, place)
    elif difference == 1:
        why = (
            f"{s.large} - {s.small} = 1: an even kernel (2, 4) gives one more with `padding=kernel // 2` "
            "and one less with `padding=kernel // 2 - 1`"
        )
        yield weigh(
            0.5 * place, "even-kernel", why, "take an odd kernel with `padding=kernel // 2`, or cut the last one off: `y[..., :-1]`"
        )


def _shifted(s: Sides) -> Scored:
    difference = s.large - s.small
    named = s.names[0 if s.left > s.right else 1] if s.names else "x"
    name = named if named.isidentifier() else "x"
    before = ":, " * s.dim
    why = f"one has {count(difference, 'entry')} more: a start, end or class token, a target that was shifted, or a bootstrapped last value"
    step = f"leave it out of the longer one: `{name}[{before}:-{difference}]` (the last) or `{name}[{before}{difference}:]` (the first)"
    return weigh(0.5 if s.dim else 0.7 if difference == 1 else 0.42, "shifted-by-one", why, step)


def _unpadded(s: Sides, place: float) -> Scored:
    """A convolution without padding on one path."""
    difference = s.large - s.small
    kernel, edge = difference + 1, difference // 2
    more = f" (or {edge} of kernel 3)" if difference > 2 else ""
    return weigh(
        (0.72 if difference == 2 else 0.66 if difference <= 6 else 0.4) * place,
        "unpadded-convolution",
        f"{s.large} - {s.small} = {difference}: a convolution of kernel {kernel} without padding takes {difference} away{more}",
        f"pad the convolution on the one path: `padding={edge}` for kernel {kernel}, or `padding='same'` where the stride is 1",
        f"or crop the other path by {edge} on either side",
        difference=difference,
    )


def _batch(s: Sides) -> Iterator[Scored]:
    """Dim 0 is mostly the batch."""
    if s.dim != 0 or s.small < 1:
        return
    ratio, rest = divmod(s.large, s.small)
    if s.large > s.small and s.large >= 4:
        usual = usual_batch(s.large) and s.large >= 8
        why = (
            f"a batch of {s.small} meets something made for {s.large}: the last batch of a loader is smaller, "
            "and a tensor of the full batch size was kept (labels, noise, a hidden state)"
        )
        steps = (
            "make it as long as the batch: `torch.zeros(x.size(0), …)`, `torch.randn(x.size(0), …)`",
            "or `DataLoader(…, drop_last=True)`",
        )
        score = 0.42 if not usual else 0.68 if rest else 0.5
        yield weigh(min(score, 0.5) if s.large - s.small == 1 else score, "last-batch", why, *steps, batch=s.small, made_for=s.large)
    if not rest and ratio > 1:
        why = (
            f"{s.large} = {ratio}·{s.small}: one side holds {ratio} entries for each of the other's "
            "(heads, copies, steps, prompts with and without guidance), or a `view(-1, …)` made more samples of the batch"
        )
        step = (
            f"bring the other along: `x.repeat_interleave({ratio}, 0)` where entries of one sample stand together, "
            f"`x.repeat({ratio}, …)` where whole batches follow one another"
        )
        yield weigh(0.56 if ratio in (2, 3, 4, 8, 12, 16) else 0.5, "repeated-batch", why, step, factor=ratio)


def _ratio(s: Sides) -> Iterator[Scored]:
    """One is a multiple of the other."""
    ratio, rest = divmod(s.large, max(s.small, 1))
    if rest or ratio not in (2, 3, 4, 8) or s.dim == 0 or s.small < 1:
        return
    if ratio == 2 and s.dim >= 2 and s.last is not False:
        why = (
            f"{s.large} = 2·{s.small}: one path halves the size (stride or pooling of 2), the other does not; "
            "or an upsampling is missing or there once too often"
        )
        stride = (
            "give the shortcut the same stride: `nn.Conv2d(c_in, c_out, 1, stride=2)`",
            "or bring one to the other's size: `F.interpolate(y, size=x.shape[2:])`",
        )
        yield weigh(0.7, "stride-on-one-path", why, *stride, factor=2)
    if s.dim in (1, 2) and s.small >= 4 and s.added:
        score = 0.4 if s.large < 8 else 0.62 if s.dim == 1 and ratio in (2, 4) else 0.54
        steps: tuple[str, ...] = (_SHORTCUT,)
        if ratio == 2:
            what = (
                "twice the channels or features: a block doubles its channels and the shortcut keeps them, "
                "an LSTM or GRU is bidirectional, or a gate was not split in two"
            )
            steps += ("for a bidirectional LSTM: build the other side for `2 * hidden_size`, or add both directions",)
        else:
            what = f"a block widens its channels {ratio} times (the expansion of a bottleneck) and the shortcut keeps them"
        yield weigh(score, "channels-on-one-path", f"{s.large} = {ratio}·{s.small}: {what}", *steps, factor=ratio)


def _families(s: Sides) -> Iterator[Scored]:
    return known_widths(s.left, s.right, "weights or embeddings (a LoRA, a textual inversion) of one family meet a model of the other")


_SPOKEN = (spoken.masked, spoken.factored, spoken.overlapped)
_HYPOTHESES = (*_SPOKEN, _vector, _reduced, _where, _tokens, _position, _channels, _near, _batch, _ratio, _families)
