"""Messages of recurrent layers, cells and their states, provoked."""

PROVOKED = (
    ("rnn-input", "nn.LSTM(10, 20)(torch.randn(5, 3, 12))", {"got": 12, "want": 10}),
    ("rnn-input", "nn.GRU(1, 20, batch_first=True)(torch.randn(32, 50))", {"got": 50, "want": 1}),
    ("rnn-input", "nn.RNN(28, 64, batch_first=True)(torch.randn(8, 1, 784))", {"got": 784, "want": 28}),
    ("rnn-input", "nn.LSTM(64, 20)(nn.LSTM(10, 64, bidirectional=True)(torch.randn(5, 3, 10))[0])", {"got": 128, "want": 64}),
    ("rnn-input", "nn.LSTM(6, 20, batch_first=True)(torch.randn(8, 30, 1))", {"got": 1, "want": 6}),
    ("rnn-rank", "nn.LSTM(10, 20)(torch.randn(4, 5, 3, 10))", {"got": 4}),
    ("rnn-rank", "nn.RNN(10, 20)(torch.randn(10))", {"got": 1}),
    (
        "rnn-rank-old",
        "p = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 3), torch.tensor([5, 4, 1], device='cpu')); nn.GRU(2, 20)(p)",
        {"got": 1, "want": 2},
    ),
    ("rnn-empty", "nn.LSTM(10, 20)(torch.randn(0, 3, 10))", {}),
    ("rnn-dtype", "nn.LSTM(10, 20)(torch.randn(5, 3, 10).double())", {"got": "torch.float64", "want": "torch.float32"}),
    ("rnn-dtype", "nn.GRU(10, 20)(torch.zeros(5, 3, 10).long())", {"got": "torch.int64"}),
    ("rnn-input", "nn.LSTM(1, 32, batch_first=True)(torch.randn(16, 30, 5))", {"got": 5, "want": 1}),
    ("rnn-input", "nn.LSTM(32, 64, batch_first=True)(torch.randn(2, 5, 2048))", {"got": 2048, "want": 32}),
    ("cell-input", "nn.LSTMCell(10, 20)(torch.randn(3, 12))", {"got": 12, "want": 10}),
    ("cell-rank", "nn.RNNCell(10, 20)(torch.randn(3, 5, 10))", {"got": 3}),
    ("cell-rank", "nn.LSTMCell(10, 20)(torch.randn(3, 10), (torch.zeros(1, 3, 20), torch.zeros(3, 20)))", {"got": 3}),
)
OLD = (
    ("rnn-rank-old", "RuntimeError: input must have 3 dimensions, got 2", {"got": 2, "want": 3}),
    ("cell-rank-old", "AssertionError: LSTMCell: Expected input to be 1-D or 2-D but received 3-D tensor", {"got": 3}),
)
