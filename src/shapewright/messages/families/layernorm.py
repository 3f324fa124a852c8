"""Messages of LayerNorm, RMSNorm, GroupNorm and LocalResponseNorm."""

from __future__ import annotations

from math import prod

from shapewright.messages import fingerprints
from shapewright.messages.numbers import divisors
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_SLUG = "norm-features"


def _last(found: Found) -> Reading:
    """LayerNorm and RMSNorm look at the last dims."""
    if not found.known("want_shape"):
        return Reading(_SLUG, f"{found.layer} normalises other last dims than the input has", "", dict(found.values), ())
    want = found.shape("want_shape")
    if not found.known("shape"):
        return Reading(_SLUG, f"{found.layer} normalises the last dims {told(want)}; the input has others", "", dict(found.values), ())
    shape = found.shape("shape")
    facts: dict[str, object] = {"want_shape": want, "shape": shape}
    step = "print `x.shape` in the line before: its last dims must be normalized_shape"
    if len(want) != 1:
        return _last_dims(found, want, shape, facts, step)
    got = shape[-1] if shape else 0
    headline = f"{found.layer} expects {want[0]} features in the last dim but receives {got if shape else 'a single number'}"
    facts.update({"got": got, "want": want[0]})
    return Reading(_SLUG, headline, "", facts, tuple(_last_causes(want[0], shape)), (step,))


def _last_causes(want: int, shape: list[int]) -> list[Cause]:
    causes: list[Cause] = []
    if want in shape[1:-1]:
        dim = shape.index(want, 1)
        why = f"the {want} channels stand in dim {dim}; LayerNorm looks in the last"
        swap = (
            "`ln(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)`" if len(shape) == 4 else f"`ln(x.transpose({dim}, -1)).transpose({dim}, -1)`"
        )
        other = (f"or a norm that looks in dim 1: `nn.GroupNorm(1, {want})`",) if dim == 1 else ()
        causes.append(
            Cause("channels-first", why, likely=True, facts={"dim": dim}, tries=(f"turn the dims round the norm: {swap}", *other))
        )
    elif shape and shape[0] == want:
        causes.append(
            Cause("features-first", f"dim 0 has {want}: rows and columns are swapped", likely=True, tries=("`ln(x.transpose(0, -1))`",))
        )
    got = shape[-1] if shape else 0
    for start in range(1, len(shape) - 1):
        if prod(shape[start:]) == want:
            factors = "·".join(map(str, shape[start:]))
            causes.append(
                Cause(
                    "missing-flatten",
                    f"{factors} = {want}: the last dims were not flattened",
                    likely=not causes,
                    tries=(f"`x.flatten({start})` before the norm",),
                )
            )
    if got == 2 * want:
        causes.append(
            Cause(
                "joined-features",
                f"twice as many come, 2·{want}: two tensors were joined, or a layer runs in two directions",
                likely=not causes,
                tries=(f"build the norm for {got}, or bring the features back to {want} with a linear layer",),
            )
        )
    encoders = [
        known for known in map(fingerprints.width, (got, want)) if known is not None and known.role not in ("flat", "channel", "latent")
    ]
    if len(encoders) == 2 and min(got, want) >= 320:
        why = (
            f"{got} is the width of {encoders[0]}, {want} that of {encoders[1]}: the features are those of another model than the norm "
            "is made for"
        )
        causes.append(
            Cause(
                "encoder-swapped",
                why,
                likely=not causes,
                facts={"got": got, "want": want},
                guess=f"{encoders[0].confidence} confidence, from the widths alone",
                tries=(f"use the model of width {want}, or build the layers behind for {got}",),
            )
        )
    why = f"the layer before gives {got} features, the norm was built for {want}"
    causes.append(
        Cause("features-of-layer-before", why, likely=not causes, tries=(f"build the norm for what comes: `nn.LayerNorm({got})`",))
    )
    return causes


