"""Messages of attention layers about what goes in: its width, its dims, its batch, and the heads that it is split into."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.messages import fingerprints
from shapewright.messages.readings.scored import Scored, ranked
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape

_SLUG = "attention-dim"
_N = r"\d{1,15}"
_SIZE = r"\d{1,15}|s\d{1,9}"
ORDER = "without `batch_first=True` the layer reads its input as [length, batch, width]"
FIRST = "give `batch_first=True` where the layer is built, if your tensors are [batch, length, width]"


def _width(found: Found) -> Reading:
    """The last dim of the query is not embed_dim."""
    if not found.known("got", "want") or min(found.number("got"), found.number("want")) < 1:
        return _plain_width(found)
    got, want = found.number("got"), found.number("want")
    return Reading(
        _SLUG,
        f"{found.layer} expects an embedding width of {want} but the query has {got}",
        f"the last dim of the query is {got}; `embed_dim` (or `d_model`) of the layer is {want}",
        {"got": got, "want": want},
        ranked(one for hypothesis in _WIDTHS for one in hypothesis(got, want)),
        ("print `x.shape` in the line before the layer: its last dim must be the width",),
    )


_plain_width = plain(
    _SLUG,
    "{layer} expects an embedding width of {want} but the query has {got}",
    ("other-width", "what comes before the attention gives another width than `embed_dim`"),
    tries=("build the embedding and the attention with one constant (`d_model`)",),
)


def _embedding(got: int, want: int) -> Iterator[Scored]:
    """Raw numbers, one for each step."""
    if got == 1:
        why = "each step has one number only: the embedding, or a linear layer that makes the width, is missing before the attention"
        yield 0.9, Cause("missing-embedding", why, tries=(f"put `nn.Embedding(tokens, {want})` or `nn.Linear(1, {want})` before it",))


def _split(got: int, want: int) -> Iterator[Scored]:
    """The heads were split by hand."""
    heads = want // got
    if want % got == 0 and heads in (2, 4, 6, 8, 12, 16) and got in (16, 32, 48, 64, 80, 96, 128):
        why = f"{want} = {heads}·{got}: {got} could be the width of one head; the layer takes the whole width and splits it by itself"
        tries = ("do not view the query into heads before `nn.MultiheadAttention`",)
        yield 0.55, Cause("already-split", why, facts={"heads": heads}, tries=tries)


def _joined(got: int, want: int) -> Iterator[Scored]:
    """Several tensors of the right width side by side."""
    if got % want == 0 and got > want:
        times = got // want
        why = f"{got} = {times}·{want}: {times} tensors of width {want} were joined"
        if times == 2:
            why += ", or a bidirectional layer gave both directions"
        yield (
            0.6,
            Cause("joined-features", why, tries=(f"bring it back with `nn.Linear({got}, {want})`, or build the attention for {got}",)),
        )


def _encoder(got: int, want: int) -> Iterator[Scored]:
    """Both are widths of well-known models."""
    known = [fingerprints.width(size) if size >= 256 else None for size in (got, want)]
    if known[0] and known[1] and not {known[0].role, known[1].role} & {"flat", "channel", "latent"}:
        why = f"{got} is the width of {known[0]}; {want} that of {known[1]}"
        tries = ("take the encoder and the attention of one model, or put a projection between them",)
        sure = min(known[0].confidence, known[1].confidence, key=("low", "medium", "high").index)
        score = 0.3 if sure == "low" else 0.58
        yield score, Cause("encoder-swapped", why, tries=tries, guess=f"{sure} confidence, from the widths alone")


def _constant(got: int, want: int) -> Iterator[Scored]:
    why = f"what comes before the attention gives a width of {got}, the attention is built for {want}"
    tries = (
        f"build the embedding and the attention with one constant (`d_model`): {got} or {want} in both",
        f"or project: `nn.Linear({got}, {want})` before it",
    )
    yield 0.52, Cause("other-width", why, tries=tries)


def _elsewhere(got: int, want: int) -> Iterator[Scored]:
    why = f"the features are not in the last dim: {got} is the length or the number of channels, and {want} stands in another dim"
    tries = ("bring [batch, channels, length] to [batch, length, channels]: `x = x.transpose(1, 2)`",)
    yield 0.4, Cause("features-not-last", why, tries=tries)


_WIDTHS = (_embedding, _split, _joined, _encoder, _constant, _elsewhere)


def _heads(found: Found) -> Reading:
    """The width cannot be cut into so many heads."""
    found = found._replace(values={name.rstrip("_"): value for name, value in found.values.items()})
    if not found.known("width", "heads"):
        return _plain_heads(found)
    width, heads = found.number("width"), found.number("heads")
    fitting = [count for count in range(1, min(width, 64) + 1) if width % count == 0]
    near = sorted(sorted(fitting, key=lambda count: abs(count - heads))[:4])
    down, up = (width // heads * heads, -(-width // heads) * heads) if heads > 0 else (width, width)
    tries = (
        f"take {', '.join(map(str, near[:-1]))} or {near[-1]} heads" if len(near) > 1 else "take 1 head",
        f"or a width of {down} or {up}" if 0 < down < up else f"or a width of {up}",
    )
    why = f"every head gets {width}/{heads} features, which is no whole number"
    return Reading(
        _SLUG,
        f"a width of {width} cannot be split evenly over {heads} heads",
        f"{width} = {heads}·{width // heads} + {width % heads}" if heads > 0 else "",
        {"width": width, "heads": heads, "fitting": near},
        (Cause("not-divisible", why, likely=True, tries=tries if heads > 0 else tries[:1]),),
    )


_plain_heads = plain(
    _SLUG,
    "the embedding width of the attention cannot be split evenly over its heads",
    ("not-divisible", "every head gets `embed_dim / num_heads` features, and that must be a whole number"),
    ("swapped-arguments", "the arguments are in the wrong order: `embed_dim` (`d_model`) comes first, then the number of heads"),
    tries=("choose a number of heads that divides the width: for 512 that is 1, 2, 4, 8, 16; for 300 it is 1, 2, 3, 4, 5, 6, 10, 12",),
)


def _query_rank(found: Found) -> Reading:
    rank = found.number("rank")
    if rank == 4:
        map_why = "a map [N, C, H, W] went in: attention takes [batch, places, channels]"
        head_why = "the tensor was already split into heads, [batch, heads, length, width]: this layer does that by itself"
        causes: tuple[Cause, ...] = (
            Cause("maps-not-flattened", map_why, likely=True, tries=("`x = x.flatten(2).transpose(1, 2)` with `batch_first=True`",)),
            Cause("split-into-heads", head_why, likely=True, tries=("pass it as it was before the split",)),
            Cause("extra-dim", "a dim of 1 too many, from `unsqueeze` or a dataset", tries=("`x = x.squeeze(1)`",)),
        )
    elif rank < 2:
        why = "one vector went in: attention is over a sequence, [length, width]"
        causes = (Cause("dims-missing", why, likely=True, tries=("`x.unsqueeze(0)` for a sequence of one step",)),)
    else:
        why = "attention takes [batch, length, width]; fold the other dims into the batch or the length"
        causes = (Cause("other-rank", why, likely=True),)
    headline = f"{found.layer} expects a query of 3 dims (or 2 without batch) but receives {rank}"
    return Reading(_SLUG, headline, "", {"rank": rank}, causes, ("print `x.shape` in the line before the layer",))


TEMPLATES = (
    Template(
        "mha-embed",
        ("was expecting embedding dimension of",),
        rf"was expecting embedding dimension of (?P<want>{_SIZE}), but got (?P<got>{_SIZE})",
        _width,
    ),
    Template(
        "mha-heads",
        ("must be divisible by num_heads", "not divisible by num_heads", "must divide evenly by `num_heads`"),
        rf"`?embed_dim`? (?P<width>{_N}) not divisible by num_heads (?P<heads>{_N})"
        r"|`?(?:embed_dim|hidden_size|d_model|dim)`? must be (?:divisible by|divide evenly by) `?num_heads`?"
        rf"(?: \(got `(?:embed_dim|hidden_size)`: (?P<width_>{_N}) and `(?:num_heads|attention_heads)`: (?P<heads_>{_N})"
        rf"|,? but got (?P<width__>{_N}) and (?P<heads__>{_N}))?|must divide evenly by `num_heads`",
        _heads,
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
        rf"key(?:'s sequence and batch dims| shape) {shape('key_shape')} (?:does|do) not match value(?:'s| shape) {shape('value_shape')}",
        plain(
            _SLUG,
            "{layer} pairs keys with values but receives keys {key_shape} and values {value_shape}",
            (
                "different-sources",
                "key and value come from different tensors; each key has one value, so they must agree in length and batch",
            ),
            ("batch-first", f"{ORDER}: a tensor in another order was passed for one of the two"),
            tries=(
                "pass the same tensor for both: `attn(query, memory, memory)`",
                "for values of another width give `kdim=` and `vdim=` where the layer is built",
            ),
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
        rf"found (?P<key_rank>{_N})-D and (?P<value_rank>{_N})-D tensors",
        plain(
            _SLUG,
            "{layer} receives a query of {rank} dims with a key of {key_rank} and a value of {value_rank}",
            ("batch-dim-missing", "one of them has no batch dim: all three have it, or none"),
            tries=("give it to those without: `.unsqueeze(0)` with `batch_first=True`, else `.unsqueeze(1)`",),
        ),
    ),
    Template(
        "transformer-batch",
        ("the batch number of src and tgt must be equal",),
        r"the batch number of src and tgt must be equal",
        plain(
            _SLUG,
            "{layer} receives a source and a target with different batches",
            ("batch-first", f"{ORDER}; source and target differ in length, and their lengths are compared as batches"),
            ("other-batch", "source and target really hold another number of samples"),
            tries=(FIRST, "print `src.shape` and `tgt.shape` in the line before"),
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
)
