"""Live messages of `F.scaled_dot_product_attention`."""

PROVOKED = (
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
    ("sdpa-mask-and-causal", "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True", {}),
    (
        "sdpa-fused-heads",
        "Both fused kernels require query, key and value to have the same num_heads and batch_size but got: Query sizes: [2, 32, 10, 64]",
        {},
    ),
)
