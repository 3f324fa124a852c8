import argparse
import json

import torch
from factory import build

parser = argparse.ArgumentParser()
parser.add_argument("--config", required=True)
config = json.load(open(parser.parse_args().config))

net = build(config)
opt = getattr(torch.optim, config["optimizer"])(net.parameters(), lr=config["lr"])
for step in range(config["steps"]):
    x = torch.rand(4, 3, 20, 20)
    y = torch.randint(0, 5, (4,))
    loss = torch.nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
