"""Live messages of attention layers."""

PROVOKED = (
    ("mha-embed", "nn.MultiheadAttention(512, 8)(*[torch.randn(10, 2, 256)] * 3)", {"got": 256, "want": 512}),
    ("mha-embed", "nn.TransformerEncoderLayer(64, 4)(torch.randn(10, 2, 1))", {"got": 1, "want": 64}),
    ("mha-embed", "nn.MultiheadAttention(128, 8, batch_first=True)(*[torch.randn(2, 10, 256)] * 3)", {"got": 256, "want": 128}),
    ("mha-heads", "nn.MultiheadAttention(300, 8)", {}),
    (
        "mha-heads",
        "x = torch.randn(5, 2, 10); F.multi_head_attention_forward(x, x, x, 10, 3, torch.randn(30, 10), torch.randn(30), "
        "None, None, False, 0.0, "
        "torch.randn(10, 10), torch.randn(10))",
        {"width": 10, "heads": 3},
    ),
    (
        "mha-key-value",
        "nn.MultiheadAttention(8, 2)(torch.randn(5, 2, 8), torch.randn(12, 2, 8), torch.randn(13, 2, 8))",
        {"key_shape": [12, 2, 8], "value_shape": [13, 2, 8]},
    ),
    (
        "mha-key-value",
        "nn.MultiheadAttention(8, 2, kdim=4, vdim=4)(torch.randn(5, 2, 8), torch.randn(6, 2, 4), torch.randn(7, 2, 4))",
        {"key_shape": [6, 2], "value_shape": [7, 2]},
    ),
    (
        "mha-mask",
        "x = torch.randn(10, 2, 8); nn.MultiheadAttention(8, 2)(x, x, x, attn_mask=torch.zeros(9, 9))",
        {"got_shape": [9, 9], "want_shape": [10, 10]},
    ),
    (
        "mha-mask",
        "x = torch.randn(32, 10, 8); nn.TransformerEncoderLayer(8, 2)(x, src_mask=torch.zeros(10, 10))",
        {"got_shape": [10, 10], "want_shape": [32, 32]},
    ),
    (
        "mha-mask",
        "x = torch.randn(4, 10, 8); nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x, attn_mask=torch.zeros(4, 10, 10))",
        {"got_shape": [4, 10, 10], "want_shape": [8, 10, 10]},
    ),
    (
        "mha-mask-unbatched",
        "x = torch.randn(5, 8); nn.MultiheadAttention(8, 2)(x, x, x, attn_mask=torch.zeros(3, 5, 5))",
        {"got_shape": [3, 5, 5], "want_shape": [2, 5, 5]},
    ),
    (
        "mha-padding-mask",
        "x = torch.randn(10, 2, 8); nn.MultiheadAttention(8, 2)(x, x, x, key_padding_mask=torch.zeros(10, 2).bool())",
        {"dim": 0, "got": 10, "want": 2},
    ),
    (
        "mha-padding-mask",
        "nn.TransformerEncoderLayer(8, 2, batch_first=True)(torch.randn(2, 5, 8), src_key_padding_mask=torch.zeros(2, 4).bool())",
        {"dim": 1, "got": 4, "want": 5},
    ),
    (
        "encoder-padding-mask",
        "m = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, batch_first=True, device='cpu'), 2).eval()\n"
        "with torch.no_grad(): m(torch.randn(2, 5, 8, device='cpu'), src_key_padding_mask=torch.zeros(2, 6, device='cpu').bool())",
        {},
    ),
    ("mha-query-rank", "x = torch.randn(2, 8, 4, 4); nn.MultiheadAttention(8, 2)(x, x, x)", {"rank": 4}),
    (
        "mha-key-rank",
        "nn.MultiheadAttention(8, 2)(torch.randn(5, 2, 8), torch.randn(5, 8), torch.randn(5, 8))",
        {"rank": 3, "key_rank": 2, "value_rank": 2},
    ),
    (
        "mha-any-mask-rank",
        "x = torch.randn(5, 2, 8); nn.MultiheadAttention(8, 2)(x, x, x, key_padding_mask=torch.zeros(5))",
        {"mask": "key_padding_mask", "rank": 1},
    ),
    ("mha-any-mask-rank", "x = torch.randn(5, 2, 8); nn.MultiheadAttention(8, 2)(x, x, x, attn_mask=torch.zeros(2, 1, 5, 5))", {"rank": 4}),
    (
        "mha-any-mask-rank",
        "x = torch.randn(5, 8); nn.MultiheadAttention(8, 2)(x, x, x, key_padding_mask=torch.zeros(1, 5))",
        {"mask": "key_padding_mask", "rank": 2},
    ),
    (
        "mha-mask-type",
        "x = torch.randn(5, 2, 8); nn.MultiheadAttention(8, 2)(x, x, x, attn_mask=torch.zeros(5, 5).long())",
        {"mask": "attn_mask"},
    ),
    ("mha-causal-hint", "x = torch.randn(5, 2, 8); nn.MultiheadAttention(8, 2)(x, x, x, is_causal=True)", {}),
    ("transformer-batch", "nn.Transformer(8, 2, 1, 1, 8)(torch.randn(2, 5, 8), torch.randn(2, 7, 8))", {}),
    ("transformer-width", "nn.Transformer(8, 2, 1, 1, 8)(torch.randn(5, 2, 6), torch.randn(7, 2, 6))", {}),
    ("sdpa-rank", "F.scaled_dot_product_attention(torch.randn(8), torch.randn(8), torch.randn(8))", {"rank": 1}),
    (
        "sdpa-dtype",
        "x = torch.randn(2, 4, 5, 8); F.scaled_dot_product_attention(x, x.half(), x.half())",
        {"query_type": "float", "key_type": "c10::Half"},
    ),
    (
        "sdpa-mask-dtype",
        "x = torch.randn(2, 4, 5, 8); F.scaled_dot_product_attention(x, x, x, attn_mask=torch.zeros(5, 5).long())",
        {"got": "long int", "want": "float"},
    ),
    (
        "sdpa-groups",
        "x = torch.randn(2, 3, 5, 8); F.scaled_dot_product_attention(torch.randn(2, 8, 5, 8), x, x, enable_gqa=True)",
        {},
    ),
    (
        "sdpa-kernel",
        "from torch.nn.attention import SDPBackend, sdpa_kernel; x = torch.randn(2, 4, 5, 8, device='cpu')\n"
        "with sdpa_kernel(SDPBackend.FLASH_ATTENTION): F.scaled_dot_product_attention(x, x, x, attn_mask=torch.zeros(4, 5, 6, "
        "device='cpu'))",
        {},
    ),
    (
        "sdpa-kernel",
        "from torch.nn.attention import SDPBackend, sdpa_kernel; x = torch.randn(2, 4, 5, 8, device='cpu')\n"
        "with sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION): F.scaled_dot_product_attention(x, x, x)",
        {},
    ),
)

