import json
import socket
import threading

import torch
import torch.nn as nn


def sensor(server):
    """Another program, in earnest; here a thread that plays it."""
    connection, _ = server.accept()
    with connection:
        for i in range(6):
            width = 9 if i == 2 else 8
            message = {"x": [[float(j + k) for k in range(width)] for j in range(4)], "y": [0, 1, 0, 1]}
            connection.sendall(json.dumps(message).encode() + b"\n")


server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=sensor, args=(server,), daemon=True).start()
client = socket.create_connection(server.getsockname())

model = nn.Linear(8, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
with client.makefile() as stream:
    for line in stream:
        message = json.loads(line)
        x, y = torch.tensor(message["x"]), torch.tensor(message["y"])
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(len(x), "samples, loss", loss.item())
