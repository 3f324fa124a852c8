"""Live messages of numpy; einops, scikit-learn, PIL and matplotlib as text."""

PROVOKED = (
    ("numpy-matmul", "import numpy as np; np.ones((2, 3)) @ np.ones((4, 5))", {"got": 3, "want": 4}),
    ("numpy-matmul", "import numpy as np; np.ones((10, 784)) @ np.ones((128, 784))", {"got": 784, "want": 128}),
    (
        "numpy-dot",
        "import numpy as np; np.ones((2, 3)).dot(np.ones((4, 3)))",
        {"got": 3, "want": 4, "left_shape": [2, 3], "right_shape": [4, 3]},
    ),
    ("numpy-dot", "import numpy as np; np.dot(np.ones(3), np.ones(4))", {"got": 3, "want": 4}),
    ("numpy-matmul-rank", "import numpy as np; np.matmul(np.ones(()), np.ones(3))", {"rank": 0}),
    (
        "numpy-broadcast",
        "import numpy as np; np.ones((3, 4)) + np.ones((3, 5))",
        {"shape": [3, 4], "other_shape": [3, 5], "got": 4, "want": 5, "dim": -1},
    ),
    ("numpy-broadcast", "import numpy as np; np.ones((3, 224, 224)) - np.ones((224, 224, 3))", {"got": 224, "want": 3, "dim": -1}),
    ("numpy-broadcast", "import numpy as np; np.ones((10, 3)) * np.ones(10)", {"got": 3, "want": 10}),
    ("numpy-broadcast", "import numpy as np; np.ones((3, 4))[np.array([1, 2]), np.array([1, 2, 3])]", {"got": 2, "want": 3}),
    ("numpy-broadcast-remapped", "import numpy as np; np.broadcast_to(np.ones(3), (4, 4))", {"shape": [3], "want_shape": [4, 4]}),
    ("numpy-broadcast-args", "import numpy as np; np.broadcast_arrays(np.ones(3), np.ones(4))", {"shape": [3], "other_shape": [4]}),
    ("numpy-output", "import numpy as np; x = np.ones(3); x += np.ones((4, 3))", {"shape": [3], "want_shape": [4, 3]}),
    ("numpy-reshape", "import numpy as np; np.ones(10).reshape(3, 4)", {"size": 10, "want_shape": [3, 4]}),
    ("numpy-reshape", "import numpy as np; np.ones((28, 28, 3)).reshape(28, 28)", {"size": 2352, "want_shape": [28, 28]}),
    ("numpy-reshape", "import numpy as np; np.ones((20, 7)).reshape(32, 7)", {"size": 140}),
    ("numpy-reshape", "import numpy as np; np.ones(10).reshape(3, -1)", {"want_shape": [3, -1]}),
    (
        "numpy-assign",
        "import numpy as np; x = np.zeros((3, 24, 24)); x[0] = np.ones((24, 24, 3))",
        {"got_shape": [24, 24, 3], "want_shape": [24, 24]},
    ),
    ("numpy-concatenate-rank", "import numpy as np; np.concatenate([np.ones((2, 3)), np.ones(3)])", {"want_rank": 2, "rank": 1}),
    ("numpy-sequence", "import numpy as np; x = np.zeros(3); x[0] = [1, 2]", {}),
    ("numpy-axis", "import numpy as np; np.ones((3, 4)).sum(axis=2)", {"dim": 2, "rank": 2}),
    ("numpy-transpose", "import numpy as np; np.ones((3, 4)).transpose(2, 0, 1)", {}),
)

OLD = (
    ("image-shape", "TypeError: Invalid shape (3, 32, 32) for image data", {"shape": [3, 32, 32]}),
    ("image-shape", "TypeError: Invalid dimensions for image data", {}),
    ("pil-image", "TypeError: Cannot handle this data type: (1, 1, 3), <f4", {"shape": [1, 1, 3], "dtype": "<f4"}),
    ("pil-dims", "ValueError: pic should be 2/3 dimensional. Got 4 dimensions.", {"rank": 4}),
    ("pil-dims", "ValueError: pic should not have > 4 channels. Got 224 channels.", {"channels": 224}),
    (
        "plot-lengths",
        "ValueError: x and y must have same first dimension, but have shapes (10,) and (9,)",
        {"shape": [10], "other_shape": [9]},
    ),
    ("sklearn-samples", "ValueError: Found input variables with inconsistent numbers of samples: [10, 9]", {"shape": [10, 9]}),
    ("sklearn-features", "ValueError: X has 2 features, but StandardScaler is expecting 3 features as input.", {"got": 2, "want": 3}),
    (
        "sklearn-rank",
        "ValueError: Expected 2D array, got 1D array instead:\narray=[1. 1. 1.].\nReshape your data either using array.reshape(-1, 1)",
        {"rank": 1},
    ),
    ("sklearn-rank", "ValueError: Found array with dim 3, while dim <= 2 is required by StandardScaler.", {"dims": 3}),
    (
        "einops",
        'einops.EinopsError:  Error while processing rearrange-reduction pattern "b c (h p1) (w p2) -> b (h w) (p1 p2 '
        "c)\".\n Input tensor shape: torch.Size([1, 3, 250, 250]). Additional info: {'p1': 16, 'p2': 16}.\n Shape mismatch, "
        "can't divide axis of length 250 in chunks of 16",
        {"shape": [1, 3, 250, 250], "got": 250, "want": 16, "rest": 10, "pattern": "b c (h p1) (w p2) -> b (h w) (p1 p2 c)"},
    ),
    (
        "einops",
        'Error while processing rearrange-reduction pattern "b c h w -> b (h w) c".\n Input tensor shape: torch.Size([3, 32, '
        "32]). Additional info: {}.\n Wrong shape: expected 4 dims. Received 3-dim tensor.",
        {"shape": [3, 32, 32], "got": 3, "want": 4},
    ),
    (
        "einops",
        'Error while processing rearrange-reduction pattern "b n (h d qkv) -> qkv b h n d".\n Input tensor shape: '
        "torch.Size([2, 65, 100]). Additional info: {'h': 8, 'qkv': 3, 'd': 16}.\n Shape mismatch, 100 != 384",
        {"got": 100, "want": 384},
    ),
    ("einops-divide", "Shape mismatch, can't divide axis of length 250 in chunks of 16", {"got": 250, "want": 16}),
)
