"""Live proof for the messages of `cat`, `stack`, batches, `split` and ragged lists."""

# The meta device fails elsewhere: it has no list of no dims, and no values to read.
_CPU = "with torch.device('cpu'): "
_COLLATE = "torch.utils.data.default_collate"

PROVOKED = (
    ("cat-size", "torch.cat([torch.randn(2, 8, 32, 32), torch.randn(2, 8, 31, 31)], 1)", {"dim": 1, "want": 32, "got": 31, "tensor": 1}),
    ("cat-size", "torch.cat([torch.randn(64, 32), torch.randn(37, 32)], dim=-1)", {"want": 64, "got": 37}),
    ("cat-size", "torch.cat([torch.randn(77, 1280), torch.randn(5, 768)])", {"dim": 0, "want": 1280, "got": 768}),
    ("cat-size", "torch.hstack([torch.randn(3, 4), torch.randn(2, 4)])", {"dim": 1, "want": 3, "got": 2}),
    ("cat-size", "torch.vstack([torch.randn(3, 4), torch.randn(2, 5)])", {"dim": 0, "want": 4, "got": 5}),
    ("cat-rank", "torch.cat([torch.randn(2, 32), torch.randn(2, 3, 32)], 1)", {"want_rank": 2, "rank": 3}),
    ("cat-rank", "torch.cat([torch.randn(2, 8, 4, 4), torch.randn(2, 8)], 1)", {"want_rank": 4, "rank": 2}),
    ("cat-scalar", _CPU + "torch.cat([torch.tensor(1.0), torch.tensor(2.0)])", {"tensor": 0}),
    ("cat-empty", "torch.cat([])", {}),
    ("cat-empty", "torch.stack([])", {"call": "stack"}),
    ("cat-empty", "torch.vstack([])", {"call": "vstack"}),
    (
        "stack-size",
        "torch.stack([torch.randn(3, 224, 224), torch.randn(3, 200, 224)])",
        {"want_shape": [3, 224, 224], "got_shape": [3, 200, 224]},
    ),
    ("stack-size", "torch.stack([torch.randn(3, 224, 224), torch.randn(1, 224, 224)])", {"got_shape": [1, 224, 224], "got_entry": 1}),
    ("stack-size", f"{_COLLATE}([torch.randn(7, 4), torch.randn(3, 4)])", {"want_shape": [7, 4], "got_shape": [3, 4]}),
    ("stack-size", "torch.stack([torch.randn(3), torch.tensor(3.0)])", {"want_shape": [3], "got_shape": []}),
    ("stack-size", _CPU + "next(iter(torch.utils.data.DataLoader([torch.zeros(12), torch.zeros(9)], batch_size=2)))", {"want_shape": [12]}),
    ("collate-lists", f"{_COLLATE}([[1, 2], [1, 2, 3]])", {}),
    ("collate-types", f"{_COLLATE}([None, None])", {"kind": "NoneType"}),
    ("tensor-dataset", "torch.utils.data.TensorDataset(torch.zeros(4), torch.zeros(5))", {"kind": "tensors"}),
    ("tensor-dataset", "torch.utils.data.StackDataset([1], [2, 3])", {"kind": "datasets"}),
    ("random-split", "torch.utils.data.random_split(range(11), [8, 2])", {}),
    ("split-sizes", "torch.zeros(10).split([4, 4])", {"want": 10, "dim": 0, "sizes": [4, 4], "sum": 8}),
    ("split-sizes", "torch.zeros(2, 5, 2304).split([768, 768, 384], dim=-1)", {"want": 2304, "sum": 1920}),
    ("split-negative", "torch.zeros(10).split(-1)", {"got": -1}),
    ("split-negative", "torch.zeros(10).split(0)", {"size": 10}),
    ("chunk-zero", "torch.zeros(10).chunk(0)", {"got": 0}),
    ("chunk-zero", "torch.tensor_split(torch.zeros(10), 0)", {"got_": 0}),
    ("ragged", "torch.tensor([[1, 2], [1, 2, 3]])", {"want": 2, "got": 3, "dim": 1}),
    ("ragged", "torch.tensor([[[1, 2], [1, 2]], [[1, 2]]])", {"want": 2, "got": 1, "dim": 1}),
    (
        "numpy-join",
        "import numpy as np; np.concatenate([np.zeros((2, 3)), np.zeros((2, 4))])",
        {"axis": 1, "want": 3, "got": 4, "tensor": 1},
    ),
    ("numpy-join", "import numpy as np; np.concatenate([np.zeros((2, 3)), np.zeros(4)])", {"want_rank": 2, "rank": 1}),
    ("numpy-join", "import numpy as np; np.stack([np.zeros(3), np.zeros(4)])", {}),
    ("numpy-ragged", "import numpy as np; np.array([[1, 2], [1]])", {"rank": 1, "shape": [2]}),
    ("diff-size", "torch.diff(torch.zeros(3, 4), dim=1, prepend=torch.zeros(2, 1))", {"want": 3, "got": 2, "dim": 0}),
    ("diff-size", "torch.diff(torch.zeros(3, 4), prepend=torch.zeros(2))", {}),
    ("block-diag", "torch.block_diag(torch.zeros(1, 2, 3))", {"tensor": 0, "rank": 3}),
)

OLD = (
    (
        "cat-size-meta",
        "RuntimeError: Sizes of tensors must match except in dimension 1. Expected 32 in dimension 2 but got 31 for "
        "tensor number 1 in the list",
        {"dim": 1, "want": 32, "axis": 2, "got": 31, "tensor": 1},
    ),
    (
        "cat-size-old",
        "RuntimeError: invalid argument 0: Sizes of tensors must match except in dimension 1. Got 20 and 21 in dimension 2 at "
        "/pytorch/aten/src/TH/generic/THTensor.cpp:689",
        {"dim": 1, "want": 20, "got": 21, "axis": 2},
    ),
    (
        "cat-size-old",
        "RuntimeError: Sizes of tensors must match except in dimension 1. Got 48 and 49 in dimension 3 (The offending index is 1)",
        {"dim": 1, "want": 48, "got": 49, "axis": 3, "tensor": 1},
    ),
    (
        "cat-rank-meta",
        "RuntimeError: Number of dimensions of tensors must match.  Expected 2-D tensors, but got 3-D for tensor number 1 in the list",
        {"want_rank": 2, "rank": 3, "tensor": 1},
    ),
    ("cat-empty", "ValueError: cat expects at least one tensor, but received zero!", {}),
    (
        "stack-size",
        "stack expects each tensor to be equal size, but got torch.Size([3, 224, 224]) at entry 0 ",
        {"want_shape": [3, 224, 224]},
    ),
    ("collate-storage", "RuntimeError: Trying to resize storage that is not resizable", {}),
    (
        "tokenizer-tensor",
        "ValueError: Unable to create tensor, you should probably activate truncation and/or padding with 'padding=True' 'truncation=True' "
        "to have batched tensors with the same length.",
        {},
    ),
)
