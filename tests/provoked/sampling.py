"""Messages of `topk`, `multinomial`, `bincount` and their like, provoked."""

PROVOKED = (
    ("topk", "torch.randn(3, 4).topk(5)", {}),
    ("topk", "torch.randn(3, 4).kthvalue(5)", {"dim": 1}),
    ("multinomial-rank", "torch.ones(2, 3, 4).multinomial(1)", {}),
    ("multinomial-number", "torch.ones(3, 4).multinomial(5)", {}),
    ("multinomial-number", "torch.ones(3, 4).multinomial(0)", {}),
    ("multinomial-values", "(-torch.ones(3, 4)).multinomial(1)", {}),
    ("multinomial-values", "torch.zeros(3, 4).multinomial(1)", {}),
    ("bincount", "torch.bincount(torch.tensor([-1], device='cpu'))", {}),
    ("bincount-weights", "torch.bincount(torch.tensor([1], device='cpu'), weights=torch.ones(2, device='cpu'))", {}),
    ("searchsorted", "torch.searchsorted(torch.zeros(2, 5), torch.zeros(3, 4))", {"boundaries_shape": [2, 5], "shape": [3, 4]}),
    ("searchsorted", "torch.bucketize(torch.zeros(3), torch.zeros(2, 5))", {"rank": 2}),
    ("histogram-bins", "torch.histogramdd(torch.randn(3, 2, device='cpu'), bins=[3])", {}),
    ("quantile-rank", "torch.quantile(torch.randn(3), torch.rand(2, 2))", {}),
)
OLD = (
    ("multinomial-rank", "RuntimeError: The probability distributions dimensions must be 1 or 2, but got 3", {"rank": 3}),
    ("topk", "RuntimeError: k not in range for dimension", {}),
)
