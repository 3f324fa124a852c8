"""What the messages of padding, interpolate, grid_sample and affine_grid say of their input."""

from __future__ import annotations

import re

from shapewright.messages.readings.images import UNKNOWN, by, certain, count, facts, size, sizes, told
from shapewright.messages.readings.words import called, cause
from shapewright.messages.template import Cause, Found, Reading

_SLUG = "other-shape-error"
_MODES = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5, "lanczos": 4}
_PRINT = "print `x.shape` in the line before"


def _missing(lacks: int) -> tuple[str, str]:
    """How dims are added in front, and how they are taken away again: `[None, None]`, `[0, 0]`."""
    return f"[{', '.join(['None'] * lacks)}]", f"[{', '.join(['0'] * lacks)}]"


def reflect(found: Found) -> Reading:
    """Reflection needs more pixels than it adds."""
    pads = [one for one in sizes(found, "padding") if one != UNKNOWN]
    got, dim = sizes(found, "input_shape"), found.number("dim")
    have = got[dim] if len(got) > dim else 0
    most = max(pads, default=0)
    frames = f"{found.context.frames} {found.context.line}".lower()
    sound = "stft" in frames or "spectrogram" in frames or "mel" in frames
    why = f"reflection by {most} needs more than {most} values in dim {dim}, and there {'is' if have == 1 else 'are'} {size(have)}"
    step = "feed larger images (or longer sequences), or take out a pooling or a stride before"
    other = "or pad with another mode, which has no such limit: `mode='replicate'` or `mode='constant'`"
    causes = [cause("image-too-small", why, step, other, likely=not sound, got=have, needs=most + 1)]
    if len(got) <= 3 and len(pads) == 2 and pads[0] == pads[1]:
        why = f"`torch.stft` with center=True reflects n_fft // 2 at both ends: {most} would be n_fft = {2 * most}, and the "
        why += f"sound has {count(have, 'sample')}"
        step = f"pad or drop sounds of {most} samples and fewer, or take a smaller `n_fft`"
        other = "print `x.shape`: the samples stand in the last dim"
        causes.append(cause("sound-too-short", why, step, other, likely=sound, n_fft=2 * most, samples=have))
    headline = f"{called(found, 'pad')} with mode 'reflect' cannot add {most} to dim {dim} of size {size(have)}"
    exact = f"the input is {told(got)}; a reflection must be shorter than the dim it reflects"
    causes.sort(key=lambda one: not one.likely)
    return Reading(_SLUG, headline, exact, facts(found, got=have, want=most + 1, padding=pads), certain(causes))


def pad_rank(found: Found) -> Reading:
    """Reflection and its like pad one, two or three dims behind the channels."""
    rank, widths = found.number("rank"), found.number("widths")
    n = widths // 2
    lacks = n + 1 - rank
    if lacks > 0:
        why = f"{count(widths, 'width')} pad the last {count(n, 'dim')} and need {count(n + 1, 'dim')} at the least, [C, …]: "
        why += f"{lacks} {'is' if lacks == 1 else 'are'} missing"
        form, back = _missing(lacks)
        made = cause("missing-dims", why, f"add what is missing: `F.pad(x{form}, …){back}`", likely=True, missing=lacks)
    else:
        why = f"{count(widths, 'width')} pad the last {count(n, 'dim')} of {n + 1} or {n + 2} dims, and {rank} come"
        step = f"give two widths for each of the last {max(rank - 2, 1)} dims, zeros where nothing is added: `(1, 1, 0, 0)`"
        made = cause("too-few-widths", why, step, "or pad with `mode='constant'`, which takes any rank", likely=True)
    headline = f"{called(found, 'pad')} with {count(widths, 'width')} expects {n + 1} or {n + 2} dims but receives {rank}"
    exact = "the modes 'reflect', 'replicate' and 'circular' pad the last dims of [C, …] or [N, C, …]"
    return Reading(_SLUG, headline, exact, facts(found), (made,))


