"""Messages of the norms, provoked."""

PROVOKED = (
    ("bn-running", "nn.BatchNorm2d(64)(torch.randn(2, 32, 4, 4))", {"got": 32, "want": 64}),
    ("bn-running", "nn.BatchNorm1d(64)(torch.randn(8, 10, 64))", {"got": 10, "want": 64}),
    ("bn-running", "nn.BatchNorm1d(64)(torch.randn(8, 20, 64))", {"got": 20, "want": 64}),
    ("bn-running", "nn.BatchNorm1d(16)(torch.randn(8, 16 * 7 * 7))", {"got": 784, "want": 16}),
    ("bn-running", "nn.BatchNorm2d(3).eval()(torch.randn(2, 1, 8, 8))", {"got": 1, "want": 3}),
    ("bn-running", "nn.BatchNorm2d(64, track_running_stats=False)(torch.randn(2, 128, 4, 4))", {"got": 128, "want": 64}),
    ("bn-running", "nn.InstanceNorm2d(64, track_running_stats=True)(torch.randn(2, 32, 4, 4))", {"got": 64, "want": 128}),
    ("bn-one-value", "nn.BatchNorm1d(20)(torch.randn(1, 20))", {"shape": [1, 20], "channels": 20}),
    ("bn-one-value", "nn.BatchNorm1d(64)(torch.randn(1, 64))", {"shape": [1, 64], "channels": 64}),
    ("bn-one-value", "nn.BatchNorm2d(256)(torch.randn(1, 256, 1, 1))", {"shape": [1, 256, 1, 1]}),
    ("bn-one-value", "nn.GroupNorm(64, 64)(torch.randn(1, 64, 1, 1))", {"shape": [1, 64, 1, 1], "groups": 64}),
    ("in-one-value", "nn.InstanceNorm2d(64)(torch.randn(8, 64, 1, 1))", {"shape": [8, 64, 1, 1]}),
    ("bn-rank", "nn.BatchNorm2d(64)(torch.randn(8, 64))", {"got": 2, "want": 4}),
    ("bn-rank", "nn.BatchNorm2d(3)(torch.randn(3, 8, 8))", {"got": 3, "want": 4}),
    ("bn-rank", "nn.BatchNorm1d(64)(torch.randn(8, 64, 4, 4))", {"got": 4, "want": 2, "or": 3}),
    ("bn-rank", "nn.BatchNorm1d(64)(torch.randn(64))", {"got": 1, "want": 2}),
    ("bn-rank", "nn.BatchNorm3d(3)(torch.randn(3, 8, 8, 8))", {"got": 4, "want": 5}),
    ("bn-rank", "nn.SyncBatchNorm(3)(torch.randn(3))", {"got": 1, "want": 2}),
    ("bn-rank", "nn.InstanceNorm2d(64)(torch.randn(2, 32))", {"got": 2, "want": 3}),
    ("in-features", "nn.InstanceNorm2d(64, affine=True)(torch.randn(2, 32, 4, 4))", {"got": 32, "want": 64, "dim": 1}),
    ("bn-eval-stats", "F.batch_norm(torch.randn(2, 3, 4), None, None)", {}),
)
OLD = (
    (
        "in-features-warning",
        "UserWarning: input's size at dim=1 does not match num_features. You can silence this warning by not passing in "
        "num_features, which is "
        "not used because affine=False",
        {"dim": 1},
    ),
)
