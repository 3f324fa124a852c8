"""Live messages about dtypes."""

PROVOKED = (
    ("mm-dtype", "nn.Linear(3, 4)(torch.randn(2, 3).double())", {"got": "float64", "want": "float32"}),
    ("mm-dtype", "nn.Linear(3, 4)(torch.ones(2, 3).long())", {"got": "int64", "want": "float32"}),
    ("mm-dtype", "nn.Linear(3, 4).bfloat16()(torch.randn(2, 3))", {"got": "float32", "want": "bfloat16"}),
    ("mm-dtype", "torch.addmm(torch.zeros(2).double(), torch.zeros(2, 3), torch.zeros(3, 2))", {"got": "float64", "want": "float32"}),
    ("mm-dtype-names", "torch.randn(2, 3) @ torch.randn(3, 2).double()", {"got": "float32", "want": "float64"}),
    ("mm-dtype-names", "F.linear(torch.zeros(2, 3), torch.zeros(4, 3).half())", {"got": "float32", "want": "float16"}),
    ("dot-dtype", "torch.dot(torch.zeros(2), torch.zeros(2).double())", {"got": "float32", "want": "float64"}),
    (
        "input-dtypes",
        "torch.baddbmm(torch.zeros(1, 2, 2).double(), torch.zeros(1, 2, 3), torch.zeros(1, 3, 2))",
        {"got": "float32", "want": "float64"},
    ),
    ("input-dtypes", "nn.Bilinear(2, 3, 4)(torch.zeros(1, 2).double(), torch.zeros(1, 3).double())", {"got": "float64", "want": "float32"}),
    ("scalar-type", "torch.bmm(torch.zeros(2, 2, 3).double(), torch.zeros(2, 3, 2))", {"got": "float32", "want": "float64"}),
    ("scalar-type", "torch.einsum('ij,jk', torch.zeros(2, 3).double(), torch.zeros(3, 2))", {"got": "float32", "want": "float64"}),
    (
        "conv-dtype",
        "nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 8, 8).byte())",
        {
            "got": "uint8",
            "want": "float32",
        },
    ),
    ("conv-dtype", "nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 8, 8).double())", {"got": "float64", "want": "float32"}),
    ("found-dtype", "F.binary_cross_entropy(torch.rand(3), torch.ones(3).long())", {"got": "int64", "want": "float32"}),
    ("mixed-dtype", "nn.BatchNorm2d(3)(torch.zeros(1, 3, 8, 8).double())", {}),
    ("mixed-dtype", "nn.LayerNorm(3)(torch.zeros(1, 3).double())", {}),
    ("not-implemented", "nn.BatchNorm2d(3)(torch.zeros(1, 3, 8, 8).byte())", {"got": "uint8"}),
    ("not-implemented", "torch.softmax(torch.zeros(3).long(), 0)", {"got": "int64"}),
    ("not-implemented", "torch.zeros(3) & torch.ones(3)", {"got": "float32"}),
    ("output-dtype", "torch.zeros(3).long().mean()", {}),
    ("float-needed", "torch.linalg.inv(torch.zeros(2, 2).long())", {}),
    ("requires-grad", "torch.tensor([1, 2], requires_grad=True)", {}),
    ("result-cast", "x = torch.zeros(3).long(); x += torch.ones(3)", {"got": "float32", "want": "int64"}),
    ("result-cast", "F.dropout(torch.zeros(3).long())", {"got": "float32", "want": "int64"}),
    ("result-cast", "torch.cat([torch.zeros(2), torch.zeros(2).long()], out=torch.zeros(4).long())", {"want": "int64"}),
    ("index-put-dtype", "x = torch.zeros(3); x[torch.tensor([0])] = torch.ones(1).double()", {"got": "float64", "want": "float32"}),
    ("scatter-dtype", "torch.zeros(3).scatter_add_(0, torch.zeros(3).long(), torch.zeros(3).double())", {}),
    (
        "scatter-dtype",
        "torch.zeros(2).index_add_(0, torch.zeros(2).long(), torch.zeros(2).double())",
        {"got": "float64", "want": "float32"},
    ),
    ("mask-dtype", "torch.zeros(3).masked_fill(torch.zeros(3), 1)", {}),
    ("mask-dtype", "torch.zeros(3).masked_select(torch.zeros(3))", {}),
    ("mask-dtype", "torch.where(torch.zeros(3), torch.zeros(3), torch.ones(3))", {}),
    ("bool-subtract", "torch.ones(3).bool() - torch.ones(3).bool()", {}),
    ("bool-subtract", "1 - torch.ones(3).bool()", {}),
    ("invert-dtype", "~torch.zeros(3)", {}),
    (
        "lerp-dtype",
        "torch.lerp(torch.zeros(2), torch.zeros(2).double(), 0.5)",
        {
            "got": "float64",
            "want": "float32",
        },
    ),
    ("numpy-objects", "import numpy; torch.tensor(numpy.array([[1], [1, 2]], dtype=object))", {"got": "numpy.object_"}),
)

OLD = (
    ("scalar-type", "RuntimeError: expected scalar type Float but found Double", {"got": "float64", "want": "float32"}),
    (
        "object-scalar-type",
        "RuntimeError: Expected object of scalar type Long but got scalar type Float for argument #2 'target' in call to "
        "_thnn_nll_loss_forward",
        {"got": "float32", "want": "int64"},
    ),
    (
        "object-scalar-type",
        "RuntimeError: Expected object of type torch.FloatTensor but found type torch.DoubleTensor for argument #2 'mat2'",
        {"got": "float64", "want": "float32"},
    ),
    ("object-scalar-type", "Expected object of backend CPU but got backend CUDA for argument #4 'mat1'", {}),
    ("conv-dtype", "Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same", {"got": "float32"}),
    (
        "conv-dtype",
        "Input type (torch.FloatTensor) and weight type (torch.cuda.HalfTensor) should be the same or input should be a "
        "MKLDNN tensor and weight is a dense tensor",
        {"got": "float32", "want": "float16"},
    ),
    ("mm-dtype", "mat1 and mat2 must have the same dtype", {}),
    ("output-dtype", "Can only calculate the mean of floating types. Got Long instead.", {}),
    ("mixed-dtype", "RuntimeError: mixed dtype (CPU): expect parameter to have scalar type of Float", {}),
    ("in-place-promotion", "Promotion of int.add/sub_(float) in in-place ops are not possible due to element size change.", {}),
)