def spatial(found: Found) -> Reading:
    """Another number of sizes (or factors) than the input has dims behind [N, C]."""
    sides = sizes(found, "map_shape")
    asked = [float(one) if "." in one else int(one) for one in re.findall(r"\d+(?:\.\d+)?", str(found.values.get("asked", "")))]
    what = "scale_factor" if "scale" in str(found.values["what"]) else "size"
    n, m = len(sides), len(asked)
    if m > n:
        form, back = _missing(m - n)
        kinds = {(1, 2): "an image [C, H, W] without a batch dim", (0, 2): "a mask or map [H, W] without batch and channel dim"}
        why = "the first two dims are taken for batch and channels, and "
        why += f"{count(n, 'dim')} {'is' if n == 1 else 'are'} left to resize: {kinds.get((n, m), 'a tensor without its batch dim')}"
        step = f"add what is missing and take it away again: `F.interpolate(x{form}, …){back}`"
        causes = [cause("no-batch-dim", why, step, likely=m <= 3)]
        if m == n + 2 and n:
            why = f"{m} numbers may be the whole size [N, C, …] of another tensor"
            causes.append(cause("whole-size", why, f"give its last {n} only: `size=other.shape[2:]`", likely=m > 3))
    else:
        why = f"{count(m, 'number')} for {count(n, 'dim')} to resize: {told(sides)}"
        causes = [cause("too-few-numbers", why, f"give {n}, or one number that is not in a list, for all alike", likely=True)]
    headline = f"{called(found, 'interpolate')} is given {count(m, 'number')} as {what} for {count(n, 'dim')}"
    exact = f"the input has {n + 2} dims: behind [N, C] are {told(sides)}"
    return Reading(_SLUG, headline, exact, facts(found, got=m, want=n, rank=n + 2, asked=asked), tuple(causes), (_PRINT,))


def mode(found: Found) -> Reading:
    """Each mode is for inputs of one rank."""
    rank, mode = found.number("rank"), str(found.values["mode"])
    want = found.number("want_rank") if found.known("want_rank") else _MODES.get(mode, 0)
    causes: list[Cause] = []
    if want > rank:
        lacks = want - rank
        form, back = _missing(lacks)
        why = f"{lacks} of the dims [N, C, …] {'is' if lacks == 1 else 'are'} missing: a single image [C, H, W] or mask [H, W]"
        step = f"add what is missing and take it away again: `F.interpolate(x{form}, mode='{mode}', …){back}`"
        causes.append(cause("no-batch-dim", why, step, likely=True))
    fitting = {3: "linear", 4: "bilinear", 5: "trilinear"}.get(rank)
    if fitting and fitting != mode:
        why = f"the mode for {rank} dims is '{fitting}' (3 dims 'linear', 4 'bilinear' or 'bicubic', 5 'trilinear')"
        causes.append(cause("mode-of-another-rank", why, f"`mode='{fitting}'`", likely=not causes))
    if rank > 5 or (rank == 5 and want == 4):
        step = "`F.interpolate(x.flatten(0, 1), …)`, and `unflatten(0, (batch, frames))` behind it"
        causes.append(cause("video", "for clips [N, frames, C, H, W] the frames belong into the batch", step, likely=not causes))
    if not causes:
        causes.append(cause("no-batch-dim", "the dims [N, C, …] are not all there", "add what is missing: `x[None]`", likely=True))
    expects = f"expects {want} dims" if want else "expects 3, 4 or 5 dims [N, C, …]"
    headline = f"{called(found, 'interpolate')} with mode '{mode}' {expects} but receives {rank}"
    exact = "batch and channels are two of them; the rest is resized"
    return Reading(_SLUG, headline, exact, facts(found, **({"want_rank": want} if want else {})), tuple(causes), (_PRINT,))


