"""Messages of picking from a tensor, provoked."""

PROVOKED = (
    ("idx-oob", "torch.randn(3)[5]", {"got": 5, "want": 3, "dim": 0}),
    ("idx-oob", "torch.randn(3, 4)[:, 4]", {"got": 4, "want": 4, "dim": 1}),
    ("idx-oob", "torch.randn(3, 4).gather(1, torch.tensor([[-1]]))", {"got": -1, "want": 4, "dim": 1}),
    ("idx-oob", "torch.zeros(3, 4).scatter_(1, torch.tensor([[-100]]), 1.0)", {"got": -100, "want": 4}),
    ("idx-oob", "torch.zeros(3, 4).index_copy_(0, torch.tensor([3]), torch.ones(1, 4))", {"got": 3, "want": 3}),
    ("idx-oob", "torch.zeros(0, 4)[0]", {"got": 0, "want": 0}),
    ("idx-oob", "torch.randn(8, 1)[:, 1]", {"got": 1, "want": 1, "dim": 1}),
    ("idx-oob", "nn.LSTM(10, 20)(torch.randn(5, 3, 10), torch.zeros(1, 3, 20))", {"got": 1, "want": 1, "dim": 0}),
    ("idx-many", "torch.randn(3, 4)[0, 0, 0]", {"rank": 2}),
    ("idx-many", "torch.randn(3)[:, 0]", {"rank": 1}),
    ("idx-many", "torch.randn(3)[torch.ones(3, 1).bool()]", {"rank": 1}),
    ("idx-0d", "torch.tensor(3.0)[0]", {}),
    ("idx-mask", "torch.randn(3, 4)[torch.tensor([True] * 4)] = 0", {"got": 4, "want": 3, "mask_shape": [4], "shape": [3, 4]}),
    ("idx-mask", "x = torch.randn(8, 10); x[torch.ones(8, 9, device='cpu').bool()] = 0", {"got": 9, "want": 10}),
    ("idx-bcast", "torch.randn(3, 4)[torch.tensor([0, 1]), torch.tensor([0, 1, 2])] = 0", {"shapes": [[2], [3]]}),
    ("idx-value", "x = torch.randn(3, 4); x[torch.tensor([0, 1])] = torch.zeros(3, 4)", {"got": 3, "want": 2, "shape": [3, 4]}),
    ("idx-value", "x = torch.randn(3, 4); x[x > 100] = torch.zeros(4)", {"shape": [4], "want_shape": [0]}),
    ("idx-dtype", "torch.randn(3, 4)[torch.tensor([1.0])]", {}),
    ("idx-dtype", "torch.randn(3, 4)[1.5]", {"got": "float"}),
    ("idx-slice-value", "torch.select_scatter(torch.zeros(3, 4), torch.zeros(3), 0, 0)", {"got_shape": [3], "want_shape": [4]}),
    ("idx-slice-value", "torch.diagonal_scatter(torch.zeros(3, 4), torch.zeros(4))", {"got_shape": [4], "want_shape": [3]}),
)
OLD = (
    ("idx-oob", "IndexError: index 3 is out of range for dimension 0 (of size 3)", {"got": 3, "want": 3}),
    ("idx-many-numpy", "IndexError: too many indices for array: array is 1-dimensional, but 2 were indexed", {"got": 2, "want": 1}),
    (
        "idx-mask-numpy",
        "IndexError: boolean index did not match indexed array along dimension 0; dimension is 3 but corresponding boolean dimension is 4",
        {"got": 4, "want": 3},
    ),
    (
        "idx-mask-numpy",
        "IndexError: boolean index did not match indexed array along axis 0; size of axis is 3 but size of corresponding boolean axis is 4",
        {"got": 4, "want": 3, "dim": 0},
    ),
)
