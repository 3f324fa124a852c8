"""Messages of element-wise operations, of `expand`, and of masks: two sizes that do not go together."""

from __future__ import annotations

import re

from shapewright.messages.readings.sizes import LOSSES, MASK, POSITION, Scored, Sides, causes, known_widths, ranked, weigh
from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_PRODUCT = re.compile(r"(?<=[\w)\]]) ?@ ?(?=[\w(])|\b(?:matmul|bmm)\(")
_SIGNS = (
    ("added", re.compile(r" \+=? ")),
    ("subtracted", re.compile(r" -=? ")),
    ("multiplied", re.compile(r" \*=? ")),
    ("divided", re.compile(r" /=? ")),
)


def _read(found: Found) -> Reading:
    """`left` against `right` in `dim`; the meta device gives the two shapes instead."""
    facts: dict[str, object] = dict(found.values)
    shapes = found.known("left_shape", "right_shape")
    if shapes and found.known("dim", "right"):
        facts["dim"] = dim = found.number("dim") + max(len(found.shape("left_shape")), len(found.shape("right_shape")))
        if 0 <= dim < len(found.shape("left_shape")):
            facts["left"] = found.shape("left_shape")[dim]
    left, right, dim_ = facts.get("left"), facts.get("right"), facts.get("dim")
    if not (isinstance(left, int) and isinstance(right, int) and isinstance(dim_, int) and dim_ >= 0):
        return _symbolic(facts)
    line, frames = found.context.line, found.context.frames
    sides = Sides(
        left, right, dim_, found.shape("left_shape") if shapes else (), found.shape("right_shape") if shapes else (), line, frames
    )
    loss = LOSSES.search(line) or LOSSES.search(frames)
    product = _PRODUCT.search(line) and not loss
    slug = "broadcast-mismatch"
    if loss:
        slug = "loss-batch-mismatch" if dim_ == 0 else "loss-target-shape"
        headline = f"the loss compares two tensors that disagree in dim {dim_}: {left} and {right}"
    elif product:
        headline = f"the batches of two matrices disagree in dim {dim_}: {left} and {right}"
    else:
        done = [word for word, sign in _SIGNS if sign.search(line)]
        verb = f" cannot be {done[0]}:" if len(done) == 1 and "(" not in line.partition("=")[0] else " disagree:"
        headline = f"two tensors{verb} dim {dim_} is {left} in one and {right} in the other"
    certain = "shapes are lined up at the last dim; two sizes must be equal, or one of them 1" + (
        "" if product or (not dim_ and shapes) else "; all dims after this one fit"
    )
    if shapes:
        certain = f"{told(found.shape('left_shape'))} meets {told(found.shape('right_shape'))}; " + certain
    return Reading(
        slug,
        headline,
        certain,
        facts,
        causes(sides) if not product else _matrices(sides),
        ("print both shapes in the line before: `print(a.shape, b.shape)`",),
    )


def _matrices(s: Sides) -> tuple[Cause, ...]:
    """The dims before the last two of a matrix product: batches and heads."""
    ratio, rest = divmod(s.large, max(s.small, 1))
    scored: list[Scored] = []
    if s.dim and not rest:
        scored.append(
            weigh(
                0.7,
                "heads-differ",
                f"{s.large} = {ratio}·{s.small}: queries of {s.large} heads meet {s.small} heads of keys and values "
                f"(grouped-query attention)",
                facts={"factor": ratio},
                tries=(f"repeat the heads of keys and values: `k.repeat_interleave({ratio}, dim={s.dim})`",),
            )
        )
    if not s.dim:
        scored.append(
            weigh(
                0.6,
                "batches-differ",
                f"batches of {s.left} and {s.right} matrices are multiplied: one was made for another batch, or heads "
                f"or steps are still in dim 0",
                tries=("take the batch from what comes: `x.size(0)`", "one matrix for all: give it a batch of 1 with `w.unsqueeze(0)`"),
            )
        )
    scored.append(
        weigh(
            0.5,
            "dims-in-another-order",
            "the product is taken over the last two dims, all before them must agree: heads or steps stand in another place on one side",
            tries=("for attention both are [B, heads, steps, features]: `x.view(B, T, heads, -1).transpose(1, 2)`",),
        )
    )
    return ranked(scored)


def _symbolic(facts: dict[str, object]) -> Reading:
    return Reading(
        "broadcast-mismatch",
        "two tensors disagree in one dim, and neither size is 1",
        "" if {"left", "right", "left_shape"} & facts.keys() else "this wording names no sizes",
        facts,
        (Cause("sizes-differ", "two results that should have one shape were computed to different ones", likely=True),),
        ("print both shapes in the line before; lined up at the last dim, every two sizes must be equal, or one of them 1",),
    )


