"""Provoked messages of distributions, `vmap` and initialisers.

On the meta device a distribution says nothing of shapes, so its messages stand as text.
"""

PROVOKED = (
    ("distribution-parameter-rank", "torch.distributions.Categorical(logits=torch.tensor(3.0))", {"parameter": "logits", "least": "one"}),
    (
        "distribution-parameter-rank",
        "torch.distributions.MultivariateNormal(torch.zeros(3), torch.ones(3))",
        {"parameter": "covariance_matrix", "least": "two"},
    ),
    ("distribution-parameter-rank", "torch.distributions.MultivariateNormal(torch.tensor(3.0), torch.eye(4))", {"parameter": "loc"}),
    ("vmap-sizes", "torch.vmap(torch.add)(torch.randn(3), torch.randn(4))", {"sizes": [3, 4]}),
    ("vmap-dim", "torch.vmap(torch.sin)(torch.tensor(3.0))", {"got": 0, "rank": 0}),
    ("vmap-dim", "torch.vmap(torch.sin, in_dims=1)(torch.randn(3))", {"got": 1, "rank": 1}),
    ("init-rank", "nn.init.xavier_uniform_(torch.zeros(3))", {}),
    ("init-rank", "nn.init.orthogonal_(torch.zeros(3))", {}),
    ("init-rank", "nn.init.dirac_(torch.zeros(3))", {}),
)

_CATEGORICAL = "Expected parameter logits (Tensor of shape (1, 2)) of distribution Categorical(logits: torch.Size([1, 2]))"
_NORMAL = "Expected parameter scale (Tensor of shape (3,)) of distribution Normal(loc: torch.Size([3]), scale: torch.Size([3]))"
_SUPPORT = "Expected value argument (Tensor of shape (3,)) to be within the support (IntegerInterval(lower_bound=0, upper_bound=3))"
OLD = (
    (
        "distribution-value",
        "ValueError: Value is not broadcastable with batch_shape+event_shape: torch.Size([3, 4]) vs torch.Size([3]).",
        {"got_shape": [3, 4], "want_shape": [3]},
    ),
    (
        "distribution-value",
        "ValueError: Value is not broadcastable with batch_shape+event_shape: torch.Size([4]) vs torch.Size([3]).",
        {"got_shape": [4], "want_shape": [3]},
    ),
    (
        "distribution-event",
        "ValueError: The right-most size of value must match event_shape: torch.Size([4]) vs torch.Size([3]).",
        {"got_shape": [4]},
    ),
    (
        "distribution-constraint",
        f"ValueError: {_CATEGORICAL} to satisfy the constraint IndependentConstraint(Real(), "
        "1), but found invalid values: tensor([[nan, nan]])",
        {"parameter": "logits", "shape": [1, 2]},
    ),
    (
        "distribution-constraint",
        f"ValueError: {_NORMAL} to satisfy the constraint GreaterThan(lower_bound=0.0), but found invalid values: tensor([-1.])",
        {"shape": [3]},
    ),
    ("distribution-constraint", f"ValueError: {_SUPPORT} of the distribution Categorical(logits: torch.Size([3, 4]))", {"shape": [3]}),
    (
        "distribution-independent",
        "ValueError: Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual 1 vs 0",
        {"got": 1, "want": 0},
    ),
    (
        "distribution-mixture",
        "ValueError: `mixture_distribution component` (5) does not equal `component_distribution.batch_shape[-1]` (4)",
        {"got": 5, "want": 4},
    ),
    ("softmax-without-dim", "UserWarning: Implicit dimension choice for softmax has been deprecated.", {"call": "softmax"}),
    ("transpose-of-many", "UserWarning: The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated", {}),
    (
        "out-resized",
        "UserWarning: An output with one or more elements was resized since it had "
        "shape [4], which does not match the required output shape [3].",
        {"got_shape": [4], "want_shape": [3]},
    ),
)
