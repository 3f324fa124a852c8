"""Messages of `gather`, `scatter`, `index_add` and their like, provoked."""

PROVOKED = (
    ("index-vec", "torch.zeros(3, 4).index_select(0, torch.tensor([[1]]))", {}),
    ("index-vec", "torch.zeros(3, 4).index_fill_(0, torch.tensor([[1]]), 0.0)", {}),
    ("index-vec", "torch.zeros(3, 4).index_add_(0, torch.tensor([[1]]), torch.ones(1, 4))", {"rank": 2}),
    ("index-vec", "torch.zeros(3, 4).index_copy_(0, torch.tensor([[1]]), torch.ones(1, 4))", {"got": 2}),
    ("index-to-scalar", "torch.tensor(1.0).index_select(0, torch.tensor([0, 0]))", {"got": 2}),
    ("index-number", "torch.zeros(5, 3).index_add_(0, torch.tensor([0, 1, 2, 3]), torch.ones(3, 3))", {"got": 4, "want": 3, "dim": 0}),
    ("index-number", "torch.zeros(3, 4).index_copy_(0, torch.tensor([1, 2]), torch.ones(1, 4))", {"got": 2, "want": 1}),
    (
        "index-source-shape",
        "torch.zeros(5, 3).index_add_(0, torch.tensor([0, 1, 2, 3]), torch.ones(4, 2))",
        {"want_shape": [5, 3], "got_shape": [4, 2]},
    ),
    ("index-copy-shape", "torch.zeros(3, 4).index_copy_(0, torch.tensor([1]), torch.ones(1, 5))", {"want_shape": [4], "got_shape": [5]}),
    ("index-copy-rank", "torch.zeros(3, 4).index_copy_(0, torch.tensor([1]), torch.ones(4))", {"got": 1, "want": 2}),
    ("gather-rank", "torch.zeros(64, 4).gather(1, torch.zeros(64).long())", {"against": "input"}),
    ("gather-rank", "torch.zeros(3, 4).scatter(1, torch.zeros(3).long(), 1.0)", {"against": "self"}),
    ("gather-rank", "torch.zeros(5, 16).scatter_add_(0, torch.zeros(10).long(), torch.zeros(10, 16))", {"against": "self"}),
    ("gather-size", "torch.zeros(3, 4).gather(1, torch.zeros(5, 2).long())", {"got": 5, "want": 3, "dim": 0, "along": 1}),
    ("gather-size", "torch.zeros(2, 3, 4).gather(1, torch.zeros(2, 3, 6).long())", {"got": 6, "want": 4, "dim": 2}),
    ("scatter-size", "torch.zeros(3, 4).scatter(1, torch.zeros(5, 2).long(), 1.0)", {"got": 5, "want": 3, "dim": 0}),
    ("scatter-size", "torch.zeros(3, 4).scatter(1, torch.zeros(3, 2).long(), torch.zeros(3, 1))", {"got": 2, "want": 1, "dim": 1}),
    ("scatter-size", "torch.zeros(3, 4).scatter_add(1, torch.zeros(5, 2).long(), torch.zeros(5, 2))", {"got": 5, "want": 3}),
    ("gather-dtype", "torch.zeros(3, 4).gather(1, torch.zeros(3, 1))", {"call": "gather"}),
    ("gather-dtype", "torch.zeros(3, 4).index_select(0, torch.tensor([1.0]))", {"call": "index_select"}),
    ("take-along-rank", "torch.take_along_dim(torch.zeros(3, 4), torch.tensor([0, 1]), 1)", {"got": 1, "want": 2}),
    ("take-range", "torch.take(torch.zeros(3, 4), torch.tensor([20]))", {"got": 20, "want": 12}),
    ("put-number", "torch.zeros(3, 4).put_(torch.tensor([0, 1]), torch.ones(3))", {"got": 3, "want": 2}),
)
OLD = (
    (
        "gather-size",
        "RuntimeError: Size does not match at dimension 2 expected index torch.Size([2, 1, 64, 64]) to be no larger than self "
        "torch.Size([2, 5, 32, 32]) apart from dimension 1",
        {"got": 64, "want": 32},
    ),
    (
        "gather-size",
        "RuntimeError: Size does not match at dimension 0 expected index [64, 1] to be smaller than self [32, 4] apart from dimension 1",
        {"got": 64, "want": 32},
    ),
    (
        "gather-size-old",
        "RuntimeError: Expected tensor [32, 1], src [128, 5] and index [32, 1] to have the same size apart from dimension 1",
        {"index_shape": [32, 1], "shape": [128, 5]},
    ),
    ("gather-size-old", "RuntimeError: Size does not match at dimension 0 get 128 vs 32", {"got": 32, "want": 128}),
    (
        "gather-index-old",
        "RuntimeError: Invalid index in gather at /pytorch/aten/src/TH/generic/THTensorEvenMoreMath.cpp:657",
        {"call": "gather"},
    ),
    ("scatter-size", "RuntimeError: Expected index torch.Size([3, 4]) to be no larger than src torch.Size([3, 2])", {"got": 4, "want": 2}),
    ("index-vec", "RuntimeError: Index should have dimension 1 or 0 (got 2)", {"got": 2}),
    ("index-number", "RuntimeError: Number of indices (4) should be equal to tensor.size(dim) (3), for dim=0", {"got": 4, "want": 3}),
    (
        "index-copy-shape",
        "RuntimeError: index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
        "torch.Size([3, 8]) at "
        "dimension 0 and source slice shape: torch.Size([2, 8]) at dimension 0.",
        {"want_shape": [3, 8], "got_shape": [2, 8]},
    ),
)
