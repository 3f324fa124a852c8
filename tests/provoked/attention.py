"""Live messages of attention layers about their input."""

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
    ("mha-query-rank", "x = torch.randn(2, 8, 4, 4); nn.MultiheadAttention(8, 2)(x, x, x)", {"rank": 4}),
    (
        "mha-key-rank",
        "nn.MultiheadAttention(8, 2)(torch.randn(5, 2, 8), torch.randn(5, 8), torch.randn(5, 8))",
        {"rank": 3, "key_rank": 2, "value_rank": 2},
    ),
    ("transformer-batch", "nn.Transformer(8, 2, 1, 1, 8)(torch.randn(2, 5, 8), torch.randn(2, 7, 8))", {}),
    ("transformer-width", "nn.Transformer(8, 2, 1, 1, 8)(torch.randn(5, 2, 6), torch.randn(7, 2, 6))", {}),
)

OLD = (
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
)
