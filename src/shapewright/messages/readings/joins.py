"""What the numbers say when tensors cannot be joined, stacked or split."""

from __future__ import annotations

import re

from shapewright.messages.readings.sizes import Scored, count, halved, known_tokens, known_widths, ranked, token_pairs, weigh
from shapewright.messages.template import Cause, Found, Reading, told

_LIKELY = 0.5
ONE_SIZE = (
    "bring all images to one size in the data set: `transforms.Resize((224, 224))`; `Resize(224)` keeps the aspect ratio",
    "or pad in a `collate_fn` of your own: `pad_sequence(xs, batch_first=True)`",
)


def cat(found: Found) -> Reading:
    """`want` in the first tensor, `got` in another, in a dim that is not the one along which they are joined."""
    facts: dict[str, object] = dict(found.values)
    shown = f"along dim {facts['dim']} " if "dim" in facts else ""
    if not found.known("got", "want"):
        return Reading(
            "concat-mismatch",
            f"the tensors to concatenate {shown}disagree in another dim",
            "" if "got" in facts else "this wording names no sizes",
            facts,
            (Cause("sizes-differ", "all dims but the one they are joined along must be equal", likely=True),),
            ("print the shapes of all tensors in the line before",),
        )
    got, want = found.number("got"), found.number("want")
    dim = found.number("dim") if found.known("dim") else None
    axis = found.number("axis") if found.known("axis") else None
    number = found.number("tensor") if found.known("tensor") else None
    where = f" in dim {axis}" if axis is not None else ""
    headline = f"the tensors to concatenate {shown}disagree{where}: {want} in the first and {got} in " + (
        f"tensor {number} (counted from 0)" if number is not None else "another"
    )
    certain = f"all dims but dim {dim} must be equal" if dim is not None else "all dims but one must be equal"
    if axis is None:
        certain += "; which one differs this wording does not say: print the shapes"
    return Reading(
        "concat-mismatch",
        headline,
        certain,
        facts,
        _cat_causes(found, got, want, dim, axis),
        ("print the shapes of all tensors in the line before",),
    )


