"""What the messages of padding, interpolate, grid_sample and affine_grid say of their input."""

from __future__ import annotations

import re

from shapewright.messages.readings.images import by, count, sizes, told
from shapewright.messages.template import Cause, Found, Reading

_SLUG = "other-shape-error"


_MODES = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5, "lanczos": 4}


def _called(found: Found, name: str) -> str:
    """The layer, or the function where the traceback names no layer."""
    return found.layer if found.context.layer else f"`{name}`"


def reflect(found: Found) -> Reading:
    """Reflection needs more pixels than it adds."""
    pads, got, dim = sizes(found, "padding"), sizes(found, "input_shape"), found.number("dim")
    have = got[dim] if len(got) > dim else 0
    most = max(pads, default=0)
    frames = f"{found.context.frames} {found.context.line}".lower()
    sound = "stft" in frames or "spectrogram" in frames or "mel" in frames
    cause = [
        Cause(
            "image-too-small",
            f"reflection by {most} needs more than {most} values in dim {dim}, and there {'is' if have == 1 else 'are'} {have}",
            likely=not sound,
            facts={"got": have, "needs": most + 1},
            tries=(
                "feed larger images (or longer sequences), or take out a pooling or a stride before",
                "or pad with another mode, which has no such limit: `mode='replicate'` or `mode='constant'`",
            ),
        )
    ]
    if len(got) <= 3 and len(pads) == 2 and pads[0] == pads[1]:
        cause.insert(
            0 if sound else 1,
            Cause(
                "sound-too-short",
                (
                    f"`torch.stft` with center=True reflects n_fft // 2 at both ends: {most} would be n_fft = {2 * most}, and the "
                    f"sound has {have} samples"
                ),
                likely=sound,
                facts={"n_fft": 2 * most, "samples": have},
                tries=(
                    f"pad or drop sounds of {most} samples and fewer, or take a smaller `n_fft`",
                    "print `x.shape`: the samples stand in the last dim",
                ),
            ),
        )
    return Reading(
        _SLUG,
        f"{_called(found, 'pad')} with mode 'reflect' cannot add {most} to dim {dim} of size {have}",
        f"the input is {told(got)}; a reflection must be shorter than the dim it reflects",
        {**found.values, "got": have, "want": most + 1, "padding": pads},
        tuple(cause),
    )


def pad_rank(found: Found) -> Reading:
    rank, widths = found.number("rank"), found.number("widths")
    n = widths // 2
    lacks = n + 1 - rank
    if lacks > 0:
        cause = Cause(
            "missing-dims",
            (
                f"{count(widths, 'width')} pad the last {count(n, 'dim')} and need {count(n + 1, 'dim')} at the least, [C, …]: "
                f"{lacks} {'is' if lacks == 1 else 'are'} missing"
            ),
            likely=True,
            facts={"missing": lacks},
            tries=(
                "add a channel or batch dim for it: `F.pad(x[None], …)[0]`"
                if lacks == 1
                else "add channel and batch dim: `F.pad(x[None, None], …)[0, 0]`",
            ),
        )
    else:
        cause = Cause(
            "too-few-widths",
            f"{count(widths, 'width')} pad the last {count(n, 'dim')} of {n + 1} or {n + 2} dims, and {rank} come",
            likely=True,
            tries=(
                f"give two widths for each of the last {rank - 2} dims, zeros where nothing is added: `(1, 1, 0, 0)`",
                "or pad with `mode='constant'`, which takes any rank",
            ),
        )
    return Reading(
        _SLUG,
        f"{_called(found, 'pad')} with {count(widths, 'width')} expects {n + 1} or {n + 2} dims but receives {rank}",
        "the modes 'reflect', 'replicate' and 'circular' pad the last dims of [C, …] or [N, C, …]",
        dict(found.values),
        (cause,),
    )


