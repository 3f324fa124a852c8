"""Query, key, value or a mask do not fit an attention layer.

What happened. `nn.MultiheadAttention(embed_dim, num_heads)` takes queries of width `embed_dim`, splits them over the
heads (so the width is a multiple of `num_heads`), and pairs every key with a value: equal lengths, equal batches. A
mask is `[L, S]` or `[N · heads, L, S]`, a padding mask `[N, S]` (`attention-dim`).

Why. The token width is not the one that the layer was built for; `batch_first` was forgotten, so that batch and
length change places; a causal mask was made for the longest sequence, not for this one.

How to tell which fix is right. The width has to be the same from the embedding to the last layer: one constant. If
lengths and batches look exchanged, set `batch_first=True` where the layer is built. Make the mask from the input:
`torch.ones(x.size(1), x.size(1)).triu(1)`.

Example. Tokens of width 300 in an attention that was built for 512:

    `attn` expects an embedding width of 512 but the query has 300
"""

from __future__ import annotations

from shapewright.model import Clash, ModuleInfo, Number, Size, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, broadcast, clashing, not_filling, setting, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("attention-dim",)
SLUG = "attention-dim"


def demand(scene: Scene) -> Clash | None:
    """Widths, lengths, batches and masks of the attention family."""
    event = scene.event
    if event.op == "multiheadattention":
        return _heads(scene) or (_multihead(scene, scene.module) if scene.module is not None else None)
    if event.op == "scaled_dot_product_attention":
        return _plain(scene)
    if event.op in ("transformer", "transformerencoderlayer", "transformerencoder", "transformerdecoderlayer", "transformerdecoder"):
        return _transformer(scene)
    return None


def _heads(scene: Scene) -> Clash | None:
    """The constructor's own demand: the width is a multiple of the heads."""
    event = scene.event
    width, heads = event.argument(0, "embed_dim"), event.argument(1, "num_heads")
    if not isinstance(width, Number) or not isinstance(heads, Number) or heads.value < 1 or width.value % heads.value == 0:
        return None
    headline = f"`MultiheadAttention` cannot split a width of {width.value} over {heads.value} heads"
    label = f"{width.value} = {width.value // heads.value}·{heads.value} + {width.value % heads.value}"
    return Clash(SLUG, headline, label, Size(width.value, number=width), Size(heads.value, number=heads))


def _multihead(scene: Scene, module: ModuleInfo) -> Clash | None:
    event = scene.event
    query, key, value = (tensor(event, i, name) for i, name in enumerate(("query", "key", "value")))
    width = module.number("embed_dim")
    if query is None or key is None or value is None or width is None:
        return None
    layer = say.module_name(module)
    parts = (("query", query), ("key", key), ("value", value))
    label = ", ".join(f"{noun} is {info}" for noun, info in parts)
    if query.rank not in (2, 3) or not query.rank == key.rank == value.rank:
        ranks = say.listed([str(info.rank) for _, info in parts])
        headline = f"`{layer}` expects query, key and value of 3 dims (or 2 without batch) but receives {ranks}"
        return Clash(SLUG, headline, label, whole(query, query.rank), whole(key, key.rank))
    for (noun, info), name in zip(parts, ("embed_dim", "kdim", "vdim"), strict=True):
        wanted = module.number(name) or width
        if info.shape[-1] != wanted.value:
            headline = f"`{layer}` expects an embedding width of {wanted.value} but the {noun} has {info.shape[-1]}"
            label = f"{noun} is {say.marked(info, -1)}, {layer} takes [*, →{wanted.value}←]"
            want = setting(scene, name, wanted.value) or setting(scene, "embed_dim", wanted.value)
            return Clash(SLUG, headline, label, at(info, -1), want)
    first = module.settings.get("batch_first") is True
    return _lengths(scene, layer, query, key, value, batch_first=first) or _masks(scene, module, query, key, batch_first=first)


