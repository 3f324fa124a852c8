import numpy as np
import torch

rows = [["1.5", "2.0"], ["0.5", "1.0"], ["n/a", "3.0"], ["2.0", "2.5"]]
layer = torch.nn.Linear(2, 1)
for row in rows:
    values = np.array(row).astype("float32")
    print(layer(torch.from_numpy(values)).item())
