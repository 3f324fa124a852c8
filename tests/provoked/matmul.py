"""Products of matrices."""

PROVOKED = (
    ("mm-sparse", "torch.sparse.mm(torch.randn(2708, 2707).to_sparse(), torch.randn(2708, 16))", {"got": 2707, "want": 2708}),
    ("mm-sparse", "torch.randn(2, 3).to_sparse() @ torch.randn(4)", {}),
    ("mm-matrix", "torch.mm(torch.randn(5, 2, 3), torch.randn(3, 4))", {"side": "left"}),
    ("mm-matrix", "torch.mm(torch.randn(2, 3), torch.randn(3))", {"side": "right"}),
    ("mm-matrix", "torch.addmm(torch.randn(7), torch.randn(2, 3, 1), torch.randn(3, 5))", {"side": "left", "rank": 3}),
    ("mm-matrix", "F.linear(torch.randn(2, 3), torch.randn(3), torch.randn(6))", {"side": "right", "rank": 1}),
    ("t-rank", "torch.randn(2, 3, 4).t()", {"rank": 3}),
    ("t-rank", "F.linear(torch.randn(2, 3), torch.randn(2, 2, 5, 3))", {"rank": 4}),
    ("mt-rank", "torch.randn(3).mT", {"rank": 1, "call": "mT"}),
    ("mt-rank", "torch.randn(2, 3, 4).H", {"rank": 3, "call": "H"}),
)

OLD = (
    ("mm-mat1-mat2", "RuntimeError: mat1 dim 1 must match mat2 dim 0", {}),
    ("mm-mat1-mat2", "mat1 dim 1 must match mat2 dim 0 mat1 dim1: 512 mat2 dim0: 2048", {"got": 512, "want": 2048}),
    (
        "mm-cublas-invalid",
        "CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasSgemm( handle, opa, opb, m, n, k, &alpha, a, lda, b, ldb)`",
        {},
    ),
    (
        "mm-cublas-invalid",
        "CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling cublasLtMatmul with transpose_mat1 1 transpose_mat2 0 m 768 n 2 k 512",
        {"out": 768, "rows": 2, "features": 512},
    ),
    ("mm-matrix", "RuntimeError: a must be 2D", {"side": "left"}),
    ("mm-matrix", "torch._dynamo.exc.TorchRuntimeError: got RuntimeError('b must be 2D')", {"side": "right"}),
    (
        "mm-ranks-old",
        "matrices expected, got 3D, 2D tensors at THTensorMath.cpp:36",
        {"left_rank": 3, "right_rank": 2},
    ),
    ("mm-ranks-old", "RuntimeError: tensors must be 2-D", {}),
)