def _expand(found: Found) -> Reading:
    """A size `got` is to be stretched, or copied, to `want`; only 1 can be stretched."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want", "dim"):
        return Reading(
            "broadcast-mismatch",
            "only a dim of size 1 can be stretched to another size",
            "",
            facts,
            (Cause("sizes-differ", "the tensor has another size in this dim", likely=True),),
        )
    got, want, dim = found.number("got"), found.number("want"), found.number("dim")
    shapes = found.known("shape", "want_shape")
    target, own = (found.shape("want_shape"), found.shape("shape")) if shapes else ([], [])
    line = found.context.line
    assigned = re.search(r"\]\s*=[^=]", line) or "copy_(" in line
    last = bool(target) and dim == len(target) - 1
    scored: list[Scored] = []
    if want in (768, 1024, 1280, 2048, 4096) or got in (768, 1024, 1280, 2048, 4096):
        scored += known_widths(got, want, "an embedding of one model family is put into a prompt or table of the other")
    if got in (512, 514, 77, 1024, 2048) and want > got and (last or not target) and (len(target) == 2 or POSITION.search(line)):
        scored.append(
            weigh(
                0.85,
                "sequence-too-long",
                f"a buffer of {got} positions or token types is to serve a sequence of {want}: the text is longer than "
                f"the model's {got} positions",
                facts={"table": got, "steps": want},
                tries=(
                    f"cut the text: `tokenizer(…, truncation=True, max_length={min(got, 512) if got == 514 else got})`",
                    "or split it into pieces that are short enough",
                ),
            )
        )
    if MASK.search(line) or (len(target) == 4 and last):
        scored.append(
            weigh(
                0.62 if MASK.search(line) or (len(target) == 4 and got != want and target[-2] != target[-1]) else 0.5,
                "mask-length",
                f"a mask for {got} keys is stretched to scores of {want}: it was made for another length",
                tries=(
                    "make the mask for as many keys as there are (with a cache: past and new ones together); [B, K] "
                    "becomes `mask[:, None, None, :]`",
                ),
            )
        )
    if assigned or (not dim and not (own and len(own) == len(target) > 1 and not assigned and "expand" in line)):
        batch = dim == 0
        scored.append(
            weigh(
                0.7 if assigned else 0.5,
                "slice-length",
                f"a place of {want} is filled with {got}: "
                + (
                    "the last batch or the last window is shorter than the others"
                    if batch and got < want
                    else "what is written has another length than where it goes"
                ),
                tries=(
                    "write as many as there are: `out[i : i + len(y)] = y`",
                    "or `DataLoader(…, drop_last=True)` where it is the last batch",
                )
                if batch
                else ("make the place from what is written: `out = y.new_zeros(y.shape)`",),
            )
        )
    if len(own) == 1 and last and len(target) == 2:
        scored.append(
            weigh(
                0.6 if got not in (512, 514) else 0.3,
                "bias-length",
                f"a bias or a vector of {got} is added to rows of {want}: it belongs to a layer of {got} outputs",
                tries=(f"build the bias for {want} outputs, or leave it to the layer: `nn.Linear(n, {want})`",),
            )
        )
    if own and len(own) == len(target) and sorted(own) == sorted(target):
        scored.append(
            weigh(
                0.8,
                "missing-transpose",
                f"{told(own)} and {told(target)} have the same sizes in another order",
                tries=("bring it into that order first: `x.transpose(0, 1)` or `x.permute(…)`",),
            )
        )
    if len(own) == 1 and got in target and not last:
        scored.append(
            weigh(
                0.4,
                "vector-at-wrong-dim",
                f"shapes are lined up at the last dim; the vector of {got} is as long as dim {target.index(got)}",
            )
        )
    if own and got in target and target.index(got) != dim and len(own) < len(target):
        dots = ", ".join([":"] + ["None"] * (len(target) - 1 - target.index(got)))
        scored.append(
            weigh(
                0.72,
                "vector-at-wrong-dim",
                f"the {got} is as long as dim {target.index(got)} of {told(target)}, but stands at dim {dim}: shapes "
                f"are lined up at the last dim",
                tries=(f"give it dims of size 1 at the end: `v[{dots}]`",),
            )
        )
    scored.append(
        weigh(
            0.3 if scored else 0.5,
            "not-of-size-one",
            f"only a dim of size 1 is repeated by `expand`; {got} entries cannot become {want}",
            tries=("to repeat the entries: `x.repeat_interleave(k, dim)` or `x.repeat(…)`",),
        )
    )
    shown = f"{told(own)} was to become {told(target)}" if shapes else ""
    return Reading(
        "broadcast-mismatch",
        f"a dim of {got} cannot be stretched to {want} (dim {dim})",
        shown,
        facts,
        ranked(scored),
        ("print both shapes in the line before",),
    )


def _grow(found: Found) -> Reading:
    """A tensor is changed in place and would have to grow."""
    facts: dict[str, object] = dict(found.values)
    line, frames = found.context.line, found.context.frames
    if not found.known("shape", "want_shape"):
        return Reading(
            "broadcast-mismatch",
            "a tensor is changed in place and cannot grow",
            "",
            facts,
            (Cause("in-place", "an in-place operation keeps the shape of what it writes to", likely=True),),
        )
    own, wanted = found.shape("shape"), found.shape("want_shape")
    scored: list[Scored] = []
    if own[:1] == [1] and wanted[:1] == [3] and own[1:] == wanted[1:] and len(own) == 3:
        scored.append(
            weigh(
                0.92,
                "grey-image",
                f"an image of 1 channel {told(own)} is normalised with mean and std of 3 channels",
                facts={"channels": 1},
                tries=(
                    "make it RGB first: `transforms.Grayscale(3)`, or `Image.open(path).convert('RGB')`",
                    "or normalise one channel: `Normalize((0.5,), (0.5,))`",
                ),
            )
        )
    if "binary_cross_entropy" in frames or "BCELoss" in frames:
        scored.append(
            weigh(
                0.9,
                "loss-weight",
                f"the loss has weights that do not fit predictions {told(own)}",
                tries=("give `weight` the shape of the predictions, or one that stretches to it",),
            )
        )
    if len(wanted) == len(own) + 1 and wanted[1:] == own:
        scored.append(
            weigh(
                0.7,
                "batch-into-one",
                f"{wanted[0]} tensors of {told(own)} are added into one: the batch is missing on the left, or the sum over it on the right",
                tries=("sum first: `x += y.sum(0)`",),
            )
        )
    if [size for size in wanted if size != 1] != [size for size in own if size != 1] and [
        i for i, j in zip(own, wanted[-len(own) :] if own else [], strict=False) if i == 1 != j
    ]:
        scored.append(
            weigh(0.6, "keeps-size-one", f"a dim of size 1 of {told(own)} would have to grow; in place it cannot, `x = x + y` can")
        )
    if len(own) == 1 and len(wanted) == 2 and wanted[0] == wanted[1] == own[0]:
        scored.append(
            weigh(
                0.85,
                "column-meets-row",
                f"a column [{own[0]}, 1] meets the row {told(own)}: both are spread to a square",
                tries=("drop the dim of size 1: `y.squeeze(1)`",),
            )
        )
    scored.append(
        weigh(0.5 if not scored else 0.3, "in-place", "an in-place operation (`+=`, `mul_`, `out=`) keeps the shape of what it writes to")
    )
    return Reading(
        "broadcast-mismatch" if "binary_cross_entropy" not in frames else "loss-target-shape",
        f"a tensor of {told(own)} is changed in place and cannot grow to {told(wanted)}",
        "the result of the operation is larger than the tensor it is written to",
        facts,
        ranked(scored),
        ("if the larger shape is what you want: `x = x + y` instead of `x += y`",)
        if "+=" in line or not line
        else ("if the larger shape is what you want, write it without changing in place: `x = x + y`",),
    )


def _shape(name: str) -> str:
    return rf"(?:torch\.Size\()?[\[(](?P<{name}>[^\])]{{0,200}})[\])]\)?"


_N = r"-?\w{1,24}"
TEMPLATES = (
    Template(
        "broadcast",
        ("the size of tensor a",),
        rf"The size of tensor a \((?P<left>{_N})\) must match the size of tensor b \((?P<right>{_N})\) at "
        rf"non-singleton dimension (?P<dim>\d{{1,3}})",
        _read,
        cut=rf"The size of tensor a \((?P<left>{_N})\)(?: must match the size of tensor b \((?P<right>{_N})\))?",
    ),
    Template(
        "broadcast-meta",
        ("attempting to broadcast a dimension",),
        rf"Attempting to broadcast a dimension of length (?P<right>{_N}) at (?P<dim>-?\d{{1,3}})! Mismatching argument "
        rf"at index (?P<argument>\d{{1,3}}) had "
        rf"{_shape('right_shape')}; but expected shape should be broadcastable to {_shape('left_shape')}",
        _read,
        cut=rf"Attempting to broadcast a dimension of length (?P<right>{_N}) at (?P<dim>-?\d{{1,3}})! Mismatching argument at index",
    ),
    Template(
        "broadcast-shapes",
        ("cannot be broadcast to a single shape",),
        r"Shape mismatch: objects cannot be broadcast to a single shape",
        _read,
    ),
    Template(
        "broadcast-in-place",
        ("doesn't match the broadcast shape",),
        rf"output with shape {_shape('shape')} doesn't match the broadcast shape {_shape('want_shape')}",
        _grow,
        cut=rf"output with shape {_shape('shape')} doesn't match the broadcast shape",
    ),
    Template(
        "expand-size",
        ("the expanded size of the tensor",),
        rf"The expanded size of the tensor \((?P<want>{_N})\) must match the existing size \((?P<got>{_N})\) at "
        rf"non-singleton dimension (?P<dim>\d{{1,3}})"
        rf"(?:\. ?Target sizes: {_shape('want_shape')}\. ?Tensor sizes: {_shape('shape')})?",
        _expand,
        cut=rf"The expanded size of the tensor \((?P<want>{_N})\) must match the existing size",
    ),
    Template(
        "expand-new-dim",
        ("isn't allowed in a leading, non-existing dimension",),
        rf"The expanded size of the tensor \((?P<want>{_N})\) isn't allowed in a leading, non-existing dimension (?P<dim>\d{{1,3}})",
        plain(
            "broadcast-mismatch",
            "`expand` has no size to keep for the new dim {dim} ({want})",
            ("minus-one-in-new-dim", "-1 in `expand` keeps the size that is there; a dim that `expand` adds in front has none yet"),
            tries=(
                "give its size: `x.expand(batch, -1, -1)` instead of `x.expand(-1, …)`",
                "or add the dim first: `x.unsqueeze(0).expand(…)`",
            ),
        ),
    ),
    Template(
        "expand-rank",
        ("the number of sizes provided",),
        rf"expand\([\w.]{{1,60}}\{{{_shape('shape')}\}}, size=\[(?P<want_shape>[^\]]{{0,200}})\]\): the number of "
        rf"sizes provided \((?P<want_rank>\d{{1,3}})\) "
        r"must be greater or equal to the number of dimensions in the tensor \((?P<rank>\d{1,3})\)",
        plain(
            "broadcast-mismatch",
            "`expand` cannot bring {rank} dims {shape} to {want_rank}: {want_shape}",
            ("extra-dim", "the tensor has a dim more than asked for: {shape}; `expand` adds dims in front, it takes none away"),
            ("sizes-left-out", "not all dims were named: `expand` wants a size for each, -1 for those that stay"),
            tries=("take a dim of size 1 out first: `x.squeeze(1)`", "or name all dims: `x.expand(n, -1)`"),
        ),
    ),
    Template(
        "masked-scatter",
        ("number of elements of source < number of ones in mask",),
        r"Number of elements of source < number of ones in mask",
        plain(
            "other-shape-error",
            "`masked_scatter` has fewer numbers to write than the mask has places",
            (
                "placeholders-and-features",
                "in a model for images and text: the prompt holds more image placeholders than there are image "
                "features (another image size, or a processor of another version)",
            ),
            ("mask-too-wide", "the mask is stretched over dims that the source does not have"),
            tries=("compare `mask.sum()` with `source.numel()` in the line before; the source needs at least as many",),
        ),
    ),
    Template(
        "assigned-gradient",
        ("attempting to assign a gradient of size",),
        rf"attempting to assign a gradient of size '?{_shape('got_shape')}'? to a tensor of size '?{_shape('want_shape')}'?",
        plain(
            "other-shape-error",
            "a gradient of {got_shape} is given to a tensor of {want_shape}",
            (
                "other-parameter",
                "it is the gradient of another parameter: two lists of parameters and gradients are not in one order, "
                "or belong to two models",
            ),
            ("not-summed", "a gradient for each sample was not summed over the batch"),
            tries=("a gradient has the shape of its tensor; go through parameters and gradients by name",),
        ),
    ),
    Template(
        "assert-close-shape",
        ("the values for attribute 'shape' do not match",),
        rf"The values for attribute 'shape' do not match: {_shape('got_shape')} != {_shape('want_shape')}",
        plain(
            "other-shape-error",
            "a test compares a tensor of {got_shape} with one of {want_shape}",
            ("compared-shapes-differ", "`torch.testing.assert_close` compares shapes before values; nothing is stretched"),
            tries=("bring both to one shape before the comparison: `expected.expand_as(actual)` where stretching is meant",),
        ),
    ),
)
