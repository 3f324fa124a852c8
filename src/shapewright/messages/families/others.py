"""Messages of what is used beside torch: einops, and PIL, torchvision and matplotlib where a tensor becomes a picture."""

from __future__ import annotations

import re

from shapewright.messages.later import pattern
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_RANK = pattern(r"expected (?P<least>>=)?(?P<want>\d{1,3}) dims\.? Received (?P<got>\d{1,3})-dim", re.IGNORECASE)
_DIVIDE = pattern(r"can't divide axis of length (?P<length>\d{1,15}) in chunks of (?P<chunk>\d{1,15})")
_EQUAL = pattern(r"Shape mismatch,? (?P<got>\d{1,15}) != (?P<want>\d{1,15})")
_PATCHES = (4, 8, 14, 16, 32)


def _einops(found: Found) -> Reading:
    """A pattern and a shape; the reason stands in the message's last line."""
    said = next((reading for kind in _REASONS if (reading := kind(found)) is not None), None)
    if said is not None:
        return said
    why = "a name stands on one side only, a size is not given, or the number of dims is another; the message's last line says which"
    headline = f"einops cannot apply {_called(found)} to the tensor{_shown(found)}"
    return Reading("reshape-numel", headline, "", _known(found), (Cause("pattern", why, likely=True),), _LOOK)


_LOOK = ("print `x.shape` in the line before and lay it beside the left side of the pattern",)


def _called(found: Found) -> str:
    return f"the pattern `{found.values['pattern']}`" if "pattern" in found else "the pattern"


def _shown(found: Found) -> str:
    return f" {told(found.shape('shape'))}" if found.known("shape") else ""


def _known(found: Found) -> dict[str, object]:
    return {name: found.values[name] for name in ("pattern", "shape") if name in found}


def _rank(found: Found) -> Reading | None:
    match = _RANK.search(found.text[:1500])
    if not match:
        return None
    want, got = int(match["want"]), int(match["got"])
    if got < want:
        tries: tuple[str, ...] = ("`x.unsqueeze(0)` for one sample without batch", "or write the pattern for what comes")
        cause = Cause("batch-dim-missing", "the batch or the channels are missing", likely=True, tries=tries)
    else:
        tries = ("write `...` in the pattern for further dims, or flatten before",)
        cause = Cause("extra-dim", "the tensor has more dims than the pattern names", likely=True, tries=tries)
    headline = f"einops: {_called(found)} names {'at least ' if match['least'] else ''}{want} dims but the tensor{_shown(found)} has {got}"
    return Reading("reshape-numel", headline, "", {**_known(found), "got": got, "want": want}, (cause,), _LOOK)


def _divide(found: Found) -> Reading | None:
    match = _DIVIDE.search(found.text[:1500])
    if not match or not int(match["chunk"]):
        return None
    length, chunk = int(match["length"]), int(match["chunk"])
    names = re.findall(r"\([^()]*\)|[^\s()]+", str(found.values.get("pattern", "")).partition("->")[0])
    sizes = found.shape("shape") if found.known("shape") else []
    group = next((name for name, size in zip(names, sizes, strict=False) if size == length and name.startswith("(")), "")
    down, up = length // chunk * chunk, -(-length // chunk) * chunk
    why = f"{length} is no multiple of {chunk}"
    if chunk in _PATCHES:
        why = f"an image side of {length} cannot be cut into patches of {chunk}"
    tries = (
        f"resize, crop or pad that dim to {f'{down} or {up}' if down else up}",
        "or choose a size of the pieces (patch, window, heads) that divides it",
    )
    return Reading(
        "reshape-numel",
        f"einops: {_called(found)} cuts a dim of {length} into pieces of {chunk}, and {length % chunk} are left over",
        f"the dim `{group}` of{_shown(found)} is {length}" if group else "",
        {**_known(found), "got": length, "want": chunk, "rest": length % chunk},
        (Cause("not-divisible", why, likely=True, tries=tries),),
    )


