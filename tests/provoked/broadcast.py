"""Live proof for the messages of element-wise operations, `expand` and masks."""

PROVOKED = (
    ("broadcast", "torch.randn(2, 197, 768) + torch.randn(1, 577, 768)", {"left": 197, "right": 577, "dim": 1}),
    ("broadcast", "torch.randn(2, 16, 31, 31) + torch.randn(2, 16, 32, 32)", {"left": 31, "right": 32, "dim": 3}),
    ("broadcast", "torch.randn(64, 10) * torch.randn(37, 10)", {"left": 64, "right": 37, "dim": 0}),
    ("broadcast", "torch.randn(4, 3, 2) == torch.randn(5, 6, 2)", {"left": 3, "right": 6, "dim": 1}),
    ("broadcast", "torch.randn(2, 3, 4) @ torch.randn(5, 4, 6)", {"left": 2, "right": 5, "dim": 0}),
    ("broadcast", "torch.randn(4, 224, 224).sub_(torch.zeros(3, 1, 1))", {"left": 4, "right": 3, "dim": 0}),
    ("broadcast", "nn.utils.rnn.pad_sequence([torch.randn(3, 4), torch.randn(3, 5)])", {"left": 4, "right": 5}),
    ("broadcast", "F.mse_loss(torch.randn(4, 3), torch.randn(4, 5))", {"left": 3, "right": 5, "dim": 1}),
    ("broadcast", "F.mse_loss(torch.randn(4, 1, 25, 25), torch.randn(4, 1, 28, 28))", {"left": 25, "right": 28, "dim": 3}),
    ("broadcast", "F.mse_loss(torch.randn(32, 5), torch.randn(32))", {"left": 5, "right": 32, "dim": 1}),
    ("broadcast", "F.kl_div(torch.randn(8, 10), torch.randn(8, 1000))", {"left": 1000, "right": 10, "dim": 1}),
    ("broadcast", "torch.distributions.Normal(torch.randn(32, 6), torch.ones(4))", {"left": 6, "right": 4, "dim": 1}),
    ("broadcast", "F.cosine_similarity(torch.randn(32, 128), torch.randn(32, 256))", {"left": 128, "right": 256, "dim": 1}),
    ("broadcast", "torch.rand(16, 1) * torch.randn(16, 3, 64, 64)", {"left": 16, "right": 64, "dim": 2}),
    ("broadcast", "torch.randn(2, 4, 20, 4).masked_fill(torch.ones(20, 20) == 0, 0.0)", {"left": 20, "right": 4, "dim": 3}),
    ("broadcast", "torch.randn(128) - torch.randn(127)", {"left": 128, "right": 127, "dim": 0}),
    ("broadcast", "torch.zeros(4, 5).copy_(torch.zeros(3, 5))", {"left": 4, "right": 3, "dim": 0}),
    (
        "broadcast-meta",
        "torch.broadcast_shapes((4, 3), (4, 5))",
        {"left": 3, "right": 5, "dim": 1, "left_shape": [4, 3], "right_shape": [4, 5]},
    ),
    ("broadcast-meta", "torch.broadcast_shapes((2, 197, 768), (577, 768))", {"left": 197, "right": 577, "dim": 1, "argument": 1}),
    ("broadcast-in-place", "x = torch.zeros(3); x += torch.zeros(4, 3)", {"shape": [3], "want_shape": [4, 3]}),
    ("broadcast-in-place", "torch.zeros(1, 28, 28).sub_(torch.zeros(3, 1, 1))", {"shape": [1, 28, 28], "want_shape": [3, 28, 28]}),
    ("broadcast-in-place", "x = torch.zeros(32); x += torch.zeros(32, 1)", {"shape": [32], "want_shape": [32, 32]}),
    ("broadcast-in-place", "F.binary_cross_entropy(torch.rand(32, 1), torch.rand(32, 1), weight=torch.ones(5))", {"shape": [32, 1]}),
    ("expand-size", "torch.randn(4, 3).expand(4, 5)", {"want": 5, "got": 3, "dim": 1, "want_shape": [4, 5], "shape": [4, 3]}),
    ("expand-size", "torch.zeros(1, 512).expand(1, 600)", {"want": 600, "got": 512, "dim": 1}),
    ("expand-size", "x = torch.zeros(10, 5); x[2:6] = torch.randn(3, 5)", {"want": 4, "got": 3, "dim": 0}),
    ("expand-size", "F.linear(torch.randn(4, 3), torch.randn(5, 3), torch.randn(6))", {"want": 5, "got": 6, "dim": 1, "shape": [6]}),
    ("expand-new-dim", "torch.zeros(3).expand(-1, 3)", {"dim": 0}),
    ("expand-rank", "torch.zeros(4, 3).expand(3)", {"shape": [4, 3], "want_shape": [3], "want_rank": 1, "rank": 2}),
    ("masked-scatter", "torch.zeros(3).masked_scatter(torch.ones(3).bool(), torch.zeros(2))", {}),
    ("assigned-gradient", "p = nn.Parameter(torch.zeros(3)); p.grad = torch.zeros(4)", {"got_shape": [4], "want_shape": [3]}),
    (
        "invalid-gradient",
        "w = torch.randn(3, 4, requires_grad=True); x = torch.randn(5, 3, requires_grad=True); y = torch.addmm(torch.zeros(4), x, w); "
        "w.data = torch.zeros(7, 4); y.sum().backward()",
        {"got_shape": [5, 7], "want_shape": [5, 3], "index": 1},
    ),
    (
        "invalid-gradient",
        """class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w
    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        return grad @ w.T, grad.T @ x
Product.apply(torch.randn(4, 5), torch.randn(5, 3, requires_grad=True)).sum().backward()""",
        {"got_shape": [3, 5], "want_shape": [5, 3], "index": 1},
    ),
    ("assert-close-shape", "torch.testing.assert_close(torch.zeros(3), torch.zeros(4))", {"got_shape": [3], "want_shape": [4]}),
)

OLD = (
    (
        "invalid-gradient",
        "RuntimeError: Function BadBackward returned an invalid gradient at index 0 - got [] but expected shape compatible with [0, 3]",
        {"got_shape": [], "want_shape": [0, 3], "index": 0},
    ),
    (
        "broadcast",
        "The size of tensor a (s98: hint = 17) must match the size of tensor b (s20: hint = 19) at non-singleton dimension 1)",
        {"left": 17, "right": 19, "dim": 1},
    ),
    (
        "broadcast-meta",
        "RuntimeError: Attempting to broadcast a dimension of length 4 at -2! Mismatching argument at index 1 had torch.Size([4, 3]); "
        "but expected shape should be broadcastable to [8, 3]",
        {"left": 8, "right": 4, "dim": 0},
    ),
    (
        "broadcast-meta",
        "Attempting to broadcast a dimension of length s27 at -1! Mismatching argument at index 1 had torch.Size([4, s27]); "
        "but expected shape should be broadcastable to [4, s77]",
        {"argument": 1},
    ),
    ("broadcast-shapes", "RuntimeError: Shape mismatch: objects cannot be broadcast to a single shape", {}),
    ("broadcast", "RuntimeError: The size of tensor a (50) must match the size of tensor b (197)", {"left": 50, "right": 197}),
    (
        "expand-size",
        "RuntimeError: The expanded size of the tensor (1024) must match the existing size (768) at non-singleton dimension 0",
        {"want": 1024, "got": 768},
    ),
    (
        "broadcast-in-place",
        "output with shape torch.Size([3]) doesn't match the broadcast shape (4, 3)",
        {"shape": [3], "want_shape": [4, 3]},
    ),
)
