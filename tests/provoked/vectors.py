"""Products with vectors and single numbers."""

PROVOKED = (
    ("mv-sizes", "torch.mv(torch.randn(2, 3), torch.randn(4))", {"rows": 2, "got": 3, "want": 4}),
    ("mv-sizes", "torch.randn(2, 7, 3) @ torch.randn(4)", {"rows": 14, "got": 3, "want": 4}),
    ("mv-sizes", "torch.randn(64, 10) @ torch.randn(64)", {"rows": 64, "got": 10, "want": 64}),
    ("mv-sizes", "torch.addmv(torch.randn(3), torch.randn(2, 3), torch.randn(3))", {"added": 3, "rows": 2}),
    ("mv-sizes", "F.linear(torch.randn(2, 4), torch.randn(3))", {"got": 4, "want": 3}),
    ("mv-ranks", "torch.mv(torch.randn(2, 3), torch.randn(3, 1))", {"ranks": [1, 2, 2]}),
    ("mv-ranks", "torch.mv(torch.randn(5, 2, 3), torch.randn(3))", {"ranks": [1, 3, 1]}),
    ("mv-ranks", "torch.addmv(torch.randn(2, 1), torch.randn(2, 3), torch.randn(3))", {"ranks": [2, 2, 1]}),
    ("dot-lengths", "torch.dot(torch.randn(3), torch.randn(4))", {"got": 3, "want": 4}),
    ("dot-lengths", "torch.randn(320) @ torch.randn(10)", {"got": 320, "want": 10}),
    ("dot-lengths", "torch.vdot(torch.randn(1), torch.randn(4))", {"got": 1, "want": 4}),
    ("dot-ranks", "torch.dot(torch.randn(3, 1), torch.randn(3))", {"left_rank": 2, "right_rank": 1}),
    ("dot-ranks", "torch.randn(3).dot(torch.randn(3, 3))", {"left_rank": 1, "right_rank": 2}),
    ("vector-argument", "torch.outer(torch.randn(2, 3), torch.randn(4))", {"call": "outer", "tensor": "self", "rank": 2}),
    ("vector-argument", "torch.addr(torch.randn(3, 4), torch.randn(3), torch.tensor(1.0))", {"call": "addr", "tensor": "vec2", "rank": 0}),
    ("matmul-single-number", "torch.tensor(1.0) @ torch.randn(2, 3)", {"left_rank": 0, "right_rank": 2}),
    ("matmul-single-number", "nn.Linear(3, 2)(torch.randn(1, 1).squeeze())", {"left_rank": 0, "right_rank": 2}),
    ("matmul-single-number", "F.linear(torch.randn(2, 3), torch.tensor(1.0))", {"left_rank": 2, "right_rank": 0}),
)

OLD = (
    ("mv-sizes-meta", "RuntimeError: size mismatch, got input (2x3), vec (4)", {"got": 3, "want": 4}),
    ("mv-sizes-meta", "RuntimeError: size mismatch, got input (s77x3), vec (4)", {"got": 3, "want": 4}),
    ("mv-sizes-old", "RuntimeError: size mismatch, got 10, 10x5,3", {"rows": 10, "got": 5, "want": 3}),
    ("mv-sizes-th", "size mismatch, [2 x 3], [4] at /pytorch/aten/src/TH/generic/THTensorMath.cpp:1929", {"got": 3, "want": 4}),
    ("mv-ranks", "matrix and vector expected, got 2D, 2D at /pytorch/aten/src/TH/generic/THTensorMath.cpp:1926", {}),
    (
        "dot-lengths",
        "inconsistent tensor size, expected tensor [3] and src [4] to have thesame number of elements, but got 3 and 4",
        {"got": 3, "want": 4},
    ),
    (
        "dot-lengths",
        "inconsistent tensor size, expected r_ [10 x 2], t [10 x 2] and src [20] to have the same number of elements",
        {"left_shape": [10, 2], "right_shape": [20]},
    ),
    ("dot-ranks", "1D tensors expected, got 2D, 2D tensors at THTensorEvenMoreMath.cpp:733", {"left_rank": 2}),
)
