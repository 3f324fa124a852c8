"""Messages of `F.scaled_dot_product_attention` and the kernels below it."""

from __future__ import annotations

from shapewright.messages.template import Template, plain

_SLUG = "attention-dim"
_OTHER = "other-shape-error"
_N = r"\d{1,15}"
_TYPE = r"[\w: ]{1,30}?"

TEMPLATES = (
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
        rf"Expected query, key, and value to have the same dtype, but got query\.dtype: (?P<query_type>{_TYPE}) "
        rf"key\.dtype: (?P<key_type>{_TYPE}) and value\.dtype: (?P<value_type>{_TYPE}) instead",
        plain(
            _OTHER,
            "query, key and value are of different dtypes ({query_type}, {key_type}, {value_type}); this is not about sizes",
            ("one-was-upcast", "one became float32 on the way (rotary positions, a LayerNorm, a cache) while the others stayed half"),
            tries=("bring them together before the call: `q, k = q.to(v.dtype), k.to(v.dtype)`", "or run the model under `torch.autocast`"),
        ),
    ),
    Template(
        "sdpa-mask-dtype",
        ("expected attn_mask dtype to be bool",),
        r"Expected attn_mask dtype to be bool or (?:float or )?(?:to match|to be the same as)? ?query dtype, but got "
        rf"attn_mask\.dtype: (?P<got>{_TYPE}) and query\.dtype: (?P<want>{_TYPE}) instead",
        plain(
            _OTHER,
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
            _OTHER,
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
            _OTHER,
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
            tries=("print the three shapes in the line before: they are [batch, heads, length, width]",),
        ),
    ),
)