def _cat_causes(found: Found, got: int, want: int, dim: int | None, axis: int | None) -> tuple[Cause, ...]:
    small, large = min(got, want), max(got, want)
    difference = large - small
    scored: list[Scored] = []
    image = dim == 1 and axis != 0  # maps are joined by their channels
    if "collate" in found.context.frames:
        scored.append(weigh(0.95, "samples-differ", f"the samples of one batch have different sizes: {want} and {got}", tries=ONE_SIZE))
    again = halved(small, large)
    if again and difference <= 16 and (image or dim not in (0, None)) and axis not in (0,):
        depth = next(n for n in range(1, 6) if large // 2**n * 2**n == small or -(-small // 2**n) * 2**n == large)
        multiple = 2 ** max(depth, 4)
        scored.append(
            weigh(
                0.86
                if difference == 1 and (axis is None or axis >= 2) and image
                else 0.7
                if image and (axis is None or axis >= 2)
                else 0.45,
                "odd-size-at-skip",
                f"{again}: the upsampled map no longer fits the skip connection, as the side of the image cannot be halved often enough",
                facts={"difference": difference, "multiple": multiple},
                tries=(
                    f"feed images whose sides are multiples of {multiple} (32 for five halvings): resize, or `F.pad`",
                    "or bring the upsampled map to the skip's size before the `cat`: `x = F.interpolate(x, size=skip.shape[2:])`",
                ),
            )
        )
    if difference and difference % 2 == 0 and image and (axis is None or axis >= 2) and small >= 4 and large < 2 * small:
        scored.append(
            weigh(
                0.72 if difference > 16 or not again else 0.55,
                "unpadded-convolution",
                f"{large} - {small} = {difference}: convolutions without padding shrink the maps, {difference // 2} of "
                f"kernel 3 by this much; the U-Net of the paper crops its skips",
                facts={"difference": difference},
                tries=(
                    "pad the 3×3 convolutions: `padding=1`",
                    "or crop the skip to the middle: `torchvision.transforms.functional.center_crop(skip, x.shape[2:])`",
                ),
            )
        )
    ratio, rest = divmod(large, max(small, 1))
    if ratio in (2, 4, 8) and not rest and small >= 2 and (axis is None or axis >= 1):
        scored.append(
            weigh(
                0.66 if image and (axis is None or axis >= 2) else 0.45,
                "another-level",
                f"{large} = {ratio}·{small}: a map of another level is joined: an upsampling is missing or one too "
                f"many, or the skips are taken in the wrong order",
                facts={"factor": ratio},
                tries=(
                    "the last skip that was stored is the first one to be joined: `skips.pop()`",
                    "bring it to the size first: `F.interpolate(x, size=skip.shape[2:])`",
                ),
            )
        )
    usual = large & (large - 1) == 0 or large % 10 == 0
    if axis == 0 or (axis is None and dim not in (0, None)):
        usual = usual and large >= 8 and not again and not (image and ratio == 2 and not rest)
        made = (
            "one tensor was made for a single sample"
            if small == 1
            else "the last batch is smaller, or a tensor of the full batch size was kept"
        )
        scored.append(
            weigh(
                0.7 if axis == 0 else 0.55 if usual else 0.2,
                "batches-differ",
                f"{'' if axis == 0 else 'if it is dim 0, '}batches of {want} and {got} are joined: {made}",
                facts={"batch": small},
                tries=("`cat` does not stretch a dim of size 1: `y = y.expand(x.size(0), *y.shape[1:])`",)
                if small == 1
                else ("make both for the batch that comes: `x.size(0)` instead of a constant", "or `DataLoader(…, drop_last=True)`"),
            )
        )
    if small == 1 and axis != 0:
        scored.append(
            weigh(
                0.72,
                "not-stretched",
                f"`cat` does not stretch a dim of size 1 to {large}, as `+` would",
                tries=(f"stretch it first: `y.expand(…)` with {large} in that dim",),
            )
        )
    if dim is not None and dim >= 2 and (axis is None or axis == 1):
        scored.append(
            weigh(
                0.62,
                "steps-differ",
                f"{'' if axis == 1 else 'if it is dim 1, '}sequences of {want} and {got} steps are joined by their features, step by step",
                tries=("bring both to one length first (cut or pad), or join them one after the other: `dim=1`",),
            )
        )
    if dim == 0 and (axis is None or axis >= 1):
        scored += [
            weigh(
                0.6,
                "lengths-differ",
                f"pieces of {want} and {got} are put one after the other: batches padded to their own longest sample, "
                f"or images of two sizes",
                tries=(
                    "pad all to one length first: `F.pad(x, (0, longest - x.size(1)))`, or collect them in a list",
                    "or join along the dim that differs: `dim=1`",
                ),
            )
        ]
    if dim is not None and dim >= 1 and (axis is None or axis != 0) and not (image and difference <= 2):
        scored.append(
            weigh(
                0.42,
                "wrong-dim",
                f"they are joined along dim {dim}; if they are meant to differ in the other dim, that is the one to join along",
                tries=(
                    f"name the dim that differs: `dim={axis}`"
                    if axis is not None
                    else "name the dim that differs: `torch.cat([a, b], dim=…)`",
                ),
            )
        )
    if min(got, want) >= 320:
        scored += known_widths(
            want,
            got,
            "text embeddings of one family stand in a prompt for the other (an embedding file named in the prompt, or "
            "the wrong text encoder)",
        )
    if (axis is None or axis >= 1) and dim != 1:
        scored += [(score * 0.8, cause) for score, cause in token_pairs(want, got) if score > 0.6]
        scored += known_tokens(want, got)
    best = max((score for score, _ in scored), default=0.0)
    scored = [(score, cause) for score, cause in scored if score >= 0.4 or best < 0.7]
    if best < _LIKELY:
        scored.append(
            weigh(
                0.5,
                "sizes-differ",
                f"two results that should have one size were computed to {want} and {got}",
                tries=("follow the one that is wrong back to the layer that gives it its size",),
            )
        )
    return ranked(scored)


def ranks(found: Found) -> Reading:
    facts: dict[str, object] = dict(found.values)
    if not found.known("rank", "want_rank"):
        return Reading(
            "concat-mismatch",
            "the tensors to concatenate have different numbers of dims",
            "",
            facts,
            (Cause("dim-lost", "one branch lost or gained a dim", likely=True),),
        )
    want, got = found.number("want_rank"), found.number("rank")
    more, less = max(want, got), min(want, got)
    causes = []
    if (more, less) == (4, 2):
        causes.append(
            Cause(
                "map-not-flattened",
                "maps [N, C, H, W] are joined with features [N, F]: the maps are not flattened",
                likely=True,
                tries=("flatten first: `torch.cat([x.flatten(1), features], 1)`",),
            )
        )
    elif (more, less) == (3, 2):
        causes.append(
            Cause(
                "sequence-and-vector",
                "a sequence [N, L, D] is joined with one vector for each sample [N, D]",
                likely=True,
                tries=(
                    "give the vector a dim: `v.unsqueeze(1)` joins it as one more step (`dim=1`)",
                    "or repeat it for each step: `v.unsqueeze(1).expand(-1, x.size(1), -1)` and `dim=-1`",
                ),
            )
        )
    elif (more, less) == (2, 1):
        causes.append(
            Cause(
                "column-lost",
                "features [N, F] are joined with one number for each sample [N], or with a single sample [F]",
                likely=True,
                tries=("make it a column: `v.unsqueeze(1)` and `dim=1`", "or a sample a batch of one: `v.unsqueeze(0)` and `dim=0`"),
            )
        )
    elif more - less == 1:
        causes.append(
            Cause(
                "batch-dim-missing",
                f"one has {count(less, 'dim')}: a sample without a batch, or a `squeeze()` that took a dim of size 1 along",
                likely=True,
                tries=("add the dim: `x.unsqueeze(0)`; name the dim to squeeze: `x.squeeze(1)`",),
            )
        )
    else:
        causes.append(
            Cause(
                "dims-differ",
                f"{count(more, 'dim')} against {less}: the two stand for different things",
                likely=True,
                tries=("bring both to one number of dims with `flatten(1)` or `unsqueeze`",),
            )
        )
    if more - less == 1 and causes[0].name != "batch-dim-missing":
        causes.append(
            Cause(
                "squeezed",
                "a `squeeze()` without a dim took one of size 1 along (a batch of 1, a single step)",
                tries=("name the dim: `x.squeeze(1)`",),
            )
        )
    where = f" (tensor {facts['tensor']}, counted from 0)" if "tensor" in facts else ""
    return Reading(
        "concat-mismatch",
        f"the tensors to concatenate have {want} and {count(got, 'dim')}{where}",
        "",
        facts,
        tuple(causes),
        ("print the shapes of all tensors in the line before",),
    )


def stack(found: Found) -> Reading:
    """`want_shape` is the first one's, `got_shape` the first that differs (the meta device leaves it out)."""
    facts: dict[str, object] = dict(found.values)
    loader = bool(re.search(r"collate|DataLoader|dataloader|fetch\.py", found.context.frames + found.text[:4000]))
    what = "the samples of one batch differ in size" if loader else "tensors to stack differ"
    if not found.known("want_shape"):
        return Reading("concat-mismatch", what, "", facts, (Cause("sizes-differ", "all must have one shape", likely=True),))
    want = found.shape("want_shape")
    if not found.known("got_shape"):
        return Reading(
            "concat-mismatch",
            f"{what}: the first is {told(want)}, another has another shape",
            "this wording does not show the other shape",
            facts,
            (Cause("samples-differ", "all tensors of a `stack` must have one shape", likely=True, tries=ONE_SIZE if loader else ()),),
            ("print the shapes: `print([x.shape for x in xs])`",),
        )
    got = found.shape("got_shape")
    scored: list[Scored] = []
    slots = [i for i, (a, b) in enumerate(zip(want, got, strict=False)) if a != b] if len(want) == len(got) else []
    channels = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}
    image = len(want) == 3 and (want[0] in channels or want[2] in channels) and max(want) > 4
    entry = f" (samples {facts['want_entry']} and {facts['got_entry']} of it)" if loader and "got_entry" in facts else ""
    if len(want) != len(got):
        headline = f"{what}: {told(want)} has {count(len(want), 'dim')}, {told(got)} {len(got)}"
        scored.append(
            weigh(
                0.7,
                "dims-differ",
                "some have a dim more: grey images without a channel dim, or a `squeeze()` that took a dim of size 1 along",
                tries=("give all one form: `x.unsqueeze(0)` for an image [H, W], `x.squeeze(1)` with the dim named",),
            )
        )
    else:
        headline = f"{what}: {told(want)} and {told(got)}"
        if image and len(slots) >= 1:
            place = 0 if want[0] in channels and got[0] in channels and (0 in slots or want[2] not in channels) else 2
            if place in slots and want[place] in channels and got[place] in channels:
                odd = want[place] if got[place] == 3 else got[place]
                scored.append(
                    weigh(
                        0.95,
                        "mixed-channels",
                        f"images of {want[place]} and {count(got[place], 'channel')} are in one batch: "
                        f"{channels[want[place]]} among {channels[got[place]]}"
                        if got[place] == 3
                        else f"images of {want[place]} and {count(got[place], 'channel')} are in one batch: "
                        f"{channels[got[place]]} among {channels[want[place]]}",
                        facts={"channels": [want[place], got[place]], "odd": odd},
                        tries=("open all images alike: `Image.open(path).convert('RGB')`",),
                    )
                )
            sides = [i for i in slots if i != (0 if want[0] in channels else 2)]
            if sides:
                kept = len(sides) == 1
                scored.append(
                    weigh(
                        0.9,
                        "image-sizes-differ",
                        f"the images have different sizes: dim {sides[0]} is {want[sides[0]]} and {got[sides[0]]}"
                        + (
                            "; one side is equal, as after `Resize(n)`, which brings only the shorter side to n"
                            if kept
                            and min(want[1:] if want[0] in channels else want[:2]) == min(got[1:] if want[0] in channels else got[:2])
                            else ""
                        ),
                        facts={"dims": sides},
                        tries=(
                            "bring all to one size: `transforms.Resize((224, 224))` (two numbers), or `Resize(256)` and `CenterCrop(224)`",
                            "or, where the sizes matter (detection), return lists from a `collate_fn` of your own: "
                            "`lambda batch: tuple(zip(*batch))`",
                        ),
                    )
                )
        elif slots == [0]:
            boxes = len(want) == 2 and want[1] in (4, 5, 6)
            why = (
                f"each image has its own number of boxes: {want[0]} and {got[0]}"
                if boxes
                else f"the samples have different lengths: {want[0]} and {got[0]}"
                + ("" if len(want) == 1 else f", each step {told(want[1:])}")
            )
            scored.append(
                weigh(
                    0.9,
                    "boxes-differ" if boxes else "lengths-differ",
                    why,
                    facts={"lengths": [want[0], got[0]]},
                    tries=("return them as a list: `DataLoader(…, collate_fn=lambda batch: tuple(zip(*batch)))`",)
                    if boxes
                    else (
                        "pad them in a `collate_fn`: `pad_sequence(xs, batch_first=True)`, with the lengths beside it",
                        "for a tokenizer: `padding='max_length', truncation=True`, or `DataCollatorWithPadding`",
                    ),
                )
            )
        elif len(slots) == 1:
            scored.append(
                weigh(
                    0.85,
                    "lengths-differ",
                    f"they differ in dim {slots[0]} only: {want[slots[0]]} and {got[slots[0]]} (recordings, "
                    f"spectrograms or sequences of different length)",
                    facts={"dims": slots},
                    tries=(f"cut or pad all to one length in dim {slots[0]}: `F.pad(x, (0, n - x.size(-1)))`, `x[..., :n]`",),
                )
            )
        else:
            if sorted(want) == sorted(got):
                scored.append(
                    weigh(
                        0.8,
                        "mixed-order",
                        f"{told(want)} and {told(got)} have the same sizes in another order: portrait and landscape, or some transposed",
                    )
                )
            scored.append(weigh(0.6, "samples-differ", f"they differ in dims {told(slots)}", facts={"dims": slots}, tries=ONE_SIZE))
    if loader:
        headline += entry
    return Reading(
        "concat-mismatch",
        headline,
        "a batch is one tensor: all its samples must have one shape" if loader else "all tensors of a `stack` must have one shape",
        facts,
        ranked(scored),
        ("`batch_size=1` shows which samples there are: `print({x.shape for x, _ in dataset})`",)
        if loader
        else ("print the shapes: `print([x.shape for x in xs])`",),
    )


