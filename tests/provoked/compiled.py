"""Live messages of exported programs, of tensors without data and of vmap."""

PROVOKED = (
    (
        "export-guard",
        "torch.export.export(nn.Linear(3, 4, device='cpu'), (torch.randn(2, 3, device='cpu'),)).module()(torch.randn(5, 3, device='cpu'))",
        {"name": "input", "dim": 0, "want": 2},
    ),
    (
        "constraint-violation",
        "M = type('M', (nn.Module,), {'__module__': 'm', 'forward': lambda self, x: x.view(2, 3) + 1}); "
        "torch.export.export(M(), (torch.randn(2, 3, device='cpu'),), dynamic_shapes=({0: torch.export.Dim('b')},))",
        {"names": "b"},
    ),
    ("vmap-data", "torch.vmap(lambda x: x.nonzero())(torch.zeros(3))", {}),
    ("vmap-data", "torch.vmap(lambda x: x.item())(torch.zeros(3))", {}),
    ("meta-no-kernel", "torch.bincount(torch.zeros(3, device='meta').long())", {"operation": "aten::bincount"}),
    ("meta-no-kernel", "torch.zeros(3, device='meta').nonzero()", {"function": "nonzero"}),
    ("meta-no-kernel", "bool(torch.zeros(1, device='meta'))", {}),
    ("meta-copy", "torch.zeros(3, device='meta').cpu()", {}),
    ("meta-copy", "nn.Linear(2, 3, device='meta').to('cpu')", {}),
    (
        "sharded-parameter",
        "x = torch.zeros(4, 4, device='cpu'); x.untyped_storage().resize_(0); torch.as_strided(x, (4, 4), (1, 4), 2)",
        {"shape": [4, 4]},
    ),
    ("list-assignment", "torch.cat([torch.zeros((), device='meta')] * 2)", {}),
    (
        "data-dependent",
        "from torch._subclasses.fake_tensor import FakeTensorMode\ntry:\n    with FakeTensorMode(): torch.zeros(3, "
        "device='cpu').nonzero()\n"
        "except Exception as error: raise RuntimeError(f'{type(error).__name__}: {error}') from None",
        {"operation": "aten.nonzero.default"},
    ),
    (
        "fake-limits",
        "from torch._subclasses.fake_tensor import FakeTensorMode\nx = torch.zeros(3, device='cpu')\nwith FakeTensorMode(): x "
        "+ torch.zeros(3, device='cpu')",
        {},
    ),
)

OLD = (
    ("export-input-shape", "Expected input at *args[0].shape[0] to be equal to 2, but got 5", {"dim": 0, "want": 2, "got": 5}),
    (
        "constraint-violation",
        "Constraints violated (L['x'].size()[0])! For more information, run with TORCH_LOGS=\"+dynamic\".",
        {"names": "L['x'].size()[0]"},
    ),
    (
        "improve-me",
        "Expected batch2_sizes[0] == bs && batch2_sizes[1] == contraction_size to be true, but got false. (Could this error "
        "message be improved? If so, "
        "please report an enhancement request to PyTorch.)",
        {"condition": "batch2_sizes[0] == bs && batch2_sizes[1] == contraction_size"},
    ),
    (
        "sharded-parameter",
        "RuntimeError: setStorage: sizes [4096, 4096], strides [1, 4096], storage offset 0, and itemsize 2 requiring a "
        "storage size of 33554432 are out of "
        "bounds for storage of size 0",
        {"shape": [4096, 4096]},
    ),
    ("data-dependent", "torch._subclasses.fake_tensor.DataDependentOutputException: aten._local_scalar_dense.default", {}),
    ("fake-limits", "AssertionError: Mixing fake modes NYI x.fake_mode=<torch._subclasses.fake_tensor.FakeTensorMode object at 0x7f>", {}),
)
