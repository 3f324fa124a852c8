"""Live proof for the messages of losses, of `one_hot` and of `backward`."""

# The meta device has no losses of its own for these: it fails elsewhere, in words of `gather` or of `item()`.
_CPU = "with torch.device('cpu'): "

PROVOKED = (
    ("loss-batch", "F.cross_entropy(torch.randn(256, 10), torch.zeros(64).long())", {"got": 256, "want": 64, "factor": 4}),
    ("loss-batch", "F.cross_entropy(torch.randn(4, 20, 10), torch.zeros(80).long())", {"got": 4, "want": 80, "factor": 20}),
    ("loss-batch", "F.cross_entropy(torch.randn(32, 10), torch.zeros(17).long())", {"got": 32, "want": 17}),
    ("loss-batch", "F.cross_entropy(torch.randn(4, 10), torch.tensor(3))", {"got": 4, "want": 0}),
    ("loss-batch", "F.cross_entropy(torch.randn(4, 3, 5, 5), torch.zeros(3, 5, 5).long())", {"got": 4, "want": 3}),
    (
        "loss-target-size",
        "F.cross_entropy(torch.randn(8, 20, 1000), torch.zeros(8, 20).long())",
        {"want_shape": [8, 1000], "got_shape": [8, 20]},
    ),
    ("loss-target-size", "F.cross_entropy(torch.randn(4, 3, 5, 5, 5), torch.zeros(4, 1, 5, 5, 5).long())", {"got_shape": [4, 1, 5, 5, 5]}),
    ("loss-target-size", "F.cross_entropy(torch.randn(4, 10, 3), torch.rand(4, 3, 10))", {"want_shape": [4, 3], "got_shape": [4, 3, 10]}),
    ("loss-target-size", "F.nll_loss(torch.randn(4, 10, 3), torch.zeros(4).long())", {"want_shape": [4, 3], "got_shape": [4]}),
    ("loss-multi-target", "F.cross_entropy(torch.randn(4, 10), torch.zeros(4, 1).long())", {}),
    ("loss-multi-target", "F.nll_loss(torch.randn(4, 10), F.one_hot(torch.zeros(4).long(), 10))", {}),
    ("loss-multi-target", "F.cosine_embedding_loss(torch.randn(4, 3), torch.randn(4, 3), torch.ones(4, 1))", {}),
    ("loss-spatial", _CPU + "F.cross_entropy(torch.randn(4, 3, 5, 5), torch.zeros(4, 1, 5, 5).long())", {"rank": 4}),
    ("loss-spatial", _CPU + "F.cross_entropy(torch.randn(4, 3, 5, 5), torch.zeros(4).long())", {"rank": 1}),
    ("loss-spatial", _CPU + "F.cross_entropy(torch.randn(4, 3, 5, 5), torch.zeros(4, 25).long())", {"rank": 2}),
    (
        "loss-spatial-size",
        _CPU + "F.cross_entropy(torch.randn(2, 5, 32, 32), torch.zeros(2, 64, 64).long())",
        {"target_shape": [2, 64, 64]},
    ),
    (
        "loss-spatial-size",
        _CPU + "F.cross_entropy(torch.randn(2, 5, 388, 388), torch.zeros(2, 572, 572).long())",
        {"input_shape": [2, 5, 388, 388]},
    ),
    ("loss-single-sample", "F.cross_entropy(torch.randn(10), torch.zeros(4).long())", {"got": 4}),
    ("loss-label", _CPU + "F.cross_entropy(torch.randn(4, 3), torch.tensor([0, 1, 2, 3]))", {"label": 3}),
    ("loss-label", _CPU + "F.cross_entropy(torch.randn(4, 1), torch.tensor([0, 1, 0, 1]))", {"label": 1}),
    ("loss-label", _CPU + "F.cross_entropy(torch.randn(4, 3), torch.tensor([0, 1, 2, -1]))", {"label": -1}),
    ("loss-label", _CPU + "F.cross_entropy(torch.randn(1, 21, 2, 2), torch.full((1, 2, 2), 255))", {"label": 255}),
    (
        "loss-label",
        _CPU + "nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5])(torch.randn(4, 8), torch.zeros(4).long() + 20)",
        {"last_class": 19, "label": 20},
    ),
    ("loss-target-dtype", _CPU + "F.cross_entropy(torch.randn(4, 10), torch.zeros(4))", {"dtype": "Float"}),
    ("loss-target-dtype", _CPU + "F.cross_entropy(torch.randn(4, 10), torch.zeros(4).int())", {"dtype": "Int"}),
    ("loss-probabilities-dtype", "F.cross_entropy(torch.randn(4, 10), torch.zeros(4, 10).long())", {"dtype": "Long"}),
    ("loss-equal-shapes", "F.binary_cross_entropy(torch.rand(32, 1), torch.rand(32))", {"input_shape": [32, 1], "target_shape": [32]}),
    ("loss-equal-shapes", "F.binary_cross_entropy(torch.rand(256), torch.rand(128))", {"input_shape": [256], "target_shape": [128]}),
    (
        "loss-logits-size",
        "F.binary_cross_entropy_with_logits(torch.rand(8, 3), torch.ones(8))",
        {"input_shape": [8, 3], "target_shape": [8]},
    ),
    (
        "loss-logits-size",
        "F.binary_cross_entropy_with_logits(torch.rand(4, 1), torch.ones(4))",
        {"input_shape": [4, 1], "target_shape": [4]},
    ),
    ("loss-logits-size", "F.binary_cross_entropy_with_logits(torch.rand(2, 1, 96, 96), torch.ones(2, 1, 100, 100))", {}),
    (
        "loss-class-weights",
        _CPU + "F.cross_entropy(torch.randn(4, 10), torch.zeros(4).long(), weight=torch.ones(5))",
        {"classes": 10, "weight_shape": [5]},
    ),
    ("loss-class-weights", _CPU + "F.cross_entropy(torch.randn(4, 10, 3, 3), torch.zeros(4, 3, 3).long(), weight=torch.ones(5))", {}),
    (
        "loss-class-weights",
        _CPU + "F.multi_margin_loss(torch.randn(4, 3), torch.ones(4).long(), weight=torch.ones(2))",
        {"classes": 3, "weights": 2},
    ),
    ("loss-ignore-index", "F.cross_entropy(torch.randn(4, 10), torch.rand(4, 10), ignore_index=0)", {}),
    ("loss-between-zero-and-one", "F.binary_cross_entropy(torch.rand(4) + 2, torch.rand(4))", {"side": "input"}),
    ("loss-between-zero-and-one", "F.binary_cross_entropy(torch.rand(4), torch.rand(4) + 2)", {"side": "target"}),
    (
        "margin-ranking",
        "F.margin_ranking_loss(torch.randn(4), torch.randn(4, 1), torch.ones(4))",
        {"first_shape": [4], "second_shape": [4, 1]},
    ),
    ("triplet-rank", "F.triplet_margin_loss(torch.randn(4, 3), torch.randn(4, 3), torch.randn(3))", {"anchor": 2, "negative": 1}),
    ("margin-target", "F.multi_margin_loss(torch.randn(4, 3), torch.ones(5).long())", {"want_shape": [4], "got_shape": [5]}),
    ("margin-target", "F.multilabel_margin_loss(torch.randn(4, 3), torch.ones(4).long())", {"target_shape": [4], "input_shape_": [4, 3]}),
    ("gaussian-variance", _CPU + "F.gaussian_nll_loss(torch.randn(4, 3), torch.randn(4, 3), torch.ones(4, 2))", {}),
    ("one-hot-range", "F.one_hot(torch.tensor([0, 3]), 3)", {}),
    ("one-hot-range", "F.one_hot(torch.tensor([0, -1]), 3)", {}),
    ("one-hot-dtype", "F.one_hot(torch.tensor([0.0, 1.0]), 3)", {}),
    ("one-hot-empty", _CPU + "F.one_hot(torch.zeros(0).long())", {}),
    ("backward-scalar", "torch.randn(3, requires_grad=True).backward()", {}),
    ("gradient-shape", "(torch.randn(3, requires_grad=True) * 2).backward(torch.ones(4))", {"got_shape": [4], "want_shape": [3]}),
    ("adaptive-softmax-batch", "nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5])(torch.randn(4, 8), torch.zeros(3).long())", {}),
)

