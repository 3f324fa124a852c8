"""Messages of BatchNorm and InstanceNorm."""

from __future__ import annotations

from math import gcd, isqrt

from shapewright.messages import fingerprints
from shapewright.messages.later import pattern
from shapewright.messages.numbers import channels_score
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_SLUG = "norm-features"
_LAST = pattern(r"(?i)(?:fc\w*|lin\w*|dense\w*|proj\w*|emb\w*|attn\w*|lstm\w*|gru\w*|rnn\w*)\(")
_FORMS = {2: "[N, C]", 3: "[N, C, L]", 4: "[N, C, H, W]", 5: "[N, C, D, H, W]"}


def _running(found: Found) -> Reading:
    """BatchNorm looks for the channels in dim 1: `got` came, the layer keeps `want`. InstanceNorm says it of batch · channels."""
    got, want, what = found.number("got"), found.number("want"), str(found.values["what"]).lower()
    if "instance_norm" in found.context.frames or "instance_norm" in found.context.line:
        return _instance_running(found, got, want)
    noun = "feature" if want == 1 else "features"
    kept = {"running_mean": "running mean", "running_var": "running variance"}.get(what, what)
    headline = f"{found.layer} expects {want} {noun} but receives {got}"
    certain = f"dim 1 of the input has {got}; the layer keeps {want} numbers in its {kept}"
    causes = _in_order(_running_causes(got, want), found, got, want)
    if what in ("weight", "bias"):
        causes.append(
            Cause("parameter-replaced", f"the {what} was replaced, pruned or loaded by hand: it has {want} numbers for {got} channels")
        )
    step = "print `x.shape` in the line before: dim 1 must be num_features"
    return Reading(_SLUG, headline, certain, {"got": got, "want": want, "channels": got, "num_features": want}, tuple(causes), (step,))


def _in_order(causes: list[Cause], found: Found, got: int, want: int) -> list[Cause]:
    """What the line says: layers of a Sequential join nothing, and behind a linear layer the features are in the last dim."""
    if found.context.container:
        causes = sorted(causes, key=lambda cause: cause.name == "joined-channels" or not cause.likely)
    if _LAST.search(found.context.line) and got % 8 and want % 8 == 0 and want > got:
        last = next((cause for cause in causes if cause.name == "features-last"), None)
        if last is not None:
            causes = [last._replace(likely=True), *(cause for cause in causes if cause is not last)]
    return causes


def _instance_running(found: Found, got: int, want: int) -> Reading:
    batch = gcd(got, want)
    cause = Cause("channels-of-layer-before", "the layer before gives another number of channels than the norm was built for", likely=True,
                  tries=("`nn.InstanceNorm2d(channels)` with the channels that the layer before gives",))  # fmt: skip
    certain = f"{got} and {want} are channels times the samples of the batch (at most {batch}, what both can be divided by)"
    return Reading(_SLUG, f"{found.layer} has numbers for other channels than the input has", certain, {"got": got, "want": want}, (cause,))


