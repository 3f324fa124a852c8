import torch
import torch.nn as nn
import torch.nn.functional as F


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 6 * 6, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = torch.flatten(x, 1)
        return self.fc(x)


def train(model, images, labels, epochs=2):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for i in range(0, len(images), 32):
            optimizer.zero_grad()
            F.cross_entropy(model(images[i : i + 32]), labels[i : i + 32]).backward()
            optimizer.step()


def predict(model, image):
    model.eval()
    with torch.no_grad():
        probs = model(image).softmax(-1)
    return int(probs.argmax(-1))


if __name__ == "__main__":
    torch.manual_seed(0)
    images, labels = torch.rand(256, 1, 12, 12), torch.randint(0, 10, (256,))
    net = DigitNet()
    train(net, images, labels)
    print("first digit:", predict(net, images[0]))
