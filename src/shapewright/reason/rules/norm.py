"""A normalisation layer was built for another number of features, or has nothing to average over.

What happened. BatchNorm and InstanceNorm keep one number per channel and look for the channels in dim 1; GroupNorm
splits dim 1 into groups; LayerNorm and RMSNorm work on the last dims. That dim has another size, or the input another
number of dims, than the layer was built for (`norm-features`). In training BatchNorm needs more than one value for
each channel, and a batch of one sample without height and width has just one (`last-batch`).

Why. The number was not changed with the layer before it; features stand last (`[N, L, C]`) where BatchNorm1d looks in
dim 1, or in dim 1 where LayerNorm looks last; a BatchNorm2d behind a flatten. A last batch of one: 129 samples in
batches of 64 leave one over.

How to tell which fix is right. `num_features` follows the layer before it. If the order of dims is the trouble,
permute, or take the norm that fits the order. For a single sample at the end of an epoch, `drop_last=True` in the
DataLoader; for a single sample on purpose, `model.eval()`.

Example. A convolution that gives out 32 channels before `nn.BatchNorm2d(64)`:

    `bn1` expects 64 features but receives 32
"""

from __future__ import annotations

import re

from shapewright.model import Clash, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, integer, numbers, numel, setting, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = {
    "norm-features": "A normalisation layer is given another number of features than it was built for.",
    "last-batch": "The last batch is smaller than the others: one sample for a BatchNorm, or not the number that the program counts on.",
}

FORMS = {1: "[N, C] or [N, C, L]", 2: "[N, C, H, W]", 3: "[N, C, D, H, W]"}


def demand(scene: Scene) -> Clash | None:
    """The dim that is normalised has the size of the layer."""
    event = scene.event
    x = tensor(event, 0, "input")
    if x is None:
        return None
    if re.fullmatch(r"(lazy|sync)?(batch|instance)norm([123]d)?", event.op):
        return _module_rank(scene, x)
    if event.op == "batch_norm":
        return _per_channel(scene, x, training=event.argument(5, "training") is True)
    if event.op == "instance_norm":
        return _instance(scene, x)
    if event.op in ("layer_norm", "rms_norm"):
        return _last_dims(scene, x)
    if event.op == "group_norm":
        return _groups(scene, x)
    return None


def _features(scene: Scene, x: TensorInfo, features: int, dim: int, key: str, against: TensorInfo | None) -> Clash:
    layer, called = say.layer(scene, key), say.name(scene, x, "the input")
    noun = "channel" if key == "num_channels" or x.rank == 4 else "feature"
    headline = f"`{layer}` expects {say.count(features, noun)} but receives {x.shape[dim]}"
    want = setting(scene, key, features) or (at(against, 0) if against is not None else None)
    notes: tuple[str, ...] = ()
    if features in x.shape[dim + 1 :]:
        notes = (f"dim {x.shape.index(features, dim + 1)} of {called} is {features}; `{layer}` looks in dim {dim}",)
    takes = ", ".join(f"→{features}←" if i == dim else "*" for i in range(x.rank))
    return Clash("norm-features", headline, f"{called} is {say.marked(x, dim)}, {layer} takes [{takes}]", at(x, dim), want, notes)


def _per_channel(scene: Scene, x: TensorInfo, *, training: bool) -> Clash | None:
    event = scene.event
    if x.rank < 2:
        return None
    kept = [tensor(event, i, name) for i, name in ((1, "running_mean"), (2, "running_var"), (3, "weight"), (4, "bias"))]
    wrong = next((info for info in kept if info is not None and info.shape != (x.shape[1],)), None)
    if wrong is not None and wrong.rank == 1:
        return _features(scene, x, wrong.shape[0], 1, "num_features", wrong)
    if training and x.shape[0] * numel(x.shape[2:]) == 1:
        layer, called = say.layer(scene, "num_features"), say.name(scene, x, "the input")
        headline = f"`{layer}` cannot train on one value per channel: {say.sizes(x.shape)}"
        notes = (f"in training the mean is taken over a channel's values in the batch; {called} has one for each of {x.shape[1]}",)
        return Clash("last-batch", headline, f"{called} is {say.marked(x, 0)}", at(x, 0), notes=notes)
    return None


def _module_rank(scene: Scene, x: TensorInfo) -> Clash | None:
    """The layer itself looks at the number of dims (and InstanceNorm at the features) before it calls torch."""
    op = scene.event.op
    instance = "instance" in op
    n = int(op[-2]) if op.endswith("d") else 0
    ranks = {n + 1, n + 2}
    if not instance and n != 1:
        ranks = {n + 2}
    layer, called = say.layer(scene, "num_features"), say.name(scene, x, "the input")
    if n and x.rank not in ranks:
        number = scene.module.number("num_features") if scene.module else None
        headline = f"`{layer}` expects {FORMS[n]} but receives {say.count(x.rank, 'dim')}: {say.sizes(x.shape)}"
        label = f"{called} is {x}, {layer} takes {FORMS[n]}"
        if x.rank == n + 1 and number is not None and x.shape[0] == number.value:
            missing = (f"dim 0 is {number.value}, the number of channels: the batch dim is missing",)
            return Clash("batch-dim-missing", headline, label, whole(x, x.rank), notes=missing)
        notes = ("two dims are what is left after a flatten",) if x.rank == 2 and n > 1 else ()
        return Clash("norm-features", headline, label, whole(x, x.rank), notes=notes)
    if instance and scene.module is not None and scene.module.settings.get("affine") is True:
        number, dim = scene.module.number("num_features"), x.rank - n - 1
        if number is not None and x.shape[dim] != number.value:
            return _features(scene, x, number.value, dim, "num_features", None)
    return None


