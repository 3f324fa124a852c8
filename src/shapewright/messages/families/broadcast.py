"""Messages of element-wise operations, of `expand`, and of masks: two sizes that do not go together."""

from __future__ import annotations

from shapewright.messages.later import pattern
from shapewright.messages.readings.compared import compared
from shapewright.messages.readings.scored import Scored, ranked, weigh
from shapewright.messages.readings.sides import LOSSES, Sides
from shapewright.messages.readings.sizes import causes
from shapewright.messages.readings.stretching import expand, grow
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_SLUG = "broadcast-mismatch"
_PRODUCT = pattern(r"(?<=[\w)\]]) ?@ ?(?=[\w(])|\b(?:matmul|bmm)\(")
_SIGNS = (
    ("added", pattern(r" \+=? ")),
    ("subtracted", pattern(r" -=? ")),
    ("multiplied", pattern(r" \*=? ")),
    ("divided", pattern(r" /=? ")),
)


def _read(found: Found) -> Reading:
    """`left` against `right` in `dim`; the meta device gives the two shapes instead, and counts the dim from the end."""
    facts: dict[str, object] = dict(found.values)
    mine, theirs = (found.shape(name) if found.known("left_shape", "right_shape") else [] for name in ("left_shape", "right_shape"))
    shapes = found.known("left_shape", "right_shape", "dim", "right")
    if shapes:
        back = found.number("dim")
        facts["dim"] = back + max(len(mine), len(theirs))
        if -len(mine) <= back < 0:
            facts["left"] = mine[back]
    left, right, dim = facts.get("left"), facts.get("right"), facts.get("dim")
    if not (isinstance(left, int) and isinstance(right, int) and isinstance(dim, int) and dim >= 0):
        why = "two results that should have one shape were computed to different ones"
        return Reading(
            _SLUG,
            "two tensors disagree in one dim, and neither size is 1",
            "" if {"left", "right", "left_shape"} & facts.keys() else "this wording names no sizes",
            facts,
            (Cause("sizes-differ", why, likely=True),),
            ("print both shapes in the line before; lined up at the last dim, every two sizes must be equal, or one of them 1",),
        )
    sides = Sides(left, right, dim, mine, theirs, found.context.line, found.context.frames)
    loss = LOSSES.search(sides.line) or LOSSES.search(sides.frames)
    product = _PRODUCT.search(sides.line) and not loss
    certain = "shapes are lined up at the last dim; two sizes must be equal, or one of them 1"
    if not product and (dim or not shapes):
        certain += "; all dims after this one fit"
    return Reading(
        _SLUG if not loss else "loss-target-shape" if dim else "loss-batch-mismatch",
        _headline(sides, bool(loss), bool(product)),
        f"{told(mine)} meets {told(theirs)}; {certain}" if shapes else certain,
        facts,
        _matrices(sides) if product else compared(sides) if loss and dim else causes(sides),
        ("print both shapes in the line before: `print(a.shape, b.shape)`",),
    )


def _headline(s: Sides, loss: bool, product: bool) -> str:
    if loss:
        return f"the loss compares two tensors that disagree in dim {s.dim}: {s.left} and {s.right}"
    if product:
        return f"the batches of two matrices disagree in dim {s.dim}: {s.left} and {s.right}"
    done = [word for word, sign in _SIGNS if sign.search(s.line)]
    verb = f" cannot be {done[0]}:" if len(done) == 1 and "(" not in s.line.partition("=")[0] else " disagree:"
    return f"two tensors{verb} dim {s.dim} is {s.left} in one and {s.right} in the other"


def _matrices(s: Sides) -> tuple[Cause, ...]:
    """The dims before the last two of a matrix product: batches and heads."""
    ratio, rest = divmod(s.large, max(s.small, 1))
    scored: list[Scored] = []
    if s.dim and not rest and s.small > 0:
        why = f"{s.large} = {ratio}·{s.small}: queries of {s.large} heads meet {s.small} heads of keys and values (grouped-query attention)"
        step = f"repeat the heads of keys and values: `k.repeat_interleave({ratio}, dim={s.dim})`"
        scored.append(weigh(0.7, "heads-differ", why, step, factor=ratio))
    if not s.dim:
        why = (
            f"batches of {s.left} and {s.right} matrices are multiplied: one was made for another batch, "
            "or heads or steps are still in dim 0"
        )
        steps = ("take the batch from what comes: `x.size(0)`", "one matrix for all: give it a batch of 1 with `w.unsqueeze(0)`")
        scored.append(weigh(0.6, "batches-differ", why, *steps))
    why = "the product is taken over the last two dims, all before them must agree: heads or steps stand in another place on one side"
    step = "for attention both are [B, heads, steps, features]: `x.view(B, T, heads, -1).transpose(1, 2)`"
    scored.append(weigh(0.5, "dims-in-another-order", why, step))
    return ranked(scored)