OLD = (
    ("mha-mask-old", "RuntimeError: The size of the 2D attn_mask is not correct.", {"rank": 2}),
    ("mha-mask-rank", "RuntimeError: attn_mask's dimension 4 is not supported", {"rank": 4}),
    (
        "mha-padding-mask-old",
        "expecting key_padding_mask shape of (2, 10), but got torch.Size([10, 2])",
        {"want_shape": [2, 10], "got_shape": [10, 2]},
    ),
    (
        "mha-key-value",
        "key's sequence and batch dims torch.Size([12, 2]) does not match value's torch.Size([13, 2])",
        {"key_shape": [12, 2], "value_shape": [13, 2]},
    ),
    (
        "mha-heads",
        "ValueError: embed_dim must be divisible by num_heads (got `embed_dim`: 512 and `num_heads`: 7).",
        {"width": 512, "heads": 7},
    ),
    (
        "mha-heads",
        "ValueError: hidden_size must be divisible by num_heads (got `hidden_size`: 768 and `num_heads`: 11).",
        {"width": 768, "heads": 11},
    ),
    ("hf-heads", "The hidden size (768) is not a multiple of the number of attention heads (7)", {"width": 768, "heads": 7}),
    ("sdpa-mask-and-causal", "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True", {}),
    (
        "sdpa-fused-heads",
        "Both fused kernels require query, key and value to have the same num_heads and batch_size but got: Query sizes: [2, 32, 10, 64]",
        {},
    ),
)
