"""Messages of LayerNorm, RMSNorm and GroupNorm, provoked."""

PROVOKED = (
    ("ln", "nn.LayerNorm(768)(torch.randn(2, 10, 512))", {"got": 512, "want": 768}),
    ("ln", "nn.LayerNorm(64)(torch.randn(2, 64, 8, 8))", {"got": 8, "want": 64}),
    (
        "ln",
        "nn.LayerNorm([3, 32, 32])(torch.randn(2, 3, 28, 28))",
        {"want_shape": [3, 32, 32], "shape": [2, 3, 28, 28], "got": 28, "want": 32},
    ),
    ("ln", "nn.LayerNorm([3, 32, 32])(torch.randn(32, 32))", {"shape": [32, 32]}),
    ("ln", "nn.RMSNorm(64)(torch.randn(2, 32))", {"got": 32, "want": 64}),
    ("ln", "nn.LayerNorm(64)(torch.tensor(1.0))", {}),
    ("ln-weight", "F.layer_norm(torch.randn(2, 10), (10,), torch.ones(5))", {"got_shape": [5], "want_shape": [10]}),
    ("ln-empty", "F.layer_norm(torch.randn(2, 10), ())", {}),
    ("gn-built", "nn.GroupNorm(32, 100)", {"got": 100, "want": 32}),
    ("gn-div", "nn.GroupNorm(32, 64)(torch.randn(2, 100, 8, 8))", {"channels": 100, "groups": 32}),
    ("gn-div", "nn.GroupNorm(32, 64)(torch.randn(2, 8, 8, 64))", {"channels": 8, "groups": 32}),
    ("gn-weight", "nn.GroupNorm(32, 64)(torch.randn(2, 96, 8, 8))", {"got": 96, "want": 64}),
    ("norm-min-rank", "nn.GroupNorm(32, 64)(torch.randn(64))", {"got": 1, "want": 2}),
    ("norm-min-rank", "nn.LocalResponseNorm(2)(torch.randn(2, 3))", {"rank": 2}),
    ("lrn-rank", "nn.CrossMapLRN2d(2)(torch.randn(2, 3))", {"got": 2}),
)
OLD = (
    (
        "ln",
        "RuntimeError: Given normalized_shape=[3, 32, 32], expected input with shape [3, 32, 32], but got input of size "
        "torch.Size([2, 3, 28, 28])",
        {"shape": [2, 3, 28, 28]},
    ),
    (
        "ln-weight",
        "RuntimeError: Expected weight to be of same shape as normalized_shape, but got weight of shape torch.Size([5]) and "
        "normalized_shape = [10]",
        {"got_shape": [5]},
    ),
    ("gn-built-old", "ValueError: num_channels must be divisible by num_groups", {}),
)
