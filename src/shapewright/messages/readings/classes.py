"""What the numbers say when class numbers and predictions do not go together: `cross_entropy` and `nll_loss`."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, isqrt

from shapewright.messages.readings.pairs import BATCH, PRINT, SLUG, product
from shapewright.messages.readings.sizes import Scored, count, ranked, weigh
from shapewright.messages.template import Cause, Found, Reading, told


def batches(found: Found) -> Reading:
    """`got` predictions against `want` targets: dim 0 of each."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want"):
        return Reading(
            BATCH,
            "the loss compares another number of predictions than there are targets",
            "",
            facts,
            (Cause("batches-differ", "dim 0 of both must be equal", likely=True),),
            (PRINT,),
        )
    got, want = found.number("got"), found.number("want")
    scored: list[Scored] = []
    small, large = min(got, want), max(got, want)
    factor, rest = divmod(large, small) if small else (0, 1)
    if not rest and factor > 1 and got > want:
        facts["factor"] = factor
        side = isqrt(factor)
        scored.append(
            weigh(
                0.72 if want > 1 else 0.5,
                "batch-mixed",
                f"{got} = {factor}·{want}: each sample became {factor} rows, as a `view(-1, n)` does whose n is {factor} times too small"
                + (
                    f" ({factor} = {side}·{side}: the maps are {side} times as large a side as n was reckoned for)"
                    if side * side == factor
                    else ""
                ),
                facts={"factor": factor},
                tries=(
                    "keep the batch: `x = x.view(x.size(0), -1)` or `torch.flatten(x, 1)`; the layer after it then "
                    "says how many features come",
                    "look for `view(-1, …)` and `reshape(-1, …)` in `forward`",
                ),
            )
        )
        scored.append(
            weigh(
                0.56,
                "only-predictions-flattened",
                f"if the predictions are sequences of {factor} steps: they were flattened to {want}·{factor} rows, the "
                f"targets were not (or hold one class for each sequence)",
                tries=(
                    "flatten both: `loss(out.view(-1, classes), target.view(-1))`",
                    "with one class for each sequence, take one step: `out[:, -1]`",
                ),
            )
        )
        if factor == 2:
            scored.append(
                weigh(
                    0.5,
                    "two-for-each",
                    "two predictions for each target: both directions of an LSTM's hidden state, two views or real and fake ones joined",
                    tries=("for the hidden state of a bidirectional LSTM: `torch.cat([h[-2], h[-1]], 1)` before the last layer",),
                )
            )
    elif not rest and factor > 1:
        facts["factor"] = factor
        scored.append(
            weigh(
                0.66,
                "only-targets-flattened",
                f"{want} = {factor}·{got}: {factor} targets for each prediction: targets of {factor} steps (or maps, "
                f"or one-hot rows of {factor} classes) were flattened, the predictions were not",
                facts={"factor": factor},
                tries=(
                    "flatten both: `loss(out.view(-1, classes), target.view(-1))`",
                    "one-hot targets: `target.argmax(1)` before the loss, not `view(-1)`",
                ),
            )
        )
        scored.append(
            weigh(
                0.6 if got > 1 else 0.72,
                "batch-merged",
                f"{factor} samples became one row: a `view(-1, n)` whose n is {factor} times too large"
                if got > 1
                else f"all {want} samples became one row: a `view(1, -1)`, or a `flatten()` that takes the batch along",
                facts={"factor": factor},
                tries=("keep the batch: `x = x.view(x.size(0), -1)` or `torch.flatten(x, 1)`",),
            )
        )
        if 1 < got <= 512:
            scored.append((0.45, _last_sample(got)))
    if got == 1 and want > 1:
        scored.append(
            weigh(
                0.5,
                "target-without-batch",
                f"the predictions are a batch of 1, the target has no dim for it: a single mask or sequence of {want}",
                tries=("give it the dim: `target.unsqueeze(0)`",),
            )
        )
    if want == 0:
        scored.insert(
            0,
            weigh(
                0.8, "single-target", "the target is a single number without a batch", tries=("`target.unsqueeze(0)`, or `target.view(1)`",)
            ),
        )
    if rest or not scored:
        usual = large & (large - 1) == 0 or large % 10 == 0
        near = large - small == 1
        if usual or not near:
            scored.append(
                weigh(
                    0.62 if usual else 0.45,
                    "last-batch",
                    f"a batch of {small} meets one of {large}: the last batch of the loader is smaller and one side "
                    f"was kept from before or made for {large} (labels, noise, `view({large}, …)`)",
                    facts={"batch": small},
                    tries=("take the batch from what comes: `x.size(0)`", "or `DataLoader(…, drop_last=True)`"),
                )
            )
        if small > 1 and large - small < small:
            steps = _shifted(got, want)
            if steps:
                scored.append(
                    weigh(
                        0.66,
                        "shifted-by-one",
                        steps,
                        tries=("shift both: `out[:, :-1].reshape(-1, classes)` with `target[:, 1:].reshape(-1)`",),
                    )
                )
        if rest and small:
            common = gcd(got, want)
            share = f"{want // common}/{got // common}"
            scored.append(
                weigh(
                    0.54 if got > want else 0.42,
                    "batch-mixed",
                    f"a `view(-1, n)` made {got} rows of {want} samples: its n is {share} of the numbers of a sample, "
                    f"so the samples run into each other",
                    tries=("keep the batch: `x = x.view(x.size(0), -1)`", "look for `view(-1, …)` in `forward`"),
                )
            )
            if 1 < got <= 512:
                scored.append((0.4, _last_sample(got)))
    if max((score for score, _ in scored), default=0.0) < 0.5:
        scored.append(
            weigh(
                0.5,
                "batches-differ",
                f"predictions and targets do not come from the same samples, or the model changes their number: {got} against {want}",
                tries=("follow `x.size(0)` through `forward`: it must be the batch in every line",),
            )
        )
    return Reading(
        BATCH,
        f"the loss compares {count(got, 'prediction')} with {count(want, 'target')}",
        f"dim 0 of the predictions is {got}, that of the targets {want}",
        facts,
        ranked(scored),
        (PRINT,),
    )


