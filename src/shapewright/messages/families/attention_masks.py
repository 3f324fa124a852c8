"""Messages about the masks of attention layers: causal ones [queries, keys], one for each head, and padding masks [batch, keys]."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapewright.messages.families.attention import FIRST, ORDER
from shapewright.messages.readings.scored import Scored, ranked
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told

_SLUG = "attention-dim"
_N = r"\d{1,15}"
_SIZE = r"\d{1,15}|s\d{1,9}"
_BATCHES = {2, 4, 8, 16, 32, 64, 128, 256}

Hypothesis = Callable[[list[int], list[int]], Iterator[Scored]]

# ---------------------------------------------------------------------------------------------------------------- attn_mask


def _mask(found: Found) -> Reading:
    """A causal mask, or one for each sample and head."""
    if not found.known("got_shape", "want_shape"):
        return _bare_mask(found)
    got, want = found.shape("got_shape"), found.shape("want_shape")
    if len(want) not in (2, 3):
        return _bare_mask(found)
    hypotheses = _OF_HEADS if len(want) == 3 else _OF_QUERIES
    certain = f"rows are the {want[0]} queries, columns the {want[1]} keys, as the layer reads them"
    if len(want) == 3:
        certain = "a mask of 3 dims is [batch · heads, queries, keys]"
    scored = [one for hypothesis in hypotheses for one in hypothesis(got, want)] if len(got) == len(want) else []
    if not scored:
        why = "the mask was made for other lengths: its rows are the queries, its columns the keys"
        scored.append((0.6, Cause("other-length", why)))
    return Reading(
        _SLUG,
        f"{found.layer} expects a mask {told(want)} but receives {told(got)}",
        certain,
        {"got_shape": got, "want_shape": want},
        ranked(scored),
        ("make the causal mask in `forward`: `nn.Transformer.generate_square_subsequent_mask(length)`",),
    )


_bare_mask = plain(
    _SLUG,
    "the mask does not have the sizes that {layer} takes",
    ("other-length", "a mask of 2 dims is [queries, keys]; it was made for another length"),
    ("batch-first", f"{ORDER}: batch and length may have changed places"),
    ("mask-per-sample", "a mask of 3 dims is [batch · heads, queries, keys]"),
    tries=("print `mask.shape` and `x.shape` in the line before", FIRST),
)


def _turned(got: list[int], want: list[int]) -> Iterator[Scored]:
    if got == want[::-1] and got != want:
        why = "rows are queries and columns are keys: this one is the other way round"
        yield 0.93, Cause("transposed", why, tries=("`mask.T`",))


def _sides(got: list[int], want: list[int]) -> tuple[int, int] | None:
    """The mask's side and the length, when both are squares."""
    return (got[0], want[0]) if got[0] == got[1] and want[0] == want[1] and got != want else None


def _one_off(got: list[int], want: list[int]) -> Iterator[Scored]:
    sides = _sides(got, want)
    if sides and abs(sides[0] - sides[1]) <= 2:
        side, length = sides
        steps = "one step" if abs(side - length) == 1 else "two steps"
        why = (
            f"the sequence is {steps} {'longer' if length > side else 'shorter'} than the mask was made for: "
            "a class or start token was added, or the targets were shifted, after the mask was made"
        )
        tries = ("make the mask from the very tensor that goes in: `size = x.size(1)` (or `x.size(0)`)",)
        yield 0.85, Cause("off-by-one", why, tries=tries)


def _batch_as_length(got: list[int], want: list[int]) -> Iterator[Scored]:
    sides = _sides(got, want)
    if sides and sides[1] in _BATCHES and (sides[0] not in _BATCHES or sides[0] > sides[1]):
        side, length = sides
        why = f"{length} would be a batch size: {ORDER}, so your batch of {length} is taken for the length"
        score = 0.8 if length - side > 2 else 0.55
        yield score, Cause("batch-first", why, facts={"batch": length}, tries=(FIRST,))


def _other_square(got: list[int], want: list[int]) -> Iterator[Scored]:
    sides = _sides(got, want)
    if sides and sides[0] > sides[1]:
        why = f"the mask was made for the longest sequence ({sides[0]}), this one has {sides[1]} steps"
        tries = ("cut it to the input: `mask[:n, :n]` with `n` the length of this batch",)
        yield 0.78, Cause("mask-of-full-length", why, tries=tries)
    elif sides and sides[1] - sides[0] > 2:
        why = f"the mask was made for {sides[0]} steps, the sequence has {sides[1]}"
        yield 0.5, Cause("other-length", why, tries=("make the mask for the sequence that goes in",))


def _padding_as_causal(got: list[int], want: list[int]) -> Iterator[Scored]:
    if got[1] == want[1] and got[0] != want[0] and got != want[::-1]:
        why = f"{told(got)} has the form of a padding mask, [batch, keys] with a batch of {got[0]}"
        tries = ("pass it as `key_padding_mask=` (`src_key_padding_mask=` in an encoder)",)
        yield 0.8, Cause("padding-mask", why, facts={"batch": got[0]}, tries=tries)
        yield 0.4, Cause("other-length", f"it was made for {got[0]} queries instead of {want[0]}")


