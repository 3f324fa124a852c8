"""einsum and other products over named dims."""

PROVOKED = (
    ("einsum-size", "torch.einsum('ij,jk->ik', torch.randn(2, 3), torch.randn(4, 5))", {"letter": "j", "got": 4, "want": 3, "tensor": 1}),
    (
        "einsum-size",
        "torch.einsum('bhqd,bhkd->bhqk', torch.randn(2, 8, 10, 64), torch.randn(2, 2, 10, 64))",
        {"letter": "h", "got": 2, "want": 8},
    ),
    ("einsum-size", "torch.einsum('bi,bij->bj', torch.randn(32, 5), torch.randn(28, 5, 6))", {"letter": "b", "got": 28, "want": 32}),
    (
        "einsum-size",
        "torch.einsum('ij,jk,kl->il', torch.randn(2, 3), torch.randn(3, 5), torch.randn(6, 5))",
        {"tensor": 2, "got": 6, "want": 5},
    ),
    (
        "einsum-ellipsis",
        "torch.einsum('b...i,b...i->b', torch.randn(3, 5, 2), torch.randn(3, 4, 2))",
        {"dim": 1, "tensor": 1, "got": 4, "want": 5},
    ),
    ("einsum-letters", "torch.einsum('bij,jk->bik', torch.randn(2, 3), torch.randn(3, 4))", {"letters": 3, "rank": 2, "tensor": 0}),
    ("einsum-letters", "torch.einsum('ij,jk->ik', torch.randn(2, 3), torch.randn(7, 3, 4))", {"letters": 2, "rank": 3, "tensor": 1}),
    ("einsum-letters", "torch.einsum('ij...', torch.randn(3))", {"letters": 2, "rank": 1}),
    ("einsum-count", "torch.einsum('ij,jk', torch.randn(2, 3))", {"what": "fewer"}),
    ("einsum-count", "torch.einsum('ij', torch.randn(2, 3), torch.randn(2, 3))", {"what": "more"}),
    ("einsum-output", "torch.einsum('ij,jk->iz', torch.randn(2, 3), torch.randn(3, 5))", {"letter": "z"}),
    ("einsum-output", "torch.einsum('ij,jk->ii', torch.randn(2, 3), torch.randn(3, 5))", {"letter": "i"}),
    ("einsum-diagonal", "torch.einsum('ii->i', torch.randn(2, 3))", {"got": 3, "want": 2}),
    ("einsum-written", "torch.einsum('ij')", {}),
    ("einsum-written", "torch.einsum('ij,jk-ik', torch.randn(2, 3), torch.randn(3, 5))", {"index": 5}),
    ("einsum-written", "torch.einsum('i..j,jk->ik', torch.randn(2, 3), torch.randn(3, 5))", {}),
    ("einsum-written", "torch.einsum(torch.randn(2, 3), [0, 60], torch.randn(3, 2), [1, 2])", {}),
    ("tensordot-sizes", "torch.tensordot(torch.randn(2, 3), torch.randn(4, 5), dims=1)", {"got": 3, "want": 4, "dim": -1, "other_dim": 0}),
    ("tensordot-dims", "torch.tensordot(torch.randn(2, 3), torch.randn(4, 5), dims=([0, 1], [0]))", {}),
    ("tensordot-dims", "torch.tensordot(torch.randn(2, 3), torch.randn(4, 5), dims=3)", {"got": 3}),
    ("multi-dot", "torch.linalg.multi_dot([torch.randn(2, 3), torch.randn(4, 5)])", {"left_shape": [2, 3], "right_shape": [4, 5]}),
    ("multi-dot", "torch.linalg.multi_dot([torch.randn(3), torch.randn(4, 5)])", {"left_shape": [3]}),
    ("multi-dot-ranks", "torch.linalg.multi_dot([torch.randn(2, 3, 1), torch.randn(3, 4)])", {"rank": 3}),
    (
        "multi-dot-ranks",
        "torch.linalg.multi_dot([torch.randn(2, 3), torch.randn(3, 4, 1), torch.randn(4, 5)])",
        {"tensor": 1, "got_rank": 3},
    ),
    ("multi-dot-ranks", "torch.linalg.multi_dot([torch.randn(2, 3)])", {"count": 1}),
    ("inner-last-dims", "torch.inner(torch.randn(2, 3), torch.randn(4, 5))", {"left_shape": [2, 3], "right_shape": [4, 5]}),
    ("bilinear-features", "nn.Bilinear(5, 6, 7)(torch.randn(2, 4), torch.randn(2, 6))", {"input": 1, "got": 4, "want": 5}),
    ("bilinear-features", "nn.Bilinear(5, 6, 7)(torch.randn(2, 5), torch.randn(2, 7))", {"input": 2, "got": 7, "want": 6}),
    ("bilinear-batches", "nn.Bilinear(5, 6, 7)(torch.randn(2, 5), torch.randn(3, 6))", {"dim": 0, "got": 2, "want": 3}),
    ("bilinear-batches", "nn.Bilinear(5, 6, 7)(torch.randn(2, 5), torch.randn(2, 1, 6))", {"got": 2, "want": 3}),
    ("bilinear-bias", "F.bilinear(torch.randn(2, 5), torch.randn(2, 6), torch.randn(7, 5, 6), torch.randn(8))", {"got": 8, "want": 7}),
)

OLD = (
    (
        "einsum-size",
        "einsum(): subscript a has size s0 for operand 1 which does not broadcast with previously seen size s3",
        {"letter": "a", "got": "s0"},
    ),
    ("einsum-size", "RuntimeError: einsum(): subscript j has size 4 for operand 1 which does n", {"letter": "j", "got": 4}),
    ("einsum-size-path", "ValueError: Size of label 'k' for operand 2 (5) does not match previous terms (6).", {"letter": "k"}),
    (
        "einsum-remapped",
        "einsum(): operands do not broadcast with remapped shapes [original->remapped]: [6, 53, 53]->[6, 53, 53] [6, 52]->[6, 1, 52]",
        {"want": 53, "got": 52},
    ),
    (
        "einsum-remapped",
        "einsum() operands do not broadcast with remapped shapes [original->remapped]: [1, 10]->[1, 1, 1, 10] [68, 3, 30]->[1, 68, 3, 30]",
        {"want": 10, "got": 30, "shapes": [[1, 10], [68, 3, 30]]},
    ),
    (
        "einsum-remapped",
        "operands could not be broadcast together with remapped shapes [original->remapped]: (2,3)->(2,newaxis,3) (4,5)->(5,4)",
        {},
    ),
    ("einsum-size-old", "RuntimeError: size of dimension does not match previous size, operand 1, dim 0", {"tensor": 1, "dim": 0}),
    ("einsum-letters-old", "RuntimeError: dimension mismatch for operand 0: equation 3 tensor 2", {"tensor": 0, "letters": 3, "rank": 2}),
    ("bilinear-bias", "output size mismatch: weight.size(0)=5 != bias.size(0)=6", {"outputs": 5, "bias": 6}),
)
