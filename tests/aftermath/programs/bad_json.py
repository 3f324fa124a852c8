import json

import torch

LINES = ['{"x": [1, 2, 3]}', '{"x": [4, 5, 6]}', '{"x": [7, 8, ']
model = torch.nn.Linear(3, 1)


def records(lines):
    for line in lines:
        yield json.loads(line)


for record in records(LINES):
    print(model(torch.tensor(record["x"], dtype=torch.float32)).item())
