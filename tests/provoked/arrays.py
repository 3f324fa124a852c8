"""Live messages of NumPy."""

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
    ("numpy-sequence", "import numpy as np; x = np.zeros(3); x[0] = [1, 2]", {}),
    ("numpy-axis", "import numpy as np; np.ones((3, 4)).sum(axis=2)", {"dim": 2, "rank": 2}),
    ("numpy-transpose", "import numpy as np; np.ones((3, 4)).transpose(2, 0, 1)", {}),
)
