"""Messages of attention layers: widths, heads and masks."""

from __future__ import annotations

from dataclasses import replace

from shapewright.messages import fingerprints
from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_SLUG = "attention-dim"

_BATCHES = {2, 4, 8, 16, 32, 64, 128, 256}

_ORDER = "without `batch_first=True` the layer reads its input as [length, batch, width]"

_FIRST = "give `batch_first=True` where the layer is built, if your tensors are [batch, length, width]"


def _ranked(scored: list[tuple[float, Cause]]) -> tuple[Cause, ...]:
    best: dict[str, tuple[float, Cause]] = {}
    for score, cause in sorted(scored, key=lambda one: -one[0]):
        best.setdefault(cause.name, (score, cause))
    return tuple(replace(cause, likely=score >= 0.5) for score, cause in best.values())


def _width(found: Found) -> Reading:
    """The last dim of the query is not embed_dim."""
    if not found.known("got", "want") or min(found.number("got"), found.number("want")) < 1:
        return _plain_width(found)
    got, want = found.number("got"), found.number("want")
    scored: list[tuple[float, Cause]] = []
    if got == 1:
        why = "each step has one number only: the embedding (or a linear layer that makes the width) does not stand before the attention"
        tries: tuple[str, ...] = (f"put `nn.Embedding(tokens, {want})` or `nn.Linear(1, {want})` before it",)
        scored.append((0.9, Cause("missing-embedding", why, tries=tries)))
    elif want % got == 0 and want // got in (2, 4, 6, 8, 12, 16) and got in (16, 32, 48, 64, 80, 96, 128):
        why = (
            f"{want} = {want // got}·{got}: {got} could be the width of one head; the layer splits the heads by itself and "
            "takes the whole width"
        )
        scored.append(
            (
                0.55,
                Cause(
                    "already-split",
                    why,
                    facts={"heads": want // got},
                    tries=("do not view the query into heads before `nn.MultiheadAttention`",),
                ),
            )
        )
    elif got % want == 0 and got > want:
        why = (
            f"{got} = {got // want}·{want}: {got // want} tensors of width {want} were joined, or a bidirectional layer gave "
            "both directions"
        )
        scored.append(
            (
                0.6,
                Cause("joined-features", why, tries=(f"bring it back with `nn.Linear({got}, {want})`, or build the attention for {got}",)),
            )
        )
    known = [fingerprints.width(size) if size >= 256 else None for size in (got, want)]
    if known[0] and known[1]:
        why = f"{got} is the width of {known[0]}; {want} that of {known[1]}"
        tries = ("take the encoder and the attention of one model, or put a projection between them",)
        scored.append((0.58, Cause("encoder-swapped", why, tries=tries, guess=f"{known[0].confidence} confidence, from the widths alone")))
    tries = (
        f"build the embedding and the attention with one constant (`d_model`): {got} or {want} in both",
        f"or project: `nn.Linear({got}, {want})` before it",
    )
    scored.append(
        (
            0.52,
            Cause("other-width", f"what comes before the attention gives a width of {got}, the attention is built for {want}", tries=tries),
        )
    )
    why = f"the features do not stand in the last dim: {got} is the length or the number of channels, and {want} stands elsewhere"
    scored.append(
        (
            0.4,
            Cause(
                "features-not-last", why, tries=("bring [batch, channels, length] to [batch, length, channels]: `x = x.transpose(1, 2)`",)
            ),
        )
    )
    return Reading(
        _SLUG,
        f"{found.layer} expects an embedding width of {want} but the query has {got}",
        f"the last dim of the query is {got}; `embed_dim` (or `d_model`) of the layer is {want}",
        {"got": got, "want": want},
        _ranked(scored),
        ("print `x.shape` in the line before the layer: its last dim must be the width",),
    )


def _plain_width(found: Found) -> Reading:
    return plain(
        _SLUG,
        "{layer} expects an embedding width of {want} but the query has {got}",
        ("other-width", "what comes before the attention gives another width than `embed_dim`"),
        tries=("build the embedding and the attention with one constant (`d_model`)",),
    )(found)


def _heads(found: Found) -> Reading:
    """The width cannot be cut into so many heads."""
    if not found.known("width", "heads"):
        return plain(
            _SLUG,
            (
                "a width of {width} cannot be split over the heads evenly",
                "the embedding width of the attention cannot be split evenly over its heads",
            ),
            ("not-divisible", "every head gets `embed_dim / num_heads` features, and that must be a whole number"),
            ("swapped-arguments", "the arguments are in the wrong order: `embed_dim` (`d_model`) comes first, then the number of heads"),
            tries=(
                "choose a number of heads that divides the width: for 512 that is 1, 2, 4, 8, 16; for 300 it is 1, 2, 3, 4, 5, 6, 10, 12",
            ),
        )(found)
    width, heads = found.number("width"), found.number("heads")
    fitting = [count for count in range(1, min(width, 64) + 1) if width % count == 0]
    near = sorted(sorted(fitting, key=lambda count: abs(count - heads))[:4])
    down, up = (width // heads * heads, -(-width // heads) * heads) if heads > 0 else (width, width)
    return Reading(
        _SLUG,
        f"a width of {width} cannot be split evenly over {heads} heads",
        f"{width} = {heads}·{width // heads} + {width % heads}" if heads > 0 else "",
        {"width": width, "heads": heads, "fitting": near},
        (
            Cause(
                "not-divisible",
                f"every head gets {width}/{heads} features, which is no whole number",
                likely=True,
                tries=(
                    f"take {', '.join(map(str, near[:-1]))} or {near[-1]} heads" if len(near) > 1 else "take 1 head",
                    f"or a width of {down or up} or {up}",
                ),
            ),
        ),
    )


def _mask(found: Found) -> Reading:
    """A causal mask or one per head."""
    if not found.known("got_shape", "want_shape"):
        return _bare_mask(found)
    got, want = found.shape("got_shape"), found.shape("want_shape")
    if len(got) != len(want) or len(want) < 2:
        return _bare_mask(found)
    headline = f"{found.layer} expects a mask {told(want)} but receives {told(got)}"
    facts: dict[str, object] = {"got_shape": got, "want_shape": want}
    if len(got) == 3 == len(want):
        return Reading(_SLUG, headline, "a mask of 3 dims is [batch · heads, queries, keys]", facts, _mask3(got, want))
    scored: list[tuple[float, Cause]] = []
    square = len(got) == 2 and got[0] == got[1]
    if got == want[::-1]:
        why = "rows are queries and columns are keys: this one is the other way round"
        scored.append((0.93, Cause("transposed", why, tries=("`mask.T`",))))
    if square and len(want) == 2 and want[0] == want[1] and got != want:
        side, length = got[0], want[0]
        off = abs(side - length)
        if off <= 2:
            one = "one" if off == 1 else "two"
            why = (
                f"the sequence is {one} step{'s' if off > 1 else ''} {'longer' if length > side else 'shorter'} than the "
                "mask was made for: a class or start token was added, or the targets were shifted, after the mask was made"
            )
            scored.append(
                (
                    0.85,
                    Cause(
                        "off-by-one", why, tries=("make the mask from the very tensor that goes in: `size = x.size(1)` (or `x.size(0)`)",)
                    ),
                )
            )
        if length in _BATCHES and (side not in _BATCHES or side > length):
            why = f"{length} would be a batch size: {_ORDER}, so your batch of {length} is taken for the length"
            scored.append((0.8 if off > 2 and side < length else 0.55, Cause("batch-first", why, facts={"batch": length}, tries=(_FIRST,))))
        if side > length:
            why = f"the mask was made for the longest sequence ({side}), this one has {length} steps"
            scored.append(
                (0.78, Cause("mask-of-full-length", why, tries=("cut it to the input: `mask[:n, :n]` with `n` the length of this batch",)))
            )
        elif off > 2:
            why = f"the mask was made for {side} steps, the sequence has {length}"
            scored.append((0.5, Cause("other-length", why, tries=("make the mask for the sequence that goes in",))))
    elif len(got) == 2 and len(want) == 2 and got[1] == want[1] and got[0] != want[0] and got != want[::-1]:
        why = f"{told(got)} has the form of a padding mask, [batch, keys] with a batch of {got[0]}"
        scored.append(
            (
                0.8,
                Cause(
                    "padding-mask",
                    why,
                    facts={"batch": got[0]},
                    tries=("pass it as `key_padding_mask=` (`src_key_padding_mask=` in an encoder)",),
                ),
            )
        )
        scored.append((0.4, Cause("other-length", f"it was made for {got[0]} queries instead of {want[0]}")))
    if not scored:
        scored.append((0.6, Cause("other-length", "the mask was made for other lengths: its rows are the queries, its columns the keys")))
    return Reading(
        _SLUG,
        headline,
        f"rows are the {want[-2]} queries, columns the {want[-1]} keys, as the layer reads them",
        facts,
        _ranked(scored),
        ("make the causal mask in `forward`: `nn.Transformer.generate_square_subsequent_mask(length)`",),
    )


def _mask3(got: list[int], want: list[int]) -> tuple[Cause, ...]:
    scored: list[tuple[float, Cause]] = []
    if got[1:] == want[1:] and want[0] % max(got[0], 1) == 0 and got[0]:
        each = want[0] // got[0]
        if got[0] == 1:
            scored.append(
                (0.9, Cause("one-mask-for-all", "there is one mask for all samples and heads", tries=("give it 2 dims: `mask[0]`",)))
            )
        else:
            why = (
                f"there are {got[0]} masks where {want[0]} = {got[0]}·{each} are wanted: one for each sample, and the layer "
                "takes one for each sample and head"
            )
            tries = (f"repeat each one for the heads: `mask.repeat_interleave({each}, dim=0)` (samples outside, heads inside)",)
            scored.append((0.88, Cause("mask-per-sample", why, facts={"batch": got[0], "heads": each}, tries=tries)))
    elif got[1:] == want[1:]:
        scored.append(
            (
                0.6,
                Cause(
                    "other-batch",
                    f"it is made for {got[0]} pairs of sample and head, there are {want[0]}: another batch size or number of heads",
                ),
            )
        )
    else:
        scored.append((0.6, Cause("other-length", f"it is made for {got[1]} queries and {got[2]} keys, there are {want[1]} and {want[2]}")))
        why = f"{_ORDER}: batch and length may have changed places"
        scored.append((0.4, Cause("batch-first", why, tries=(_FIRST,))))
    return _ranked(scored)


def _bare_mask(found: Found) -> Reading:
    return plain(
        _SLUG,
        "the mask does not have the sizes that {layer} takes",
        ("other-length", "a mask of 2 dims is [queries, keys]; it was made for another length"),
        ("batch-first", f"{_ORDER}: batch and length may have changed places"),
        ("mask-per-sample", "a mask of 3 dims is [batch · heads, queries, keys]"),
        tries=("print `mask.shape` and `x.shape` in the line before", _FIRST),
    )(found)


def _padding(found: Found) -> Reading:
    """The padding mask is [batch, keys], however the layer orders its input."""
    certain = "`key_padding_mask` is always [batch, keys], whatever `batch_first` is"
    if found.known("got_shape", "want_shape"):
        want_shape, got_shape = found.shape("want_shape"), found.shape("got_shape")
        headline = f"{found.layer} expects a padding mask {told(want_shape)} but receives {told(got_shape)}"
        cause = _transposed(likely=got_shape == want_shape[::-1])
        return Reading(_SLUG, headline, certain, dict(found.values), (cause, _order(None)), (_FIRST,))
    if not found.known("got", "want", "dim"):
        return Reading(_SLUG, f"{found.layer} receives a padding mask of another size than [batch, keys]", certain, dict(found.values))
    got, want, dim = found.number("got"), found.number("want"), found.number("dim")
    causes: list[Cause] = []
    if dim == 0:
        headline = f"{found.layer} expects a padding mask for a batch of {want} but receives one for {got}"
        swapped = want not in _BATCHES and got in _BATCHES
        causes = [_order(got, likely=swapped or want not in _BATCHES), _transposed(likely=not swapped)]
        if not swapped:
            causes.reverse()
    else:
        headline = f"{found.layer} expects a padding mask for {want} keys but receives one for {got}"
        if got == want - 1:
            why = "the sequence is one step longer than the mask: a class or start token was put before it after the mask was made"
            causes.append(
                Cause("off-by-one", why, likely=True, tries=("give the mask a column for it: `mask = F.pad(mask, (1, 0), value=False)`",))
            )
        elif got == want + 1:
            why = "the mask is one step longer than the sequence: it was made before the last (or first) token was cut off"
            causes.append(
                Cause("off-by-one", why, likely=True, tries=("cut it alike: `mask[:, :-1]` for inputs, `mask[:, 1:]` for targets",))
            )
        elif got > want:
            why = f"the mask was made for the longest sequence ({got}), this batch is {want} long"
            causes.append(Cause("mask-of-full-length", why, likely=True, tries=(f"cut it: `mask[:, :x.size(1)]` ({want} columns)",)))
        else:
            why = (
                f"the mask comes from another sequence, of {got} steps: the source's given with the target's keys, or one "
                "made before a concatenation"
            )
            causes.append(
                Cause(
                    "other-sequence",
                    why,
                    likely=True,
                    tries=("in a decoder: `memory_key_padding_mask` belongs to the source, `tgt_key_padding_mask` to the target",),
                )
            )
        causes.append(_order(None))
    return Reading(
        _SLUG,
        headline,
        certain,
        {"dim": dim, "got": got, "want": want},
        tuple(causes),
        ("print `mask.shape` and `x.shape` in the line before",),
    )


def _order(batch: int | None, *, likely: bool = False) -> Cause:
    is_batch = f"; if {batch} is your batch, it takes the length for the batch" if batch else ""
    return Cause("batch-first", f"{_ORDER}{is_batch}", likely=likely, tries=(_FIRST,))


def _transposed(*, likely: bool) -> Cause:
    return Cause(
        "mask-transposed",
        "the mask is [keys, batch]: it was made from a tensor whose length comes first",
        likely=likely,
        tries=("`mask.T`",),
    )


def _query_rank(found: Found) -> Reading:
    rank = found.number("rank")
    headline = f"{found.layer} expects a query of 3 dims (or 2 without batch) but receives {rank}"
    if rank == 4:
        causes: tuple[Cause, ...] = (
            Cause(
                "maps-not-flattened",
                "a map [N, C, H, W] went in: attention takes [batch, places, channels]",
                likely=True,
                tries=("`x = x.flatten(2).transpose(1, 2)` with `batch_first=True`",),
            ),
            Cause(
                "split-into-heads",
                "the tensor was already split into heads, [batch, heads, length, width]: this layer does that by itself",
                likely=True,
            ),
            Cause("extra-dim", "a dim of 1 too many, from `unsqueeze` or a dataset", tries=("`x = x.squeeze(1)`",)),
        )
    elif rank == 1:
        causes = (
            Cause(
                "dims-missing",
                "one vector went in: attention is over a sequence, [length, width]",
                likely=True,
                tries=("`x.unsqueeze(0)` for a sequence of one step",),
            ),
        )
    else:
        causes = (
            Cause("other-rank", "attention takes [batch, length, width]; fold the other dims into the batch or the length", likely=True),
        )
    return Reading(_SLUG, headline, "", {"rank": rank}, causes, ("print `x.shape` in the line before the layer",))


def _one_name(found: Found) -> Found:
    """Numbers that stand under another name in each wording."""
    return replace(found, values={name.rstrip("_"): value for name, value in found.values.items()})


_N = r"\d{1,15}"


def _shape(name: str) -> str:
    return rf"(?:torch\.Size\()?[\[(](?P<{name}>[^\])]{{0,120}})[\])]\)?"


TEMPLATES = (
    Template(
        "mha-embed",
        ("was expecting embedding dimension of",),
        rf"was expecting embedding dimension of (?P<want>{_N}|s\d+), but got (?P<got>{_N}|s\d+)",
        _width,
    ),
    Template(
        "mha-heads",
        ("must be divisible by num_heads", "not divisible by num_heads", "must divide evenly by `num_heads`"),
        rf"`?embed_dim`? (?P<width>{_N}) not divisible by num_heads (?P<heads>{_N})"
        r"|(?:`?(?:embed_dim|hidden_size|d_model|dim)`?) must be (?:divisible by|divide evenly by) `?num_heads`?(?: \(got "
        rf"`(?:embed_dim|hidden_size)`: (?P<width_>{_N})"
        rf" and `(?:num_heads|attention_heads)`: (?P<heads_>{_N})|,? but got (?P<width__>{_N}) and (?P<heads__>{_N}))?|must "
        r"divide evenly by `num_heads`",
        lambda found: _heads(_one_name(found)),
    ),
    Template(
        "hf-heads",
        ("is not a multiple of the number of attention heads",),
        rf"The hidden size \((?P<width>{_N})\) is not a multiple of the number of attention heads \(?(?P<heads>{_N})",
        _heads,
    ),
    Template(
        "mha-key-value",
        ("does not match value shape", "key's sequence and batch dims"),
        rf"key(?:'s sequence and batch dims| shape) {_shape('key_shape')} (?:does|do) not match value(?:'s| shape) {_shape('value_shape')}",
        plain(
            _SLUG,
            "{layer} pairs keys with values but receives keys {key_shape} and values {value_shape}",
            (
                "different-sources",
                "key and value come from different tensors; each key has one value, so they must agree in length and batch",
            ),
            ("batch-first", f"{_ORDER}: a tensor in another order was passed for one of the two"),
            tries=(
                "pass the same tensor for both: `attn(query, memory, memory)`",
                "for values of another width give `kdim=` and `vdim=` where the layer is built",
            ),
        ),
    ),
    Template(
        "mha-mask",
        ("d attn_mask is torch.size", "d attn_mask is ("),
        rf"The shape of the (?P<rank>[23])D attn_mask is {_shape('got_shape')}, but should be {_shape('want_shape')}",
        _mask,
        cut=rf"The shape of the (?P<rank>[23])D attn_mask is {_shape('got_shape')}",
    ),
    Template(
        "mha-mask-unbatched",
        ("expected `attn_mask` shape to be",),
        rf"Expected `attn_mask` shape to be {_shape('want_shape')} but got {_shape('got_shape')}",
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
                "[batch, heads, queries, keys] is what `F.scaled_dot_product_attention` takes; this layer wants [batch · "
                "heads, queries, keys]",
            ),
            tries=("`mask.flatten(0, 1)` for 4 dims, or one [queries, keys] mask for all",),
        ),
    ),
    Template(
        "mha-padding-mask",
        ("expected key_padded_mask.shape[",),
        rf"Expected key_padded_mask\.shape\[(?P<dim>\d)\] to be (?P<want>{_N}|s\d+), but got (?P<got>{_N}|s\d+)",
        _padding,
    ),
    Template(
        "mha-padding-mask-old",
        ("expecting key_padding_mask shape of",),
        rf"expecting key_padding_mask shape of {_shape('want_shape')}, but got {_shape('got_shape')}",
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
            tries=("make it from the very tensor that goes in: `mask = tokens == pad` with tokens [batch, length]", _FIRST),
        ),
    ),
    Template(
        "mha-query-rank",
        ("query should be unbatched 2d or batched 3d",),
        rf"query should be unbatched 2D or batched 3D tensor but received (?P<rank>{_N})-D query tensor",
        _query_rank,
    ),
    Template(
        "mha-key-rank",
        ("expected `key` and `value` to be",),
        r"For (?P<kind>batched|unbatched) \((?P<rank>\d)-D\) `query`, expected `key` and `value` to be (?P<want_rank>\d)-D but "
        rf"found (?P<key_rank>{_N})-D and "
        rf"(?P<value_rank>{_N})-D tensors",
        plain(
            _SLUG,
            "{layer} receives a query of {rank} dims with a key of {key_rank} and a value of {value_rank}",
            ("batch-dim-missing", "one of them has no batch dim: all three have it, or none"),
            tries=("give it to those without: `.unsqueeze(0)` with `batch_first=True`, else `.unsqueeze(1)`",),
        ),
    ),
    Template(
        "mha-any-mask-rank",
        ("to be `none` or", "to be `none`, 2-d"),
        r"For (?P<kind>batched|unbatched) \((?P<query_rank>\d)-D\) `query`, expected `(?P<mask>key_padding_mask|attn_mask)` to "
        r"be `None`,? "
        rf"(?:or )?\d-D(?: or \d-D)? but found (?P<rank>{_N})-D tensor",
        plain(
            _SLUG,
            "{layer} receives a `{mask}` of {rank} dims with a query of {query_rank}",
            (
                "mask-rank",
                "`key_padding_mask` is [batch, keys], or [keys] without batch; `attn_mask` is [queries, keys] or [batch · "
                "heads, queries, keys]",
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
                "`attn_mask=nn.Transformer.generate_square_subsequent_mask(length)`, or `F.scaled_dot_product_attention(q, k, "
                "v, is_causal=True)`, which does",
            ),
        ),
    ),
    Template(
        "transformer-batch",
        ("the batch number of src and tgt must be equal",),
        r"the batch number of src and tgt must be equal",
        plain(
            _SLUG,
            "{layer} receives a source and a target with different batches",
            ("batch-first", f"{_ORDER}; source and target differ in length, and their lengths are compared as batches"),
            ("other-batch", "source and target really hold another number of samples"),
            tries=(_FIRST, "print `src.shape` and `tgt.shape` in the line before"),
        ),
    ),
    Template(
        "transformer-width",
        ("must be equal to d_model",),
        r"the feature number of src and tgt must be equal to d_model",
        plain(
            _SLUG,
            "{layer} expects a source and a target whose last dim is `d_model`",
            ("missing-embedding", "token numbers or raw features went in: they have to be embedded to width `d_model` first"),
            ("other-width", "the embedding has another width than `d_model` of the transformer"),
            ("features-not-last", "the features stand in another dim than the last"),
            tries=("`nn.Embedding(tokens, d_model)` or `nn.Linear(features, d_model)` before it, for source and target",),
        ),
    ),
    Template(
        "sdpa-rank",
        ("2 dimensional, but got query.dim",),
        rf"Expected query, key, and value to all be at least 2 dimensional, but got query\.dim: (?P<rank>{_N}) key\.dim: "
        rf"(?P<key_rank>{_N}) and value\.dim: (?P<value_rank>{_N})",
        plain(
            _SLUG,
            "attention expects [*, length, width] but receives {rank}, {key_rank} and {value_rank} dims",
            ("dims-missing", "query, key and value are [batch, heads, length, width]; at least length and width must be there"),
            tries=("print the three shapes in the line before",),
        ),
    ),
    Template(
        "sdpa-dtype",
        ("to have the same dtype, but got query.dtype",),
        r"Expected query, key, and value to have the same dtype, but got query\.dtype: (?P<query_type>[\w: ]{1,30}?) "
        r"key\.dtype: (?P<key_type>[\w: ]{1,30}?) "
        r"and value\.dtype: (?P<value_type>[\w: ]{1,30}?) instead",
        plain(
            "other-shape-error",
            "query, key and value are of different dtypes ({query_type}, {key_type}, {value_type}); this is not about sizes",
            ("one-was-upcast", "one was made float32 on the way (rotary positions, a LayerNorm, a cache) while the others stayed half"),
            tries=("bring them together before the call: `q, k = q.to(v.dtype), k.to(v.dtype)`", "or run the model under `torch.autocast`"),
        ),
    ),
    Template(
        "sdpa-mask-dtype",
        ("expected attn_mask dtype to be bool",),
        r"Expected attn_mask dtype to be bool or (?:float or )?(?:to match|to be the same as)? ?query dtype, but got "
        r"attn_mask\.dtype: (?P<got>[\w: ]{1,30}?) and query\.dtype: "
        r"(?P<want>[\w: ]{1,30}?) instead",
        plain(
            "other-shape-error",
            "the attention mask is {got} where bool or {want} is wanted; this is about dtypes, not about sizes",
            ("integer-mask", "a mask of 0 and 1 in whole numbers, or a float32 mask beside a half query"),
            tries=("`mask.bool()`: True stands where a query may look", "or `mask.to(q.dtype)` for a mask that is added (0 and -inf)"),
        ),
    ),
    Template(
        "sdpa-groups",
        ("number of heads in key and value must divide",),
        r"Number of heads in key and value must divide the number of heads in",
        plain(
            _SLUG,
            "the heads of the query cannot be shared out evenly over those of key and value",
            ("heads-not-divisible", "with `enable_gqa=True` each key head serves the same number of query heads"),
            ("dims-swapped", "heads and length changed places: the tensors are [batch, heads, length, width]"),
            tries=(
                "print the three shapes; dim -3 are the heads, and the query's must be a multiple of the key's",
                "`x.transpose(1, 2)` brings [batch, length, heads, width] in order",
            ),
        ),
    ),
    Template(
        "sdpa-mask-and-causal",
        ("explicit attn_mask should not be set when is_causal",),
        r"Explicit attn_mask should not be set when is_causal=True",
        plain(
            "other-shape-error",
            "`attn_mask` and `is_causal=True` are given together, and only one of them is allowed; this is not about sizes",
            ("both-masks", "the causal mask is passed twice, or a padding mask beside it"),
            tries=("drop `is_causal=True` and put the causal part into the mask: `mask & torch.ones(n, n, dtype=torch.bool).tril()`",),
        ),
    ),
    Template(
        "sdpa-kernel",
        ("no available kernel", "no viable backend for scaled_dot_product_attention"),
        r"No available kernel\. Aborting execution|No viable backend for scaled_dot_product_attention was found",
        plain(
            "other-shape-error",
            "none of the attention kernels that are switched on can take these tensors",
            (
                "backend-forced",
                "one kernel was asked for (`sdpa_kernel`, `enable_math=False`), and dtype, head width, mask or device are not for it",
            ),
            ("shapes", "the fused kernels want 4 dims, equal heads and batches, and a mask that fits [queries, keys]; flash takes no mask"),
            tries=(
                "allow the math kernel: `with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):`",
                "read the warnings above: each kernel says why it was not used",
            ),
        ),
    ),
    Template(
        "sdpa-fused-heads",
        ("fused kernels require",),
        r"(?:Both|All) fused kernels requires? (?:query, )?key and value to (?:have the same num_heads and batch_size|be 4 dimensional)",
        plain(
            _SLUG,
            "the fused attention kernels want query, key and value of 4 dims with equal heads and batches",
            ("grouped-heads", "there are fewer key heads than query heads: `enable_gqa=True`, or repeat them with `repeat_interleave`"),
            ("rank", "the tensors have no head dim: [batch, length, width] becomes [batch, 1, length, width] with `.unsqueeze(1)`"),
        ),
    ),
)
