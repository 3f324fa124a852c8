"""What the numbers say when the samples of a batch, or the rows of a list, cannot become one tensor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shapewright.messages.later import pattern
from shapewright.messages.readings.joins import ONE_SIZE
from shapewright.messages.readings.scored import Scored, count, ranked, weigh
from shapewright.messages.template import Cause, Found, Reading, told

_SLUG = "concat-mismatch"
_LOADER = pattern(r"collate|DataLoader|dataloader|fetch\.py")
_TEXT = pattern(r"(?i)token|input_ids|encod|transformers")
_CHANNELS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}


class _Two(NamedTuple):
    """The shape of the first, that of the first that differs, and the dims in which they do."""

    want: list[int]
    got: list[int]
    dims: list[int]

    @property
    def image(self) -> bool:
        """Whether they are images, with the channels in front or at the end."""
        return len(self.want) == 3 and (self.want[0] in _CHANNELS or self.want[2] in _CHANNELS) and max(self.want) > 4


def stack(found: Found) -> Reading:
    """`want_shape` is the first one's, `got_shape` the first that differs (the meta device leaves it out)."""
    facts: dict[str, object] = dict(found.values)
    loader = bool(_LOADER.search(found.context.frames + found.text[:4000]))
    what = "the samples of one batch differ in size" if loader else "tensors to stack differ"
    if not found.known("want_shape"):
        return Reading(_SLUG, what, facts=facts, causes=(Cause("sizes-differ", "all must have one shape", likely=True),))
    want = found.shape("want_shape")
    prints = "print the shapes: `print([x.shape for x in xs])`"
    if not found.known("got_shape"):
        why = "all tensors of a `stack` must have one shape"
        cause = Cause("samples-differ", why, likely=True, tries=ONE_SIZE if loader else ())
        headline = f"{what}: the first is {told(want)}, another has another shape"
        return Reading(_SLUG, headline, "this wording does not show the other shape", facts, (cause,), (prints,))
    got = found.shape("got_shape")
    same = len(want) == len(got)
    both = _Two(want, got, [i for i, (a, b) in enumerate(zip(want, got, strict=True)) if a != b] if same else [])
    shown = f"{told(want)} and {told(got)}" if same else f"{told(want)} has {count(len(want), 'dim')}, {told(got)} {len(got)}"
    if loader and found.known("want_entry", "got_entry"):
        shown += f" (samples {facts['want_entry']} and {facts['got_entry']} of it)"
    if loader:
        prints = "print the shapes of some samples, one by one: `dataset[0]`, `dataset[1]`, …"
    return Reading(
        _SLUG,
        f"{what}: {shown}",
        "a batch is one tensor: all its samples must have one shape" if loader else "all tensors of a `stack` must have one shape",
        facts,
        ranked(next(said for hypothesis in _HYPOTHESES if (said := list(hypothesis(both))))),
        (prints,),
    )


# ------------------------------------------------------------------------------------- two shapes: the first that says something


def _ranks(t: _Two) -> Iterator[Scored]:
    if len(t.want) != len(t.got):
        why = "some have a dim more: grey images without a channel dim, or a `squeeze()` that took a dim of size 1 along"
        step = "give all one form: `x.unsqueeze(0)` for an image [H, W], `x.squeeze(1)` with the dim named"
        yield weigh(0.7, "dims-differ", why, step)


def _images(t: _Two) -> Iterator[Scored]:
    """Images with other channels, or of other sizes."""
    if not t.image or not t.dims:
        return
    want, got = t.want, t.got
    first = want[0] in _CHANNELS
    place = 0 if first and got[0] in _CHANNELS and (0 in t.dims or want[2] not in _CHANNELS) else 2
    if place in t.dims and want[place] in _CHANNELS and got[place] in _CHANNELS:
        odd, usual = (want[place], got[place]) if got[place] == 3 else (got[place], want[place])
        why = f"images of {want[place]} and {count(got[place], 'channel')} are in one batch: {_CHANNELS[odd]} among {_CHANNELS[usual]}"
        step = "open all images alike: `Image.open(path).convert('RGB')`"
        yield weigh(0.95, "mixed-channels", why, step, channels=[want[place], got[place]], odd=odd)
    sides = [i for i in t.dims if i != (0 if first else 2)]
    if sides:
        shorter = min(want[1:] if first else want[:2]) == min(got[1:] if first else got[:2])
        kept = "; one side is equal, as after `Resize(n)`, which brings only the shorter side to n"
        why = f"the images have different sizes: dim {sides[0]} is {want[sides[0]]} and {got[sides[0]]}"
        steps = (
            "bring all to one size: `transforms.Resize((224, 224))` (two numbers), or `Resize(256)` and `CenterCrop(224)`",
            "or, where the sizes matter (detection), return lists from a `collate_fn` of your own: `lambda batch: tuple(zip(*batch))`",
        )
        yield weigh(0.9, "image-sizes-differ", why + (kept if len(sides) == 1 and shorter else ""), *steps, dims=sides)


