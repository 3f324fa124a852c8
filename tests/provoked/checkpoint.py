"""Live messages of `load_state_dict` about sizes, and of optimizers."""

PROVOKED = (
    (
        "load-size",
        "nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 10)).load_state_dict(nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 1000)).state_dict())",
        {
            "key": "1.weight",
            "checkpoint_shape": [1000, 4],
            "model_shape": [10, 4],
            "got": 1000,
            "want": 10,
            "count": 2,
            "dim": 0,
            "mismatches": [["1.weight", [1000, 4], [10, 4]], ["1.bias", [1000], [10]]],
        },
    ),
    (
        "load-size",
        "nn.Sequential(nn.Linear(8, 4)).load_state_dict(nn.Sequential(nn.Linear(6, 4)).state_dict(), strict=False)",
        {"key": "0.weight", "got": 6, "want": 8, "count": 1, "dim": 1},
    ),
    (
        "load-size",
        "nn.Sequential(nn.Conv2d(3, 8, 7)).load_state_dict(nn.Sequential(nn.Conv2d(1, 8, 7)).state_dict())",
        {"key": "0.weight", "checkpoint_shape": [8, 1, 7, 7], "model_shape": [8, 3, 7, 7], "got": 1, "want": 3},
    ),
    ("load-size", "nn.Embedding(100, 8).load_state_dict(nn.Embedding(102, 8).state_dict())", {"key": "weight", "got": 102, "want": 100}),
    (
        "load-size",
        "nn.BatchNorm2d(8).load_state_dict(nn.BatchNorm2d(16).state_dict())",
        {"count": 4, "keys": ["weight", "bias", "running_mean", "running_var"], "got": 16, "want": 8},
    ),
    ("load-size", "nn.GRU(5, 7).load_state_dict(nn.LSTM(5, 7).state_dict())", {"key": "weight_ih_l0", "got": 28, "want": 21, "count": 4}),
    (
        "load-copy",
        "nn.Linear(2, 3, device='cpu').load_state_dict(nn.Linear(2, 3, device='meta').state_dict())",
        {"key": "weight", "model_shape": [3, 2], "checkpoint_shape": [3, 2]},
    ),
    ("load-copy-type", "nn.Linear(2, 3).load_state_dict({'weight': [1], 'bias': torch.zeros(3)})", {"key": "weight", "type": "list"}),
    ("load-not-a-dict", "nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3))", {"type": "torch.nn.modules.linear.Linear"}),
    (
        "optim-groups",
        "m = nn.Linear(2, 3); o = torch.optim.SGD([{'params': [m.weight]}, {'params': [m.bias]}], 0.1); "
        "torch.optim.SGD(m.parameters(), 0.1).load_state_dict(o.state_dict())",
        {},
    ),
    (
        "optim-size",
        "m = nn.Linear(2, 3); torch.optim.SGD([m.weight], 0.1).load_state_dict(torch.optim.SGD(m.parameters(), 0.1).state_dict())",
        {},
    ),
    ("assign-param", "m = nn.Linear(2, 3); m.weight = torch.zeros(3, 2)", {"name": "weight"}),
)

OLD = (
    (
        "load-size",
        "size mismatch for fc.weight: copying a param of torch.Size([1000, 512]) from checkpoint, where the shape is "
        "torch.Size([10, 512]) in current model.",
        {"key": "fc.weight", "got": 1000, "want": 10},
    ),
    (
        "load-copy",
        "While copying the parameter named fc.weight, whose dimensions in the model are torch.Size([10, 512]) and whose "
        "dimensions in the checkpoint are torch.Size([1000, 512]).",
        {"key": "fc.weight", "got": 1000, "want": 10},
    ),
    (
        "accelerate-set",
        'ValueError: Trying to set a tensor of shape torch.Size([32001, 4096]) in "weight" (which has shape '
        "torch.Size([32000, 4096])), this look incorrect.",
        {"got": 32001, "want": 32000},
    ),
    (
        "accelerate-set",
        'Trying to set a tensor of shape torch.Size([151936, 1024]) in "weight" (which has shape torch.Size([151665, 1024])), '
        "this looks incorrect.",
        {"got": 151936, "want": 151665},
    ),
    (
        "diffusers-load",
        "Cannot load /models/unet because conv_in.weight expected shape tensor(..., device='meta', size=(320, 4, 3, 3)), but "
        "got torch.Size([320, 9, 3, 3]). If you want to instead overwrite randomly initialized weights, please make sure to "
        "pass both `low_cpu_mem_usage=False` and `ignore_mismatched_sizes=True`.",
        {"key": "conv_in.weight", "model_shape": [320, 4, 3, 3], "checkpoint_shape": [320, 9, 3, 3]},
    ),
    (
        "diffusers-load",
        "Cannot load x because encoder.conv_out.weight expected shape torch.Size([8, 512, 3, 3]), but got torch.Size([32, 512, 3, 3])",
        {"got": 32, "want": 8},
    ),
    (
        "hf-report",
        "classifier.weight | MISMATCH | Reinit due to size mismatch - ckpt: torch.Size([2, 768]) vs model:torch.Size([3, 768])",
        {"got": 2, "want": 3},
    ),
    (
        "hf-not-initialized",
        "- classifier.weight: found shape torch.Size([2, 768]) in the checkpoint and torch.Size([3, 768]) in the model instantiated",
        {"key": "classifier.weight", "got": 2, "want": 3},
    ),
    ("hf-mismatched", "You may consider adding `ignore_mismatched_sizes=True` in the model `from_pretrained` method.", {}),
    (
        "vllm-load",
        "AssertionError: Attempted to load weight (torch.Size([151936, 1024])) into parameter (torch.Size([151665, 1024]))",
        {"got": 151936, "want": 151665},
    ),
    (
        "dcp-size",
        "ValueError: Size mismatch between saved torch.Size([10, 4]) and current: torch.Size([5, 4]) for fc.weight",
        {"key": "fc.weight", "got": 10, "want": 5},
    ),
)