def split(found: Found) -> Reading:
    facts: dict[str, object] = dict(found.values)
    if not found.known("sizes", "want"):
        return Reading(
            "other-shape-error",
            "the parts of a split do not add up to the dim",
            "",
            facts,
            (Cause("parts-and-size", "the sizes of the parts must add up to the dim", likely=True),),
        )
    sizes, want = found.shape("sizes"), found.number("want")
    total, dim = sum(sizes), facts.get("dim", "?")
    facts |= {"sizes": sizes, "sum": total}
    shown = " + ".join(map(str, sizes[:8])) + (" + …" if len(sizes) > 8 else "")
    scored: list[Scored] = []
    if len(sizes) == 3 and len(set(sizes)) <= 2:
        equal = len(set(sizes)) == 1
        scored.append(
            weigh(
                0.7 if not equal or want != total else 0.5,
                "queries-keys-values",
                f"queries, keys and values are split by sizes {shown} = {total}, but the joint layer gives {want}"
                + (f" = 3·{want // 3}" if not want % 3 else "")
                + ": the heads for keys and values (grouped-query attention) or the width are set otherwise",
                tries=("the layer must give `(heads + 2 * kv_heads) * head_dim` features",),
            )
        )
    if total > want:
        scored.append(
            weigh(
                0.55,
                "shorter-than-asked",
                f"the dim has {want}, the parts ask for {total}: {total - want} too many (a last batch, or a longer list of lengths)",
                tries=("take the sizes from the tensor: the last is `x.size(dim) - sum(others)`",),
            )
        )
    else:
        scored.append(
            weigh(
                0.55,
                "rest-left-out",
                f"the parts take {total} of {want}: {want - total} are left over",
                tries=(f"name the rest, too: one more part of {want - total}", "or, for equal parts, give one number: `x.split(n)`"),
            )
        )
    return Reading(
        "other-shape-error",
        f"cannot split {want} along dim {dim} into {shown} = {total}",
        "the parts must add up to the dim exactly",
        facts,
        ranked(scored),
        ("compare `sum(sizes)` with `x.shape` in the line before",),
    )