def spatial(found: Found) -> Reading:
    """Another number of sizes (or factors) than the input has dims behind [N, C]."""
    sides, asked = sizes(found, "map_shape"), found.values.get("asked", "")
    numbers = re.findall(r"\d+(?:\.\d+)?", str(asked))
    what = "scale_factor" if "scale" in str(found.values["what"]) else "size"
    n, m = len(sides), len(numbers)
    facts = {
        **found.values,
        "got": m,
        "want": n,
        "rank": n + 2,
        "asked": [float(one) if "." in one else int(one) for one in numbers],
        "map_shape": sides,
    }
    cause: list[Cause] = []
    if m > n:
        lacks = m - n
        form = "[None]" if lacks == 1 else "[" + ", ".join(["None"] * lacks) + "]"
        back = "[0]" if lacks == 1 else "[" + ", ".join(["0"] * lacks) + "]"
        who = (
            "an image [C, H, W] without a batch dim"
            if (n, m) == (1, 2)
            else "a mask or map [H, W] without batch and channel dim"
            if (n, m) == (0, 2)
            else "a tensor without its batch dim"
        )
        cause.append(
            Cause(
                "no-batch-dim",
                (
                    f"the first two dims are taken for batch and channels, and {count(n, 'dim')} {'is' if n == 1 else 'are'} left "
                    f"to resize: {who}"
                ),
                likely=m <= 3,
                tries=(f"add what is missing and take it away again: `F.interpolate(x{form}, …){back}`",),
            )
        )
        if m == n + 2 and n:
            cause.append(
                Cause(
                    "whole-size",
                    f"{m} numbers may be the whole size [N, C, …] of another tensor",
                    likely=m > 3,
                    tries=(f"give its last {n} only: `size=other.shape[2:]`",),
                )
            )
    else:
        cause.append(
            Cause(
                "too-few-numbers",
                f"{count(m, 'number')} for {count(n, 'dim')} to resize: {told(sides)}",
                likely=True,
                tries=(f"give {n}, or one number that is not in a list, for all alike",),
            )
        )
    return Reading(
        _SLUG,
        f"{_called(found, 'interpolate')} is given {count(m, 'number')} as {what} for {count(n, 'dim')}",
        f"the input has {n + 2} dims: behind [N, C] are {told(sides)}",
        facts,
        tuple(cause),
        ("print `x.shape` in the line before",),
    )


def mode(found: Found) -> Reading:
    rank, mode = found.number("rank"), str(found.values["mode"])
    want = found.number("want_rank") if found.known("want_rank") else _MODES.get(mode, 0)
    cause = []
    if want > rank:
        lacks = want - rank
        form = "[" + ", ".join(["None"] * lacks) + "]"
        back = "[" + ", ".join(["0"] * lacks) + "]"
        cause.append(
            Cause(
                "no-batch-dim",
                f"{lacks} of the dims [N, C, …] {'is' if lacks == 1 else 'are'} missing: a single image [C, H, W] or mask [H, W]",
                likely=True,
                tries=(f"add what is missing and take it away again: `F.interpolate(x{form}, mode='{mode}', …){back}`",),
            )
        )
    fitting = {3: "linear", 4: "bilinear", 5: "trilinear"}.get(rank)
    if fitting and fitting != mode:
        cause.append(
            Cause(
                "mode-of-another-rank",
                f"the mode for {rank} dims is '{fitting}' (3 dims 'linear', 4 'bilinear' or 'bicubic', 5 'trilinear')",
                likely=not cause,
                tries=(f"`mode='{fitting}'`",),
            )
        )
    if (rank >= 5 and rank != 5) or (rank == 5 and want == 4):
        cause.append(
            Cause(
                "video",
                "for clips [N, frames, C, H, W] the frames belong into the batch",
                tries=("`F.interpolate(x.flatten(0, 1), …)`, and `unflatten(0, (batch, frames))` behind it",),
            )
        )
    if not cause:
        cause.append(Cause("no-batch-dim", "the dims [N, C, …] are not all there", likely=True, tries=("add what is missing: `x[None]`",)))
    expects = f"expects {want} dims" if want else "expects 3, 4 or 5 dims [N, C, …]"
    return Reading(
        _SLUG,
        f"{_called(found, 'interpolate')} with mode '{mode}' {expects} but receives {rank}",
        "batch and channels are two of them; the rest is resized",
        {**found.values, "rank": rank} | ({"want_rank": want} if want else {}),
        tuple(cause),
        ("print `x.shape` in the line before",),
    )


