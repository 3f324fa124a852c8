"""Messages of padding, interpolate, grid_sample and affine_grid, live and in wordings of other versions and devices."""

PROVOKED = (
    (
        "pad-reflect",
        "F.pad(torch.randn(1, 3, 4, 4), (5, 5, 5, 5), mode='reflect')",
        {"got": 4, "want": 6, "dim": 3, "input_shape": [1, 3, 4, 4]},
    ),
    ("pad-reflect", "nn.ReflectionPad1d(4)(torch.randn(2, 3, 4))", {"got": 4, "want": 5}),
    ("pad-reflect", "torch.stft(torch.randn(1, 10), 64, window=torch.ones(64), return_complex=True)", {"got": 10, "want": 33}),
    ("pad-rank", "F.pad(torch.randn(4, 4), (1, 1, 1, 1), mode='reflect')", {"widths": 4, "rank": 2}),
    ("pad-rank", "nn.ReplicationPad1d(1)(torch.randn(2, 2, 4, 4))", {"widths": 2, "rank": 4}),
    ("pad-widths-odd", "F.pad(torch.randn(2, 3, 4, 4), (1, 1, 1))", {}),
    ("pad-widths-many", "F.pad(torch.randn(4), (1, 1, 1, 1))", {"got": 4, "rank": 1}),
    ("pad-width-count", "torch._C._nn.reflection_pad1d(torch.randn(2, 3, 4), (1, 1, 1, 1))", {"got": 4, "want": 2}),
    ("pad-circular", "F.pad(torch.randn(2, 3, 4, 4), (9, 9, 0, 0), mode='circular')", {}),
    ("pad-negative", "nn.ReflectionPad2d(-3)(torch.randn(1, 1, 4, 4))", {}),
    ("pad-negative", "nn.ReplicationPad1d(-3)(torch.randn(1, 1, 4))", {}),
    ("pad-negative", "F.pad(torch.randn(2, 3, 4, 4), (-3, -3, 0, 0), mode='circular')", {}),
    ("resize-spatial-dims", "F.interpolate(torch.randn(3, 8, 8), (4, 4))", {"got": 2, "want": 1, "map_shape": [8]}),
    ("resize-spatial-dims", "F.interpolate(torch.randn(8, 8), (4, 4))", {"got": 2, "want": 0}),
    ("resize-spatial-dims", "F.interpolate(torch.randn(2, 3, 8, 8), scale_factor=(0.5, 2, 2))", {"got": 3, "want": 2}),
    ("resize-spatial-dims", "F.interpolate(torch.randn(1, 1, 4, 4), size=torch.Size([1, 1, 8, 8]))", {"got": 4, "want": 2}),
    ("resize-spatial-dims", "F.interpolate(torch.randn(1, 1, 4, 4), size=[8])", {"got": 1, "want": 2}),
    (
        "resize-mode",
        ("F.interpolate(torch.randn(3, 8, 8), scale_factor=2, mode='bilinear')"),
        {"rank": 3, "want_rank": 4, "mode": "bilinear"},
    ),
    ("resize-mode", "nn.Upsample(scale_factor=2, mode='linear')(torch.randn(2, 3, 8, 8))", {"rank": 4, "want_rank": 3}),
    ("resize-rank", "F.interpolate(torch.randn(8, 8), 4)", {"rank": 2}),
    ("resize-rank", "F.interpolate(torch.randn(2, 3, 8), 4, mode='bicubic')", {"rank": 3, "want_rank": 4}),
    ("resize-zero", "F.interpolate(torch.randn(2, 3, 8, 8), scale_factor=0.01)", {"map_shape": [8, 8], "output_shape": [0, 0]}),
    ("resize-zero", "F.interpolate(torch.randn(2, 3, 8), 0)", {"map_shape": [8], "output_shape": [0]}),
    ("resize-zero", "F.interpolate(torch.randn(2, 3, 8, 8, 8), (0, 4, 4))", {"output_shape": [0, 4, 4]}),
    ("resize-size-or-factor", "F.interpolate(torch.randn(2, 3, 8, 8))", {"which": "either"}),
    ("resize-size-or-factor", "F.interpolate(torch.randn(2, 3, 8, 8), 4, 2)", {"which": "only one of"}),
    ("grid-last-dim", "F.grid_sample(torch.randn(1, 3, 8, 8), torch.randn(1, 4, 4, 3), align_corners=False)", {"got": 3, "want": 2}),
    ("grid-last-dim", "F.grid_sample(torch.randn(1, 3, 8, 8), torch.randn(1, 2, 4, 4), align_corners=False)", {"got": 4, "want": 2}),
    ("grid-rank", "F.grid_sample(torch.randn(2, 3, 8, 8), torch.randn(2, 4, 2), align_corners=False)", {"grid_shape": [2, 4, 2]}),
    (
        "grid-batch",
        "F.grid_sample(torch.randn(2, 3, 8, 8, 8), torch.randn(1, 4, 4, 4, 3), align_corners=False)",
        {"got": 1, "want": 2, "grid_shape": [1, 4, 4, 4, 3]},
    ),
    ("grid-empty", "F.grid_sample(torch.randn(2, 3, 0, 8, 8), torch.randn(2, 4, 4, 4, 3), align_corners=False)", {"dim": 2}),
    ("grid-bicubic", "F.grid_sample(torch.randn(1, 3, 8, 8, 8), torch.randn(1, 4, 4, 4, 3), mode='bicubic', align_corners=False)", {}),
    ("affine-matrices", "F.affine_grid(torch.randn(2, 3, 3), (2, 3, 8, 8), align_corners=False)", {"got_shape": [2, 3, 3], "dims": 2}),
    ("affine-matrices", "F.affine_grid(torch.randn(2, 3), (2, 3, 8, 8), align_corners=False)", {"got_shape": [2, 3]}),
    ("affine-size", "F.affine_grid(torch.randn(2, 2, 3), (3, 8, 8), align_corners=False)", {"size_shape": [3, 8, 8]}),
    ("affine-size", "F.affine_grid(torch.randn(2, 2, 3), (2, 3, 0, 8), align_corners=False)", {"output_shape": [2, 3, 0, 8]}),
)

