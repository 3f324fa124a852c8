"""Provoked messages of calls that ask for more, or for less than nothing, along a dim."""

PROVOKED = (
    ("roll", "torch.roll(torch.randn(3, 4), (1, 1), (0,))", {"got": 2, "want": 1}),
    ("roll-empty", "torch.roll(torch.randn(3, 4), (), (0,))", {}),
    ("repeat", "torch.randn(3, 4).repeat(2)", {}),
    ("repeat-interleave", "torch.randn(3, 4).repeat_interleave(torch.tensor([1, 2]), 0)", {"got": 2, "want": 3, "dim": 0}),
    ("repeat-interleave-rank", "torch.randn(3, 4).repeat_interleave(torch.tensor([[1, 2]]), 0)", {}),
    ("unfold-size", "torch.randn(4).unfold(0, 5, 1)", {"got": 5, "want": 4, "dim": 0}),
    ("unfold-step", "torch.randn(4).unfold(0, 2, 0)", {"got": 0, "what": "step"}),
    ("unfold-step", "torch.randn(4).unfold(0, -2, 1)", {"got": -2, "what": "size"}),
    ("narrow", "torch.randn(4).narrow(0, 2, 5)", {"start": 2, "length": 5, "size": 4, "got": 7, "want": 4}),
    ("narrow-start", "torch.randn(4).narrow(0, 5, 1)", {"got": 5, "size": 4}),
    ("narrow-negative", "F.pad(torch.randn(2, 4), (-3, -2))", {}),
    ("narrow-negative", "torch.randn(4).narrow(0, 2, -1)", {}),
    ("select-index", "torch.randn(4).select(0, 5)", {"got": 5, "shape": [4], "dim": 0, "size": 4}),
    ("select-index", "torch.randn(2, 4).select(1, 4)", {"got": 4, "shape": [2, 4], "size": 4}),
    ("strided-length", "torch.randn(3).as_strided((3,), (1, 2))", {}),
    ("negative-size", "torch.zeros(-1, 3)", {}),
    ("negative-size", "nn.Linear(-3, 4)", {"got": -3, "want_shape": [4, -3]}),
    ("negative-size", "torch.linspace(0, 1, -3)", {}),
    ("negative-size", "torch.eye(-3)", {"number": -3}),
    ("storage", "torch.as_strided(torch.randn(3), (4, 4), (4, 1))", {"shape": [4, 4], "need": 64, "have": 12}),
)

_STORAGE = (
    "setStorage: sizes {}, strides [4, 1], storage offset 0, and itemsize 4 requiring "
    "a storage size of 64 are out of bounds for storage of size {}"
)
OLD = (
    ("storage", "RuntimeError: " + _STORAGE.format("[4, 4]", 12), {"shape": [4, 4], "need": 64, "have": 12}),
    ("storage", "RuntimeError: " + _STORAGE.format("[4, 4]", 8), {"have": 8}),
    ("roll", "RuntimeError: shifts and dimensions must align. shifts: 2, dims: 1", {"got": 2, "want": 1}),
)
