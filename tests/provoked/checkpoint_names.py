"""Live messages of `load_state_dict` about names."""

PROVOKED = (
    (
        "load-keys",
        "nn.Linear(2, 3).load_state_dict(nn.DataParallel(nn.Linear(2, 3)).state_dict())",
        {"missing": 2, "unexpected": 2, "unexpected_keys": ["module.weight", "module.bias"]},
    ),
    (
        "load-keys",
        "nn.Linear(2, 3).load_state_dict({'state_dict': nn.Linear(2, 3).state_dict(), 'epoch': 3})",
        {"missing": 2, "unexpected": 2},
    ),
    ("load-keys", "nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3, bias=False).state_dict())", {"missing_keys": ["bias"], "unexpected": 0}),
    (
        "load-keys",
        "nn.Sequential(nn.Linear(2, 3)).load_state_dict(nn.Sequential(nn.ReLU(), nn.Linear(2, 3)).state_dict())",
        {"missing_keys": ["0.weight", "0.bias"], "unexpected_keys": ["1.weight", "1.bias"]},
    ),
    (
        "load-keys",
        "nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4)).load_state_dict(nn.Sequential(nn.Linear(2, 5)).state_dict())",
        {"key": "0.weight", "got": 5, "want": 3, "missing": 2},
    ),
)

OLD = (("load-generic", "RuntimeError: Error(s) in loading state_dict for ResNet:", {}),)