def zero(found: Found) -> Reading:
    """Something is resized to nothing, or nothing is resized."""
    got, out = sizes(found, "input_shape"), sizes(found, "output_shape")
    if "input" in found:
        got = [int(one) for one in re.findall(r": ?(-?\d{1,15})", str(found.values["input"]))]
        out = [int(one) for one in re.findall(r": ?(-?\d{1,15})", str(found.values["output"]))]
    else:
        got = got[2:]
    name = called(found, "interpolate")
    named = facts(found, map_shape=got, output_shape=out)
    if any(one <= 0 for one in got):
        why = f"the map {by(got)} has a side of 0: a crop, a slice or a box outside the image left nothing"
        made = cause("empty-map", why, "look at the crops before; skip empty ones", likely=True)
        return Reading(_SLUG, f"{name} receives a map without a pixel: {by(got)}", "", named, (made,))
    why = "the size or the scale_factor is so small that a side is rounded down to 0"
    step = "keep every side at 1 at the least: `max(1, round(side * factor))`"
    made = cause("size-rounded-to-zero", why, step, "print the size in the line before: height stands before width", likely=True)
    return Reading(_SLUG, f"{name} is to resize {by(got)} to {by(out)}: a side would be 0", "", named, (made,))


def grid_last(found: Found) -> Reading:
    """The coordinates must stand last in the grid."""
    grid = sizes(found, "grid_shape")
    want = found.number("want") if found.known("want") else max(len(grid) - 2, 2)
    got = grid[-1] if grid else found.number("got") if found.known("got") else 0
    causes: list[Cause] = []
    if len(grid) > 2 and grid[1] == want:
        order = "0, 2, 3, 1" if want == 2 else "0, 2, 3, 4, 1"
        why = f"dim 1 is {want}: the coordinates stand where channels do, as a network gives out a flow"
        causes.append(cause("coordinates-not-last", why, f"`grid = grid.permute({order})`", likely=True))
    if want == 1:
        why = "input and grid have 3 dims: the batch dim of both is missing"
        causes.append(cause("no-batch-dim", why, "`F.grid_sample(x[None], grid[None])[0]`", likely=True))
    elif got == 3 and want == 2:
        why = "3 coordinates: x, y and a 1 (or a depth) for images, which take x and y"
        step = "`grid = grid[..., :2]` (after dividing by the third, if it is a homography)"
        causes.append(cause("homogeneous-coordinates", why, step, likely=not causes))
    elif got == 2 and want == 3:
        step = "give a grid [N, D, H, W, 3], or sample slice by slice with a 4-d input"
        causes.append(cause("flat-grid", "2 coordinates for a volume, which takes x, y and z", step, likely=not causes))
    why = "a grid is [N, height out, width out, 2] for images, [N, D, H, W, 3] for volumes, with values from -1 to 1; "
    why += f"here {want} must stand last"
    causes.append(cause("other-layout", why, likely=not causes))
    headline = f"{called(found, 'grid_sample')} expects {count(want, 'coordinate')} in the last dim of the grid but receives {size(got)}"
    exact = f"the grid is {told(grid)}" if grid else ""
    return Reading(_SLUG, headline, exact, facts(found, got=got, want=want), tuple(causes))


def grid_batch(found: Found) -> Reading:
    """A grid for each sample."""
    x, grid = sizes(found, "input_shape"), sizes(found, "grid_shape")
    got, want = (grid or [0])[0], (x or [0])[0]
    name = called(found, "grid_sample")
    headline = f"{name} receives {count(want, 'image')} but a grid for {size(got)}"
    if len(x) != len(grid) or not x:
        headline = f"{name} receives an input {told(x)} and a grid {told(grid)}"
    if not x or not grid:
        why = "a single number has no batch: an index, a `squeeze()` or a mean before took the dims away"
        made = cause("dims-missing", why, "images are [N, C, H, W], their grid [N, height out, width out, 2]", likely=True)
    elif len(x) == 3 and len(grid) == 4:
        why = f"the input {told(x)} has no batch dim, the grid has one"
        made = cause("no-batch-dim", why, "`F.grid_sample(x[None], grid)[0]`", likely=True)
    elif got == 1:
        why = f"one grid for a batch of {size(want)}: it is not repeated by itself"
        made = cause("one-grid-for-all", why, "`grid.expand(x.size(0), -1, -1, -1)`", likely=True)
    else:
        why = "the batch sizes differ: the last batch of a loader is smaller, or a size was written down as a number"
        made = cause("batches-differ", why, "make the grid for `x.size(0)` samples", likely=True)
    exact = f"the input is {told(x)}, the grid {told(grid)}"
    return Reading(_SLUG, headline, exact, facts(found, got=got, want=want), (made,))