_BATCH = (
    "grid_sampler(): expected grid and input to have same batch size, but got input with sizes [2, 3, 8, 8] and "
    "grid with sizes [1, 4, 4, 2]"
)
OLD = (
    # raised by the CPU only: the meta device says something else, or nothing
    ("grid-batch", _BATCH, {"got": 1, "want": 2}),
    (
        "grid-empty",
        (
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes [1, 3, 0, 8] with "
            "dimension 2 being empty"
        ),
        {"dim": 2},
    ),
    ("grid-last-dim", "grid last dimension must be 2 (for x,y coords), got 3", {"got": 3, "want": 2}),
    ("resize-empty", "Non-empty 4D data tensor expected but got a tensor with sizes [1, 0, 8, 8]", {"dim": 1}),
    (
        "resize-zero",
        ("Input and output sizes should be greater than 0, but got input size torch.Size([1, 3, 8, 8]) and output size [0, 0]"),
        {"output_shape": [0, 0]},
    ),
    ("resize-spatial-dims-old", "size shape must match input shape. Input is 1D, size is 2", {"got": 2, "want": 1}),
    ("pad-rank-old", "Only 3D, 4D, 5D padding with non-constant padding are supported for now", {}),
    ("pad-rank-old", "4D tensors expect 4 values for padding", {"rank": 4, "want": 4}),
    ("pad-widths-many", "Padding length too large", {}),
    (
        "pad-reflect",
        (
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding (5, 5) at "
            "dimension 3 of input torch.Size([1, 3, 4, 4])"
        ),
        {"got": 4, "dim": 3},
    ),
)
