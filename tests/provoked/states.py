"""Messages of hidden states, provoked."""

PROVOKED = (
    (
        "rnn-hidden",
        "nn.GRU(10, 20)(torch.randn(5, 3, 10), torch.zeros(1, 5, 20))",
        {"want_shape": [1, 3, 20], "got_shape": [1, 5, 20], "got": 5, "want": 3},
    ),
    ("rnn-hidden", "nn.LSTM(10, 20)(torch.randn(5, 3, 10), (torch.zeros(1, 3, 20), torch.zeros(1, 5, 20)))", {"got": 5, "want": 3}),
    (
        "rnn-hidden",
        "nn.LSTM(10, 20, batch_first=True)(torch.randn(4, 7, 10), (torch.zeros(4, 1, 20), torch.zeros(4, 1, 20)))",
        {"got_shape": [4, 1, 20]},
    ),
    (
        "rnn-hidden",
        "nn.LSTM(10, 20, bidirectional=True)(torch.randn(5, 3, 10), (torch.zeros(1, 3, 20), torch.zeros(1, 3, 20)))",
        {"got": 1, "want": 2},
    ),
    ("rnn-hidden", "nn.GRU(10, 20)(torch.randn(5, 3, 10), torch.zeros(2, 3, 20))", {"got": 2, "want": 1}),
    ("rnn-hidden", "nn.RNN(10, 20)(torch.randn(5, 3, 10), torch.zeros(1, 3, 40))", {"got": 40, "want": 20}),
    (
        "rnn-hidden",
        "nn.LSTM(10, 20, proj_size=5)(torch.randn(5, 3, 10), (torch.zeros(1, 3, 20), torch.zeros(1, 3, 20)))",
        {"got": 20, "want": 5},
    ),
    ("rnn-hidden-rank", "nn.LSTM(10, 20)(torch.randn(5, 3, 10), (torch.zeros(3, 20), torch.zeros(3, 20)))", {"got": 2, "want": 3}),
    ("rnn-hidden-rank", "nn.LSTM(10, 20, 2)(torch.randn(5, 3, 10), torch.zeros(2, 3, 20))", {"got": 2, "want": 3}),
    ("rnn-hidden-rank", "nn.GRU(10, 20)(torch.randn(5, 3, 10), torch.zeros(3, 20))", {"got": 2, "want": 3}),
    ("rnn-hidden-rank", "nn.GRU(10, 20)(torch.randn(5, 10), torch.zeros(1, 3, 20))", {"got": 3, "want": 2}),
    ("cell-batch", "nn.LSTMCell(10, 20)(torch.randn(3, 10), (torch.zeros(4, 20), torch.zeros(4, 20)))", {"got": 4, "want": 3}),
    ("cell-batch", "nn.GRUCell(10, 20)(torch.randn(3, 10), torch.zeros(1, 20))", {"got": 1, "want": 3}),
    ("cell-hidden", "nn.GRUCell(10, 20)(torch.randn(3, 10), torch.zeros(3, 25))", {"got": 25, "want": 20}),
)
OLD = (("rnn-hidden", "RuntimeError: Expected hidden size (2, 64, 100), got (2, 37, 100)", {"got": 37, "want": 64}),)
