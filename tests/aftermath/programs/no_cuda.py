import torch
import torch.nn as nn


def main():
    model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 2))
    x = torch.randn(4, 10)
    print("warm up on the CPU", model(x).shape)
    device = torch.device("cuda:0")
    model.to(device)
    print(model(x.to(device)).shape)


if __name__ == "__main__":
    main()