_OF_QUERIES: tuple[Hypothesis, ...] = (_turned, _one_off, _batch_as_length, _other_square, _padding_as_causal)


def _for_all(got: list[int], want: list[int]) -> Iterator[Scored]:
    """The lengths are right, the number of masks is not."""
    if got[1:] != want[1:]:
        return
    if got[0] == 1:
        yield 0.9, Cause("one-mask-for-all", "there is one mask for all samples and heads", tries=("give it 2 dims: `mask[0]`",))
    elif got[0] > 0 and want[0] % got[0] == 0:
        each = want[0] // got[0]
        why = (
            f"there are {got[0]} masks where {want[0]} = {got[0]}·{each} are wanted: one for each sample, and the layer "
            "takes one for each sample and head"
        )
        tries = (f"repeat each one for the heads: `mask.repeat_interleave({each}, dim=0)` (samples outside, heads inside)",)
        yield 0.88, Cause("mask-per-sample", why, facts={"batch": got[0], "heads": each}, tries=tries)
    else:
        why = f"it is made for {got[0]} pairs of sample and head, there are {want[0]}: another batch size or number of heads"
        yield 0.6, Cause("other-batch", why)


def _of_other_lengths(got: list[int], want: list[int]) -> Iterator[Scored]:
    if got[1:] != want[1:]:
        why = f"it is made for {got[1]} queries and {got[2]} keys, there are {want[1]} and {want[2]}"
        yield 0.6, Cause("other-length", why)
        yield 0.4, Cause("batch-first", f"{ORDER}: batch and length may have changed places", tries=(FIRST,))


_OF_HEADS: tuple[Hypothesis, ...] = (_for_all, _of_other_lengths)

# --------------------------------------------------------------------------------------------------------- key_padding_mask


def _padding(found: Found) -> Reading:
    """The padding mask is [batch, keys], however the layer orders its input."""
    certain = "`key_padding_mask` is always [batch, keys], whatever `batch_first` is"
    steps = ("print `mask.shape` and `x.shape` in the line before",)
    if found.known("got_shape", "want_shape"):
        want_shape, got_shape = found.shape("want_shape"), found.shape("got_shape")
        headline = f"{found.layer} expects a padding mask {told(want_shape)} but receives {told(got_shape)}"
        causes = (_turned_padding(likely=got_shape == want_shape[::-1]), _order(None))
        return Reading(_SLUG, headline, certain, dict(found.values), causes, (FIRST, *steps))
    if not found.known("got", "want", "dim"):
        headline = f"{found.layer} receives a padding mask of another size than [batch, keys]"
        causes = (Cause("other-length", "the mask was made for another batch or another length", likely=True), _order(None))
        return Reading(_SLUG, headline, certain, dict(found.values), causes, steps)
    got, want, dim = found.number("got"), found.number("want"), found.number("dim")
    if dim == 0:
        headline = f"{found.layer} expects a padding mask for a batch of {want} but receives one for {got}"
        swapped = want not in _BATCHES and got in _BATCHES
        order, turned = _order(got, likely=want not in _BATCHES), _turned_padding(likely=not swapped)
        causes = (order, turned) if swapped else (turned, order)
    else:
        headline = f"{found.layer} expects a padding mask for {want} keys but receives one for {got}"
        causes = (_keys(got, want), _order(None))
    return Reading(_SLUG, headline, certain, {"dim": dim, "got": got, "want": want}, causes, steps)


def _keys(got: int, want: int) -> Cause:
    """The batch is right, the length is not."""
    if got == want - 1:
        why = "the sequence is one step longer than the mask: a class or start token was put before it after the mask was made"
        return Cause("off-by-one", why, likely=True, tries=("give the mask a column for it: `mask = F.pad(mask, (1, 0), value=False)`",))
    if got == want + 1:
        why = "the mask is one step longer than the sequence: it was made before the last (or first) token was cut off"
        return Cause("off-by-one", why, likely=True, tries=("cut it alike: `mask[:, :-1]` for inputs, `mask[:, 1:]` for targets",))
    if got > want:
        why = f"the mask was made for the longest sequence ({got}), this batch is {want} long"
        return Cause("mask-of-full-length", why, likely=True, tries=(f"cut it: `mask[:, :x.size(1)]` ({want} columns)",))
    why = f"the mask belongs to another sequence, of {got} steps: the source's mask for the target's keys, or one made before a `cat`"
    tries = ("in a decoder: `memory_key_padding_mask` belongs to the source, `tgt_key_padding_mask` to the target",)
    return Cause("other-sequence", why, likely=True, tries=tries)


