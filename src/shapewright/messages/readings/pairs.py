"""What the numbers say when a loss compares number with number: `binary_cross_entropy`, `mse_loss` and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isqrt

from shapewright.messages.readings.sizes import Scored, count, ranked, weigh
from shapewright.messages.template import Cause, Found, Reading, told

SLUG, BATCH = "loss-target-shape", "loss-batch-mismatch"
PRINT = "print both shapes in the line before the loss: `print(out.shape, target.shape)`"


def equal(found: Found) -> Reading:
    """Losses that compare number with number: two shapes that differ, raised as an error or only warned of."""
    facts: dict[str, object] = dict(found.values)
    warned = "warned" in facts
    facts.pop("warned", None)
    if not found.known("target_shape", "input_shape"):
        return Reading(
            SLUG,
            "the loss compares predictions with targets of another shape",
            "",
            facts,
            (Cause("shapes-differ", "both must have one shape", likely=True),),
            (PRINT,),
        )
    target, x = found.shape("target_shape"), found.shape("input_shape")
    spread = _spread(x, target) if warned else None
    scored: list[Scored] = []
    same = [n for n in x if n != 1] == [n for n in target if n != 1]
    slug = SLUG
    headline = f"the loss compares predictions {told(x)} with targets {told(target)}"
    certain = "every prediction must have one target: equal shapes"
    if warned and spread is not None:
        slug = "loss-broadcast"
        headline = f"the loss spreads predictions {told(x)} and targets {told(target)} to {told(spread)} and compares all with all"
        certain = (
            f"no error is raised: {product(spread)} differences are averaged, where {max(product(x), product(target))} were meant"
            if product(spread) > max(product(x), product(target))
            else "no error is raised: one side is repeated"
        )
        facts["spread_shape"] = spread
    if same and len(x) > len(target):
        places = _ones(x, target)
        scored.append(
            weigh(
                0.95,
                "column-against-row",
                f"the predictions have a dim of size 1 more than the targets: {told(x)} against {told(target)}",
                tries=(
                    *(f"give the target the dim: `target.unsqueeze({place})`" for place in places[:1]),
                    *(f"or take it from the predictions: `out.squeeze({place})` (never a bare `squeeze()`)" for place in places[:1]),
                ),
            )
        )
    elif same and len(target) > len(x):
        places = _ones(target, x)
        bare = len(x) == 0
        scored.append(
            weigh(
                0.95,
                "batch-squeezed" if bare else "column-against-row",
                f"the targets have a dim of size 1 more than the predictions: {told(x)} against {told(target)}"
                + ("; a bare `squeeze()` took the batch of 1 along" if bare else ""),
                tries=(
                    *(f"give the predictions the dim: `out.unsqueeze({place})`" for place in places[:1]),
                    *(f"or take it from the target: `target.squeeze({place})` (never a bare `squeeze()`)" for place in places[:1]),
                ),
            )
        )
    elif same:
        scored.append(
            weigh(
                0.85,
                "dim-of-size-one-moved",
                f"{told(x)} and {told(target)} have the same numbers, but the dim of size 1 in another place",
                tries=("`target = target.view_as(out)`, after looking that the order is the same",),
            )
        )
    elif len(x) == 2 and len(target) == 1 and x[0] == target[0]:
        scored.append(
            weigh(
                0.9,
                "class-numbers",
                f"{count(x[1], 'score')} for each sample meet one target each: these are {count(x[1], 'class')}, which "
                f"`cross_entropy` takes"
                if x[1] > 2
                else "two scores for each sample meet one target each",
                facts={"classes": x[1]},
                tries=(
                    "one class out of many: `nn.CrossEntropyLoss()` with class numbers [N]",
                    f"several labels at once: targets of 0. and 1. as {told(x)}, `F.one_hot(target, {x[1]}).float()` for one label each",
                    *(("two classes as one number: a last layer of 1 output, and `target.unsqueeze(1)`",) if x[1] == 2 else ()),
                ),
            )
        )
    elif len(x) == 1 and len(target) == 2 and x[0] == target[0]:
        scored.append(
            weigh(
                0.8,
                "one-score-for-each",
                f"one prediction for each sample meets {target[1]} targets: the targets are one-hot or hold several quantities",
                tries=(f"build the last layer for {target[1]} outputs", "or take the column that is meant: `target[:, 0]`"),
            )
        )
    elif len(x) == len(target) and x and x[0] != target[0] and x[1:] == target[1:]:
        slug = BATCH if spread is None else slug
        small, large = sorted((x[0], target[0]))
        gan = bool(re.search(r"real|fake|disc|netD|\bD\(|adversar", found.context.line))
        factor = large // small if small and not large % small else 0
        side = isqrt(factor)
        if factor:
            square = side > 1 and side * side == factor and x[0] > target[0]
            why = f"{large} = {factor}·{small}: " + (
                f"{factor} = {side}·{side} scores for each image: the images are larger than the network was built "
                f"for, and its last map is {side}×{side} instead of 1×1"
                if square
                else f"a `view(-1, …)` made {factor} rows of one, or {factor} of one"
            )
            scored.append(
                weigh(
                    0.78 if square else 0.55,
                    "batch-mixed",
                    why,
                    facts={"factor": factor},
                    tries=(
                        "look at the network's output before it is flattened: [N, 1, 1, 1] is one score for each image",
                        "keep the batch: `x.view(x.size(0), -1)`",
                    ),
                )
            )
        scored.append(
            weigh(
                0.75 if gan or not factor else 0.65,
                "last-batch",
                f"labels or noise were made for a batch of {max(x[0], target[0])}, and one of {small} came: the last "
                f"batch of the loader is smaller",
                facts={"batch": small},
                tries=(
                    "make them as long as the batch: `torch.ones(out.size(0), 1)`, `torch.ones_like(out)`",
                    "or `DataLoader(…, drop_last=True)`",
                ),
            )
        )
    elif len(x) == len(target) > 1 and x[0] == target[0]:
        hits = [i for i, (a, b) in enumerate(zip(x, target, strict=True)) if a != b]
        if hits == [1]:
            pair = {x[1], target[1]}
            note = (
                "a grey picture against a coloured one" if pair == {1, 3} else f"{x[1]} outputs against {target[1]} targets for each sample"
            )
            scored.append(
                weigh(
                    0.8,
                    "channels-differ" if len(x) > 2 else "outputs-differ",
                    f"dim 1 is {x[1]} and {target[1]}: {note}",
                    tries=(f"build the last layer for {target[1]}",)
                    if len(x) == 2
                    else (
                        f"let the last convolution give {target[1]} channels",
                        "masks: let `Image.open(mask).convert('L')` give one channel",
                    ),
                )
            )
        elif len(x) > 2:
            scored.append(
                weigh(
                    0.8,
                    "sizes-differ",
                    f"the pictures differ in {', '.join(f'dim {i} ({x[i]} and {target[i]})' for i in hits)}: the "
                    f"network does not come back to the size that went in",
                    tries=(
                        "`out = F.interpolate(out, size=target.shape[2:])`, or sides that can be halved often enough (multiples of 32)",
                    ),
                )
            )
        else:
            scored.append(weigh(0.6, "outputs-differ", f"{told(x)} against {told(target)}"))
    elif x and target and product(x) == product(target):
        scored.append(
            weigh(
                0.8,
                "flattened",
                f"both hold {product(x)} numbers, in another form: one side was flattened"
                + (" (a flattened picture against one that is not)" if len(target) == 4 or len(x) == 4 else ""),
                tries=("bring the target into the form of the predictions: `target.view_as(out)`, or `target.flatten(1)`",),
            )
        )
    elif x and target and x[0] != target[0]:
        slug = BATCH if spread is None else slug
        scored.append(
            weigh(
                0.6,
                "batches-differ",
                f"dim 0 is {x[0]} for the predictions and {target[0]} for the targets: the batch was mixed by a "
                f"`view(-1, …)`, or one side comes from another batch",
                tries=("keep the batch: `x.view(x.size(0), -1)`",),
            )
        )
    if not scored:
        scored.append(
            weigh(
                0.5,
                "shapes-differ",
                f"{told(x)} and {told(target)} stand for different things",
                tries=("bring the last layer's output to the shape of the targets",),
            )
        )
    return Reading(slug, headline, certain, facts, ranked(scored), (PRINT,))


def _ones(longer: Sequence[int], shorter: Sequence[int]) -> list[int]:
    """The dims of size 1 whose removal makes the longer shape the shorter one."""
    return [i for i, size in reversed(list(enumerate(longer))) if size == 1 and [*longer[:i], *longer[i + 1 :]] == list(shorter)]


def product(shape: Sequence[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def _spread(one: Sequence[int], other: Sequence[int]) -> list[int] | None:
    """The shape to which two shapes are stretched, None when they cannot be."""
    rank = max(len(one), len(other))
    mine, theirs = [1] * (rank - len(one)) + list(one), [1] * (rank - len(other)) + list(other)
    if any(a != b and 1 not in (a, b) for a, b in zip(mine, theirs, strict=True)):
        return None
    return [b if a == 1 else a for a, b in zip(mine, theirs, strict=True)]


def numel(found: Found) -> Reading:
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want"):
        return Reading(
            SLUG,
            "predictions and targets hold different numbers of values",
            "",
            facts,
            (Cause("shapes-differ", "both must have one shape", likely=True),),
        )
    got, want = found.number("got"), found.number("want")
    small, large = sorted((got, want))
    if small and large % small == 0:
        cause = Cause(
            "several-for-one",
            f"{large} = {large // small}·{small}: {large // small} "
            f"{'predictions for each target' if got > want else 'targets for each prediction'}",
            likely=True,
            facts={"factor": large // small},
            tries=("for one class out of many: `nn.CrossEntropyLoss()`", "or keep the batch in `forward`: `x.view(x.size(0), -1)`"),
        )
    else:
        cause = Cause(
            "last-batch",
            f"labels were made for another batch: {want} against {got}",
            likely=True,
            tries=("make them as long as the batch: `torch.ones_like(out)`", "or `DataLoader(…, drop_last=True)`"),
        )
    return Reading(SLUG, f"the loss compares {count(got, 'prediction')} with {count(want, 'target')}", "", facts, (cause,), (PRINT,))
