"""Messages of `pack_padded_sequence` and its like: sequences of several lengths, packed and unpacked."""

from __future__ import annotations

from shapewright.messages.later import pattern
from shapewright.messages.template import Cause, Found, Reading, Template, plain

_SLUG = "recurrent-input-size"
_SAID = pattern(r"batch_first ?= ?True")


def _lengths(found: Found) -> Reading:
    got, want = found.number("got"), found.number("want")
    said = _SAID.search(found.context.line) is not None
    order = Cause(
        "batch-first-missing",
        f"without `batch_first=True` dim 1 is read as the batch: if the sequences are [batch, time, features], {want} is the number "
        "of steps",
        likely=True,
        facts={"batch": got},
        tries=("say so: `pack_padded_sequence(x, lengths, batch_first=True)`",),
    )
    if said:
        order = Cause(
            "time-first",
            f"with `batch_first=True` dim 0 is read as the batch: if the sequences are [time, batch, features], {want} is the number of "
            "steps",
            facts={"batch": got},
            tries=("then leave `batch_first=True` out, or turn them: `x.transpose(0, 1)`",),
        )
    other = Cause(
        "lengths-of-another-batch",
        f"{got} lengths are of another batch"
        + (f", or the list was made for a fixed batch size and the last batch has {want}" if want < got else ""),
        likely=want < got or said,
        tries=("take the lengths from the same batch, in the `collate_fn`",),
    )
    headline = f"the packing expects one length for each of {want} samples but receives {got}"
    causes = (other, order) if want < got or said else (order, other)
    return Reading(_SLUG, headline, "", {"got": got, "want": want}, causes, ("print `x.shape` and `len(lengths)` in the line before",))


_N = r"\d{1,15}"
TEMPLATES = (
    Template(
        "pack-lengths",
        ("to be equal to batch_size, but got",),
        rf"Expected [`']len\(lengths\)[`'] to be equal to batch_size, but got (?P<got>{_N}) \(batch_size=(?P<want>{_N})\)",
        _lengths,
    ),
    Template(
        "pack-sorted",
        ("array must be sorted in decreasing order", "has to be sorted in decreasing order"),
        r"[`']?lengths[`']? array (?:must|has to) be sorted in decreasing order",
        plain(
            _SLUG,
            "the packing expects the longest sequence first; the lengths are in another order",
            ("unsorted-lengths", "the samples of the batch come in the order of the loader"),
            tries=("let torch sort them: `pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)`",),
        ),
    ),
    Template(
        "pack-zero",
        ("length of all samples has to be greater than",),
        r"Length of all samples has to be greater than 0",
        plain(
            _SLUG,
            "the packing receives a sequence of length 0",
            ("empty-sequence", "a sample has no steps: an empty text, or a mask that is 0 everywhere"),
            ("padding-counted-wrong", "the lengths are counted as `(x != 0).sum(1)`, and 0 is a real value or the padding is another one"),
            tries=("leave empty samples out of the data set, or count at least one step: `lengths.clamp(min=1)`",),
        ),
    ),
    Template(
        "pack-lengths-kind",
        ("argument should be a 1d cpu int64 tensor",),
        r"'?lengths'? argument should be a 1D CPU int64 tensor, but got (?P<rank>\d{1,2})D (?P<device>[\w:]{2,20}) "
        r"(?P<dtype>\w{2,20}) tensor",
        plain(
            _SLUG,
            "the packing expects the lengths as a list [N] of whole numbers on the CPU; they have {rank} dim(s) on the device {device}",
            ("lengths-on-gpu", "the whole batch was moved to the GPU, the lengths with it; they stay on the CPU"),
            ("lengths-with-two-dims", "the lengths are a column [N, 1]"),
            tries=("`pack_padded_sequence(x, lengths.cpu(), …)`", "a list: `lengths.flatten()`"),
        ),
    ),
    Template(
        "pack-empty",
        ("cannot pack empty tensors",),
        r"Cannot pack empty tensors",
        plain(
            _SLUG,
            "the packing receives a batch without samples or without steps",
            ("empty-batch", "all samples were filtered out, or the batch is the rest of a split"),
            tries=("leave such a batch out: `if x.numel() == 0: continue`",),
        ),
    ),
    Template(
        "pack-nothing",
        ("received an empty list of sequences",),
        r"received an empty list of sequences",
        plain(
            _SLUG,
            "the padding receives a list without sequences",
            ("empty-batch", "the list of the batch is empty: all samples were filtered out, or the list was never filled"),
            tries=("print `len(sequences)` in the line before",),
        ),
    ),
    Template(
        "pad-total-length",
        ("expected total_length to be at least",),
        rf"Expected total_length to be at least the length of the longest sequence in input, but got total_length=(?P<got>{_N}) "
        rf"and max sequence length being (?P<want>{_N})",
        plain(
            _SLUG,
            (
                "the unpacking is asked for {got} steps, the longest sequence has {want}",
                "the unpacking is asked for fewer steps than the longest sequence has",
            ),
            ("fixed-total-length", "total_length is a fixed number, or that of one GPU's share of the batch"),
            tries=("take it from the padded batch before the packing: `total_length=x.size(1)`",),
        ),
    ),
)
