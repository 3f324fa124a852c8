"""Provoked messages of calls that name dims that are not there, or name them twice."""

PROVOKED = (
    ("dim-range", "torch.randn(10).argmax(1)", {"got": 1, "low": -1, "high": 0, "rank": 1}),
    ("dim-range", "F.avg_pool2d(torch.randn(3, 4), 2)", {"got": -3, "rank": 2}),
    ("dim-range", "torch.randn(2, 3).transpose(1, 2)", {"got": 2, "rank": 2}),
    ("dim-range", "nn.Unflatten(3, (5, 3))(torch.randn(2, 12))", {"got": 3, "rank": 2}),
    ("dim-range", "torch.tensor(3.0).sum(1)", {"got": 1, "high": 0}),
    ("dim-range", "torch.randn(2, 3, 4).permute(0, 1, 5)", {"got": 5, "rank": 3}),
    ("dim-of-number", "torch.tensor(3.0).unbind(0)", {"got": 0}),
    ("dim-of-number", "torch.tensor(3.0).size(0)", {"got": 0}),
    ("zero-dim", "torch.tensor(3.0)[0:2]", {"call": "slice"}),
    ("zero-dim", "torch.tensor(3.0).select(0, 0)", {"call": "select"}),
    ("zero-dim", "torch.tensor(3.0).chunk(2)", {"verb": "chunk"}),
    ("zero-dim", "torch.tensor(3.0).tensor_split(2)", {"verb": "tensor_split"}),
    ("permute-length", "torch.randn(28, 28, 3).permute(0, 3, 1, 2)", {"got": 3, "want": 4}),
    ("permute-length", "torch.randn(28, 28).permute(2, 0, 1)", {"got": 2, "want": 3}),
    ("permute-length", "torch.randn(8, 28, 28, 3).permute(2, 0, 1)", {"got": 4, "want": 3}),
    ("permute-length", "torch.randn(2, 3, 4).permute(0)", {"got": 3, "want": 1}),
    ("permute-twice", "torch.randn(2, 3, 4).permute(0, 1, 1)", {}),
    ("tuple-index", "torch.randn(3).shape[1]", {}),
    ("dim-twice", "torch.randn(3, 4).mean((0, 0))", {"dim": 0}),
    ("dim-twice", "torch.randn(3, 4).sum((1, -1))", {"dim": 1}),
    ("same-dims", "torch.diagonal(torch.randn(3, 3), 0, 1, 1)", {"got": 1, "other": 1}),
    ("same-dims", "torch.rot90(torch.randn(3, 4, 5), 1, [0, 0])", {"got": 0, "other": 0}),
    ("diag-rank", "torch.diag(torch.randn(2, 3, 4))", {"rank": 3}),
    ("vectors-only", "torch.cartesian_prod(torch.randn(2, 2), torch.randn(2))", {"shape": [2, 2]}),
    ("vectors-only", "torch.combinations(torch.randn(2, 2))", {"shape": [2, 2]}),
    ("movedim", "torch.movedim(torch.randn(2, 3), (0, 1), (0,))", {"source": [0, 1]}),
    ("movedim", "torch.movedim(torch.randn(2, 3), (0, 0), (0, 1))", {"where": "source", "dims": [0, 0]}),
    ("rot90", "torch.rot90(torch.randn(3), 1, [0, 1])", {"got": 1}),
    ("rot90", "torch.rot90(torch.randn(3, 4, 5), 1, [0, 1, 2])", {"got": 3}),
)

OLD = (
    ("permute-length-old", "RuntimeError: number of dims don't match in permute", {}),
    ("permute-twice", "RuntimeError: repeated dim in permute", {}),
    (
        "meshgrid",
        "RuntimeError: torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got:  "
        "1.5410 -0.2934 -2.1788\n 0.5684 -1.0845 -1.3986\n[ torch.FloatTensor{2,3} ]",
        {"shape": [2, 3]},
    ),
    ("dim-twice", "RuntimeError: duplicate value in the list of dims", {}),
)