def zero(found: Found) -> Reading:
    """Something is resized to nothing, or nothing is resized."""
    got, out = sizes(found, "input_shape"), sizes(found, "output_shape")
    if "input" in found:
        got = [int(one) for one in re.findall(r": ?(-?\d{1,15})", str(found.values["input"]))]
        out = [int(one) for one in re.findall(r": ?(-?\d{1,15})", str(found.values["output"]))]
    else:
        got = got[2:]
    facts = {"map_shape": got, "output_shape": out}
    if any(one <= 0 for one in got):
        cause = Cause(
            "empty-map",
            f"the map {by(got)} has a side of 0: a crop, a slice or a box outside the image left nothing",
            likely=True,
            tries=("look at the crops before; skip empty ones",),
        )
        return Reading(_SLUG, f"{_called(found, 'interpolate')} receives a map without a pixel: {by(got)}", "", facts, (cause,))
    cause = Cause(
        "size-rounded-to-zero",
        "the size or the scale_factor is so small that a side is rounded down to 0",
        likely=True,
        tries=(
            "keep every side at 1 at the least: `max(1, round(side * factor))`",
            "print the size in the line before: height stands before width",
        ),
    )
    return Reading(_SLUG, f"{_called(found, 'interpolate')} is to resize {by(got)} to {by(out)}: a side would be 0", "", facts, (cause,))


def grid_last(found: Found) -> Reading:
    grid = sizes(found, "grid_shape")
    want = found.number("want") if found.known("want") else max(len(grid) - 2, 2)
    got = grid[-1] if grid else found.number("got")
    cause = []
    if len(grid) > 1 and want in grid[1:-1] and grid.index(want, 1) == 1:
        order = "0, 2, 3, 1" if want == 2 else "0, 2, 3, 4, 1"
        cause.append(
            Cause(
                "coordinates-not-last",
                f"dim 1 is {want}: the coordinates stand where channels do, as a network gives out a flow",
                likely=True,
                tries=(f"`grid = grid.permute({order})`",),
            )
        )
    if want == 1:
        cause.append(
            Cause(
                "no-batch-dim",
                "input and grid have 3 dims: the batch dim of both is missing",
                likely=True,
                tries=("`F.grid_sample(x[None], grid[None])[0]`",),
            )
        )
    elif got == 3 and want == 2:
        cause.append(
            Cause(
                "homogeneous-coordinates",
                "3 coordinates: x, y and a 1 (or a depth) for images, which take x and y",
                likely=not cause,
                tries=("`grid = grid[..., :2]` (after dividing by the third, if it is a homography)",),
            )
        )
    elif got == 2 and want == 3:
        cause.append(
            Cause(
                "flat-grid",
                "2 coordinates for a volume, which takes x, y and z",
                likely=not cause,
                tries=("give a grid [N, D, H, W, 3], or sample slice by slice with a 4-d input",),
            )
        )
    cause.append(
        Cause(
            "other-layout",
            (
                "a grid is [N, height out, width out, 2] for images, [N, D, H, W, 3] for volumes, with values from -1 to 1; "
                f"here {want} must stand last"
            ),
            likely=not cause,
        )
    )
    return Reading(
        _SLUG,
        f"{_called(found, 'grid_sample')} expects {want} coordinates in the last dim of the grid but receives {got}",
        f"the grid is {told(grid)}" if grid else "",
        {**found.values, "got": got, "want": want},
        tuple(cause),
    )


def grid_batch(found: Found) -> Reading:
    x, grid = sizes(found, "input_shape"), sizes(found, "grid_shape")
    got, want = (grid or [0])[0], (x or [0])[0]
    cause = []
    if len(x) == 3 and len(grid) == 4:
        cause.append(
            Cause(
                "no-batch-dim",
                f"the input {told(x)} has no batch dim, the grid has one",
                likely=True,
                tries=("`F.grid_sample(x[None], grid)[0]`",),
            )
        )
    elif got == 1:
        cause.append(
            Cause(
                "one-grid-for-all",
                f"one grid for a batch of {want}: it is not repeated by itself",
                likely=True,
                tries=("`grid.expand(x.size(0), -1, -1, -1)`",),
            )
        )
    else:
        cause.append(
            Cause(
                "batches-differ",
                "the batch sizes differ: the last batch of a loader, or a size that was written down as a number",
                likely=True,
                tries=("make the grid for `x.size(0)` samples",),
            )
        )
    return Reading(
        _SLUG,
        f"{_called(found, 'grid_sample')} receives {want} images but a grid for {got}"
        if len(x) == len(grid)
        else f"{_called(found, 'grid_sample')} receives an input {told(x)} and a grid {told(grid)}",
        f"the input is {told(x)}, the grid {told(grid)}",
        {**found.values, "got": got, "want": want},
        tuple(cause),
    )