def ragged(found: Found) -> Reading:
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want"):
        return Reading(
            "concat-mismatch",
            "a tensor is made from rows of unequal length",
            "",
            facts,
            (Cause("lengths-differ", "all rows must have one length", likely=True),),
        )
    got, want = found.number("got"), found.number("want")
    text = bool(
        re.search(r"token|input_ids|encod|transformers", found.context.line + found.context.frames + found.text[:2000], re.IGNORECASE)
    )
    pad = Cause(
        "not-padded",
        f"texts of {want} and {got} tokens are made one tensor without padding"
        if text
        else f"the rows have different lengths, {want} and {got}: sequences that were not padded",
        likely=True,
        facts={"lengths": [want, got]},
        tries=("let the tokenizer pad: `tokenizer(texts, padding=True, truncation=True, return_tensors='pt')`",)
        if text
        else ("pad them: `pad_sequence([torch.tensor(row) for row in rows], batch_first=True)`",),
    )
    causes = [pad]
    if not text:
        causes.append(
            Cause(
                "uneven-rows",
                "a row of the data has a value more or less than the others (a missing field, a trailing comma)",
                tries=("look which rows are odd: `print({len(row) for row in rows})`",),
            )
        )
    return Reading(
        "concat-mismatch",
        f"a tensor is made from rows of unequal length: the first has {want}, another {got} (dim {facts.get('dim', '?')})",
        "",
        facts,
        tuple(causes),
    )