def _lengths(scene: Scene, layer: str, query: TensorInfo, key: TensorInfo, value: TensorInfo, *, batch_first: bool) -> Clash | None:
    batch, length = (0, 1) if batch_first else (1, 0)
    if query.rank == 2:
        length = 0
    for dim, noun in ((length, "keys"), (batch, "batches")):
        if (noun == "keys" or query.rank == 3) and key.shape[dim] != value.shape[dim]:
            headline = f"`{layer}` pairs keys with values but has {key.shape[dim]} and {value.shape[dim]} of them"
            label = f"key is {say.marked(key, dim)}, value is {say.marked(value, dim)}"
            return Clash(SLUG, headline, label, at(key, dim), at(value, dim), _order_note(query, batch_first=batch_first))
    if query.rank == 3 and query.shape[batch] != key.shape[batch]:
        headline = f"`{layer}` receives a batch of {query.shape[batch]} queries and of {key.shape[batch]} keys"
        label = f"query is {say.marked(query, batch)}, key is {say.marked(key, batch)}"
        return Clash(SLUG, headline, label, at(query, batch), at(key, batch), _order_note(query, batch_first=batch_first))
    return None


def _order_note(query: TensorInfo, *, batch_first: bool) -> tuple[str, ...]:
    if query.rank != 3:
        return ()
    order = "[batch, length, width]" if batch_first else "[length, batch, width]"
    return (f"batch_first={batch_first}: the dims are read as {order}",)


def _masks(scene: Scene, module: ModuleInfo, query: TensorInfo, key: TensorInfo, *, batch_first: bool) -> Clash | None:
    event = scene.event
    layer = say.module_name(module)
    batch, length = (0, 1) if batch_first else (1, 0)
    if query.rank == 2:
        batches, rows, columns = None, query.shape[0], key.shape[0]
    else:
        batches, rows, columns = query.shape[batch], query.shape[length], key.shape[length]
    against = at(query, batch), at(key, length if query.rank == 3 else 0)
    padding = tensor(event, 3, "key_padding_mask")
    wanted = (columns,) if batches is None else (batches, columns)
    if padding is not None and padding.shape != wanted:
        return _mask(scene, layer, padding, wanted, "padding mask", against[2 - len(wanted) :])
    mask, heads = tensor(event, 5, "attn_mask"), module.number("num_heads")
    if mask is None or heads is None:
        return None
    each = (batches or 1) * heads.value
    if mask.rank == 3:
        return _mask(scene, layer, mask, (each, rows, columns), "mask") if mask.shape != (each, rows, columns) else None
    against = at(query, length if query.rank == 3 else 0), against[1]
    return _mask(scene, layer, mask, (rows, columns), "mask", against) if mask.shape != (rows, columns) else None


def _mask(scene: Scene, layer: str, mask: TensorInfo, wanted: tuple[int, ...], noun: str, against: tuple[Size, ...] = ()) -> Clash:
    called = say.name(scene, mask, f"the {noun}")
    headline = f"`{layer}` expects a {noun} {say.sizes(wanted)} but receives {say.sizes(mask.shape)}"
    if mask.rank != len(wanted):
        return Clash(SLUG, headline, f"{called} is {mask}, {layer} takes {say.sizes(wanted)}", whole(mask, mask.rank))
    hits = [i for i in range(mask.rank) if mask.shape[i] != wanted[i]]
    takes = say.sizes(f"→{size}←" if i in hits else str(size) for i, size in enumerate(wanted))
    return Clash(
        SLUG,
        headline,
        f"{called} is {say.marked(mask, *hits)}, {layer} takes {takes}",
        at(mask, hits[0]),
        against[hits[0]] if against else None,
    )