def _equal(found: Found) -> Reading | None:
    match = _EQUAL.search(found.text[:1500])
    if not match:
        return None
    got, want = int(match["got"]), int(match["want"])
    why = "the sizes given for the names multiply to another number than the tensor has"
    cause = Cause("given-size", why, likely=True, tries=("leave one name of the group open: einops works it out",))
    headline = f"einops: a dim of the tensor{_shown(found)} is {got} where {_called(found)} makes it {want}"
    return Reading("reshape-numel", headline, "", {**_known(found), "got": got, "want": want}, (cause,), _LOOK)


_REASONS = (_rank, _divide, _equal)

TEMPLATES = (
    Template(
        "einops",
        ("-reduction pattern",),
        r"Error while processing (?P<operation>\w{1,20})-reduction pattern \"(?P<pattern>[^\"]{1,300})\"\."
        rf"(?: Input tensor shape: {shape('shape')}| Input is list)?(?:\. ?Additional info: \{{[^}}]{{0,300}}\}}\.? ?"
        r"(?:Shape mismatch[^\n]{0,80}?\d(?!\d)(?: in chunks of \d{1,9})?"
        r"|Wrong shape: expected (?:>=)?\d{1,3} dims\. Received \d{1,3}-dim tensor)?)?",
        _einops,
        speaker="einops",
    ),
    Template(
        "einops-divide",
        ("can't divide axis of length",),
        r"Shape mismatch, can't divide axis of length \d{1,15} in chunks of \d{1,15}",
        _einops,
        vague=True,
        speaker="einops",
    ),
    Template(
        "image-shape",
        ("for image data",),
        rf"Invalid (?:shape {shape('shape')}|dimensions) for image data",
        plain(
            "other-shape-error",
            (
                "matplotlib shows images [H, W], [H, W, 3] or [H, W, 4] but receives {shape}",
                "matplotlib shows images [H, W], [H, W, 3] or [H, W, 4] but receives another shape",
            ),
            ("channels-first", "torch keeps the channels first, matplotlib wants them last"),
            ("one-channel", "a grey image must have no channel dim"),
            ("whole-batch", "a batch was given instead of one image"),
            tries=(
                "`plt.imshow(x.permute(1, 2, 0).cpu())` for [3, H, W]",
                "`plt.imshow(x.squeeze().cpu(), cmap='gray')` for [1, H, W]",
                "`x[0]` first for a batch",
            ),
        ),
        speaker="matplotlib",
    ),
    Template(
        "pil-image",
        ("cannot handle this data type",),
        r"Cannot handle this data type: \((?P<shape>[\d, ]{1,60})\), (?P<dtype>[|<>]\w{1,4})",
        plain(
            "other-shape-error",
            "PIL cannot make an image of an array whose pixels are {shape} of type {dtype}",
            ("channels-first", "the array is [C, H, W]; PIL wants [H, W, C], and a grey image without channels"),
            ("float-image", "the array holds floats; PIL wants bytes (`uint8`) for colour"),
            tries=(
                "`Image.fromarray((array.transpose(1, 2, 0) * 255).astype('uint8'))`",
                "or `torchvision.transforms.ToPILImage()(tensor)`, which does both",
            ),
        ),
        speaker="PIL",
    ),
    Template(
        "pil-dims",
        ("pic should be 2/3 dimensional", "pic should not have > 4 channels"),
        r"pic should (?:be 2/3 dimensional\. Got (?P<rank>\d{1,3}) dimensions|not have > 4 channels\. Got (?P<channels>\d{1,9}) channels)",
        plain(
            "other-shape-error",
            (
                "torchvision makes pictures of 2 or 3 dims but receives {rank} dims",
                "torchvision makes pictures of at most 4 channels but receives {channels} channels",
            ),
            ("whole-batch", "a batch of images went in instead of one: `x[0]`"),
            ("order-of-dims", "the channels stand in another dim: a tensor is [C, H, W], an array [H, W, C]"),
            tries=("for an array: `array.transpose(1, 2, 0)` makes [H, W, C] of [C, H, W]",),
        ),
        speaker="torchvision",
    ),
)
