"""Linear layers and products of two matrices."""

PROVOKED = (
    ("mm-shapes", "nn.Linear(2048, 50)(torch.randn(128, 29040))", {"rows": 128, "got": 29040, "want": 2048, "out": 50}),
    ("mm-shapes", "nn.Linear(768, 320)(torch.randn(2, 77, 2048))", {"rows": 154, "got": 2048, "want": 768, "out": 320}),
    ("mm-shapes", "nn.Linear(10, 5)(torch.randn(7))", {"rows": 1, "got": 7, "want": 10, "out": 5}),
    ("mm-shapes", "torch.randn(2, 3) @ torch.randn(4, 5)", {"rows": 2, "got": 3, "want": 4, "out": 5}),
    ("mm-shapes", "torch.eye(6) @ torch.randn(5, 8)", {"rows": 6, "got": 6, "want": 5, "out": 8}),
    ("mm-shapes", "torch.randn(1, 28, 28) @ torch.randn(784, 10)", {"rows": 28, "got": 28, "want": 784, "out": 10}),
)

OLD = (
    ("mm-reduction-dim", "a and b must have same reduction dim, but got [128, 29040] X [2048, 50].", {"got": 29040, "out": 50}),
    ("mm-reduction-dim", "a and b must have same reduction dim, but got [s77, 12] X [10, 5].", {"rows": "s77", "got": 12, "want": 10}),
    ("mm-m1-m2", "size mismatch, m1: [4 x 8192], m2: [2048 x 1000] at /pytorch/aten/src/TH/THTensorMath.cpp:41", {"got": 8192}),
    ("mm-shapes", "linear(): input and weight.T shapes cannot be multiplied (77x1024 and 768x320)", {"rows": 77, "got": 1024, "want": 768}),
    ("mm-shapes", "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x2304 and 2816x1", {"rows": 2, "got": 2304, "want": 2816}),
)
