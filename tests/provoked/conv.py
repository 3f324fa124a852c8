"""Messages of convolutions, live and in wordings of other versions and devices."""

PROVOKED = (
    ("conv-channels", "nn.Conv2d(3, 64, 7)(torch.randn(1, 1, 28, 28))", {"got": 1, "want": 3, "groups": 1, "weight_shape": [64, 3, 7, 7]}),
    ("conv-channels", "nn.Conv2d(3, 64, 7)(torch.randn(2, 224, 224, 3))", {"got": 224, "want": 3, "input_shape": [2, 224, 224, 3]}),
    ("conv-channels", "nn.Conv1d(16, 8, 3)(torch.randn(8, 100, 16))", {"got": 100, "want": 16}),
    (
        "conv-channels",
        "nn.Conv2d(8, 16, 3, groups=4)(torch.randn(1, 6, 28, 28))",
        {"got": 6, "want": 8, "groups": 4, "weight_shape": [16, 2, 3, 3]},
    ),
    ("conv-channels", "nn.Conv3d(3, 8, 3)(torch.randn(2, 16, 3, 8, 8))", {"got": 16, "want": 3}),
    (
        "conv-channels",
        "nn.ConvTranspose2d(100, 64, 4)(torch.randn(8, 128, 1, 1))",
        {"got": 128, "want": 100, "weight_shape": [100, 64, 4, 4]},
    ),
    ("conv-channels", "F.conv2d(torch.randn(1, 3, 8, 8), torch.randn(3, 1, 3, 3), padding='same')", {"got": 3, "want": 1}),
    ("conv-channels", "nn.Conv2d(3, 8, 3, padding_mode='circular', padding=1)(torch.randn(2, 1, 8, 8))", {"got": 1, "want": 3}),
    ("conv-rank", "nn.Conv2d(3, 8, 3)(torch.randn(28, 28))", {"shape": [28, 28], "rank": 2, "want_rank": 4}),
    ("conv-rank", "nn.Conv2d(3, 8, 3)(torch.randn(8, 784))", {"shape": [8, 784]}),
    ("conv-rank", "nn.Conv2d(3, 8, 3)(torch.randn(2, 8, 3, 28, 28))", {"rank": 5, "want_rank": 4}),
    ("conv-rank", "nn.Conv1d(1, 8, 3)(torch.randn(8, 1, 10, 10))", {"rank": 4, "want_rank": 3}),
    ("conv-rank", "nn.Conv3d(1, 8, 3)(torch.randn(16, 32, 32))", {"rank": 3, "want_rank": 5}),
    ("conv-rank", "nn.ConvTranspose2d(16, 8, 3)(torch.randn(2, 16))", {"shape": [2, 16]}),
    ("conv-rank", "nn.LazyConv2d(8, 3)(torch.randn(28, 28))", {"shape": [28, 28]}),
    ("conv-rank-old", "nn.Conv1d(3, 8, (3, 3))(torch.randn(1, 3, 8))", {"shape": [1, 3, 8], "weight_shape": [8, 3, 3, 3]}),
    ("conv-kernel-size", "nn.Conv2d(3, 8, 5)(torch.randn(2, 3, 3, 3))", {"got": 3, "want": 5, "map_shape": [3, 3], "kernel_shape": [5, 5]}),
    ("conv-kernel-size", "nn.Conv1d(3, 8, 5)(torch.randn(2, 3, 3))", {"got": 3, "want": 5}),
    ("conv-kernel-size", "nn.Conv2d(3, 8, 5, dilation=2)(torch.randn(2, 3, 12, 8))", {"got": 8, "want": 9}),
    ("conv-kernel-size", "nn.Conv3d(3, 8, 3)(torch.randn(2, 3, 2, 8, 8))", {"got": 2, "want": 3}),
    ("conv-transposed-empty", "nn.ConvTranspose2d(16, 8, 3, padding=5)(torch.randn(2, 16, 2, 2))", {}),
    ("conv-groups-divide", "nn.Conv2d(3, 8, 3, groups=2)", {"what": "in_channels"}),
    ("conv-groups-divide", "nn.Conv2d(4, 7, 3, groups=2)", {"what": "out_channels"}),
    ("conv-groups-positive", "nn.Conv2d(3, 8, 3, groups=0)", {}),
    (
        "conv-groups-weight",
        ("F.conv2d(torch.randn(1, 4, 8, 8), torch.randn(6, 1, 3, 3), groups=4)"),
        {"groups": 4, "weight_shape": [6, 1, 3, 3]},
    ),
    (
        "conv-groups-weight",
        ("F.conv2d(torch.randn(1, 4, 8, 8), torch.randn(2, 1, 3, 3), groups=4)"),
        {"groups": 4, "weight_shape": [2, 1, 3, 3]},
    ),
    ("conv-bias", "F.conv2d(torch.randn(1, 3, 8, 8), torch.randn(6, 3, 3, 3), torch.randn(5))", {"want": 6, "bias_shape": [5]}),
    (
        "conv-bias",
        ("F.conv_transpose2d(torch.randn(1, 3, 8, 8), torch.randn(3, 8, 3, 3), torch.randn(8, 1))"),
        {"want": 8, "bias_shape": [8, 1]},
    ),
    (
        "conv-values",
        ("F.conv2d(torch.randn(1, 3, 8, 8), torch.randn(8, 3, 3, 3), stride=(1, 1, 1))"),
        {"got": 3, "want": 2, "what": "stride"},
    ),
    ("conv-values", "nn.Conv2d(3, 8, (3, 3, 3))(torch.randn(1, 3, 8, 8))", {"got": 2, "want": 3}),
    ("conv-values", "nn.Conv2d(3, 8, 3, padding=(1, 2, 3))(torch.randn(1, 3, 8, 8))", {"what": "padding"}),
    ("conv-weight-rank", "F.conv1d(torch.randn(1, 3, 8), torch.randn(3, 3))", {}),
    ("conv-negative-padding", "F.conv2d(torch.randn(1, 3, 8, 8), torch.randn(8, 3, 3, 3), padding=-1)", {}),
    ("conv-stride-positive", "F.conv2d(torch.randn(1, 3, 8, 8), torch.randn(8, 3, 3, 3), stride=-1)", {}),
    ("kernel-positive", "nn.Conv2d(3, 8, 0)(torch.randn(1, 3, 8, 8))", {"what": "kernel size"}),
    ("kernel-positive", "nn.Conv2d(3, 8, 3, dilation=0)(torch.randn(1, 3, 8, 8))", {"what": "dilation"}),
    ("conv-same-stride", "nn.Conv2d(3, 8, 3, padding='same', stride=2)", {}),
    (
        "conv-transposed-output",
        "nn.ConvTranspose2d(16, 8, 3, stride=2)(torch.randn(2, 16, 8, 8), output_size=(30, 30))",
        {"got": 30, "want": 18, "want_shape": [30, 30]},
    ),
    ("conv-transposed-output-rank", "nn.ConvTranspose2d(16, 8, 3)(torch.randn(2, 16, 2, 2), output_size=(9,))", {"got": 1, "want": 2}),
    ("conv-transposed-output-padding", "nn.ConvTranspose2d(16, 8, 3, output_padding=2)(torch.randn(2, 16, 2, 2))", {"height": 2}),
    ("conv-transposed-output-padding", "nn.ConvTranspose3d(16, 8, 3, output_padding=1)(torch.randn(2, 16, 2, 2, 2))", {"depth": 1}),
    ("conv-tbc", "torch.conv_tbc(torch.randn(3, 4), torch.randn(3, 4, 5), torch.randn(5))", {}),
    ("conv-tbc", "torch.conv_tbc(torch.randn(9, 2, 4), torch.randn(3, 3, 5), torch.randn(5))", {}),
    ("conv-tbc", "torch.conv_tbc(torch.randn(9, 2, 4), torch.randn(3, 4, 5), torch.randn(6))", {}),
)