def _running_causes(got: int, want: int) -> list[Cause]:
    if got < 1 or want < 1:
        what = "the input has no channel: a slice or a mask left nothing" if got < 1 else "the norm was built for no channels"
        return [Cause("no-channels", what, likely=True, tries=("print the channels where they are worked out",))]
    causes: list[Cause] = []
    side = isqrt(got // want) if got % want == 0 else 0
    flattened = side > 1 and side * side * want == got
    length = channels_score(got) < 0.2 <= channels_score(want) and not flattened
    if {got, want} == {1, 3}:
        why = (
            "the images are grey, the layer is built for three colours"
            if got == 1
            else "the images are in colour, the layer is built for one grey channel"
        )
        causes.append(
            Cause(
                "grey-image" if got == 1 else "colour-image",
                why,
                likely=True,
                tries=(f"load them with {want} channel{'s' if want > 1 else ''}, or build the norm for {got}",),
            )
        )
    if length:
        known = fingerprints.tokens(got)
        why = f"{got} looks like the length of a sequence [N, L, C]; BatchNorm1d takes [N, C, L], the features in dim 1"
        turn = (
            "turn the dims round the norm: `bn(x.transpose(1, 2)).transpose(1, 2)`",
            f"or take `nn.LayerNorm({want})`, which looks in the last dim",
        )
        guess = f"{known.confidence} confidence, {got} tokens are those of {known}" if known else ""
        causes.append(Cause("features-last", why, likely=True, tries=turn, guess=guess))
    if flattened:
        why = f"{got} = {want}·{side}·{side}: flattened maps of {want} channels; the norm is built for the channels before the flatten"
        tries = (f"put a `nn.BatchNorm2d({want})` in front of the flatten, or `nn.BatchNorm1d({got})` behind it",)
        causes.append(Cause("flattened-before-norm", why, likely=side > 2, facts={"channels": want, "side": side}, tries=tries))
    if got == 4 * want or want == 4 * got:
        wider = "four times as many" if got > want else "a quarter of the"
        causes.append(
            Cause(
                "bottleneck-expansion",
                f"{wider} channels come: the last convolution of a ResNet bottleneck gives 4 times its width",
                tries=(f"build the norm for {got}: `num_features={got}`",),
            )
        )
    if got == 2 * want:
        why = (
            f"twice as many come, 2·{want}: two tensors were joined along the channels (a skip connection), or a layer runs in two "
            "directions"
        )
        causes.append(
            Cause(
                "joined-channels",
                why,
                likely=True,
                facts={"parts": [want, want]},
                tries=(f"behind the join the norm has {got} features: `num_features={got}`",),
            )
        )
    elif want == 2 * got:
        causes.append(
            Cause(
                "half-the-channels",
                f"half as many come: the norm is built for the width of another layer, or for two joined tensors of {got}",
                tries=(),
            )
        )
    before = f"the layer before gives {got} channels, the norm was built for {want}: one of the two numbers was changed alone"
    tries = (f"build the norm for what comes: `num_features={got}`, or let the layer before give {want}",)
    causes.append(Cause("channels-of-layer-before", before, likely=True, facts={"channels": got}, tries=tries))
    if not any(cause.name == "features-last" for cause in causes):
        causes.append(
            Cause(
                "features-last",
                f"if {got} is the number of steps of [N, L, C]: BatchNorm1d takes the features in dim 1",
                tries=("`bn(x.transpose(1, 2)).transpose(1, 2)`",),
            )
        )
    return sorted(causes, key=lambda cause: not cause.likely)


def _one_value(found: Found) -> Reading:
    """BatchNorm prints `torch.Size([…])`; GroupNorm uses the words too, with a plain list of [samples · channels / groups, groups, …]."""
    shape = found.shape("shape") if found.known("shape") else []
    if "group_norm" in found.context.frames or (found.values.get("size") is None and "batch_norm" not in found.context.frames):
        return _one_in_group(found, shape)
    headline = f"{found.layer} cannot train on one value per channel: {told(shape)}"
    channels = shape[1] if len(shape) > 1 else None
    certain = "in training the mean is taken over the batch and the places of a channel; here that is a single value"
    if channels:
        certain += f" for each of {channels} channels"
    facts: dict[str, object] = {"shape": shape, "batch": 1, **({"channels": channels} if channels else {})}
    causes = [
        Cause(
            "last-batch-of-one",
            "the number of samples leaves 1 over for the last batch (129 samples in batches of 64)",
            likely=True,
            tries=("leave the small rest out: `DataLoader(..., drop_last=True)`",),
        ),
        Cause(
            "single-sample-in-training-mode",
            "a single sample is predicted or tried out while the model is in training mode",
            likely=True,
            tries=("switch before predicting: `model.eval()`", "try the model out with two samples: `torch.randn(2, …)`"),
        ),
    ]
    if len(shape) > 2:
        where = "×".join(["1"] * (len(shape) - 2))
        why = (
            f"the map has shrunk to {where}: behind global pooling (the pooled branch of ASPP in DeepLab), or the image is too small; "
            "then a batch of 1 has one value"
        )
        causes.append(Cause("map-of-one-pixel", why, tries=("batches of 2 and more, larger images, or no BatchNorm behind the pooling",)))
    causes.append(
        Cause(
            "batch-size-one",
            "the batch size is 1, or a batch is spread over as many GPUs as it has samples",
            tries=(_without_batch(shape, channels),),
        )
    )
    return Reading("last-batch", headline, certain, facts, tuple(causes))


def _without_batch(shape: list[int], channels: int | None) -> str:
    """A norm for a batch of 1. Groups of one value cannot be normalised, and those of two lose all but a sign: four channels and more."""
    if not channels or channels < 2:
        return "`nn.GroupNorm(groups, channels)` needs no batch; the number of groups must divide the channels"
    groups = max((number for number in (2, 4, 8, 16, 32) if channels % number == 0 and channels >= 4 * number), default=1)
    if len(shape) == 2:
        return f"`nn.LayerNorm({channels})` or `nn.GroupNorm({groups}, {channels})` need no batch"
    return f"`nn.GroupNorm({groups}, {channels})` needs no batch"


def _one_in_group(found: Found, shape: list[int]) -> Reading:
    groups = shape[1] if len(shape) > 1 else None
    certain = "samples · channels / groups is 1, and the map has one place: one sample whose groups are single channels"
    cause = Cause(
        "group-of-one-value",
        "GroupNorm takes the mean over the channels and places of a group; a group of one channel and one place has nothing to "
        "take it over",
        likely=True,
        facts={"groups": groups} if groups else {},
        tries=(
            "fewer groups: `nn.GroupNorm(1, channels)`, or a map that is larger than one pixel",
            "`model.eval()` does not help here: GroupNorm does the same in both modes",
        ),
    )
    headline = f"{found.layer} needs more than one value in a group: {told(shape)}"
    return Reading("last-batch", headline, certain, {"shape": shape, **({"groups": groups} if groups else {})}, (cause,))


def _one_place(found: Found) -> Reading:
    shape = found.shape("shape") if found.known("shape") else []
    cause = Cause(
        "map-of-one-pixel",
        "InstanceNorm takes the mean over height and width of each sample; of a map with one place there is none. The image is too "
        "small for so many steps down",
        likely=True,
        tries=(
            "larger images, or one step down less (a U-Net with n of them needs sides of at least 2·2**n)",
            "no norm in the innermost block, as pix2pix does it",
            "`model.eval()` helps only with `track_running_stats=True`",
        ),
    )
    return Reading(_SLUG, f"{found.layer} cannot train on one value per channel and sample: {told(shape)}", "", {"shape": shape}, (cause,))


def _rank(found: Found) -> Reading:
    """`expected 4D input (got 2D input)`: the layer for maps, sequences or volumes met another number of dims."""
    got, want = found.number("rank"), found.number("want_rank")
    other = found.number("other_rank") if found.known("other_rank") else None
    wanted = f"{_FORMS.get(want, f'{want} dims')}{f' or {_FORMS.get(other, other)}' if other else ''}"
    at_least = found.values.get("least") is not None
    headline = f"{found.layer} expects {'at least ' if at_least else ''}{wanted} but receives {got} dim{'' if got == 1 else 's'}"
    facts = {"got": got, "want": want, **({"or": other} if other else {})}
    causes: list[Cause] = []
    if want == 4 and other is None:
        causes = {
            2: [
                Cause(
                    "norm-after-flatten",
                    "two dims are what is left after a flatten or a linear layer: [N, features]",
                    likely=True,
                    tries=("take `nn.BatchNorm1d(features)` there",),
                )
            ],
            3: [
                Cause(
                    "batch-dim-missing",
                    "a single image [C, H, W] has no batch dim",
                    likely=True,
                    tries=("give it one: `model(image.unsqueeze(0))`",),
                ),
                Cause("sequence-in-2d-norm", "a sequence [N, C, L] needs the norm for one dim", tries=("take `nn.BatchNorm1d(channels)`",)),
            ],
            5: [
                Cause(
                    "volume-in-2d-norm",
                    "five dims are volumes or videos [N, C, D, H, W]",
                    likely=True,
                    tries=("take `nn.BatchNorm3d(channels)`", "or put the frames into the batch: `x.flatten(0, 1)` of [N, D, C, H, W]"),
                )
            ],
        }.get(got, [])
    elif want == 5:
        causes = [
            Cause(
                "batch-dim-missing",
                "a single volume [C, D, H, W] has no batch dim",
                likely=got == 4,
                tries=("give it one: `x.unsqueeze(0)`",),
            ),
            Cause("images-in-3d-norm", "images [N, C, H, W] need the norm for two dims", tries=("take `nn.BatchNorm2d(channels)`",)),
        ]
    elif want == 2:
        if got == 4:
            causes = [
                Cause(
                    "map-in-1d-norm",
                    "four dims are maps [N, C, H, W]",
                    likely=True,
                    tries=("take `nn.BatchNorm2d(channels)` (or `InstanceNorm2d`)", "or flatten first: `x.flatten(1)`"),
                )
            ]
        elif got == 1:
            causes = [
                Cause(
                    "batch-dim-lost",
                    "a single sample came, or a bare `squeeze()` took the batch of 1 along",
                    likely=True,
                    tries=("give it a batch: `x.unsqueeze(0)`, with `model.eval()` for a single one", "squeeze by name: `x.squeeze(-1)`"),
                )
            ]
    causes.append(Cause("other-number-of-dims", f"the layer is made for {wanted}", likely=not causes))
    return Reading(_SLUG, headline, "", facts, tuple(causes), ("print `x.shape` in the line before",))


def _instance(found: Found) -> Reading:
    got, want = found.number("got"), found.number("want")
    cause = Cause(
        "channels-of-layer-before",
        f"the layer before gives {got} channels, the norm was built for {want}",
        likely=True,
        tries=(f"build it for what comes: `nn.InstanceNorm2d({got}, affine=True)`",),
    )
    return Reading(_SLUG, f"{found.layer} expects {want} channels but receives {got}", "", dict(found.values), (cause,))


_N = r"\d{1,15}"
_D = r"\d{1,2}"


TEMPLATES = (
    Template(
        "bn-running",
        ("should contain ",),
        rf"(?P<what>running_mean|running_var|weight|bias) should contain (?P<got>{_N}) elements not (?P<want>{_N})",
        _running,
    ),
    Template(
        "bn-one-value",
        ("more than 1 value per channel when training",),
        r"Expected more than 1 value per channel when training, got input size "
        r"?(?P<size>torch\.Size\()?[\[(](?P<shape>[^\])]{0,200})[\])]{1,2}",
        _one_value,
        cut=r"Expected (?P<size>more) than 1 value per channel when training",
    ),
    Template(
        "in-one-value",
        ("more than 1 spatial element when training",),
        rf"Expected more than 1 spatial element when training, got input size ?{shape('shape')}",
        _one_place,
    ),
    Template(
        "bn-rank",
        ("d input (got ",),
        rf"expected (?P<least>at least )?(?P<want_rank>{_D})D(?: or (?P<other_rank>{_D})D)? input \(got (?P<rank>{_D})D input\)",
        _rank,
    ),
    Template(
        "in-features",
        ("to match num_features (",),
        rf"expected input's size at dim=(?P<dim>{_D}) to match num_features \((?P<want>{_N})\), but got: (?P<got>{_N})",
        _instance,
    ),
    Template(
        "in-features-warning",
        ("does not match num_features. you can silence",),
        rf"input's size at dim=(?P<dim>{_D}) does not match num_features",
        plain(
            _SLUG,
            "an InstanceNorm has another num_features than the channels in dim {dim}: a warning, no error",
            ("unused-setting", "without `affine=True` the layer has no numbers for each channel, so num_features is not used"),
            tries=("write the channels that come, before `affine=True` makes an error of it",),
        ),
        vague=True,  # a warning in a log gives way to the error below it
    ),
    Template(
        "bn-eval-stats",
        ("must be defined in evaluation mode",),
        r"running_(?:mean|var) must be defined in evaluation mode",
        plain(
            "other-shape-error",
            "`F.batch_norm` is called for evaluation without the means that it should use: it is about an argument, not a size",
            ("no-running-stats", "`training=False` takes running_mean and running_var; None was given"),
            tries=("use the module `nn.BatchNorm2d`, which keeps them, or pass `training=True`",),
        ),
    ),
)
