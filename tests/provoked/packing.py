"""Messages of packed sequences, provoked."""

_PACK = "p = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 3, 2), torch.tensor([5, 4, 1], device='cpu')); "

PROVOKED = (
    (
        "pack-lengths",
        "nn.utils.rnn.pack_padded_sequence(torch.randn(3, 5, 2), torch.tensor([5, 4, 1], device='cpu'))",
        {"got": 3, "want": 5},
    ),
    (
        "pack-lengths",
        "nn.utils.rnn.pack_padded_sequence(torch.randn(5, 3, 2), torch.tensor([5, 4, 4, 4], device='cpu'))",
        {"got": 4, "want": 3},
    ),
    ("pack-sorted", "nn.utils.rnn.pack_padded_sequence(torch.randn(5, 3, 2), torch.tensor([3, 4, 5], device='cpu'))", {}),
    ("pack-sorted", "nn.utils.rnn.pack_sequence([torch.randn(3), torch.randn(5)])", {}),
    ("pack-zero", "nn.utils.rnn.pack_padded_sequence(torch.randn(5, 3, 2), torch.tensor([5, 4, 0], device='cpu'))", {}),
    (
        "pack-lengths-kind",
        "nn.utils.rnn.pack_padded_sequence(torch.randn(5, 3, 2), torch.tensor([[5, 4, 1]]))",
        {"rank": 2, "device": "cpu"},
    ),
    ("pack-empty", "nn.utils.rnn.pack_padded_sequence(torch.randn(0, 3, 2), torch.tensor([1, 1, 1], device='cpu'))", {}),
    ("pack-nothing", "nn.utils.rnn.pad_sequence([])", {}),
    ("pad-total-length", _PACK + "nn.utils.rnn.pad_packed_sequence(p, total_length=3)", {"got": 3, "want": 5}),
)
OLD = (
    ("pack-lengths-kind", "RuntimeError: 'lengths' argument should be a 1D CPU int64 tensor, but got 1D cuda:0 Long tensor", {"rank": 1}),
)