def _last_dims(found: Found, want: list[int], shape: list[int], facts: dict[str, object], step: str) -> Reading:
    headline = f"{found.layer} expects [{', '.join(map(str, ['*', *want]))}] but receives {told(shape)}"
    tail = shape[-len(want) :]
    differing = [i for i in range(-1, -min(len(want), len(shape)) - 1, -1) if want[i] != shape[i]]
    if differing:
        facts.update({"got": shape[differing[0]], "want": want[differing[0]], "dim": differing[0]})
    causes: list[Cause] = []
    if len(shape) < len(want):
        causes.append(
            Cause(
                "too-few-dims",
                f"the input has {len(shape)} dims, the norm alone takes {len(want)}",
                likely=True,
                tries=("give back the dims that a flatten or an index took away",),
            )
        )
    elif sorted(tail) == sorted(want):
        causes.append(
            Cause(
                "dims-in-another-order",
                f"the dims are there in another order: {told(tail)} for {told(want)}",
                likely=True,
                tries=("`x.permute(…)` before the norm, or write normalized_shape in the order of the input",),
            )
        )
    elif len(want) == 3 and tail[0] == want[0]:
        why = f"the norm has the size of the image built in, {want[1]}×{want[2]}; the map is {tail[1]}×{tail[2]}"
        causes.append(
            Cause(
                "image-size",
                why,
                likely=True,
                facts={"sides": tail[1:]},
                tries=(
                    f"normalise the channels only: `nn.GroupNorm(1, {want[0]})`, which takes any size",
                    f"or build it for this size: `nn.LayerNorm({told(tail)})`",
                ),
            )
        )
    elif len(want) == 2 and tail[1] == want[1]:
        causes.append(
            Cause(
                "sequence-length",
                f"the norm has the length of the sequence built in, {want[0]}; {tail[0]} steps come",
                likely=True,
                tries=(f"normalise the features only: `nn.LayerNorm({want[1]})`",),
            )
        )
    causes.append(Cause("other-sizes", "normalized_shape was written for another input", likely=not causes))
    return Reading(_SLUG, headline, "", facts, tuple(causes), (step,))


def _groups(found: Found) -> Reading:
    shape, groups = (found.shape("shape") if found.known("shape") else []), found.number("groups")
    channels = shape[1] if len(shape) > 1 else 0
    headline = f"{found.layer} cannot split {channels} channels into {groups} equal groups"
    facts: dict[str, object] = {"got": channels, "want": groups, "channels": channels, "groups": groups, "shape": shape}
    certain = f"{channels} = {channels // groups}·{groups} + {channels % groups}" if groups > 0 and channels else ""
    causes: list[Cause] = []
    if len(shape) > 2 and groups > 0 and shape[-1] % groups == 0:
        why = f"the {shape[-1]} channels stand in the last dim; GroupNorm looks in dim 1, which has {channels}"
        causes.append(
            Cause(
                "channels-last",
                why,
                likely=True,
                facts={"dim": len(shape) - 1},
                tries=(
                    "channels to the front: `x.permute(0, 3, 1, 2)`" if len(shape) == 4 else "channels to the front: `x.transpose(1, -1)`",
                ),
            )
        )
    causes.append(_divide(channels, groups, likely=not causes))
    return Reading(_SLUG, headline, certain, facts, tuple(causes))


def _divide(channels: int, groups: int, *, likely: bool) -> Cause:
    if 0 < channels < groups:
        why, fitting = f"there are fewer channels than groups: {channels} for {groups}", [channels]
    else:
        why, fitting = (
            f"{groups} groups of equal size need a multiple of {groups} channels",
            [d for d in divisors(channels) if d <= groups] if channels > 0 else [],
        )
    best = fitting[-1] if fitting else 1
    return Cause(
        "groups-do-not-divide",
        why,
        likely=likely,
        facts={"groups": best},
        tries=(f"a number of groups that divides {channels}: `nn.GroupNorm({best}, {channels})`",),
    )


def _group_channels(found: Found) -> Reading:
    want = found.shape("weight_shape")[0] if found.known("weight_shape") and found.shape("weight_shape") else None
    shape = found.shape("shape") if found.known("shape") else []
    got = shape[1] if len(shape) > 1 else None
    facts: dict[str, object] = {"shape": shape, **({"got": got, "want": want} if got is not None and want is not None else {})}
    causes: list[Cause] = []
    if want is not None and want in shape[2:]:
        why = f"dim {shape.index(want, 2)} has {want}; GroupNorm looks for the channels in dim 1"
        causes.append(
            Cause("channels-last", why, likely=True, tries=("`x.permute(0, 3, 1, 2)`" if len(shape) == 4 else "`x.transpose(1, -1)`",))
        )
    why = f"the layer before gives {got} channels, the norm was built for {want}"
    causes.append(
        Cause("channels-of-layer-before", why, likely=not causes, tries=(f"build the norm for what comes: `nn.GroupNorm(groups, {got})`",))
    )
    return Reading(_SLUG, f"{found.layer} expects {want} channels but receives {got}", "", facts, tuple(causes))