def _plain(scene: Scene) -> Clash | None:
    """`F.scaled_dot_product_attention`."""
    event = scene.event
    query, key, value = (tensor(event, i, name) for i, name in enumerate(("query", "key", "value")))
    if query is None or key is None or value is None:
        return None
    label = f"query is {query}, key is {key}, value is {value}"
    low = next((info for info in (query, key, value) if info.rank < 2), None)
    if low is not None:
        headline = f"attention expects [*, length, width] but receives {say.count(low.rank, 'dim')}: {say.sizes(low.shape)}"
        return Clash(SLUG, headline, label, whole(low, low.rank))
    if query.shape[-1] != key.shape[-1]:
        headline = f"attention needs query and key of one width but has {query.shape[-1]} and {key.shape[-1]}"
        return Clash(SLUG, headline, f"query is {say.marked(query, -1)}, key is {say.marked(key, -1)}", at(query, -1), at(key, -1))
    # some kernels read past these without a word, so that only a failed call says that they matter
    if event.failure is not None and key.shape[-2] != value.shape[-2]:
        headline = f"attention pairs keys with values but has {key.shape[-2]} and {value.shape[-2]} of them"
        return Clash(SLUG, headline, f"key is {say.marked(key, -2)}, value is {say.marked(value, -2)}", at(key, -2), at(value, -2))
    if event.argument(7, "enable_gqa") is True:
        return None
    for one, other, names in ((query, key, ("query", "key")), (query, value, ("query", "value")), (key, value, ("key", "value"))):
        hits = clashing(one.shape[:-2], other.shape[:-2])
        if hits:
            dim = hits[0] - 2
            headline = f"{names[0]} and {names[1]} have {one.shape[dim]} and {other.shape[dim]} batches or heads"
            label = f"{names[0]} is {say.marked(one, dim)}, {names[1]} is {say.marked(other, dim)}"
            return Clash(SLUG, headline, label, at(one, dim), at(other, dim))
    mask = tensor(event, 3, "attn_mask")
    heads = broadcast((query.shape[:-2], key.shape[:-2]))
    wanted = (*(heads or ()), query.shape[-2], key.shape[-2])
    if mask is None:
        return None
    hits = not_filling(mask.shape, wanted)
    if hits or mask.rank > len(wanted):
        called = say.name(scene, mask, "the mask")
        want = {-1: at(key, -2), -2: at(query, -2)}.get(hits[0]) if hits else None
        headline = f"attention expects a mask {say.sizes(('*', *wanted[-2:]))} but receives {say.sizes(mask.shape)}"
        return Clash(
            SLUG,
            headline,
            f"{called} is {say.marked(mask, *hits)}, scores are {say.sizes(wanted)}",
            at(mask, hits[0]) if hits else whole(mask),
            want,
        )
    return None


def _transformer(scene: Scene) -> Clash | None:
    event, module = scene.event, scene.module
    if module is None:
        return None
    decoder = "decoder" in event.op
    names = ("tgt", "memory") if decoder else ("src", "tgt")
    one = tensor(event, 0, names[0])
    other = tensor(event, 1, names[1]) if decoder or event.op == "transformer" else None
    layer = say.module_name(module)
    width = module.number("d_model") or module.number("embed_dim")
    for noun, info in zip(names, (one, other), strict=True):
        if info is not None and info.rank not in (2, 3):
            headline = f"`{layer}` expects 3 dims (or 2 without batch) but {noun} has {info.rank}: {say.sizes(info.shape)}"
            return Clash(SLUG, headline, f"{noun} is {info}", whole(info, info.rank))
        if info is not None and width is not None and info.shape[-1] != width.value:
            headline = f"`{layer}` expects an embedding width of {width.value} but {noun} has {info.shape[-1]}"
            label = f"{noun} is {say.marked(info, -1)}, {layer} takes [*, →{width.value}←]"
            return Clash(
                SLUG, headline, label, at(info, -1), setting(scene, "d_model", width.value) or setting(scene, "embed_dim", width.value)
            )
    if one is None or other is None:
        return None
    if one.rank != other.rank:
        headline = f"`{layer}` expects {names[0]} and {names[1]} of equal rank but receives {one.rank} and {other.rank} dims"
        return Clash(SLUG, headline, f"{names[0]} is {one}, {names[1]} is {other}", whole(one, one.rank), whole(other, other.rank))
    first = module.settings.get("batch_first") is True
    batch = 0 if first else 1
    if one.rank == 3 and one.shape[batch] != other.shape[batch]:
        headline = f"`{layer}` receives a batch of {one.shape[batch]} in {names[0]} and of {other.shape[batch]} in {names[1]}"
        label = f"{names[0]} is {say.marked(one, batch)}, {names[1]} is {say.marked(other, batch)}"
        return Clash(SLUG, headline, label, at(one, batch), at(other, batch), _order_note(one, batch_first=first))
    return None