def _gradient(found: Found) -> Reading:
    """A step of `backward` returns a gradient that has another shape than the input it is for."""
    facts: dict[str, object] = dict(found.values)
    name, index = str(facts.get("function", "")), facts.get("index", "?")
    if not found.known("got_shape", "want_shape"):
        cause = Cause("gradient-of-another-shape", "a gradient must have the shape of its input", likely=True)
        return Reading("other-shape-error", f"`{name}` returns a gradient of another shape than its input", facts=facts, causes=(cause,))
    got, want = found.shape("got_shape"), found.shape("want_shape")
    scored: list[Scored] = []
    own = name[-1:].isdigit()  # PyTorch numbers its own functions
    if own:
        why = f"`{name}` is PyTorch's own: a tensor that it keeps for `backward` was given another shape since, as by `w.data = …`"
        step = "change parameters (`.data = …`, pruning, loading) only after `backward()`, or before the forward pass"
        scored.append(weigh(0.85, "data-replaced", why, step))
    if got != want and got == want[::-1]:
        why = f"{told(got)} is {told(want)} with its dims the other way round: what `backward` returns stands transposed"
        step = "return `grad.T`; for `y = x @ w` the gradient of w is `x.T @ grad_output`, that of x `grad_output @ w.T`"
        if own:
            step = "do not transpose a weight in place (`w.data = w.data.T`) between the forward pass and `backward()`"
        scored.append(weigh(0.8, "transposed", why, step))
    elif not own and (len(got) < len(want) or (1 in got and all(a in (1, b) for a, b in zip(got, want, strict=False)))):
        why = f"a sum too much: {told(got)} lacks a dim of {told(want)}, or has 1 where the input has more"
        scored.append(weigh(0.6, "summed-too-far", why, "sum only over the dims that were stretched in `forward`"))
    if not own:
        why = f"{told(got)} may be the gradient of another input than number {index}"
        step = "`backward` returns one gradient for each input of `forward`, in their order, and None for those that need none"
        scored.append(weigh(0.5, "another-input", why, step))
    return Reading(
        "other-shape-error",
        f"the backward of `{name}` returns a gradient {told(got)} for its input {index} (counted from 0), which is {told(want)}",
        "a gradient must have the shape of the input it is for",
        facts,
        ranked(scored),
        ("`torch.autograd.gradcheck(YourFunction.apply, inputs)`, with small inputs of float64, tells whether a `backward` is right",)
        if not own
        else ("print the shapes of the weights before the forward pass and before `backward()`: they must not change between",),
    )


def _size(name: str) -> str:
    """A size in brackets; `torch.compile` writes `(s98: hint = 17)`, and the size is 17."""
    return rf"\((?:[^():]{{1,60}}: hint = )?(?P<{name}>-?\w{{1,24}})\)"


_N = r"-?\w{1,24}"
_WANT = rf"The expanded size of the tensor {_size('want')}"
TEMPLATES = (
    Template(
        "broadcast",
        ("the size of tensor a",),
        rf"The size of tensor a {_size('left')} must match the size of tensor b {_size('right')} at "
        rf"non-singleton dimension (?P<dim>\d{{1,3}})",
        _read,
        cut=rf"The size of tensor a {_size('left')}(?: must match the size of tensor b {_size('right')})?",
    ),
    Template(
        "broadcast-meta",
        ("attempting to broadcast a dimension",),
        rf"Attempting to broadcast a dimension of length (?P<right>{_N}) at (?P<dim>-?\d{{1,3}})! Mismatching argument "
        rf"at index (?P<argument>\d{{1,3}}) had "
        rf"{shape('right_shape')}; but expected shape should be broadcastable to {shape('left_shape')}",
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
        rf"output with shape {shape('shape')} doesn't match the broadcast shape {shape('want_shape')}",
        grow,
        cut=rf"output with shape {shape('shape')} doesn't match the broadcast shape",
    ),
    Template(
        "expand-size",
        ("the expanded size of the tensor",),
        rf"{_WANT} must match the existing size {_size('got')} at "
        rf"non-singleton dimension (?P<dim>\d{{1,3}})"
        rf"(?:\. ?Target sizes: {shape('want_shape')}\. ?Tensor sizes: {shape('shape')})?",
        expand,
        cut=rf"{_WANT} must match the existing size",
    ),
    Template(
        "expand-new-dim",
        ("isn't allowed in a leading, non-existing dimension",),
        rf"{_WANT} isn't allowed in a leading, non-existing dimension (?P<dim>\d{{1,3}})",
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
        rf"expand\([\w.]{{1,60}}\{{{shape('shape')}\}}, size=\[(?P<want_shape>[^\]]{{0,200}})\]\): the number of "
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
        rf"attempting to assign a gradient of size '?{shape('got_shape')}'? to a tensor of size '?{shape('want_shape')}'?",
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
        "invalid-gradient",
        ("returned an invalid gradient at index",),
        rf"Function (?P<function>\w{{1,80}}) returned an invalid gradient at index (?P<index>\d{{1,6}}) - got {shape('got_shape')} "
        rf"but expected shape compatible with {shape('want_shape')}",
        _gradient,
        cut=rf"Function (?P<function>\w{{1,80}}) returned an invalid gradient at index (?P<index>\d{{1,6}}) - got {shape('got_shape')}",
    ),
    Template(
        "assert-close-shape",
        ("the values for attribute 'shape' do not match",),
        rf"The values for attribute 'shape' do not match: {shape('got_shape')} != {shape('want_shape')}",
        plain(
            "other-shape-error",
            "a test compares a tensor of {got_shape} with one of {want_shape}",
            ("compared-shapes-differ", "`torch.testing.assert_close` compares shapes before values; nothing is stretched"),
            tries=("bring both to one shape before the comparison: `expected.expand_as(actual)` where stretching is meant",),
        ),
    ),
)