def grid_rank(found: Found) -> Reading:
    """As many dims in the grid as in the input."""
    x, grid = sizes(found, "input_shape"), sizes(found, "grid_shape")
    short, long = ("grid", "input") if len(grid) < len(x) else ("input", "grid")
    why = f"the {short} has {count(min(len(x), len(grid)), 'dim')}, the {long} {max(len(x), len(grid))}"
    step = "add the dim that is missing: `x[None]` or `grid[None]`"
    if len(x) == 4 and len(grid) == 3 and grid[-1] == 2:
        step = "`grid = grid.expand(x.size(0), -1, -1, -1)`: the batch dim of the grid is missing"
        if grid[0] == x[0]:
            step = "`grid = grid.unsqueeze(1)`: [N, 1, points, 2] for a list of points"
    headline = f"{called(found, 'grid_sample')} receives an input of {count(len(x), 'dim')} but a grid of {len(grid)}"
    exact = f"the input is {told(x)}, the grid {told(grid)}; images go with [N, H, W, 2], volumes with [N, D, H, W, 3]"
    return Reading(_SLUG, headline, exact, facts(found), (cause("missing-dim", why, step, likely=True),))


def theta(found: Found) -> Reading:
    """The matrices of `affine_grid`."""
    got, rows = sizes(found, "got_shape"), found.number("dims")
    want = f"[N, {rows}, {rows + 1}]"
    if got[-2:] == [rows + 1, rows + 1]:
        why = f"the matrices are {rows + 1}×{rows + 1}, with the last row 0…0 1 of an affine map"
        made = cause("whole-matrix", why, f"leave the last row out: `theta[:, :{rows}]`", likely=True)
    elif got == [rows, rows + 1]:
        step = "`theta.unsqueeze(0)`, for a batch `theta.expand(batch, -1, -1)`"
        made = cause("no-batch-dim", "it is one matrix without a batch dim", step, likely=True)
    elif len(got) == 2 and got[1] == rows * (rows + 1):
        why = f"the {got[1]} numbers of each matrix stand in one row"
        made = cause("flat-matrices", why, f"`theta.view(-1, {rows}, {rows + 1})`", likely=True)
    elif got[-2:] in ([2, 3], [3, 4]):
        why = "the matrices are for images and the size for volumes, or the other way round"
        made = cause("images-and-volumes", why, "give the size [N, C, H, W] for 2×3, [N, C, D, H, W] for 3×4", likely=True)
    else:
        made = cause("other-layout", f"it takes {want}", "print `theta.shape` in the line before", likely=True)
    headline = f"{called(found, 'affine_grid')} expects matrices {want} but receives {told(got)}"
    return Reading(_SLUG, headline, "", facts(found), (made,))


def hollow(found: Found) -> Reading:
    """A dim of size 0 that is not the batch."""
    got = sizes(found, "input_shape")
    dim = got.index(0, 1) if 0 in got[1:] else 1
    what = "channel" if dim == 1 and len(got) > 2 else "pixel"
    name = called(found, "interpolate" if "Non-empty" in found.text else "grid_sample")
    step = "print the slice or the box before: its end must lie behind its start, and inside the image"
    made = cause("empty-slice", "a slice, a mask or a crop outside the image left nothing", step, likely=True)
    exact = f"dim {dim} is 0; only the batch may be empty"
    return Reading(_SLUG, f"{name} receives a map without a {what}: {told(got)}", exact, facts(found, dim=dim), (made,))
