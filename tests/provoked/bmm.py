"""Products of batches of matrices."""

PROVOKED = (
    (
        "bmm-first-two",
        "torch.randn(2, 8, 10, 64) @ torch.randn(2, 8, 10, 64)",
        {"want": 64, "got": 10, "want_shape": [16, 64], "got_shape": [16, 10]},
    ),
    ("bmm-first-two", "torch.bmm(torch.randn(32, 1, 12), torch.randn(12, 32, 256))", {"want_shape": [32, 12], "got_shape": [12, 32]}),
    ("bmm-first-two", "torch.bmm(torch.randn(1, 32, 64), torch.randn(32, 64, 20))", {"batch": 1, "got_batch": 32, "want": 64, "got": 64}),
    ("bmm-first-two", "torch.bmm(torch.randn(16, 10, 40), torch.randn(8, 40, 10))", {"batch": 16, "got_batch": 8}),
    ("bmm-first-two", "torch.bmm(torch.randn(16, 10, 64), torch.randn(2, 512, 10))", {"batch": 16, "want": 64, "got_batch": 2, "got": 512}),
    ("bmm-first-two", "torch.randn(2, 3, 196) @ torch.randn(2, 197, 768)", {"want": 196, "got": 197}),
    ("bmm-first-two", "torch.baddbmm(torch.randn(2, 3, 5), torch.randn(2, 3, 4), torch.randn(2, 6, 5))", {"want": 4, "got": 6}),
    (
        "bmm-first-two",
        "F.scaled_dot_product_attention(torch.randn(2, 8, 10, 64, requires_grad=True), *[torch.randn(2, 8, 12, 32)] * 2)",
        {"want": 64, "got": 32},
    ),
    ("bmm-unnumbered", "torch.bmm(torch.randn(2, 3, 4).to_sparse(), torch.randn(2, 5, 6))", {}),
    ("bmm-batches", "torch.addbmm(torch.randn(3, 5), torch.randn(2, 3, 4), torch.randn(3, 4, 5))", {"batch": 2, "got_batch": 3}),
    ("bmm-batches", "torch.bmm(torch.randn(2, 3, 4).to_sparse(), torch.randn(3, 4, 6))", {}),
    ("bmm-ranks", "torch.bmm(torch.randn(2, 3), torch.randn(2, 3, 4))", {"tensor": "batch1"}),
    ("bmm-ranks", "torch.bmm(torch.randn(2, 3, 4), torch.randn(4, 5))", {"tensor": "batch2"}),
    ("bmm-ranks", "torch.bmm(torch.randn(2, 8, 10, 64), torch.randn(2, 8, 64, 10))", {"tensor": "batch1"}),
    ("addbmm-inner", "torch.addbmm(torch.randn(3, 5), torch.randn(2, 3, 4), torch.randn(2, 6, 5))", {"want": 4, "got": 6}),
)

OLD = (
    (
        "bmm-size-at-dim",
        "Expected tensor to have size 4 at dimension 1, but got size 3 for argument #2 'batch2' (while checking arguments for bmm)",
        {"want": 4, "got": 3, "dim": 1},
    ),
    (
        "bmm-first-two",
        "Expected size for first two dimensions of batch2 tensor to be: [s77, 64] but got: [s77, 10].",
        {"want": 64, "got": 10},
    ),
    (
        "bmm-first-two",
        "RuntimeError: Expected size for first two dimensions of batch2 tensor to be: [16, 64] but got: [16, 10",
        {"got": 10},
    ),
    ("bmm-unnumbered", "RuntimeError: batch1 dim 2 must match batch2 dim 1", {}),
    ("bmm-unnumbered", "Expected batch2_sizes[0] == bs && batch2_sizes[1] == contraction_size to be true, but got false.", {}),
    ("bmm-unnumbered", "invalid argument 6: wrong matrix size at /pytorch/aten/src/THC/generic/THCTensorMathBlas.cu:494", {}),
    (
        "bmm-batches",
        "invalid argument 6: equal number of batches expected, got 10, 1 at THCTensorMathBlas.cu:488",
        {},
    ),
    ("bmm-batches", "batch1 dim 0 must match batch2 dim 0", {}),
    ("bmm-added", "self_ dim 1 must match mat2 dim 1", {"dim": 1}),
    ("bmm-added", "self dim 0 must match batch1 dim 0", {"dim": 0}),
    ("bmm-ranks", "Expected 3D tensor for argument #1 'batch1', but got 2D tensor (while checking arguments for bmm)", {}),
)
