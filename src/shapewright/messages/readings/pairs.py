"""What the numbers say when a loss compares number with number: `binary_cross_entropy`, `mse_loss` and the like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt, prod
from typing import NamedTuple

from shapewright.messages.later import pattern
from shapewright.messages.readings.scored import Scored, count, ranked, weigh
from shapewright.messages.template import Cause, Found, Reading, told

SLUG, BATCH = "loss-target-shape", "loss-batch-mismatch"
PRINT = "print both shapes in the line before the loss: `print(out.shape, target.shape)`"
KEEP = "keep the batch: `x = x.view(x.size(0), -1)` or `torch.flatten(x, 1)`"
DROP = "or `DataLoader(…, drop_last=True)`"
_ADVERSARIAL = pattern(r"real|fake|disc|netD|\bD\(|adversar")
_BATCHES = {"batch-mixed", "last-batch", "batches-differ"}


class _Pair(NamedTuple):
    """The shapes of predictions and targets, and the line in which they meet."""

    x: list[int]
    target: list[int]
    line: str


def equal(found: Found) -> Reading:
    """Losses that compare number with number: two shapes that differ, raised as an error or only warned of."""
    facts: dict[str, object] = {name: value for name, value in found.values.items() if name != "warned"}
    if not found.known("target_shape", "input_shape"):
        cause = Cause("shapes-differ", "both must have one shape", likely=True)
        return Reading(SLUG, "the loss compares predictions with targets of another shape", facts=facts, causes=(cause,), tries=(PRINT,))
    x, target = found.shape("input_shape"), found.shape("target_shape")
    causes = between(x, target, found.context.line)
    spread = _spread(x, target) if "warned" in found else None
    if spread is not None:
        meant = max(prod(x), prod(target))
        more = f"{prod(spread)} differences are averaged, where {meant} were meant" if prod(spread) > meant else "one side is repeated"
        headline = f"the loss spreads predictions {told(x)} and targets {told(target)} to {told(spread)} and compares all with all"
        facts["spread_shape"] = spread
        return Reading("loss-broadcast", headline, f"no error is raised: {more}", facts, causes, (PRINT,))
    slug = BATCH if causes[0].name in _BATCHES else SLUG
    headline = f"the loss compares predictions {told(x)} with targets {told(target)}"
    return Reading(slug, headline, "every prediction must have one target: equal shapes", facts, causes, (PRINT,))


def between(x: Sequence[int], target: Sequence[int], line: str) -> tuple[Cause, ...]:
    """Why predictions of shape `x` meet targets of another one."""
    pair = _Pair(list(x), list(target), line)
    why = f"{told(pair.x)} and {told(pair.target)} stand for different things"
    last = weigh(0.5, "shapes-differ", why, "bring the last layer's output to the shape of the targets")
    return ranked(next((said for hypothesis in _HYPOTHESES if (said := list(hypothesis(pair)))), [last]))


# ------------------------------------------------------------------------------------- two shapes: the first that says something


def _size_one(p: _Pair) -> Iterator[Scored]:
    """All that differs is a dim of size 1."""
    x, target = p.x, p.target
    if [size for size in x if size != 1] != [size for size in target if size != 1]:
        return
    if len(x) == len(target):
        why = f"{told(x)} and {told(target)} have the same numbers, but the dim of size 1 in another place"
        yield weigh(0.85, "dim-of-size-one-moved", why, "`target = target.view_as(out)`, after looking that the order is the same")
        return
    mine = len(x) > len(target)
    place = next(iter(_ones(x, target) if mine else _ones(target, x)), None)
    steps: tuple[str, ...] = ()
    if place is not None:
        lacks, has, them = ("target", "out", "the predictions") if mine else ("out", "target", "the target")
        whom = "the target" if mine else "the predictions"
        steps = (
            f"give {whom} the dim: `{lacks}.unsqueeze({place})`",
            f"or take it from {them}: `{has}.squeeze({place})` (never a bare `squeeze()`)",
        )
    one, other = ("predictions", "targets") if mine else ("targets", "predictions")
    why = f"the {one} have a dim of size 1 more than the {other}: {told(x)} against {told(target)}"
    if x:
        yield weigh(0.95, "column-against-row", why, *steps)
    else:
        yield weigh(0.95, "batch-squeezed", f"{why}; a bare `squeeze()` took the batch of 1 along", *steps)


def _ones(longer: Sequence[int], shorter: Sequence[int]) -> list[int]:
    """The dims of size 1 whose removal makes the longer shape the shorter one, the last one first."""
    return [i for i, size in reversed(list(enumerate(longer))) if size == 1 and [*longer[:i], *longer[i + 1 :]] == list(shorter)]


def _columns(p: _Pair) -> Iterator[Scored]:
    """Several numbers for each sample on one side, one on the other."""
    x, target = p.x, p.target
    if len(x) == 2 and len(target) == 1 and x[0] == target[0]:
        steps = [
            "one class out of many: `nn.CrossEntropyLoss()` with class numbers [N]",
            f"several labels at once: targets of 0. and 1. as {told(x)}, `F.one_hot(target, {x[1]}).float()` for one label each",
        ]
        why = "two scores for each sample meet one target each"
        if x[1] == 2:
            steps.append("two classes as one number: a last layer of 1 output, and `target.unsqueeze(1)`")
        else:
            classes = count(x[1], "class")
            why = f"{count(x[1], 'score')} for each sample meet one target each: these are {classes}, which `cross_entropy` takes"
        yield weigh(0.9, "class-numbers", why, *steps, classes=x[1])
    elif len(x) == 1 and len(target) == 2 and x[0] == target[0]:
        why = f"one prediction for each sample meets {count(target[1], 'target')}: the targets are one-hot or hold several quantities"
        steps = [f"build the last layer for {target[1]} outputs", "or take the column that is meant: `target[:, 0]`"]
        yield weigh(0.8, "one-score-for-each", why, *steps)


def _batches(p: _Pair) -> Iterator[Scored]:
    """Only dim 0 differs."""
    x, target = p.x, p.target
    if len(x) != len(target) or not x or x[0] == target[0] or x[1:] != target[1:]:
        return
    small, large = sorted((x[0], target[0]))
    factor = large // small if small > 0 and large % small == 0 else 0
    if factor:
        side = isqrt(factor)
        square = side > 1 and side * side == factor and x[0] > target[0]
        if square:
            why = (
                f"{large} = {factor}·{small}: {factor} = {side}·{side} scores for each image: the images are larger "
                f"than the network was built for, and its last map is {side}×{side} instead of 1×1"
            )
        else:
            why = f"{large} = {factor}·{small}: a `view(-1, …)` made {factor} rows of one, or one of {factor}"
        steps = ("look at the network's output before it is flattened: [N, 1, 1, 1] is one score for each image", KEEP)
        yield weigh(0.78 if square else 0.55, "batch-mixed", why, *steps, factor=factor)
    why = f"labels or noise were made for a batch of {large}, and one of {small} came: the last batch of the loader is smaller"
    step = "make them as long as the batch: `torch.ones(out.size(0), 1)`, `torch.ones_like(out)`"
    score = 0.65 if factor and not _ADVERSARIAL.search(p.line) else 0.75
    yield weigh(score, "last-batch", why, step, DROP, batch=small)


def _places(p: _Pair) -> Iterator[Scored]:
    """The same batch and as many dims; the sizes behind the batch differ."""
    x, target = p.x, p.target
    if len(x) != len(target) or len(x) < 2 or x[0] != target[0]:
        return
    differ = [i for i, (a, b) in enumerate(zip(x, target, strict=True)) if a != b]
    if differ == [1] and len(x) == 2:
        why = f"dim 1 is {x[1]} and {target[1]}: {x[1]} outputs against {target[1]} targets for each sample"
        yield weigh(0.8, "outputs-differ", why, f"build the last layer for {target[1]} outputs")
    elif differ == [1]:
        note = f"{x[1]} channels of predictions against {target[1]} of targets"
        if {x[1], target[1]} == {1, 3}:
            note = "a grey picture against a coloured one"
        steps = (f"let the last convolution give {target[1]} channels", "masks: let `Image.open(mask).convert('L')` give one channel")
        yield weigh(0.8, "channels-differ", f"dim 1 is {x[1]} and {target[1]}: {note}", *steps)
    elif len(x) > 2:
        sizes = ", ".join(f"dim {i} ({x[i]} and {target[i]})" for i in differ)
        why = f"the pictures differ in {sizes}: the network does not come back to the size that went in"
        step = "`out = F.interpolate(out, size=target.shape[2:])`, or `output_padding=1` in a `ConvTranspose2d` that gives 2n - 1"
        yield weigh(0.8, "sizes-differ", why, step)


def _flattened(p: _Pair) -> Iterator[Scored]:
    x, target = p.x, p.target
    if x and target and prod(x) == prod(target):
        picture = " (a flattened picture against one that is not)" if 4 in (len(x), len(target)) else ""
        why = f"both hold {count(prod(x), 'number')}, in another form: one side was flattened{picture}"
        step = "bring the target into the form of the predictions: `target.view_as(out)`, or `target.flatten(1)`"
        yield weigh(0.8, "flattened", why, step)


def _other_batch(p: _Pair) -> Iterator[Scored]:
    x, target = p.x, p.target
    if x and target and x[0] != target[0]:
        why = (
            f"dim 0 is {x[0]} for the predictions and {target[0]} for the targets: the batch was mixed by a `view(-1, …)`, "
            "or one side comes from another batch"
        )
        yield weigh(0.6, "batches-differ", why, KEEP)


_HYPOTHESES = (_size_one, _columns, _batches, _places, _flattened, _other_batch)


def _spread(one: Sequence[int], other: Sequence[int]) -> list[int] | None:
    """The shape to which two shapes are stretched, None when they cannot be."""
    rank = max(len(one), len(other))
    mine, theirs = [1] * (rank - len(one)) + list(one), [1] * (rank - len(other)) + list(other)
    if any(a != b and 1 not in (a, b) for a, b in zip(mine, theirs, strict=True)):
        return None
    return [b if a == 1 else a for a, b in zip(mine, theirs, strict=True)]


def numel(found: Found) -> Reading:
    """`got` predictions against `want` targets, all in one row."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want"):
        cause = Cause("shapes-differ", "both must have one shape", likely=True)
        return Reading(SLUG, "predictions and targets hold different numbers of values", facts=facts, causes=(cause,))
    got, want = found.number("got"), found.number("want")
    small, large = sorted((got, want))
    if small > 0 and large % small == 0:
        factor = large // small
        why = f"{large} = {factor}·{small}: {factor} {'predictions for each target' if got > want else 'targets for each prediction'}"
        scored = weigh(0.6, "several-for-one", why, "for one class out of many: `nn.CrossEntropyLoss()`", KEEP, factor=factor)
    else:
        why = f"labels were made for another batch: {want} against {got}"
        scored = weigh(0.6, "last-batch", why, "make them as long as the batch: `torch.ones_like(out)`", DROP)
    headline = f"the loss compares {count(got, 'prediction')} with {count(want, 'target')}"
    return Reading(SLUG, headline, facts=facts, causes=ranked([scored]), tries=(PRINT,))
