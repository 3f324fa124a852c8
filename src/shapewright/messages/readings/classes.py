"""What the numbers say when class numbers and predictions do not go together: `cross_entropy` and `nll_loss`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd, isqrt, prod
from typing import NamedTuple

from shapewright.messages.readings.pairs import BATCH, DROP, KEEP, PRINT, SLUG
from shapewright.messages.readings.scored import LIKELY, Scored, count, ranked, top, usual_batch, weigh
from shapewright.messages.template import Cause, Found, Reading, told

_FLATTEN = "flatten both: `loss(out.view(-1, classes), target.view(-1))`"
_FLOATS = ("float", "double", "half", "bfloat16", "torch.float32", "torch.float64")


# --------------------------------------------------------------------------------------------- predictions and targets, counted


class _Rows(NamedTuple):
    """`got` predictions against `want` targets; `factor` is how often the one goes into the other, 0 when it does not."""

    got: int
    want: int
    factor: int


def batches(found: Found) -> Reading:
    """`got` predictions against `want` targets: dim 0 of each."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want"):
        cause = Cause("batches-differ", "dim 0 of both must be equal", likely=True)
        headline = "the loss compares another number of predictions than there are targets"
        return Reading(BATCH, headline, facts=facts, causes=(cause,), tries=(PRINT,))
    got, want = found.number("got"), found.number("want")
    small, large = min(got, want), max(got, want)
    rows = _Rows(got, want, large // small if small > 0 and large % small == 0 and large > small else 0)
    if rows.factor:
        facts["factor"] = rows.factor
    scored = [one for hypothesis in _ROWS for one in hypothesis(rows)]
    if top(scored) < LIKELY:
        why = f"predictions and targets do not come from the same samples, or the model changes their number: {got} against {want}"
        scored.append(weigh(0.5, "batches-differ", why, "follow `x.size(0)` through `forward`: it must be the batch in every line"))
    return Reading(
        BATCH,
        f"the loss compares {count(got, 'prediction')} with {count(want, 'target')}",
        f"dim 0 of the predictions is {got}, that of the targets {want}",
        facts,
        ranked(scored),
        (PRINT,),
    )


def _single(r: _Rows) -> Iterator[Scored]:
    """One side has no dim for the batch."""
    if r.want == 0:
        step = "`target.unsqueeze(0)`, or `target.view(1)`"
        yield weigh(0.8, "single-target", "the target is a single number without a batch", step)
    if r.got == 1 and r.want > 1:
        why = f"the predictions are a batch of 1, the target has no dim for it: a single mask or sequence of {r.want}"
        yield weigh(0.5, "target-without-batch", why, "give it the dim: `target.unsqueeze(0)`")


def _more_predictions(r: _Rows) -> Iterator[Scored]:
    """There are `factor` predictions for each target."""
    factor = r.factor
    if not factor or r.got < r.want:
        return
    side = isqrt(factor)
    square = f" ({factor} = {side}·{side}: the maps are {side} times as large a side as n was reckoned for)"
    why = f"{r.got} = {factor}·{r.want}: each sample became {factor} rows, as a `view(-1, n)` does whose n is {factor} times too small"
    yield weigh(
        0.72 if r.want > 1 else 0.5,
        "batch-mixed",
        why + (square if side * side == factor else ""),
        f"{KEEP}; the layer after it then says how many features come",
        "look for `view(-1, …)` and `reshape(-1, …)` in `forward`",
        factor=factor,
    )
    why = (
        f"if the predictions are sequences of {factor} steps: they were flattened to {r.want}·{factor} rows, "
        "the targets were not (or hold one class for each sequence)"
    )
    yield weigh(0.56, "only-predictions-flattened", why, _FLATTEN, "with one class for each sequence, take one step: `out[:, -1]`")
    if factor == 2:
        why = "two predictions for each target: both directions of an LSTM's hidden state, two views or real and fake ones joined"
        step = "for the hidden state of a bidirectional LSTM: `torch.cat([h[-2], h[-1]], 1)` before the last layer"
        yield weigh(0.5, "two-for-each", why, step)


def _more_targets(r: _Rows) -> Iterator[Scored]:
    """There are `factor` targets for each prediction."""
    factor = r.factor
    if not factor or r.got > r.want:
        return
    why = (
        f"{r.want} = {factor}·{r.got}: {factor} targets for each prediction: targets of {factor} steps "
        f"(or maps, or one-hot rows of {factor} classes) were flattened, the predictions were not"
    )
    onehot = "one-hot targets: `target.argmax(1)` before the loss, not `view(-1)`"
    yield weigh(0.66, "only-targets-flattened", why, _FLATTEN, onehot, factor=factor)
    if r.got > 1:
        why = f"{factor} samples became one row: a `view(-1, n)` whose n is {factor} times too large"
    else:
        why = f"all {r.want} samples became one row: a `view(1, -1)`, or a `flatten()` that takes the batch along"
    yield weigh(0.6 if r.got > 1 else 0.72, "batch-merged", why, KEEP, factor=factor)


def _other_batch(r: _Rows) -> Iterator[Scored]:
    """Neither goes into the other: a smaller last batch, a shift by one step, or samples that run into each other."""
    small, large = min(r.got, r.want), max(r.got, r.want)
    if r.factor or small < 1:
        return
    usual = usual_batch(large)
    if usual or large - small != 1:
        why = (
            f"a batch of {small} meets one of {large}: the last batch of the loader is smaller and one side was kept from before "
            f"or made for {large} (labels, noise, `view({large}, …)`)"
        )
        yield weigh(0.62 if usual else 0.45, "last-batch", why, "take the batch from what comes: `x.size(0)`", DROP, batch=small)
    shift = large - small
    if 0 < shift < small and r.got % shift == 0 and r.want % shift == 0:
        why = (
            f"{r.got} = {shift}·{r.got // shift} and {r.want} = {shift}·{r.want // shift}: in a batch of {shift} one side "
            "has a step more; only one was shifted (next-token targets)"
        )
        step = "shift both: `out[:, :-1].reshape(-1, classes)` with `target[:, 1:].reshape(-1)`"
        yield weigh(0.66, "shifted-by-one", why, step)
    common = gcd(r.got, r.want)
    share = f"{r.want // common}/{r.got // common}"
    why = (
        f"a `view(-1, n)` made {r.got} rows of {r.want} samples: its n is {share} of the numbers of a sample, "
        "so the samples run into each other"
    )
    yield weigh(0.66 if r.got > r.want else 0.42, "batch-mixed", why, KEEP, "look for `view(-1, …)` in `forward`")


def _last_sample(r: _Rows) -> Iterator[Scored]:
    """`out[-1]` is meant as the last step, and is the last sample."""
    if 1 < r.got <= 512 and (r.want > r.got or not r.factor) and r.want > 0:
        why = f"`out[-1]` of [batch, time, …] is the last sample with its {count(r.got, 'step')}, not the last step of each sample"
        step = "take the last step: `out[:, -1]`, with `batch_first=True`"
        yield weigh(0.45 if r.factor else 0.4, "last-sample-for-last-step", why, step)


_ROWS = (_single, _more_predictions, _more_targets, _other_batch, _last_sample)


# ----------------------------------------------------------------------------------------------- one class number for each place


def target_size(found: Found) -> Reading:
    """Scores `[N, C, d1, …]` want targets `[N, d1, …]`."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("want_shape", "got_shape"):
        cause = Cause("classes-not-in-dim-1", "the classes must be in dim 1 of the predictions", likely=True)
        return Reading(SLUG, "the loss expects a target of another shape", facts=facts, causes=(cause,), tries=(PRINT,))
    want, got = found.shape("want_shape"), found.shape("got_shape")
    why = "the classes must be in dim 1 of the predictions: [N, C, …] goes with targets [N, …]"
    last = weigh(0.5, "classes-last", why, "move the classes: `out.movedim(-1, 1)`")
    return Reading(
        SLUG,
        f"the loss expects a target {told(want)} but receives {told(got)}",
        "from predictions [N, C, d1, …] the loss reckons the target as [N, d1, …]: C in dim 1 are the classes",
        facts,
        ranked(next((said for hypothesis in _TARGETS if (said := list(hypothesis(want, got)))), [last])),
        (PRINT,),
    )


def _classes_last(want: Sequence[int], got: Sequence[int]) -> Iterator[Scored]:
    if len(want) != 2 or len(got) != 2 or want[0] != got[0] or want[1] == got[1]:
        return
    steps, classes = got[1], want[1]
    far = abs(steps - classes) > 2
    why = (
        f"the predictions end with a dim of {classes}; if these are the classes, they are [{want[0]}, {steps}, {classes}], "
        "and the loss takes the classes in dim 1"
    )
    tries = (
        "move the classes: `loss(out.transpose(1, 2), target)`",
        f"or make every step a sample: `loss(out.reshape(-1, {classes}), target.reshape(-1))`",
    )
    yield weigh(0.88 if far else 0.5, "classes-last", why, *tries, batch=want[0], steps=steps, classes=classes)
    why = f"the predictions have {count(want[1], 'step')} and the targets {got[1]}"
    yield weigh(0.4 if far else 0.6, "lengths-differ", why, "cut both to one length: `out[..., :n]`, `target[:, :n]`")


def _one_dim_more(want: Sequence[int], got: Sequence[int]) -> Iterator[Scored]:
    if len(got) != len(want) + 1:
        return
    if got[:1] == want[:1] and got[2:] == want[1:]:
        if got[1] == 1:
            why = f"the target {told(got)} has a channel dim of size 1; class numbers have none"
            yield weigh(0.9, "extra-dim", why, "drop it: `target.squeeze(1)`")
        else:
            why = f"the target {told(got)} has a dim of {got[1]} for the classes: it is one-hot, the loss takes class numbers"
            step = "or, as probabilities, of the very shape of the predictions and float: `target.float()`"
            yield weigh(0.9, "one-hot-target", why, "class numbers: `target.argmax(1)`", step)
    elif got[:-1] == want:
        why = f"the target {told(got)} ends with a dim of {got[-1]}: it is one-hot, the loss takes class numbers {told(want)}"
        yield weigh(0.88, "one-hot-target", why, "class numbers: `target.argmax(-1)`")


def _not_pooled(want: Sequence[int], got: Sequence[int]) -> Iterator[Scored]:
    if len(got) == 1 and len(want) > 1:
        why = f"there is one class for each sample, but the predictions have {told(want[1:])} places for each: they are not pooled to one"
        yield weigh(0.7, "one-class-for-each", why, "pool or take one step before the last layer: `x.mean(1)`, `out[:, -1]`")


def _other_sizes(want: Sequence[int], got: Sequence[int]) -> Iterator[Scored]:
    if len(want) != len(got):
        return
    differ = [i for i, (a, b) in enumerate(zip(want, got, strict=True)) if a != b]
    if len(differ) == 1 and differ[0] > 0:
        place = differ[0]
        why = f"predictions and targets have {want[place]} and {got[place]} places in dim {place} of the target"
        step = "bring the predictions to the target's size: `F.interpolate(out, size=target.shape[1:])`"
        yield weigh(0.7, "sizes-differ", why, step)
    elif sorted(want) == sorted(got):
        why = f"{told(got)} has the sizes of {told(want)} in another order"
        step = "bring the target into the predictions' order with `permute` or `transpose`"
        yield weigh(0.7, "dims-in-another-order", why, step)


_TARGETS = (_classes_last, _one_dim_more, _not_pooled, _other_sizes)


def multi(found: Found) -> Reading:
    """A target with more dims than one class number for each sample has."""
    facts: dict[str, object] = dict(found.values)
    if "cosine_embedding" in found.context.frames + found.context.line:
        why = "the target is [N, 1]: 1 or -1 for each pair, in a dim of its own"
        cause = Cause("extra-dim", why, likely=True, tries=("drop it: `target.squeeze(1)`",))
        headline = "the loss expects one number for each pair [N], but the target has more dims"
        return Reading(SLUG, headline, facts=facts, causes=(cause,), tries=(PRINT,))
    rank = found.number("rank") if found.known("rank") else None
    scored: list[Scored] = []
    if rank == 3:
        why = "the target has 3 dims, as maps [N, H, W] or one-hot sequences [N, L, C] have, but the predictions are [N, C]"
        step = "predictions for each place are [N, C, H, W] (or [N, C, L]): do not flatten or pool them"
        scored.append(weigh(0.7, "maps-as-target", why, step))
    why = "the target is [N, 1]: class numbers in a dim of their own"
    step = "drop the dim: `target.squeeze(1)` (not a bare `squeeze()`, which takes a batch of one along)"
    scored.append(weigh(0.65, "column-target", why, step))
    why = "the target is one-hot [N, C] and not of the predictions' shape, or the loss is `nll_loss`, which takes class numbers only"
    step = "or probabilities for `cross_entropy`: float, and with as many columns as there are classes"
    scored.append(weigh(0.6, "one-hot-target", why, "class numbers: `target.argmax(1)`", step))
    why = "a sample may have several labels at once: then it is no `cross_entropy`"
    scored.append(weigh(0.3, "several-labels", why, "`nn.BCEWithLogitsLoss()` with targets [N, C] of 0. and 1."))
    shown = f"one of {count(rank, 'dim')}" if rank else "one with more dims"
    return Reading(
        SLUG,
        f"the loss expects one class number for each sample [N] but receives {shown}",
        "predictions [N, C] go with class numbers [N], or, in `cross_entropy`, with probabilities [N, C]",
        facts,
        ranked(scored),
        (PRINT,),
    )


# ------------------------------------------------------------------------------------------------ class numbers that do not exist


def label(found: Found) -> Reading:
    """A class number that the predictions have no score for; one wording names the range of all labels instead."""
    if found.known("lowest", "highest"):
        number = found.number("lowest") if found.number("lowest") < 0 else found.number("highest")
    elif found.known("label"):
        number = found.number("label")
    else:
        cause = Cause("labels-from-one", "classes count from 0", likely=True)
        headline = "the target holds a class that the predictions do not have"
        return Reading(SLUG, headline, facts=dict(found.values), causes=(cause,))
    last = found.number("last_class") if found.known("last_class") else None
    return Reading(
        SLUG,
        f"the target holds class {number}, which the predictions do not have",
        f"class numbers lie between 0 and {'the number of classes less 1' if last is None else last}"
        + (f": the predictions have at most {count(number, 'class')}" if 0 < number != 255 and last is None else ""),
        {**found.values, "label": number},
        ranked(list(_marked(number)) or list(_too_high(number, last))),
        ("`print(target.min(), target.max(), out.shape)`: the largest target must be less than `out.size(1)`",),
    )


def _marked(label: int) -> Iterator[Scored]:
    """Numbers that mark what is to be left out."""
    if label == 255:
        why = "255 marks the places that are to be left out (the borders in PASCAL VOC, Cityscapes), or is white in a mask of 0 and 255"
        steps = ("leave them out: `nn.CrossEntropyLoss(ignore_index=255)`", "or, for a mask of black and white: `(target > 0).long()`")
        yield weigh(0.9, "ignore-label", why, *steps, label=255)
    elif label < 0:
        why = f"{label} marks what is to be left out (padding, unlabelled, noise of a clustering), or labels of -1 and 1"
        step = f"leave it out: `nn.CrossEntropyLoss(ignore_index={label})` (the default is -100)"
        yield weigh(0.85, "ignore-label", why, step, "labels of -1 and 1: `(target > 0).long()`", label=label)


def _too_high(label: int, last: int | None) -> Iterator[Scored]:
    if label == 1:
        why = "the predictions have a single class: the last layer has 1 output, and class 1 wants two"
        steps = (
            "for two classes and one output: `nn.BCEWithLogitsLoss()` with float targets, `loss(out.squeeze(1), target.float())`",
            "or build the last layer for 2 outputs",
        )
        yield weigh(0.9, "too-few-classes", why, *steps, classes=2)
        return
    more = f": with {count(label, 'class')} the last one is {label - 1}"
    steps = ("count from 0: `target - 1`", "look at them first: `print(target.min(), target.max())`")
    score = 0.7 if last is None or label == last + 1 else 0.4
    yield weigh(score, "labels-from-one", f"the labels count from 1{more}", *steps, classes=label)
    why = (
        f"the last layer has fewer than {label + 1} outputs: a class for the background was not counted, "
        "or the data has more classes than was thought"
    )
    yield weigh(0.62, "too-few-classes", why, f"build the last layer for {label + 1} classes or more", classes=label + 1)
    if label > 20:
        why = f"{label} is a number of the data itself (a year, a price, an id, a grey value), not a class from 0 on"
        step = "number the classes anew: `classes, target = torch.unique(target, return_inverse=True)`"
        yield weigh(0.45, "not-class-numbers", why, step, "for a quantity the loss is `mse_loss`")


def class_weights(found: Found) -> Reading:
    """Weights for another number of classes."""
    found = Found({name.rstrip("_"): value for name, value in found.values.items()}, found.text, found.context)
    facts: dict[str, object] = dict(found.values)
    if not found.known("classes", "weight_shape"):
        cause = Cause("weights-and-classes", "`weight` must have one number for each class", likely=True)
        headline = "the loss has weights for another number of classes than the predictions have"
        return Reading(SLUG, headline, "this wording names no sizes", facts, (cause,), ("compare `weight.numel()` with `out.size(1)`",))
    classes, weights = found.number("classes"), prod(found.shape("weight_shape"))
    if abs(classes - weights) == 1:
        more = "more" if classes > weights else "less"
        why = f"one class {more} than weights: the background, padding or ignored class is counted on one side only"
        scored = [weigh(0.7, "background-class", why)]
    else:
        why = (
            f"the weights were reckoned from data with {count(weights, 'class')} (a split in which some do not occur, or another data set)"
        )
        step = f"count with all of them: `torch.bincount(labels, minlength={classes})`"
        other = f"or {classes} is no number of classes: the classes must be in dim 1 of the predictions"
        scored = [
            weigh(0.7, "weights-of-other-classes", why, step),
            weigh(0.4, "classes-not-in-dim-1", other, "move them there: `out.movedim(-1, 1)`"),
        ]
    headline = f"the loss has weights for {count(weights, 'class')} but the predictions have {classes}"
    step = f"give {classes} weights: `nn.CrossEntropyLoss(weight=w)` with w of [{classes}]"
    return Reading(SLUG, headline, facts={**facts, "weights": weights}, causes=ranked(scored), tries=(step,))


def target_dtype(found: Found) -> Reading:
    """Class numbers in another dtype than int64."""
    dtype = str(found.values.get("dtype", ""))
    if dtype.lower() in _FLOATS:
        why = "the target is a quantity, not a class: then the loss is another one"
        scored = [
            weigh(0.7, "labels-as-floats", "the labels are floats, as a table or NumPy gives them", "`target = target.long()`"),
            weigh(0.4, "quantity", why, "`nn.MSELoss()` with predictions of the target's shape"),
        ]
    else:
        why = f"the labels are {dtype or 'of another dtype'}; class numbers must be int64 (or uint8)"
        scored = [weigh(0.7, "labels-of-another-integer", why, "`target = target.long()`")]
    shown = f" but receives {dtype}" if dtype else ""
    headline = f"this is about dtypes, not sizes: the loss expects class numbers (int64){shown}"
    return Reading(SLUG, headline, facts={"dtype": dtype} if dtype else {}, causes=ranked(scored))
