"""Messages of embedding tables, provoked."""

PROVOKED = (
    ("emb-oob", "nn.Embedding(10, 3)(torch.tensor([10]))", {}),
    ("emb-oob", "nn.Embedding(10, 3)(torch.tensor([[1, 2], [3, -1]]))", {}),
    ("emb-oob", "nn.Embedding(512, 8)(torch.arange(600))", {}),
    ("emb-bag-oob", "nn.EmbeddingBag(10, 3)(torch.tensor([1, 10]), torch.tensor([0]))", {"got": 10, "want": 10}),
    ("emb-bag-oob", "nn.EmbeddingBag(10, 3, mode='sum')(torch.tensor([[1, -1]]))", {"got": -1, "want": 10}),
    ("emb-bag-oob-max", "nn.EmbeddingBag(10, 3, mode='max')(torch.tensor([1, 12]), torch.tensor([0]))", {"got": 12}),
    ("emb-dtype", "nn.Embedding(10, 3)(torch.tensor([1.0]))", {"got": "torch.FloatTensor"}),
    ("emb-dtype", "nn.Embedding(10, 3)(torch.tensor([True]))", {}),
    ("emb-dtype", "nn.EmbeddingBag(10, 3)(torch.tensor([[1.0]]))", {}),
    ("emb-weight-rank", "F.embedding(torch.tensor([1]), torch.randn(3))", {}),
    ("emb-pretrained-rank", "nn.Embedding.from_pretrained(torch.randn(3))", {}),
    ("emb-weight-shape", "nn.Embedding(10, 3, _weight=torch.randn(4, 3))", {}),
    ("emb-padding-idx", "nn.Embedding(10, 3, padding_idx=10)", {}),
    ("emb-bag-offsets", "nn.EmbeddingBag(10, 3)(torch.tensor([1, 2]))", {}),
    ("emb-bag-offsets", "nn.EmbeddingBag(10, 3)(torch.tensor([[1, 2]]), torch.tensor([0]))", {}),
    ("emb-bag-offsets", "nn.EmbeddingBag(10, 3)(torch.tensor([1, 2]), torch.tensor([[0]]))", {}),
    ("emb-bag-rank", "nn.EmbeddingBag(10, 3)(torch.tensor([[[1, 2]]]))", {"rank": 3}),
    ("emb-bag-offset-range", "nn.EmbeddingBag(10, 3, mode='sum')(torch.tensor([1, 2]), torch.tensor([1]))", {"first": 1}),
    ("emb-bag-offset-range", "nn.EmbeddingBag(10, 3, mode='sum')(torch.tensor([1, 2]), torch.tensor([0, 5]))", {"got": 5, "want": 2}),
    (
        "emb-bag-weights",
        "nn.EmbeddingBag(10, 3, mode='sum')(torch.tensor([1, 2]), torch.tensor([0]), per_sample_weights=torch.ones(3))",
        {"got_shape": [3], "want_shape": [2]},
    ),
)
OLD = (
    (
        "emb-oob-old",
        "RuntimeError: index out of range: Tried to access index 30530 out of table with 30521 rows. at "
        "/pytorch/aten/src/TH/generic/THTensorEvenMoreMath.cpp:418",
        {"got": 30530, "want": 30522},
    ),
    ("emb-oob-old", "RuntimeError: index out of range at /pytorch/aten/src/TH/generic/THTensorEvenMoreMath.cpp:191", {}),
    (
        "emb-dtype",
        "RuntimeError: Expected tensor for argument #1 'indices' to have scalar type Long; but got CPUFloatType instead (while "
        "checking arguments for embedding)",
        {"got": "CPUFloatType", "want": "Long"},
    ),
    ("emb-weight-rank", "AssertionError: 'weight' must be 2-D, got 1-D", {"rank": 1}),
)