OLD = (
    (
        "loss-warning",
        "/usr/lib/python3/dist-packages/torch/nn/modules/loss.py:535: UserWarning: Using a target size "
        "(torch.Size([64])) that is different to the "
        "input size (torch.Size([64, 1])). This will likely lead to incorrect results due to broadcasting. Please "
        "ensure they have the same size.\n"
        "  return F.mse_loss(input, target, reduction=self.reduction)",
        {"input_shape": [64, 1], "target_shape": [64], "spread_shape": [64, 64]},
    ),
    ("loss-multi-target", "AssertionError: 0D or 1D target tensor expected, multi-target not supported, got 2D", {"rank": 2}),
    ("loss-multi-target", "RuntimeError: multi-target not supported at /pytorch/aten/src/THNN/generic/ClassNLLCriterion.c:22", {}),
    (
        "loss-spatial",
        "RuntimeError: only batches of spatial targets supported (non-empty 3D tensors) but got targets of size: : [2, 1, 64, 64]",
        {"got_shape": [2, 1, 64, 64]},
    ),
    (
        "loss-spatial-size",
        "RuntimeError: size mismatch (got input: [32, 10], target: [64])",
        {"input_shape": [32, 10], "target_shape": [64]},
    ),
    ("loss-spatial-size", "RuntimeError: size mismatch (got input: torch.Size([10]), target: torch.Size([4]))", {"input_shape": [10]}),
    (
        "loss-numel-old",
        "ValueError: Target and input must have the same number of elements. target nelement (64) != input nelement (6400)",
        {"want": 64, "got": 6400},
    ),
    ("margin-target", "RuntimeError: inconsistent target size, expected 4 but got torch.Size([5])", {"want": 4, "target_shape": [5]}),
)