def _group_built(found: Found) -> Reading:
    channels, groups = found.number("got"), found.number("want")
    certain = f"{channels} = {channels // groups}·{groups} + {channels % groups}" if groups > 0 else ""
    return Reading(
        _SLUG,
        f"GroupNorm cannot split {channels} channels into {groups} equal groups",
        certain,
        dict(found.values),
        (_divide(channels, groups, likely=True),),
    )


_N = r"\d{1,15}"
_D = r"\d{1,2}"


TEMPLATES = (
    Template(
        "ln",
        ("given normalized_shape=",),
        rf"Given normalized_shape ?= ?\[(?P<want_shape>[^\]]{{0,200}})\], expected input with shape \[[^\]]{{0,200}}\], but got "
        rf"input of size ?{shape('shape')}",
        _last,
        cut=r"Given normalized_shape ?= ?\[(?P<want_shape>[^\]]{0,200})\], expected input",
    ),
    Template(
        "ln-weight",
        ("to be of same shape as normalized_shape",),
        rf"Expected (?P<what>weight|bias) to be of same shape as normalized_shape, but got \w{{4,6}} of shape {shape('got_shape')} "
        rf"and normalized_shape = \[(?P<want_shape>[^\]]{{0,200}})\]",
        plain(
            _SLUG,
            "the norm works on {want_shape} but its {what} is {got_shape}",
            ("parameter-of-another-width", "the {what} was loaded, pruned or cut for another width than normalized_shape"),
            tries=("give `F.layer_norm` the shape of its weight: `F.layer_norm(x, weight.shape, weight, bias)`",),
        ),
    ),
    Template(
        "ln-empty",
        ("expected normalized_shape to be at least",),
        r"Expected normalized_shape to be at least 1-dimensional",
        plain(
            _SLUG,
            "the norm is given no dim to work on",
            ("empty-shape", "normalized_shape is empty: a shape that was cut too short"),
            tries=("`nn.LayerNorm(x.size(-1))`",),
        ),
    ),
    Template(
        "gn-built",
        ("must be divisible by num_groups",),
        rf"num_channels \((?P<got>{_N})\) must be divisible by num_groups \((?P<want>{_N})\)",
        _group_built,
    ),
    Template(
        "gn-built-old",
        ("num_channels must be divisible by num_groups",),
        r"num_channels must be divisible by num_groups",
        plain(
            _SLUG,
            "GroupNorm cannot split its channels into equal groups",
            ("groups-do-not-divide", "num_groups must divide num_channels"),
            tries=("take a number that does: `math.gcd(32, channels)`",),
        ),
    ),
    Template(
        "gn-div",
        ("channels in input to be divisible by num_groups",),
        rf"Expected number of channels in input to be divisible by num_groups, but got input of shape {shape('shape')} and "
        rf"num_groups ?= ?(?P<groups>{_N})",
        _groups,
    ),
    Template(
        "gn-weight",
        ("to be a vector of size equal to the number of channels in",),
        rf"Expected (?P<what>weight|bias) to be a vector of size equal to the number of channels in input, but got \w{{4,6}} of "
        rf"shape {shape('weight_shape')} and input of shape {shape('shape')}",
        _group_channels,
    ),
    Template(
        "norm-min-rank",
        ("dimensions for input tensor but received", "or higher dimensionality"),
        rf"Expected at least (?P<want>{_D}) dimensions for input tensor but received (?P<got>{_D})|Expected 3D or higher "
        rf"dimensionality input \(got (?P<rank>{_D}) dimensions\)",
        plain(
            _SLUG,
            ("GroupNorm expects [N, C, *] but receives {got} dim", "LocalResponseNorm expects [N, C, *] but receives {rank} dims"),
            ("batch-dim-lost", "a single sample came without its batch, or a bare `squeeze()` took it along"),
            ("norm-after-flatten", "the maps were flattened before the norm"),
            tries=("give it a batch: `x.unsqueeze(0)`", "put the norm in front of the flatten"),
        ),
    ),
    Template(
        "lrn-rank",
        ("crossmaplrn2d: expected input to be",),
        rf"CrossMapLRN2d: Expected input to be 4D, got (?P<got>{_D})D instead",
        plain(
            _SLUG,
            "CrossMapLRN2d expects [N, C, H, W] but receives {got} dims",
            ("norm-after-flatten", "the maps were flattened, or the batch dim is missing"),
            tries=("print `x.shape` in the line before",),
        ),
    ),
)
