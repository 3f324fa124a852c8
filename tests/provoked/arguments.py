"""Provoked messages about the type of an argument."""

PROVOKED = (
    (
        "argument-type",
        "nn.Sequential(nn.LSTM(3, 4), nn.Linear(4, 2))(torch.randn(5, 2, 3))",
        {"call": "linear", "type": "tuple", "argument": "input"},
    ),
    ("argument-type", "nn.Linear(3, 4)(None)", {"type": "NoneType"}),
    ("argument-type", "nn.Linear(3, 4)([torch.randn(3)])", {"type": "list"}),
    ("argument-type", "nn.Embedding(3, 4)([1, 2])", {"call": "embedding", "argument": "indices", "type": "list"}),
    ("argument-type", "nn.CrossEntropyLoss()(torch.randn(3, 4), [1, 2, 3])", {"argument": "target", "type": "list"}),
    ("argument-type", "nn.Linear(3, 4)(torch.randn(2, 3).max(1))", {"type": "torch.return_types.max"}),
    ("argument-type", "nn.Linear(3, 4)(torch.randn(2, 3).float)", {"type": "builtin_function_or_method"}),
    (
        "argument-type",
        "nn.Linear(3, 4)(nn.utils.rnn.PackedSequence(torch.randn(2, 3), torch.tensor([2], device='cpu')))",
        {"type": "PackedSequence"},
    ),
    ("argument-type", "torch.exp(3.0)", {"call": "exp", "type": "float"}),
    ("argument-type", "torch.stack(torch.randn(3, 3))", {"call": "stack", "wanted": "tuple of Tensors", "type": "Tensor"}),
    ("argument-type", "torch.zeros(torch.tensor([1, 2]))", {"wanted": "tuple of ints", "type": "Tensor"}),
    ("argument-type", "torch.randn(3, 4).softmax(1.0)", {"wanted": "int", "type": "float"}),
    ("size-type", "nn.Linear(16 * 5 * 5 / 2, 10)", {"type": "float"}),
    ("size-type", "nn.Conv2d(3, 8 / 2, 3)", {}),
    ("size-type", "torch.randn(3, 4).reshape(6, 4 / 2)", {"call": "reshape", "type": "float"}),
    ("argument-combination", "nn.Conv2d(3, 4, 3)((torch.randn(1, 3, 8, 8),))", {"call": "conv2d", "type": "tuple"}),
    ("argument-combination", "nn.Sequential(nn.LSTM(3, 4), nn.Conv1d(4, 2, 1))(torch.randn(5, 2, 3))", {"call": "conv1d", "type": "tuple"}),
    ("argument-combination", "torch.randn(10, 3).view(30 / 5, 5)", {"call": "view", "type": "float"}),
    ("argument-combination", "torch.max((torch.randn(3),), 1)", {"call": "max"}),
    ("list-element-type", "torch.stack([torch.randn(3), None])", {"index": 1, "type": "NoneType"}),
    ("attribute-of-tuple", "nn.Sequential(nn.LSTM(3, 4), nn.Flatten())(torch.randn(5, 2, 3))", {"type": "tuple", "attribute": "flatten"}),
    ("attribute-of-tuple", "nn.LSTM(3, 4)(torch.randn(5, 2, 3)).view(-1)", {"type": "tuple", "attribute": "view"}),
    ("attribute-of-tuple", "torch.randn(3, 4).max(1).float()", {"type": "torch.return_types.max"}),
    ("operand-of-tuple", "torch.randn(2, 3) + nn.LSTM(3, 3)(torch.randn(2, 3))", {"type": "tuple", "operator": "+"}),
    ("operand-of-tuple", "nn.LSTM(3, 3)(torch.randn(2, 3)) + torch.randn(2, 3)", {"type": "tuple"}),
    ("operand-of-tuple", "torch.randn(3) + None", {"type": "NoneType"}),
)

OLD = (
    (
        "argument-type",
        "TypeError: cross_entropy_loss(): argument 'input' (position 1) must be Tensor, not InceptionOutputs",
        {"type": "InceptionOutputs"},
    ),
    ("argument-type", "TypeError: linear(): argument 'input' (position 1) must be Tensor, not numpy.ndarray", {"type": "numpy.ndarray"}),
    (
        "argument-type",
        "TypeError: dropout(): argument 'input' (position 1) must be Tensor, not BaseModelOutputWithPooling",
        {"type": "BaseModelOutputWithPooling"},
    ),
    ("argument-type", "TypeError: linear(): argument 'input' (position 1) must be Tensor, n", {"call": "linear"}),
    (
        "argument-combination",
        "TypeError: new() received an invalid combination of arguments - got (float, int), but expected one of: * (torch.device device)",
        {"type": "float"},
    ),
)
