"""What the line or the frames say of two sizes, so that the numbers alone need not: attention, distributions, distances."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.messages.later import pattern
from shapewright.messages.readings.scored import Scored, usual_batch, weigh
from shapewright.messages.readings.sides import MASK, Sides

_ATTENTION = pattern(r"scaled_dot_product_attention\(([^\n]{0,200})")
_DISTRIBUTION = pattern(r"[/\\]distributions[/\\]\w+\.py")
_DISTANCE = pattern(
    r"\b(cosine_similarity|CosineSimilarity|pairwise_distance|PairwiseDistance|triplet_margin_\w+|TripletMargin\w+"
    r"|cosine_embedding_loss|CosineEmbeddingLoss)\b"
)
_SAMPLES = pattern(r"(?i)(?:^|\.)(?:alphas?|eps(?:ilon)?|lamb?d?a?|betas?|coefs?|sqrt_\w+|mix|ratio|adv\w*)(?=$|[\[(_.])")
_CHANNELS = pattern(r"(?i)(?:^|\.)(?:gammas?|scales?|weights?|sigmas?|factors?|gates?)(?=$|[\[(])")
_OVERLAP = pattern(r"(?i)dice|\biou\b|jaccard|tversky|\binter(?:section)?\b|\boverlap\b")
_FILLED = pattern(r"masked_fill\(|\bwhere\(")
_FILLED_IN_PLACE = pattern(r"masked_fill_\(")
_LEFT = pattern(r"(?i)[\w.]*mask[\w.\[\], :()]* [+*]")
_RIGHT = pattern(r"(?i)[+*]=? [\w.]*mask")
_HEADS = 32


def attended(s: Sides) -> Iterator[Scored]:
    """`scaled_dot_product_attention`: without a mask in the call there is none."""
    call = _ATTENTION.search(s.line)
    if not call:
        return
    closed, inner = ")" in call[1], call[1].partition(")")[0]
    masked = "mask" in call[1] or not closed or inner.count(",") >= 3
    ratio, rest = divmod(s.large, max(s.small, 1))
    if s.dim == 1 and not rest:
        why = f"{s.large} = {ratio}·{s.small}: queries of {s.left} heads meet keys and values of {s.right} (grouped-query attention)"
        steps = (
            "let it share the heads: `F.scaled_dot_product_attention(q, k, v, enable_gqa=True)` (torch 2.5 and newer)",
            f"or repeat them: `k.repeat_interleave({ratio}, dim=1)`, and `v` alike",
        )
        yield weigh(0.85, "heads-differ", why, *(steps if s.left > s.right else steps[1:]), factor=ratio)
    if s.dim == 1:
        why = (
            f"dim 1 are the heads, and the steps are dim 2; if {s.left} and {s.right} are steps of queries and keys, "
            "the heads were not brought to the front"
        )
        step = "bring all three to [B, heads, steps, features]: `x.view(B, T, heads, -1).transpose(1, 2)`"
        yield weigh(0.45 if not rest else 0.7, "dims-in-another-order", why, step)
    elif s.dim == 0:
        why = f"queries are a batch of {s.left}, keys and values (or the mask) one of {s.right}"
        yield weigh(0.6, "batches-differ", why, "print `q.shape, k.shape, v.shape` in the line before")
    elif not masked:
        why = f"queries, keys and values disagree: {s.left} and {s.right}"
        yield weigh(0.5, "sizes-differ", why, "print `q.shape, k.shape, v.shape` in the line before")
    if masked and s.dim >= 1:
        what = {2: "queries", 3: "keys"}.get(s.dim, "heads")
        why = f"scores for {s.left} {what} meet a mask for {s.right}: it was made for another length, or lacks a dim"
        step = "the mask is [B, 1, queries, keys]; one of padding [B, keys] becomes `mask[:, None, None, :]`"
        yield weigh(0.8 if s.dim >= 2 else 0.4, "mask-length", why, step)


def distributed(s: Sides) -> Iterator[Scored]:
    """The parameters of a distribution, or its value, are taken element by element."""
    if not _DISTRIBUTION.search(s.frames):
        return
    why = f"a distribution takes its parameters (mean and std, …) and values element by element: {s.left} against {s.right} in dim {s.dim}"
    steps = ["build what gives the two (the layers, or the parameter `log_std`) for one number of quantities: equal last dims"]
    if s.dim == 1 and usual_batch(s.right) and s.right > s.left:
        steps.append(f"or, if the {s.right} are one for each sample: `std.unsqueeze(-1)`")
    yield weigh(0.8, "parameters-differ", why, *steps)


def distanced(s: Sides) -> Iterator[Scored]:
    """Embeddings are compared by a distance."""
    call = _DISTANCE.search(s.line) or _DISTANCE.search(s.frames)
    if not call or s.dim == 0:
        return
    why = f"`{call[1]}` compares embeddings of {s.left} and of {s.right} numbers: they come from layers of other widths"
    steps = ("let both encoders end in one width", f"or project one: `nn.Linear({s.left}, {s.right})`")
    yield weigh(0.8, "widths-differ", why, *steps)


def masked(s: Sides) -> Iterator[Scored]:
    """A mask and the scores that it is for."""
    if not MASK.search(s.line):
        return
    known = True
    if _FILLED.search(s.line) or _LEFT.search(s.line):
        mask, scores = s.left, s.right
    elif _FILLED_IN_PLACE.search(s.line) or _RIGHT.search(s.line):
        scores, mask = s.left, s.right
    else:
        known, mask, scores = False, s.right, s.left
    made = "it was made for another length (before padding, without the cache, without the class token), or lacks the dim of the heads"
    why = f"a mask for {mask} meets scores for {scores}: {made}"
    if not known:
        what = "a mask" if "mask" in s.line.lower() else "a mask (or a bias, or weights)"
        why = f"{what} and the scores that it is for disagree, {s.left} and {s.right}: {made}"
    step = (
        "make the mask from what it masks: its last dim is the length of the keys; "
        "[B, K] becomes `mask[:, None, None, :]` for scores [B, heads, Q, K]"
    )
    heads = known and s.dim >= 2 and scores <= _HEADS and mask > scores
    yield weigh(0.6 if heads or "mask" not in s.line.lower() else 0.8, "mask-length", why, step)
    if heads:
        why = (
            f"the scores have {scores} in dim {s.dim}, fewer than the {mask} of the mask: if {scores} are the heads, queries and keys "
            "still are [B, steps, heads, features], and heads were multiplied with heads"
        )
        order = "bring the heads to the front before the product: `q.transpose(1, 2)`, and `k` alike, for [B, heads, steps, features]"
        yield weigh(0.82, "dims-in-another-order", why, order)


def factored(s: Sides) -> Iterator[Scored]:
    """A number for each sample, times images or sequences."""
    if s.rank or s.dim < 1 or (s.sign != "*" and (s.dim < 2 or " * " not in s.line)):
        return
    names = next((pair for pair in s.factors if any(_SAMPLES.search(name) for name in pair)), s.names or ("", ""))
    by_sample = [bool(_SAMPLES.search(name)) for name in names]
    by_channel = [bool(_CHANNELS.search(name)) for name in names]
    one = next((i for i in (0, 1) if by_sample[i]), next((i for i in (0, 1) if by_channel[i]), None))
    if one is not None:
        name, other, size = names[one], names[1 - one], (s.left, s.right)[one]
        each = "sample" if by_sample[one] else "sample (or channel)"
        why = (
            f"shapes are lined up at the last dim: if `{name}` holds {size} numbers, one for each {each}, "
            f"it needs a dim of size 1 for each other dim of `{other}`"
        )
        steps = [f"`{name}.view(-1, 1, 1, 1)` for images [N, C, H, W], `{name}.view(-1, 1)` for [N, D]"]
        if not by_sample[one]:
            steps.append(f"for the channels of images: `{name}.view(1, -1, 1, 1)`")
        score = (0.85 if s.sign == "*" else 0.72) if s.dim >= 2 else 0.6 if usual_batch(size) and not name.startswith("eps") else 0.3
        yield weigh(score, "vector-at-wrong-dim", why, *steps)
    elif s.dim >= 2 and s.sign == "*" and not MASK.search(s.line):
        why = f"if {s.left} or {s.right} is the batch: a factor for each sample is lined up at the last dims of the images"
        yield weigh(0.5, "vector-at-wrong-dim", why, "give it dims of size 1: `v.view(-1, 1, 1, 1)`")


def overlapped(s: Sides) -> Iterator[Scored]:
    """Maps `[N, C, H, W]` times masks `[N, H, W]`: the channels stand against the batch."""
    if s.rank or s.dim != 1 or s.sign not in ("*", "-"):
        return
    named = bool(_OVERLAP.search(s.line) or _OVERLAP.search(s.frames))
    if not named and s.sign != "*":
        return
    why = (
        f"if maps [N, C, H, W] meet masks [N, H, W]: shapes are lined up at the last dim, "
        f"so that the channels stand against the batch ({s.left} and {s.right})"
    )
    steps = (
        "masks of class numbers: `F.one_hot(mask.long(), C).movedim(-1, 1)` has a channel for each of the C classes",
        "`mask.unsqueeze(1)` only where one class is predicted (C = 1), or each channel is to be compared with the same mask",
    )
    yield weigh(0.78 if named else 0.45, "mask-without-channels", why, *steps)