def _instance(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    use_input_stats = event.argument(5, "use_input_stats", True)
    if x.rank < 2:
        return None
    kept = [tensor(event, i, name) for i, name in ((1, "running_mean"), (2, "running_var"), (3, "weight"), (4, "bias"))]
    wrong = next((info for info in kept if info is not None and info.rank == 1 and info.shape != (x.shape[1],)), None)
    if wrong is not None:
        return _features(scene, x, wrong.shape[0], 1, "num_features", wrong)
    if use_input_stats is True and numel(x.shape[2:]) == 1:
        layer, called = say.layer(scene, "num_features"), say.name(scene, x, "the input")
        headline = f"`{layer}` cannot train on one value per channel and sample: {say.sizes(x.shape)}"
        notes = ("InstanceNorm takes the mean over height and width of each sample; here that is a single value",)
        return Clash("norm-features", headline, f"{called} is {x}", whole(x), notes=notes)
    return None


def _last_dims(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    given = numbers((event.argument(1, "normalized_shape"),))
    if not given:
        return None
    shape = tuple(number.value for number in given)
    weight = tensor(event, 2, "weight")
    if weight is not None and weight.shape != shape:
        headline = f"`{say.layer(scene, 'normalized_shape')}` normalises {say.sizes(shape)} but its weight is {say.sizes(weight.shape)}"
        return Clash("norm-features", headline, f"the weight is {weight}", whole(weight))
    layer, called = say.layer(scene, "normalized_shape"), say.name(scene, x, "the input")
    if x.rank < len(shape):
        headline = f"`{layer}` normalises the last {say.count(len(shape), 'dim')} {say.sizes(shape)} but receives {say.sizes(x.shape)}"
        return Clash("norm-features", headline, f"{called} is {x}", whole(x, x.rank))
    hits = [-i for i in range(1, len(shape) + 1) if x.shape[-i] != shape[-i]]
    if not hits:
        return None
    dim, position = hits[0], len(shape) + hits[0]
    want = setting(scene, "normalized_shape", shape[dim], position)
    if want is None and weight is not None:
        want = at(weight, dim)
    if len(shape) == 1:
        headline = f"`{layer}` expects {say.count(shape[0], 'feature')} in the last dim but receives {x.shape[-1]}"
    else:
        headline = f"`{layer}` expects {say.sizes(('*', *shape))} but receives {say.sizes(x.shape)}"
    takes = ", ".join(f"→{size}←" if i - len(shape) in hits else str(size) for i, size in enumerate(shape))
    label = f"{called} is {say.marked(x, *hits)}, {layer} takes [*, {takes}]"
    notes: tuple[str, ...] = ()
    if len(shape) == 1 and shape[0] in x.shape[1:]:
        notes = (f"dim {x.shape.index(shape[0], 1)} of {called} is {shape[0]}; `{layer}` looks in the last dim",)
    return Clash("norm-features", headline, label, at(x, dim), want, notes)


def _groups(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    groups = integer(event.argument(1, "num_groups"))
    layer, called = say.layer(scene, "num_groups"), say.name(scene, x, "the input")
    if groups is None or groups < 1:
        return None
    if x.rank < 2:
        headline = f"`{layer}` expects [N, C, *] but receives {say.count(x.rank, 'dim')}: {say.sizes(x.shape)}"
        return Clash("norm-features", headline, f"{called} is {x}", whole(x, x.rank))
    kept = [tensor(event, i, name) for i, name in ((2, "weight"), (3, "bias"))]
    wrong = next((info for info in kept if info is not None and info.shape != (x.shape[1],)), None)
    if wrong is not None and wrong.rank == 1:
        return _features(scene, x, wrong.shape[0], 1, "num_channels", wrong)
    if x.shape[1] % groups:
        headline = f"`{layer}` cannot split {x.shape[1]} channels into {groups} equal groups"
        want = setting(scene, "num_groups", groups)
        return Clash("norm-features", headline, f"{called} is {say.marked(x, 1)}, groups: →{groups}←", at(x, 1), want)
    if x.shape[0] * numel(x.shape[2:]) * (x.shape[1] // groups) == 1:
        headline = f"`{layer}` needs more than one value in a group: {say.sizes(x.shape)}"
        return Clash("last-batch", headline, f"{called} is {say.marked(x, 0)}", at(x, 0))
    return None
