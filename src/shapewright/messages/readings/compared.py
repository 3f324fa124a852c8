"""What two sizes say that a loss compares: where the message has no shapes, only the dim and the two numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shapewright.messages.later import pattern
from shapewright.messages.readings import pairs
from shapewright.messages.readings.scored import LIKELY, Scored, count, ranked, top, usual_batch, weigh
from shapewright.messages.readings.sides import Sides
from shapewright.messages.template import Cause

_FIRST = pattern(r"\b(?:mse_loss|l1_loss|smooth_l1_loss|huber_loss|gaussian_nll_loss|soft_margin_loss)\b")
_SECOND = pattern(r"\b(?:kl_div|poisson_nll_loss|hinge_embedding_loss)\b")
_ENCODED = 6  # halvings of an encoder


class _Met(NamedTuple):
    """The predictions' size and the targets'; `sure` is false where it is not known which is which."""

    out: int
    target: int
    dim: int
    sure: bool
    kind: str

    @property
    def outs(self) -> str:
        return f"predictions have {self.out}" if self.sure else f"one has {self.out}"

    @property
    def targets(self) -> str:
        return f"the targets {self.target}" if self.sure else f"the other {self.target}"


def compared(s: Sides) -> tuple[Cause, ...]:
    """The hypotheses for a loss in a dim behind the first; with the shapes there are better ones."""
    text = s.line + "\n" + s.frames
    second = _SECOND.search(text)
    out, target = (s.right, s.left) if second else (s.left, s.right)
    if s.rank:
        shapes = (s.right_shape, s.left_shape) if second else (s.left_shape, s.right_shape)
        return pairs.between(*shapes, s.line)
    met = _Met(out, target, s.dim, bool(second or _FIRST.search(text)), second[0] if second else "")
    scored = [one for hypothesis in (_COLUMNS if s.dim == 1 else _PLACES) for one in hypothesis(met)]
    if top(scored) < LIKELY:
        why = f"in dim {met.dim} (a side of pictures, or the features of each step) {met.outs} and {met.targets}"
        scored.append(weigh(0.5, "sizes-differ", why, "follow the size of the predictions back to the layer that sets it"))
    return ranked(scored)


# ------------------------------------------------------------------------------------------------------------------ [N, …] in dim 1


def _outputs(m: _Met) -> Iterator[Scored]:
    if m.kind == "kl_div":
        why = f"two distributions over other classes are compared: {m.out} in the first argument (the student), {m.target} in the second"
        step = f"both need the same classes: a last layer of {m.target} outputs for the student, or a teacher trained for {m.out}"
        yield weigh(0.85, "outputs-differ", why, step)
        return
    why = f"in dim 1 (outputs, channels or steps of each sample) {m.outs} and {m.targets}"
    vector = max(_batch_like(m.out, m.target), _batch_like(m.target, m.out))
    steps = [
        f"build the last layer for {m.target} outputs"
        if m.sure and vector <= 0.7
        else "build the last layer for as many outputs as there are targets"
    ]
    if m.sure and min(m.out, m.target) >= 6:
        longer, shorter = ("out", m.target) if m.out > m.target else ("target", m.out)
        steps.append(
            f"or, if they are steps (a forecast of {m.out} against {m.target}), compare those both have: `{longer}[:, :{shorter}]`"
        )
    yield weigh(0.5 if vector > 0.7 else 0.65, "outputs-differ", why, *steps)


def _vector(m: _Met) -> Iterator[Scored]:
    """One number for each sample, `[N]`, is lined up at the columns of `[N, C]`."""
    if m.kind == "kl_div":
        return
    length, columns = max((m.target, m.out), (m.out, m.target), key=lambda one: _batch_like(*one))
    score = _batch_like(length, columns)
    if not m.sure:
        why = f"if the one is a vector [{length}], a number for each sample, it is lined up at the {columns} columns of the other"
        step = f"for one quantity a last layer of 1 output and `out.squeeze(1)`; for {columns} classes `F.cross_entropy`"
        yield weigh(score, "vector-at-wrong-dim", why, step)
    elif length == m.target:
        why = (
            f"if the targets are a vector [{length}], one for each sample, it is lined up at the {count(columns, 'column')} of the "
            f"predictions: {columns} outputs for each sample, and 1 target"
        )
        steps = (
            "for one quantity: a last layer of 1 output, and `loss(out.squeeze(1), target)`",
            f"for class numbers: `F.cross_entropy(out, target)` with these {columns} outputs",
            f"not `target.unsqueeze(1)`: it runs, and compares each target with all {columns} outputs",
        )
        yield weigh(score, "vector-at-wrong-dim", why, *steps)
    else:
        why = f"if the predictions are a vector [{length}], one for each sample, the targets have {columns} for each"
        column = "or take the column that is meant: `target[:, 0]`"
        yield weigh(score, "vector-at-wrong-dim", why, f"build the last layer for {columns} outputs", column)


def _batch_like(length: int, columns: int) -> float:
    """How well this size is a batch, and the other one the columns."""
    if not usual_batch(length):
        return 0.3
    return 0.8 if 16 <= length > columns else 0.42


def _shifted(m: _Met) -> Iterator[Scored]:
    if abs(m.out - m.target) == 1 and min(m.out, m.target) >= 8:
        longer = ("out" if m.out > m.target else "target") if m.sure else "x"
        why = "one has a step (or a start, end or class token) more than the other"
        yield weigh(0.6, "shifted-by-one", why, f"leave it out of the longer one: `{longer}[:, 1:]` or `{longer}[:, :-1]`")


# --------------------------------------------------------------------------------------------------------------- sides of pictures


def _flattened(m: _Met) -> Iterator[Scored]:
    small, large = sorted((m.out, m.target))
    channels, rest = divmod(large, small * small) if small > 3 else (0, 1)
    if rest or channels not in (1, 3):
        return
    why = f"{large} = {'' if channels == 1 else '3·'}{small}·{small}: one side is a flattened picture, the other is not"
    step = "bring the target into the form of the predictions: `target.view_as(out)`"
    if m.sure:
        step += ", or `target.flatten(1)`" if m.out == large else ", or flatten the predictions: `out.flatten(1)`"
    yield weigh(0.9, "flattened", why, step)


def _transposed(m: _Met) -> Iterator[Scored]:
    """A transposed convolution of stride 2, kernel 3 and padding 1 gives 2n - 1, not 2n."""
    for out, target in _directions(m):
        for times in range(1, _ENCODED):
            sides = [-(-target // 2**i) for i in range(times + 1)]
            back = [(sides[-1] - 1) * 2**i + 1 for i in range(times + 1)]
            if sides[-1] > 1 and back[-1] == out < target:
                why = (
                    f"{target} halved {count(times, 'time')} is {' → '.join(map(str, sides))}, and a transposed convolution of stride 2, "
                    f"kernel 3 and padding 1 gives 2n - 1: {' → '.join(map(str, back))}"
                )
                odd = any(size % 2 for size in sides[:-1])
                where = "in those that must come back to an even size" if odd else "in each of them"
                steps = (
                    f"let it give 2n: `nn.ConvTranspose2d(c_in, c_out, 3, stride=2, padding=1, output_padding=1)`, {where}",
                    "or bring the output to the size that went in: `out = F.interpolate(out, size=target.shape[2:])`",
                )
                yield weigh(0.88, "output-padding-missing", why, *steps, difference=target - out)
                return


def _halved(m: _Met) -> Iterator[Scored]:
    """The halves were rounded: the output comes back too small, or too large."""
    for out, target in _directions(m):
        for times in range(1, _ENCODED):
            step = 2**times
            down, up = target // step, -(-target // step)
            if target // step < 2 or out == target or out not in (down * step, up * step):
                continue
            sides = [target // 2**i if out < target else -(-target // 2**i) for i in range(times + 1)]
            why = (
                f"{target} is no multiple of {step}: halved {count(times, 'time')}{'' if out < target else ', rounded up'}, "
                f"{' → '.join(map(str, sides))}, and doubled again it is {out}"
            )
            steps = (
                f"feed sizes that are multiples of {step}: resize, or `F.pad`",
                "or bring the output to the size that went in: `out = F.interpolate(out, size=target.shape[2:])`",
            )
            yield weigh(0.75, "odd-size", why, *steps, difference=abs(target - out))
            return


def _levels(m: _Met) -> Iterator[Scored]:
    small, large = sorted((m.out, m.target))
    ratio, rest = divmod(large, max(small, 1))
    if rest or ratio not in (2, 4, 8) or small < 2:
        return
    what = "one halving" if ratio == 2 else f"a size {ratio} times as large"
    missing = "an upsampling (or one with a larger factor) is missing" if m.out == small else "there is an upsampling too many"
    if not m.sure:
        missing = "an upsampling is missing, or there once too often"
    why = f"{large} = {ratio}·{small}: {what} is not undone: {missing}"
    step = "bring the output to the size that went in: `out = F.interpolate(out, size=target.shape[2:])`"
    yield weigh(0.7, "stride-on-one-path", why, "count the strides and poolings, and the upsamplings: both as often", f"or {step}")


def _unpadded(m: _Met) -> Iterator[Scored]:
    for out, target in _directions(m):
        lost = target - out
        if 0 < lost <= 64 and lost % 2 == 0 and 3 * lost < target:
            why = f"{target} - {out} = {lost}: convolutions without padding take the edges away, 2 for each of kernel 3"
            yield weigh(0.55 if lost <= 12 else 0.4, "unpadded-convolution", why, "pad them: `padding=1` for kernel 3", difference=lost)
            return


def _directions(m: _Met) -> tuple[tuple[int, int], ...]:
    """The output and what went in: both ways round where it is not known."""
    return ((m.out, m.target),) if m.sure else ((m.out, m.target), (m.target, m.out))


_COLUMNS = (_outputs, _vector, _shifted)
_PLACES = (_flattened, _transposed, _halved, _levels, _unpadded)
