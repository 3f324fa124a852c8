"""Live proof for the messages of `ctc_loss`."""

# The meta device fails elsewhere: it has no lengths to read.
_CPU = "with torch.device('cpu'): "
_CTC = _CPU + "F.ctc_loss(torch.randn(50, 4, 20).log_softmax(2), torch.ones(4, 10).long(), torch.full((4,), {}), torch.full((4,), {}){})"

PROVOKED = (
    (
        "ctc-batch",
        _CPU + "F.ctc_loss(torch.randn(4, 50, 20).log_softmax(2), torch.ones(4, 10).long(), torch.full((4,), 50), torch.full((4,), 10))",
        {"side": "input"},
    ),
    ("ctc-length", _CTC.format(60, 10, ""), {"want": 50, "got": 60, "side": "input"}),
    ("ctc-length", _CTC.format(50, -1, ""), {"got": -1, "side": "target"}),
    ("ctc-targets", _CTC.format(50, 12, ""), {"want": 12, "got": 10, "dim": 1}),
    ("ctc-other", _CTC.format(50, 10, ", blank=20"), {"what": "blank"}),
    ("ctc-other", _CTC.format("50.0", 10, ""), {"side": "input"}),
)