def _last_sample(got: int) -> Cause:
    return Cause(
        "last-sample-for-last-step",
        f"`out[-1]` of [batch, time, …] is the last sample with its {count(got, 'step')}, not the last step of each sample",
        tries=("take the last step: `out[:, -1]`, with `batch_first=True`",),
    )


def _shifted(got: int, want: int) -> str:
    """Both are batch times steps, and one has a step less."""
    difference = abs(got - want)
    if difference and got % difference == 0 and want % difference == 0 and min(got, want) > difference:
        return (
            f"{got} = {difference}·{got // difference} and {want} = {difference}·{want // difference}: in a batch "
            f"of {difference} one side has a step more; only one was shifted (next-token targets)"
        )
    return ""


def target_size(found: Found) -> Reading:
    """Scores `[N, C, d1, …]` want targets `[N, d1, …]`."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("want_shape", "got_shape"):
        return Reading(
            SLUG,
            "the loss expects a target of another shape",
            "",
            facts,
            (Cause("classes-not-in-dim-1", "the classes must be in dim 1 of the predictions", likely=True),),
            (PRINT,),
        )
    want, got = found.shape("want_shape"), found.shape("got_shape")
    scored: list[Scored] = []
    if len(want) == len(got) == 2 and want[0] == got[0] and want[1] != got[1]:
        steps, classes = got[1], want[1]
        scored.append(
            weigh(
                0.88 if abs(steps - classes) > 2 else 0.5,
                "classes-last",
                f"the predictions end with a dim of {classes}; if these are the classes, they are [{want[0]}, {steps}, "
                f"{classes}], and the loss takes the classes in dim 1",
                facts={"batch": want[0], "steps": steps, "classes": classes},
                tries=(
                    "move the classes: `loss(out.transpose(1, 2), target)`",
                    f"or make every step a sample: `loss(out.reshape(-1, {classes}), target.reshape(-1))`",
                ),
            )
        )
        scored.append(
            weigh(
                0.4 if abs(steps - classes) > 2 else 0.6,
                "lengths-differ",
                f"the predictions have {want[1]} steps and the targets {got[1]}",
                tries=("cut both to one length: `out[..., :n]`, `target[:, :n]`",),
            )
        )
    elif len(got) == len(want) + 1 and got[:1] == want[:1] and got[2:] == want[1:]:
        one = got[1] == 1
        scored.append(
            weigh(
                0.9,
                "extra-dim" if one else "one-hot-target",
                f"the target {told(got)} has a channel dim of size 1; class numbers have none"
                if one
                else f"the target {told(got)} has a dim of {got[1]} for the classes: it is one-hot, the loss takes class numbers",
                tries=("drop it: `target.squeeze(1)`",)
                if one
                else (
                    "class numbers: `target.argmax(1)`",
                    "or, as probabilities, of the very shape of the predictions and float: `target.float()`",
                ),
            )
        )
    elif len(got) == len(want) + 1 and got[:-1] == want:
        scored.append(
            weigh(
                0.88,
                "one-hot-target",
                f"the target {told(got)} ends with a dim of {got[-1]}: it is one-hot, the loss takes class numbers {told(want)}",
                tries=("class numbers: `target.argmax(-1)`",),
            )
        )
    elif len(got) == 1:
        scored.append(
            weigh(
                0.7,
                "one-class-for-each",
                f"there is one class for each sample, but the predictions have {told(want[1:])} places for each: they "
                f"are not pooled to one",
                tries=("pool or take one step before the last layer: `x.mean(1)`, `out[:, -1]`",),
            )
        )
    if not scored and len(got) == len(want):
        hits = [i for i, (a, b) in enumerate(zip(want, got, strict=True)) if a != b]
        if len(hits) == 1 and hits[0] > 0:
            scored.append(
                weigh(
                    0.7,
                    "sizes-differ",
                    f"predictions and targets have {want[hits[0]]} and {got[hits[0]]} places in dim {hits[0]} of the target",
                    tries=("bring the predictions to the target's size: `F.interpolate(out, size=target.shape[1:])`",),
                )
            )
        elif sorted(want) == sorted(got):
            scored.append(
                weigh(
                    0.7,
                    "dims-in-another-order",
                    f"{told(got)} has the sizes of {told(want)} in another order",
                    tries=("bring the target into the predictions' order with `permute` or `transpose`",),
                )
            )
    if not scored:
        scored.append(
            weigh(
                0.5,
                "classes-last",
                "the classes must be in dim 1 of the predictions: [N, C, …] goes with targets [N, …]",
                tries=("move the classes: `out.movedim(-1, 1)`",),
            )
        )
    return Reading(
        SLUG,
        f"the loss expects a target {told(want)} but receives {told(got)}",
        "from predictions [N, C, d1, …] the loss reckons the target as [N, d1, …]: C in dim 1 are the classes",
        facts,
        ranked(scored),
        (PRINT,),
    )


def multi(found: Found) -> Reading:
    facts: dict[str, object] = dict(found.values)
    rank = found.number("rank") if found.known("rank") else None
    cosine = "cosine_embedding" in found.context.frames + found.context.line
    if cosine:
        return Reading(
            SLUG,
            "the loss expects one number for each pair [N], but the target has more dims",
            "",
            facts,
            (
                Cause(
                    "extra-dim",
                    "the target is [N, 1]: 1 or -1 for each pair, in a dim of its own",
                    likely=True,
                    tries=("drop it: `target.squeeze(1)`",),
                ),
            ),
            (PRINT,),
        )
    causes = [
        Cause(
            "column-target",
            "the target is [N, 1]: class numbers in a dim of their own",
            likely=True,
            tries=("drop the dim: `target.squeeze(1)` (not a bare `squeeze()`, which takes a batch of one along)",),
        ),
        Cause(
            "one-hot-target",
            "the target is one-hot [N, C] and not of the predictions' shape, or the loss is `nll_loss`, which takes class numbers only",
            likely=True,
            tries=(
                "class numbers: `target.argmax(1)`",
                "or probabilities for `cross_entropy`: float, and with as many columns as there are classes",
            ),
        ),
        Cause(
            "several-labels",
            "a sample may have several labels at once: then it is no `cross_entropy`",
            tries=("`nn.BCEWithLogitsLoss()` with targets [N, C] of 0. and 1.",),
        ),
    ]
    if rank == 3:
        causes.insert(
            0,
            Cause(
                "maps-as-target",
                "the target has 3 dims, as maps [N, H, W] or one-hot sequences [N, L, C] have, but the predictions are [N, C]",
                likely=True,
                tries=("predictions for each place are [N, C, H, W] (or [N, C, L]): do not flatten or pool them",),
            ),
        )
    shown = f" but receives one of {rank} dims" if rank else " but receives one with more dims"
    return Reading(
        SLUG,
        f"the loss expects one class number for each sample [N]{shown}",
        "predictions [N, C] go with class numbers [N], or, in `cross_entropy`, with probabilities [N, C]",
        facts,
        tuple(causes),
        (PRINT,),
    )


def spatial(found: Found) -> Reading:
    """Predictions `[N, C, H, W]` want masks `[N, H, W]`."""
    facts: dict[str, object] = dict(found.values)
    shape = found.shape("got_shape") if found.known("got_shape") else None
    rank = found.number("rank") if found.known("rank") else len(shape) if shape is not None else None
    squeeze = "`target.squeeze(1).long()`"
    if rank == 4:
        channels = shape[1] if shape else None
        one = Cause(
            "mask-with-channel",
            "the mask has a channel dim [N, 1, H, W], as `ToTensor()` makes it",
            likely=channels in (None, 1),
            tries=(f"drop it: {squeeze} (and mind that `ToTensor()` divides class numbers by 255)",),
        )
        colours = Cause(
            "mask-in-colours",
            "the mask is an RGB picture [N, 3, H, W]: colours instead of class numbers",
            likely=channels == 3,
            tries=("map each colour to its class number when the mask is loaded",),
        )
        onehot = Cause(
            "one-hot-target",
            "the mask is one-hot [N, C, H, W], with another number of classes than the predictions",
            likely=channels not in (None, 1, 3),
            tries=("class numbers: `target.argmax(1)`",),
        )
        causes: Sequence[Cause] = sorted((one, colours, onehot), key=lambda cause: not cause.likely)
    elif rank == 1:
        causes = (
            Cause(
                "not-pooled",
                "there is one class for each sample, but the predictions are maps [N, C, H, W]: they are neither pooled nor flattened",
                likely=True,
                tries=("pool before the loss: `out.mean((2, 3))`, or `nn.AdaptiveAvgPool2d(1)` and `nn.Flatten()` before the last layer",),
            ),
        )
    elif rank == 2:
        causes = (
            Cause(
                "mask-flattened",
                "the masks were flattened to [N, H·W], the predictions were not",
                likely=True,
                tries=("flatten both: `loss(out.flatten(2), target)`, or leave the masks [N, H, W]",),
            ),
        )
    else:
        causes = (
            Cause(
                "mask-dims", "masks of class numbers are [N, H, W]", likely=True, tries=("take the extra dims away: `target.squeeze(1)`",)
            ),
        )
    shown = f" but receives {told(shape)}" if shape else f" but receives one of {count(rank, 'dim')}" if rank else ""
    return Reading(
        SLUG,
        f"the loss expects masks of class numbers [N, H, W]{shown}",
        "predictions of maps [N, C, H, W] go with class numbers [N, H, W]",
        facts,
        tuple(causes),
        (PRINT,),
    )


def spatial_size(found: Found) -> Reading:
    facts: dict[str, object] = dict(found.values)
    if not found.known("input_shape", "target_shape") or not found.shape("input_shape"):
        return Reading(
            SLUG,
            "predictions and targets have different sizes",
            "",
            facts,
            (Cause("sizes-differ", "the maps of both must have one size", likely=True),),
            (PRINT,),
        )
    x, target = found.shape("input_shape"), found.shape("target_shape")
    if len(x) == 1:
        return Reading(
            SLUG,
            f"the loss expects a target of one class number but receives {told(target)}",
            f"predictions {told(x)} of one dim are read as one sample of {count(x[0], 'class')}",
            facts,
            (
                Cause(
                    "batch-dim-missing",
                    "the predictions lost the dim of the batch, as by a bare `squeeze()` on a batch of 1 or a last layer of 1 output",
                    likely=True,
                    tries=("keep it: `out.unsqueeze(0)`, and name the dim to squeeze",),
                ),
            ),
            (PRINT,),
        )
    if len(x) == 2:
        return batches(Found({**found.values, "got": x[0], "want": target[0] if target else 0}, found.text, found.context))
    mine, theirs = x[2:], target[1:]
    scored: list[Scored] = []
    if x[:1] != target[:1] and x and target:
        scored.append(weigh(0.7, "batches-differ", f"batches of {x[0]} and {target[0]}", tries=("take both from one batch of the loader",)))
    factors = {b / a for a, b in zip(mine, theirs, strict=False) if a}
    if len(mine) == len(theirs) and mine != theirs:
        if list(reversed(mine)) == list(theirs):
            scored.append(
                weigh(
                    0.8,
                    "height-and-width",
                    f"{told(mine)} against {told(theirs)}: height and width stand in another order",
                    tries=("`target.transpose(1, 2)`; a PIL image has `size` (width, height), a tensor [H, W]",),
                )
            )
        elif len(factors) == 1 and (factor := factors.pop()) > 1 and factor == int(factor):
            scored.append(
                weigh(
                    0.9,
                    "output-stride",
                    f"the predictions are {int(factor)} times as small a side as the masks: the network gives maps at "
                    f"1/{int(factor)} of the image and does not upsample them",
                    facts={"factor": int(factor)},
                    tries=(
                        "bring the predictions to the masks: `F.interpolate(out, size=target.shape[-2:], mode='bilinear')`",
                        f"or the masks to the predictions: `F.interpolate(target[:, None].float(), size={tuple(mine)}, "
                        f"mode='nearest')[:, 0].long()`",
                    ),
                )
            )
        elif (
            all(0 < b - a <= 400 for a, b in zip(mine, theirs, strict=True))
            and len({b - a for a, b in zip(mine, theirs, strict=True)}) == 1
            and (theirs[0] - mine[0]) % 2 == 0
        ):
            lost = theirs[0] - mine[0]
            scored.append(
                weigh(
                    0.75,
                    "unpadded-convolution",
                    f"the predictions lost {lost} places a side ({lost // 2} at each edge): convolutions without padding",
                    facts={"difference": lost},
                    tries=(
                        f"pad the convolutions (`padding=1` for kernel 3), or crop the masks by {lost // 2}: "
                        f"`target[..., {lost // 2}:-{lost // 2}, {lost // 2}:-{lost // 2}]`",
                    ),
                )
            )
        scored.append(
            weigh(
                0.6,
                "sizes-differ",
                f"predictions of {told(mine)} places meet masks of {told(theirs)}: image and mask were resized or "
                f"cropped differently, or the network does not keep the size",
                tries=(
                    "resize both alike, masks with the nearest neighbour",
                    "or `F.interpolate(out, size=target.shape[-2:])` before the loss",
                ),
            )
        )
    if not scored:
        scored.append(
            weigh(0.5, "dims-differ", f"predictions {told(x)} go with a target of {count(max(len(x) - 1, 0), 'dim')}, not {len(target)}")
        )
    return Reading(
        SLUG,
        f"the loss compares maps of {told(mine)} with masks of {told(theirs)}",
        f"predictions {told(x)}, target {told(target)}",
        facts,
        ranked(scored),
        (PRINT,),
    )


def label(found: Found) -> Reading:
    """A class number that the predictions have no score for."""
    found = _range(found)
    facts: dict[str, object] = dict(found.values)
    if not found.known("label"):
        return Reading(
            SLUG,
            "the target holds a class that the predictions do not have",
            "",
            facts,
            (Cause("labels-from-one", "classes count from 0", likely=True),),
        )
    label = found.number("label")
    ranged = found.known("last_class")
    last = found.number("last_class") if ranged else None
    scored: list[Scored] = []
    if label == 255:
        scored.append(
            weigh(
                0.9,
                "ignore-label",
                "255 marks the places that are to be left out (the borders in PASCAL VOC, Cityscapes), or is white in a mask of 0 and 255",
                facts={"label": 255},
                tries=(
                    "leave them out: `nn.CrossEntropyLoss(ignore_index=255)`",
                    "or, for a mask of black and white: `(target > 0).long()`",
                ),
            )
        )
    elif label < 0:
        scored.append(
            weigh(
                0.85 if label == -1 else 0.7,
                "ignore-label",
                f"{label} marks what is to be left out (padding, unlabelled, noise of a clustering), or labels of -1 and 1",
                facts={"label": label},
                tries=(
                    f"leave it out: `nn.CrossEntropyLoss(ignore_index={label})` (the default is -100)",
                    "labels of -1 and 1: `(target > 0).long()`",
                ),
            )
        )
    else:
        scored.append(
            weigh(
                0.7 if last is None or label == last + 1 else 0.4,
                "labels-from-one",
                f"the labels count from 1: with {count(label, 'class')} the last one is {label - 1}"
                if label >= 2
                else "the labels count from 1",
                facts={"classes": label},
                tries=("count from 0: `target - 1`", "look at them first: `print(target.min(), target.max())`"),
            )
        )
        scored.append(
            weigh(
                0.62,
                "too-few-classes",
                f"the last layer has fewer than {label + 1} outputs: a class for the background was not counted, or "
                f"the data has more classes than was thought"
                + ("; with a single output it must be `BCEWithLogitsLoss`" if label == 1 else ""),
                facts={"classes": label + 1},
                tries=(f"build the last layer for {label + 1} classes or more",)
                if label != 1
                else (
                    "for two classes and one output: `nn.BCEWithLogitsLoss()` with float targets [N, 1]",
                    "or build the last layer for 2 classes",
                ),
            )
        )
        if label > 20:
            scored.append(
                weigh(
                    0.45,
                    "not-class-numbers",
                    f"{label} is a number of the data itself (a year, a price, an id, a grey value), not a class from 0 on",
                    tries=(
                        "number the classes anew: `classes, target = torch.unique(target, return_inverse=True)`",
                        "for a quantity the loss is `mse_loss`",
                    ),
                )
            )
    return Reading(
        SLUG,
        f"the target holds class {label}, which the predictions do not have",
        f"class numbers lie between 0 and {last}" if last is not None else "class numbers lie between 0 and the number of classes less 1",
        facts,
        ranked(scored),
        ("`print(target.min(), target.max(), out.shape)`: the largest target must be less than `out.size(1)`",),
    )


def class_weights(found: Found) -> Reading:
    """Weights for another number of classes."""
    found = Found({name.rstrip("_"): value for name, value in found.values.items()}, found.text, found.context)
    facts: dict[str, object] = dict(found.values)
    if not found.known("classes", "weight_shape"):
        return Reading(
            SLUG,
            "the loss has weights for another number of classes than the predictions have",
            "this wording names no sizes",
            facts,
            (Cause("weights-and-classes", "`weight` must have one number for each class", likely=True),),
            ("compare `weight.numel()` with `out.size(1)`",),
        )
    classes, weights = found.number("classes"), product(found.shape("weight_shape"))
    causes = []
    if abs(classes - weights) == 1:
        causes.append(
            Cause(
                "background-class",
                f"one class {'more' if classes > weights else 'less'} than weights: the background, padding or ignored "
                f"class is counted on one side only",
                likely=True,
            )
        )
    else:
        causes.append(
            Cause(
                "weights-of-other-classes",
                f"the weights were reckoned from data with {count(weights, 'class')} (a split in which some do not "
                f"occur, or another data set)",
                likely=True,
                tries=(f"count with all of them: `torch.bincount(labels, minlength={classes})`",),
            )
        )
        causes.append(
            Cause(
                "classes-not-in-dim-1",
                f"or {classes} is no number of classes: the classes must be in dim 1 of the predictions",
                tries=("move them there: `out.movedim(-1, 1)`",),
            )
        )
    return Reading(
        SLUG,
        f"the loss has weights for {count(weights, 'class')} but the predictions have {classes}",
        "",
        {**facts, "weights": weights},
        tuple(causes),
        (f"give {classes} weights: `nn.CrossEntropyLoss(weight=w)` with w of [{classes}]",),
    )


def target_dtype(found: Found) -> Reading:
    dtype = next((str(value) for name, value in found.values.items() if name.startswith("dtype")), "")
    fraction = dtype.lower() in ("float", "double", "half", "bfloat16", "torch.float32", "torch.float64")
    causes = [
        Cause(
            "labels-as-floats" if fraction else "labels-of-another-integer",
            "the labels are floats, as a table or NumPy gives them"
            if fraction
            else f"the labels are {dtype or 'of another dtype'}; class numbers must be int64 (or uint8)",
            likely=True,
            tries=("`target = target.long()`",),
        )
    ]
    if fraction:
        causes.append(
            Cause(
                "quantity",
                "the target is a quantity, not a class: then the loss is another one",
                tries=("`nn.MSELoss()` with predictions of the target's shape",),
            )
        )
    return Reading(
        SLUG,
        f"this is about dtypes, not sizes: the loss expects class numbers (int64){f' but receives {dtype}' if dtype else ''}",
        "",
        {"dtype": dtype} if dtype else {},
        tuple(causes),
    )


def _range(found: Found) -> Found:
    """The label that is out of the range, for the wording that names a range."""
    if not found.known("lowest", "highest"):
        return found
    lowest, highest = found.number("lowest"), found.number("highest")
    return Found({**found.values, "label": lowest if lowest < 0 else highest}, found.text, found.context)
