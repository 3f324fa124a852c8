from torch import nn

KINDS = {"conv": nn.Conv2d, "bn": nn.BatchNorm2d, "linear": nn.Linear, "relu": nn.ReLU, "gap": nn.AdaptiveAvgPool2d, "flatten": nn.Flatten}


def build(config):
    layers = []
    for entry in config["layers"]:
        entry = dict(entry)
        kind = entry.pop("type")
        layers.append(KINDS[kind](**entry))
    return nn.Sequential(*layers)
