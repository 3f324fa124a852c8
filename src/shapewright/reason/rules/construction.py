"""A layer refuses its own arguments: the number of groups does not divide the channels.

What happened. A grouped layer splits its channels into equal groups, and its constructor was given numbers that do not divide
(`norm-features` for GroupNorm, `other-shape-error` for convolutions).

Why. The group count is often a default (8, 16 or 32) that fits the widths it was written for, and not the one it met.

How to tell which fix is right. A width that the rest of the model shares stays; then the group count becomes a divisor of it.

Example. `nn.GroupNorm(32, 48)`:

    48 channels cannot be split into 32 equal groups
"""

from __future__ import annotations

from shapewright.model import Clash, Number, Size
from shapewright.reason.scene import Scene

SLUGS: tuple[str, ...] = ()  # those of `norm` and `other`

# For each constructor the settings that must be divisible, and by which.
_DIVISIBLE = {"groupnorm": (("num_channels",), "num_groups")} | {
    f"{kind}{n}d": (("in_channels", "out_channels"), "groups") for kind in ("conv", "convtranspose") for n in (1, 2, 3)
}


def demand(scene: Scene) -> Clash | None:
    """The channels that the groups do not divide."""
    event = scene.event
    if event.call != "module" or event.op not in _DIVISIBLE:
        return None
    settings, divisor = _DIVISIBLE[event.op]
    groups = event.kwargs.get(divisor)
    if not isinstance(groups, Number) or groups.value <= 0:
        return None
    for setting in settings:
        channels = event.kwargs.get(setting)
        if isinstance(channels, Number) and channels.value % groups.value:
            slug = "norm-features" if event.op == "groupnorm" else "other-shape-error"
            return Clash(
                slug,
                f"{channels.value} channels cannot be split into {groups.value} equal groups",
                f"{setting} = →{channels.value}←, {divisor} = →{groups.value}←",
                want=Size(groups.value, setting=divisor),
            )
    return None