def _order(batch: int | None, *, likely: bool = False) -> Cause:
    is_batch = f"; if {batch} is your batch, it takes the length for the batch" if batch else ""
    return Cause("batch-first", f"{ORDER}{is_batch}", likely=likely, tries=(FIRST,))


def _turned_padding(*, likely: bool) -> Cause:
    why = "the mask is [keys, batch]: it was made from a tensor whose length comes first"
    return Cause("mask-transposed", why, likely=likely, tries=("`mask.T`",))


TEMPLATES = (
    Template(
        "mha-mask",
        ("d attn_mask is torch.size", "d attn_mask is ("),
        rf"The shape of the (?P<rank>[23])D attn_mask is {shape('got_shape')}, but should be {shape('want_shape')}",
        _mask,
        cut=rf"The shape of the (?P<rank>[23])D attn_mask is {shape('got_shape')}",
    ),
    Template(
        "mha-mask-unbatched",
        ("expected `attn_mask` shape to be",),
        rf"Expected `attn_mask` shape to be {shape('want_shape')} but got {shape('got_shape')}",
        _mask,
    ),
    Template("mha-mask-old", ("d attn_mask is not correct",), r"The size of the (?P<rank>[23])D attn_mask is not correct", _bare_mask),
    Template(
        "mha-mask-rank",
        ("attn_mask's dimension",),
        rf"attn_mask's dimension (?P<rank>{_N}) is not supported",
        plain(
            _SLUG,
            "{layer} expects a mask of 2 or 3 dims but receives {rank}",
            (
                "mask-per-head",
                "[batch, heads, queries, keys] is what `F.scaled_dot_product_attention` takes; "
                "this layer wants [batch · heads, queries, keys]",
            ),
            tries=("`mask.flatten(0, 1)` for 4 dims, or one [queries, keys] mask for all",),
        ),
    ),
    Template(
        "mha-padding-mask",
        ("expected key_padded_mask.shape[",),
        rf"Expected key_padded_mask\.shape\[(?P<dim>\d)\] to be (?P<want>{_SIZE}), but got (?P<got>{_SIZE})",
        _padding,
    ),
    Template(
        "mha-padding-mask-old",
        ("expecting key_padding_mask shape of",),
        rf"expecting key_padding_mask shape of {shape('want_shape')}, but got {shape('got_shape')}",
        _padding,
    ),
    Template(
        "encoder-padding-mask",
        ("mask size should match input size",),
        r"Mask size should match input size",
        plain(
            _SLUG,
            "the padding mask of the encoder has another length or batch than its input",
            ("other-length", "`src_key_padding_mask` is [batch, length]; it was made for another length than this batch has"),
            ("batch-first", "the order of batch and length differs between the mask and the input"),
            tries=("make it from the very tensor that goes in: `mask = tokens == pad` with tokens [batch, length]", FIRST),
        ),
    ),
    Template(
        "mha-any-mask-rank",
        ("to be `none` or", "to be `none`, 2-d"),
        r"For (?P<kind>batched|unbatched) \((?P<query_rank>\d)-D\) `query`, expected `(?P<mask>key_padding_mask|attn_mask)` to "
        rf"be `None`,? (?:or )?\d-D(?: or \d-D)? but found (?P<rank>{_N})-D tensor",
        plain(
            _SLUG,
            "{layer} receives a `{mask}` of {rank} dims with a query of {query_rank}",
            (
                "mask-rank",
                "`key_padding_mask` is [batch, keys], or [keys] without batch; "
                "`attn_mask` is [queries, keys] or [batch · heads, queries, keys]",
            ),
            ("wrong-mask", "the two masks were exchanged: padding belongs in `key_padding_mask`, what may look at what in `attn_mask`"),
            tries=("for a mask [batch, 1, queries, keys] as transformers makes it: `mask[:, 0].repeat_interleave(heads, dim=0)`",),
        ),
    ),
    Template(
        "mha-mask-type",
        ("only bool and floating types of",),
        r"only bool and floating types of (?P<mask>\w{1,40}) are supported",
        plain(
            "other-shape-error",
            "`{mask}` holds integers; this is about its dtype, not about sizes",
            ("integer-mask", "a mask of 0 and 1, as tokenizers give it, is neither bool nor float"),
            tries=(
                "`key_padding_mask=(attention_mask == 0)`: True stands where nothing may look, which is the opposite of a tokenizer's mask",
            ),
        ),
    ),
    Template(
        "mha-causal-hint",
        ("need attn_mask if specifying the is_causal hint",),
        r"Need attn_mask if specifying the is_causal hint",
        plain(
            "other-shape-error",
            "`is_causal=True` is only a hint: the mask itself must be passed as well; this is not about sizes",
            ("mask-missing", "`nn.MultiheadAttention` does not make the mask by itself"),
            tries=(
                "`attn_mask=nn.Transformer.generate_square_subsequent_mask(length)`",
                "or call `F.scaled_dot_product_attention(q, k, v, is_causal=True)`, which makes it",
            ),
        ),
    ),
)
