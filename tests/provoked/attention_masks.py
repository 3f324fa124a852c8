"""Live messages about the masks of attention layers."""

PROVOKED = (
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
)

OLD = (
    ("mha-mask-old", "RuntimeError: The size of the 2D attn_mask is not correct.", {"rank": 2}),
    ("mha-mask-rank", "RuntimeError: attn_mask's dimension 4 is not supported", {"rank": 4}),
    (
        "mha-padding-mask-old",
        "expecting key_padding_mask shape of (2, 10), but got torch.Size([10, 2])",
        {"want_shape": [2, 10], "got_shape": [10, 2]},
    ),
)
