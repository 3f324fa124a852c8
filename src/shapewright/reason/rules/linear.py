"""A linear layer is given a width that it was not built for.

What happened. `nn.Linear(in_features, out_features)` works on the last dim of its input, and that dim must be
`in_features`. It is another number here (`linear-in-features`), or the input still has the form of an image or a
sequence, whose sizes multiplied are just `in_features` (`missing-flatten`).

Why. The number in the constructor was worked out for another input size, another number of pooling steps or another
number of channels; or `flatten` is missing between the last convolution and the first linear layer.

How to tell which fix is right. If the images have the size that you want to work with, the layer must be built for
it. If the layer carries trained weights, the input must be brought to the size the weights were trained with, or
pooled to it. Flattening must keep the batch dim: `torch.flatten(x, 1)`, not `x.view(-1, n)`, which runs but mixes the
samples of a batch.

Example. Images of 64×64 behind two 2×2 poolings are 16×16; `nn.Linear(32 * 8 * 8, 128)` was built for 8×8:

    `fc1` expects 2048 input features but receives 8192
"""

from __future__ import annotations

from shapewright.model import Clash, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, numel, setting, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = {
    "linear-in-features": "A linear layer is given another number of features than it was built for.",
    "missing-flatten": "A linear layer is given maps or sequences whose sizes, flattened, would be just what it takes.",
}


def demand(scene: Scene) -> Clash | None:
    """The last dim of the input is `in_features`; a bias has one number for each output feature."""
    event = scene.event
    if event.op == "bilinear":
        return _bilinear(scene)
    if event.op != "linear":
        return None
    x, weight = tensor(event, 0, "input"), tensor(event, 1, "weight")
    if x is None or weight is None or weight.rank not in (1, 2):
        return None
    features = weight.shape[-1]
    if x.rank == 0 or x.shape[-1] != features:
        return _width(scene, x, weight)
    bias = tensor(event, 2, "bias")
    if bias is not None and bias.rank == 1 and weight.rank == 2 and bias.shape[0] not in (1, weight.shape[0]):
        return Clash(
            "other-shape-error",
            f"`linear` makes {weight.shape[0]} output features but its bias has {bias.shape[0]}",
            f"the weight is {say.marked(weight, 0)}, the bias {say.marked(bias, 0)}",
            got=at(bias, 0),
            want=at(weight, 0),
        )
    return None


def _width(scene: Scene, x: TensorInfo, weight: TensorInfo) -> Clash:
    features = weight.shape[-1]
    layer = say.layer(scene, "in_features")
    called = say.name(scene, x, "the input")
    want = setting(scene, "in_features", features) or at(weight, -1)
    takes = f"{layer} takes [*, →{features}←]"
    if x.rank == 0:
        headline = f"`{layer}` expects {say.count(features, 'input feature')} but receives a single number"
        return Clash("linear-in-features", headline, f"{called} is {x}, {takes}", got=whole(x), want=want)
    if unflattened(x.shape, features):
        headline = f"`{layer}` expects {features} features but receives {say.sizes(x.shape)} without flatten"
        sample = x.shape[1:] if numel(x.shape[1:]) == features and x.rank > 2 else x.shape
        notes = (f"{say.by(sample).replace('×', '·')} = {features}: flattened, {called} would fit",)
        dims = range(x.rank - len(sample), x.rank)
        return Clash("missing-flatten", headline, f"{called} is {say.marked(x, *dims)}, {takes}", at(x, -1), want, notes)
    headline = f"`{layer}` expects {say.count(features, 'input feature')} but receives {x.shape[-1]}"
    label = f"{called} is {say.marked(x, -1)}, {takes}"
    return Clash("linear-in-features", headline, label, at(x, -1), want, _notes(x, called, weight))


def unflattened(shape: tuple[int, ...], features: int) -> bool:
    """Would the shape fit if all dims behind the batch (or, for one sample, all dims) were flattened into one?"""
    batched = len(shape) >= 3 and numel(shape[1:]) == features
    # two dims are an image when they are equal; else rather samples and their features
    alone = (len(shape) >= 3 or (len(shape) == 2 and shape[0] == shape[1])) and numel(shape) == features and shape[0] != 1
    return batched or alone


def _notes(x: TensorInfo, called: str, weight: TensorInfo) -> tuple[str, ...]:
    features = weight.shape[-1]
    notes: list[str] = []
    if x.rank >= 3 and features in x.shape[1:-1]:
        dim = x.shape.index(features, 1)
        notes.append(f"dim {dim} of {called} is {features}; a linear layer works on the last dim")
    elif x.rank >= 4:
        notes.append(f"flattened, {called} would have {numel(x.shape[1:])} features")
    if weight.rank == 2 and x.shape[-1] == weight.shape[0]:
        notes.append(f"{x.shape[-1]} is the number of features that the layer gives out")
    return tuple(notes[:2])


def _bilinear(scene: Scene) -> Clash | None:
    event = scene.event
    one, other, weight = tensor(event, 0, "input1"), tensor(event, 1, "input2"), tensor(event, 2, "weight")
    if one is None or other is None or weight is None or weight.rank != 3 or not one.rank or not other.rank:
        return None
    for side, x in ((1, one), (2, other)):
        if x.shape[-1] != weight.shape[side]:
            features = weight.shape[side]
            layer = say.layer(scene, f"in{side}_features")
            called = say.name(scene, x, ("the first input", "the second input")[side - 1])
            headline = f"`{layer}` expects {features} features in its {('first', 'second')[side - 1]} input but receives {x.shape[-1]}"
            want = setting(scene, f"in{side}_features", features) or at(weight, side)
            label = f"{called} is {say.marked(x, -1)}, {layer} takes [*, →{features}←]"
            return Clash("linear-in-features", headline, label, at(x, -1), want)
    if one.shape[:-1] != other.shape[:-1]:
        first, second = say.pair(scene, one, other)
        headline = f"{say.both(scene, one, other)} go into `{say.layer(scene, 'in1_features')}` but disagree before the last dim"
        label = f"{first} is {one}, {second} is {other}"
        return Clash("linear-in-features", headline, label, whole(one), whole(other))
    return None