def grid_rank(found: Found) -> Reading:
    x, grid = sizes(found, "input_shape"), sizes(found, "grid_shape")
    short = len(grid) < len(x)
    why = (
        f"the {'grid' if short else 'input'} has {min(len(x), len(grid))} dims, the {'input' if short else 'grid'} {max(len(x), len(grid))}"
    )
    if short and len(x) == 4 and len(grid) == 3 and grid[-1] == 2:
        sites = grid[0] == x[0]
        tries = (
            "`grid = grid.unsqueeze(1)`: [N, 1, points, 2] for a list of points"
            if sites
            else "`grid = grid.expand(x.size(0), -1, -1, -1)`: the batch dim of the grid is missing",
        )
    else:
        tries = ("add the dim that is missing: `x[None]` or `grid[None]`",)
    return Reading(
        _SLUG,
        f"{_called(found, 'grid_sample')} receives an input of {len(x)} dims but a grid of {len(grid)}",
        f"the input is {told(x)}, the grid {told(grid)}; images go with [N, H, W, 2], volumes with [N, D, H, W, 3]",
        dict(found.values),
        (Cause("missing-dim", why, likely=True, tries=tries),),
    )


def theta(found: Found) -> Reading:
    got, rows = sizes(found, "got_shape"), found.number("dims")
    want = f"[N, {rows}, {rows + 1}]"
    cause = []
    if got[-2:] == [rows + 1, rows + 1]:
        cause.append(
            Cause(
                "whole-matrix",
                f"the matrices are {rows + 1}×{rows + 1}, with the last row 0…0 1 of an affine map",
                likely=True,
                tries=(f"leave the last row out: `theta[:, :{rows}]`",),
            )
        )
    elif got == [rows, rows + 1]:
        cause.append(
            Cause(
                "no-batch-dim",
                "it is one matrix without a batch dim",
                likely=True,
                tries=("`theta.unsqueeze(0)`, for a batch `theta.expand(batch, -1, -1)`",),
            )
        )
    elif len(got) == 2 and got[1] == rows * (rows + 1):
        cause.append(
            Cause(
                "flat-matrices",
                f"the {got[1]} numbers of each matrix stand in one row",
                likely=True,
                tries=(f"`theta.view(-1, {rows}, {rows + 1})`",),
            )
        )
    elif got[-2:] in ([2, 3], [3, 4]):
        cause.append(
            Cause(
                "images-and-volumes",
                "the matrices are for images and the size for volumes, or the other way round",
                likely=True,
                tries=("give the size [N, C, H, W] for 2×3, [N, C, D, H, W] for 3×4",),
            )
        )
    else:
        cause.append(Cause("other-layout", f"it takes {want}", likely=True, tries=("print `theta.shape` in the line before",)))
    return Reading(
        _SLUG,
        f"{_called(found, 'affine_grid')} expects matrices {want} but receives {told(got)}",
        "",
        {**found.values, "got_shape": got},
        tuple(cause),
    )


def hollow(found: Found) -> Reading:
    got = sizes(found, "input_shape")
    dim = got.index(0) if 0 in got else 1
    what = "channel" if dim == 1 and len(got) > 2 else "pixel"
    return Reading(
        _SLUG,
        f"{_called(found, 'interpolate' if 'Non-empty' in found.text else 'grid_sample')} receives a map without a {what}: {told(got)}",
        f"dim {dim} is 0; only the batch may be empty",
        {**found.values, "dim": dim},
        (
            Cause(
                "empty-slice",
                "a slice, a mask or a crop outside the image left nothing",
                likely=True,
                tries=("print the slice or the box before: its end must lie behind its start, and inside the image",),
            ),
        ),
    )