def _lengths(t: _Two) -> Iterator[Scored]:
    """One dim differs: boxes of an image, steps of a sequence."""
    want, got = t.want, t.got
    if t.dims == [0] and len(want) == 2 and want[1] in (4, 5, 6):
        why = f"each image has its own number of boxes: {want[0]} and {got[0]}"
        step = "return them as a list: `DataLoader(…, collate_fn=lambda batch: tuple(zip(*batch)))`"
        yield weigh(0.9, "boxes-differ", why, step, lengths=[want[0], got[0]])
    elif t.dims == [0]:
        each = f", each step {told(want[1:])}" if len(want) > 1 else ""
        steps = (
            "pad them in a `collate_fn`: `pad_sequence(xs, batch_first=True)`, with the lengths beside it",
            "for a tokenizer: `padding='max_length', truncation=True`, or `DataCollatorWithPadding`",
        )
        why = f"the samples have different lengths: {want[0]} and {got[0]}{each}"
        yield weigh(0.9, "lengths-differ", why, *steps, lengths=[want[0], got[0]])
    elif len(t.dims) == 1:
        dim = t.dims[0]
        why = f"they differ in dim {dim} only: {want[dim]} and {got[dim]} (recordings, spectrograms or sequences of different length)"
        step = f"cut or pad all to one length in dim {dim}: `F.pad(x, (0, n - x.size(-1)))`, `x[..., :n]`"
        yield weigh(0.85, "lengths-differ", why, step, dims=t.dims)


def _others(t: _Two) -> Iterator[Scored]:
    if sorted(t.want) == sorted(t.got):
        why = f"{told(t.want)} and {told(t.got)} have the same sizes in another order: portrait and landscape, or some transposed"
        yield weigh(0.8, "mixed-order", why)
    yield weigh(0.6, "samples-differ", f"they differ in dims {told(t.dims)}", *ONE_SIZE, dims=t.dims)


_HYPOTHESES = (_ranks, _images, _lengths, _others)


def ragged(found: Found) -> Reading:
    """A list of rows, of which one has `got` entries and not `want`, is made a tensor."""
    facts: dict[str, object] = dict(found.values)
    if not found.known("got", "want"):
        cause = Cause("lengths-differ", "all rows must have one length", likely=True)
        return Reading(_SLUG, "a tensor is made from rows of unequal length", facts=facts, causes=(cause,))
    got, want = found.number("got"), found.number("want")
    if _TEXT.search(found.context.line) or _TEXT.search(found.context.frames) or _TEXT.search(found.text[:2000]):
        why = f"texts of {want} and {got} tokens are made one tensor without padding"
        step = "let the tokenizer pad: `tokenizer(texts, padding=True, truncation=True, return_tensors='pt')`"
        scored = [weigh(0.7, "not-padded", why, step, lengths=[want, got])]
    else:
        why = f"the rows have different lengths, {want} and {got}: sequences that were not padded"
        step = "pad them: `pad_sequence([torch.tensor(row) for row in rows], batch_first=True)`"
        other = "a row of the data has a value more or less than the others (a missing field, a trailing comma)"
        scored = [
            weigh(0.7, "not-padded", why, step, lengths=[want, got]),
            weigh(0.4, "uneven-rows", other, "look which rows are odd: `print({len(row) for row in rows})`"),
        ]
    headline = f"a tensor is made from rows of unequal length: the first has {want}, another {got} (dim {facts.get('dim', '?')})"
    return Reading(_SLUG, headline, facts=facts, causes=ranked(scored))