_OLD_SIZES = "Given groups=1, weight of size 64 3 3 3, expected input[4, 500, 500, 3] to have 3 channels, but got 500 channels instead"
OLD = (
    # on the meta device this one names no sizes, so that the missing dim cannot be told
    (
        "conv-channels",
        "Given groups=1, weight of size [8, 1, 3, 3], expected input[1, 64, 28, 28] to have 1 channels, but got 64 channels instead",
        {"got": 64, "want": 1, "input_shape": [1, 64, 28, 28]},
    ),
    ("conv-channels", _OLD_SIZES, {"got": 500, "want": 3, "weight_shape": [64, 3, 3, 3]}),
    (
        "conv-channels",
        ("Given groups=1, weight[64, 3, 7, 7], so expected input[16, 1, 28, 28] to have 3 channels, but got 1 channels instead"),
        {"got": 1},
    ),
    (
        "conv-channels",
        ("Given groups=1, weight of size [64, 3, 7, 7], expected input[s77, 1, 28, 28] to have 3 channels, but got 1 channels instead"),
        {"got": 1},
    ),
    ("conv-channels", "Given groups=1, weight of size [64, 3, 7, 7], expected input[2, 1, 28, 28] to ha", {"got": 1, "want": 3}),
    ("conv-channels-bare", "Invalid channel dimensions", {}),
    ("conv-channels-ancient", "Need input.size[1] == 3 but got 1 instead.", {"got": 1, "want": 3}),
    (
        "conv-rank-old",
        "Expected 4-dimensional input for 4-dimensional weight 64 3 7 7, but got 3-dimensional input of size [3, 224, 224] instead",
        {"shape": [3, 224, 224], "weight_shape": [64, 3, 7, 7]},
    ),
    (
        "conv-kernel-size",
        ("Calculated input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't greater than actual input size"),
        {"got": 2},
    ),
    (
        "conv-output-size",
        "Given input size per channel: (2 x 2). Calculated output size per channel: (0 x 0). Output size is too small",
        {"map_shape": [2, 2], "out_shape": [0, 0]},
    ),
    (
        "conv-output-size",
        ("Given input size per channel: [2, 2]. Calculated output size per channel: [-6, -6]. Output size is too small"),
        {"out_shape": [-6, -6]},
    ),
    (
        "conv-output-size",
        (
            "Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Calculated output size per channel: "
            "(0 x 0). Output size is too small"
        ),
        {"got": 2, "want": 3},
    ),
    ("conv-groups-positive", "non-positive groups is not supported", {}),
    ("conv-transposed-output-padding", "output padding must be smaller than either stride or dilation", {}),
)
